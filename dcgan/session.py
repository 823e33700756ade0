"""Puts a run together (set, networks, folder, actions) and trains it: from the start, or on from where it stopped."""

import contextlib
import dataclasses
import logging as standard_logging
import pathlib
import re
import tempfile

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan import actions
from dcgan import batch_plan
from dcgan import checkpoints
from dcgan import config
from dcgan import devices
from dcgan import entry
from dcgan import errors
from dcgan import estimate
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


def start(options, checkpoints_dir, note=None, init_from=None, flagfile='', strategy=None, storage='auto'):
  """Trains a new run.

  Nothing is written before the set was read, the networks were built and `init_from` was taken.

  Args:
    options: `config.Config`, valid.
    checkpoints_dir: str, the folder of all runs.
    note: str or None, added to the run's name.
    init_from: str or None, a run or checkpoint whose weights are taken.
    flagfile: str, the flags that repeat this run, kept in its folder as `flags.txt`.
    strategy: `tf.distribute.Strategy`; None for what there is.
    storage: a name from `config.STORAGES`: whether the decoded set is held in memory.

  Returns:
    `Result`.

  Raises:
    errors.InputError: the set, `init_from` or an option cannot be used.
  """
  manifest = records.load_manifest(options.data.records)
  options = options.replace('data', records_digest=manifest.digest)
  strategy = strategy or devices.build_strategy()
  with _explained(strategy):
    parts = _Parts(options, manifest, strategy, storage)
    transfer = checkpoints.transfer(init_from, parts.trainer) if init_from else None
  name = [f'{pathlib.Path(options.data.records).name}{options.networks.image_size_px}']
  name += [f'from-{runs.short_name(pathlib.Path(transfer.source).parent)}'] if transfer else []
  name += [note] if note else []
  with (_folder(strategy, lambda: runs.make_run(checkpoints_dir, '-'.join(name))) as run, _log_file(run),
        _explained(strategy)):
    runs.save_options(run, options)
    files.write_text(run / 'flags.txt', flagfile)
    logging.info('Run %s: %s', run, parts.text)
    logging.info('Watch %s while it trains; the first one is grey.', run / 'samples_*.png')
    if transfer:
      logging.info('%s', transfer.text)
    images.save_picture(run / 'reals.png', images.make_grid(parts.real_images()))
    ended_by = parts.train(run, parts.checkpoints(run), is_new=True)
    return _told(ended_by, run if devices.is_chief(strategy) else pathlib.Path(checkpoints_dir), parts.trainer.step,
                 strategy)


def resume(run, options, strategy=None, storage='auto'):
  """Goes on with a run, exactly as if it had never stopped.

  Args:
    run: str, the run's folder.
    options: its `config.Config`, with whatever was changed for the rest of it.
    strategy: as for `start`; it may be another one than before.
    storage: as for `start`.

  Returns:
    `Result`.

  Raises:
    errors.InputError: there is no such run, it is at its end, its checkpoints are damaged, or its set is another one.
  """
  run = pathlib.Path(run)
  manifest = records.load_manifest(options.data.records)
  if manifest.digest != options.data.records_digest:
    raise errors.InputError(f'`records` ({options.data.records}): not the set that {run} was trained on, so it cannot '
                            f'go on exactly. Start a new run from it with --init_from={run}.')
  strategy = strategy or devices.build_strategy()
  with _explained(strategy):
    parts = _Parts(options, manifest, strategy, storage)
  with _folder(strategy, lambda: run) as folder, _log_file(folder), _explained(strategy):
    saved = parts.checkpoints(folder)
    saved.restore_latest(run)
    step = parts.trainer.step
    if step >= options.training.num_minibatches:
      raise errors.InputError(f'`num_minibatches` ({options.training.num_minibatches}): {run} is at minibatch {step} '
                              f'already. Use more, as in --num_minibatches={2 * step}.')
    actions.drop_stats_after(folder, step)
    runs.save_options(folder, options)
    logging.info('Run %s goes on at minibatch %d: %s', run, step, parts.text)
    return _told(parts.train(folder, saved, is_new=False), run, parts.trainer.step, strategy)


def describe(options, strategy, storage='auto'):
  """Returns what a run with these options would be, as text: options, sizes, memory, minibatches in a pass.

  Args:
    options: `config.Config`.
    strategy: as for `start`.
    storage: as for `start`.

  Raises:
    errors.InputError: the set or an option cannot be used.
  """
  with _explained(strategy):
    parts = _Parts(options.validate(), records.load_manifest(options.data.records), strategy, storage)
    return f'{options.to_json()}{parts.text}\n{parts.estimate}'


def _told(ended_by, run, step, strategy):
  """Logs how training ended and what comes next; returns the `Result`."""
  if not devices.is_chief(strategy):
    logging.info('%s at minibatch %d; the chief keeps the run.', ended_by.name if ended_by else 'Done', step)
  elif not ended_by:
    logging.info('Done: %d minibatches. Choose two expressions of %s and animate them with: python -m tools.animate '
                 '--run=%s --source=A --target=B', step, gallery.default_path(run), run)
  else:
    logging.info('%s at minibatch %d: saved. Go on with: python -m dcgan.train --resume=%s', ended_by.name, step, run)
  return Result(run=run, global_step=step, signal=ended_by)


@contextlib.contextmanager
def _folder(strategy, make):
  """Yields the run's folder in the process that keeps the run; others work alike in one of their own, then deleted.

  All workers must take part in saving and drawing: some of what is saved is gathered from all of them.

  Raises:
    errors.InputError: another process trains in the folder.
  """
  if devices.is_chief(strategy):
    folder = make()
    with runs.locked(folder):
      yield folder
  else:
    with tempfile.TemporaryDirectory(prefix='dcgan-worker-') as folder:
      yield pathlib.Path(folder)


class _Parts:
  """A set, a trainer, its health and its best checkpoint, made from a run's options."""

  def __init__(self, options, manifest, strategy, storage):
    self._options = options
    self._strategy = strategy
    self.trainer = trainer.Trainer(options, strategy)
    self._loss_ratio = health.LossRatio()
    self._best = checkpoints.Best()
    self._set = input_pipeline.load_training_set(
        options.data.records, manifest, options.networks.image_size_px, options.data.crop_px, storage)

  @property
  def text(self):
    """One line for the log."""
    size, training = self._options.networks.image_size_px, self._options.training
    compiled = ', compiled by XLA' if training.xla else ''
    held = 'in memory' if self._set.storage == 'memory' else 'streamed from their shards'
    return (f'{self._set.num_images:,} faces at {size}×{size} {held}, {training.num_minibatches:,} '
            f'{self._options.data.minibatches} minibatches of {self._options.data.global_batch_size}, '
            f'{training.precision}{compiled} on {devices.describe(self._strategy)}.')

  @property
  def estimate(self):
    """What the run will take, some lines."""
    return estimate.text(self.trainer, self._set)

  def real_images(self, num_images=latents.NUM_FIXED_POINTS):
    """Returns up to `num_images` pictures from all over the set, uint8 [num_images, size, size, 3]."""
    num_all = self._set.num_images
    return self._set.pictures(np.linspace(0, num_all - 1, min(num_all, num_images)).astype(int))

  def checkpoints(self, folder):
    """Returns the `checkpoints.Checkpoints` that are saved in the folder that this process keeps the run in."""
    return checkpoints.Checkpoints(folder, self.trainer, self._loss_ratio, self._best)

  def train(self, run, saved, is_new):
    """Trains up to the end or a signal, in the folder `run` of the checkpoints `saved`; returns the signal or None."""
    options, step = self._options, self.trainer.step
    agree = devices.make_agree(self._strategy)
    _check_alike(agree, {'minibatch': step, 'precision': config.PRECISIONS.index(options.training.precision)})
    stats = actions.Stats(run, tf.summary.create_file_writer(str(run)))
    samples = actions.Samples(run, self.trainer, stats)
    due = [samples]
    if options.periods.best_by != 'none':
      due.append(actions.Score(self.trainer, self.real_images(actions.NUM_SCORED), self._best, stats))
    due.append(actions.Save(saved, stats, options.periods.checkpoint_every_steps))
    if is_new:
      samples(step)
    with progress.Progress(options.training.num_minibatches, 'training', 'minibatches', initial=step) as display:
      log = actions.Log(stats, self._loss_ratio, display, options)
      ended_by = loop.run(self.trainer, self._iterator(step), log, due, options.training.num_minibatches, agree)
    stats.close()
    gallery.save(gallery.default_path(run), self.trainer.generator_ema, options.training.seed)
    return ended_by

  def _iterator(self, step):
    """Returns an iterator over the minibatches from `step` on, each replica's part after the other's."""
    seed, num_replicas = self._options.training.seed, self._strategy.num_replicas_in_sync
    plan = input_pipeline.make_plan(self._set, self._options.data, self._options.training.num_minibatches, seed)
    num_companions = self.trainer.num_companions
    plan = batch_plan.with_companions(plan, self._set.num_images, num_companions, num_replicas, seed)[step:]

    def of_worker(context):
      per_worker = num_replicas // context.num_input_pipelines
      first = context.input_pipeline_id * per_worker
      rows = plan[:, first:first + per_worker]
      return input_pipeline.make_dataset(self._set, rows.reshape(-1, plan.shape[2]))

    return iter(self._strategy.distribute_datasets_from_function(of_worker))


def _check_alike(agree, values):
  """Raises `errors.InputError` in every worker where a number (dict by name) is not the same in all of them."""
  own = np.array(list(values.values()), np.float64)
  differences = agree(np.abs(own - agree(own)))
  for (name, value), difference in zip(values.items(), differences):
    if difference > 0.1:  # rounding of the mean is far below
      raise errors.InputError(f'the workers do not start alike: {name} ({value} here) differs. See that all read the '
                              'same checkpoints, give --precision, and start all of them again.')


@contextlib.contextmanager
def _explained(strategy):
  """Turns what a device, or another worker, ends a run with into one line that says what to do."""
  try:
    yield
  except (tf.errors.ResourceExhaustedError, MemoryError) as error:
    raise errors.InputError(f'out of memory on {devices.describe(strategy)} ({errors.reason(error)}). Lower '
                            '`--global_batch_size`, `--channels` or `--image_size`, or try --precision=bfloat16 or '
                            '--storage=stream.') from error
  except tf.errors.InvalidArgumentError as error:
    # A streamed record that changed since the set was read; the reader tells which.
    damaged = re.search(r'\S*\.tfrecord-\S+ record \d+: [^\n]*', str(error.message))
    if damaged:
      raise errors.InputError(damaged[0]) from error
    if re.search(r'decode|Unknown image file format', str(error.message)):
      raise errors.InputError(f'a record cannot be decoded ({errors.reason(error)}). Find it with `python -m '
                              'tools.show_records --verify`, and make the set again.') from error
    raise
  except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError,
          tf.errors.InternalError) as error:
    if not devices.is_multi_worker(strategy):
      raise
    raise errors.InputError(f'another worker was lost ({type(error).__name__}: {errors.reason(error)[:200]}). Start '
                            'all of them again with --resume and the folder that the chief trains in: the run goes on '
                            'from its last checkpoint.') from error


@contextlib.contextmanager
def _log_file(run):
  """Copies the log lines, and the error that ends the run, into `log.txt` of a run."""
  handler = standard_logging.FileHandler(pathlib.Path(run) / 'log.txt', encoding='utf-8')
  handler.setFormatter(entry.LOG_FORMAT)
  handler.handleError = lambda record: None  # a full disk must not hide what ended the run: saving tells of it
  logger = logging.get_absl_logger()
  logger.addHandler(handler)
  try:
    yield
  except errors.InputError as error:
    handler.emit(logger.makeRecord(logger.name, standard_logging.ERROR, __file__, 0, f'error: {error}', (), None))
    raise
  finally:
    logger.removeHandler(handler)
    with contextlib.suppress(OSError):
      handler.close()
