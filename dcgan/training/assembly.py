"""The parts of a run put together: set, learner, health, checkpoints, and what happens every so often."""

import numpy as np
import tensorflow as tf

from dcgan.common import devices
from dcgan.common import errors
from dcgan.common import images
from dcgan.common import progress
from dcgan.control import arrangement
from dcgan.data import input_pipeline
from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import networks
from dcgan.options import config
from dcgan.training import actions
from dcgan.training import adversarial
from dcgan.training import checkpoints
from dcgan.training import encoding
from dcgan.training import estimate
from dcgan.training import health
from dcgan.training import loop
from dcgan.training import places
from dcgan.training import signals

_ENCODE_BATCH = 1024  # pictures of a set that are held at once


def build(options, manifest, strategy, storage):
  """Returns the `Assembly` of a run at its start.

  Args:
    options: `config.Config`.
    manifest: `manifests.Manifest` of its set.
    strategy: `tf.distribute.Strategy`.
    storage: a name from `config.STORAGES`.

  Raises:
    errors.InputError: the set or an option cannot be used.
  """
  training_set = input_pipeline.load_training_set(
      options.data.records, manifest, options.networks.image_size, options.data.crop, storage,
      options.data.holdout_fraction)
  is_arranged = options.training.learner == 'places' and options.places.controls_weight > 0
  targets = arrangement.read_targets(options.data.records, manifest, training_set) if is_arranged else None
  return Assembly(options, training_set, strategy, targets)


class Assembly:
  """The parts of a run.

  Attributes:
    options: its `config.Config`.
    learner: `learner.Learner`.
  """

  def __init__(self, options, training_set, strategy, targets=None):
    """Puts a run together at its start.

    Args:
      options: `config.Config`.
      training_set: `input_pipeline.TrainingSet`.
      strategy: `tf.distribute.Strategy`.
      targets: what places are arranged by, as `arrangement.read_targets` gives it, or None.
    """
    self.options = options
    if options.training.learner == 'adversarial':
      self.learner = adversarial.AdversarialLearner(options, strategy)
    elif options.training.learner == 'places':
      self.learner = places.PlaceLearner(options, strategy, training_set, targets)
    else:
      self.learner = encoding.EncoderLearner(options, strategy, training_set)
    self._set = training_set
    self._targets = targets
    self._strategy = strategy
    self._loss_ratio = health.LossRatio()
    self._monitor = health.Monitor()
    self._signals = signals.Signals(self.learner, training_set)
    self._best = checkpoints.Best()
    self._saved = {}

  def rebuilt(self, options):
    """Returns another `Assembly` of the same set, at its start, with other options."""
    return Assembly(options, self._set, self._strategy, self._targets)

  @property
  def text(self):
    """One line for the log."""
    size, training = self.options.networks.image_size, self.options.training
    compiled = ', compiled by XLA' if training.xla else ''
    held = 'in memory' if self._set.storage == 'memory' else 'streamed from their shards'
    held_out = f' ({len(self._set.held_out):,} held out)' if len(self._set.held_out) else ''
    return (f'{self._set.num_images:,} faces{held_out} at {size}×{size} {held}, {training.num_minibatches:,} '
            f'{self.options.data.minibatches} minibatches of {self.options.data.global_batch_size}, '
            f'{training.precision}{compiled} on {devices.describe(self._strategy)}.')

  @property
  def estimate(self):
    """What the run will take, some lines."""
    return estimate.text(self.learner, self._set)

  def real_images(self, num_images=latents.NUM_FIXED_POINTS):
    """Returns up to `num_images` of the pictures that are trained on, uint8 [num_images, size, size, 3]."""
    return self._set.some(self._set.trained_on, num_images)

  def checkpoints(self, folder):
    """Returns the `checkpoints.Checkpoints` that are saved in the folder that this process keeps the run in."""
    folder = str(folder)
    if folder not in self._saved:  # one for all uses: it remembers which are damaged
      self._saved[folder] = checkpoints.Checkpoints(folder, self.learner, self._best, self._monitor,
                                                    loss_ratio=self._loss_ratio, signals=self._signals)
    return self._saved[folder]

  def restore_latest(self, folder, run, changed_at=None):
    """Puts back a run's latest checkpoint that is whole.

    Args:
      folder: path of the folder that this process keeps the run in.
      run: path of the run's folder, to read checkpoints from.
      changed_at: as for `checkpoints.Checkpoints.restore_latest`.

    Raises:
      errors.InputError: as for that.
    """
    self.checkpoints(folder).restore_latest(run, changed_at)
    if changed_at is not None and self.learner.step <= changed_at:
      self.learner.take_options()

  def begin_at(self, encode):
    """Lets the pictures that are trained on begin where `encode`, of uint8 pictures, puts them."""
    trained_on = self._set.trained_on
    self.learner.begin_at(np.concatenate([encode(self._set.pictures(trained_on[i:i + _ENCODE_BATCH]))
                                          for i in range(0, len(trained_on), _ENCODE_BATCH)]))

  def warn_anew(self):
    """Lets a collapse that lasts be told once more, so that something can be done about it."""
    self._monitor.forget_told()

  def go_back(self, folder, run, step):
    """Puts back the checkpoint of an earlier minibatch, with these options, and deletes the later ones.

    Args:
      folder: path of the folder that this process keeps the run in.
      run: path of the run's folder, to read the checkpoint from.
      step: int.

    Raises:
      errors.InputError: it is damaged.
    """
    self.checkpoints(folder).go_back(run, step)
    self.learner.take_options()

  def save_gallery(self, folder):
    """Draws the gallery of the averaged generator into a run's folder."""
    z = self.learner.space.gallery(latents.NUM_FIXED_POINTS, self.options.training.seed)
    gallery.save(gallery.default_path(folder), self.learner.generator_ema, z, self.learner.step)

  def save_samples(self, path):
    """Draws the averaged generator at the run's 64 fixed points of Z, as its grids show them."""
    z = self.learner.space.sample(latents.NUM_FIXED_POINTS, self.options.training.seed)
    images.save_picture(path, images.make_grid(networks.generate(self.learner.generator_ema, z)))

  def save_reconstructions(self, path, num_pictures=16):
    """Draws pictures of the set, in rows of eight, and under each what the averaged generator makes at its place.

    Where pictures have no places, it draws samples.
    """
    numbers = self.learner.placed
    if numbers is None:
      return self.save_samples(path)
    num_pictures = min(num_pictures, len(numbers))
    num_pictures -= num_pictures % 8 if num_pictures > 8 else 0  # whole rows
    spread = np.linspace(0, len(numbers) - 1, num_pictures).astype(int)
    real = self._set.pictures(self._set.trained_on[numbers[spread]])
    made = networks.generate(self.learner.generator_ema, self.learner.space.places[spread])
    rows = [part for start in range(0, len(real), 8) for part in (real[start:start + 8], made[start:start + 8])]
    images.save_picture(path, images.make_grid(np.concatenate(rows), num_columns=min(8, len(real))))

  def train(self, folder, run, is_new, also_due=None):
    """Trains up to the last minibatch, or until something ends it.

    Args:
      folder: path of the folder that this process keeps the run in.
      run: path of the run's folder, to read checkpoints from.
      is_new: bool, whether the first grid of samples is to be drawn.
      also_due: callable of `folder` and this object that returns further actions for `loop.run`, which act when the
        samples are drawn and before the checkpoint is saved; or None. One that ends training by the clock has a method
        `secs_left`.

    Returns:
      What ended training early: a `signal.Signals`, a `health.Decision`, or None.

    Raises:
      health.Diverged: a loss or a gradient is no longer a number.
    """
    options, step = self.options, self.learner.step
    agree = devices.make_agree(self._strategy)
    _check_alike(agree, {'minibatch': step, 'precision': config.PRECISIONS.index(options.training.precision)})
    stats = actions.Stats(folder, tf.summary.create_file_writer(str(folder)))
    samples = actions.Samples(folder, self.learner, stats)
    due = [actions.Health(folder, self._signals.look, self._monitor, self._loss_ratio, stats, options,
                          lambda before: checkpoints.step_before(run, before), agree)]
    if options.periods.best_by != 'none':
      due.append(actions.Score(folder, self.learner, self.real_images(actions.NUM_SCORED), self._best, self._monitor,
                               stats, agree))
    due += [samples, *(also_due(folder, self) if also_due else ()),
            actions.Save(self.checkpoints(folder), stats, options.periods.checkpoint_every_steps)]
    if is_new:
      samples(step)
    try:
      secs_left = next((action.secs_left for action in due if hasattr(action, 'secs_left')), None)
      with progress.Progress(options.training.num_minibatches, 'training', 'minibatches', initial=step,
                             secs_left=secs_left) as display:
        log = actions.Log(stats, self._loss_ratio, display, options)
        return loop.run(self.learner, self._iterator(step), log, due, options.training.num_minibatches, agree)
    finally:
      stats.close()

  def _iterator(self, step):
    """Returns an iterator over the minibatches from `step` on, each replica's part after the other's."""
    seed, num_replicas = self.options.training.seed, self._strategy.num_replicas_in_sync
    num_minibatches = self.options.training.num_minibatches
    stages = self.learner.stages and self.learner.stages(num_minibatches)
    plan = input_pipeline.make_plan(self._set, self.options.data, num_minibatches, num_replicas, seed, stages)[step:]

    def of_worker(context):
      per_worker = num_replicas // context.num_input_pipelines
      first = context.input_pipeline_id * per_worker
      rows = plan[:, first:first + per_worker].reshape(-1, plan.shape[2])
      dataset = input_pipeline.make_dataset(self._set, rows)
      if not self.learner.wants_numbers:
        return dataset
      numbers = np.searchsorted(self._set.trained_on, rows)
      return tf.data.Dataset.zip((dataset, tf.data.Dataset.from_tensor_slices(numbers)))

    if devices.is_host(self._strategy):  # where nothing needs to be brought; what a strategy adds is not `untuned`
      return iter(of_worker(tf.distribute.InputContext()))
    return iter(self._strategy.distribute_datasets_from_function(of_worker))


def _check_alike(agree, values):
  """Raises `errors.InputError` in every worker where a number (dict by name) is not the same in all of them."""
  own = np.array(list(values.values()), np.float64)
  differences = agree(np.abs(own - agree(own)))
  for (name, value), difference in zip(values.items(), differences):
    if difference > 0.1:  # rounding of the mean is far below
      raise errors.InputError(f'the workers do not start alike: {name} ({value} here) differs. See that all read the '
                              'same checkpoints, give --precision, and start all of them again.')
