"""Tests of the filter for controls as they come, on signals whose tremble and time are known."""

import numpy as np
import pytest

from dcgan.control import one_euro

_FPS = 30
_TIMES = np.arange(0, 20, 1 / _FPS)


def _filtered(times, signal, **options):
  one = one_euro.OneEuro(**options)
  return np.array([one(time, value) for time, value in zip(times, signal)])


@pytest.mark.parametrize('seed', range(4))
def test_at_rest_a_quarter_of_the_tremble_is_left_at_most(seed):
  tremble = np.random.default_rng(seed).normal(0, 0.02, len(_TIMES))
  left = _filtered(_TIMES, 0.5 + tremble) - 0.5
  assert left[60:].std() < 0.25 * tremble[60:].std()


def test_a_quick_way_comes_a_twentieth_of_a_second_late():
  way = np.interp(_TIMES % 2, [0, 0.5, 0.75, 1.5, 1.75], [0, 0, 1, 1, 0])
  found = _filtered(_TIMES, way)
  delays = np.arange(0, 0.3, 0.005)
  off = [np.square(np.interp(_TIMES - delay, _TIMES, way) - found)[60:].mean() for delay in delays]
  assert 0.02 < delays[np.argmin(off)] < 0.06
  assert found[60:].max() > 0.98 and np.abs(found - way).max() < 0.45


def test_one_step_of_hand_worked_numbers():
  one = one_euro.OneEuro(min_cutoff_hz=1 / (2 * np.pi), speed_factor=0.5 / np.pi, speed_cutoff_hz=1 / (2 * np.pi))
  assert one(0.0, 0.0) == 0
  # Over a second a cutoff of 1 / 2π takes a half: the speed is 0.5 a second, and the cutoff 1 / 2π + 0.5 * 0.5 / π.
  assert one(1.0, 1.0) == pytest.approx(1 / (1 + 1 / 1.5))


def test_moments_may_be_uneven_and_a_repeated_one_changes_nothing():
  one = one_euro.OneEuro()
  first, again = one(0.0, [0.2, 0.4]), one(0.0, [0.9, 0.9])
  np.testing.assert_array_equal(first, again)
  assert one(100.0, [0.9, 0.9])[0] > 0.85  # what is so old says little
  one.reset()
  np.testing.assert_allclose(one(0.0, [0.1, 0.2]), [0.1, 0.2])


def test_what_is_not_given_holds():
  one = one_euro.OneEuro()
  assert np.isnan(one(0.0, [np.nan, 0.5])).tolist() == [True, False]
  np.testing.assert_allclose(one(0.1, [0.3, np.nan]), [0.3, 0.5])
  assert one(0.2, [np.nan, np.nan])[0] == pytest.approx(0.3)


def test_degrees_are_filtered_alike_by_their_scale():
  way = np.interp(_TIMES % 2, [0, 0.5, 0.75, 1.5, 1.75], [0, 0, 1, 1, 0])
  np.testing.assert_allclose(_filtered(_TIMES, 60 * way, scale=60.0), 60 * _filtered(_TIMES, way), atol=1e-4)
