"""Save, exact resume, transfer from another run, and the averaged generator for those who only look."""

import dataclasses
import pathlib
import re

from absl import logging
import tensorflow as tf

from dcgan import errors
from dcgan import networks
from dcgan import runs

_NUM_KEPT = 3
_TEMPORARY = re.compile(r'ckpt-\d+_temp.*')  # what a kill in mid-save leaves behind
_CHECKPOINT = re.compile(r'(.*ckpt-\d+)(\.index|\.data-\d+-of-\d+)?')


class Checkpoints:
  """The checkpoints of one run: `ckpt-STEP`, the last three of them.

  Args:
    run: path of the run's folder.
    trainer: `trainer.Trainer`.
    loss_ratio: `health.LossRatio`.
  """

  def __init__(self, run, trainer, loss_ratio):
    self._run = pathlib.Path(run)
    self._checkpoint = tf.train.Checkpoint(
        generator=trainer.generator, discriminator=trainer.discriminator, generator_ema=trainer.generator_ema,
        generator_optimizer=trainer.generator_optimizer, discriminator_optimizer=trainer.discriminator_optimizer,
        global_step=trainer.global_step, loss_ratio=loss_ratio)
    self._manager = tf.train.CheckpointManager(self._checkpoint, str(run), max_to_keep=_NUM_KEPT)
    _remove_temporaries(self._run)

  def save(self, step):
    """Saves everything that the next step depends on as `ckpt-STEP`; returns its path."""
    return self._manager.save(checkpoint_number=step)

  def restore_latest(self):
    """Puts back the latest checkpoint exactly.

    Raises:
      errors.InputError: there is none, or it is damaged or of other networks.
    """
    path = latest(self._run)
    with _naming(path):
      self._checkpoint.restore(path).assert_consumed()


@dataclasses.dataclass(frozen=True)
class Transfer:
  """What a transfer took.

  Attributes:
    source: str, path of the checkpoint.
    num_matched: int, variables taken.
    left: tuple of str, the variables for which the source has none of that name and shape.
  """

  source: str
  num_matched: int
  left: tuple

  @property
  def text(self):
    """One line for the log."""
    num_all = self.num_matched + len(self.left)
    rest = f'; left at their start: {", ".join(self.left)}' if self.left else ''
    return f'Took {self.num_matched} of {num_all} variables from {self.source}, with fresh optimizers{rest}.'


def transfer(source, trainer):
  """Copies the weights of another run into a new trainer: the report's Universal Face Model (experiment 5).

  Generator, discriminator and averaged generator are taken, variable by variable, where name and shape agree. The
  optimizers and the global step stay fresh, so the averaged generator follows the new pictures from the first
  minibatch on. A source that saw another crop of the face is taken with a warning.

  Args:
    source: str, a run's folder (its latest checkpoint) or a checkpoint in one, as in 'RUN/ckpt-1500'.
    trainer: `trainer.Trainer`, at its start.

  Returns:
    `Transfer`.

  Raises:
    errors.InputError: there is no such run or checkpoint, it is damaged, or nothing in it fits.
  """
  path = _resolve(source)
  options = runs.load_options(pathlib.Path(path).parent)
  if options.data.crop_px != trainer.options.data.crop_px:
    logging.warning('%s was trained with --crop=%d and this run has --crop=%d: its eyes are in another place. Training '
                    'starts better with the same crop.', path, options.data.crop_px, trainer.options.data.crop_px)
  donor = dict(generator=networks.build_generator(options.networks, 'float32'),
               discriminator=networks.build_discriminator(options.networks, 'float32'),
               generator_ema=networks.build_generator(options.networks, 'float32'))
  _restore_partly(path, donor)
  matched, left = [], []
  for name, network in donor.items():
    values = {variable.name: variable for variable in network.variables}
    for variable in getattr(trainer, name).variables:
      value = values.get(variable.name)
      if value is not None and value.shape == variable.shape:
        variable.assign(value)
        matched.append(variable)
      else:
        left.append(f'{name}/{variable.name.removesuffix(":0")}')
  if not any(variable.shape.rank > 1 for variable in matched):  # a bias or two fit anything
    raise errors.InputError(f'`init_from` ({source}): none of its layers fits these networks. Start from a run with '
                            'the same `channels` and `image_size`.')
  return Transfer(source=path, num_matched=len(matched), left=tuple(left))


def load_generator(run):
  """Returns what is needed to sample a run: its averaged generator, from the latest checkpoint.

  Args:
    run: str, the run's folder.

  Returns:
    (`tf.keras.Model` z → images in float32, `config.Config`, int global step).

  Raises:
    errors.InputError: there is no such run, or it has no checkpoint, or a damaged one.
  """
  options = runs.load_options(run)
  path = latest(run)
  generator = networks.build_generator(options.networks, 'float32')
  global_step = tf.Variable(0, dtype=tf.int64)
  _restore_partly(path, dict(generator_ema=generator, global_step=global_step))
  return generator, options, int(global_step.numpy())


def latest(run):
  """Returns the path (str) of a run's latest checkpoint that is there.

  Raises:
    errors.InputError: it has none.
  """
  runs.load_options(run)
  state = tf.train.get_checkpoint_state(str(run))
  for path in reversed(state.all_model_checkpoint_paths if state else []):
    if tf.io.gfile.exists(f'{path}.index'):
      return path
  raise errors.InputError(f'{run}: this run has no checkpoint yet. Wait for its first one, or train again with a '
                          'smaller `--checkpoint_every_steps`.')


def _resolve(source):
  path = pathlib.Path(source)
  if path.is_dir():
    return latest(path)
  match = _CHECKPOINT.fullmatch(str(source))
  if match and pathlib.Path(f'{match[1]}.index').is_file():
    return match[1]
  raise errors.InputError(f'`init_from` ({source}): no such run or checkpoint. Name a run\'s folder, as in '
                          'checkpoints/00000-NAME, or a checkpoint in it, as in checkpoints/00000-NAME/ckpt-1500.')


def _restore_partly(path, objects):
  """Restores `objects`, all of whose variables must be in the checkpoint, which may hold more."""
  with _naming(path):
    status = tf.train.Checkpoint(**objects).restore(path)
    status.assert_existing_objects_matched().expect_partial()


def _remove_temporaries(run):
  for path in run.iterdir():
    if _TEMPORARY.fullmatch(path.name):
      tf.io.gfile.rmtree(str(path)) if path.is_dir() else path.unlink()


class _naming:
  """Turns TensorFlow's many ways to say that a checkpoint cannot be restored into one line that names it."""

  def __init__(self, path):
    self._path = path

  def __enter__(self):
    return self

  def __exit__(self, kind, error, traceback):
    if isinstance(error, (tf.errors.OpError, AssertionError, IndexError, ValueError)):
      reason = str(getattr(error, 'message', error)).strip().splitlines()[0]
      raise errors.InputError(f'{self._path}: cannot be restored ({reason}). Use another checkpoint, or delete this '
                              'one so that the one before it is taken.') from error
