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


def test_no_pass_draws_what_another_use_of_the_seed_draws():
  passes = batch_plan.shuffled_plan(num_images=50, batch_size=50, num_batches=1300, seed=7)
  for stream in (0x51, 0x5A, 0xAD, 0x4E6):  # of slices, fixed points, admission, and a person's region
    assert not (passes == np.random.Generator(np.random.PCG64([7, stream])).permutation(50)).all(axis=1).any()
  assert len(np.unique(passes, axis=0)) == 1300


@pytest.mark.parametrize('num_images, batch_size, overlap_fraction, stride', [
    (20, 8, 0.5, 4), (23, 8, 0.25, 6), (64, 16, 0.75, 4), (17, 5, 0.0, 5), (9, 2, 0.9, 1), (11, 4, 0.5, 2)])
def test_windows_of_a_pass_close_to_a_ring_with_the_exact_overlap(num_images, batch_size, overlap_fraction, stride):
  num_windows = num_images // stride
  order = np.random.default_rng(5).permutation(num_images)
  plan = batch_plan.overlapping_plan(order, batch_size, overlap_fraction, 40 * num_windows, seed=3)
  left_out = set()
  for windows in np.split(np.argsort(order)[plan], 40):
    ring = sorted(set(windows.ravel()))
    assert len(ring) == num_windows * stride
    left_out |= set(range(num_images)) - set(ring)
    rank = {place: number for number, place in enumerate(ring)}
    for row in windows:  # neighbours on the ring of those that are there
      np.testing.assert_array_equal(np.diff([rank[place] for place in row]) % len(ring), 1 % len(ring))
    firsts = sorted(windows[:, 0], key=rank.get)
    assert len(set(firsts)) == num_windows
    rows = {row[0]: set(row) for row in windows}
    for first, following in zip(firsts, firsts[1:] + firsts[:1]):
      if len(ring) >= 2 * batch_size:
        assert len(rows[first] & rows[following]) == batch_size - stride
  assert len(left_out) == (num_images if num_images % stride else 0)  # others in each pass


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
