"""The trained networks of a run, read from its checkpoints, for those who draw, measure or start from it."""

import dataclasses
import json
import pathlib

import tensorflow as tf

from dcgan.common import errors
from dcgan.model import latents
from dcgan.model import networks
from dcgan.model import weights
from dcgan.options import config
from dcgan.training import checkpoints
from dcgan.training import places
from dcgan.training import runs

_PICTURES = 'pictures/.ATTRIBUTES/py_state'
_PICTURE_Z = 'picture_z'  # of runs that learnt a few photos by scales and shifts alone, in earlier versions
_VALUE = '.ATTRIBUTES/VARIABLE_VALUE'


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
  """What a run has learnt, for those who draw it.

  Attributes:
    generator: `tf.keras.Model`, the averaged one, z → images in float32.
    encoder: `tf.keras.Model`, the averaged one, images → z, or None in a run without one.
    space: where in Z its pictures are: `region.Region` of a run with places, or else `latents.Normal`.
    options: its `config.Config`.
    step: int, global step of the checkpoint.
  """

  generator: tf.keras.Model
  encoder: tf.keras.Model | None
  space: object
  options: config.Config
  step: int


def load_generator(run, checkpoint='latest'):
  """Returns what is needed to sample a run: its averaged generator.

  Args:
    run: str, the run's folder.
    checkpoint: 'latest' for the latest checkpoint that is whole, 'best' for the one with the best score (the latest
      where the run has no scores), or int, the minibatch of one.

  Returns:
    (`tf.keras.Model` z → images in float32, `config.Config`, int global step).

  Raises:
    errors.InputError: there is no such run or checkpoint, it is damaged, or where the latest is wanted all are.
  """
  options = _options_of(run)
  generator = networks.build_generator(options.networks, 'float32')
  return generator, options, _restore(run, checkpoint, dict(generator_ema=generator))[0]


def load_model(run, checkpoint='latest'):
  """Returns the trained networks of a run, `weights.Model`.

  Args:
    run: as for `load_generator`.
    checkpoint: as for `load_generator`.

  Raises:
    errors.InputError: as for `load_generator`.
  """
  options = _options_of(run)
  if 'minibatch_features' in dict(runs.lost_options(run)):
    raise errors.InputError(f'{run}: its discriminator compares pictures (`minibatch_features`), which this version no '
                            'longer builds. It can be shown and measured; to start from it, use the version it is of.')
  build = dict(generator=networks.build_generator, generator_ema=networks.build_generator,
               discriminator=networks.build_discriminator)
  built = {name: build[name](options.networks, 'float32') for name in weights.NETWORKS} | _built_encoder(options)
  step, _ = _restore(run, checkpoint, built)
  return weights.Model(options, step, {name: weights.values_of(network) for name, network in built.items()})


def load(run, checkpoint='latest'):
  """Returns what a run has learnt, `Trained`.

  Args:
    run: as for `load_generator`.
    checkpoint: as for `load_generator`.

  Raises:
    errors.InputError: as for `load_generator`.
  """
  options = _options_of(run)
  built = dict(generator_ema=networks.build_generator(options.networks, 'float32')) | _built_encoder(options)
  step, path = _restore(run, checkpoint, built)
  with checkpoints.naming(path):
    reader = tf.train.load_checkpoint(path)
    read = lambda name: reader.get_tensor(name) if reader.has_tensor(name) else None
    pictures = read(_PICTURES)
    if pictures is None:
      space = latents.Normal(options.networks.z_dims, read(f'{_PICTURE_Z}/{_VALUE}'))
    else:
      space = places.read_space(read(f'{places.PLACES}/{_VALUE}'), json.loads(pictures.decode('utf-8')), step)
  return Trained(built['generator_ema'], built.get(weights.ENCODER), space, options, step)


def _options_of(run):
  """Returns the `config.Config` of a run, whose networks are those of its checkpoints: built are no others.

  Raises:
    errors.InputError: there is no such run, it has no checkpoint, or its options are damaged or of other networks.
  """
  options, path = runs.load_options(run), checkpoints.latest(run)
  try:
    saved = checkpoints.read_options(path)
  except (errors.InputError, *checkpoints.UNREADABLE):
    return options  # whoever restores tells of a damaged checkpoint
  for name, then, now in config.differences(saved, options):
    if config.OPTIONS[name].group == 'networks':
      raise errors.InputError(f'{pathlib.Path(run) / "options.json"}: `{name}` ({now}) must be {then}, as in {path}. '
                              'Put the file back as it was.')
  return options


def _built_encoder(options):
  """Returns the encoder that a run of these options has, dict of one network by its name, or an empty one."""
  has_encoder = options.training.learner == 'encoder' or (options.training.learner == 'places'
                                                          and options.places.encoder)
  return {weights.ENCODER: networks.build_encoder(options.networks, 'float32')} if has_encoder else {}


def _restore(run, checkpoint, objects):
  """Restores objects, dict by name, from a run's checkpoint; returns its global step (int) and its path (str)."""
  global_step = tf.Variable(0, dtype=tf.int64)

  def restore(path):
    checkpoints.restore_partly(path, dict(global_step=global_step, **objects))
    return path

  step = checkpoints.best_step(run) if checkpoint == 'best' else None if checkpoint == 'latest' else checkpoint
  path = checkpoints.newest_whole(run, restore) if step is None else restore(checkpoints.path_of(run, step))
  return int(global_step.numpy()), path
