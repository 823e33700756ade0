"""Tests of dcgan.metrics.variety, on pictures of 16 px that are their own thumbnails."""

import math

import numpy as np
import pytest

from dcgan.metrics import variety

CHECKERBOARD = (np.indices([16, 16]).sum(axis=0) % 2 * 2 - 1)[..., np.newaxis]
HALVES = np.where(np.arange(16) < 8, 1, -1)[:, np.newaxis, np.newaxis]  # light above, dark below


def flats(*levels):
  return np.array([np.full([16, 16, 3], level) for level in levels], np.uint8)


# Their deviations from 115 are -15, -5, 5 and 15: a variance of 500/3 in each of the 768 values.
REALS = flats(100, 110, 120, 130)


def test_the_reals_are_as_varied_as_themselves_and_one_picture_is_not():
  measured = variety.Variety(REALS)
  assert measured.num_components == 1
  assert measured.diversity(REALS) == pytest.approx(1.0, rel=1e-5)
  assert measured.diversity(flats(*[117] * 64)) == pytest.approx(0.0, abs=1e-6)


def test_diversity_is_the_ratio_of_the_spreads_by_hand():
  # 110 and 120 have a variance of 50, 50 / (500/3) = 0.3.
  assert variety.Variety(REALS).diversity(flats(110, 120)) == pytest.approx(math.sqrt(0.3), rel=1e-5)
  assert variety.Variety(REALS).diversity(flats(85, 105, 125, 145)) == pytest.approx(2.0, rel=1e-5)


def test_two_pictures_that_are_nearly_one_are_little_varied_however_many_there_are():
  fakes = flats(*[114, 116] * 32)
  assert variety.Variety(REALS).diversity(fakes) == pytest.approx(math.sqrt(64 / 63 / (500 / 3)), rel=1e-5)


def test_what_the_reals_never_do_is_no_diversity():
  fakes = np.array([115 + amount * CHECKERBOARD + np.zeros(3) for amount in range(-50, 51, 10)], np.uint8)
  assert variety.Variety(REALS).diversity(fakes) == pytest.approx(0.0, abs=1e-3)


def test_grain_is_averaged_away():
  large = REALS.repeat(4, axis=1).repeat(4, axis=2)  # 64 px, so that a thumbnail's pixel is 4×4 of them
  grain = np.random.default_rng(0).normal(0, 20, (64, 64, 64, 3))
  fakes = (115 + grain).clip(0, 255).astype(np.uint8)
  assert variety.Variety(large).diversity(fakes) < 0.05


@pytest.mark.parametrize('along, across, num_components', [(12, 2, 1), (6, 4, 2)])
def test_components_are_kept_up_to_95_percent_of_the_variance(along, across, num_components):
  # 144 of 148 is 97 %, 36 of 52 is 69 %.
  reals = np.array([128 + a * HALVES + b * CHECKERBOARD + np.zeros(3)
                    for a in (-along, along) for b in (-across, across)], np.uint8)
  measured = variety.Variety(reals)
  assert measured.num_components == num_components and measured.coordinates(reals).shape == (4, num_components)
  # One unit along each of 768 values is as long as the root of 768.
  lengths = np.linalg.norm(measured.coordinates(reals), axis=1)
  expected = math.sqrt(768) * (along if num_components == 1 else math.hypot(along, across))
  np.testing.assert_allclose(lengths, expected, rtol=1e-5)


def test_strangeness_is_what_the_reals_ways_cannot_show_by_hand():
  # The reals leave nothing, so the least that is usual counts: half a grey value.
  fakes = np.concatenate([flats(90, 140), (115 + 10 * CHECKERBOARD + np.zeros([1, 1, 1, 3])).astype(np.uint8)])
  np.testing.assert_allclose(variety.Variety(REALS).strangeness(fakes), [0, 0, 10 * math.sqrt(768) / 0.5], atol=0.01)


def test_reals_are_as_strange_as_usual_and_mangled_ones_are_stranger():
  rng = np.random.default_rng(0)
  ways = rng.normal(0, 8, (3, 16, 16, 3))
  make = lambda num, noise: np.clip(128 + np.einsum('ni,ihwc->nhwc', rng.normal(size=(num, 3)), ways) + rng.normal(
      0, noise, (num, 16, 16, 3)), 0, 255).astype(np.uint8)
  reals = make(200, 2.0)
  measured = variety.Variety(reals)
  assert np.median(measured.strangeness(reals)) == pytest.approx(1.0)
  assert np.median(measured.strangeness(make(64, 2.0))) == pytest.approx(1.0, rel=0.1)
  assert np.median(measured.strangeness(make(64, 8.0))) == pytest.approx(4.0, rel=0.15)
  assert measured.diversity(make(200, 2.0)) == pytest.approx(1.0, rel=0.15)


def test_movement_is_that_of_the_mean_in_the_reals_spread():
  measured = variety.Variety(REALS)
  before, after = (measured.coordinates(flats(*levels)) for levels in ((100, 120), (115, 125)))
  assert measured.movement(before, after) == pytest.approx(10 / math.sqrt(500 / 3), rel=1e-5)
  assert measured.movement(before, before[::-1]) == pytest.approx(0.0, abs=1e-6)
  assert math.isnan(measured.movement(np.full_like(before, np.nan), after))


def test_reals_that_are_all_the_same_vary_by_nothing_and_are_measured_all_the_same():
  measured = variety.Variety(flats(*[100] * 5))
  assert measured.coordinates(flats(100, 101)).shape == (2, measured.num_components)
  assert measured.diversity(flats(100, 100)) == 0.0 and np.isfinite(measured.diversity(flats(90, 110)))
  np.testing.assert_array_equal(measured.strangeness(flats(100)), [0.0])


@pytest.mark.parametrize('images, message', [
    (REALS[:3], r'`real_images` holds 3 pictures, but their variety needs 4 or more'),
    (REALS[:0], r'`real_images` is uint8 \[0, 16, 16, 3\], but must be'),
    (REALS.astype(np.float32), r'`real_images` is float32 \[4, 16, 16, 3\], but must be uint8')])
def test_reals_that_cannot_be_taken_apart_are_refused(images, message):
  with pytest.raises(ValueError, match=message):
    variety.Variety(images)


def test_one_fake_has_no_diversity_and_none_no_strangeness():
  measured = variety.Variety(REALS)
  with pytest.raises(ValueError, match=r'`fake_images` holds 1 picture, but diversity needs 2 or more'):
    measured.diversity(REALS[:1])
  with pytest.raises(ValueError, match=r'uint8 \[0, 16, 16, 3\], but must be'):
    measured.strangeness(REALS[:0])
