"""Tests of dcgan.data.admission."""

import numpy as np
import pytest

from dcgan.data import admission


def looks(num_pictures, num_values=6, seed=0):
  return np.random.default_rng(seed).normal(size=[num_pictures, num_values]).astype(np.float32)


def test_a_small_set_is_there_from_the_start():
  admitted = admission.admit(looks(300), batch_size=16, visits=40, num_first=300, seed=0)
  assert not admitted.steps.any()
  [(first, end, pictures)] = admitted.stages(50)
  assert (first, end) == (0, 50) and len(pictures) == 300


def test_pictures_of_a_large_set_join_as_often_as_those_before_were_seen():
  admitted = admission.admit(looks(600), batch_size=16, visits=40, num_first=300, seed=0)
  steps = np.sort(admitted.steps)
  assert (steps == 0).sum() >= 296
  for step in (1000, 1200, 1400):  # at minibatch k: k·16/40, within a stage
    assert abs((steps <= step).sum() - step * 16 / 40) <= 20
  assert len(list(admitted.stages(10_000))[-1][2]) == 600
  firsts, ends, _ = zip(*admitted.stages(1001))
  assert ends == (*firsts[1:], 1001) and max(firsts) <= 1000


@pytest.mark.parametrize('num_first, there', [(2, 10), (20, 20), (25, 30), (59, 60), (60, 60), (99, 60)])
def test_so_many_are_there_from_the_start_as_is_wished_and_join_at_once(num_first, there):
  admitted = admission.admit(looks(60), batch_size=16, visits=40, num_first=num_first, seed=0)  # 25 · 16 / 40 join
  assert (admitted.steps == 0).sum() == there
  _, joining = np.unique(admitted.steps[admitted.steps > 0], return_counts=True)
  assert (joining == 10).all() and joining.sum() == 60 - there


def test_who_joins_begins_between_the_two_that_it_is_like_among_those_before():
  descriptors = looks(400)
  admitted = admission.admit(descriptors, batch_size=16, visits=40, num_first=300, seed=1)
  late = np.flatnonzero(admitted.steps > 0)
  assert len(late) >= 100
  for picture in late[::20]:
    parents = admitted.parents[picture]
    assert (admitted.steps[parents] < admitted.steps[picture]).all()
    before = np.flatnonzero(admitted.steps < admitted.steps[picture])
    distances = np.linalg.norm(descriptors[before] - descriptors[picture], axis=1)
    assert set(parents) == set(before[np.argsort(distances)[:2]])
  np.testing.assert_allclose(admitted.shares.sum(axis=1), 1, rtol=1e-5)


def test_the_spread_order_is_an_order_and_takes_rare_looks_early():
  descriptors = np.concatenate([np.zeros([500, 3]), [[9, 0, 0], [0, 9, 0], [0, 0, 9]]]).astype(np.float32)
  descriptors[:500] += 0.01 * looks(500, 3)
  order = admission.spread_order(descriptors, seed=0)
  np.testing.assert_array_equal(np.sort(order), np.arange(503))
  assert {500, 501, 502} <= set(order[:5])


def test_pictures_that_are_all_the_same_have_an_order_too():
  np.testing.assert_array_equal(np.sort(admission.spread_order(np.ones([7, 3], np.float32), seed=0)), np.arange(7))


@pytest.mark.parametrize('seed', [0, 5])
def test_places_begin_around_one_point_and_follow_from_the_seed(seed):
  start = admission.start_places(looks(50), z_dims=100, seed=seed)
  np.testing.assert_array_equal(start, admission.start_places(looks(50), z_dims=100, seed=seed))
  middle = start.mean(axis=0)
  assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.7, abs=0.1)
  assert np.sqrt(np.mean((start - middle)**2)) == pytest.approx(0.5, abs=0.05)
