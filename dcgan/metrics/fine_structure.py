"""Fine structure of generated pictures beside that of real ones: grain as the report's figure 8 magnifies it, blur, and
the grid that upsampling leaves. NumPy and SciPy only."""

import numpy as np
from scipy import fft

from dcgan.common import features

# Of the highest frequency of a row or column: beyond the first, photos of faces hold next to nothing; beyond the second
# lies the highest octave.
_GRAIN_FROM, _OCTAVE_FROM = 0.75, 0.5
_SMALLEST_POWER = 1e-4  # grey values squared a pixel: what rounding to whole grey values adds is 1/12


_PERIODS_PX = (2, 4)  # of the grids that the last two doublings of the resolution leave
_NEIGHBOURS = (-4, -3, -2, 2, 3, 4)
SMALLEST_GRID_PX = 32  # under it a peak of the spectrum has too few frequencies beside it


def high_frequency_power(images, from_fraction=_GRAIN_FROM):
  """Returns the mean power of each picture in the highest spatial frequencies.

  By the power spectrum of a discrete cosine transform of each channel, which knows no edges at the picture's border
  (Durall et al. 2020, arXiv:2003.01826, show that upsampling networks betray themselves in these frequencies).

  Args:
    images: uint8 [num_images, size, size, 3], 4 px or more.
    from_fraction: float, of the highest frequency of a row or column, from where on they count.

  Returns:
    float64 [num_images], grey values squared, per pixel.

  Raises:
    ValueError: `images` has another type or shape, or holds no picture, or smaller ones.
  """
  features.check('images', images)
  size_px = images.shape[1]
  if size_px < 4:
    raise ValueError(f'`images` are of {size_px} px, but fine structure is told from 4 px or more.')
  spectrum = fft.dctn(images.astype(np.float32), axes=(1, 2), norm='ortho')
  is_high = np.arange(size_px) >= from_fraction * size_px
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
  return _ratio(fake_images, real_images, _GRAIN_FROM)


def sharpness(fake_images, real_images):
  """Returns the power of the highest octave of fakes over that of reals: 1 is as sharp as the reals, under 1 blurred.

  Args:
    fake_images: as for `noise_texture`.
    real_images: likewise.

  Returns:
    float, as `noise_texture`.

  Raises:
    ValueError: as `noise_texture`.
  """
  return _ratio(fake_images, real_images, _OCTAVE_FROM)


def grid(images):
  """Returns how far the grid of a network's doublings stands out of what pictures have in common.

  In the mean of many pictures what moves is smoothed away, and what stands at the same pixels in all stays: of a
  network's strided convolutions a grid of 2 or 4 px (Odena et al. 2016, doi:10.23915/distill.00003).

  Args:
    images: uint8 [num_images, size, size, 3], 32 px or more.

  Returns:
    float, the largest power of the mean picture at a grid's frequency, along x, y or both, over the median of the
    frequencies beside it: about 1 where there is no grid.

  Raises:
    ValueError: `images` has another type or shape, or holds no picture, or smaller ones.
  """
  features.check('images', images)
  size_px = images.shape[1]
  if size_px < SMALLEST_GRID_PX:
    raise ValueError(f'`images` are of {size_px} px, but a grid is told from {SMALLEST_GRID_PX} px or more.')
  mean = images.mean(axis=(0, 3))
  window = np.hanning(size_px)
  spectrum = np.abs(fft.fft2((mean - mean.mean()) * window[:, np.newaxis] * window))**2
  peaks = []
  for period_px in _PERIODS_PX:
    peak = size_px // period_px
    beside = (peak + np.array(_NEIGHBOURS)) % size_px
    for y, x, neighbours in ((0, peak, spectrum[0, beside]), (peak, 0, spectrum[beside, 0]),
                             (peak, peak, spectrum[np.ix_(beside, beside)])):
      peaks.append(spectrum[y, x] / max(np.median(neighbours), _SMALLEST_POWER * size_px**2))
  return float(max(peaks))


def _ratio(fake_images, real_images, from_fraction):
  """Returns the high-frequency power of fakes over that of reals, of the medians."""
  if fake_images.shape[1:] != real_images.shape[1:]:
    raise ValueError(f'`fake_images` ({fake_images.shape[1]} px) must be as large as the reals '
                     f'({real_images.shape[1]} px).')
  fakes, reals = (np.median(high_frequency_power(pictures, from_fraction)) for pictures in (fake_images, real_images))
  return float(fakes / max(reals, _SMALLEST_POWER))
