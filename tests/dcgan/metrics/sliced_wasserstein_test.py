"""Tests of dcgan.metrics.sliced_wasserstein."""

import cv2
import numpy as np
import pytest

from dcgan.metrics import sliced_wasserstein

NUM_IMAGES = 64


def draw_faces(rng, size_px):
  """Returns uint8 [64, size, size, 3]: discs with two eyes and a mouth, which differ in place, colour and opening."""
  y, x = np.mgrid[:size_px, :size_px][..., np.newaxis] / size_px - 0.5
  faces = []
  for _ in range(NUM_IMAGES):
    left, up = x - rng.normal(0, 0.03), y - rng.normal(0, 0.03)
    face = np.where(left**2 + up**2 < 0.12, [200, 160, 130] + rng.normal(0, 8, 3), [40, 70, 110])
    for eye in (-0.13, 0.13):
      face = np.where((left - eye)**2 + (up + 0.1)**2 < 0.003, 20, face)
    face = np.where((left / 0.15)**2 + ((up - 0.17) / rng.uniform(0.02, 0.08))**2 < 1, [120, 20, 30], face)
    faces.append(cv2.GaussianBlur(face, None, size_px / 100) + rng.normal(0, 2, face.shape))
  return to_uint8(faces)


def crop_faces(rng, size_px, picture):
  """Returns uint8 [64, size, size, 3]: squares around one face, which differ in place, size and brightness."""
  faces = []
  for _ in range(NUM_IMAGES):
    side_px = rng.integers(150, 170)
    top, left = rng.integers((30, 140), (46, 156))
    square = picture[top:top + side_px, left:left + side_px]
    faces.append(cv2.resize(square, (size_px, size_px), interpolation=cv2.INTER_AREA) * rng.uniform(0.95, 1.05))
  return to_uint8(faces)


def to_uint8(images):
  return np.clip(np.round(images), 0, 255).astype(np.uint8)


def blurred(images, sigma_px):
  return np.stack([cv2.GaussianBlur(image, None, sigma_px) for image in images])


def noisy(images, deviation):
  return to_uint8(images + np.random.default_rng(9).normal(0, deviation, images.shape))


def colour_cast(images, shift):
  return to_uint8(images + np.float64([shift, 0, -shift]))


def repeated(images, num_left):
  return images[np.arange(NUM_IMAGES) % num_left]


def grey_pixels(*values):
  """Returns uint8 [num_values, 1, 1, 3]."""
  return np.repeat(np.uint8(values).reshape(-1, 1, 1, 1), 3, axis=3)


@pytest.fixture(name='samples', scope='module', params=['drawn', pytest.param('astronaut', marks=pytest.mark.slow)])
def fixture_samples(request, astronaut):
  """Two samples of one distribution, uint8 [64, 32, 32, 3] each, and the `SlicedWasserstein` of the first."""
  rng = np.random.default_rng(0)
  make = lambda: draw_faces(rng, 32) if request.param == 'drawn' else crop_faces(rng, 32, astronaut)
  reals, others = make(), make()
  return reals, others, sliced_wasserstein.SlicedWasserstein(reals)


def test_along_a_line_of_greys_the_distance_is_the_mean_difference_of_the_sorted_values():
  # On each direction, greys are their values times one factor, which a shift of 1 measures.
  reals = sliced_wasserstein.SlicedWasserstein(grey_pixels(10, 20, 40, 90))
  factor = reals.distance(grey_pixels(11, 21, 41, 91))
  # Sorted: |10 - 15|, |20 - 30|, |40 - 60|, |90 - 89|, 36 in all; unsorted it would be 50 + 40 + 25 + 1.
  assert reals.distance(grey_pixels(60, 30, 15, 89)) == pytest.approx(36 / 4 * factor, rel=1e-4)
  # Two values stand for two each: |10 - 30|, |20 - 30|, |40 - 60|, |90 - 60|.
  assert reals.distance(grey_pixels(60, 30)) == pytest.approx(80 / 4 * factor, rel=1e-4)


def test_a_shift_of_one_channel_counts_half_as_directions_on_the_sphere_do():
  # The mean of |z| over the unit sphere is 1/2. All reals are alike, so the unit is one grey value.
  reals = sliced_wasserstein.SlicedWasserstein(np.full([4, 1, 1, 3], 100, np.uint8))
  assert reals.distance(np.full([4, 1, 1, 3], [100, 110, 100], np.uint8)) == pytest.approx(10 / 2 * 1000, rel=0.15)


def test_shifts_are_measured_in_standard_deviations_of_the_reals():
  values = np.arange(100, 132)
  wide = sliced_wasserstein.SlicedWasserstein(grey_pixels(*(2 * values - 100)))
  narrow = sliced_wasserstein.SlicedWasserstein(grey_pixels(*values))
  assert wide.distance(grey_pixels(*(2 * values - 90))) == pytest.approx(
      narrow.distance(grey_pixels(*(values + 5))), rel=1e-4)


def test_the_reals_are_at_zero_from_themselves_and_another_sample_is_not(samples):
  reals, others, sliced = samples
  assert sliced.distance(reals) == 0.0
  assert 0.0 < sliced.distance(others) < 40.0


@pytest.mark.parametrize('damage, strengths', [
    (blurred, (0.7, 1.2, 2.0)), (noisy, (12, 24, 48)), (colour_cast, (8, 16, 32))])
def test_damage_is_farther_away_than_another_sample_and_more_of_it_farther(samples, damage, strengths):
  _, others, sliced = samples
  distances = [sliced.distance(others)] + [sliced.distance(damage(others, strength)) for strength in strengths]
  assert distances[1] > 1.3 * distances[0]
  assert (np.diff(distances) > 0).all(), distances


@pytest.mark.slow
def test_the_fewer_pictures_a_generator_repeats_the_farther_it_is_on_average(samples):
  _, others, sliced = samples
  distances = [np.mean([sliced.distance(repeated(others[first:], num_left)) for first in (0, 10, 20)])
               for num_left in (8, 3, 1)]
  assert distances[-1] > 2 * sliced.distance(others)
  assert (np.diff([sliced.distance(others), *distances]) > 0).all(), distances


@pytest.mark.parametrize('size_px, level_sizes_px', [
    (8, [8]), (64, [64, 32, 16]), pytest.param(128, [128, 64, 32, 16], marks=pytest.mark.slow)])
def test_levels_halve_down_to_16_px_and_tell_noise_at_every_size(size_px, level_sizes_px):
  rng = np.random.default_rng(0)
  sliced = sliced_wasserstein.SlicedWasserstein(draw_faces(rng, size_px))
  others = draw_faces(rng, size_px)
  levels, noisy_levels = sliced.level_distances(others), sliced.level_distances(noisy(others, 20))
  assert list(levels) == level_sizes_px
  assert noisy_levels[size_px] > 2 * levels[size_px]


def test_the_distance_is_the_mean_of_the_levels(samples):
  _, others, sliced = samples
  levels = sliced.level_distances(others)
  assert sliced.distance(others) == pytest.approx((levels[32] + levels[16]) / 2)


def test_noise_shows_on_the_first_level_and_a_cast_only_on_the_last():
  reals = draw_faces(np.random.default_rng(0), 32) // 2 + 60  # so that nothing saturates
  sliced = sliced_wasserstein.SlicedWasserstein(reals)
  noise, cast = sliced.level_distances(noisy(reals, 20)), sliced.level_distances(colour_cast(reals, 10))
  assert noise[32] > 3 * noise[16]
  assert cast[16] > 100 and cast[32] < 0.01


def test_levels_patches_and_directions_agree_with_a_second_implementation_on_opencv_pyramids():
  # All patches of fakes of one colour are alike, so the distance is how far the reals' patches project from them.
  reals = draw_faces(np.random.default_rng(0), 64)
  distances = sliced_wasserstein.SlicedWasserstein(reals).level_distances(
      np.full([5, 64, 64, 3], [120, 100, 90], np.uint8))
  directions = np.random.default_rng(1).normal(size=(7 * 7 * 3, 200))
  directions /= np.sqrt((directions**2).sum(axis=0))
  levels = reals.astype(np.float32)
  for size_px in (64, 32, 16):
    smaller = np.stack([cv2.pyrDown(level) for level in levels])
    details = levels if size_px == 16 else levels - np.stack([cv2.pyrUp(level) for level in smaller])
    step_px = size_px // 16
    patches = np.stack([details[:, y:y + 7, x:x + 7] for y in range(0, size_px - 6, step_px)
                        for x in range(0, size_px - 6, step_px)])
    differences = (patches - ([120, 100, 90] if size_px == 16 else 0)) / patches.std(axis=(0, 1, 2, 3))
    expected = 1e3 * np.abs(differences.reshape(-1, 7 * 7 * 3) @ directions).mean()
    assert distances[size_px] == pytest.approx(expected, rel=0.1)
    levels = smaller


def test_the_same_seed_gives_the_same_bits_and_another_seed_nearly_the_same(samples):
  reals, others, sliced = samples
  far = noisy(others, 20)
  distance = sliced.distance(far)
  assert sliced_wasserstein.SlicedWasserstein(reals.copy(), seed=0).distance(far) == distance
  another = sliced_wasserstein.SlicedWasserstein(reals, seed=1).distance(far)
  assert another != distance and another == pytest.approx(distance, rel=0.1)


def test_the_number_of_fakes_may_differ_from_that_of_the_reals(samples):
  _, others, sliced = samples
  assert sliced.distance(np.repeat(others, 2, axis=0)) == sliced.distance(others)
  assert sliced.distance(others[:37]) == pytest.approx(sliced.distance(others), rel=0.5)


@pytest.mark.parametrize('pictures, what', [
    (np.zeros([4, 8, 8, 3], np.float32), r'float32 \[4, 8, 8, 3\]'), (np.zeros([8, 8, 3], np.uint8), r'\[8, 8, 3\]'),
    (np.zeros([4, 8, 9, 3], np.uint8), r'\[4, 8, 9, 3\]'), (np.zeros([4, 8, 8, 1], np.uint8), r'\[4, 8, 8, 1\]'),
    (np.zeros([0, 8, 8, 3], np.uint8), r'\[0, 8, 8, 3\]')])
def test_other_types_and_shapes_are_told_with_name_and_value(pictures, what):
  with pytest.raises(ValueError, match=f'`real_images` is .*{what}.*must be uint8'):
    sliced_wasserstein.SlicedWasserstein(pictures)
  with pytest.raises(ValueError, match=f'`fake_images` is .*{what}.*must be uint8'):
    sliced_wasserstein.SlicedWasserstein(np.zeros([4, 8, 8, 3], np.uint8)).distance(pictures)


def test_fakes_of_another_size_are_told_with_both_sizes():
  with pytest.raises(ValueError, match=r'`fake_images` \(16 px\) must be as large as the reals \(8 px\)'):
    sliced_wasserstein.SlicedWasserstein(np.zeros([4, 8, 8, 3], np.uint8)).distance(np.zeros([4, 16, 16, 3], np.uint8))
