"""Tests of dcgan.control.lookahead."""

import numpy as np
import pytest

from dcgan.control import lookahead


def _averaged(times_secs, values, sigma_secs):
  found = list(lookahead.averaged(zip(times_secs, values), sigma_secs))
  assert [time for time, _ in found] == list(times_secs)
  return np.array([value for _, value in found])


def test_what_changes_evenly_stays_as_it_is_also_at_the_ends():
  times_secs = np.arange(50) / 25
  values = np.stack([3 * times_secs, np.full(50, 0.7)], axis=1)
  np.testing.assert_allclose(_averaged(times_secs, values, 0.1), values, atol=1e-9)


def test_a_peak_stays_at_its_time():
  times_secs = np.arange(61) / 30
  values = np.zeros([61, 1])
  values[30] = 1
  shown = _averaged(times_secs, values, 0.06)[:, 0]
  np.testing.assert_allclose(shown, shown[::-1], atol=1e-12)  # as much before as after: nothing comes late
  offsets = (times_secs - 1) / 0.06
  by_hand = np.where(np.abs(offsets) <= 2.5, np.exp(-offsets**2 / 2), 0)
  np.testing.assert_allclose(shown, by_hand / by_hand.sum(), atol=1e-9)


def test_tremble_is_taken_away():
  rng = np.random.default_rng(0)
  tremble = rng.normal(size=[300, 1])
  assert _averaged(np.arange(300) / 30, tremble, 0.1)[20:-20].std() < 0.4 * tremble.std()


def test_few_moments_wait_at_a_time():
  given = []

  def moments():
    for i in range(1000):
      given.append(i)
      yield i / 10, np.zeros(1)

  for shown, _ in enumerate(lookahead.averaged(moments(), 0.1)):
    assert len(given) - shown <= 5


@pytest.mark.parametrize('num_moments', [0, 1, 2])
def test_short_courses_pass(num_moments):
  values = np.arange(num_moments, dtype=np.float32)[:, np.newaxis]
  np.testing.assert_allclose(_averaged(np.arange(num_moments), values, 1.0).reshape(-1, 1), values)
