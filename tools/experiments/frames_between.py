"""Which frames between those that it was trained on a model of a video can make (the report's experiment 4)."""

import dataclasses
import pathlib

import numpy as np

from dcgan.common import errors
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.data import records as record_sets
from dcgan.model import networks
from dcgan.training import runs
from dcgan.training import trained_networks
from tools.evaluation import inversion
from tools.evaluation import meshes

_SAME_SECS = 0.02  # half a frame at 25 fps: nearer in time is the same frame
_MOST_FRAMES = 100  # of each kind that are looked for in the model: each takes a search of its own
_FRAMES_STREAM = 0xB7  # keeps the choice of frames apart from other uses of the same seed
_NUM_RANDOM_SAMPLES = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
  """Frames of one kind, and how near the model comes to each. Distances are root mean squares, in grey values.

  Attributes:
    pictures: uint8 [num_frames, size, size, 3].
    made: uint8 [num_frames, size, size, 3], the picture that inversion found for each.
    inversion_errors: float32 [num_frames], how far it is.
    sample_errors: float32 [num_frames], how far the nearest of 1,024 random samples is.
  """

  pictures: np.ndarray
  made: np.ndarray
  inversion_errors: np.ndarray
  sample_errors: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Between:
  """What a model makes of the frames in between and of those it was trained on.

  Attributes:
    between: `Frames`.
    trained: `Frames`.
    gaps_secs: float64 [num_between], time from each frame in between to the nearest one trained on.
    nearest: uint8 [num_between, size, size, 3], the frame trained on that looks most like each frame in between.
    nearest_errors: float32 [num_between], how far it is.
    mean_errors: float32 [num_between], how far the mean of the frames trained on is.
    geometry_distance: float, of the frames in between to those trained on (`meshes.geometry_distance`), or None where
      too few show a face.
  """

  between: Frames
  trained: Frames
  gaps_secs: np.ndarray
  nearest: np.ndarray
  nearest_errors: np.ndarray
  mean_errors: np.ndarray
  geometry_distance: float | None

  @property
  def share_nearer(self):
    """float in [0, 1], of the frames in between: those that the model comes nearer to than any frame trained on is."""
    return float(np.mean(self.between.inversion_errors < self.nearest_errors))

  def as_json(self):
    """Returns its numbers as JSON values: medians, in grey values.

    Frames in between are also told apart by their distance in time from the frames trained on, in tenths of a second.
    """
    tenths = np.round(10 * self.gaps_secs).astype(int)
    return dict(
        kinds=[dict(name=name, num_frames=len(frames.pictures), inversion_error=_median(frames.inversion_errors),
                    sample_error=_median(frames.sample_errors))
               for name, frames in (('trained on', self.trained), ('in between', self.between))],
        gaps=[dict(gap_secs=tenth / 10, num_frames=int(np.sum(tenths == tenth)),
                   inversion_error=_median(self.between.inversion_errors[tenths == tenth]),
                   sample_error=_median(self.between.sample_errors[tenths == tenth]),
                   nearest_error=_median(self.nearest_errors[tenths == tenth]))
              for tenth in np.unique(tenths).tolist()],
        nearest_error=_median(self.nearest_errors), mean_error=_median(self.mean_errors),
        share_nearer=self.share_nearer, geometry_distance=self.geometry_distance)


@dataclasses.dataclass(frozen=True)
class FrameSet:
  """A set of frames.

  Attributes:
    prefix: str, the set.
    manifest: `manifests.Manifest`.
  """

  prefix: str
  manifest: manifests.Manifest

  @classmethod
  def load(cls, prefix):
    """Returns the `FrameSet` of a prefix; raises `errors.InputError` where there is no such set."""
    return cls(prefix, manifests.load(prefix))

  @property
  def sources(self):
    """list of str, names of the files that it was made of."""
    return [pathlib.PurePath(source).name for source in self.manifest.settings.get('source', [])]

  def times_secs(self):
    """Returns the times of its frames, float64 [num_images].

    Raises:
      errors.InputError: a frame has none, or a shard is damaged.
    """
    times = []
    for face in record_sets.read_faces(self.prefix, self.manifest):
      if face.time_secs is None:
        raise errors.InputError(f'{self.prefix}: {face.key} has no time. Make the set from its video with `python -m '
                                'tools.make_records --video=FILE`.')
      times.append(face.time_secs)
    return np.array(times, np.float64)

  def pictures_for(self, options):
    """Returns the `input_pipeline.TrainingSet` of its pictures as networks of these options see them."""
    return input_pipeline.load_training_set(self.prefix, self.manifest, options.networks.image_size,
                                            options.data.crop)


def check(records, between_records):
  """Checks that the frames of two sets can be told apart by their times.

  Args:
    records: str, the set that is trained on.
    between_records: str, a set of the same video at more frames a second.

  Raises:
    errors.InputError: a set is missing, is not of one video, has no times, they are of different videos, or no frame
      of the second lies between those of the first.
  """
  trained, others = FrameSet.load(records), FrameSet.load(between_records)
  for name, frames in (('records', trained), ('between_records', others)):
    if frames.manifest.kind != 'video' or len(frames.sources) != 1:
      raise errors.InputError(f'`{name}` ({frames.prefix}) must be frames of one video, but is of kind '
                              f'{frames.manifest.kind}, from {len(frames.sources)} sources. Make it with `python -m '
                              'tools.make_records --video=FILE`.')
  if trained.sources != others.sources:
    raise errors.InputError(f'`between_records` ({between_records}) must be of the video of {records}, '
                            f'{trained.sources[0]}, but is of {others.sources[0]}. Make it with `python -m '
                            'tools.make_records --video=FILE --fps=10`.')
  indices, _ = find_between(trained.times_secs(), others.times_secs())
  if not len(indices):
    raise errors.InputError(f'`between_records` ({between_records}): none of its {others.manifest.num_images} frames '
                            f'lies between those of {records}. Make it at more frames a second, as with --fps=10.')


def find_between(trained_secs, other_secs):
  """Returns which frames lie between those that were trained on.

  Frames before the first or after the last of those lie between nothing.

  Args:
    trained_secs: float [num_trained], one or more.
    other_secs: float [num_others].

  Returns:
    (indices, gaps): int64 [num_between] of the others, ascending; float64 [num_between], seconds to the nearest frame
    trained on.
  """
  gaps = np.abs(np.asarray(other_secs)[:, np.newaxis] - np.asarray(trained_secs)).min(axis=1)
  is_inside = (np.asarray(other_secs) > np.min(trained_secs)) & (np.asarray(other_secs) < np.max(trained_secs))
  indices = np.flatnonzero(is_inside & (gaps > _SAME_SECS))
  return indices, gaps[indices]


def measure(run, records, between_records, seed):
  """Returns the `Between` of a run's latest checkpoint.

  Args:
    run: path of the run's folder.
    records: str, the set that it was trained on.
    between_records: str, a set of the same video at more frames a second, that passes `check`.
    seed: int, of the searches.

  Raises:
    errors.InputError: the run or a set cannot be read.
  """
  options = runs.load_options(run)
  model = trained_networks.load(run)
  own, others = FrameSet.load(records), FrameSet.load(between_records)
  training_set, other_set = own.pictures_for(options), others.pictures_for(options)
  indices, gaps = find_between(own.times_secs(), others.times_secs())
  # Any, not every third: their distances in time would come in step with the frames trained on.
  rng = np.random.Generator(np.random.PCG64([seed, _FRAMES_STREAM]))
  spread = np.sort(rng.permutation(len(indices))[:_MOST_FRAMES])
  trained, pictures = training_set.pictures(training_set.trained_on), other_set.pictures(indices[spread])
  nearest, nearest_errors = nearest_pictures(pictures, trained)
  mean = np.round(trained.mean(axis=0, keepdims=True)).astype(np.uint8)
  return Between(
      between=_search(model, pictures, seed),
      trained=_search(model, training_set.some(training_set.trained_on, _MOST_FRAMES), seed),
      gaps_secs=gaps[spread], nearest=trained[nearest], nearest_errors=nearest_errors,
      mean_errors=nearest_pictures(pictures, mean)[1],
      geometry_distance=_geometry_distance(trained, pictures, options.data.crop))


def nearest_pictures(pictures, others):
  """Returns the nearest of other pictures to each picture.

  Args:
    pictures: uint8 [num_images, size, size, 3].
    others: uint8 [num_others, size, size, 3], one or more.

  Returns:
    (indices, errors): int64 [num_images] of `others`; float32 [num_images], root mean squares, in grey values.
  """
  others = others.astype(np.float32)
  errors_of_all = np.array([np.sqrt(np.mean((others - picture.astype(np.float32))**2, axis=(1, 2, 3)))
                            for picture in pictures], np.float32)
  indices = errors_of_all.argmin(axis=1)
  return indices, errors_of_all[np.arange(len(pictures)), indices]


def _search(model, pictures, seed):
  """Returns the `Frames` of pictures that are looked for in a model, `trained_networks.Trained`."""
  z, inversion_errors = inversion.invert(model.generator, pictures, model.space, seed=seed, encoder=model.encoder)
  return Frames(pictures, networks.generate(model.generator, z), inversion_errors,
                inversion.nearest_samples(model.generator, pictures, model.space, _NUM_RANDOM_SAMPLES, seed))


def _geometry_distance(trained, pictures, crop_px):
  """Returns how far the poses and expressions of two kinds of frames are, or None where too few show a face."""
  seen = [meshes.look(kind, crop_px) for kind in (trained, pictures)]
  points = [each.landmarks[each.num_faces == 1] for each in seen]
  if min(map(len, points)) < meshes.FEWEST_FACES:
    return None
  return meshes.geometry_distance(*points)


def _median(values):
  return float(np.median(values))
