"""Puts a run together (set, networks, folder, actions) and trains it: from the start, or on from where it stopped."""

import contextlib
import dataclasses
import logging as standard_logging
import pathlib

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan import actions
from dcgan import checkpoints
from dcgan import devices
from dcgan import entry
from dcgan import errors
from dcgan import files
from dcgan import gallery
from dcgan import health
from dcgan import images
from dcgan import input_pipeline
from dcgan import latents
from dcgan import loop
from dcgan import progress
from dcgan import records
from dcgan import runs
from dcgan import trainer


@dataclasses.dataclass(frozen=True)
class Result:
  """What a session leaves: the run's folder, the global step, and the signal that ended it early, or None."""

  run: pathlib.Path
  global_step: int
  signal: object


def start(options, checkpoints_dir, note=None, init_from=None, flagfile=''):
  """Trains a new run.

  Nothing is written before the set was read, the networks were built and `init_from` was taken.

  Args:
    options: `config.Config`, valid.
    checkpoints_dir: str, the folder of all runs.
    note: str or None, added to the run's name.
    init_from: str or None, a run or checkpoint whose weights are taken.
    flagfile: str, the flags that repeat this run, kept in its folder as `flags.txt`.

  Returns:
    `Result`.

  Raises:
    errors.InputError: the set, `init_from` or an option cannot be used.
  """
  manifest = records.load_manifest(options.data.records)
  options = dataclasses.replace(options, data=dataclasses.replace(options.data, records_digest=manifest.digest))
  parts = _Parts(options, manifest)
  transfer = checkpoints.transfer(init_from, parts.trainer) if init_from else None
  name = [f'{pathlib.Path(options.data.records).name}{options.networks.image_size_px}']
  name += [f'from-{runs.short_name(pathlib.Path(transfer.source).parent)}'] if transfer else []
  name += [note] if note else []
  run = runs.make_run(checkpoints_dir, '-'.join(name))
  runs.save_options(run, options)
  files.write_text(run / 'flags.txt', flagfile)
  with _log_file(run):
    logging.info('Run %s: %s', run, parts.text)
    logging.info('Watch %s while it trains; the first one is grey.', run / 'samples_*.png')
    if transfer:
      logging.info('%s', transfer.text)
    images.save_picture(run / 'reals.png', images.make_grid(parts.some_real_images()))
    return parts.train(run, is_new=True)


def resume(run, options):
  """Goes on with a run, exactly as if it had never stopped.

  Args:
    run: str, the run's folder.
    options: its `config.Config`, with whatever was changed for the rest of it.

  Returns:
    `Result`.

  Raises:
    errors.InputError: there is no such run, it is at its end, its checkpoint is damaged, or its set is another one.
  """
  run = pathlib.Path(run)
  manifest = records.load_manifest(options.data.records)
  if manifest.digest != options.data.records_digest:
    raise errors.InputError(f'`records` ({options.data.records}): not the set that {run} was trained on, so it cannot '
                            f'go on exactly. Start a new run from it with --init_from={run}.')
  parts = _Parts(options, manifest)
  saver = parts.checkpoints(run)
  saver.restore_latest()
  step = parts.trainer.step
  if step >= options.training.num_minibatches:
    raise errors.InputError(f'`num_minibatches` ({options.training.num_minibatches}): {run} is at minibatch {step} '
                            f'already. Use more, as in --num_minibatches={2 * step}.')
  actions.drop_stats_after(run, step)
  runs.save_options(run, options)
  with _log_file(run):
    logging.info('Run %s goes on at minibatch %d: %s', run, step, parts.text)
    return parts.train(run, is_new=False)


class _Parts:
  """A decoded set, a trainer and its health, made from a run's options."""

  def __init__(self, options, manifest):
    self._options = options
    self._strategy = devices.build_strategy()
    self.trainer = trainer.Trainer(options, self._strategy)
    self._loss_ratio = health.LossRatio()
    self._set = input_pipeline.load_training_set(
        options.data.records, manifest, options.networks.image_size_px, options.data.crop_px)

  @property
  def text(self):
    """One line for the log."""
    size, training = self._options.networks.image_size_px, self._options.training
    return (f'{len(self._set.images):,} faces at {size}×{size}, {training.num_minibatches:,} '
            f'{self._options.data.minibatches} minibatches of {self._options.data.global_batch_size}, '
            f'{training.precision} on {devices.describe(self._strategy)}.')

  def some_real_images(self):
    """Returns up to 64 pictures from all over the set, uint8 [num_images, size, size, 3]."""
    num_images = len(self._set.images)
    return self._set.images[np.linspace(0, num_images - 1, min(num_images, latents.NUM_FIXED_POINTS)).astype(int)]

  def checkpoints(self, run):
    """Returns the `checkpoints.Checkpoints` of a run."""
    return checkpoints.Checkpoints(run, self.trainer, self._loss_ratio)

  def train(self, run, is_new):
    """Trains up to the end or a signal, and returns the `Result`."""
    options, step = self._options, self.trainer.step
    plan = input_pipeline.make_plan(self._set, options.data, options.training.num_minibatches, options.training.seed)
    dataset = input_pipeline.make_dataset(self._set.images, plan[step:])
    iterator = iter(self._strategy.experimental_distribute_dataset(dataset))
    writer = tf.summary.create_file_writer(str(run))
    with progress.Progress(options.training.num_minibatches, 'training', 'minibatches', initial=step) as display:
      log = actions.Log(run, self._loss_ratio, writer, display, options.data.global_batch_size,
                        options.periods.log_every_steps)
      samples = actions.Samples(run, self.trainer, options, writer)
      save = actions.Save(self.checkpoints(run), writer, options.periods.checkpoint_every_steps)
      if is_new:
        samples(step)
      ended_by = loop.run(self.trainer, iterator, log, [samples, save], options.training.num_minibatches)
    writer.close()
    gallery.save(gallery.default_path(run), self.trainer.generator_ema, options.training.seed)
    result = Result(run=run, global_step=self.trainer.step, signal=ended_by)
    if not ended_by:
      logging.info('Done: %d minibatches. Choose two expressions of %s and animate them with: python -m tools.animate '
                   '--run=%s --source=A --target=B', result.global_step, gallery.default_path(run), run)
    else:
      logging.info('%s at minibatch %d: saved. Go on with: python -m dcgan.train --resume=%s', ended_by.name,
                   result.global_step, run)
    return result


@contextlib.contextmanager
def _log_file(run):
  """Copies the log lines, and the error that ends the run, into `log.txt` of a run."""
  handler = standard_logging.FileHandler(pathlib.Path(run) / 'log.txt', encoding='utf-8')
  handler.setFormatter(entry.LOG_FORMAT)
  logger = logging.get_absl_logger()
  logger.addHandler(handler)
  try:
    yield
  except errors.InputError as error:
    handler.emit(logger.makeRecord(logger.name, standard_logging.ERROR, __file__, 0, f'error: {error}', (), None))
    raise
  finally:
    logger.removeHandler(handler)
    handler.close()
