"""Pictures as vectors in which near pictures look alike, without any network: thumbnails. NumPy only."""

import numpy as np

from dcgan.common import wording


def thumbnails(images, size_px=16):
  """Returns pictures averaged over blocks down to `size_px` squares, as vectors in grey values.

  Averaging keeps who is shown, how the head is held, the mouth and the light; grain is averaged away. Where the side
  is no multiple of `size_px`, the last rows and columns are left out; a smaller picture stays as large as it is.

  Args:
    images: uint8 [num_images, size, size, 3].
    size_px: int.

  Returns:
    float32 [num_images, num_values] in [0, 255], num_values = 3·size_px².

  Raises:
    ValueError: `images` has another type or shape, or holds no picture.
  """
  check('images', images)
  block = max(1, images.shape[1] // size_px)
  size_px = min(size_px, images.shape[1])
  blocks = images[:, :size_px * block, :size_px * block].reshape(len(images), size_px, block, size_px, block, 3)
  return blocks.mean(axis=(2, 4), dtype=np.float32).reshape(len(images), -1)


def squared_distances(left, right):
  """Returns the squared Euclidean distance of every pair, float32 [num_left, num_right], 0 or more.

  Args:
    left: float32 [num_left, num_values].
    right: float32 [num_right, num_values].
  """
  middle = right.mean(axis=0)  # near zero, the difference of large squares does not eat the small distances
  left, right = left - middle, right - middle
  squares = np.einsum('ij,ij->i', left, left)[:, np.newaxis] + np.einsum('ij,ij->i', right, right)
  return np.maximum(squares - 2.0 * left @ right.T, 0.0)


def check(name, images, at_least=1, purpose=''):
  """Raises ValueError where `images`, called `name`, are not `at_least` square uint8 pictures."""
  if images.dtype != np.uint8 or images.ndim != 4 or not images.size or images.shape[1:] != (
      images.shape[1], images.shape[1], 3):
    raise ValueError(f'`{name}` is {images.dtype} {list(images.shape)}, but must be uint8 [num_images, size, size, '
                     '3] with one picture or more.')
  if len(images) < at_least:
    raise ValueError(f'`{name}` holds {wording.counted(len(images), "picture")}, but {purpose} needs {at_least} '
                     'or more.')
