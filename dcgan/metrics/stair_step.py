"""Whether pictures along lines in Z change evenly, or stand still and jump. NumPy only."""

import numpy as np

from dcgan.common import wording

_FEWEST_POINTS = 3  # two changes; a single one is always as large as the mean
_STANDSTILL = 1.0  # grey value, over a whole line: less is rounding, not movement


def stair_step(lines):
  """Returns the largest over the mean change from picture to picture along a line, the mean over lines.

  A line in Z is an animation: 1 is a perfectly even movement. A network that learnt its set by heart shows one
  picture, then jumps to the next; a line that stands still but for one jump gives its number of changes, which is the
  most that there can be. So compare only lines of as many points. A change is the root mean square of the difference
  of two pictures, in grey values. Lines that do not move (less than one grey value from end to end, as a collapsed
  generator's) are left out.

  Args:
    lines: uint8 [num_lines, num_points, size, size, 3], pictures of points evenly spaced along each line.

  Returns:
    float from 1 to num_points - 1, or NaN where no line moves.

  Raises:
    ValueError: `lines` has another type or shape, or holds no line or fewer than 3 points a line.
  """
  if lines.dtype != np.uint8 or lines.ndim != 5 or not lines.size or lines.shape[2:] != (
      lines.shape[2], lines.shape[2], 3):
    raise ValueError(f'`lines` is {lines.dtype} {list(lines.shape)}, but must be uint8 [num_lines, num_points, size, '
                     'size, 3] with one line or more.')
  if lines.shape[1] < _FEWEST_POINTS:
    raise ValueError(f'`lines` holds {wording.counted(lines.shape[1], "point")} a line, but whether a '
                     f'movement is even needs {_FEWEST_POINTS} or more.')
  changes = np.stack([_changes(line) for line in lines])
  moving = changes[changes.sum(axis=1) >= _STANDSTILL]
  return float(np.mean(moving.max(axis=1) / moving.mean(axis=1))) if len(moving) else float('nan')


def _changes(line):
  """Returns how far each picture is from the one before, float [num_points - 1], in grey values."""
  differences = np.diff(line.astype(np.float32), axis=0)
  return np.sqrt(np.mean(differences**2, axis=(1, 2, 3), dtype=np.float64))
