"""Tests of dcgan.training.arranging, on drawn places."""

import numpy as np
import tensorflow as tf

from dcgan.model import latents
from dcgan.training import arranging

_ALL = tf.ones([60, 1])


def _drawn(seed=0):
  """Returns places, float32 [60, 16] on the sphere, and targets that bend along them, float32 [60, 3]."""
  places = latents.to_sphere(np.random.default_rng(seed).normal(size=[60, 16]).astype(np.float32))
  targets = np.sin(4 * places[:, :3]) + 0.3 * places[:, 3:6]
  return places, ((targets - targets.mean(axis=0)) / targets.std(axis=0)).astype(np.float32)


def _unexplained(places, targets):
  """Returns the share of targets that a linear function of places on the sphere leaves, by least squares."""
  rows = np.concatenate([latents.to_sphere(places), np.ones([len(places), 1])], axis=1)
  left = targets - rows @ np.linalg.lstsq(rows, targets, rcond=None)[0]
  return np.square(left).sum() / np.square(targets).sum()


def _gradient(seed=1):
  return tf.constant(np.random.default_rng(seed).normal(size=[60, 16]), tf.float32)


def test_places_that_follow_it_tell_the_targets_by_straight_axes():
  places, targets = _drawn()
  arrangement = arranging.Arrangement(targets)
  before, moved = _unexplained(places, targets), tf.constant(places)
  for _ in range(50):
    moved -= 0.02 * arrangement.pull(moved, _gradient(), _ALL, _ALL)
  assert before > 0.2 and _unexplained(moved.numpy(), targets) < 0.3 * before


def test_it_is_as_long_as_the_gradient_times_the_share_that_is_not_explained():
  places, targets = _drawn()
  long = lambda targets, scale=1.0: float(tf.norm(
      arranging.Arrangement(targets).pull(tf.constant(places), scale * _gradient(), _ALL, _ALL)))
  size = float(tf.norm(_gradient()))
  explained = (places @ np.random.default_rng(2).normal(size=[16, 3])).astype(np.float32)
  explained = (explained - explained.mean(axis=0)) / explained.std(axis=0)
  assert long(explained) < 0.2 * size < long(targets) < size
  np.testing.assert_allclose(long(targets, 3.0), 3 * long(targets), rtol=1e-4)


def test_only_pictures_that_take_part_and_are_seen_are_pulled_and_only_those_that_joined_count():
  places, targets = _drawn()
  targets[:10] = np.nan
  joined, seen = np.ones([60, 1], np.float32), np.ones([60, 1], np.float32)
  joined[50:], seen[:20], seen[50:] = 0, 0, 0
  pull = arranging.Arrangement(targets).pull(tf.constant(places), _gradient(), tf.constant(joined), tf.constant(seen))
  np.testing.assert_array_equal((pull.numpy() != 0).any(axis=1), (np.arange(60) >= 20) & (np.arange(60) < 50))
  elsewhere = places.copy()
  elsewhere[:10], elsewhere[50:] = 1.0, -1.0
  other = arranging.Arrangement(targets).pull(
      tf.constant(elsewhere), _gradient(), tf.constant(joined), tf.constant(seen))
  np.testing.assert_allclose(other.numpy(), pull.numpy(), rtol=1e-3, atol=1e-5)


def test_places_that_are_all_one_are_not_pulled_to_nowhere():
  _, targets = _drawn()
  pull = arranging.Arrangement(targets).pull(tf.ones([60, 16]), _gradient(), _ALL, _ALL)
  assert np.isfinite(pull.numpy()).all()
