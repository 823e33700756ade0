"""Tests of dcgan.metrics.distances."""

import itertools

import numpy as np
import pytest
from scipy import linalg

from dcgan.metrics import distances

BOTH = pytest.mark.parametrize('measure', [distances.frechet_distance, distances.kernel_distance])


def draw(num_rows, num_values, seed, scale=1.0, shift=0.0):
  """Returns float32 [num_rows, num_values]: normal, with correlated columns."""
  rng = np.random.default_rng(seed)
  return (scale * rng.normal(size=[num_rows, num_values]) @ np.random.default_rng(99).normal(
      size=[num_values, num_values]) + shift).astype(np.float32)


def frechet_by_sqrtm(reals, fakes):
  """The textbook's way: a matrix root of the product of the covariances."""
  real_covariance, fake_covariance = np.cov(reals.T.astype(float)), np.cov(fakes.T.astype(float))
  root = linalg.sqrtm(real_covariance @ fake_covariance).real
  gap = reals.mean(axis=0, dtype=float) - fakes.mean(axis=0, dtype=float)
  return gap @ gap + np.trace(real_covariance + fake_covariance - 2 * root)


def test_between_two_normal_distributions_on_a_line_frechet_is_worked_by_hand():
  # Means 2 and 5, deviations √2 and 2√2: (5 - 2)² + (2√2 - √2)² = 9 + 2.
  assert distances.frechet_distance(np.float32([[1], [3]]), np.float32([[3], [7]])) == pytest.approx(11)


def test_along_axes_frechet_adds_up():
  cross = np.float64([[1, 0], [-1, 0], [0, 1], [0, -1]])  # covariance 2/3 along both axes
  # Three times as wide and twice as high: 2/3 (2² + 1²); moved by (0, 3): 9.
  assert distances.frechet_distance(cross, cross * [3, 2] + [0, 3]) == pytest.approx(10 / 3 + 9)


@pytest.mark.parametrize('num_reals, num_fakes', [(200, 300), (20, 30), (200, 7)])
def test_frechet_is_what_the_root_of_the_product_gives(num_reals, num_fakes):
  reals, fakes = draw(num_reals, 6, 0), draw(num_fakes, 6, 1, scale=1.5, shift=0.5)
  assert distances.frechet_distance(reals, fakes) == pytest.approx(frechet_by_sqrtm(reals, fakes), rel=1e-6)


def test_with_fewer_pictures_than_values_frechet_is_that_of_the_space_they_span():
  # Turned into 500 values, the same points keep their distance, though the covariances have rank 3 of 500.
  reals, fakes = draw(40, 3, 0), draw(30, 3, 1, shift=1.0)
  turn = np.linalg.qr(np.random.default_rng(2).normal(size=[500, 3]))[0].T
  assert distances.frechet_distance(reals @ turn, fakes @ turn) == pytest.approx(
      distances.frechet_distance(reals, fakes), rel=1e-6)


def test_frechet_is_zero_from_the_same_set_and_the_same_both_ways():
  reals, fakes = draw(50, 100, 0), draw(60, 100, 1, shift=0.3)
  distance = distances.frechet_distance(reals, fakes)
  assert 0 <= distances.frechet_distance(reals, reals.copy()) < 1e-9 * distance
  assert distances.frechet_distance(fakes, reals) == pytest.approx(distance)


def test_kernel_distance_is_what_loops_over_pairs_give():
  reals, fakes = draw(5, 3, 0), draw(4, 3, 1, shift=0.5)
  kernel = lambda x, y: (sum(a * b for a, b in zip(x.tolist(), y.tolist())) / 3 + 1)**3
  pairs = lambda rows: [kernel(x, y) for x, y in itertools.permutations(rows, 2)]
  expected = (np.mean(pairs(reals)) + np.mean(pairs(fakes))
              - 2 * np.mean([kernel(x, y) for x, y in itertools.product(reals, fakes)]))
  assert distances.kernel_distance(reals, fakes) == pytest.approx(expected, rel=1e-5)


def test_kernel_distance_of_two_points_each_is_worked_by_hand():
  # (1·3 + 1)³ = 64 within, (0·2 + 1)³ = 1 within, and between: (1, 27, 1, 343) / 4 = 93.
  assert distances.kernel_distance(np.float32([[1], [3]]), np.float32([[0], [2]])) == pytest.approx(64 + 1 - 2 * 93)


def test_kernel_distance_is_zero_on_average_for_samples_of_one_distribution():
  same = [distances.kernel_distance(draw(20, 4, seed), draw(30, 4, seed + 1000)) for seed in range(300)]
  other = [distances.kernel_distance(draw(20, 4, seed), draw(30, 4, seed + 1000, shift=1)) for seed in range(300)]
  error = np.std(same) / np.sqrt(300)
  assert abs(np.mean(same)) < 3 * error
  assert np.mean(other) > 10 * error


@BOTH
def test_a_shift_and_a_lack_of_variety_are_farther_away_than_another_sample(measure):
  reals, others = draw(100, 8, 0), draw(100, 8, 1)
  assert measure(reals, others + 2) > 2 * measure(reals, others)
  assert measure(reals, np.repeat(others[:2], 50, axis=0)) > 2 * measure(reals, others)


@BOTH
@pytest.mark.parametrize('num_rows', [0, 1])
def test_too_few_are_told_with_how_many_are_needed(measure, num_rows):
  with pytest.raises(ValueError, match=rf'`real_features` holds {num_rows} row.* needs 2 or more'):
    measure(draw(num_rows, 4, 0), draw(5, 4, 0))
  with pytest.raises(ValueError, match=rf'`fake_features` holds {num_rows} row.* needs 2 or more'):
    measure(draw(5, 4, 0), draw(num_rows, 4, 0))


@BOTH
def test_other_shapes_are_told_with_name_and_value(measure):
  with pytest.raises(ValueError, match=r'`real_features` has the shape \[2, 2, 2\], but must be \[num_pictures'):
    measure(np.zeros([2, 2, 2]), np.zeros([2, 2]))
  with pytest.raises(ValueError, match=r'`fake_features` has the shape \[4, 0\]'):
    measure(np.zeros([4, 4]), np.zeros([4, 0]))
  with pytest.raises(ValueError, match=r'`fake_features` \(5 values a row\) must have as many as .* \(4\)'):
    measure(draw(3, 4, 0), draw(3, 5, 0))


@BOTH
def test_what_is_not_finite_is_told_with_its_number_of_rows(measure):
  broken = draw(6, 4, 0)
  broken[1:3, 2] = np.nan, np.inf
  with pytest.raises(ValueError, match='`fake_features` holds NaN or infinity in 2 of 6 rows'):
    measure(draw(5, 4, 0), broken)
