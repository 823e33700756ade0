"""Save and exact resume: which checkpoints a run has, which are kept, and which of them are whole."""

import math
import pathlib
import re

from absl import logging
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import wording
from dcgan.options import config
from dcgan.training import runs

_NUM_LATEST = 2  # kept, so that there is one before a damaged one
_TEMPORARY = re.compile(r'ckpt-\d+_temp.*')  # what a kill in mid-save leaves behind
_INDEX = re.compile(r'.*ckpt-(\d+)\.index')
_OPTIONS = 'options/.ATTRIBUTES/py_state'
# What TensorFlow raises on damaged checkpoints.
UNREADABLE = (tf.errors.OpError, AssertionError, IndexError, ValueError, RuntimeError)


class Best(tf.Module):
  """The best checkpoint so far, by a measure of which less is better. Its variables belong into the checkpoint."""

  def __init__(self):
    super().__init__(name='best')
    self._score = tf.Variable(math.inf, dtype=tf.float32, trainable=False, name='score')
    self._step = tf.Variable(-1, dtype=tf.int64, trainable=False, name='step')

  @property
  def step(self):
    """int, the minibatch with the least score, or -1."""
    return int(self._step)

  @property
  def score(self):
    """float, the least score, infinity before the first."""
    return float(self._score)

  def update(self, step, score):
    """Takes in the score (float) of minibatch `step`."""
    if score < float(self._score):
      self._score.assign(score)
      self._step.assign(step)

  def forget(self):
    """Starts anew, as before the first score."""
    self._score.assign(math.inf)
    self._step.assign(-1)


class Checkpoints:
  """The checkpoints of one run: `ckpt-STEP`, of which the latest two, the best and every n-th are kept.

  Args:
    folder: path of the folder that they are saved in: the run's, or another one in workers that do not keep the run.
    learner: `learner.Learner`.
    best: `Best`.
    monitor: `health.Monitor`. While a trouble is suspected that may be a collapse, the checkpoint before it is kept.
    **others: further objects with variables that belong into a checkpoint, by name.
  """

  def __init__(self, folder, learner, best, monitor, **others):
    self._folder = pathlib.Path(folder)
    self._learner = learner
    self._options = learner.options
    self._best = best
    self._monitor = monitor
    self._damaged = set()  # steps of checkpoints that could not be put back
    self._checkpoint = tf.train.Checkpoint(
        **learner.state, best=best, monitor=monitor, options=_Text(self._options.to_json()), **others,
        **{name: _Text(text) for name, text in learner.texts.items()})
    for path in self._folder.iterdir():
      if _TEMPORARY.fullmatch(path.name):
        tf.io.gfile.rmtree(str(path)) if path.is_dir() else path.unlink()

  def save(self, step):
    """Saves everything that the next step depends on as `ckpt-STEP`, then deletes what need not be kept.

    Raises:
      errors.InputError: there is no room for it; those before it are as they were.
    """
    path = str(self._folder / f'ckpt-{step}')
    self._learner.settle()
    try:
      self._checkpoint.write(path)
    except tf.errors.OpError as error:
      raise errors.InputError(f'{path}: cannot be saved ({errors.reason(error)}). Make room there, and go on from the '
                              f'checkpoint before it with {wording.flag("resume", self._folder)}.') from error
    files.wait_until_seen(f'{path}.index')
    runs.save_going_back(self._folder, None)
    every = self._options.periods.keep_every_steps
    self._damaged.discard(step)
    steps = _saved_steps(self._folder)
    whole = [other for other in steps if other <= step and other not in self._damaged]
    kept = whole[-_NUM_LATEST:] + [self._best.step] + [other for other in whole if every and other % every == 0]
    if self._monitor.suspected_since is not None:
      kept += [other for other in whole if other < self._monitor.suspected_since][-1:]
    for other in sorted(set(steps) - set(kept)):
      _delete(self._folder / f'ckpt-{other}')
    # What `tf.train.latest_checkpoint` reads, for programs that know nothing of ours.
    files.write_text(self._folder / 'checkpoint', f'model_checkpoint_path: "ckpt-{step}"\n' + ''.join(
        f'all_model_checkpoint_paths: "ckpt-{other}"\n' for other in _saved_steps(self._folder)))

  def go_back(self, run, step):
    """Puts back the checkpoint of an earlier minibatch, whatever its options, and deletes the later ones.

    Args:
      run: path of the run's folder.
      step: int, as in `step_before`.

    Raises:
      errors.InputError: it is damaged.
    """
    path = str(pathlib.Path(run) / f'ckpt-{step}')
    with naming(path):
      self._checkpoint.read(path).assert_consumed()
    if self._best.step not in _saved_steps(run):  # a better one, now of another past, had taken its place
      self._best.forget()
    for later in _saved_steps(self._folder):
      if later > step:
        _delete(self._folder / f'ckpt-{later}')

  def restore_latest(self, run, changed_at=None):
    """Puts back a run's latest checkpoint exactly, or where it is damaged, the one before it with a warning.

    Args:
      run: path of the run's folder.
      changed_at: int, the minibatch from which the run went on with other options when it was rolled back; those up
        to it may have been made with older ones. None where it never was.

    Raises:
      errors.InputError: there is none, all are damaged, or it was made with other options, which are named.
    """
    def restore(path):
      with naming(path):
        saved = read_options(path)
      is_before_change = changed_at is not None and _step_of(path) <= changed_at
      for name, then, now in config.differences(saved, self._options):
        if name not in config.FREE_ON_RESUME and not is_before_change:
          raise _OtherOptions(f'`{name}` ({now}): {path} was made with {then}, and a run goes on exactly. Put '
                              f'{run}/options.json back as it was, or start a new run with '
                              f'{wording.flag("init_from", path)}.')
      with naming(path):
        self._checkpoint.read(path).assert_consumed()
    newest_whole(run, restore)
    self._damaged = {step for step in _saved_steps(run) if step > int(self._checkpoint.global_step.numpy())}


class _OtherOptions(errors.InputError):
  """The checkpoint is good, but not of these options."""


class _Text(tf.train.experimental.PythonState):
  """A text in a checkpoint."""

  def __init__(self, text):
    self._text = text

  def serialize(self):
    return self._text

  def deserialize(self, string_value):
    pass  # whoever restores has compared it


def step_before(run, step):
  """Returns the minibatch (int) of a run's latest checkpoint before minibatch `step`, or None where there is none."""
  return max((other for other in _saved_steps(run) if other < step), default=None)


def steps(run):
  """Returns the minibatches of a run's checkpoints, list of int, ascending.

  Raises:
    errors.InputError: there is no such run.
  """
  runs.load_options(run)
  return _saved_steps(run)


def best_step(run):
  """Returns the minibatch (int) of a run's best checkpoint, or None where nothing was scored yet.

  Raises:
    errors.InputError: there is no such run, it has no checkpoint, or only damaged ones.
  """
  best = Best()
  newest_whole(run, lambda path: restore_partly(path, dict(best=best)))
  return best.step if best.step >= 0 else None


def path_of(run, step):
  """Returns the path (str) of a run's checkpoint at a minibatch; raises `errors.InputError` where there is none."""
  path = pathlib.Path(run) / f'ckpt-{step}'
  if not path.with_name(f'{path.name}.index').is_file():
    raise errors.InputError(f'`checkpoint` ({step}): {run} has none of that minibatch. It has '
                            f'{", ".join(map(str, _saved_steps(run))) or "none"}; more are kept with '
                            '`--keep_every_steps`.')
  return str(path)


def latest(run):
  """Returns the path (str) of a run's latest checkpoint that is there.

  Raises:
    errors.InputError: it has none.
  """
  runs.load_options(run)
  steps = _saved_steps(run)
  if not steps:
    raise errors.InputError(f'{run}: this run has no checkpoint yet. Wait for its first one, or train again with a '
                            'smaller `--checkpoint_every_steps`.')
  return str(pathlib.Path(run) / f'ckpt-{steps[-1]}')


def newest_whole(run, restore):
  """Calls `restore` on a run's checkpoints, the latest first, up to the first that is not damaged."""
  paths = [latest(run)]
  paths += [str(pathlib.Path(run) / f'ckpt-{step}') for step in _saved_steps(run)[-2::-1]]
  for path in paths:
    try:
      return restore(path)
    except _OtherOptions:
      raise
    except errors.InputError as error:
      if path == paths[-1]:
        raise
      logging.warning('%s The one before it is taken.', str(error).partition('. Use')[0] + '.')


def _step_of(path):
  return int(pathlib.Path(path).name.removeprefix('ckpt-'))


def _saved_steps(folder):
  """Returns the minibatches of the checkpoints in a folder, list of int, ascending."""
  paths = map(str, pathlib.Path(folder).glob('ckpt-*.index'))
  return sorted(int(match[1]) for match in map(_INDEX.fullmatch, paths) if match)


def _delete(path):
  """Deletes a checkpoint; its index first, so that a kill in between leaves none that looks whole."""
  path.with_name(f'{path.name}.index').unlink()
  for part in path.parent.glob(f'{path.name}.data-*'):
    part.unlink()


def read_options(path):
  """Returns the `config.Config` that a checkpoint was made with.

  Args:
    path: str, of the checkpoint.

  Raises:
    errors.InputError: what it holds are no options of a run.
    Exception: one of `UNREADABLE`: it is damaged.
  """
  return config.from_json(tf.train.load_checkpoint(path).get_tensor(_OPTIONS).decode('utf-8'))


def restore_partly(path, objects):
  """Restores `objects`, all of whose variables must be in the checkpoint, which may hold more."""
  with naming(path):
    tf.train.Checkpoint(**objects).read(path).expect_partial().assert_existing_objects_matched()


class naming:
  """Turns TensorFlow's many ways to say that a checkpoint cannot be restored into one line that names it."""

  def __init__(self, path):
    self._path = path

  def __enter__(self):
    return self

  def __exit__(self, kind, error, traceback):
    if isinstance(error, UNREADABLE):
      raise errors.InputError(f'{self._path}: cannot be restored ({errors.reason(error)}). Use another checkpoint, or '
                              'delete this one so that the one before it is taken.') from error
