"""Tests of dcgan.networks."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan import config
from dcgan import networks


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
@pytest.mark.parametrize('size', [8, 64, 128])
def test_pictures_and_logits_are_float32_in_every_precision_and_size(size, precision):
  options = config.Networks(image_size_px=size, z_dims=3, channels=2, kernel_size_px=3)
  generator = networks.build_generator(options, precision)
  discriminator = networks.build_discriminator(options, precision)
  pictures = generator(tf.random.normal([2, 3], seed=0), training=True)
  logits = discriminator(pictures, training=True)
  assert pictures.shape == (2, size, size, 3) and pictures.dtype == tf.float32 and abs(pictures.numpy()).max() <= 1
  assert logits.shape == (2, 1) and logits.dtype == tf.float32
  assert {v.dtype for v in generator.variables + discriminator.variables} == {tf.float32}


def test_weights_start_from_the_seed_and_layers_differ():
  options = config.Networks(image_size_px=16, z_dims=3, channels=4, kernel_size_px=3)
  build = lambda seed: [v.numpy() for v in networks.build_generator(options, 'float32', seed=seed).trainable_variables]
  for left, right in zip(build(1), build(1)):
    np.testing.assert_array_equal(left, right)
  assert any((left != right).any() for left, right in zip(build(1), build(2)))
  kernel = networks.build_discriminator(config.Networks(), 'float32').get_layer('8x8_conv').kernel.numpy()
  assert kernel.std() == pytest.approx(0.02, rel=0.01) and abs(kernel.mean()) < 1e-4


def test_batch_norm_moves_only_in_training():
  generator = networks.build_generator(config.Networks(image_size_px=8, z_dims=3, channels=2), 'float32')
  state = lambda: [v.numpy().copy() for v in generator.non_trainable_variables]
  z = tf.random.normal([4, 3], seed=0)
  before = state()
  generator(z, training=False)
  for left, right in zip(before, state()):
    np.testing.assert_array_equal(left, right)
  generator(z, training=True)
  assert all((left != right).any() for left, right in zip(before, state()))


def test_generate_makes_the_same_pictures_in_any_number_of_batches():
  generator = networks.build_generator(config.Networks(image_size_px=8, z_dims=3, channels=2), 'float32')
  z = np.random.default_rng(0).normal(size=(130, 3)).astype(np.float32)
  pictures = networks.generate(generator, z)
  assert pictures.shape == (130, 8, 8, 3) and pictures.dtype == np.uint8
  assert abs(pictures[70:72].astype(int) - networks.generate(generator, z[70:72])).max() <= 1
