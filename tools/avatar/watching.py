"""What the person in a film does, frame by frame: read once, in memory that pictures do not fill."""

import dataclasses
import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import progress
from dcgan.control import names as control_names
from tools.avatar import ahead
from tools.faces import alignment
from tools.faces import appearance
from tools.faces import controls
from tools.faces import following
from tools.faces import landmarks as face_landmarks
from tools.faces import measures
from tools.material import videos
from tools.sets import tracks

_SAMPLES_PER_SEC, _FEWEST_SAMPLES, _MOST_SAMPLES = 2, 8, 40  # spread over the film, that tell who is in it
_FEWEST = 2  # samples that somebody is seen in
# What a mesh tells of faces turned farther, or for a moment only, is no expression.
_MOST_DEGREES = {'headYaw': 55.0, 'headPitch': 45.0}
_LEAST_SECS = 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class Watched:
  """What was seen of a person in a film; a third of a kilobyte a frame.

  Attributes:
    video: `videos.Video`.
    path: `pathlib.Path` of it.
    times_secs: float64 [num_frames], rising.
    raw: float32 [num_frames, num_measured], as `controls.measure` has them; NaN where the person is not seen.
    eyes: float32 [num_frames, 2, 2], iris centres in px of the frame, image left first; NaN likewise.
    mouth: float32 [num_frames], how far the lips are apart, as `measures.mouth_opening` has it; NaN likewise.
  """

  video: videos.Video
  path: pathlib.Path
  times_secs: np.ndarray
  raw: np.ndarray
  eyes: np.ndarray
  mouth: np.ndarray

  @property
  def is_seen(self):
    """bool [num_frames], whether the person is seen."""
    return np.isfinite(self.raw[:, 0])

  def faces(self):
    """Yields (time_secs, the aligned face as uint8 [218, 178, 3] or None), reading the film again."""
    frames = ahead.prepared(self.video.frames())
    for eyes, (time_secs, image) in zip(self.eyes, frames):
      yield time_secs, alignment.align(image, np.zeros([1, 3], np.float32), eyes).image if np.isfinite(
          eyes).all() else None


def watch(path):
  """Returns the `Watched` of the most present person in a film, the larger one of equally present ones.

  Raises:
    errors.InputError: there is no such film, or no face in it.
  """
  video = videos.Video(path)
  follower = following.Follower(_looks(video))

  def followed():
    with progress.Progress(video.num_frames, 'Faces', 'frames') as bar:
      for time_secs, image in ahead.prepared(video.frames()):
        yield time_secs, follower.follow(image, time_secs)
        bar.update()

  times_secs, found = [], []
  nobody = np.full(controls.NOISE.shape, np.nan), np.full([2, 2], np.nan), np.nan
  for time_secs, points in following.steadied(ahead.prepared(followed())):
    times_secs.append(time_secs)
    found.append(nobody if points is None else (
        controls.measure(points), points[list(face_landmarks.IRISES), :2], measures.mouth_opening(points)))
  for note in video.notes:
    logging.info('%s %s', path, note)
  if video.damage:
    logging.warning('%s: %s. It is driven by what can be read.', path, video.damage)
  raw, eyes, mouth = (np.array(each, np.float32) for each in zip(*found))
  is_lost = ~is_plain(np.array(times_secs), raw)
  for values in (raw, eyes, mouth):
    values[is_lost] = np.nan
  watched = Watched(video, pathlib.Path(path), np.array(times_secs), raw, eyes, mouth)
  if not watched.is_seen.any():
    raise errors.InputError(f'`video` ({path}): no face found in its {len(times_secs)} frames. Take a film in which the '
                            'face is larger, upright and lit.')
  if not watched.is_seen.all():
    logging.info('In %.0f %% of the frames the person is seen; in the others the last expression holds and fades to '
                 'rest.', 100 * watched.is_seen.mean())
  return watched


def is_plain(times_secs, raw):
  """Returns in which frames somebody is seen well enough, bool [num_frames]: not from the side, nor for a moment only.

  Args:
    times_secs: float [num_frames], rising.
    raw: float [num_frames, num_measured], as in `Watched`.
  """
  is_seen = np.isfinite(raw[:, 0])
  for name, most in _MOST_DEGREES.items():
    is_seen &= np.abs(np.nan_to_num(raw[:, control_names.MEASURED.index(name)])) <= most
  ends = np.flatnonzero(np.diff(np.concatenate([[False], is_seen, [False]]).astype(int)))
  for start, stop in zip(ends[::2], ends[1::2]):
    # What begins or ends with the film may go on beyond it.
    if 0 < start and stop < len(is_seen) and times_secs[stop] - times_secs[start] < _LEAST_SECS:
      is_seen[start:stop] = False
  return is_seen


def _looks(video):
  """Returns the `following.Looks` of the people in a film, at a time or one after another; None where it shows one."""
  finder = face_landmarks.FaceFinder()
  inputs, boxes, looks = [], [], []
  num_samples = int(np.clip(_SAMPLES_PER_SEC * video.duration_secs, _FEWEST_SAMPLES, _MOST_SAMPLES))
  times_secs = np.linspace(0, video.duration_secs, num_samples, endpoint=False)
  for index, _, image in video.frames_at(times_secs):
    for face in finder.find_all(image) if image is not None else ():
      inputs.append(index)
      boxes.append(face.box)
      looks.append(appearance.describe(alignment.align(image, face.landmarks, face.eyes).image))
  if not inputs:
    return None
  numbers = tracks.people(np.zeros(len(inputs)), inputs, np.full(len(inputs), np.nan), boxes, np.array(looks))
  people = [number for number in range(1, numbers.max() + 1) if number == 1 or np.sum(numbers == number) >= _FEWEST]
  if len(people) == 1:
    return None
  logging.info('%d people are in the film: the most present one is followed.', len(people))
  return following.Looks(np.array([np.mean(np.array(looks)[numbers == number], axis=0) for number in people]))
