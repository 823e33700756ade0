"""Tests of dcgan.metrics.fine_structure."""

import math

import numpy as np
import pytest
from scipy import ndimage

from dcgan.metrics import fine_structure

HIGH_SHARE = 1 - 0.75**2  # of the coefficients: those in the last quarter of the rows or of the columns


def pictures(channel):
  """Returns one channel, [size, size], as uint8 [1, size, size, 3]."""
  return np.repeat(np.asarray(channel, float)[np.newaxis, ..., np.newaxis], 3, axis=3).round().astype(np.uint8)


def grain(deviation, num=40, size_px=32, seed=0):
  return np.random.default_rng(seed).normal(128, deviation, (num, size_px, size_px, 3)).round().astype(np.uint8)


def test_alternating_columns_by_hand():
  # Of 4 columns only the cosine of 3 half waves is high. +1, -1, +1, -1 along it is √½·2·(cos 22.5° + cos 67.5°): its
  # square is 2 + √2, of 4 in all.
  columns = 128 + 20 * np.tile([1, -1, 1, -1], (4, 1))
  expected = 20**2 * (2 + math.sqrt(2)) / 4
  for channel in (columns, columns.T):
    assert fine_structure.high_frequency_power(pictures(channel)) == pytest.approx([expected], rel=1e-5)
  # Along both: what is high in neither direction is (1 - share)² of it.
  board = 128 + 20 * (1 - np.indices([4, 4]).sum(axis=0) % 2 * 2)
  share = (2 + math.sqrt(2)) / 4
  assert fine_structure.high_frequency_power(pictures(board)) == pytest.approx([400 * (1 - (1 - share)**2)], rel=1e-5)


@pytest.mark.parametrize('k, is_high', [(1, False), (8, False), (11, False), (12, True), (15, True)])
def test_a_cosine_lies_where_its_frequency_does(k, is_high):
  # Of 16 px the highest quarter begins at 12 half waves. Rounding to whole grey values adds 1/12 in all frequencies.
  wave = 100 * np.cos(np.pi * (2 * np.arange(16) + 1) * k / 32)
  power, = fine_structure.high_frequency_power(pictures(128 + np.tile(wave, (16, 1))))
  assert power == pytest.approx(100**2 / 2, rel=0.01) if is_high else power < 0.5


def test_a_second_implementation_gives_the_same():
  images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), np.uint8)
  k, n = np.mgrid[:12, :12]
  cosines = np.sqrt(np.where(k == 0, 1, 2) / 12) * np.cos(np.pi * (2 * n + 1) * k / 24)
  spectrum = np.einsum('yi,xj,bijc->byxc', cosines, cosines, images.astype(float))
  low = (spectrum[:, :9, :9]**2).sum(axis=(1, 2, 3))
  expected = ((spectrum**2).sum(axis=(1, 2, 3)) - low) / (3 * 12 * 12)
  np.testing.assert_allclose(fine_structure.high_frequency_power(images), expected, rtol=1e-4)


@pytest.mark.parametrize('size_px', [16, 32, 64])
def test_grain_of_a_known_variance_has_its_share_at_any_size(size_px):
  images = grain(10, num=4096 // size_px, size_px=size_px)
  assert fine_structure.high_frequency_power(images).mean() == pytest.approx(HIGH_SHARE * (100 + 1 / 12), rel=0.03)


def test_a_plane_and_a_smooth_ramp_hold_next_to_nothing():
  assert fine_structure.high_frequency_power(pictures(np.full([32, 32], 77))) == pytest.approx([0.0], abs=1e-6)
  # The ramp is mirrored at its ends, not repeated: there is no edge.
  assert fine_structure.high_frequency_power(pictures(np.tile(4 * np.arange(32), (32, 1)))) < 0.1


def test_grain_adds_to_the_reals_by_its_variance():
  reals = grain(5)
  assert fine_structure.noise_texture(reals, reals) == 1.0
  added = np.random.default_rng(1).normal(0, 10, reals.shape)
  noisy = (reals + added).round().clip(0, 255).astype(np.uint8)
  assert fine_structure.noise_texture(noisy, reals) == pytest.approx(1 + (10 / 5)**2, rel=0.05)


def test_blur_is_under_1():
  reals = grain(20)
  blurred = ndimage.gaussian_filter(reals, (0, 0.6, 0.6, 0))
  # A Gaussian of standard deviation s weakens the power at frequency w by exp(-(s·w)²); its least here is at 0.75 π.
  measured = fine_structure.noise_texture(blurred, reals)
  assert 0.0 < measured < math.exp(-(0.6 * 0.75 * math.pi)**2) * 2 < 1.0


def test_a_few_broken_pictures_move_nothing():
  reals, fakes = grain(5), grain(5, seed=1)
  broken = fakes.copy()
  broken[:10] = grain(60, num=10)
  assert fine_structure.noise_texture(fakes, reals) == pytest.approx(1.0, rel=0.05)
  assert fine_structure.noise_texture(broken, reals) == pytest.approx(1.0, rel=0.08)


def test_reals_without_any_grain_are_compared_with_all_the_same():
  flat = np.full([5, 8, 8, 3], 90, np.uint8)
  assert fine_structure.noise_texture(flat, flat) == pytest.approx(0.0, abs=1e-3)
  assert np.isfinite(fine_structure.noise_texture(grain(10, size_px=8), flat))


def test_pictures_of_two_sizes_are_refused():
  with pytest.raises(ValueError, match=r'`fake_images` \(16 px\) must be as large as the reals \(32 px\)'):
    fine_structure.noise_texture(grain(5, size_px=16), grain(5))


@pytest.mark.parametrize('images, message', [
    (np.zeros([2, 3, 3, 3], np.uint8), r'`images` are of 3 px, but fine structure is told from 4 px'),
    (np.zeros([2, 8, 8, 3], np.float32), r'`images` is float32 \[2, 8, 8, 3\], but must be uint8'),
    (np.zeros([0, 8, 8, 3], np.uint8), r'`images` is uint8 \[0, 8, 8, 3\], but must be')])
def test_what_has_no_noise_texture_is_refused(images, message):
  with pytest.raises(ValueError, match=message):
    fine_structure.high_frequency_power(images)


@pytest.mark.parametrize('k, share', [(7, 0), (8, 1), (15, 1)])
def test_sharpness_is_of_the_highest_octave(k, share):
  # Of 16 px it begins at 8 half waves.
  wave = np.cos(np.pi * (2 * np.arange(16) + 1) * k / 32)
  reals, fakes = (pictures(128 + amplitude * np.tile(wave, (16, 1))) for amplitude in (100, 50))
  told = fine_structure.sharpness(fakes, reals)
  assert told == pytest.approx(0.25, rel=0.05) if share else fine_structure.high_frequency_power(reals, 0.5) < 1


@pytest.mark.parametrize('period_px', [2, 4])
@pytest.mark.parametrize('axes', ['x', 'y', 'both'])
def test_a_grid_that_all_pictures_share_stands_out_though_none_shows_it(period_px, axes):
  rng = np.random.default_rng(0)
  soft = ndimage.gaussian_filter(rng.normal(0, 60, (200, 64, 64)), (0, 1.5, 1.5))
  y, x = np.mgrid[:64, :64]
  wave = {'x': x, 'y': y, 'both': x + y}[axes]
  line = 128 + soft + 1.5 * np.cos(2 * np.pi * wave / period_px)
  plain, gridded = (np.repeat(np.clip(value, 0, 255).round().astype(np.uint8)[..., np.newaxis], 3, axis=3)
                    for value in (128 + soft, line))
  assert fine_structure.grid(plain) < 15
  assert fine_structure.grid(gridded) > 100


def test_no_grid_is_told_of_small_pictures():
  with pytest.raises(ValueError, match='of 16 px, but a grid is told from 32 px'):
    fine_structure.grid(grain(5, size_px=16))
