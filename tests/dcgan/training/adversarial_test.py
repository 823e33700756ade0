"""Tests of dcgan.training.adversarial, and of what all learners share."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.data import input_pipeline
from dcgan.model import networks
from dcgan.training import adversarial
from tests.dcgan import conftest

NUM_PICTURES = 12
METRICS = {*adversarial.AdversarialLearner.METRICS, 'augment/probability'}  # that follow from the seed


def one_device():
  return tf.distribute.OneDeviceStrategy('/cpu:0')


def make(options, strategy=None):
  return adversarial.AdversarialLearner(options, strategy or one_device())


def minibatches(trained, num_batches=8, pictures=None):
  """Returns an iterator over the same pictures, drawn where none are given, for a trainer under any strategy."""
  options, strategy = trained.options, trained.strategy
  size, num_replicas = options.networks.image_size, strategy.num_replicas_in_sync
  rng = np.random.default_rng(0)
  if pictures is None:
    pictures = rng.integers(0, 256, (NUM_PICTURES, size, size, 3), np.uint8)
  training_set = conftest.memory_set(pictures, np.arange(len(pictures)))
  plan = rng.integers(0, len(pictures), (num_batches, options.data.global_batch_size))
  return iter(strategy.distribute_datasets_from_function(
      lambda context: input_pipeline.make_dataset(training_set, plan.reshape(num_batches * num_replicas, -1))))


def train(options, num_steps, strategy=None):
  trained = make(options, strategy)
  return trained, run(trained, num_steps)


def run(trained, num_steps, iterator=None):
  """Returns the metrics of some minibatches, as dict of NumPy arrays."""
  history = trained.train(iterator or minibatches(trained), tf.constant(num_steps, tf.int64))
  return {name: values.numpy() for name, values in history.items()}


def values(network):
  return {v.name: v.numpy().copy() for v in network.variables}


def first_gradient(trained, network):
  """Returns the gradients of the first update, from Adam's first moments, (1 - beta1) times as large."""
  optimizer, beta1 = getattr(trained, f'{network}_optimizer'), trained.options.training.beta1
  return [optimizer.get_slot(variable, 'm').numpy() / (1 - beta1)
          for variable in getattr(trained, network).trainable_variables]


def test_training_moves_every_weight_and_counts_minibatches(tiny_config):
  before = make(tiny_config)
  after, history = train(tiny_config, 3)
  assert int(after.global_step) == 3
  for name in ('generator', 'discriminator', 'generator_ema'):
    start, end = values(getattr(before, name)), values(getattr(after, name))
    assert [key for key in start if (start[key] == end[key]).all()] == []
  assert {key: value.shape for key, value in history.items()} == {key: (3,) for key in METRICS | {'time/input_secs'}}
  assert all(np.isfinite(column).all() for column in history.values())


def test_the_same_seed_trains_the_same_and_another_does_not(tiny_config):
  left, right = (values(train(tiny_config, 2)[0].generator) for _ in range(2))
  other = values(train(tiny_config.replace('training', seed=5), 2)[0].generator)
  for name in left:
    np.testing.assert_array_equal(left[name], right[name])
  assert any((left[name] != other[name]).any() for name in left)


@pytest.mark.parametrize('has_everything', [False, pytest.param(True, marks=pytest.mark.slow)])
def test_one_trace_for_many_steps(tiny_config, everything_config, has_everything):
  trained = make(everything_config if has_everything else tiny_config)
  iterator = minibatches(trained)
  for num_steps in (1, 2, 3, 1):
    trained.train(iterator, tf.constant(num_steps, tf.int64))
  assert trained.train.experimental_get_tracing_count() == 1
  assert trained.step == 7


def test_many_calls_are_one_long_call(tiny_config):
  pieces, whole = make(tiny_config), make(tiny_config)
  iterator = minibatches(pieces)
  parts = [run(pieces, num_steps, iterator) for num_steps in (1, 3, 2)]
  history = run(whole, 6)
  for name in METRICS:
    np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), history[name], err_msg=name)


@pytest.mark.slow
def test_two_replicas_share_batch_norm_of_the_discriminator(tiny_config, two_replicas):
  options = tiny_config.replace('data', global_batch_size=16).replace('networks', image_size=16)
  assert options.networks.discriminator_norm == 'batch'
  one, two = make(options), make(options, two_replicas)
  left, right = (run(trained, 1, minibatches(trained)) for trained in (one, two))
  for name in METRICS:
    np.testing.assert_allclose(right[name], left[name], rtol=5e-3, atol=1e-3, err_msg=name)
  for a, b in zip(first_gradient(one, 'discriminator'), first_gradient(two, 'discriminator'), strict=True):
    np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-3 * abs(a).max())


@pytest.mark.slow
def test_two_replicas_make_the_same_update_as_one(everything_config, two_replicas):
  options = everything_config.replace('data', global_batch_size=16).replace('networks', image_size=16).replace(
      'augmentation', augment_ramp_images=1000)
  one, two = make(options), make(options, two_replicas)
  iterators = minibatches(one), minibatches(two)

  def compare_histories(num_steps):
    left, right = (run(trained, num_steps, iterator) for trained, iterator in zip((one, two), iterators))
    for name in METRICS:
      np.testing.assert_allclose(right[name], left[name], rtol=5e-3, atol=1e-3, err_msg=name)
    return left

  compare_histories(1)
  # Adam's update hardly depends on the size of a gradient; its first moment is the gradient, averaged.
  for name in ('generator', 'discriminator'):
    for left, right in zip(*(first_gradient(trained, name) for trained in (one, two))):
      np.testing.assert_allclose(right, left, rtol=1e-3, atol=1e-3 * abs(left).max(), err_msg=name)
  history_one = compare_histories(3)
  assert history_one['augment/probability'][-1] != 0.5 and history_one['penalty/r1'][-1] > 0
  for name in ('generator', 'discriminator', 'generator_ema'):
    for left, right in zip(getattr(one, name).trainable_variables, getattr(two, name).trainable_variables):
      np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=5e-3, atol=2e-3, err_msg=left.name)


def test_the_discriminators_step_leaves_the_generator_alone(tiny_config):
  trained = make(tiny_config)
  before = values(trained.generator)
  pictures = tf.random.stateless_normal([4, 8, 8, 3], [0, 1])
  trained.strategy.run(trained._train_discriminator, args=(pictures, -pictures))  # pylint: disable=protected-access
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
  trained.strategy.run(trained._train_discriminator, args=(pictures, fakes))  # pylint: disable=protected-access
  expected = -tiny_config.training.learning_rate * gradient / (abs(gradient) + 1e-7 / np.sqrt(1 - 0.999))
  assert float(logits_bias[0]) == pytest.approx(expected, rel=1e-3)


def test_lazy_r1_weighs_gamma_times_its_period(tiny_config):
  options = tiny_config.replace('networks', discriminator_norm='none').replace(
      'regularization', r1_gamma=3.0, r1_every_steps=4)
  trained = make(options)
  rng = np.random.default_rng(1)
  network = trained.discriminator
  for variable in network.trainable_variables:  # the weights of the start are too small to tell the terms apart
    variable.assign(rng.normal(0, 0.3, variable.shape))
  reals, fakes = (tf.constant(rng.uniform(-1, 1, [4, 8, 8, 3]), tf.float32) for _ in range(2))
  logit = lambda picture: network(picture[tf.newaxis], training=True)[0, 0]
  # One picture at a time: its gradient is that of its own logit.
  with tf.GradientTape() as tape:
    real_logits, penalties = [], []
    for picture in tf.unstack(reals):
      with tf.GradientTape() as inner:
        inner.watch(picture)
        real_logits.append(logit(picture))
      penalties.append(tf.reduce_sum(inner.gradient(real_logits[-1], picture)**2) / 2)
    r1 = tf.add_n(penalties) / 4
    objective = tf.add_n([tf.math.log(1 + tf.exp(-x)) for x in real_logits]) / 4 + tf.add_n(
        [tf.math.log(1 + tf.exp(logit(x))) for x in tf.unstack(fakes)]) / 4
    total = objective + 3.0 * 4 * r1
  expected = tape.gradient(total, network.trainable_variables)
  # pylint: disable-next=protected-access
  told = trained.strategy.run(trained._train_discriminator, args=(reals, fakes, True))
  assert float(told['penalty/r1']) == pytest.approx(float(r1), rel=1e-4) and float(r1) > 0.01
  assert float(told['loss/discriminator']) == pytest.approx(float(objective), rel=1e-4)
  norm = float(told['gradients/discriminator'])
  assert norm == pytest.approx(float(tf.linalg.global_norm(expected)), rel=1e-4)
  for gradient, left in zip(first_gradient(trained, 'discriminator'), expected):
    np.testing.assert_allclose(gradient, left, rtol=1e-3, atol=1e-4 * norm)


def test_r1_is_measured_where_the_global_step_is_a_multiple_of_its_period(tiny_config):
  trained = make(tiny_config.replace('regularization', r1_gamma=1.0, r1_every_steps=3))
  trained.global_step.assign(2)
  trained.r1.assign(7.0)
  r1 = run(trained, 8)['penalty/r1']  # minibatches 2 to 9
  assert r1[0] == 7.0
  assert [i + 2 for i in range(1, 8) if r1[i] != r1[i - 1]] == [3, 6, 9]
  assert (r1[1:] < 7.0).all() and (r1 > 0.0).all() and float(trained.r1.numpy()) == r1[-1]


def test_without_r1_its_metric_is_nothing(tiny_config):
  assert not train(tiny_config, 2)[1]['penalty/r1'].any()


def test_a_fixed_probability_of_augmentation_stays(tiny_config):
  _, history = train(tiny_config.replace('augmentation', augment=('flip',), augment_probability=0.3), 5)
  np.testing.assert_array_equal(history['augment/probability'], np.float32(0.3))


def test_an_adaptive_probability_follows_the_signs_of_four_minibatches(tiny_config):
  options = tiny_config.replace('augmentation', augment=('flip',), augment_mode='adaptive', augment_probability=0.5,
                                augment_target=0.25, augment_ramp_images=200)
  _, history = train(options, 8)
  expected, probability = [], 0.5
  for step, sign in enumerate(history['logits/real_sign'], start=1):
    del sign
    if step % 4 == 0:
      probability += math.copysign(4 * 4 / 200, history['logits/real_sign'][step - 4:step].mean() - 0.25)
    expected.append(probability)
  np.testing.assert_allclose(history['augment/probability'], expected, rtol=1e-5)


@pytest.mark.slow
def test_bfloat16_trains_nearly_as_float32_does(tiny_config):
  _, expected = train(tiny_config, 3)
  trained, history = train(tiny_config.replace('training', precision='bfloat16'), 3)
  for name in ('loss/generator', 'loss/discriminator', 'gradients/generator', 'gradients/discriminator'):
    np.testing.assert_allclose(history[name], expected[name], rtol=0.05, err_msg=name)
    assert (history[name] != expected[name]).any()
  assert all(variable.dtype == tf.float32 for variable in trained.generator.trainable_variables)


@pytest.mark.slow
@pytest.mark.parametrize('num_replicas', [1, 2])
def test_float16_trains_nearly_as_float32_does(tiny_config, num_replicas, two_replicas):
  _, expected = train(tiny_config, 3)
  trained = make(tiny_config.replace('training', precision='float16'), two_replicas if num_replicas == 2 else None)
  set_loss_scale(trained, 2.0**7)  # the one at the start is too large for these gradients: it would leave updates out
  history = run(trained, 3)
  for name in ('loss/generator', 'loss/discriminator', 'gradients/generator', 'gradients/discriminator'):
    np.testing.assert_allclose(history[name], expected[name], rtol=0.02, err_msg=name)
    assert (history[name] != expected[name]).any()
  assert all(variable.dtype == tf.float32 for variable in trained.generator.trainable_variables)


def set_loss_scale(trained, scale):
  for optimizer in (trained.generator_optimizer, trained.discriminator_optimizer):
    optimizer._loss_scale.current_loss_scale.assign(scale)  # pylint: disable=protected-access


@pytest.mark.slow
def test_a_gradient_that_overflows_in_float16_is_left_out_and_halves_the_scale(tiny_config):
  trained = make(tiny_config.replace('training', precision='float16'))
  set_loss_scale(trained, 2.0**100)
  before = {name: values(getattr(trained, name)) for name in ('generator', 'discriminator')}
  history = run(trained, 1)
  for name in ('generator', 'discriminator'):
    assert not np.isfinite(history[f'gradients/{name}'][0]) and np.isfinite(history[f'loss/{name}'][0])
    assert float(getattr(trained, f'{name}_optimizer').loss_scale) == 2.0**99
    for variable in getattr(trained, name).trainable_variables:
      np.testing.assert_array_equal(variable.numpy(), before[name][variable.name], err_msg=variable.name)


@pytest.mark.slow
def test_xla_makes_the_same_steps(tiny_config):
  # XLA draws other random numbers from the same seed, so z must come from elsewhere here.
  options = tiny_config.replace('networks', image_size=16).replace(
      'regularization', r1_gamma=1.0, r1_every_steps=2)
  plain, compiled = make(options), make(options.replace('training', xla=True))
  histories = []
  for trained in (plain, compiled):
    trained._replica_z = lambda step=trained.global_step: tf.sin(  # pylint: disable=protected-access
        tf.reshape(tf.range(16.0), [4, 4])**2 + tf.cast(step, tf.float32))
    histories.append(run(trained, 3))
  for name in METRICS:
    np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=5e-3, atol=1e-3, err_msg=name)
  for name in ('generator', 'discriminator', 'generator_ema'):
    for left, right in zip(getattr(plain, name).variables, getattr(compiled, name).variables):
      np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=5e-3, atol=2e-3, err_msg=left.name)


def test_xla_for_several_replicas_is_refused(tiny_config, two_replicas):
  with pytest.raises(errors.InputError, match=r'`xla` \(on\) compiles for one replica, not for 2, .*--strategy=one'):
    make(tiny_config.replace('training', xla=True), two_replicas)


@pytest.mark.slow
def test_xla_trains_with_everything_but_spectral_normalization(everything_config):
  options = everything_config.replace('networks', discriminator_norm='batch').replace('training', xla=True)
  start, (trained, history) = make(options), train(options, 3)
  assert all(np.isfinite(column).all() for column in history.values())
  for name in ('generator', 'discriminator', 'generator_ema'):
    before, after = values(getattr(start, name)), values(getattr(trained, name))
    assert [key for key in before if (before[key] == after[key]).all()] == []


@pytest.mark.slow
@pytest.mark.parametrize('batch_size', [1, 9])
def test_minibatches_of_one_and_of_odd_size_train(everything_config, batch_size):
  _, history = train(everything_config.replace('data', global_batch_size=batch_size), 2)
  assert all(np.isfinite(column).all() for column in history.values())


@pytest.mark.parametrize('half_life_images', [pytest.param(0, marks=pytest.mark.slow), 50])
def test_the_averaged_generator_follows_the_formula_batch_norm_included(tiny_config, half_life_images):
  trained = make(tiny_config.replace('training', ema_half_life_images=half_life_images))
  iterator = minibatches(trained)
  expected = values(trained.generator_ema)
  for step in range(4):
    trained.train(iterator, tf.constant(1, tf.int64))
    half_life = min(half_life_images, 0.05 * step * 4)
    decay = 0.5**(4 / half_life) if half_life else 0.0
    for name, value in values(trained.generator).items():
      expected[name] = decay * expected[name] + (1 - decay) * value
  for name, value in values(trained.generator_ema).items():
    np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
    if not half_life_images:
      np.testing.assert_array_equal(value, values(trained.generator)[name], err_msg=name)
  assert any('moving_variance' in name for name in expected)


@pytest.mark.slow
def test_batch_norms_statistics_are_those_of_all_replicas_together(tiny_config, two_replicas):
  options = tiny_config.replace('networks', image_size=16).replace('data', global_batch_size=8)
  one, two = train(options, 1)[0], train(options, 1, two_replicas)[0]
  for name in ('generator', 'generator_ema'):
    for left, right in zip(getattr(one, name).variables, getattr(two, name).variables):
      replicas = [part.numpy() for part in two_replicas.experimental_local_results(right)]
      np.testing.assert_array_equal(replicas[0], replicas[1], err_msg=left.name)
      if 'moving_mean' in left.name:
        np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=1e-4, atol=1e-6, err_msg=left.name)
      if 'moving_variance' in left.name:
        # After one minibatch 0.9 + 0.1·variance; where one replica is alone, Keras takes n/(n - 1) times the variance.
        num = 8 * int(left.name[0])**2
        alone, together = ((value.numpy() - 0.9) / 0.1 for value in (left, right))
        np.testing.assert_allclose(together * num / (num - 1), alone, rtol=1e-3, atol=1e-5, err_msg=left.name)


@pytest.mark.parametrize('precision', ['float32', 'float16'])
def test_options_take_the_place_of_what_a_checkpoint_brought(tiny_config, tmp_path, precision):
  options = tiny_config.replace('training', precision=precision)
  before = make(options.replace('augmentation', augment_probability=0.5))
  tf.train.Checkpoint(trainer=before).write(str(tmp_path / 'a'))
  changed = make(options.replace('training', learning_rate=0.25).replace('augmentation', augment_probability=0.75))
  tf.train.Checkpoint(trainer=changed).read(str(tmp_path / 'a')).assert_consumed()
  assert float(changed.augmentation.probability) == 0.5
  assert float(changed.generator_optimizer.learning_rate) == pytest.approx(0.01)
  changed.take_options()
  assert float(changed.augmentation.probability) == 0.75
  for optimizer in (changed.generator_optimizer, changed.discriminator_optimizer):
    assert float(optimizer.learning_rate) == 0.25


def test_an_adaptive_probability_stays_where_the_checkpoint_left_it(tiny_config):
  trained = make(tiny_config.replace('augmentation', augment_mode='adaptive', augment_probability=0.0))
  trained.augmentation.probability.assign(0.375)
  trained.take_options()
  assert float(trained.augmentation.probability) == 0.375


def test_the_learning_rate_that_is_taken_is_the_one_that_trains(tiny_config):
  # Adam's first step moves a weight by the learning rate, whatever its gradient.
  trained = make(tiny_config)
  trained.options = tiny_config.replace('training', learning_rate=0.125)
  trained.take_options()
  before = values(trained.discriminator)
  pictures, fakes = (tf.random.stateless_uniform([4, 8, 8, 3], [0, i], -1, 1) for i in (1, 2))
  trained.strategy.run(trained._train_discriminator, args=(pictures, fakes))  # pylint: disable=protected-access
  name = next(key for key in before if key.startswith('logits/bias'))
  assert abs(float(values(trained.discriminator)[name] - before[name])) == pytest.approx(0.125, rel=1e-2)


def test_z_of_a_minibatch_is_normal_new_each_step_and_parted_among_replicas(tiny_config, two_replicas):
  options = tiny_config.replace('data', global_batch_size=64)
  # pylint: disable=protected-access
  draw = lambda t: t.strategy.experimental_local_results(t.strategy.run(t._replica_z))
  one, two = make(options), make(options, two_replicas)
  whole = draw(one)[0].numpy()
  np.testing.assert_array_equal(np.concatenate([part.numpy() for part in draw(two)]), whole)
  assert abs(whole.mean()) < 0.2 and abs(whole.std() - 1) < 0.2
  one.global_step.assign(1)
  assert (draw(one)[0].numpy() != whole).any()


def test_a_generator_learns_the_colour_of_a_set(tiny_config):
  options = tiny_config.replace('training', learning_rate=0.002, num_minibatches=300).replace(
      'data', global_batch_size=16)
  trained = make(options)
  rng = np.random.default_rng(0)
  colour = np.array([200, 120, 40])
  pictures = np.clip(rng.normal(colour, 5, (32, 8, 8, 3)), 0, 255).astype(np.uint8)
  trained.train(minibatches(trained, 300, pictures), tf.constant(300, tf.int64))
  made = networks.generate(trained.generator_ema, rng.normal(size=(32, 4)).astype(np.float32))
  np.testing.assert_allclose(made.mean(axis=(0, 1, 2)), colour, atol=20)
