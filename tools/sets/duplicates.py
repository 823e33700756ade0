"""Which pictures of a set are the same picture again: copied, scaled, compressed or cropped."""

import collections

import numpy as np
from scipy import spatial

# Between descriptors. A photo recompressed, scaled by 0.5 to 2 or cropped by up to 10 % stayed within 0.5 of itself in
# 99 of 100 cases; in LFW all 9 pairs within 0.5, 4 of them under two names, are one picture; the nearest two pictures
# that are not were 0.69 apart.
_SAME_DISTANCE = 0.5
_SAME_CONTRAST_FRACTION = 0.25  # of a descriptor's norm: all dim and foggy pictures are near each other
_SAME_EYE_OPENING = 0.1  # a blink takes about 0.2; copies at 21 px between the eyes differ by up to 0.09
_SAME_MOUTH_OPENING = 0.06
_LARGER = 1.1  # of two same pictures the one that is larger by this is kept, else the first
_NUM_PRINCIPAL = 16
_ROUNDING = 1e-3  # of distances in float32
_NUM_SAMPLES = 20_000
_MAX_PAIRS_AT_ONCE = 1 << 22
_MAX_COMPARED_AT_ONCE = 1 << 15


def find(descriptors, eye_distance_px=None, eye_openings=None, mouth_opening=None):
  """Returns which pictures show the same as another one: copied, scaled, compressed or cropped.

  Each is compared with those kept before it, so that a row of slow changes keeps some of its pictures; of what is the
  same, the first stays, or the first of those with the larger face. Pictures whose eyes or mouth do something else are
  not the same. 200,000 pictures take half a minute, as long as few are alike.

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
  """Returns the pairs of rows i < j that show the same, a list of [i, j] rising in i, then j.

  Neighbours in `_NUM_PRINCIPAL` principal components, where no distance is larger than the true one, are compared in
  full: nothing is missed.
  """
  if len(descriptors) < 2:
    return []
  near = spatial.cKDTree(_principal(descriptors)).query_pairs(_SAME_DISTANCE + _ROUNDING, output_type='ndarray')
  same = [pairs[_is_same(descriptors, expression, *pairs.T)]
          for pairs in np.array_split(near, 1 + len(near) // _MAX_PAIRS_AT_ONCE)]
  same = np.concatenate(same)
  return same[np.lexsort((same[:, 1], same[:, 0]))].tolist()


def _principal(descriptors):
  """Returns descriptors in their principal components, float32 [num_faces, at most 16]."""
  sample = descriptors[::-(-len(descriptors) // _NUM_SAMPLES)].astype(np.float32)
  mean = sample.mean(axis=0)
  _, directions = np.linalg.eigh(np.cov(sample - mean, rowvar=False, bias=True))  # rising in their share
  directions = directions[:, ::-1][:, :_NUM_PRINCIPAL].astype(np.float32)
  parts = range(0, len(descriptors), _NUM_SAMPLES)
  return np.concatenate([(descriptors[k:k + _NUM_SAMPLES].astype(np.float32) - mean) @ directions for k in parts])
