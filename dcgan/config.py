"""Every option of a training run, as frozen dataclasses that check themselves and travel as JSON."""

import dataclasses
import json
import math

from dcgan import errors

MINIBATCHES = ('shuffled', 'overlapping')
PRECISIONS = ('float32', 'bfloat16')
AUGMENTATIONS = ('colour', 'translation', 'cutout')
_SMALLEST_PX = 4  # the resolution that the generator starts from


@dataclasses.dataclass(frozen=True)
class Networks:
  """The two networks (Radford et al. 2016, arXiv:1511.06434).

  Attributes:
    image_size_px: int, width and height of a generated picture: 8 times a power of two, as in 64.
    z_dims: int, dimensions of Z.
    channels: int, filters next to the picture; they double toward the 4×4 end, up to 8 times as many.
    kernel_size_px: int, of every convolution.
  """

  image_size_px: int = 64
  z_dims: int = 100
  channels: int = 64
  kernel_size_px: int = 5

  def validate(self):
    """Raises `errors.InputError` at the first value that no network can be built from."""
    size = self.image_size_px
    if size < 2 * _SMALLEST_PX or math.log2(size) % 1:
      raise _error('image_size', size, 'must be a power of two, 8 or more', 'Use 64.')
    for name in ('z_dims', 'channels', 'kernel_size_px'):
      _require_at_least(name.removesuffix('_px'), getattr(self, name), 1)


@dataclasses.dataclass(frozen=True)
class Data:
  """What the networks see, and which pictures meet in a minibatch.

  Attributes:
    records: str, prefix of the set, as in 'records/adele'.
    records_digest: str, `records.Manifest.digest` of the set, so that a run resumes on the same pictures only.
    crop_px: int, side of the central square of the aligned face that the networks see.
    minibatches: 'shuffled', or 'overlapping' for similarity-ordered, staggered minibatches (report, experiment 2).
    overlap_fraction: float in [0, 1), share of a minibatch that stands in the next one too; for 'overlapping'.
    global_batch_size: int, pictures in a minibatch, over all replicas.
  """

  records: str = ''
  records_digest: str = ''
  crop_px: int = 108
  minibatches: str = 'shuffled'
  overlap_fraction: float = 0.5
  global_batch_size: int = 64

  def validate(self):
    """Raises `errors.InputError` at the first value that no minibatch can be made with."""
    if not 16 <= self.crop_px <= 178:
      raise _error('crop', self.crop_px, 'must lie between 16 and 178 px, the width of an aligned face', 'Use 108.')
    if self.minibatches not in MINIBATCHES:
      raise _error('minibatches', self.minibatches, f'must be one of {", ".join(MINIBATCHES)}', 'Use shuffled.')
    if not 0.0 <= self.overlap_fraction < 1.0:
      raise _error('overlap', self.overlap_fraction, 'must be 0 or more and under 1', 'Use 0.5.')
    _require_at_least('global_batch_size', self.global_batch_size, 2)


@dataclasses.dataclass(frozen=True)
class Training:
  """How the networks are trained.

  Attributes:
    num_minibatches: int, the global step at which training ends.
    learning_rate: float, of both Adam optimizers (Kingma and Ba 2015, arXiv:1412.6980).
    beta1: float, their momentum.
    ema_half_life_images: int, images seen until half of the averaged generator is new (Karras et al. 2018,
      arXiv:1710.10196); early in a run it is shorter.
    augment: tuple of names from `AUGMENTATIONS`, of what the discriminator sees.
    precision: 'float32' or 'bfloat16', of activations; weights are always float32.
    seed: int, of the weights, the minibatches, z and the 64 fixed points.
  """

  num_minibatches: int = 1500
  learning_rate: float = 2e-4
  beta1: float = 0.5
  ema_half_life_images: int = 10_000
  augment: tuple = ()
  precision: str = 'float32'
  seed: int = 0

  def validate(self):
    """Raises `errors.InputError` at the first value that no training can run with."""
    _require_at_least('num_minibatches', self.num_minibatches, 1)
    if not 0.0 < self.learning_rate < 1.0:
      raise _error('learning_rate', self.learning_rate, 'must lie between 0 and 1', 'Use 0.0002.')
    if not 0.0 <= self.beta1 < 1.0:
      raise _error('beta1', self.beta1, 'must be 0 or more and under 1', 'Use 0.5.')
    _require_at_least('ema_half_life_images', self.ema_half_life_images, 1)
    for name in self.augment:
      if name not in AUGMENTATIONS:
        raise _error('augment', name, f'must be among {", ".join(AUGMENTATIONS)}', 'Use colour,translation,cutout.')
    if self.precision not in PRECISIONS:
      raise _error('precision', self.precision, f'must be one of {", ".join(PRECISIONS)}', 'Use float32.')
    if not 0 <= self.seed < 2**31:
      raise _error('seed', self.seed, 'must be 0 or more and under 2147483648', 'Use 0.')


@dataclasses.dataclass(frozen=True)
class Periods:
  """What happens how often, in minibatches: a log line, a grid of samples, a checkpoint."""

  log_every_steps: int = 10
  samples_every_steps: int = 100
  checkpoint_every_steps: int = 250

  def validate(self):
    """Raises `errors.InputError` at the first period under one minibatch."""
    for field in dataclasses.fields(self):
      _require_at_least(field.name, getattr(self, field.name), 1)


@dataclasses.dataclass(frozen=True)
class Config:
  """All options of a run; `options.json` in its folder holds them."""

  networks: Networks = Networks()
  data: Data = Data()
  training: Training = Training()
  periods: Periods = Periods()

  def validate(self):
    """Returns itself.

    Raises:
      errors.InputError: some value breaks its rule; names the flag, the value, the rule and a good value.
    """
    for field in dataclasses.fields(self):
      getattr(self, field.name).validate()
    return self

  def to_json(self):
    """Returns the options as JSON text."""
    return json.dumps(dataclasses.asdict(self), indent=2) + '\n'


def from_json(text):
  """Returns the `Config` that `Config.to_json` was called on.

  Raises:
    errors.InputError: the text is not JSON, or has an option that this program does not know.
  """
  try:
    groups = json.loads(text)
    training = groups['training'] | {'augment': tuple(groups['training'].get('augment', ()))}
    return Config(networks=Networks(**groups['networks']), data=Data(**groups['data']),
                  training=Training(**training), periods=Periods(**groups['periods'])).validate()
  except errors.InputError:
    raise
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise errors.InputError(f'not the options of a run ({error}). Bring back the file as it was, or start a new '
                            'run.') from error


def _require_at_least(name, value, minimum):
  if value < minimum:
    raise _error(name, value, f'must be {minimum} or more', f'Use {minimum} or more.')


def _error(name, value, rule, fix):
  return errors.InputError(f'`{name}` ({value}) {rule}. {fix}')
