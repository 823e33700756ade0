"""Tests of dcgan.model.networks."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_addons as tfa

from dcgan.data import batch_plan
from dcgan.model import networks
from dcgan.options import config
from dcgan.training import trainer


def test_the_reports_networks_have_the_papers_shapes():
  options = config.Networks()
  generator = networks.build_generator(options, 'float32')
  discriminator = networks.build_discriminator(options, 'float32')
  shapes = lambda network, kind: [layer.output_shape[1:] for layer in network.layers if isinstance(layer, kind)]
  assert shapes(generator, tf.keras.layers.Conv2DTranspose) == [(8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)]
  assert shapes(discriminator, tf.keras.layers.Conv2D) == [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
  # By hand: 100·8192 + 25·(512·256 + 256·128 + 128·64 + 64·3) + 3, and 2 for each of the 960 normalized channels.
  count = sum(np.prod(variable.shape) for variable in generator.trainable_variables)
  assert count == 819_200 + 25 * (131_072 + 32_768 + 8_192 + 192) + 3 + 2 * 960


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
@pytest.mark.parametrize('size', [8, 64, 128, 256])
def test_pictures_and_logits_are_float32_in_every_precision_and_size(size, precision):
  options = config.Networks(image_size=size, z_dims=3, channels=2, kernel_size=3)
  generator = networks.build_generator(options, precision)
  discriminator = networks.build_discriminator(options, precision)
  pictures = generator(tf.random.normal([2, 3], seed=0), training=True)
  logits = discriminator(pictures, training=True)
  assert pictures.shape == (2, size, size, 3) and pictures.dtype == tf.float32 and abs(pictures.numpy()).max() <= 1
  assert logits.shape == (2, 1) and logits.dtype == tf.float32
  assert {v.dtype for v in generator.variables + discriminator.variables} == {tf.float32}


def test_weights_start_from_the_seed_and_layers_differ():
  options = config.Networks(image_size=16, z_dims=3, channels=4, kernel_size=3)
  build = lambda seed: [v.numpy() for v in networks.build_generator(options, 'float32', seed=seed).trainable_variables]
  for left, right in zip(build(1), build(1)):
    np.testing.assert_array_equal(left, right)
  assert any((left != right).any() for left, right in zip(build(1), build(2)))
  kernel = networks.build_discriminator(config.Networks(), 'float32').get_layer('8x8_conv').kernel.numpy()
  assert kernel.std() == pytest.approx(0.02, rel=0.01) and abs(kernel.mean()) < 1e-4


def test_batch_norm_moves_only_in_training():
  generator = networks.build_generator(config.Networks(image_size=8, z_dims=3, channels=2), 'float32')
  state = lambda: [v.numpy().copy() for v in generator.non_trainable_variables]
  z = tf.random.normal([4, 3], seed=0)
  before = state()
  generator(z, training=False)
  for left, right in zip(before, state()):
    np.testing.assert_array_equal(left, right)
  generator(z, training=True)
  assert all((left != right).any() for left, right in zip(before, state()))


def test_generate_makes_the_same_pictures_in_any_number_of_batches():
  generator = networks.build_generator(config.Networks(image_size=8, z_dims=3, channels=2), 'float32')
  z = np.random.default_rng(0).normal(size=(130, 3)).astype(np.float32)
  pictures = networks.generate(generator, z)
  assert pictures.shape == (130, 8, 8, 3) and pictures.dtype == np.uint8
  assert abs(pictures[70:72].astype(int) - networks.generate(generator, z[70:72])).max() <= 1


@pytest.mark.parametrize('size, filters', [(64, [2, 4, 8, 16]), (128, [1, 2, 4, 8, 16]), (256, [1, 1, 2, 4, 8, 16])])
def test_larger_pictures_get_more_layers_above_those_of_64_px(size, filters):
  options = config.Networks(image_size=size, z_dims=3, channels=2)
  shapes = lambda network, kind: [layer.output_shape[1:] for layer in network.layers if isinstance(layer, kind)]
  sides = [size >> i for i in range(len(filters) + 1)]  # from the picture to 4×4
  assert sides[-1] == 4
  discriminator = networks.build_discriminator(options, 'float32')
  assert shapes(discriminator, tf.keras.layers.Conv2D) == [(s, s, f) for s, f in zip(sides[1:], filters)]
  generator = networks.build_generator(options, 'float32')
  assert shapes(generator, tf.keras.layers.Conv2DTranspose) == [
      (s, s, f) for s, f in zip(sides[-2::-1], filters[-2::-1] + [3])]


def test_a_kernel_of_4_is_that_of_every_convolution_and_leaves_the_shapes():
  options = config.Networks(image_size=16, z_dims=3, channels=2, kernel_size=4)
  generator = networks.build_generator(options, 'float32')
  discriminator = networks.build_discriminator(options, 'float32')
  kernels = [tuple(v.shape) for v in generator.variables + discriminator.variables if len(v.shape) == 4]
  assert kernels == [(4, 4, 2, 4), (4, 4, 3, 2), (4, 4, 3, 2), (4, 4, 2, 4)]
  assert generator.output_shape == (None, 16, 16, 3)
  assert discriminator.get_layer('4x4_flatten').output_shape == (None, 4 * 4 * 4)


def small(norm='none', features='none', precision='float32', seed=0, size=16):
  """Returns a discriminator of a few thousand weights."""
  return networks.build_discriminator(
      config.Networks(image_size=size, channels=4, discriminator_norm=norm, minibatch_features=features), precision,
      seed=seed)


def kernels(discriminator):
  """Returns those of its convolutions."""
  return [v for v in discriminator.trainable_variables if v.name.endswith('conv/kernel:0')]


def largest_singular_value(kernel):
  return np.linalg.svd(np.reshape(kernel, [-1, kernel.shape[-1]]), compute_uv=False)[0]


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_spectral_normalization_brings_convolutions_to_a_largest_singular_value_of_1_and_leaves_logits_free(precision):
  discriminator = small('spectral', precision=precision)
  pictures = tf.random.stateless_normal([4, 16, 16, 3], [0, 1])
  assert len(kernels(discriminator)) == 2
  logits = discriminator.get_layer('logits').kernel
  drawn = logits.numpy()
  assert max(largest_singular_value(kernel.numpy()) for kernel in kernels(discriminator)) < 0.7  # as it is drawn
  for _ in range(20):
    discriminator(pictures, training=True)
  for kernel in kernels(discriminator):
    assert largest_singular_value(kernel.numpy()) == pytest.approx(1.0, abs=0.03), kernel.name
  np.testing.assert_array_equal(logits, drawn)


def test_spectral_normalization_computes_in_bfloat16_and_keeps_float32_kernels():
  discriminator = small('spectral', precision='bfloat16')
  for layer in discriminator.layers:
    if 'conv' in layer.name:
      assert layer.output.dtype == tf.bfloat16, layer.name
  discriminator(tf.random.stateless_normal([4, 16, 16, 3], [0, 1]), training=True)
  for kernel in kernels(discriminator):
    rounded = tf.cast(tf.cast(kernel, tf.bfloat16), tf.float32).numpy()
    assert kernel.dtype == tf.float32 and (kernel.numpy() != rounded).mean() > 0.9, kernel.name


def test_spectral_normalization_holds_on_two_replicas_alike(two_replicas):
  with two_replicas.scope():
    discriminator = small('spectral')

  @tf.function
  def judge():
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    pictures = tf.random.stateless_normal([2, 16, 16, 3], tf.stack([0, replica]))
    return two_replicas.run(lambda: discriminator(pictures, training=True))

  for _ in range(20):
    judge()
  for kernel in kernels(discriminator):
    left, right = (value.numpy() for value in two_replicas.experimental_local_results(kernel))
    np.testing.assert_array_equal(left, right)
    assert largest_singular_value(left) == pytest.approx(1.0, abs=0.03), kernel.name


def test_the_vectors_of_the_power_iteration_come_from_the_seed():
  vectors = lambda seed: [v.numpy() for v in small('spectral', seed=seed).non_trainable_variables]
  for left, right, other in zip(vectors(1), vectors(1), vectors(2)):
    np.testing.assert_array_equal(left, right)
    assert (left != other).all()
  assert [v.shape for v in vectors(1)] == [(1, 4), (1, 8)]


def test_each_norm_has_its_layers_and_none_has_none():
  kinds = {norm: [type(layer) for layer in small(norm).layers] for norm in config.DISCRIMINATOR_NORMS}
  counts = {norm: (types.count(tf.keras.layers.BatchNormalization), types.count(tfa.layers.SpectralNormalization))
            for norm, types in kinds.items()}
  assert counts == {'batch': (1, 0), 'spectral': (0, 2), 'none': (0, 0)}


def test_without_a_norm_judging_changes_nothing_and_a_picture_is_judged_alone():
  discriminator = small('none')
  before = [v.numpy().copy() for v in discriminator.variables]
  pictures = tf.random.stateless_normal([4, 16, 16, 3], [0, 1])
  together = discriminator(pictures, training=True).numpy()
  for start, variable in zip(before, discriminator.variables):
    np.testing.assert_array_equal(start, variable.numpy())
  np.testing.assert_allclose(discriminator(pictures[2:3], training=True).numpy(), together[2:3], rtol=1e-5)


@pytest.mark.parametrize('features', config.MINIBATCH_FEATURES)
def test_the_same_weights_have_the_same_names_and_shapes_under_every_norm(features):
  # A run takes weights over from another one by these.
  named = {norm: {v.name: tuple(v.shape) for v in small(norm, features).variables}
           for norm in config.DISCRIMINATOR_NORMS}
  is_kernel = lambda name: name.endswith('kernel:0')
  shared = {norm: {name: shape for name, shape in names.items() if is_kernel(name)} for norm, names in named.items()}
  assert shared['batch'] == shared['spectral'] == shared['none']
  assert set(shared['none']) == {'8x8_conv/kernel:0', '4x4_conv/kernel:0', 'logits/kernel:0'} | (
      {'minibatch_discrimination/kernel/kernel:0'} if features == 'discrimination' else set())
  assert {name: shape for name, shape in named['spectral'].items() if 'sn_u' not in name} == named['none']
  assert {'8x8_conv/bias:0', 'logits/bias:0'} <= set(named['batch']) & set(named['none'])


@pytest.fixture(name='compared')
def fixture_compared():
  """float32 [6, 2, 2, 3] features, and int32 [6, 2] companions of each row."""
  features = np.random.default_rng(0).normal(size=(6, 2, 2, 3)).astype(np.float32)
  return features, np.array([[1, 2], [5, 5], [2, 0], [4, 1], [0, 3], [3, 4]], np.int32)


def test_minibatch_stddev_agrees_with_numpy(compared):
  features, companions = compared
  extended = networks.MinibatchStddev()([tf.constant(features), tf.constant(companions)]).numpy()
  assert extended.shape == (6, 2, 2, 4)
  np.testing.assert_array_equal(extended[..., :3], features)
  for i, others in enumerate(companions):
    group = np.stack([features[i], *features[others]])
    np.testing.assert_allclose(extended[i, ..., 3], np.full([2, 2], group.std(axis=0).mean()), rtol=1e-5)


def test_minibatch_stddev_of_equal_pictures_is_nothing_and_has_a_gradient():
  features = tf.ones([4, 2, 2, 3])
  with tf.GradientTape() as tape:
    tape.watch(features)
    extended = networks.MinibatchStddev()([features, tf.constant([[1, 2], [2, 3], [3, 0], [0, 1]])])
  assert abs(extended[..., 3].numpy()).max() < 1e-3
  assert np.isfinite(tape.gradient(extended, features).numpy()).all()


def test_minibatch_discrimination_agrees_with_numpy(compared):
  features, companions = compared
  layer = networks.MinibatchDiscrimination(tf.keras.initializers.RandomNormal(0.0, 0.3, seed=1))
  extended = layer([tf.constant(features), tf.constant(companions)]).numpy()
  kernel = layer.trainable_variables[0].numpy()
  assert len(layer.variables) == 1 and kernel.shape == (12, 50 * 5) and extended.shape == (6, 12 + 50)
  np.testing.assert_array_equal(extended[:, :12], features.reshape(6, 12))
  measured = (features.reshape(6, 12) @ kernel).reshape(6, 50, 5)
  for i, others in enumerate(companions):
    nearness = sum(np.exp(-abs(measured[i] - measured[j]).sum(axis=1)) for j in others)
    # As of seven companions, however many there are.
    np.testing.assert_allclose(extended[i, 12:], nearness * 7 / len(others), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('features', ['stddev', 'discrimination'])
def test_a_discriminator_compares_a_picture_with_its_companions_and_no_other(features):
  discriminator = small('none', features, size=8)
  for variable in discriminator.trainable_variables:
    variable.assign(20.0 * variable)  # or differences would be small beside float32
  rng = np.random.default_rng(0)
  pictures = rng.uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)
  companions = tf.constant([[1], [0], [3], [2]])
  judge = lambda x: discriminator([tf.constant(x), companions], training=True).numpy()[:, 0]
  before = judge(pictures)
  pictures[3] *= 0.2  # a companion of row 2
  after = judge(pictures)
  np.testing.assert_allclose(after[:2], before[:2], rtol=1e-5)
  assert abs(after[2] - before[2]) > 1e-3 * abs(before[2])


def statistic(kind):
  """Returns what stands in for a discriminator that sees nothing but its minibatch features: one number a picture."""
  if kind == 'stddev':
    layer = networks.MinibatchStddev()
    return lambda inputs, training: layer(inputs)[:, 0, 0, -1:]
  layer = networks.MinibatchDiscrimination(tf.keras.initializers.RandomNormal(0.0, 0.02, seed=1))
  return lambda inputs, training: tf.reduce_mean(layer(inputs)[:, -50:], axis=1, keepdims=True)


def area_under_curve(reals, fakes):
  """Returns how often a real's number is over a fake's: 1/2 where they are alike, 0 or 1 where they part."""
  return scipy.stats.mannwhitneyu(reals, fakes).statistic / (len(reals) * len(fakes))


@pytest.mark.parametrize('kind', ['stddev', 'discrimination'])
def test_reals_in_an_order_of_similarity_cannot_be_told_from_fakes_by_the_minibatch(kind, tiny_config):
  # A generator that has learnt the set perfectly: fakes are pictures of the set, drawn one apart from another. Reals
  # are windows over the same set on a ring, so near each other that a minibatch has little spread of its own.
  num_images, batch_size, num_batches = 200, 16, 150
  rng = np.random.default_rng(0)
  angles = np.linspace(0, 2 * np.pi, num_images, endpoint=False)
  axes = rng.normal(0, 0.5, (2, 8 * 8 * 3))
  flat = np.cos(angles)[:, np.newaxis] * axes[0] + np.sin(angles)[:, np.newaxis] * axes[1]
  pictures = (flat + rng.normal(0, 0.02, flat.shape)).reshape(num_images, 8, 8, 3).astype(np.float32)

  options = tiny_config.replace('networks', minibatch_features=kind).replace('data', global_batch_size=batch_size)
  trained = trainer.Trainer(options, tf.distribute.OneDeviceStrategy('/cpu:0'))
  trained.discriminator = statistic(kind)
  # pylint: disable=protected-access
  judge = lambda rows, stream: np.concatenate(
      [trained._discriminate(tf.constant(pictures[row]), stream).numpy()[:batch_size, 0] for row in rows])
  plan = batch_plan.overlapping_plan(np.arange(num_images), batch_size, 0.5, num_batches, seed=0)
  with_companions = batch_plan.with_companions(plan, num_images, trained.num_companions, 1, seed=0)[:, 0]
  fakes = judge(rng.integers(num_images, size=[num_batches, batch_size]), trainer.FAKE)

  assert trained.num_companions == 7
  naive = judge(plan, trainer.FAKE)  # each real compared with the others of its minibatch
  spread = 1 if kind == 'discrimination' else -1  # where reals are nearer each other, which way it goes
  assert area_under_curve(spread * naive, spread * fakes) > 0.95
  reals = judge(with_companions, trainer.REAL)
  assert len(reals) == len(fakes) == num_batches * batch_size
  assert 0.4 < area_under_curve(reals, fakes) < 0.6
  # Nor by where its numbers spread: the largest gap between the two distributions.
  assert scipy.stats.ks_2samp(naive, fakes).statistic > 0.8
  assert scipy.stats.ks_2samp(reals, fakes).statistic < 0.1
