"""Tests of dcgan.model.losses."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import losses


def test_losses_where_the_discriminator_cannot_tell():
  zero = tf.zeros([4, 1])
  assert float(losses.discriminator_loss(zero, zero)) == pytest.approx(2 * np.log(2))
  assert float(losses.generator_loss(zero)) == pytest.approx(np.log(2))


def test_losses_agree_with_cross_entropy_in_numpy():
  rng = np.random.default_rng(0)
  real, fake = rng.normal(0, 3, (2, 8, 1))
  sigmoid = lambda x: 1 / (1 + np.exp(-x))
  expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
  assert float(losses.discriminator_loss(tf.constant(real), tf.constant(fake))) == pytest.approx(expected)
  assert float(losses.generator_loss(tf.constant(fake))) == pytest.approx(-np.log(sigmoid(fake)).mean())


def test_losses_stay_finite_for_sure_discriminators():
  far = tf.constant([[1e4]])
  assert float(losses.discriminator_loss(-far, far)) == pytest.approx(2e4)
  assert float(losses.generator_loss(-far)) == pytest.approx(1e4)


def column(*values):
  return tf.constant(values, tf.float32)[:, tf.newaxis]


def r1_of(discriminator, images, is_watched=True):
  images = tf.constant(images)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    if is_watched:
      tape.watch(images)
    logits = discriminator(images)
  return losses.r1_penalty(logits, images, tape)


@pytest.fixture(name='pictures')
def fixture_pictures():
  """float32 [5, 4, 4, 3] in [-1, 1]."""
  return np.random.default_rng(2).uniform(-1, 1, (5, 4, 4, 3)).astype(np.float32)


def test_r1_of_a_linear_discriminator_is_half_the_square_of_its_weights(pictures):
  weights = np.random.default_rng(3).normal(size=(48, 1)).astype(np.float32)
  penalty = r1_of(lambda x: tf.reshape(x, [-1, 48]) @ weights + 7.0, pictures)
  assert penalty.shape == () and float(penalty) == pytest.approx((weights**2).sum() / 2, rel=1e-5)


def test_r1_of_a_quadratic_discriminator_is_the_mean_over_the_pictures(pictures):
  # The gradient of |x|² is 2 x, so half its square is 2 |x|².
  penalty = r1_of(lambda x: tf.reduce_sum(tf.square(x), axis=[1, 2, 3])[:, tf.newaxis], pictures)
  assert float(penalty) == pytest.approx((2 * (pictures**2).sum(axis=(1, 2, 3))).mean(), rel=1e-5)


def test_r1_trains_the_weights_through_its_gradient(pictures):
  # Of |w|²/2 the gradient is w itself.
  weights = tf.Variable(np.random.default_rng(4).normal(size=(48, 1)).astype(np.float32))
  with tf.GradientTape() as tape:
    penalty = r1_of(lambda x: tf.reshape(x, [-1, 48]) @ weights, pictures)
  np.testing.assert_allclose(tape.gradient(penalty, weights).numpy(), weights.numpy(), rtol=1e-5)


def test_r1_of_pictures_that_nobody_watched_is_refused(pictures):
  with pytest.raises(ValueError, match='`real_images` must be watched by `tape`'):
    r1_of(lambda x: tf.reduce_sum(x, axis=[1, 2, 3])[:, tf.newaxis], pictures, is_watched=False)
