"""Which pictures of a set are never trained on, to tell learning from learning by heart. NumPy only."""

import numpy as np

from dcgan.common import errors

_MOST_STRETCHES = 5
_SMALLEST_STRETCH = 8  # frames: the ends of a stretch look like their neighbours, its middle does not
_STREAM = 0x401D  # the same pictures for every run on the set, whatever its seed


def split(num_images, fraction, is_video):
  """Returns which pictures are trained on and which are held out.

  Of photos any are held out. Of a video it is up to five stretches of frames, spread over it: a frame whose neighbours
  are trained on would be known to a model that learnt those by heart.

  Args:
    num_images: int, pictures in the set.
    fraction: float in [0, 1), of them that are held out; 0 holds out none, else at least one is.
    is_video: bool, whether the pictures stand in the order of time.

  Returns:
    (trained_on, held_out): int64 arrays, ascending, that hold each index of the set once.

  Raises:
    errors.InputError: nothing is left to train on.
  """
  num_held_out = max(1, round(num_images * fraction)) if fraction else 0
  if num_held_out >= num_images:
    raise errors.InputError(f'`holdout_fraction` ({fraction}) must leave pictures to train on, but holds out '
                            f'{num_held_out} of {num_images}. Use a smaller one, or 0.')
  if is_video:
    held_out = _stretches(num_images, num_held_out)
  else:
    held_out = np.random.Generator(np.random.PCG64([num_images, _STREAM])).permutation(num_images)[:num_held_out]
  is_held_out = np.isin(np.arange(num_images), held_out)
  return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _stretches(num_images, num_held_out):
  """Returns indices of stretches, one in the middle of each of as many equal parts of the video."""
  num_stretches = max(1, min(_MOST_STRETCHES, num_held_out // _SMALLEST_STRETCH))
  parts = np.array_split(np.arange(num_images), num_stretches)
  counts = [len(part) for part in np.array_split(np.arange(num_held_out), num_stretches)]
  starts = [(len(part) - count) // 2 for part, count in zip(parts, counts)]
  return np.concatenate([part[start:start + count] for part, start, count in zip(parts, starts, counts)])
