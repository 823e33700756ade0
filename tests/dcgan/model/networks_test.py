"""Tests of dcgan.model.networks."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa
from scipy import ndimage

from dcgan.model import networks
from dcgan.options import config


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


def small(norm='none', precision='float32', seed=0, size=16):
  """Returns a discriminator of a few thousand weights."""
  return networks.build_discriminator(
      config.Networks(image_size=size, channels=4, discriminator_norm=norm), precision, seed=seed)


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


def test_the_same_weights_have_the_same_names_and_shapes_under_every_norm():
  # A run takes weights over from another one by these.
  named = {norm: {v.name: tuple(v.shape) for v in small(norm).variables}
           for norm in config.DISCRIMINATOR_NORMS}
  is_kernel = lambda name: name.endswith('kernel:0')
  shared = {norm: {name: shape for name, shape in names.items() if is_kernel(name)} for norm, names in named.items()}
  assert shared['batch'] == shared['spectral'] == shared['none']
  assert set(shared['none']) == {'8x8_conv/kernel:0', '4x4_conv/kernel:0', 'logits/kernel:0'}
  assert {name: shape for name, shape in named['spectral'].items() if 'sn_u' not in name} == named['none']
  assert {'8x8_conv/bias:0', 'logits/bias:0'} <= set(named['batch']) & set(named['none'])


def test_an_encoder_of_larger_pictures_sees_them_at_64_px_and_has_the_same_weights():
  options = config.Networks(image_size=64, z_dims=6, channels=8)
  small = networks.build_encoder(options, 'float32', seed=3)
  large = networks.build_encoder(dataclasses.replace(options, image_size=256), 'float32', seed=3)
  assert [(v.name, v.shape) for v in small.variables] == [(v.name, v.shape) for v in large.variables]
  pictures = np.random.default_rng(0).uniform(-1, 1, [2, 256, 256, 3]).astype(np.float32)
  means = pictures.reshape(2, 64, 4, 64, 4, 3).mean(axis=(2, 4))
  np.testing.assert_allclose(large(pictures).numpy(), small(means).numpy(), rtol=1e-3, atol=1e-5)


def test_where_an_encoder_puts_a_picture_depends_on_no_other(seed=0):
  encoder = networks.build_encoder(config.Networks(image_size=8, z_dims=6, channels=8), 'float32')
  pictures = np.random.default_rng(seed).integers(0, 256, [70, 8, 8, 3], np.uint8)  # two batches
  together = networks.encode(encoder, pictures)
  assert together.shape == (70, 6) and together.dtype == np.float32 and together.std() > 0.1
  for number in (0, 69):
    np.testing.assert_allclose(networks.encode(encoder, pictures[number:number + 1])[0], together[number], rtol=1e-4,
                               atol=1e-5)


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_no_update_lets_even_doublings_draw_a_grid_into_what_is_plain(precision):
  generator = networks.build_generator(config.Networks(image_size=32, z_dims=4, channels=4, kernel_size=4), precision)
  layer = generator.get_layer('16x16_conv_transpose')
  plain = tf.ones([1, 8, 8, layer.kernel.shape[3]])
  rng = np.random.default_rng(0)
  optimizer = tf.keras.optimizers.legacy.Adam(0.1)
  for _ in range(3):
    optimizer.apply_gradients([(tf.constant(rng.normal(size=layer.kernel.shape).astype(np.float32)), layer.kernel)])
  kernel = layer.kernel.numpy()
  made = tf.nn.conv2d_transpose(plain, kernel, [1, 16, 16, kernel.shape[2]], 2, 'SAME').numpy()[0, 2:-2, 2:-2]
  assert np.abs(made).max() > 0.1
  np.testing.assert_allclose(made, np.broadcast_to(made[:1, :1], made.shape), atol=1e-5)
  assert np.ptp(kernel, axis=(0, 1)).min() > 0.05  # else it is free
  again = layer.kernel.constraint(layer.kernel).numpy()
  np.testing.assert_allclose(again, kernel, atol=1e-6)
  assert networks.build_generator(config.Networks(image_size=8, channels=4), 'float32').get_layer(
      '8x8_rgb').kernel.constraint is None  # of the paper's 5x5


@pytest.mark.parametrize('kernel_size', [4, 5])
@pytest.mark.parametrize('size', [128, 256])
def test_a_grown_discriminator_judges_larger_pictures_as_it_judged_them_at_half_their_size(kernel_size, size):
  options = config.Networks(image_size=64, channels=16, kernel_size=kernel_size, discriminator_norm='none')
  small = networks.build_discriminator(options, 'float32')
  rng = np.random.default_rng(1)
  for variable in small.variables:  # biases too
    variable.assign(rng.normal(0, 0.2, variable.shape))
  values = {variable.name.removesuffix(':0'): variable.numpy() for variable in small.variables}
  large = networks.build_discriminator(dataclasses.replace(options, image_size=size), 'float32')
  grown = networks.grow_discriminator(values, options, size)
  for variable in large.variables:
    variable.assign(grown[variable.name.removesuffix(':0')])
  pictures = rng.uniform(-1, 1, [3, size, size, 3]).astype(np.float32)
  halved = pictures.reshape(3, 64, size // 64, 64, size // 64, 3).mean(axis=(2, 4))
  np.testing.assert_allclose(large(pictures).numpy(), small(halved).numpy(), rtol=1e-3, atol=1e-4)
  assert networks.grow_discriminator(values, options, 64) is values and networks.grow_discriminator(
      values, options, 32) is values


def test_a_discriminator_with_detail_gain_sees_pictures_with_more_of_their_detail():
  options = config.Networks(image_size=16, channels=8, kernel_size=4, discriminator_norm='none')
  plain = networks.build_discriminator(options, 'float32')
  emphatic = networks.build_discriminator(dataclasses.replace(options, detail_gain=3.0), 'float32')
  assert [v.name for v in plain.variables] == [v.name for v in emphatic.variables]
  emphatic.set_weights(plain.get_weights())
  pictures = np.random.default_rng(0).uniform(-1, 1, [2, 16, 16, 3]).astype(np.float32)
  kernel = np.array([1, 2, 1]) / 4
  blurred = ndimage.convolve1d(ndimage.convolve1d(pictures, kernel, axis=1, mode='reflect'), kernel, axis=2,
                               mode='reflect')
  np.testing.assert_allclose(emphatic(pictures).numpy(), plain(4 * pictures - 3 * blurred).numpy(), rtol=1e-4,
                             atol=1e-5)
  flat = np.full([1, 16, 16, 3], 0.3, np.float32)
  np.testing.assert_allclose(emphatic(flat).numpy(), plain(flat).numpy(), rtol=1e-5)
