"""Points and lines in Z: float32 [batch, z_dims], standard normal, or brought to the sphere. NumPy only."""

import dataclasses

import numpy as np

NUM_FIXED_POINTS = 64  # the report's sample grids

_FIXED_POINTS_STREAM = 0x5A  # keeps the fixed points apart from other uses of the same seed


def sample_z(num_points, z_dims, seed):
  """Returns points of Z drawn from the standard normal: the same seed gives the same points, fewer are a prefix.

  Args:
    num_points: int.
    z_dims: int.
    seed: int, 0 or more.

  Returns:
    float32 [num_points, z_dims].
  """
  rng = np.random.Generator(np.random.PCG64([seed, _FIXED_POINTS_STREAM]))
  return rng.standard_normal((num_points, z_dims), dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Normal:
  """All of Z, from which points are drawn by the standard normal distribution (Radford et al. 2016).

  Attributes:
    z_dims: int.
    picture_z: float32 [num_pictures, z_dims], points that were learnt for pictures and are drawn first, or None.
  """

  z_dims: int
  picture_z: np.ndarray | None = None

  def sample(self, num_points, seed):
    """Returns points as `sample_z` draws them, float32 [num_points, z_dims]."""
    return sample_z(num_points, self.z_dims, seed)

  def gallery(self, num_points, seed):
    """Returns the points of a gallery: of the pictures first, then drawn; more where there are more pictures."""
    if self.picture_z is None:
      return self.sample(num_points, seed)
    return np.concatenate([self.picture_z, self.sample(max(0, num_points - len(self.picture_z)), seed)])


def to_sphere(z):
  """Returns points divided by their root mean square: on the sphere near which standard normal ones lie.

  Args:
    z: float [num_points, z_dims].

  Returns:
    float32 [num_points, z_dims]; the origin stays.
  """
  z = np.asarray(z, np.float32)
  return z / np.sqrt(np.maximum(np.mean(np.square(z), axis=-1, keepdims=True), 1e-12))


def lerp(start, end, fractions):
  """Returns points on the straight line from `start` to `end`: the report's animation.

  Args:
    start: float32 [z_dims].
    end: float32 [z_dims].
    fractions: float [num_points] in [0, 1]; 0 is `start`, 1 is `end`.

  Returns:
    float32 [num_points, z_dims].
  """
  fractions = np.asarray(fractions, np.float32)[:, np.newaxis]
  return ((1.0 - fractions) * start + fractions * end).astype(np.float32)


def slerp(start, end, fractions):
  """Returns points on the arc from `start` to `end`, evenly spread by angle (Shoemake 1985).

  Their lengths go evenly from that of `start` to that of `end`. Where the two are opposite every arc is as long; one is
  taken.

  Args:
    start: float32 [z_dims], not the origin.
    end: float32 [z_dims], not the origin.
    fractions: float [num_points] in [0, 1]; 0 is `start`, 1 is `end`.

  Returns:
    float32 [num_points, z_dims].
  """
  start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
  lengths = np.linalg.norm(start), np.linalg.norm(end)
  first, last = start / lengths[0], end / lengths[1]
  cosine = np.clip(first @ last, -1.0, 1.0)
  across = last - cosine * first
  if np.linalg.norm(across) < 1e-6:  # the same direction, or opposite ones
    axis = np.eye(len(start))[np.argmin(np.abs(first))]
    across = axis - (axis @ first) * first
  across /= np.linalg.norm(across)
  fractions = np.asarray(fractions, np.float64)[:, np.newaxis]
  angles = fractions * np.arccos(cosine)
  radii = (1.0 - fractions) * lengths[0] + fractions * lengths[1]
  return (radii * (np.cos(angles) * first + np.sin(angles) * across)).astype(np.float32)


def keyframe_path(keyframes, num_parts, there_and_back, line=lerp):
  """Returns the points of lines from keyframe to keyframe, each divided into equal parts.

  Args:
    keyframes: float32 [num_keyframes, z_dims], two or more.
    num_parts: int, equal parts of each line; the report takes 20.
    there_and_back: bool, whether the way is gone back too. The point of return and the start are not repeated, so
      the loop runs evenly.
    line: callable, `lerp` or `slerp`.

  Returns:
    float32 [num_points, z_dims]: for n lines n·parts + 1 points, or 2·n·parts there and back.
  """
  fractions = np.arange(num_parts) / num_parts
  lines = [line(start, end, fractions) for start, end in zip(keyframes[:-1], keyframes[1:])]
  path = np.concatenate(lines + [keyframes[-1:]])
  return np.concatenate([path, path[-2:0:-1]]) if there_and_back else path
