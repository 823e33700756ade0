"""Every option of a training run, as frozen dataclasses that check themselves and travel as JSON.

An option is one line here: its name, which is that of its flag, its default, its help and its rule (`fields.option`).
"""

import dataclasses
import json
import math
import re

from dcgan.common import errors
from dcgan.options import fields
from dcgan.options import versions

AUGMENTATIONS = ('colour', 'translation', 'cutout', 'flip')
AUGMENT_MODES = ('fixed', 'adaptive')
BEST_BY = ('sliced_wasserstein', 'none')
DISCRIMINATOR_NORMS = ('batch', 'spectral', 'none')
LEARNERS = ('adversarial', 'places', 'encoder')
MINIBATCHES = ('shuffled', 'overlapping')
ON_COLLAPSE = ('warn', 'stop', 'rollback')
PRECISIONS = ('float32', 'bfloat16', 'float16')
PLACES_STARTS = ('auto', 'looks', 'encoder')
TRANSFERS = ('auto', 'full', 'freeze_d')
STORAGES = ('auto', 'memory', 'stream')
_SMALLEST_PX = 4  # the resolution that the generator starts from
_FACE_WIDTH_PX = 178


def _is_size(size):
  return size >= 2 * _SMALLEST_PX and math.log2(size) % 1 == 0


@dataclasses.dataclass(frozen=True)
class Networks(fields.Group):
  """The two networks (Radford et al. 2016, arXiv:1511.06434)."""

  image_size: int = fields.option(
      64, 'Size in px of a generated picture: 64, 128 or 256.', rule=('must be a power of two, 8 or more', _is_size))
  z_dims: int = fields.option(100, 'Dimensions of Z.', at_least=1)
  # At 32×32, or next to a smaller picture; they double with each halving, up to 8 times as many at the 4×4 end. Above
  # 32×32 there are half as many, so that the layers below are those of a 64 px model.
  channels: int = fields.option(64, 'Filters next to the picture.', at_least=1)
  kernel_size: int = fields.option(5, 'Of every convolution, in px: 5 as in the paper, or 4, whose doublings draw no grid.', at_least=1)
  # BatchNorm as in the paper, or spectral (Miyato et al. 2018, arXiv:1802.05957) for convolutions only.
  discriminator_norm: str = fields.option('batch', 'In the discriminator: {choices}.', choices=DISCRIMINATOR_NORMS)
  detail_gain: float = fields.option(  # `networks._Emphasis`
      0.0, 'How many times its fine detail is added to what the discriminator sees, so that it tells blur.', at_least=0)
  z_map: bool = fields.option(
      False, 'Whether the generator begins with an affine map of Z, as in runs of earlier versions of few photos.',
      is_flag=False)


@dataclasses.dataclass(frozen=True)
class Data(fields.Group):
  """What the networks see, and which pictures meet in a minibatch."""

  records: str = fields.option(
      '', 'Set to train on, as in records/NAME (from tools.make_records).', is_free=True, is_path=True)
  records_digest: str = fields.option(
      '', '`manifests.Manifest.digest` of the set, so that a run resumes on the same pictures only.', is_flag=False)
  crop: int = fields.option(
      108, 'Side in px of the central square of the 178x218 face that the networks see.',
      rule=(f'must lie between 16 and {_FACE_WIDTH_PX} px, the width of an aligned face',
            lambda px: 16 <= px <= _FACE_WIDTH_PX))
  minibatches: str = fields.option(  # the report's experiment 2
      'shuffled', 'Which pictures meet: shuffled, or overlapping, similar ones in staggered minibatches.',
      choices=MINIBATCHES)
  overlap: float = fields.option(
      0.5, 'Share of an overlapping minibatch that stands in the next one too.', at_least=0, under=1)
  global_batch_size: int = fields.option(64, 'Pictures in a minibatch, over all devices.', at_least=1)
  holdout_fraction: float = fields.option(
      0.0, 'Share of the set that is never trained on, to judge the run by: any photos, or some stretches of a video.',
      at_least=0, under=1, use='0.1')
  align: str = fields.option(
      'eyes', "'eyes' or 'off', how the faces of the set were brought to their places, as its manifest tells.",
      is_flag=False)


@dataclasses.dataclass(frozen=True)
class Training(fields.Group):
  """How the networks are trained."""

  num_minibatches: int = fields.option(
      1500, 'Minibatches to train, counted from the start of the run.', at_least=1, is_free=True)
  # Adam: Kingma and Ba 2015, arXiv:1412.6980.
  learning_rate: float = fields.option(2e-4, 'Of both Adam optimizers.', over=0, under=1)
  beta1: float = fields.option(0.5, 'Momentum of both Adam optimizers.', at_least=0, under=1)
  beta2: float = fields.option(
      0.999, 'How long both Adam optimizers remember the size of gradients.', at_least=0, under=1)
  learner: str = fields.option(  # `adversarial.AdversarialLearner`, `places.PlaceLearner`, `encoding.EncoderLearner`
      'adversarial', 'adversarial: the game of G and D alone, as in the report; places: each picture has its place in '
      'Z, learnt with G, for one person; encoder: a third network learns where pictures have their places, for many '
      'faces.', choices=LEARNERS)
  ema_half_life_images: int = fields.option(  # Karras et al. 2018, arXiv:1710.10196
      10_000, 'Images seen until half of the averaged generator is new; early in a run fewer. 0 averages nothing.',
      at_least=0)
  precision: str = fields.option(  # weights are always float32
      'float32', 'Of activations; auto takes float32 or bfloat16, whichever is faster here.', choices=PRECISIONS,
      is_automatic=True)
  xla: bool = fields.option(
      False, 'Compile the step with XLA; auto does on one GPU, where everything compiles.', is_automatic=True)
  seed: int = fields.option(0, 'Of weights, minibatches, z and the 64 fixed points.', at_least=0, under=2**31)
  # Mo et al. 2020, arXiv:2002.10964. 'auto' becomes one of the others when a run starts (`presets.choose_transfer`).
  transfer: str = fields.option(
      'auto', 'With --init_from, what is learnt: full: all weights; freeze_d: all but the lower half of the '
      'discriminator; auto: one of these, by the number of pictures.', choices=TRANSFERS)


@dataclasses.dataclass(frozen=True)
class Places(fields.Group):
  """How pictures get their places in Z, for the learners 'places' and 'encoder' (`dcgan.training.reconstruction`)."""

  places_start: str = fields.option(
      'auto', 'Where the pictures of a person begin: looks: around one point, apart by their likeness; encoder: where '
      'the encoder of --init_from puts them; auto: encoder where it has one.', choices=PLACES_STARTS)
  encoder: bool = fields.option(
      False, "Whether an encoder learns to find the places of a person's pictures, so that others are put in Z at once; "
      'the learner encoder has one in any case.')
  places_rate: float = fields.option(  # Adam's
      0.1, 'How far a place moves along each axis of Z at a visit.', at_least=0)
  settle_visits: int = fields.option(
      0, 'Visits of a picture from which on its place settles: at each it moves less, as one over their number; 0 for '
      'never.', at_least=0)
  controls_weight: float = fields.option(  # `dcgan.training.arranging`
      0.0, 'How much places arrange themselves so that what the face does is straight in Z, beside the pictures.',
      at_least=0)
  places_noise: float = fields.option(0.1, 'How far places are shaken, in their own length.', at_least=0)
  between_fraction: float = fields.option(  # rounded up on each replica
      0.5, 'Points between the places of two pictures, where the adversarial loss looks too, for each picture.',
      at_least=0, at_most=1)
  pixels_weight: float = fields.option(2.0, 'Weight of pixels in the loss of a reconstruction.', at_least=0)
  edges_weight: float = fields.option(2.0, 'Weight of edges at three scales.', at_least=0)
  features_weight: float = fields.option(1.0, "Weight of what D's layers see.", at_least=0)
  adversarial_weight: float = fields.option(0.3, 'Weight of what D thinks.', at_least=0)
  alone_visits: int = fields.option(
      45, 'How often each picture is seen at the start for its reconstruction alone, without the discriminator, in a '
      'quarter of the time.', at_least=0)
  visits: int = fields.option(
      40, 'How often a picture is seen until as many new ones join, after --first_images.', at_least=1)
  first_images: int = fields.option(300, 'Pictures that are there from the start, or all of fewer.', at_least=2)


@dataclasses.dataclass(frozen=True)
class Augmentation(fields.Group):
  """What is done at random to each picture before the discriminator sees it (`dcgan.model.augment`)."""

  augment: tuple = fields.option(
      (), 'What is done at random to each picture before the discriminator sees it, so that it cannot learn a tiny set '
      'by heart: {choices}; empty for nothing.', choices=AUGMENTATIONS)
  augment_mode: str = fields.option(  # Karras et al. 2020, arXiv:2006.06676
      'fixed', 'fixed, or adaptive: as often as the discriminator needs.', choices=AUGMENT_MODES)
  augment_probability: float = fields.option(
      1.0, 'How often; where adaptive, at the start.', at_least=0, at_most=1)
  augment_target: float = fields.option(
      0.6, 'Adaptive: mean sign of the logits of reals to aim at.', over=0, under=1)
  augment_ramp_images: int = fields.option(
      100_000, 'Adaptive: images seen in which the probability can go from 0 to 1.', at_least=1)


@dataclasses.dataclass(frozen=True)
class Regularization(fields.Group):
  """What keeps the discriminator from being too sure; off at 0."""

  r1_gamma: float = fields.option(  # Mescheder et al. 2018, arXiv:1801.04406
      0.0, 'Weight of the R1 gradient penalty; 0 for none.', at_least=0, use='0 to leave it out')
  r1_every_steps: int = fields.option(  # each that many times as strong: Karras et al. 2020, arXiv:1912.04958
      16, 'Minibatches from one R1 penalty to the next.', at_least=1)


@dataclasses.dataclass(frozen=True)
class Periods(fields.Group):
  """What happens how often, in minibatches."""

  log_every_steps: int = fields.option(
      10, 'Minibatches between two lines of statistics.', at_least=1, is_free=True)
  samples_every_steps: int = fields.option(  # in long runs they stand wider apart (`actions.Samples`)
      100, 'Minibatches between two sample grids.', at_least=1, is_free=True)
  checkpoint_every_steps: int = fields.option(
      250, 'Minibatches between two checkpoints, of which the latest two and the best are kept.', at_least=1,
      is_free=True)
  keep_every_steps: int = fields.option(
      0, 'Minibatches between two checkpoints that are kept for good; 0 for none.', at_least=0, is_free=True)
  health_every_steps: int = fields.option(
      50, "Minibatches between two looks at the run's health.", at_least=1, is_free=True)
  best_by: str = fields.option(
      'sliced_wasserstein', 'Measure of the best checkpoint: {choices}.', choices=BEST_BY, is_free=True)

  def validate(self):
    """Raises `errors.InputError` at the first period that is none, or that fits no other."""
    super().validate()
    if self.keep_every_steps % self.checkpoint_every_steps:
      nearest = max(1, round(self.keep_every_steps / self.checkpoint_every_steps)) * self.checkpoint_every_steps
      raise fields.error(
          'keep_every_steps', self.keep_every_steps,
          f'must be a multiple of `checkpoint_every_steps` ({self.checkpoint_every_steps})', f'Use {nearest}.')


@dataclasses.dataclass(frozen=True)
class Health(fields.Group):
  """What is done about a run that goes wrong (`dcgan.training.health`)."""

  on_collapse: str = fields.option(
      'warn', 'When training goes wrong: warn, stop at the last good checkpoint, or rollback: go back there and train '
      'on with a changed recipe.', choices=ON_COLLAPSE, is_free=True)
  max_rollbacks: int = fields.option(
      3, 'Rollbacks in a run; the next collapse stops it.', at_least=0, is_free=True)
  stop_when: str = fields.option(
      'end', 'end, or best+N: stop when the best checkpoint is N minibatches old.', use='best+1000', is_free=True,
      rule=('must be end, or best+N with N minibatches', re.compile(r'end|best\+[1-9]\d*').fullmatch))

  @property
  def patience_steps(self):
    """int, minibatches that the best checkpoint may be old before the run ends, or None."""
    return None if self.stop_when == 'end' else int(self.stop_when.removeprefix('best+'))


@dataclasses.dataclass(frozen=True)
class Config:
  """All options of a run; `options.json` in its folder holds them."""

  networks: Networks = Networks()
  data: Data = Data()
  training: Training = Training()
  places: Places = Places()
  augmentation: Augmentation = Augmentation()
  regularization: Regularization = Regularization()
  periods: Periods = Periods()
  health: Health = Health()

  def validate(self):
    """Returns itself.

    Raises:
      errors.InputError: some value breaks its rule; names the flag, the value, the rule and a good value.
    """
    for field in dataclasses.fields(self):
      getattr(self, field.name).validate()
    if self.health.patience_steps and self.periods.best_by == 'none':
      raise fields.error('stop_when', self.health.stop_when, 'needs a measure of the best, but `best_by` is none',
                         f'Use --best_by={BEST_BY[0]}.')
    return self

  def replace(self, group, **changes):
    """Returns these options with some fields of one group changed, as in replace('training', seed=1)."""
    return dataclasses.replace(self, **{group: dataclasses.replace(getattr(self, group), **changes)})

  def to_json(self):
    """Returns the options as JSON text."""
    return json.dumps({versions.KEY: versions.VERSION} | dataclasses.asdict(self), indent=2) + '\n'


# By their names, which are those of their flags.
OPTIONS = {name: dataclasses.replace(option, group=group.name)
           for group in dataclasses.fields(Config) for name, option in fields.of(group.default).items()}
FREE_ON_RESUME = tuple(name for name, option in OPTIONS.items() if option.is_free)


def from_json(text):
  """Returns the `Config` that `Config.to_json` was called on, by this or an earlier version.

  Raises:
    errors.InputError: the text is not JSON, has an option that this program does not know, or is of a later version.
  """
  try:
    given = versions.upgrade(json.loads(text))
    groups = {field.name: _group(type(field.default), given.pop(field.name)) for field in dataclasses.fields(Config)}
    if given:
      raise ValueError(f'unknown: {", ".join(given)}')
    return Config(**groups).validate()
  except errors.InputError:
    raise
  except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
    raise errors.InputError(f'not the options of a run ({error}). Bring back the file as it was, or start a new '
                            'run.') from error


def _group(kind, given):
  """Returns a group of options, of whose tuples JSON made lists."""
  return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def differences(left, right):
  """Returns the options in which two `Config`s differ, as a list of (name, left's value, right's value)."""
  pairs = [(name, getattr(getattr(left, option.group), name), getattr(getattr(right, option.group), name))
           for name, option in OPTIONS.items()]
  return [(name, a, b) for name, a, b in pairs if a != b]
