"""Tests of dcgan.losses."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan import losses


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
