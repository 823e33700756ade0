"""What a mouth did in a film with sound, beside what was heard: what is learnt from."""

import dataclasses
import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import progress
from dcgan.control import calibration
from dcgan.control import names
from tools.faces import controls
from tools.faces import landmarks
from tools.faces import smoothing
from tools.material import sounds
from tools.material import videos
from tools.speech import features

# What a voice moves, without sides: both sides do alike in speech.
SPOKEN = ('jawOpen', 'mouthFunnel', 'mouthPucker', 'mouthSmile', 'mouthStretch', 'mouthRollLower', 'mouthRollUpper',
          'mouthPress', 'mouthLowerDown', 'mouthUpperUp')

_MOST_FPS = 30.0  # of a film, that are looked at: a mouth moves at under 10 Hz
_LONGEST_GAP_SECS = 0.2  # between two frames with a face, across which the mouth is known
_MIN_SECS = 2.0
_NOISE = np.array([next(noise for name, noise in zip(names.MEASURED, controls.NOISE.tolist())
                        if names.without_side(name) == spoken) for spoken in SPOKEN], np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
  """A film of somebody who speaks.

  Attributes:
    name: str, of the film.
    heard: `features.Heard`, its sound.
    mouth: float32 [num_moments, 10], what each of `SPOKEN` does at each moment of `heard`, of what the person does in the
      film: 0 at rest, 1 as far as it goes; below 0 and above 1 too. NaN where no face is seen.
    reach: float32 [10], how far the raw measures go from rest.
  """

  name: str
  heard: features.Heard
  mouth: np.ndarray
  reach: np.ndarray

  @property
  def secs(self):
    """float, how long a face is seen while one hears."""
    return float(np.isfinite(self.mouth[:, 0]).sum() / features.FPS)


def watch(path):
  """Returns the `Example` of a film with sound, of its most central large face.

  Raises:
    errors.InputError: there is no such film, it has no sound or no voice, or a face is seen for less than 2 s.
  """
  heard = features.listen(sounds.Sound(path, with_pictures=True).blocks(features.RATE_HZ), f'`{path}`')
  times_secs, raw = measure(path)
  both = by_stem(raw)
  seen = _at(heard.times_secs, times_secs, both)
  seen_secs = np.isfinite(seen[:, 0]).sum() / features.FPS
  if seen_secs < _MIN_SECS:
    raise errors.InputError(f'`{path}`: a face must be seen for {_MIN_SECS:g} s or more while one hears, but is for '
                            f'{seen_secs:.1f} s. Name a film of somebody who speaks into the camera.')
  own = calibration.calibrate(seen, _NOISE, SPOKEN)
  reach = np.maximum(own.high - own.rest, 4 * _NOISE)
  return Example(pathlib.Path(path).name, heard, ((seen - own.rest) / reach).astype(np.float32), reach)


def measure(path):
  """Returns (times_secs, raw): float64 [num_frames], float32 [num_frames, 45] of `names.MEASURED`, where a face is."""
  video = videos.Video(path)
  num_frames = max(1, int(video.duration_secs * _MOST_FPS))
  finder, found, times_secs = landmarks.FaceFinder(), [], []
  with progress.Progress(num_frames, f'Looking at {pathlib.Path(path).name}', 'frames') as shown:
    for _, time_secs, image in video.frames_at(np.arange(num_frames) / _MOST_FPS):
      faces = finder.find_all(image) if image is not None else []
      if faces and (not times_secs or time_secs > times_secs[-1]):
        found.append(faces[0].landmarks)
        times_secs.append(time_secs)
      shown.update()
  if video.damage:
    logging.warning('%s is damaged (%s); what can be read of it is used.', path, video.damage)
  if not found:
    raise errors.InputError(f'`{path}`: no face is seen in it. Name a film of somebody who speaks into the camera.')
  return np.array(times_secs), controls.measure(smoothing.smooth(np.array(found), times_secs))


def by_stem(raw):
  """Returns raw measures float [..., 45] of `names.MEASURED` as float [..., 10] of `SPOKEN`: the mean of both sides."""
  return np.stack([np.mean([raw[..., i] for i, name in enumerate(names.MEASURED)
                            if names.without_side(name) == spoken], axis=0) for spoken in SPOKEN], axis=-1)


def _at(wanted_secs, times_secs, values):
  """Returns values at other times, [num_wanted, ...]; NaN where those beside are too far off."""
  at = np.stack([np.interp(wanted_secs, times_secs, column) for column in values.T], axis=1)
  after = np.clip(np.searchsorted(times_secs, wanted_secs), 1, max(len(times_secs) - 1, 1))
  before = np.maximum(after - 1, 0)
  after = np.minimum(after, len(times_secs) - 1)
  is_known = ((wanted_secs >= times_secs[0]) & (wanted_secs <= times_secs[-1])
              & (times_secs[after] - times_secs[before] <= _LONGEST_GAP_SECS))
  return np.where(is_known[:, np.newaxis], at, np.nan)
