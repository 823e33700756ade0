"""Every option of a training run, as frozen dataclasses that check themselves and travel as JSON."""

import dataclasses
import json
import math
import re

from dcgan.common import errors

AUGMENTATIONS = ('colour', 'translation', 'cutout', 'flip')
AUGMENT_MODES = ('fixed', 'adaptive')
BEST_BY = ('sliced_wasserstein', 'none')
BETWEEN = ('pairs', 'neighbours')
DISCRIMINATOR_NORMS = ('batch', 'spectral', 'none')
LEARNERS = ('adversarial', 'places')
LOSSES = ('nonsaturating', 'hinge', 'least_squares')
MINIBATCHES = ('shuffled', 'overlapping')
MINIBATCH_FEATURES = ('none', 'stddev', 'discrimination')
ON_COLLAPSE = ('warn', 'stop', 'rollback')
PRECISIONS = ('float32', 'bfloat16', 'float16')
TRANSFERS = ('auto', 'full', 'freeze_d', 'bn_only')
STORAGES = ('auto', 'memory', 'stream')
# Fields that may change when a run goes on; flags of the same names set them.
FREE_ON_RESUME = ('num_minibatches', 'records', 'log_every_steps', 'samples_every_steps', 'checkpoint_every_steps',
                  'keep_every_steps', 'health_every_steps', 'best_by', 'on_collapse', 'max_rollbacks', 'stop_when')
_NEW = frozenset(['places'])  # groups that the options of older runs lack
_SMALLEST_PX = 4  # the resolution that the generator starts from


@dataclasses.dataclass(frozen=True)
class Networks:
  """The two networks (Radford et al. 2016, arXiv:1511.06434).

  Attributes:
    image_size_px: int, width and height of a generated picture: 8 times a power of two, as in 64, 128 or 256.
    z_dims: int, dimensions of Z.
    channels: int, filters at 32×32, or next to a smaller picture; they double with each halving, up to 8 times as
      many at the 4×4 end. Above 32×32 there are half as many, so that the layers below are those of a 64 px model.
    kernel_size_px: int, of every convolution.
    discriminator_norm: what keeps the discriminator's layers in range: 'batch' (BatchNorm, as in the paper), 'spectral'
      (Miyato et al. 2018, arXiv:1802.05957; convolutions only) or 'none'.
    minibatch_features: what the discriminator learns of other pictures beside the one it judges: 'none', 'stddev'
      (Karras et al. 2018, arXiv:1710.10196) or 'discrimination' (Salimans et al. 2016, arXiv:1606.03498).
    z_map: bool, whether the generator begins with an affine map of Z, the identity at first (`adapter.Adapter`).
  """

  image_size_px: int = 64
  z_dims: int = 100
  channels: int = 64
  kernel_size_px: int = 5
  discriminator_norm: str = 'batch'
  minibatch_features: str = 'none'
  z_map: bool = False

  def validate(self):
    """Raises `errors.InputError` at the first value that no network can be built from."""
    size = self.image_size_px
    if size < 2 * _SMALLEST_PX or math.log2(size) % 1:
      raise _error('image_size', size, 'must be a power of two, 8 or more', 'Use 64.')
    for name in ('z_dims', 'channels', 'kernel_size_px'):
      _require_at_least(name.removesuffix('_px'), getattr(self, name), 1)
    _require_one_of('discriminator_norm', self.discriminator_norm, DISCRIMINATOR_NORMS)
    _require_one_of('minibatch_features', self.minibatch_features, MINIBATCH_FEATURES)


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
    holdout_fraction: float in [0, 1), of the set that is never trained on (`holdout.split`), to judge the run by.
    align: 'eyes' or 'off', how the faces of the set were brought to their places, as its manifest tells.
  """

  records: str = ''
  records_digest: str = ''
  crop_px: int = 108
  minibatches: str = 'shuffled'
  overlap_fraction: float = 0.5
  global_batch_size: int = 64
  holdout_fraction: float = 0.0
  align: str = 'eyes'

  def validate(self):
    """Raises `errors.InputError` at the first value that no minibatch can be made with."""
    if not 16 <= self.crop_px <= 178:
      raise _error('crop', self.crop_px, 'must lie between 16 and 178 px, the width of an aligned face', 'Use 108.')
    _require_one_of('minibatches', self.minibatches, MINIBATCHES)
    if not 0.0 <= self.overlap_fraction < 1.0:
      raise _error('overlap', self.overlap_fraction, 'must be 0 or more and under 1', 'Use 0.5.')
    _require_at_least('global_batch_size', self.global_batch_size, 1)
    if not 0.0 <= self.holdout_fraction < 1.0:
      raise _error('holdout_fraction', self.holdout_fraction, 'must be 0 or more and under 1', 'Use 0.1.')


@dataclasses.dataclass(frozen=True)
class Training:
  """How the networks are trained.

  Attributes:
    num_minibatches: int, the global step at which training ends.
    learning_rate: float, of both Adam optimizers (Kingma and Ba 2015, arXiv:1412.6980).
    beta1: float, their momentum.
    beta2: float, how long they remember the size of gradients.
    learner: 'adversarial' for a GAN that ties no picture to a point of Z, as in the report; 'places' for one in which
      each picture has its place in Z, learnt with the generator (`places.PlaceLearner`).
    loss: a name from `LOSSES`.
    ema_half_life_images: int, images seen until half of the averaged generator is new (Karras et al. 2018,
      arXiv:1710.10196); early in a run it is shorter. 0 averages nothing.
    precision: 'float32', 'bfloat16' or 'float16', of activations; weights are always float32.
    xla: bool, whether a step is compiled by XLA.
    seed: int, of the weights, the minibatches, z and the 64 fixed points.
    transfer: what a run that starts from another model learns: 'full' for all weights, as from scratch; 'freeze_d' for
      all but D's lower half (Mo et al. 2020, arXiv:2002.10964); 'bn_only' for the scales and shifts of G's BatchNorm
      and a z for each picture (Noguchi and Harada 2019, arXiv:1904.01774; `adapter.Adapter`). 'auto' becomes one of
      these when a run starts (`presets.choose_transfer`).
  """

  num_minibatches: int = 1500
  learning_rate: float = 2e-4
  beta1: float = 0.5
  beta2: float = 0.999
  learner: str = 'adversarial'
  loss: str = 'nonsaturating'
  ema_half_life_images: int = 10_000
  precision: str = 'float32'
  xla: bool = False
  seed: int = 0
  transfer: str = 'auto'

  def validate(self):
    """Raises `errors.InputError` at the first value that no training can run with."""
    _require_at_least('num_minibatches', self.num_minibatches, 1)
    if not 0.0 < self.learning_rate < 1.0:
      raise _error('learning_rate', self.learning_rate, 'must lie between 0 and 1', 'Use 0.0002.')
    if not 0.0 <= self.beta1 < 1.0:
      raise _error('beta1', self.beta1, 'must be 0 or more and under 1', 'Use 0.5.')
    if not 0.0 <= self.beta2 < 1.0:
      raise _error('beta2', self.beta2, 'must be 0 or more and under 1', 'Use 0.999.')
    _require_one_of('learner', self.learner, LEARNERS)
    _require_one_of('loss', self.loss, LOSSES)
    _require_at_least('ema_half_life_images', self.ema_half_life_images, 0)
    _require_one_of('precision', self.precision, PRECISIONS)
    if not 0 <= self.seed < 2**31:
      raise _error('seed', self.seed, 'must be 0 or more and under 2147483648', 'Use 0.')
    _require_one_of('transfer', self.transfer, TRANSFERS)


@dataclasses.dataclass(frozen=True)
class Places:
  """How pictures get their places in Z, for the learner 'places' (`dcgan.training.places`).

  Attributes:
    places_rate: float, how far a place moves along each axis of Z when its picture is in a minibatch (Adam's rate).
    places_noise: float, how far places are shaken before the generator sees them, at the most, in their own length.
    between: which places further points are drawn between, that only the adversarial loss sees: 'pairs' of any two
      pictures of a minibatch, or 'neighbours' in Z.
    between_fraction: float in [0, 1], such points for each picture of a minibatch, rounded up on each replica.
    pixels_weight: float, of the mean absolute difference between a picture and the one made at its place.
    edges_weight: float, of that of their horizontal and vertical differences, at three scales; halved pictures count
      half as much.
    features_weight: float, of that of what the discriminator's layers see in them, relative to its size.
    adversarial_weight: float, of what the discriminator thinks of pictures made at places and between them.
    alone_visits: int, how often each picture is seen at the start for its reconstruction alone: pixels and edges, without
      the discriminator, which takes a quarter of the time.
    visits: int, how often a picture is to be seen until as many new ones join; the first 300 are there from the start.
  """

  places_rate: float = 0.1
  places_noise: float = 0.1
  between: str = 'pairs'
  between_fraction: float = 0.5
  pixels_weight: float = 2.0
  edges_weight: float = 2.0
  features_weight: float = 1.0
  adversarial_weight: float = 0.3
  alone_visits: int = 45
  visits: int = 40

  def validate(self):
    """Raises `errors.InputError` at the first value that no place can be learnt with."""
    for name in ('places_rate', 'places_noise', 'pixels_weight', 'edges_weight', 'features_weight',
                 'adversarial_weight'):
      value = getattr(self, name)
      if not 0.0 <= value < math.inf:
        raise _error(name, value, 'must be a number, 0 or more', f'Use {getattr(Places(), name):g}.')
    _require_one_of('between', self.between, BETWEEN)
    if not 0.0 <= self.between_fraction <= 1.0:
      raise _error('between_fraction', self.between_fraction, 'must lie between 0 and 1', 'Use 0.5.')
    _require_at_least('alone_visits', self.alone_visits, 0)
    _require_at_least('visits', self.visits, 1)


@dataclasses.dataclass(frozen=True)
class Augmentation:
  """What is done at random to each picture before the discriminator sees it (`dcgan.model.augment`).

  Attributes:
    policies: tuple of names from `AUGMENTATIONS`.
    mode: 'fixed', or 'adaptive': as much as keeps the discriminator from learning the set by heart (Karras et al. 2020,
      arXiv:2006.06676).
    probability: float in [0, 1], of each policy for each picture; where adaptive, what it starts from.
    target: float in (0, 1), for 'adaptive': the mean sign of the discriminator's logits of reals that is aimed at.
    ramp_images: int, for 'adaptive': images seen in which the probability can go from 0 to 1.
  """

  policies: tuple = ()
  mode: str = 'fixed'
  probability: float = 1.0
  target: float = 0.6
  ramp_images: int = 100_000

  def validate(self):
    """Raises `errors.InputError` at the first value that no augmentation can work with."""
    for name in self.policies:
      _require_one_of('augment', name, AUGMENTATIONS)
    _require_one_of('augment_mode', self.mode, AUGMENT_MODES)
    if not 0.0 <= self.probability <= 1.0:
      raise _error('augment_probability', self.probability, 'must lie between 0 and 1', 'Use 1.')
    if not 0.0 < self.target < 1.0:
      raise _error('augment_target', self.target, 'must be over 0 and under 1', 'Use 0.6.')
    _require_at_least('augment_ramp_images', self.ramp_images, 1)


@dataclasses.dataclass(frozen=True)
class Regularization:
  """What keeps the discriminator from being too sure; each is off at 0.

  Attributes:
    label_smoothing: float in [0, 1), how far the label of reals stands below 1 (one-sided, Salimans et al. 2016); not
      for 'hinge', which has no labels.
    instance_noise: float, standard deviation of the noise that is added to what the discriminator sees, at the start
      (Sønderby et al. 2017, arXiv:1610.04490); it falls to 0 in a straight line.
    instance_noise_images: int, images seen until then.
    r1_gamma: float, weight of the R1 gradient penalty (Mescheder et al. 2018, arXiv:1801.04406).
    r1_every_steps: int, minibatches from one R1 penalty to the next, each that many times as strong (lazy
      regularization, Karras et al. 2020, arXiv:1912.04958).
  """

  label_smoothing: float = 0.0
  instance_noise: float = 0.0
  instance_noise_images: int = 20_000
  r1_gamma: float = 0.0
  r1_every_steps: int = 16

  def validate(self):
    """Raises `errors.InputError` at the first value that cannot regularize."""
    if not 0.0 <= self.label_smoothing < 1.0:
      raise _error('label_smoothing', self.label_smoothing, 'must be 0 or more and under 1', 'Use 0.1.')
    for name in ('instance_noise', 'r1_gamma'):
      value = getattr(self, name)
      if not 0.0 <= value < math.inf:
        raise _error(name, value, 'must be a number, 0 or more', 'Use 0 to leave it out.')
    _require_at_least('instance_noise_images', self.instance_noise_images, 1)
    _require_at_least('r1_every_steps', self.r1_every_steps, 1)


@dataclasses.dataclass(frozen=True)
class Periods:
  """What happens how often, in minibatches.

  Attributes:
    log_every_steps: int, a line of statistics.
    samples_every_steps: int, a grid of samples; in long runs they stand wider apart (`actions.Samples`).
    checkpoint_every_steps: int, a checkpoint. The latest two and the best one are kept.
    keep_every_steps: int, a checkpoint that is kept for good; 0 for none.
    health_every_steps: int, a look at the run's health.
    best_by: a name from `BEST_BY`: the measure by which a checkpoint is the best.
  """

  log_every_steps: int = 10
  samples_every_steps: int = 100
  checkpoint_every_steps: int = 250
  keep_every_steps: int = 0
  health_every_steps: int = 50
  best_by: str = 'sliced_wasserstein'

  def validate(self):
    """Raises `errors.InputError` at the first period that is none."""
    for name in ('log_every_steps', 'samples_every_steps', 'checkpoint_every_steps', 'health_every_steps'):
      _require_at_least(name, getattr(self, name), 1)
    _require_at_least('keep_every_steps', self.keep_every_steps, 0)
    if self.keep_every_steps % self.checkpoint_every_steps:
      nearest = max(1, round(self.keep_every_steps / self.checkpoint_every_steps)) * self.checkpoint_every_steps
      raise _error('keep_every_steps', self.keep_every_steps,
                   f'must be a multiple of `checkpoint_every_steps` ({self.checkpoint_every_steps})', f'Use {nearest}.')
    _require_one_of('best_by', self.best_by, BEST_BY)


@dataclasses.dataclass(frozen=True)
class Health:
  """What is done about a run that goes wrong (`dcgan.training.health`).

  Attributes:
    on_collapse: 'warn' to say so, 'stop' to end at the last good checkpoint, 'rollback' to go back there and train on
      with a changed recipe.
    max_rollbacks: int, of a run; the next collapse stops it.
    stop_when: 'end', or 'best+N' to end a run whose best checkpoint is N minibatches old.
  """

  on_collapse: str = 'warn'
  max_rollbacks: int = 3
  stop_when: str = 'end'

  def validate(self):
    """Raises `errors.InputError` at the first value that says nothing."""
    _require_one_of('on_collapse', self.on_collapse, ON_COLLAPSE)
    _require_at_least('max_rollbacks', self.max_rollbacks, 0)
    if self.stop_when != 'end' and not re.fullmatch(r'best\+[1-9]\d*', self.stop_when):
      raise _error('stop_when', self.stop_when, 'must be end, or best+N with N minibatches', 'Use best+1000.')

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
      raise _error('stop_when', self.health.stop_when, 'needs a measure of the best, but `best_by` is none', 'Use '
                   f'--best_by={BEST_BY[0]}.')
    if self.regularization.label_smoothing and self.training.loss == 'hinge':
      raise _error('label_smoothing', self.regularization.label_smoothing, 'must be 0 with the hinge loss, which has '
                   'no labels', 'Use --loss=nonsaturating, or leave it out.')
    if self.training.learner == 'places' and self.networks.minibatch_features != 'none':
      raise _error('minibatch_features', self.networks.minibatch_features, 'must be none where pictures have places '
                   '(--learner=places)', 'Leave it out.')
    if self.training.learner == 'places' and self.training.transfer == 'bn_only':
      raise _error('transfer', self.training.transfer, 'learns places of its own, without --learner=places', 'Use '
                   '--transfer=full, or --learner=adversarial.')
    return self

  def replace(self, group, **changes):
    """Returns these options with some fields of one group changed, as in replace('training', seed=1)."""
    return dataclasses.replace(self, **{group: dataclasses.replace(getattr(self, group), **changes)})

  def to_json(self):
    """Returns the options as JSON text."""
    return json.dumps(dataclasses.asdict(self), indent=2) + '\n'


def from_json(text):
  """Returns the `Config` that `Config.to_json` was called on.

  Raises:
    errors.InputError: the text is not JSON, or has an option that this program does not know.
  """
  try:
    given = json.loads(text)
    groups = {field.name: type(field.default)(**given.pop(field.name, {} if field.name in _NEW else None))
              for field in dataclasses.fields(Config)}
    if given:
      raise ValueError(f'unknown: {", ".join(given)}')
    augmentation = dataclasses.replace(groups['augmentation'], policies=tuple(groups['augmentation'].policies))
    return Config(**groups | {'augmentation': augmentation}).validate()
  except errors.InputError:
    raise
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise errors.InputError(f'not the options of a run ({error}). Bring back the file as it was, or start a new '
                            'run.') from error


def differences(left, right):
  """Returns the options in which two `Config`s differ, as a list of (name, left's value, right's value)."""
  pairs = [(field.name, getattr(getattr(left, group.name), field.name), getattr(getattr(right, group.name), field.name))
           for group in dataclasses.fields(Config) for field in dataclasses.fields(group.default)]
  return [(name.removesuffix('_px'), a, b) for name, a, b in pairs if a != b]


def _require_at_least(name, value, minimum):
  if value < minimum:
    raise _error(name, value, f'must be {minimum} or more', f'Use {minimum} or more.')


def _require_one_of(name, value, choices):
  if value not in choices:
    raise _error(name, value, f'must be one of {", ".join(choices)}', f'Use {choices[0]}.')


def _error(name, value, rule, fix):
  return errors.InputError(f'`{name}` ({value}) {rule}. {fix}')
