"""Noise texture: the grain over generated pictures that the report's figure 8 magnifies. NumPy and SciPy only."""

import numpy as np
from scipy import fft

from dcgan.common import features

_FROM_FRACTION = 0.75  # of the highest frequency of a row or column: beyond it, photos of faces hold next to nothing
_SMALLEST_POWER = 1e-4  # grey values squared a pixel: what rounding to whole grey values adds is 1/12


def high_frequency_power(images):
  """Returns the mean power of each picture in the highest quarter of the spatial frequencies.

  By the power spectrum of a discrete cosine transform of each channel, which knows no edges at the picture's border
  (Durall et al. 2020, arXiv:2003.01826, show that upsampling networks betray themselves in these frequencies).

  Args:
    images: uint8 [num_images, size, size, 3], 4 px or more.

  Returns:
    float64 [num_images], grey values squared, per pixel.

  Raises:
    ValueError: `images` has another type or shape, or holds no picture, or smaller ones.
  """
  features.check('images', images)
  size_px = images.shape[1]
  if size_px < 4:
    raise ValueError(f'`images` are of {size_px} px, but noise texture is told from 4 px or more.')
  spectrum = fft.dctn(images.astype(np.float32), axes=(1, 2), norm='ortho')
  is_high = np.arange(size_px) >= _FROM_FRACTION * size_px
  high = spectrum[:, is_high[:, np.newaxis] | is_high]  # in x or in y
  return (high.astype(np.float64)**2).sum(axis=(1, 2)) / (3 * size_px**2)


def noise_texture(fake_images, real_images):
  """Returns the high-frequency power of fakes over that of reals: 1 is like the reals, over 1 grain, under 1 blur.

  Args:
    fake_images: uint8 [num_images, size, size, 3].
    real_images: uint8 [num_images, size, size, 3], as large; their number may differ.

  Returns:
    float, 0 or more: the ratio of the medians, which a few broken pictures do not move.

  Raises:
    ValueError: the pictures have another type or shape, or differ in size.
  """
  if fake_images.shape[1:] != real_images.shape[1:]:
    raise ValueError(f'`fake_images` ({fake_images.shape[1]} px) must be as large as the reals '
                     f'({real_images.shape[1]} px).')
  reals = np.median(high_frequency_power(real_images))
  return float(np.median(high_frequency_power(fake_images)) / max(reals, _SMALLEST_POWER))
