"""Points and lines in Z: float32 [batch, z_dims], standard normal. NumPy only."""

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


def gallery_points(num_points, z_dims, seed, picture_z=None):
  """Returns the points of a gallery: those that were learnt for pictures first, then as `sample_z` draws them.

  Args:
    num_points: int; more where there are more pictures.
    z_dims: int.
    seed: int, 0 or more.
    picture_z: float32 [num_pictures, z_dims], or None.

  Returns:
    float32 [max(num_points, num_pictures), z_dims].
  """
  if picture_z is None:
    return sample_z(num_points, z_dims, seed)
  return np.concatenate([picture_z, sample_z(max(0, num_points - len(picture_z)), z_dims, seed)])


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


def keyframe_path(keyframes, num_parts, there_and_back):
  """Returns the points of lines from keyframe to keyframe, each divided into equal parts.

  Args:
    keyframes: float32 [num_keyframes, z_dims], two or more.
    num_parts: int, equal parts of each line; the report takes 20.
    there_and_back: bool, whether the way is gone back too. The point of return and the start are not repeated, so
      the loop runs evenly.

  Returns:
    float32 [num_points, z_dims]: for n lines n·parts + 1 points, or 2·n·parts there and back.
  """
  fractions = np.arange(num_parts) / num_parts
  lines = [lerp(start, end, fractions) for start, end in zip(keyframes[:-1], keyframes[1:])]
  path = np.concatenate(lines + [keyframes[-1:]])
  return np.concatenate([path, path[-2:0:-1]]) if there_and_back else path
