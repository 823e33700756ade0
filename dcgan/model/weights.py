"""A trained model as one file to pass on: weights in SafeTensors' form, with their options and a checksum."""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import safetensors
import safetensors.numpy

from dcgan.common import errors
from dcgan.common import files
from dcgan.options import config

SUFFIX = '.safetensors'
NETWORKS = ('generator', 'generator_ema', 'discriminator')
ENCODER = 'encoder_ema'  # in models that have it
_KEY, _FORMAT = 'dcgan', 'dcgan-avatar 1'


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
  """A trained model.

  Attributes:
    options: `config.Config` of the run that made it.
    step: int, minibatches it was trained for.
    values: dict from the names in `NETWORKS`, and `ENCODER` where there is one, to dict from variables' names, as in
      '4x4_dense/kernel', to float32.
  """

  options: config.Config
  step: int
  values: dict

  @property
  def digest(self):
    """str, hexadecimal SHA-256 of its weights: tells whether two models are the same."""
    return _digest({}, {f'{network}/{name}': value for network, values in self.values.items()
                        for name, value in values.items()})


def values_of(network):
  """Returns the variables of a `tf.keras.Model`: dict from names, as in '4x4_dense/kernel', to float32 arrays."""
  return {variable.name.removesuffix(':0'): variable.numpy() for variable in network.variables}


def check_suffix(path):
  """Raises `errors.InputError` where a `pathlib.Path` does not end in .safetensors."""
  if path.suffix != SUFFIX:
    raise errors.InputError(f'`out` ({path}) must end in {SUFFIX}. Use {path.with_suffix(SUFFIX)}.')


def save(path, model):
  """Writes a model to a file: its kernels in float16, the rest, which is small, in float32.

  Nothing in the file tells where on a machine the set was: of its path only the name stays.

  Args:
    path: str, ending in .safetensors.
    model: `Model`.

  Raises:
    errors.InputError: the name ends otherwise, a weight is too large for float16, or the file cannot be written.
  """
  path = pathlib.Path(path)
  check_suffix(path)
  options = model.options.replace('data', records=f'records/{pathlib.Path(model.options.data.records).name}')
  tensors = {f'{network}/{name}': _narrowed(f'{network}/{name}', value)
             for network in model.values for name, value in model.values[network].items()}
  told = dict(format=_FORMAT, options=options.to_json(), step=model.step)
  told['sha256'] = _digest(told, tensors)
  with files.whole_file(path) as temporary:
    pathlib.Path(temporary).write_bytes(safetensors.numpy.save(tensors, {_KEY: json.dumps(told)}))


def load(path):
  """Returns the `Model` in a file.

  Raises:
    errors.InputError: there is no such file, it is none of ours, or it was cut short or altered.
  """
  try:
    content = pathlib.Path(path).read_bytes()
  except OSError as error:
    raise errors.InputError(f'{path}: cannot be read ({error.strerror}).') from error
  again = 'Fetch it again; MODEL_CARD.md beside a published one tells its SHA-256.'
  try:
    tensors = safetensors.numpy.load(content)
    header = json.loads(content[8:8 + int.from_bytes(content[:8], 'little')])
    told = json.loads(header.get('__metadata__', {}).get(_KEY, '{}'))
    if not isinstance(told, dict):
      raise ValueError('it tells nothing of itself')
  except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
          RecursionError) as error:  # some of them at types that NumPy lacks
    raise errors.InputError(f'{path}: not a whole model ({error}): it was cut short or altered. {again}') from error
  if told.get('format') != _FORMAT:
    raise errors.InputError(f'{path}: not a model of this program (its format is {told.get("format", "not told")}, '
                            f'not {_FORMAT}). Make one with `python -m tools.export_model`.')
  expected = told.pop('sha256', None)
  found = _digest(told, tensors)
  if found != expected:
    raise errors.InputError(f'{path}: altered: the SHA-256 of its weights is {found}, and it says {expected}. {again}')
  values = {network: {} for network in NETWORKS}
  for key, value in tensors.items():
    network, _, name = key.partition('/')
    values.setdefault(network, {})[name] = value.astype(np.float32)
  try:
    return Model(config.from_json(told['options']), int(told['step']), values)
  except (errors.InputError, KeyError, TypeError, ValueError) as error:
    raise errors.InputError(f'{path}: {error}') from error


def _narrowed(name, value):
  if value.ndim < 2:
    return np.asarray(value, np.float32)
  with np.errstate(over='ignore'):
    narrow = value.astype(np.float16)
  if not np.isfinite(narrow).all():
    raise errors.InputError(f'`{name}` ({np.abs(value).max():.3g} at most) must be under 65,504, as float16 holds. '
                            'Take an earlier checkpoint: this one has diverged.')
  return narrow


def _digest(told, tensors):
  """Returns the SHA-256 of all that a file holds, in hexadecimal."""
  digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode('utf-8'))
  for name in sorted(tensors):
    value = np.ascontiguousarray(tensors[name])
    digest.update(f'{name} {value.dtype} {value.shape}'.encode('utf-8'))
    digest.update(value.tobytes())
  return digest.hexdigest()
