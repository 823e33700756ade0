"""Tests of dcgan.data.batch_plan."""

import numpy as np
import pytest

from dcgan.data import batch_plan


def test_each_shuffled_pass_holds_every_image_once():
  plan = batch_plan.shuffled_plan(num_images=12, batch_size=4, num_batches=6, seed=0)
  assert plan.shape == (6, 4) and plan.dtype == np.int64
  for start in (0, 3):
    np.testing.assert_array_equal(np.sort(plan[start:start + 3].ravel()), np.arange(12))
  assert (plan[:3] != plan[3:]).any()


def test_passes_go_on_within_a_minibatch_so_that_no_image_is_dropped():
  plan = batch_plan.shuffled_plan(num_images=10, batch_size=4, num_batches=5, seed=0)
  np.testing.assert_array_equal(np.bincount(plan.ravel()), np.full(10, 2))


def test_a_set_smaller_than_a_minibatch_stands_in_it_several_times():
  plan = batch_plan.shuffled_plan(num_images=3, batch_size=9, num_batches=2, seed=0)
  for row in plan:
    np.testing.assert_array_equal(np.bincount(row), [3, 3, 3])
  windows = batch_plan.overlapping_plan(np.arange(3), 9, 0.5, num_batches=2, seed=0)
  for row in windows:
    np.testing.assert_array_equal(np.bincount(row), [3, 3, 3])


@pytest.mark.parametrize('make', [
    lambda num_batches, seed: batch_plan.shuffled_plan(23, 4, num_batches, seed),
    lambda num_batches, seed: batch_plan.overlapping_plan(np.arange(23), 4, 0.5, num_batches, seed)])
def test_a_longer_plan_begins_with_the_shorter_one_and_the_seed_decides(make):
  np.testing.assert_array_equal(make(40, 1)[:17], make(17, 1))
  assert (make(40, 1) != make(40, 2)).any()


@pytest.mark.parametrize('num_images, batch_size, overlap_fraction, stride', [
    (20, 8, 0.5, 4), (23, 8, 0.25, 6), (64, 16, 0.75, 4), (17, 5, 0.0, 5), (9, 2, 0.9, 1)])
def test_a_pass_of_windows_covers_every_image_with_the_exact_overlap(num_images, batch_size, overlap_fraction, stride):
  num_windows = -(-num_images // stride)
  order = np.random.default_rng(5).permutation(num_images)
  place = np.argsort(order)
  plan = batch_plan.overlapping_plan(order, batch_size, overlap_fraction, num_windows, seed=3)
  assert set(plan.ravel()) == set(range(num_images))
  places = place[plan]
  for row in places:  # neighbours on the ring
    np.testing.assert_array_equal((np.diff(row) % num_images), 1)
  first = places[:, 0]
  chain = [first[0]]
  while (chain[-1] + stride) % num_images in first and len(chain) < num_windows:
    chain.append((chain[-1] + stride) % num_images)
  assert len(chain) >= 2
  for a, b in zip(chain, chain[1:]):
    rows = [set(places[np.flatnonzero(first == start)[0]]) for start in (a, b)]
    if num_images >= 2 * batch_size:
      assert len(rows[0] & rows[1]) == batch_size - stride


def test_similarity_order_is_a_permutation_that_follows_a_hidden_line():
  rng = np.random.default_rng(0)
  hidden = rng.permutation(600)
  line = np.stack([hidden, 0.5 * hidden], axis=1) + rng.normal(0, 0.1, (600, 2))
  order = batch_plan.similarity_order(line)
  np.testing.assert_array_equal(np.sort(order), np.arange(600))
  walked = hidden[order]
  np.testing.assert_array_equal(walked if walked[0] < 300 else walked[::-1], np.arange(600))


def test_neighbours_in_similarity_order_are_nearer_than_chance():
  rng = np.random.default_rng(1)
  clusters = rng.normal(0, 10, (20, 32))
  descriptors = np.concatenate([centre + rng.normal(0, 1, (50, 32)) for centre in clusters])[rng.permutation(1000)]
  step = lambda order: np.linalg.norm(np.diff(descriptors[order], axis=0), axis=1).mean()
  assert step(batch_plan.similarity_order(descriptors)) < 0.25 * step(np.arange(1000))


def test_similarity_order_bears_equal_and_single_descriptors():
  np.testing.assert_array_equal(np.sort(batch_plan.similarity_order(np.zeros((700, 3)))), np.arange(700))
  np.testing.assert_array_equal(batch_plan.similarity_order(np.zeros((1, 3))), [0])


def with_companions(num_batches=30, num_images=40, num_companions=7, num_replicas=2, seed=0):
  plan = batch_plan.overlapping_plan(np.arange(num_images), 8, 0.5, num_batches, seed)
  return plan, batch_plan.with_companions(plan, num_images, num_companions, num_replicas, seed)


def test_each_replica_is_given_its_part_of_the_minibatch_and_the_same_companions():
  plan, rows = with_companions()
  assert rows.shape == (30, 2, 4 + 7) and rows.dtype == np.int64
  np.testing.assert_array_equal(rows[:, 0, :4], plan[:, :4])
  np.testing.assert_array_equal(rows[:, 1, :4], plan[:, 4:])
  np.testing.assert_array_equal(rows[:, 0, 4:], rows[:, 1, 4:])


def test_one_replica_and_no_companions_leave_the_plan_as_it_is():
  plan, rows = with_companions(num_companions=0, num_replicas=1)
  np.testing.assert_array_equal(rows[:, 0], plan)


def test_companions_do_not_depend_on_the_number_of_replicas():
  one, two = with_companions(num_replicas=1)[1], with_companions(num_replicas=2)[1]
  np.testing.assert_array_equal(one[:, 0, 8:], two[:, 0, 4:])


def test_companions_come_from_all_over_the_set_alike():
  plan, rows = with_companions(num_batches=4000)
  companions = rows[:, 0, 4:]
  counts = np.bincount(companions.ravel(), minlength=40)
  assert len(counts) == 40
  expected = companions.size / 40  # 700
  chi_squared = ((counts - expected)**2 / expected).sum()
  assert 39 - 4 * np.sqrt(78) < chi_squared < 39 + 4 * np.sqrt(78)  # its mean and standard deviation, 39 degrees
  # Wherever the window stands on the ring: how far companions are from it is uniform too.
  places = (companions - plan[:, :1]) % 40
  assert abs(places.mean() - 19.5) < 4 * np.sqrt(40**2 / 12 / places.size)
  # The companions of a minibatch are apart from each other and from those of the next.
  assert (companions[:, 0] == companions[:, 1]).mean() == pytest.approx(1 / 40, abs=0.01)
  assert (companions[1:] == companions[:-1]).mean() == pytest.approx(1 / 40, abs=0.004)


def test_a_longer_plan_with_companions_begins_with_the_shorter_one_and_the_seed_decides():
  longer, shorter = with_companions(num_batches=40)[1], with_companions(num_batches=17)[1]
  np.testing.assert_array_equal(longer[:17], shorter)
  assert (with_companions(seed=1)[1][:, :, 4:] != with_companions(seed=0)[1][:, :, 4:]).mean() > 0.9
