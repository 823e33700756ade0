"""The network that hears a mouth move, and its file."""

import dataclasses
import json
import pathlib

import numpy as np
import safetensors
import safetensors.numpy
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files
from tools.speech import features
from tools.speech import films

# The model of several people that comes with the project.
SHIPPED_PATH = pathlib.Path(__file__).parents[2] / 'checkpoints' / 'speech' / 'speech.safetensors'

_DILATIONS = (1, 2, 4, 8)  # of kernels of 3: 15 moments, 0.3 s, to either side
_CHANNELS = 48
_REACH = sum(_DILATIONS)  # moments to either side that count
_BLOCK = 3_000  # moments at a time
_MOST_GAIN = 2.0
_KEY, _FORMAT = 'speech', 'dcgan-avatar speech 1'
_MOST_BYTES = 4 << 20
_MOST_REACH, _MOST_SPREAD = 2.0, 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
  """A network with the measure of what it tells.

  Attributes:
    network: `tf.keras.Model` of `build`.
    reach: float32 [10] of `films.SPOKEN`, how far a raw measure goes from rest, where the network tells 1.
    spread: float32 [10], the standard deviation of what mouths did, while one spoke, in that unit.
  """

  network: object
  reach: np.ndarray
  spread: np.ndarray

  def hear(self, heard):
    """Returns what a mouth does at each moment, float32 [num_moments, 10] of `films.SPOKEN`.

    What is learnt by least squares moves less than what was learnt from, the less is known the more so: it is made to
    move as much, up to `_MOST_GAIN` times.

    Args:
      heard: `features.Heard`.

    Returns:
      0 at rest and 1 as far as one goes in speech; below and above it too. In silence 0.
    """
    bands = features.inputs(heard)
    told = []
    for start in range(0, len(bands), _BLOCK):
      first = max(0, start - _REACH)
      out = self.network(bands[np.newaxis, first:start + _BLOCK + _REACH], training=False).numpy()[0]
      told.append(out[start - first:start - first + _BLOCK])
    told = np.concatenate(told)
    weights = heard.speaking / max(heard.speaking.sum(), 1e-6)
    usual = weights @ told
    gain = np.clip(self.spread / np.maximum(np.sqrt(weights @ np.square(told - usual)), 1e-6), 1.0, _MOST_GAIN)
    return ((usual + gain * (told - usual)) * heard.speaking[:, np.newaxis]).astype(np.float32)


def build(seed=0):
  """Returns the network: dilated convolutions over time, each beside what it was given.

  Returns:
    `tf.keras.Model`: float32 [batch, num_moments, 41] of `features.inputs` → float32 [batch, num_moments, 10].
  """
  heard = x = tf.keras.Input([None, features.NUM_INPUTS], name='heard')
  seeds = iter(range(seed * 100, seed * 100 + 100))

  def kernel():
    return tf.keras.initializers.HeNormal(next(seeds))

  x = tf.keras.layers.Dense(_CHANNELS, kernel_initializer=kernel(), name='in')(x)
  for dilation in _DILATIONS:
    y = tf.keras.layers.Conv1D(_CHANNELS, 3, padding='same', dilation_rate=dilation, activation='relu',
                               kernel_initializer=kernel(), name=f'dilated_{dilation}')(x)
    y = tf.keras.layers.Dropout(0.2, seed=next(seeds))(y)
    x = tf.keras.layers.Add()([x, y])
  out = tf.keras.layers.Dense(len(films.SPOKEN), kernel_initializer='zeros', name='out')(x)
  return tf.keras.Model(heard, out, name='speech')


def save(path, model):
  """Writes a `Model` in SafeTensors' form: kernels in float16, the rest in float32; whole or not at all."""
  tensors = {variable.name.removesuffix(':0'): variable.numpy() for variable in model.network.variables}
  tensors = {name: value.astype(np.float16) if value.ndim > 1 else value for name, value in tensors.items()}
  tensors |= {'reach': np.asarray(model.reach, np.float32), 'spread': np.asarray(model.spread, np.float32)}
  told = json.dumps({'format': _FORMAT, 'controls': films.SPOKEN})
  with files.whole_file(path) as temporary:
    pathlib.Path(temporary).write_bytes(safetensors.numpy.save(tensors, {_KEY: told}))


def load(path):
  """Returns the `Model` in a file.

  Raises:
    errors.InputError: there is no such file, or it is none of `save`, cut short or altered.
  """
  again = 'Make it again with tools.speak --video or tools.train_speech.'
  try:
    size = pathlib.Path(path).stat().st_size
    if size > _MOST_BYTES:
      raise errors.InputError(f'{path}: {size:,} bytes, but a model of speech has {_MOST_BYTES:,} at most. {again}')
    content = pathlib.Path(path).read_bytes()
  except OSError as error:
    raise errors.InputError(f'{path}: cannot be read ({error.strerror}). {again}') from error
  try:
    tensors = safetensors.numpy.load(content)
    header = json.loads(content[8:8 + int.from_bytes(content[:8], 'little')])
    told = json.loads(header['__metadata__'][_KEY])
    if told['format'] != _FORMAT or tuple(told['controls']) != films.SPOKEN:
      raise ValueError('it is of another version')
    network = build()
    for variable in network.variables:
      variable.assign(_finite(tensors, variable.name.removesuffix(':0'), variable.shape))
    reach, spread = (_finite(tensors, name, [len(films.SPOKEN)]) for name in ('reach', 'spread'))
    if not ((reach > 0) & (reach < _MOST_REACH) & (spread >= 0) & (spread < _MOST_SPREAD)).all():
      raise ValueError('its measures are wrong')
  except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
          RecursionError) as error:
    raise errors.InputError(f'{path}: no whole model of speech ({str(error).splitlines()[0][:80]}). {again}') from error
  return Model(network, reach, spread)


def _finite(tensors, name, shape):
  value = np.asarray(tensors[name], np.float32)
  if list(value.shape) != list(shape) or not np.isfinite(value).all():
    raise ValueError(f'{name} must be {list(shape)} numbers')
  return value
