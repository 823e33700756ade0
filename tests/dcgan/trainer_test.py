"""Tests of dcgan.trainer."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan import config
from dcgan import input_pipeline
from dcgan import networks
from dcgan import trainer


def one_device():
  return tf.distribute.OneDeviceStrategy('/cpu:0')


def make(options, strategy=None):
  return trainer.Trainer(options, strategy or one_device())


def minibatches(options, strategy, num_batches=8):
  """Returns an iterator over the same drawn pictures for any strategy."""
  size = options.networks.image_size_px
  rng = np.random.default_rng(0)
  pictures = rng.integers(0, 256, (12, size, size, 3), np.uint8)
  plan = rng.integers(0, 12, (num_batches, options.data.global_batch_size))
  return iter(strategy.experimental_distribute_dataset(input_pipeline.make_dataset(pictures, plan)))


def train(options, num_steps, strategy=None):
  strategy = strategy or one_device()
  trained = make(options, strategy)
  history = trained.train(minibatches(options, strategy), tf.constant(num_steps, tf.int64))
  return trained, {name: values.numpy() for name, values in history.items()}


def values(network):
  return {v.name: v.numpy().copy() for v in network.variables}


def test_training_moves_every_weight_and_counts_minibatches(tiny_config):
  before = make(tiny_config)
  after, history = train(tiny_config, 3)
  assert int(after.global_step) == 3
  for name in ('generator', 'discriminator', 'generator_ema'):
    start, end = values(getattr(before, name)), values(getattr(after, name))
    assert [key for key in start if (start[key] == end[key]).all()] == []
  assert {key: value.shape for key, value in history.items()} == {
      key: (3,) for key in ('loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake')}


def test_the_same_seed_trains_the_same_and_another_does_not(tiny_config, replace):
  left, right = (values(train(tiny_config, 2)[0].generator) for _ in range(2))
  other = values(train(replace(tiny_config, 'training', seed=5), 2)[0].generator)
  for name in left:
    np.testing.assert_array_equal(left[name], right[name])
  assert any((left[name] != other[name]).any() for name in left)


def test_one_trace_for_many_steps(tiny_config):
  strategy = one_device()
  trained = make(tiny_config, strategy)
  iterator = minibatches(tiny_config, strategy)
  for num_steps in (1, 2, 3, 1):
    trained.train(iterator, tf.constant(num_steps, tf.int64))
  assert trained.train.experimental_get_tracing_count() == 1
  assert int(trained.global_step) == 7


def test_many_calls_are_one_long_call(tiny_config):
  strategy = one_device()
  pieces, whole = make(tiny_config, strategy), make(tiny_config, strategy)
  iterator = minibatches(tiny_config, strategy)
  losses = [pieces.train(iterator, tf.constant(n, tf.int64))['loss/generator'].numpy() for n in (1, 3)]
  history = whole.train(minibatches(tiny_config, strategy), tf.constant(4, tf.int64))
  np.testing.assert_array_equal(np.concatenate(losses), history['loss/generator'].numpy())


def test_two_replicas_make_the_same_update_as_one(tiny_config, replace, two_replicas):
  options = replace(replace(tiny_config, 'networks', image_size_px=16), 'training', augment=config.AUGMENTATIONS)
  one, history_one = train(options, 3, one_device())
  two, history_two = train(options, 3, two_replicas)
  for name in history_one:
    np.testing.assert_allclose(history_two[name], history_one[name], rtol=1e-3, atol=1e-4, err_msg=name)
  for name in ('generator', 'discriminator', 'generator_ema'):
    for left, right in zip(getattr(one, name).trainable_variables, getattr(two, name).trainable_variables):
      np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=5e-3, atol=5e-4, err_msg=left.name)
  # Adam's update hardly depends on the size of a gradient; its first moment is the gradient, averaged.
  for name in ('generator', 'discriminator'):
    moments = [[getattr(trained, f'{name}_optimizer').get_slot(variable, 'm').numpy()
                for variable in getattr(trained, name).trainable_variables] for trained in (one, two)]
    for left, right in zip(*moments):
      np.testing.assert_allclose(right, left, rtol=2e-2, atol=2e-2 * abs(left).max())


def test_the_discriminators_step_leaves_the_generator_alone(tiny_config):
  trained = make(tiny_config)
  before = values(trained.generator)
  pictures = tf.random.stateless_normal([4, 8, 8, 3], [0, 1])
  with tf.device('/cpu:0'):
    trained._strategy.run(trained._train_discriminator, args=(pictures, -pictures))  # pylint: disable=protected-access
  after = values(trained.generator)
  for name in before:
    np.testing.assert_array_equal(before[name], after[name])


def test_the_first_update_is_adams_with_the_hand_worked_gradient(tiny_config):
  # Adam's first step is learning_rate · g / (|g| + ε'), so it moves each weight by the learning rate against the sign
  # of its gradient: an oracle for the direction of both updates.
  trained = make(tiny_config)
  pictures = tf.random.stateless_uniform([4, 8, 8, 3], [0, 1], -1, 1)
  fakes = tf.random.stateless_uniform([4, 8, 8, 3], [0, 2], -1, 1)
  logits_bias = trained.discriminator.get_layer('logits').bias
  real, fake = (trained.discriminator(x, training=True).numpy() for x in (pictures, fakes))
  # d/db of softplus(-(r + b)) + softplus(f + b) at b = 0, by hand: -sigmoid(-r) + sigmoid(f)
  gradient = (-1 / (1 + np.exp(real))).mean() + (1 / (1 + np.exp(-fake))).mean()
  trained._strategy.run(trained._train_discriminator, args=(pictures, fakes))  # pylint: disable=protected-access
  expected = -tiny_config.training.learning_rate * gradient / (abs(gradient) + 1e-7 / np.sqrt(1 - 0.999))
  assert float(logits_bias[0]) == pytest.approx(expected, rel=1e-3)


def test_the_averaged_generator_follows_the_formula_batch_norm_included(tiny_config):
  strategy = one_device()
  trained = make(tiny_config, strategy)
  iterator = minibatches(tiny_config, strategy)
  expected = values(trained.generator_ema)
  for step in range(4):
    trained.train(iterator, tf.constant(1, tf.int64))
    half_life = min(tiny_config.training.ema_half_life_images, 0.05 * step * 4)
    decay = 0.5**(4 / half_life) if half_life else 0.0
    for name, value in values(trained.generator).items():
      expected[name] = decay * expected[name] + (1 - decay) * value
  for name, value in values(trained.generator_ema).items():
    np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
  assert any('moving_variance' in name for name in expected)


def test_z_of_a_minibatch_is_normal_new_each_step_and_parted_among_replicas(tiny_config, replace, two_replicas):
  options = replace(tiny_config, 'data', global_batch_size=64)
  # pylint: disable=protected-access
  draw = lambda t: t._strategy.experimental_local_results(t._strategy.run(t._replica_z))
  one, two = make(options), make(options, two_replicas)
  whole = draw(one)[0].numpy()
  np.testing.assert_array_equal(np.concatenate([part.numpy() for part in draw(two)]), whole)
  assert abs(whole.mean()) < 0.2 and abs(whole.std() - 1) < 0.2
  one.global_step.assign(1)
  assert (draw(one)[0].numpy() != whole).any()


def test_a_generator_learns_the_colour_of_a_set(tiny_config, replace):
  options = replace(replace(tiny_config, 'training', learning_rate=0.002), 'data', global_batch_size=16)
  trained = make(options)
  rng = np.random.default_rng(0)
  colour = np.array([200, 120, 40])
  pictures = np.clip(rng.normal(colour, 5, (32, 8, 8, 3)), 0, 255).astype(np.uint8)
  iterator = iter(input_pipeline.make_dataset(pictures, rng.integers(0, 32, (300, 16))))
  trained.train(iterator, tf.constant(300, tf.int64))
  made = networks.generate(trained.generator_ema, rng.normal(size=(32, 4)).astype(np.float32))
  np.testing.assert_allclose(made.mean(axis=(0, 1, 2)), colour, atol=20)
