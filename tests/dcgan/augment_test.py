"""Tests of dcgan.augment, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan import augment
from dcgan import config


@pytest.fixture(name='pictures', scope='module')
def fixture_pictures():
  """float32 [4, 16, 16, 3] in [-1, 1]."""
  return np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)


def test_no_policy_changes_nothing(pictures):
  draws = augment.draw((), 4, tf.constant([0, 1], tf.int64))
  np.testing.assert_array_equal(augment.apply(tf.constant(pictures), draws), pictures)


def test_translation_moves_by_whole_pixels_and_fills_with_grey(pictures):
  draws = {'translation': tf.constant([[1.0, 0.0], [0.0, -1.0], [0.5, 0.5], [0.0, 0.0]])}
  moved = augment.apply(tf.constant(pictures), draws).numpy()
  np.testing.assert_allclose(moved[0, 2:], pictures[0, :-2], atol=1e-6)
  assert (moved[0, :2] == 0).all()
  np.testing.assert_allclose(moved[1, :, :-2], pictures[1, :, 2:], atol=1e-6)
  np.testing.assert_allclose(moved[2, 1:, 1:], pictures[2, :-1, :-1], atol=1e-6)
  np.testing.assert_allclose(moved[3], pictures[3], atol=1e-6)


def test_cutout_greys_a_square_of_half_the_side_around_its_centre(pictures):
  draws = {'cutout': tf.constant([[0.0, 0.0], [-1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])}
  cut = augment.apply(tf.constant(pictures), draws)
  kept = cut.numpy()[..., 0] != 0
  expected = np.ones([4, 16, 16], bool)
  expected[0, 4:12, 4:12] = expected[1, :4, :4] = expected[2, 12:, 4:12] = expected[3, 4:12, 12:] = False
  np.testing.assert_array_equal(kept, expected)


def test_colour_agrees_with_numpy(pictures):
  draws = np.float32([[0.5, -1.0, 0.2], [0, 0, 0], [-1, 1, -1], [0.1, 0.2, 0.3]])
  changed = augment.apply(tf.constant(pictures), {'colour': tf.constant(draws)}).numpy()
  for picture, (brightness, saturation, contrast), got in zip(pictures, draws, changed):
    want = picture + 0.5 * brightness
    grey = want.mean(axis=2, keepdims=True)
    want = grey + (want - grey) * (1 + saturation)
    want = want.mean() + (want - want.mean()) * (1 + 0.5 * contrast)
    np.testing.assert_allclose(got, want, atol=1e-5)
  assert np.ptp(changed[0], axis=2).max() < 1e-5  # a saturation of -1 leaves grey


def test_gradients_pass_through_to_every_pixel_that_is_left(pictures):
  draws = augment.draw(config.AUGMENTATIONS, 4, tf.constant([3, 1], tf.int64))
  images = tf.constant(pictures)
  with tf.GradientTape() as tape:
    tape.watch(images)
    changed = augment.apply(images, draws)
    total = tf.reduce_sum(changed * tf.constant(np.random.default_rng(1).normal(size=changed.shape).astype(np.float32)))
  gradient = tape.gradient(total, images).numpy()
  assert np.isfinite(gradient).all() and (gradient != 0).mean() > 0.5


def test_draws_come_from_the_seed_and_differ_between_pictures_and_policies():
  draw = lambda seed: augment.draw(config.AUGMENTATIONS, 8, tf.constant(seed, tf.int64))
  left, right, other = draw([0, 1]), draw([0, 1]), draw([0, 2])
  for name in config.AUGMENTATIONS:
    np.testing.assert_array_equal(left[name], right[name])
    assert (left[name].numpy() != other[name].numpy()).all() and abs(left[name].numpy()).max() <= 1
  assert (left['translation'].numpy() != left['cutout'].numpy()).all()
  assert len(np.unique(left['colour'].numpy())) == 24
