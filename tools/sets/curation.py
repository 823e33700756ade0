"""Which faces are kept, and why the others are not.

The limits were set by eye on LFW (12,269 photos), CelebA, two people's photos and three videos: each takes what hurts a
model and, there, under one face in a hundred; closed eyes, open mouths and tilted heads stay.
"""

import collections.abc
import dataclasses
import math
import re

import numpy as np

from dcgan import errors

_NUMBER = re.compile(r'(?<![=\w.])-?\d+(?:\.\d+)?')  # not a flag's value, behind =, which is the same in all
_SAME_PICTURE = 'the same picture as '
# Between descriptors. A photo recompressed, scaled by 0.5 to 2 or cropped by up to 10 % stayed within 0.5 of itself in
# 99 of 100 cases; in LFW all 9 pairs within 0.5, 4 of them under two names, are one picture; the nearest two pictures
# that are not were 0.69 apart.
_SAME_DISTANCE = 0.5
_SAME_CONTRAST_FRACTION = 0.25  # of a descriptor's norm: all dim and foggy pictures are near each other
_SAME_EYE_OPENING = 0.1  # a blink takes about 0.2; copies at 21 px between the eyes differ by up to 0.09
_SAME_MOUTH_OPENING = 0.06
_LARGER = 1.1  # of two same pictures the one that is larger by this is kept, else the first
_NUM_PRINCIPAL = 16
_NUM_SAMPLES = 20_000
_MAX_PAIRS_AT_ONCE = 1 << 22
_MAX_COMPARED_AT_ONCE = 1 << 15


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
    list of num_faces str: the first reason, or ''.
  """
  reasons = [''] * len(measured.keys)
  for is_out, text in _checks(measured, limits):
    for i in np.flatnonzero(is_out):
      reasons[i] = reasons[i] or text(i)
  if keep_duplicates:
    return reasons
  rows = np.array([i for i, reason in enumerate(reasons) if not reason], np.int64)
  if is_video:
    for clip in np.unique(measured.clips[rows]):
      frames = rows[measured.clips[rows] == clip]
      for i, change in zip(frames, changes(measured.descriptors[frames], limits.min_change)):
        if change < limits.min_change:
          reasons[i] = f'a change of {change:.3f} since the last kept frame, under --min_change={limits.min_change:g}'
  else:
    same_as = duplicates(measured.descriptors[rows], measured.eye_distance_px[rows], measured.eye_openings[rows],
                         measured.mouth_opening[rows])
    for i, other in zip(rows, same_as):
      if other >= 0:
        reasons[i] = f'{_SAME_PICTURE}{measured.keys[rows[other]]}'
  return reasons


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


def duplicates(descriptors, eye_distance_px=None, eye_openings=None, mouth_opening=None):
  """Returns which pictures show the same as another one: copied, scaled, compressed or cropped.

  Each is compared with those kept before it, so that a row of slow changes keeps some of its pictures; of what is the
  same, the first stays, or the first of those with the larger face. Pictures whose eyes or mouth do something else are
  not the same. The time is about linear in the number of pictures, as long as few are alike.

  Args:
    descriptors: float16 or float32 [num_faces, 256].
    eye_distance_px: float [num_faces], in the source picture, NaN where unknown; or None.
    eye_openings: float [num_faces, 2], likewise.
    mouth_opening: float [num_faces], likewise.

  Returns:
    int64 [num_faces]: the row of the one that stays, or -1 for one that itself stays.
  """
  num_faces = len(descriptors)
  expression = np.concatenate(
      [np.full([num_faces, width], np.nan) if values is None else np.reshape(values, [num_faces, width]) / tolerance
       for values, width, tolerance in ((eye_openings, 2, _SAME_EYE_OPENING), (mouth_opening, 1, _SAME_MOUTH_OPENING))],
      axis=1)
  first_of = _same_as_before(descriptors, expression)  # a row of thousands would make millions of pairs
  rest = np.flatnonzero(first_of < 0)
  for i, j in _same_pairs(descriptors[rest], expression[rest]):
    if first_of[rest[i]] < 0 and first_of[rest[j]] < 0:
      first_of[rest[j]] = rest[i]
  first_of = np.where((first_of >= 0) & (first_of[first_of] >= 0), first_of[first_of], first_of)
  return first_of if eye_distance_px is None else _larger_first(first_of, np.asarray(eye_distance_px, np.float64))


def count_kinds(rejected):
  """Returns how often each kind of reason occurs, the most frequent first.

  Args:
    rejected: iterable of `records.Rejection`.

  Returns:
    dict of str to int; where reasons differ in their numbers only, those are written as ranges, 41 to 44; what is the
    same as another picture is counted together.
  """
  kinds = {}
  for rejection in rejected:
    if rejection.reason.startswith(_SAME_PICTURE):
      kinds.setdefault((f'{_SAME_PICTURE}another one (--keep_duplicates keeps them)',), []).append([])
      continue
    words = tuple(_NUMBER.split(rejection.reason))
    kinds.setdefault(words, []).append(_NUMBER.findall(rejection.reason))
  counts = {_with_ranges(words, numbers): len(numbers) for words, numbers in kinds.items()}
  return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _with_ranges(words, numbers):
  """Returns the words of a kind of reason with the least and the largest of the numbers (str) between each two."""
  text = words[0]
  for word, values in zip(words[1:], zip(*numbers)):
    least, most = min(values, key=float), max(values, key=float)
    text += (least if least == most else f'{least} to {most}') + word
  return text


def _checks(measured, limits):
  """Yields (bool [num_faces], function of a row): which faces break a limit, and in which words; NaN breaks none."""
  m = measured
  yield m.eye_distance_px < limits.min_eye_distance_px, lambda i: (
      f'eyes {m.eye_distance_px[i]:.1f} px apart, under --min_eye_distance_px={limits.min_eye_distance_px:g}')
  yield m.outside_fraction > limits.max_outside_fraction, lambda i: (
      f'{100 * m.outside_fraction[i]:.0f} % of the crop lies outside the picture, over '
      f'--max_outside_fraction={limits.max_outside_fraction:g}')
  yield np.abs(m.yaw_deg) > limits.max_yaw_deg, lambda i: (
      f"turned {abs(m.yaw_deg[i]):.0f}° to the image's {'right' if m.yaw_deg[i] > 0 else 'left'}, over "
      f'--max_yaw_deg={limits.max_yaw_deg:g}')
  yield np.abs(m.pitch_deg) > limits.max_pitch_deg, lambda i: (
      f"looks {'up' if m.pitch_deg[i] > 0 else 'down'} by {abs(m.pitch_deg[i]):.0f}°, over "
      f'--max_pitch_deg={limits.max_pitch_deg:g}')
  yield np.abs(m.roll_deg) > limits.max_roll_deg, lambda i: (
      f'tilted by {abs(m.roll_deg[i]):.0f}°, over --max_roll_deg={limits.max_roll_deg:g}')
  yield m.brightness < limits.min_brightness, lambda i: (
      f'too dark: skin of brightness {m.brightness[i]:.0f}, under --min_brightness={limits.min_brightness:g}')
  yield m.brightness > limits.max_brightness, lambda i: (
      f'too bright: skin of brightness {m.brightness[i]:.0f}, over --max_brightness={limits.max_brightness:g}')
  openings = np.fmax(m.eye_openings[:, 0], m.eye_openings[:, 1])
  yield openings < limits.min_eye_opening, lambda i: (
      f'eyes closed: an opening of {openings[i]:.2f}, under --min_eye_opening={limits.min_eye_opening:g}')
  relative = relative_sharpness(m.sharpness, m.clips)
  yield relative < limits.min_sharpness, lambda i: (
      f'blurred: {relative[i]:.2f} of the usual sharpness, under --min_sharpness={limits.min_sharpness:g}')


def _larger_first(first_of, eye_distance_px):
  """Returns `first_of` with the first of the clearly largest faces of each group in the place of its first one."""
  groups = collections.defaultdict(list)
  for row in np.flatnonzero(first_of >= 0):
    groups[first_of[row]].append(row)
  same_as = first_of.copy()
  for first, others in groups.items():
    rows = np.array([first, *others])
    sizes = np.nan_to_num(eye_distance_px[rows])
    kept = rows[np.argmax(sizes * _LARGER >= sizes.max())]
    same_as[rows] = kept
    same_as[kept] = -1
  return same_as


def _same_as_before(descriptors, expression):
  """Returns int64 [num_faces]: the start of a row of pictures that all show the same as it does, or -1."""
  rows = np.arange(len(descriptors) - 1)
  first_of = np.full(len(descriptors), -1, np.int64)
  for i in 1 + np.flatnonzero(_is_same(descriptors, expression, rows, rows + 1)):
    first = first_of[i - 1] if first_of[i - 1] >= 0 else i - 1
    if _is_same(descriptors, expression, np.array([first]), np.array([i]))[0]:
      first_of[i] = first
  return first_of


def _is_same(descriptors, expression, rows, others):
  """Returns bool [num_rows], which of `rows` show the same as the one of `others` in their place."""
  is_same = ~(np.abs(expression[rows] - expression[others]) > 1).any(axis=1)  # NaN is no difference
  for start in range(0, len(rows), _MAX_COMPARED_AT_ONCE):
    part = slice(start, start + _MAX_COMPARED_AT_ONCE)
    one, other = descriptors[rows[part]].astype(np.float32), descriptors[others[part]].astype(np.float32)
    contrast = np.minimum(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    limit = np.minimum(_SAME_DISTANCE, _SAME_CONTRAST_FRACTION * contrast)
    is_same[part] &= np.linalg.norm(one - other, axis=1) <= limit
  return is_same


def _same_pairs(descriptors, expression):
  """Returns the pairs of rows i < j that show the same, as a list rising in i, then j.

  Neighbours in a plane of two principal components are compared in `_NUM_PRINCIPAL` of them, where no distance is
  larger than the true one, and then in full: nothing is missed.
  """
  if len(descriptors) < 2:
    return []
  points = _principal(descriptors)
  cells = np.floor(points[:, :2] / _SAME_DISTANCE).astype(np.int64)
  members = collections.defaultdict(list)
  for row, cell in enumerate(map(tuple, cells)):
    members[cell].append(row)
  pairs = []
  for (x, y), rows in members.items():
    rows = np.array(rows)
    others = [members[cell] for cell in ((x + 1, y - 1), (x + 1, y), (x + 1, y + 1), (x, y + 1)) if cell in members]
    others = np.concatenate([rows, *others]).astype(np.int64)
    step = max(1, _MAX_PAIRS_AT_ONCE // len(others))
    for start in range(0, len(rows), step):
      pairs.append(_same_among(descriptors, expression, points, rows[start:start + step], others, start))
  i, j = np.concatenate(pairs).T
  i, j = np.minimum(i, j), np.maximum(i, j)
  order = np.lexsort((j, i))
  return zip(i[order].tolist(), j[order].tolist())


def _same_among(descriptors, expression, points, rows, others, start):
  """Returns int64 [num_pairs, 2], the pairs of `rows` and `others` that show the same; `rows` are `others[start:]`."""
  near, far = points[rows], points[others]
  squared = (near**2).sum(axis=1)[:, np.newaxis] + (far**2).sum(axis=1) - 2 * near @ far.T
  a, b = np.nonzero(squared <= _SAME_DISTANCE**2 + 1e-3)
  is_new = b > a + start  # each pair once, and none with itself
  i, j = rows[a[is_new]], others[b[is_new]]
  is_same = _is_same(descriptors, expression, i, j)
  return np.stack([i[is_same], j[is_same]], axis=1)


def _principal(descriptors):
  """Returns descriptors in their principal components, float32 [num_faces, at most 16]."""
  sample = descriptors[::-(-len(descriptors) // _NUM_SAMPLES)].astype(np.float32)
  mean = sample.mean(axis=0)
  _, directions = np.linalg.eigh(np.cov(sample - mean, rowvar=False, bias=True))  # rising in their share
  directions = directions[:, ::-1][:, :_NUM_PRINCIPAL].astype(np.float32)
  parts = range(0, len(descriptors), _NUM_SAMPLES)
  return np.concatenate([(descriptors[k:k + _NUM_SAMPLES].astype(np.float32) - mean) @ directions for k in parts])
