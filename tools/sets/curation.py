"""Which faces are kept, and why the others are not.

The limits were set by eye on LFW (12,269 photos), CelebA, two people's photos and three videos: each takes what hurts a
model and, there, under one face in a hundred; closed eyes, open mouths and tilted heads stay.
"""

import collections.abc
import dataclasses
import math

import numpy as np

from dcgan.common import errors
from dcgan.data import manifests
from tools.sets import duplicates
from tools.sets import reasons


@dataclasses.dataclass(frozen=True)
class Limits:
  """What a face must have to be kept. What was not measured passes.

  Attributes:
    min_eye_distance_px: float >= 1, between the iris centres in the source picture; 39 in an aligned one.
    max_outside_fraction: float in [0, 1], of the central 108×108 crop that may lie outside the source picture.
    max_yaw_deg: float in (0, 180], to either side. Eyes look nearer to each other in a turned head, so alignment blows
      it up: by a third at 40°.
    max_pitch_deg: float in (0, 180], up or down.
    max_roll_deg: float in (0, 180]; alignment turns heads upright, so 180, all, does no harm.
    min_sharpness: float >= 0, over the median of the video, or of all photos.
    min_brightness: float in [0, 255], of the skin; dark skin in a dim room is over 40.
    max_brightness: float in [0, 255], likewise; 255 is a white that shows nothing.
    min_eye_opening: float >= 0, of the eye that is more open; 0.1 leaves out blinks, which make an avatar lively.
    min_change: float >= 0, distance of descriptors between a video's frame and the one that was kept before it. 0.03
      takes frozen pictures; at 3 frames a second, the least in three videos of people was 0.09.

  Raises:
    errors.InputError: a value is out of its range.
  """

  min_eye_distance_px: float = 12.0
  max_outside_fraction: float = 0.2
  max_yaw_deg: float = 40.0
  max_pitch_deg: float = 35.0
  max_roll_deg: float = 180.0
  min_sharpness: float = 0.15
  min_brightness: float = 30.0
  max_brightness: float = 235.0
  min_eye_opening: float = 0.0
  min_change: float = 0.03

  def __post_init__(self):
    for name, default in ((field.name, field.default) for field in dataclasses.fields(self)):
      value = getattr(self, name)
      is_right, rule = _RULES[name]
      if not is_right(value):
        raise errors.InputError(f'`{name}` ({value}) must be {rule}. Use {default:g}.')
    if self.min_brightness > self.max_brightness:
      raise errors.InputError(f'`min_brightness` ({self.min_brightness}) must be at most `max_brightness` '
                              f'({self.max_brightness}). Use 30 and 235.')


_NOT_NEGATIVE = (lambda value: 0 <= value < math.inf), '0 or more'
_ANGLE = (lambda value: 0 < value <= 180), 'over 0 and at most 180'
_LUMINANCE = (lambda value: 0 <= value <= 255), 'within 0 and 255'
_RULES = {
    'min_eye_distance_px': ((lambda value: 1 <= value < math.inf), '1 or more'),
    'max_outside_fraction': ((lambda value: 0 <= value <= 1), 'within 0 and 1'),
    'max_yaw_deg': _ANGLE, 'max_pitch_deg': _ANGLE, 'max_roll_deg': _ANGLE, 'min_sharpness': _NOT_NEGATIVE,
    'min_brightness': _LUMINANCE, 'max_brightness': _LUMINANCE, 'min_eye_opening': _NOT_NEGATIVE,
    'min_change': _NOT_NEGATIVE}


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
  """What is known of the faces of a set, one an input at most, in the order of the inputs; NaN where not measured.

  Attributes:
    keys: sequence of num_faces str.
    clips: int [num_faces], the video of each; 0 for photos.
    eye_distance_px: float [num_faces], in the source picture.
    outside_fraction: float [num_faces].
    yaw_deg: float [num_faces], as `measures.pose` gives it, as are the next two.
    pitch_deg: float [num_faces].
    roll_deg: float [num_faces], in the source picture.
    mouth_opening: float [num_faces].
    eye_openings: float [num_faces, 2].
    brightness: float [num_faces].
    sharpness: float [num_faces].
    descriptors: float16 or float32 [num_faces, 256].
  """

  keys: collections.abc.Sequence
  clips: np.ndarray
  eye_distance_px: np.ndarray
  outside_fraction: np.ndarray
  yaw_deg: np.ndarray
  pitch_deg: np.ndarray
  roll_deg: np.ndarray
  mouth_opening: np.ndarray
  eye_openings: np.ndarray
  brightness: np.ndarray
  sharpness: np.ndarray
  descriptors: np.ndarray


def reasons_against(measured, limits, is_video, keep_duplicates=False):
  """Returns why faces are left out.

  First the limits are applied, then, among what passes, a video's frames are compared with the one kept before each,
  and photos with all others.

  Args:
    measured: `Measured`.
    limits: `Limits`.
    is_video: bool, whether the faces of one clip are frames in the order of time.
    keep_duplicates: bool, whether the same picture may come again; of a video, whether unchanged frames may.

  Returns:
    list of num_faces `manifests.Reason`: the first one, or None.
  """
  why = [None] * len(measured.keys)
  for kind, is_out, values, limit in _checks(measured, limits):
    for i in np.flatnonzero(is_out):
      why[i] = why[i] or manifests.Reason(kind, float(values[i]), limit)
  if keep_duplicates:
    return why
  rows = np.array([i for i, reason in enumerate(why) if reason is None], np.int64)
  if is_video:
    for clip in np.unique(measured.clips[rows]):
      frames = rows[measured.clips[rows] == clip]
      for i, change in zip(frames, changes(measured.descriptors[frames], limits.min_change)):
        if change < limits.min_change:
          why[i] = manifests.Reason(reasons.UNCHANGED, float(change), limits.min_change)
  else:
    same_as = duplicates.find(measured.descriptors[rows], measured.eye_distance_px[rows], measured.eye_openings[rows],
                              measured.mouth_opening[rows])
    for i, other in zip(rows, same_as):
      if other >= 0:
        why[i] = manifests.Reason(reasons.SAME_PICTURE, measured.keys[rows[other]])
  return why


def relative_sharpness(sharpness, clips):
  """Returns sharpness over the median of its clip, float64 [num_faces]; NaN where that is 0 or not known."""
  relative = np.full(len(sharpness), np.nan)
  for clip in np.unique(clips):
    here = np.flatnonzero((clips == clip) & np.isfinite(sharpness))
    median = np.median(sharpness[here]) if len(here) else 0
    if median > 0:
      relative[here] = sharpness[here] / median
  return relative


def changes(descriptors, min_change):
  """Returns how far each frame is from the last one that is kept before it: those that changed by `min_change` or more.

  Args:
    descriptors: float [num_frames, 256], of one video, in the order of time.
    min_change: float >= 0.

  Returns:
    float64 [num_frames]; infinity for the first frame.
  """
  found = np.full(len(descriptors), np.inf)
  for i in range(1, len(descriptors)):
    if found[i - 1] >= min_change:
      last = descriptors[i - 1].astype(np.float32)
    found[i] = np.linalg.norm(descriptors[i] - last)
  return found


def _checks(measured, limits):
  """Yields (kind of reason, bool [num_faces] who breaks the limit, what was measured, the limit); NaN breaks none."""
  m = measured
  yield (reasons.EYES_NEAR, m.eye_distance_px < limits.min_eye_distance_px, m.eye_distance_px,
         limits.min_eye_distance_px)
  yield (reasons.OUTSIDE, m.outside_fraction > limits.max_outside_fraction, m.outside_fraction,
         limits.max_outside_fraction)
  for kind, degrees, limit in (
      (reasons.TURNED_LEFT, -m.yaw_deg, limits.max_yaw_deg), (reasons.TURNED_RIGHT, m.yaw_deg, limits.max_yaw_deg),
      (reasons.LOOKS_DOWN, -m.pitch_deg, limits.max_pitch_deg), (reasons.LOOKS_UP, m.pitch_deg, limits.max_pitch_deg),
      (reasons.TILTED, np.abs(m.roll_deg), limits.max_roll_deg)):
    yield kind, degrees > limit, degrees, limit
  yield reasons.TOO_DARK, m.brightness < limits.min_brightness, m.brightness, limits.min_brightness
  yield reasons.TOO_BRIGHT, m.brightness > limits.max_brightness, m.brightness, limits.max_brightness
  openings = np.fmax(m.eye_openings[:, 0], m.eye_openings[:, 1])
  yield reasons.EYES_CLOSED, openings < limits.min_eye_opening, openings, limits.min_eye_opening
  relative = relative_sharpness(m.sharpness, m.clips)
  yield reasons.BLURRED, relative < limits.min_sharpness, relative, limits.min_sharpness
