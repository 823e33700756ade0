"""Points of Z, one a frame, along which a face moves evenly: between expressions, or as in the film it learnt."""

import numpy as np

from dcgan.common import features
from dcgan.model import latents
from dcgan.model import networks

_POINTS_OF_A_STEP = 6  # of a way, looked at to see how fast it moves there
_LEAST_MOVEMENT = 1e-3  # grey values, below which a way does not move
_THUMBNAIL_PX = 32
# Of the movement, what is shared out evenly over a way: else one that is nearly still in a part would rush through it.
_EVEN = 0.9
_LONGEST_GAP_SECS = 1.0  # between two frames, across which a film is gone straight


def between(generator, space, keyframes, num_parts, there_and_back):
  """Returns the points of a way through expressions, on which equal parts look equally far apart.

  Between two expressions the way stays in the region (`region.Region.way`), and lines are arcs on the sphere. Where the
  model has none, it is the report's: a straight line in equal parts of Z.

  Args:
    generator: `tf.keras.Model`, z → images.
    space: `region.Region` or `latents.Normal`.
    keyframes: float32 [num_keyframes, z_dims], two or more.
    num_parts: int, equal parts from one keyframe to the next.
    there_and_back: bool, whether the way is gone back too; the point of return and the start are not repeated.

  Returns:
    float32 [num_points, z_dims]: for n lines n·parts + 1 points, or 2·n·parts there and back.
  """
  if isinstance(space, latents.Normal):
    return latents.keyframe_path(keyframes, num_parts, there_and_back)
  lines = [_even_line(generator, space.way(start, end), num_parts)[:-1]
           for start, end in zip(keyframes[:-1], keyframes[1:])]
  path = np.concatenate([*lines, latents.to_sphere(keyframes[-1:])])
  return np.concatenate([path, path[-2:0:-1]]) if there_and_back else path


def _even_line(generator, corners, num_parts):
  """Returns num_parts + 1 points along arcs from corner to corner, float32, between which pictures change alike."""
  dense = latents.keyframe_path(corners, _POINTS_OF_A_STEP, there_and_back=False, line=latents.slerp)
  seen = features.thumbnails(networks.generate(generator, dense), _THUMBNAIL_PX)
  moved = np.abs(np.diff(seen, axis=0)).mean(axis=1)
  if moved.sum() < _LEAST_MOVEMENT:
    moved = np.ones_like(moved)
  moved = _EVEN * moved / moved.sum() + (1.0 - _EVEN) / len(moved)
  places = np.interp(np.linspace(0.0, 1.0, num_parts + 1), np.concatenate([[0.0], np.cumsum(moved)]),
                     np.arange(len(dense)))
  return at(dense, places)


def at(points, places):
  """Returns points at fractional places of a row of points, on arcs between neighbours.

  Args:
    points: float32 [num_points, z_dims].
    places: float [num_places], each from 0 to num_points - 1.

  Returns:
    float32 [num_places, z_dims].
  """
  before = np.clip(np.floor(places).astype(int), 0, max(len(points) - 2, 0))
  after = np.minimum(before + 1, len(points) - 1)
  return np.concatenate([latents.slerp(points[i], points[j], [place - i])
                         for i, j, place in zip(before, after, places)])


def replay(space, fps, speed):
  """Returns the points at which a film that was learnt goes by again, with places between its frames.

  Args:
    space: `region.Region`, of which two frames or more have times.
    fps: float > 0, points a second.
    speed: float > 0, of the film: 2 goes by twice as fast.

  Returns:
    (points, times_secs): float32 [num_points, z_dims], float64 [num_points], where in the film each is.
  """
  has_time = np.flatnonzero(~np.isnan(space.times_secs))
  order = has_time[np.argsort(space.times_secs[has_time], kind='stable')]
  times = space.times_secs[order]
  wanted = np.arange(times[0], times[-1] + 1e-9, speed / fps)
  corners, corner_times = [space.places[order[0]]], [times[0]]
  for before, after in zip(order[:-1], order[1:]):
    start, end = space.times_secs[before], space.times_secs[after]
    if end <= start:
      continue
    # Over a gap the straight way may leave the region.
    way = space.way(space.places[before], space.places[after]) if end - start > _LONGEST_GAP_SECS else (
        space.places[[before, after]])
    corners += list(way[1:])
    corner_times += list(start + (end - start) * np.arange(1, len(way)) / (len(way) - 1))
  places = np.interp(wanted, corner_times, np.arange(len(corners)))
  return at(np.array(corners), places), wanted
