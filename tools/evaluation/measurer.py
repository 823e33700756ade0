"""Measures a trained generator, beside what the same measures say of real pictures."""

import dataclasses
import functools
import math

import numpy as np

from dcgan.metrics import copying
from dcgan.metrics import distances
from dcgan.metrics import fine_structure
from dcgan.metrics import sliced_wasserstein
from dcgan.metrics import stair_step
from dcgan.metrics import variety
from dcgan.model import latents
from dcgan.model import motion
from dcgan.model import networks
from tools.evaluation import inversion
from tools.evaluation import likeness
from tools.evaluation import measures
from tools.evaluation import meshes
from tools.evaluation import real_pictures
from tools.evaluation import spread
from tools.evaluation import wholeness

_NUM_REALS = 256  # of each kind that a measure looks at, as in training (`actions.Score`)
_MOST_TRAINING = 20_000  # pictures that a sample's nearest one is looked for in
_MOST_TRAINING_BYTES = 600e6
_NUM_LINES = 16
_FEWEST_TOLD_APART = 2  # a variety, a distribution

_OF_PLACES = ('off', 'found_off', 'found_features')
_OF_ENCODER = ('encoded_off', 'encoded_features')
_NUM_FOUND, _NUM_FINDING_STEPS = 16, 60  # held-out pictures that are looked for: each takes a second or two

NO_INCEPTION = 'needs the weights of Inception: give --inception_weights=imagenet, or a file'


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
  """What was measured on one generator.

  Attributes:
    measures: dict from each name in `measures.MEASURES` to its float, or None where it could not be taken.
    of_reals: dict from the same names to what real pictures have, or None where that is not known.
    reasons: dict from the names whose value is None to why, and from others to what they were measured against.
    samples: uint8 [num_samples, size, size, 3]; the first 64 are those of the run's sample grids.
    reals: uint8 [num_reals, size, size, 3], the pictures of the set that the nearest was looked for in.
    nearest_indices: int64 [num_samples], of `reals`.
    nearest_distances: float32 [num_samples], in grey values.
  """

  measures: dict
  of_reals: dict
  reasons: dict
  samples: np.ndarray
  reals: np.ndarray
  nearest_indices: np.ndarray
  nearest_distances: np.ndarray


class Measurer:
  """Measures generators against one set, whose own numbers are taken once.

  Args:
    training_set: `input_pipeline.TrainingSet`.
    options: the run's `config.Config`.
    num_samples: int, 1 or more, pictures that are generated; what needs more says so in its reason.
    inception: callable, uint8 pictures → float32 [num_images, 2048] (`inception.load`), or None to leave out FID and
      KID.
    is_own_set: bool, whether it is the set that the run was trained on.
  """

  def __init__(self, training_set, options, num_samples=_NUM_REALS, inception=None, is_own_set=True):
    self._options = options
    self._num_samples = num_samples
    self._inception = inception
    self._is_own_set = is_own_set
    self._set = training_set
    self._some = training_set.some(training_set.trained_on, _NUM_REALS)
    self._held_out = training_set.some(training_set.held_out, _NUM_REALS)
    self._distance = sliced_wasserstein.SlicedWasserstein(self._some, options.training.seed)

  def measure(self, generator, space, encoder=None):
    """Returns the `Measured` of a generator.

    Args:
      generator: `tf.keras.Model`, z → images.
      space: `region.Region` or `latents.Normal`, from which it is drawn.
      encoder: `tf.keras.Model`, images → z, or None in a run without one.
    """
    samples = networks.generate(generator, space.sample(self._num_samples, self._options.training.seed))
    indices, nearest_distances = copying.nearest(samples, self._training)
    noted = _Notes()
    noted.take('sliced_wasserstein', self._distance.distance(samples), self._of_held_out(self._distance.distance))
    noted.take('nearest', float(np.median(nearest_distances)), self._of_held_out(self._median_nearest))
    noted.take('noise_texture', fine_structure.noise_texture(samples, self._some),
               fine_structure.noise_texture(self._some, self._some))
    noted.take('sharpness', fine_structure.sharpness(samples, self._some),
               fine_structure.sharpness(self._some, self._some))
    if self._options.networks.image_size >= fine_structure.SMALLEST_GRID_PX:
      noted.take('grid', fine_structure.grid(samples), fine_structure.grid(self._some))
    else:
      noted.leave_out('grid', f'needs pictures of {fine_structure.SMALLEST_GRID_PX} px')
    self._look(samples, noted)
    self._compare_variety(samples, noted)
    self._test_copying(samples, noted)
    self._walk(generator, space, noted)
    self._find(generator, space, encoder, noted)
    self._encode(generator, encoder, noted)
    self._ask_inception(samples, noted)
    values, of_reals = ({name: table.get(name) for name in measures.MEASURES}
                        for table in (noted.values, noted.of_reals))
    return Measured(values, of_reals, noted.reasons, samples, self._training, indices, nearest_distances)

  @functools.cached_property
  def _training(self):
    """The training pictures, evenly spread where they are too many, uint8 [num_training, size, size, 3]."""
    most = int(min(_MOST_TRAINING, _MOST_TRAINING_BYTES // self._some[0].nbytes))
    return self._set.some(self._set.trained_on, most)

  @functools.cached_property
  def _seen_reals(self):
    return meshes.look(self._some, self._options.data.crop)

  @functools.cached_property
  def _seen_held_out(self):
    return meshes.look(self._held_out, self._options.data.crop)

  @functools.cached_property
  def _wholeness(self):
    """What tells clean faces of this set from mangled ones, or None where it has too few faces."""
    if len(_found(self._seen_reals)) < real_pictures.FEWEST:
      return None
    return wholeness.Wholeness(self._some, self._options.data.crop, self._seen_reals)

  @functools.cached_property
  def _clean_rate_of_reals(self):
    """The share of held-out pictures that are clean, or where those are too few, of the others; float."""
    of_held_out = self._of_held_out(lambda pictures: self._wholeness.clean_rate(pictures, self._seen_held_out))
    return self._wholeness.reals_rate if of_held_out is None else of_held_out

  @functools.cached_property
  def _likeness(self):
    return likeness.Likeness(self._some, self._options.data.crop)

  @functools.cached_property
  def _inception_of_reals(self):
    return self._inception(self._set.some(self._set.trained_on, max(_NUM_REALS, self._num_samples)))

  def _of_held_out(self, function):
    """Returns what a function says of the held-out pictures, or None where there are too few to say anything."""
    return function(self._held_out) if len(self._held_out) >= copying.FEWEST_HELD_OUT else None

  def _median_nearest(self, pictures):
    return float(np.median(copying.nearest(pictures, self._training)[1]))

  def _look(self, samples, noted):
    """Takes what Face Mesh sees."""
    seen = meshes.look(samples, self._options.data.crop)
    self._compare_faces(samples, seen, self._judge(samples, seen, noted), noted)
    noted.take('found_rate', meshes.found_rate(seen), meshes.found_rate(self._seen_reals))
    fakes, reals = _found(seen), _found(self._seen_reals)
    held_out = _found(self._seen_held_out) if len(self._held_out) else reals[:0]
    is_held_out = len(held_out) >= meshes.FEWEST_FACES
    against = held_out if is_held_out else reals
    for kind, points in (('photos', against), ('samples', fakes)):
      if len(points) < meshes.FEWEST_FACES:
        return noted.leave_out('geometry_distance', f'needs {meshes.FEWEST_FACES} {kind} with a face, and has '
                               f'{len(points)}')
    of_reals = meshes.geometry_distance(held_out, reals) if is_held_out and len(reals) >= meshes.FEWEST_FACES else None
    noted.take('geometry_distance', meshes.geometry_distance(against, fakes), of_reals,
               f'to {len(against)} {"held-out" if is_held_out else "training"} pictures')

  def _judge(self, samples, seen, noted):
    """Takes how many samples are clean faces; returns which are, or where that cannot be told which are faces, bool."""
    if self._wholeness is None:
      noted.leave_out('clean_rate', f'needs {real_pictures.FEWEST} photos with a face, and has '
                      f'{len(_found(self._seen_reals))}')
      return seen.num_faces == 1
    is_clean = self._wholeness.is_clean(samples, seen)
    noted.take('clean_rate', np.mean(is_clean), self._clean_rate_of_reals)
    return is_clean

  def _compare_faces(self, samples, seen, is_clean, noted):
    """Takes how far clean samples go in expression and turn, and how alike all are to the person."""
    fakes, reals = seen.landmarks[is_clean], _found(self._seen_reals)
    if min(len(fakes), len(reals)) < meshes.FEWEST_FACES:
      noted.leave_out('spread', f'needs {meshes.FEWEST_FACES} clean samples and as many photos with a face, and has '
                      f'{len(fakes)} and {len(reals)}')
    else:
      mean, _ = spread.spread(reals, fakes)
      noted.take('spread', mean, 1.0) if np.isfinite(mean) else noted.leave_out('spread', 'needs photos that move')
    if len(self._some) < real_pictures.FEWEST:
      return noted.leave_out('likeness', f'needs {real_pictures.FEWEST} photos, and has {len(self._some)}')
    noted.take('likeness', self._likeness.likeness(samples), self._of_held_out(self._likeness.likeness))

  def _compare_variety(self, samples, noted):
    for kind, pictures, fewest in (('photos', self._some, variety.MIN_REALS),
                                   ('samples', samples, _FEWEST_TOLD_APART)):
      if len(pictures) < fewest:
        return noted.leave_out('diversity', f'needs {fewest} {kind}, and has {len(pictures)}')
    measure = variety.Variety(self._some)
    noted.take('diversity', measure.diversity(samples), measure.diversity(self._some))

  def _test_copying(self, samples, noted):
    num_held_out = len(self._held_out)
    if not self._is_own_set:
      return noted.leave_out('copying', 'needs the set that the run was trained on: leave out --records')
    if num_held_out < copying.FEWEST_HELD_OUT:
      return noted.leave_out('copying', f'needs {copying.FEWEST_HELD_OUT} held-out pictures, and the run held out '
                             f'{num_held_out}: train with --holdout_fraction=0.1, or more')
    if len(samples) < copying.FEWEST_GENERATED:
      return noted.leave_out('copying', f'needs {copying.FEWEST_GENERATED} samples, and has {len(samples)}')
    score = copying.copying_test(self._training, self._held_out, samples, seed=self._options.training.seed)
    if math.isnan(score):
      return noted.leave_out('copying', 'needs samples where the set is, and there are none')
    noted.take('copying', score, 0.0)

  def _walk(self, generator, space, noted):
    """Takes how evenly pictures change along lines from one fixed point of Z to the next."""
    z = space.sample(2 * _NUM_LINES, self._options.training.seed)
    points = np.concatenate([motion.between(generator, space, z[i:i + 2], measures.NUM_LINE_POINTS - 1, False)
                             for i in range(0, len(z), 2)])
    pictures = networks.generate(generator, points)
    value = stair_step.stair_step(pictures.reshape(_NUM_LINES, measures.NUM_LINE_POINTS, *pictures.shape[1:]))
    if math.isnan(value):
      return noted.leave_out('stair_step', 'no line in Z moves: all samples are one picture')
    noted.take('stair_step', value)

  def _find(self, generator, space, encoder, noted):
    """Takes how near pictures come: those of the set at their places, and held-out ones where they are found."""
    if isinstance(space, latents.Normal) or not self._is_own_set:
      for name in _OF_PLACES:
        noted.leave_out(name, 'needs a run whose pictures have places in Z, and the set that it was trained on')
      return
    at = {key: place for place, key in enumerate(space.keys)}
    spread = np.linspace(0, len(space.keys) - 1, min(_NUM_REALS, len(space.keys))).astype(int)
    numbers = {self._set.keys[i]: i for i in self._set.trained_on}
    chosen = [key for key in np.array(space.keys)[spread] if key in numbers]
    real = self._set.pictures(np.array([numbers[key] for key in chosen]))
    made = networks.generate(generator, space.places[[at[key] for key in chosen]])
    noted.take('off', _difference(real, made))
    if not len(self._held_out):
      for name in _OF_PLACES[1:]:
        noted.leave_out(name, 'needs held-out pictures: train with --holdout_fraction=0.1')
      return
    held_out = self._held_out[np.linspace(0, len(self._held_out) - 1, min(_NUM_FOUND, len(self._held_out))).astype(int)]
    z, _ = inversion.invert(generator, held_out, space, _NUM_FINDING_STEPS, encoder=encoder)
    made = networks.generate(generator, z)
    noted.take('found_off', _difference(held_out, made), noted.values['off'])
    self._compare_features('found_features', meshes.look(held_out, self._options.data.crop), made, noted)

  def _encode(self, generator, encoder, noted):
    """Takes how near pictures that were not learnt come where the encoder puts them, without any search."""
    pictures = self._held_out if self._is_own_set else self._some
    reason = ('needs a run with an encoder (--learner=encoder, or --encoder)' if not encoder else
              'needs held-out pictures: train with --holdout_fraction=0.1' if not len(pictures) else None)
    if reason:
      for name in _OF_ENCODER:
        noted.leave_out(name, reason)
      return
    made = networks.generate(generator, latents.to_sphere(networks.encode(encoder, pictures)))
    noted.take('encoded_off', _difference(pictures, made), noted.values.get('off'))
    seen = self._seen_held_out if self._is_own_set else self._seen_reals
    self._compare_features('encoded_features', seen, made, noted)

  def _compare_features(self, name, seen, made, noted):
    """Takes how far the mesh of made pictures is from that of those that they were made after."""
    errors = meshes.landmark_errors(seen, meshes.look(made, self._options.data.crop))
    if np.isnan(errors).all():
      return noted.leave_out(name, 'needs a face in the pictures and in what is made of them')
    noted.take(name, float(np.nanmedian(errors)), note=f'of {np.isfinite(errors).sum()} pictures')

  def _ask_inception(self, samples, noted):
    reason = None
    if self._inception is None:
      reason = NO_INCEPTION
    elif min(len(samples), len(self._some)) < _FEWEST_TOLD_APART:
      reason = f'needs {_FEWEST_TOLD_APART} samples and as many photos, and has {len(samples)} and {len(self._some)}'
    if reason:
      for name in ('fid', 'kid'):
        noted.leave_out(name, reason)
      return
    reals, fakes = self._inception_of_reals, self._inception(samples)
    against = f'of {len(fakes)} samples to {len(reals)} photos'
    # Of few held-out pictures a FID would be large by their number alone; KID is not.
    noted.take('fid', distances.frechet_distance(reals, fakes), note=against)
    noted.take('kid', distances.kernel_distance(reals, fakes), self._of_held_out(
        lambda pictures: distances.kernel_distance(reals, self._inception(pictures))), against)


def _difference(real, made):
  """Returns the mean absolute difference of uint8 pictures, in grey values."""
  return float(np.abs(real.astype(np.float32) - made).mean())


class _Notes:
  """What was measured so far: `values`, `of_reals` and `reasons`, dicts by the names of `measures.MEASURES`."""

  def __init__(self):
    self.values, self.of_reals, self.reasons = {}, {}, {}

  def take(self, name, value, of_reals=None, note=None):
    """Notes a float, what real pictures have, and what it was measured against."""
    self.values[name], self.of_reals[name] = float(value), of_reals
    if note:
      self.reasons[name] = note

  def leave_out(self, name, reason):
    """Notes why there is no value."""
    self.reasons[name] = reason


def _found(seen):
  """Returns the landmarks of the pictures with exactly one face, float32 [num_found, 478, 3]."""
  return seen.landmarks[seen.num_faces == 1]
