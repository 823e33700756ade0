"""Tests of dcgan.control.habits: films whose blinks and sways are known."""

import numpy as np
import pytest

from dcgan.control import habits

_FPS = 30


def num_blinks(shut):
  return int(np.sum((shut[1:] > 0.5) & (shut[:-1] <= 0.5)))


def test_the_same_seed_does_the_same_and_another_does_not():
  usual = habits.Habits()
  for one, same, other in zip(*(habits.live(usual, 900, _FPS, seed) for seed in (3, 3, 4))):
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_blinks_come_as_often_and_last_as_long_as_is_asked_for():
  asked = habits.Habits(blinks_per_min=20.0, blink_secs=0.3)
  shut, _ = habits.live(asked, 600 * _FPS, _FPS, 0)
  assert num_blinks(shut) == pytest.approx(200, rel=0.1)
  assert shut.min() == 0 and shut.max() > 0.9
  assert (shut > 0).sum() / _FPS / num_blinks(shut) == pytest.approx(0.3, abs=0.05)
  assert not shut[:_FPS // 2].any()


def test_the_head_sways_as_far_and_as_fast_as_is_asked_for():
  asked = habits.Habits(head_spread=(3.0, 1.0), sway_secs=0.8)
  _, heads = habits.live(asked, 1200 * _FPS, _FPS, 0)
  np.testing.assert_allclose(heads.std(axis=0), [3.0, 1.0], rtol=0.1)
  speeds = np.diff(heads, axis=0).std(axis=0) * _FPS
  np.testing.assert_allclose(speeds, np.array([3.0, 1.0]) / (np.sqrt(2) * 0.8), rtol=0.15)
  assert np.abs(heads).max() <= 6.0  # two spreads


def test_what_a_film_shows_is_done_again():
  asked = habits.Habits(blinks_per_min=24.0, blink_secs=0.3, head_spread=(2.5, 1.5), sway_secs=0.7)
  shut, heads = habits.live(asked, 300 * _FPS, _FPS, 1)
  found = habits.of_film(np.arange(len(shut)) / _FPS, shut, heads + [4.0, -2.0])
  assert found.blinks_per_min == pytest.approx(24, rel=0.15)
  assert found.blink_secs == pytest.approx(0.3, abs=0.1)
  np.testing.assert_allclose(found.head_spread, [2.5, 1.5], rtol=0.2)
  assert found.sway_secs == pytest.approx(0.7, rel=0.3)
  shut, _ = habits.live(habits.Habits(blinks_per_min=24.0), 300 * _FPS, _FPS, 1)
  few = habits.of_film(np.arange(0, len(shut), 5) / _FPS, shut[::5], heads[::5])  # at 6 a second a part is missed
  assert few.blinks_per_min == pytest.approx(24, rel=0.25)


def test_where_nothing_is_known_people_s_usual_habits_are_taken():
  photos = np.full(50, np.nan)
  assert habits.of_film(photos, np.zeros(50), np.zeros([50, 2])) == habits.Habits()
  short = np.arange(30) / 6
  assert habits.of_film(short, np.ones(30), np.ones([30, 2])) == habits.Habits()
  unknown = habits.of_film(np.arange(200) / 6, np.full(200, np.nan), np.full([200, 2], np.nan))
  assert unknown == habits.Habits()


def test_eyes_that_rest_shut_are_no_blink_and_large_turns_no_sway():
  times = np.arange(600) / _FPS
  shut = (times % 4 < 2).astype(float)
  found = habits.of_film(times, shut, np.stack([30 * np.sin(times), 20 * np.cos(times)], axis=1))
  assert found.blinks_per_min == habits.Habits().blinks_per_min
  assert max(found.head_spread) <= 4.0
