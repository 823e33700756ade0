"""Trains a run in its folder: from the start, on from where it stopped, or anew from before a collapse."""

import contextlib
import dataclasses
import logging as standard_logging
import pathlib
import re
import signal
import tempfile

from absl import logging
import tensorflow as tf

from dcgan.common import devices
from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import files
from dcgan.common import images
from dcgan.common import wording
from dcgan.data import manifests
from dcgan.model import gallery
from dcgan.options import recipes
from dcgan.training import actions
from dcgan.training import assembly
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import transfers


_MORE_HELP = f'More photos help, and a model of many faces to start from (--init_from={transfers.SHIPPED}).'


@dataclasses.dataclass(frozen=True)
class Result:
  """What a session leaves: the run's folder, the global step, and the signal that ended it early, or None."""

  run: pathlib.Path
  global_step: int
  signal: object


def start(options, checkpoints_dir, note=None, init_from=None, flagfile='', strategy=None, storage='auto',
          also_due=None):
  """Trains a new run.

  Nothing is written before the set was read, the networks were built and `init_from` was taken.

  Args:
    options: `config.Config`, valid.
    checkpoints_dir: str, the folder of all runs.
    note: str or None, added to the run's name.
    init_from: str or None, the model whose weights are taken, as for `transfers.load_donor`.
    flagfile: str, the flags that repeat this run, kept in its folder as `flags.txt`.
    strategy: `tf.distribute.Strategy`; None for what there is.
    storage: a name from `config.STORAGES`: whether the decoded set is held in memory.
    also_due: further actions, as for `assembly.Assembly.train`.

  Returns:
    `Result`.

  Raises:
    errors.InputError: the set, `init_from` or an option cannot be used.
  """
  strategy = strategy or devices.build_strategy()
  parts, donor, report = _at_its_start(options, init_from, strategy, storage)
  options = parts.options
  name = runs.name_of(options.data.records, options.networks.image_size, donor and donor.name, note)
  with (_folder(strategy, lambda: runs.make_run(checkpoints_dir, name)) as run, _log_file(run),
        _explained(strategy)):
    runs.save_options(run, options)
    files.write_text(run / 'flags.txt', flagfile)
    logging.info('Run %s: %s', run, parts.text)
    logging.info('Watch %s while it trains; the first one is %s.', run / 'samples_*.png',
                 f'what {donor.name} makes' if donor else 'grey')
    if report:
      logging.info('%s', report.text)
      transfers.save_report(run, report)
    images.save_picture(run / 'reals.png', images.make_grid(parts.real_images()))
    if options.health.on_collapse != 'warn':
      parts.checkpoints(run).save(0)  # so that there is one before any collapse
    ended_by, step = _train(run, run, parts, is_new=True, also_due=also_due)
    return _told(ended_by, run if devices.is_chief(strategy) else pathlib.Path(checkpoints_dir), step, strategy)


def resume(run, options, strategy=None, storage='auto', also_due=None):
  """Goes on with a run, exactly as if it had never stopped.

  Args:
    run: str, the run's folder.
    options: its `config.Config`, with whatever was changed for the rest of it.
    strategy: as for `start`; it may be another one than before.
    storage: as for `start`.
    also_due: as for `start`.

  Returns:
    `Result`.

  Raises:
    errors.InputError: there is no such run, it is at its end, its checkpoints are damaged, or its set is another one.
  """
  run = pathlib.Path(run)
  for name, value in runs.lost_options(run):
    raise errors.InputError(f'`{name}` ({value}): {run} was trained with it, and this version no longer has it, so it '
                            f'cannot go on exactly. Start a new run with {wording.flag("init_from", run)}.')
  _check_found(run, options.data.records)
  manifest = manifests.load(options.data.records)
  if not manifest.has_digest(options.data.records_digest):
    raise errors.InputError(f'`records` ({options.data.records}): not the set that {run} was trained on, so it cannot '
                            f'go on exactly. Start a new run from it with {wording.flag("init_from", run)}.')
  strategy = strategy or devices.build_strategy()
  with _explained(strategy):
    parts = assembly.build(options, manifest, strategy, storage)
  with _folder(strategy, lambda: run) as folder, _log_file(folder), _explained(strategy):
    files.remove_leftovers(folder)
    to_step = runs.load_going_back(run)
    if to_step is None:
      parts.restore_latest(folder, run, health.changed_at(run))
      if options.health.on_collapse != 'warn':
        parts.warn_anew()  # of what was only told so far
    else:
      parts.go_back(folder, run, to_step)
    step = parts.learner.step
    if step == options.training.num_minibatches and not gallery.is_drawn(run, step):
      parts.save_gallery(folder)  # it was killed behind its last checkpoint
      return _told(None, run, step, strategy)
    if step >= options.training.num_minibatches:
      raise errors.InputError(f'`num_minibatches` ({options.training.num_minibatches}): {run} is at minibatch {step} '
                              f'already. Use more, as in --num_minibatches={2 * step}.')
    actions.drop_after(folder, step)
    runs.save_options(folder, options)
    logging.info('Run %s goes on at minibatch %d: %s', run, step, parts.text)
    # At 0 it was killed between its first checkpoint and its first grid, or went back to there: the same grid again.
    ended_by, step = _train(folder, run, parts, is_new=step == 0, also_due=also_due)
    return _told(ended_by, run, step, strategy)


def _check_found(run, prefix):
  """Raises `errors.InputError` where the set of a run is not where its options, or --records, say."""
  path = manifests.path_of(prefix).absolute()
  if not path.is_file():
    raise errors.InputError(f'`records` ({prefix}): the set that {run} was trained on was not found: {path} is not '
                            'there. Give its place with --records=FOLDER/NAME, or use the folder that the run was '
                            'started in.')


def describe(options, init_from, strategy, storage='auto'):
  """Returns what a run with these options would be, as text: options, sizes, memory, minibatches in a pass.

  Args:
    options: `config.Config`.
    init_from: as for `start`.
    strategy: as for `start`.
    storage: as for `start`.

  Raises:
    errors.InputError: the set, `init_from` or an option cannot be used.
  """
  parts, _, report = _at_its_start(options.validate(), init_from, strategy, storage)
  taken = f'{report.text}\n' if report else ''
  return f'{parts.options.to_json()}{taken}{parts.text}\n{parts.estimate}'


def _at_its_start(options, init_from, strategy, storage):
  """Returns (`assembly.Assembly`, `transfers.Donor`, `transfers.Report`) of a new run; the last two may be None."""
  if not init_from and options.training.transfer not in ('auto', 'full'):
    raise errors.InputError(f'`transfer` ({options.training.transfer}) needs a model to start from. Use --init_from='
                            f'{transfers.SHIPPED}, or leave it out.')
  manifest = manifests.load(options.data.records)
  options = options.replace('data', records_digest=manifest.digest, align=manifest.align)
  donor = transfers.load_donor(init_from) if init_from else None
  if options.training.transfer == 'auto':
    options = options.replace('training', transfer=transfers.choose(donor, options, manifest) if donor else 'full')
  if donor and donor.model.options.networks.z_map:
    options = options.replace('networks', z_map=True)
  if options.places.places_start == 'auto':
    options = options.replace('places', places_start=transfers.choose_start(donor, options))
  transfers.check_start(donor, options)
  with _explained(strategy):
    parts = assembly.build(options, manifest, strategy, storage)
    report = transfers.transfer(donor, parts.learner, manifest) if donor else None
    if options.places.places_start == 'encoder':
      parts.begin_at(lambda pictures: transfers.encode(donor, pictures))
    return parts, donor, report


def _train(folder, run, parts, is_new, also_due):
  """Trains to the end, going back where a run collapses; returns (signal or decision that ended it early, global step).

  Args:
    folder: path of the folder that this process keeps the run in.
    run: path of the run's folder, from which checkpoints are read; another one in workers that do not keep the run.
    parts: `assembly.Assembly`.
    is_new: bool, whether it is at its start.
    also_due: as for `start`.
  """
  num_rollbacks = health.num_rollbacks(run)
  while True:
    try:
      ended_by = parts.train(folder, run, is_new, also_due)
    except health.Diverged as error:
      verdict = health.Verdict('diverged', parts.learner.step, str(error).partition('. ')[0] + '.')
      ended_by = health.decide(parts.options.health, verdict, checkpoints.step_before(run, verdict.since_step))
      if not ended_by or ended_by.to_step is None:
        health.write_verdict(folder, verdict.since_step, verdict, 'warn')
        raise
    if not isinstance(ended_by, health.Decision) or ended_by.action == 'enough':
      parts.save_gallery(folder)
      return ended_by if isinstance(ended_by, signal.Signals) else None, parts.learner.step
    if ended_by.to_step is None:
      return _stopped_in_place(folder, parts, ended_by), parts.learner.step
    parts = _gone_back(folder, run, parts, ended_by, num_rollbacks)
    if ended_by.action == 'stop' or num_rollbacks >= parts.options.health.max_rollbacks:
      parts.save_gallery(folder)
      return ended_by, parts.learner.step
    num_rollbacks, is_new = num_rollbacks + 1, False


def _stopped_in_place(folder, parts, decision):
  """Saves a run of which no good checkpoint is left, and tells of it; returns the decision."""
  logging.warning('%s Stopping; no checkpoint from before it is there to go back to. %s', decision.verdict.sentence,
                  _MORE_HELP)
  health.write_verdict(folder, parts.learner.step, decision.verdict, 'stop')
  parts.checkpoints(folder).save(parts.learner.step)
  parts.save_gallery(folder)
  return decision


def _gone_back(folder, run, parts, decision, num_rollbacks):
  """Returns the `assembly.Assembly` of the checkpoint to go back to, with a changed recipe where it is to train on."""
  step, options = parts.learner.step, parts.options
  told = f'Going back to minibatch {decision.to_step:,}, the last good one, and stopping. {_MORE_HELP}'
  action, change = 'stop', None
  if decision.action == 'rollback' and num_rollbacks < options.health.max_rollbacks:
    options, change = recipes.next_recipe(options, decision.verdict.kind == 'diverged',
                                          float(parts.learner.augmentation.probability.numpy()))
    action, told = 'rollback', f'Rolling back to minibatch {decision.to_step:,} with {change}.'
  elif decision.action == 'rollback':
    told = f'After {wording.counted(num_rollbacks, "rollback")} it came again. {told}'
  logging.warning('%s %s', decision.verdict.sentence, told)
  parts.save_samples(pathlib.Path(folder) / f'collapse_{step:06d}.png')
  gone_back = parts.rebuilt(options)
  # Whenever it is stopped from here on, the run goes on from there, with the new options or to the same verdict again.
  runs.save_going_back(folder, decision.to_step)
  runs.save_options(folder, options)
  actions.drop_after(folder, decision.to_step)
  gone_back.go_back(folder, run, decision.to_step)
  health.write_verdict(folder, step, decision.verdict, action, to_step=decision.to_step, changes=change)
  return gone_back


def _told(ended_by, run, step, strategy):
  """Logs how training ended and what comes next; returns the `Result`."""
  if not devices.is_chief(strategy):
    name = ended_by.name if isinstance(ended_by, signal.Signals) else 'Done'
    logging.info('%s at minibatch %d; the chief keeps the run.', name, step)
  elif isinstance(ended_by, health.Decision):
    logging.info('Stopped: %s is as it was at minibatch %d%s.', run, step,
                 '' if ended_by.to_step is None else ', before the collapse')
  elif not ended_by:
    logging.info('Done: %d minibatches. Animate two expressions that are chosen by themselves with: python -m '
                 'tools.animate %s, or choose from %s and add --source=A --target=B', step, wording.flag('run', run),
                 gallery.default_path(run))
  else:
    saved = checkpoints.steps(run)[-1:]
    kept = 'saved' if saved == [step] else f'it goes on from minibatch {saved[0]}' if saved else 'nothing is saved yet'
    logging.info('%s at minibatch %d: %s. Go on with: python -m dcgan.train %s', ended_by.name, step, kept,
                 wording.flag('resume', run))
  return Result(run=run, global_step=step, signal=ended_by if isinstance(ended_by, signal.Signals) else None)


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
