"""Tests of measuring the bare step, with tiny networks and few rounds."""

import pytest
import tensorflow as tf

from dcgan.options import config
from dcgan.options import presets
from tools.benchmarks import training_step


def _one_device():
  return tf.distribute.OneDeviceStrategy('/cpu:0')


def _tiny(preset='report'):
  return presets.PRESETS[preset].replace('networks', image_size=8, z_dims=4, channels=2).replace(
      'data', global_batch_size=4)


def test_bare_options_keep_networks_loss_and_minibatches_and_drop_the_rest():
  options = training_step.bare(_tiny('person').replace('training', beta1=0.25), _one_device(), 'bfloat16')
  assert options.networks == _tiny('person').networks and options.data == _tiny('person').data
  assert options.training.beta1 == 0.25 and options.training.precision == 'bfloat16' and not options.training.xla
  assert options.training.ema_half_life_images == 0
  assert options.augmentation == config.Augmentation() and options.regularization == config.Regularization()


@pytest.mark.parametrize('preset', ['report', pytest.param('person', marks=pytest.mark.slow)])
def test_a_step_trains_and_its_parts_move_what_is_theirs(preset):
  strategy = _one_device()
  step = training_step.bare_step(_tiny(preset), strategy)
  networks = step.trained.generator, step.trained.discriminator, step.trained.generator_ema

  def moved_by(work):
    before = [[variable.numpy() for variable in network.trainable_variables] for network in networks]
    work()
    return [any((old != new.numpy()).any() for old, new in zip(values, network.trainable_variables))
            for values, network in zip(before, networks)]

  assert moved_by(lambda: step.train(3)) == [True, True, True] and step.trained.step == 3
  assert moved_by(lambda: step.train_discriminator(2)) == [False, True, False]
  step.trained.generator.trainable_variables[0].assign_add(tf.ones_like(step.trained.generator.trainable_variables[0]))
  assert moved_by(lambda: step.average(1)) == [False, False, True]
  assert step.trained.step == 3


def test_a_row_tells_medians_and_shares():
  step = training_step.bare_step(_tiny(), _one_device())
  rates = {'step': [10.0, 20.0, 30.0], 'discriminator': [20.0, 40.0, 60.0], 'averaging': [100.0, 200.0, 300.0],
           'product': [1e6, 1e6, 1e6]}
  row = training_step._row(rates, step, 4)  # pylint: disable=protected-access
  assert row['images_per_sec'] == 20.0 and row['ms_per_step'] == 200.0
  assert row['discriminator_share'] == 0.5 and row['averaging_share'] == 0.1
  assert row['rest_share'] == pytest.approx(0.4)
  assert row['gflop_per_sec'] == pytest.approx(20.0 * row['gflop_per_image'])
  assert row['share_of_product'] == pytest.approx(row['gflop_per_sec'] / 1e-3)


@pytest.mark.slow
def test_peak_memory_holds_the_weights_and_more():
  # G's Dense alone has 100 × 512 × 16 weights, with gradients and two moments; the step needs more than that.
  assert training_step.peak_memory_mib(64, 'float32', 4) > 4 * 4 * 100 * 512 * 16 / 2**20
