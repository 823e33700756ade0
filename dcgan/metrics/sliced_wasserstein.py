"""Sliced Wasserstein distance: how near the details and shapes of generated pictures come to real ones."""

import numpy as np
from scipy import ndimage

from dcgan.common import features

_NUM_PATCHES = 16384  # of each set; half as many put two samples of one person a quarter farther apart, by chance
_NUM_DIRECTIONS = 128
_PATCH_PX = 7  # Karras et al. 2018, as the next line
_SMALLEST_LEVEL_PX = 16

_BINOMIAL = np.float32([1, 4, 6, 4, 1]) / 16  # Burt and Adelson 1983, the filter of Laplacian pyramids

_SLICES_STREAM = 0x51  # keeps the patches and directions apart from other uses of the same seed


class SlicedWasserstein:
  """Sliced Wasserstein distance between the patches of fakes and those of fixed reals (Karras et al. 2018, section 5).

  arXiv:1710.10196. Every picture becomes a Laplacian pyramid: each level holds what the next smaller one cannot show;
  the last, of 16 to 31 px (or the picture itself if it is smaller), holds shapes and colours. On each level, patches
  of 7×7 px (or the whole level if it is smaller) at random places are projected onto random directions of unit length.
  Along each direction the values of both sets are sorted, and their mean absolute difference is the distance.

  The reals are at 0 from themselves. Another sample of the same person is not: the smaller the sample, the farther.
  Compare only distances from the same reals, with the same seed and number of fakes.

  Differs from the paper: each channel of both sets is normalized by the reals' mean and standard deviation. Each set's
  own would hide a colour cast, and the contrast that blur loses or noise adds. Patches are taken from the same places
  in both sets, which leaves less to chance, and as many of them (16,384) however many pictures a set holds; the paper
  takes 128 of each of 8,192 pictures, and 512 directions for our 128.
  """

  def __init__(self, real_images, seed=0):
    """Sorts the patches of the reals, once for all fakes.

    Args:
      real_images: uint8 [num_images, size, size, 3]; some hundred are enough, as the patches are spread over all.
      seed: int, 0 or more, of the places and the directions. The same seed gives the same distances: bit for
        bit on one machine with one number of threads, nearly so elsewhere.

    Raises:
      ValueError: `real_images` has another type or shape, or holds no picture.
    """
    features.check('real_images', real_images)
    self._size_px = real_images.shape[1]
    rng = np.random.Generator(np.random.PCG64([seed, _SLICES_STREAM]))
    self._places, self._directions = {}, {}
    for size_px in _level_sizes_px(self._size_px):
      patch_px = min(size_px, _PATCH_PX)
      self._places[size_px] = rng.integers(size_px - patch_px + 1, size=(_NUM_PATCHES, 2))
      directions = rng.standard_normal((_NUM_DIRECTIONS, 3 * patch_px**2), np.float32)
      self._directions[size_px] = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    patches = self._patches(real_images)
    self._means = {size_px: values.mean(axis=(0, 2, 3), keepdims=True) for size_px, values in patches.items()}
    # At least one grey value: where the reals are smooth, the rounding of the fakes must not count for much.
    self._deviations = {size_px: np.maximum(values.std(axis=(0, 2, 3), keepdims=True), 1.0)
                        for size_px, values in patches.items()}
    self._sorted_reals = self._sorted_projections(patches)

  def level_distances(self, fake_images):
    """Returns the distance on each level: the first ones tell of noise and blur, the last of shapes and colours.

    Args:
      fake_images: uint8 [num_images, size, size, 3], as large as the reals; their number may differ.

    Returns:
      dict from each level's size in px, the full size first, to its distance: float, 0 or more, in thousandths of the
      reals' standard deviation (the paper's unit, too).

    Raises:
      ValueError: `fake_images` has another type or shape, holds no picture, or differs from the reals in size.
    """
    features.check('fake_images', fake_images)
    if fake_images.shape[1] != self._size_px:
      raise ValueError(f'`fake_images` ({fake_images.shape[1]} px) must be as large as the reals ({self._size_px} px).')
    fakes = self._sorted_projections(self._patches(fake_images))
    return {size_px: 1e3 * float(np.abs(fakes[size_px] - reals).mean())
            for size_px, reals in self._sorted_reals.items()}

  def distance(self, fake_images):
    """Returns the mean of `level_distances`, float, 0 or more, which takes and raises the same."""
    return float(np.mean(list(self.level_distances(fake_images).values())))

  def _patches(self, images):
    """Returns the patches of each level, dict of float32 [num_patches, 3, patch, patch], picture after picture."""
    patches = {size_px: np.empty((_NUM_PATCHES, 3, *[min(size_px, _PATCH_PX)] * 2), np.float32)
               for size_px in self._places}
    ends = np.arange(1, len(images) + 1) * _NUM_PATCHES // len(images)
    for image, start, end in zip(images, [0, *ends], ends):
      for level in _laplacian_pyramid(image):
        size_px = len(level)
        y, x = self._places[size_px][start:end].T
        windows = np.lib.stride_tricks.sliding_window_view(level, patches[size_px].shape[2:], axis=(0, 1))
        patches[size_px][start:end] = windows[y, x]
    return patches

  def _sorted_projections(self, patches):
    """Returns normalized patches along each direction, dict of float32 [num_directions, num_patches], rows sorted."""
    projections = {}
    for size_px, values in patches.items():
      normalized = (values - self._means[size_px]) / self._deviations[size_px]
      projections[size_px] = np.sort(self._directions[size_px] @ normalized.reshape(_NUM_PATCHES, -1).T)
    return projections


def _level_sizes_px(size_px):
  sizes_px = [size_px]
  while (size_px := (size_px + 1) // 2) >= _SMALLEST_LEVEL_PX:
    sizes_px.append(size_px)
  return sizes_px


def _laplacian_pyramid(image):
  """Returns the levels of uint8 [size, size, 3], each float32 [level_size, level_size, 3], the full size first."""
  levels = [image.astype(np.float32)]
  for _ in _level_sizes_px(len(image))[1:]:
    smaller = _blur(levels[-1])[::2, ::2]
    enlarged = np.zeros_like(levels[-1])
    enlarged[::2, ::2] = 4.0 * smaller
    levels[-1] = levels[-1] - _blur(enlarged)
    levels.append(smaller)
  return levels


def _blur(level):
  for axis in (0, 1):
    level = ndimage.correlate1d(level, _BINOMIAL, axis=axis, mode='mirror')
  return level
