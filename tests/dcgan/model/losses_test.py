"""Tests of dcgan.model.losses."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import losses
from dcgan.options import config


def test_losses_where_the_discriminator_cannot_tell():
  zero = tf.zeros([4, 1])
  assert float(losses.nonsaturating_discriminator_loss(zero, zero)) == pytest.approx(2 * np.log(2))
  assert float(losses.nonsaturating_generator_loss(zero)) == pytest.approx(np.log(2))


def test_losses_agree_with_cross_entropy_in_numpy():
  rng = np.random.default_rng(0)
  real, fake = rng.normal(0, 3, (2, 8, 1))
  sigmoid = lambda x: 1 / (1 + np.exp(-x))
  expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
  assert float(losses.nonsaturating_discriminator_loss(tf.constant(real), tf.constant(fake))) == pytest.approx(expected)
  assert float(losses.nonsaturating_generator_loss(tf.constant(fake))) == pytest.approx(-np.log(sigmoid(fake)).mean())


def test_losses_stay_finite_for_sure_discriminators():
  far = tf.constant([[1e4]])
  assert float(losses.nonsaturating_discriminator_loss(-far, far)) == pytest.approx(2e4)
  assert float(losses.nonsaturating_generator_loss(-far)) == pytest.approx(1e4)


def column(*values):
  return tf.constant(values, tf.float32)[:, tf.newaxis]


def test_hinge_on_hand_worked_logits():
  # max(0, 1 - l) of reals is 0, 0.5, 3; max(0, 1 + l) of fakes is 0, 1.5, 3.
  real, fake = column(2.0, 0.5, -2.0), column(-2.0, 0.5, 2.0)
  assert float(losses.hinge_discriminator_loss(real, fake)) == pytest.approx(3.5 / 3 + 4.5 / 3)
  assert float(losses.hinge_generator_loss(fake)) == pytest.approx(-0.5 / 3)
  assert float(losses.hinge_discriminator_loss(column(0.0), column(0.0))) == 2.0


def test_least_squares_on_hand_worked_logits():
  # (l - 1)² of reals is 1, 0.25, 9; l² of fakes is 4, 0.25, 1; (l - 1)² of fakes is 9, 0.25, 0.
  real, fake = column(2.0, 0.5, -2.0), column(-2.0, 0.5, 1.0)
  assert float(losses.least_squares_discriminator_loss(real, fake)) == pytest.approx((10.25 / 3 + 5.25 / 3) / 2)
  assert float(losses.least_squares_generator_loss(fake)) == pytest.approx(9.25 / 3 / 2)
  assert float(losses.least_squares_discriminator_loss(column(0.5), column(0.5))) == 0.25


def test_label_smoothing_is_cross_entropy_with_the_label_of_reals_alone_below_1():
  rng = np.random.default_rng(1)
  real, fake = rng.normal(0, 3, (2, 8, 1))
  sigmoid = lambda x: 1 / (1 + np.exp(-x))
  for_reals = -(0.9 * np.log(sigmoid(real)) + 0.1 * np.log(1 - sigmoid(real))).mean()
  for_fakes = -np.log(1 - sigmoid(fake)).mean()  # their label stays 0
  smoothed = losses.nonsaturating_discriminator_loss(tf.constant(real), tf.constant(fake), 0.1)
  assert float(smoothed) == pytest.approx(for_reals + for_fakes)


def test_a_smoothed_discriminator_is_best_at_the_label():
  fake = column(0.0)
  at = lambda function, logit: float(function(column(logit), fake, 0.1))
  # Of cross entropy, where D(x) is 0.9; of least squares, 0.9 itself.
  for function, logit in ((losses.nonsaturating_discriminator_loss, np.log(0.9 / 0.1)),
                          (losses.least_squares_discriminator_loss, 0.9)):
    assert at(function, logit) < min(at(function, logit - 0.05), at(function, logit + 0.05))


def test_the_table_holds_every_loss_that_the_options_know():
  assert tuple(losses.LOSSES) == config.LOSSES


@pytest.mark.parametrize('name', config.LOSSES)
def test_the_boundary_is_where_a_logit_costs_as_much_for_a_real_as_for_a_fake(name):
  pair = losses.LOSSES[name]
  far = column({'nonsaturating': 60.0, 'hinge': 2.0, 'least_squares': 1.0}[name])  # costs nothing as a real
  other = {'nonsaturating': -far, 'hinge': -far, 'least_squares': 0.0 * far}[name]  # costs nothing as a fake
  as_real = lambda logit: float(pair.discriminator(column(logit), other))
  as_fake = lambda logit: float(pair.discriminator(far, column(logit)))
  assert as_real(pair.boundary) == pytest.approx(as_fake(pair.boundary))
  assert as_real(pair.boundary + 0.1) < as_fake(pair.boundary + 0.1)
  assert as_real(pair.boundary - 0.1) > as_fake(pair.boundary - 0.1)


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
