"""Landmarks of a film without their tremble: a still head stays still, and what moves keeps its way and its time.

Two things make an aligned film restless. Behind closing lids nobody sees an iris: `closed_eyes` places it. And every
point trembles by its own noise: each is averaged over the moments around it at which its surroundings stood where they
stand now, or moved evenly through.
"""

import numpy as np

from dcgan.data import records
from tools.faces import closed_eyes
from tools.faces import landmarks as face_landmarks

_IRISES = face_landmarks.IRISES

_TIME_SECS = 0.15  # how far around a moment is averaged, as a Gaussian's sigma
_TIME_FRAMES = 0.75  # at least so many frames: at 1 a second the ones beside it still count, if nothing has moved
_CUT_SIGMAS = 2.5  # nothing beyond counts
_MOVED = 0.009  # eye distances, sigma: 0.35 px of the aligned frame; less is not told from noise
_HEAD_MOVED = 0.007  # likewise of the head, whose place many points tell together
_HEAD = ((33, 133, 127, 234, 54), (263, 362, 356, 454, 284), (168, 6, 197, 195, 5, 4))  # where: both sides, the nose
_NUM_NEIGHBOURS = 8  # points that move together, the point itself among them
_CHUNK = 128  # frames at a time, so that memory beyond the result is bounded


def smooth(landmarks, times_secs):
  """Returns one person's landmarks without tremble, and without delay.

  A bilateral filter over time (Tomasi and Manduchi 1998), each point by itself. A moment counts by how near it is in
  time, and by how near the point's surroundings were to where they are now; two moments around the present count as
  one, at the place that lies between them in time, so that even motion passes unchanged. What differs by more than
  noise, as across a cut, counts nothing.

  Args:
    landmarks: float [num_frames, num_points, 3], in px of the pictures; of 478 points (Face Mesh with irises)
      those of closed eyes are placed first.
    times_secs: float [num_frames], rising, however irregular.

  Returns:
    float32 [num_frames, num_points, 3].

  Raises:
    ValueError: the shapes do not fit, or the times do not rise.
  """
  points = np.array(landmarks, np.float32)
  times_secs = np.asarray(times_secs, np.float64)
  if points.ndim != 3 or points.shape[2:] != (3,) or times_secs.shape != points.shape[:1]:
    raise ValueError(f'`landmarks` {list(points.shape)} must be [num_frames, num_points, 3], and `times_secs` '
                     f'{list(times_secs.shape)} one for each frame.')
  if not (np.diff(times_secs) > 0).all():
    raise ValueError('`times_secs` must rise from frame to frame.')
  if len(points) < 2:
    return points
  if points.shape[1] == records.NUM_LANDMARKS:
    points = closed_eyes.place(points, times_secs)
  return _bilateral(points, times_secs)


def _bilateral(points, times_secs):
  """Returns points [num_frames, num_points, 3] averaged over time, float32."""
  sizes = _sizes(points)
  heads, surroundings = _heads(points.shape[1]), _surroundings(points, sizes)
  sigma_secs = max(_TIME_SECS, _TIME_FRAMES * float(np.median(np.diff(times_secs))))
  ends = np.searchsorted(times_secs, times_secs + _CUT_SIGMAS * sigma_secs, side='right')
  reach = int((ends - np.arange(len(points))).max()) - 1
  planes = np.ascontiguousarray(np.moveaxis(points, 2, 0))  # x, y and z each in one piece: several times as fast
  smoothed = np.empty_like(planes)
  for start in range(0, len(points), _CHUNK):
    frames = np.arange(start, min(start + _CHUNK, len(points)))
    now, now_secs = planes[:, frames], times_secs[frames]
    scales = [-0.5 / np.square(moved * sizes[frames, np.newaxis]) for moved in (_HEAD_MOVED, _MOVED)]
    shifts, total = np.zeros_like(now), np.ones_like(now[0])

    def add(moved, near):
      head = sum(np.square(moved[axis] @ heads) for axis in (0, 1)).mean(axis=1, keepdims=True)
      own = np.square(moved[0]) + np.square(moved[1])
      around = np.maximum(own @ surroundings, own)  # what moves alone must not drown in its surroundings
      weight = near.astype(np.float32)[:, np.newaxis] * np.exp(scales[0] * head + scales[1] * around)
      np.add(total, weight, out=total)
      np.add(shifts, weight * moved, out=shifts)

    for lag in range(1, reach + 1):
      earlier, later = np.maximum(frames - lag, 0), np.minimum(frames + lag, len(points) - 1)
      before_secs, after_secs = now_secs - times_secs[earlier], times_secs[later] - now_secs
      near_before, near_after = (_nearness(secs, sigma_secs) for secs in (before_secs, after_secs))
      before, after = planes[:, earlier] - now, planes[:, later] - now
      add(before, near_before)
      add(after, near_after)
      share = (before_secs / np.maximum(before_secs + after_secs, 1e-9)).astype(np.float32)[:, np.newaxis]
      add(before + share * (after - before), 2 * np.sqrt(near_before * near_after))
    smoothed[:, frames] = now + shifts / total
  return np.ascontiguousarray(np.moveaxis(smoothed, 0, 2))


def _nearness(secs, sigma_secs):
  """Returns the weight [num_frames] of moments so far off; none at 0, which is the moment itself beyond the ends."""
  return np.where((secs > 0) & (secs <= _CUT_SIGMAS * sigma_secs), np.exp(-0.5 * np.square(secs / sigma_secs)), 0)


def _sizes(points):
  """Returns the measure of each frame's face, float32 [num_frames]: its eye distance, or what equals it otherwise."""
  if points.shape[1] > max(_IRISES):
    eyes = points[:, _IRISES, :2]
    sizes = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=-1)
  else:
    centred = points[..., :2] - points[..., :2].mean(axis=1, keepdims=True)
    sizes = np.sqrt(np.square(centred).sum(axis=-1).mean(axis=1))  # Face Mesh's points: 1.0 eye distances
  return np.maximum(sizes, 1e-3).astype(np.float32)


def _surroundings(points, sizes):
  """Returns float32 [num_points, num_points], which averages what lies above a column over the point's neighbours."""
  some = points[::max(1, len(points) // 200)]
  shape = some - some.mean(axis=1, keepdims=True)
  shape = np.median(shape / sizes[::max(1, len(points) // 200), np.newaxis, np.newaxis], axis=0)
  num_points = len(shape)
  distances = np.linalg.norm(shape[:, np.newaxis] - shape, axis=-1)
  nearest = np.argsort(distances, axis=1, kind='stable')[:, :_NUM_NEIGHBOURS]
  average = np.zeros([num_points, num_points], np.float32)
  average[nearest, np.arange(num_points)[:, np.newaxis]] = 1 / nearest.shape[1]
  return average


def _heads(num_points):
  """Returns float32 [num_points, num_groups], which averages points over each group of the head's."""
  if num_points <= max(_IRISES):
    return np.full([num_points, 1], 1 / num_points, np.float32)
  average = np.zeros([num_points, len(_HEAD)], np.float32)
  for column, group in enumerate(_HEAD):
    average[group, column] = 1 / len(group)
  return average
