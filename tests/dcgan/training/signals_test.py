"""Tests of dcgan.training.signals, with generators and discriminators whose pictures and logits are known."""

import math
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import signals
from dcgan.training import adversarial
from tests.dcgan import conftest

# Of the fixed points of Z, for pictures that follow from them.
Z = latents.sample_z(latents.NUM_FIXED_POINTS, 4, 0)


def flats(levels):
  """Returns grey pictures of one level each, uint8 [num, 8, 8, 3]."""
  return np.broadcast_to(np.asarray(levels).round().clip(0, 255)[:, np.newaxis, np.newaxis, np.newaxis],
                         [len(levels), 8, 8, 3]).astype(np.uint8)


def training_set(trained_on, held_out=flats([])):
  pictures = np.concatenate([trained_on, held_out])
  return conftest.memory_set(pictures, np.arange(len(trained_on)), np.arange(len(trained_on), len(pictures)))


def grey_generator(level_of):
  """Returns what makes flat pictures of the level in [-1, 1] that a function gives for z."""
  def generate(z, training):
    del training
    return tf.tile(tf.reshape(level_of(z), [-1, 1, 1, 1]), [1, 8, 8, 3])
  return generate


def linear_discriminator(options, slope=1.0):
  """Returns a discriminator whose logit rises with the brightness of a flat picture in a straight line."""
  network = networks.build_discriminator(options.networks, 'float32')
  convolution, logits = network.get_layer('4x4_conv'), network.get_layer('logits')
  # A bias so large that LeakyReLU sees positive values only.
  convolution.set_weights([np.full(convolution.kernel.shape, 0.1), np.full(convolution.bias.shape, 100.0)])
  logits.set_weights([np.full(logits.kernel.shape, 0.1 * slope), np.zeros(logits.bias.shape)])
  return network


@pytest.fixture(name='options')
def fixture_options(tiny_config):
  return tiny_config.replace('networks', discriminator_norm='none')


def looking(options, generator, pictures, discriminator=None):
  trained = types.SimpleNamespace(options=options, generator=generator, num_frozen=0,
                                  space=latents.Normal(options.networks.z_dims),
                                  discriminator=discriminator or linear_discriminator(options))
  return signals.Signals(trained, pictures)


REALS = flats(np.linspace(60, 180, 60))


def test_a_constant_generator_has_no_diversity_no_movement_and_no_grain(options):
  signal = looking(options, grey_generator(lambda z: 0.0 * z[:, :1]), training_set(REALS))
  first, second = signal.look(), signal.look()
  assert set(first) == set(signals.SIGNALS) and all(isinstance(value, float) for value in first.values())
  assert first['health/diversity'] == pytest.approx(0.0, abs=1e-5) and math.isnan(first['health/movement'])
  assert second['health/movement'] == pytest.approx(0.0, abs=1e-5)
  assert first['health/noise_texture'] == pytest.approx(0.0, abs=1e-2)


def test_a_generator_as_varied_as_the_reals_is_near_1_and_one_of_two_near_pictures_is_not(options):
  # The first of z, normal, as the brightness: its spread over the fixed points is that of the numbers themselves.
  deviation = np.std(np.linspace(60, 180, 60), ddof=1)
  varied = looking(options, grey_generator(lambda z: z[:, :1] * deviation / 127.5), training_set(REALS)).look()
  assert varied['health/diversity'] == pytest.approx(np.std(Z[:, 0], ddof=1), rel=0.02)
  assert 0.7 < varied['health/diversity'] < 1.3
  two = looking(options, grey_generator(lambda z: tf.sign(z[:, :1]) * 5 / 127.5), training_set(REALS)).look()
  assert two['health/diversity'] == pytest.approx(np.std(5 * np.sign(Z[:, 0]), ddof=1) / deviation, rel=0.15)


def test_movement_is_how_far_the_mean_went_in_the_reals_spread(options):
  level = tf.Variable(100 / 127.5 - 1)
  signal = looking(options, grey_generator(lambda z: level + 0.0 * z[:, :1]), training_set(REALS))
  signal.look()
  level.assign(151 / 127.5 - 1)
  deviation = np.std(np.linspace(60, 180, 60), ddof=1)
  assert signal.look()['health/movement'] == pytest.approx(51 / deviation, rel=2e-3)
  assert signal.look()['health/movement'] == pytest.approx(0.0, abs=1e-5)


def test_what_it_remembers_goes_on_with_a_checkpoint(options, tmp_path):
  level = tf.Variable(0.0)
  make = lambda: looking(options, grey_generator(lambda z: level + 0.1 * z[:, :1]), training_set(REALS))
  undisturbed, resumed = make(), make()
  undisturbed.look()
  tf.train.Checkpoint(signals=undisturbed).write(str(tmp_path / 'a'))
  tf.train.Checkpoint(signals=resumed).read(str(tmp_path / 'a')).expect_partial().assert_existing_objects_matched()
  level.assign(0.3)
  assert resumed.look()['health/movement'] == undisturbed.look()['health/movement'] > 0.0


@pytest.mark.parametrize('held_out, expected', [(200, 0.0), (150, 0.5), (100, 1.0), (125, 0.75)])
@pytest.mark.parametrize('slope', [1.0, 0.01])
def test_memorised_is_where_held_out_pictures_lie_between_trained_on_ones_and_fakes(options, held_out, expected, slope):
  signal = looking(options, grey_generator(lambda z: (100 / 127.5 - 1) + 0.0 * z[:, :1]),
                   training_set(flats([200] * 20), flats([held_out] * 8)), linear_discriminator(options, slope))
  assert signal.look()['health/memorised'] == pytest.approx(expected, abs=0.02)


def test_a_discriminator_that_tells_nothing_or_the_wrong_way_has_memorised_nothing(options):
  fakes = grey_generator(lambda z: (100 / 127.5 - 1) + 0.0 * z[:, :1])
  for slope in (0.0, -1.0):
    signal = looking(options, fakes, training_set(flats([200] * 20), flats([150] * 8)),
                     linear_discriminator(options, slope))
    assert math.isnan(signal.look()['health/memorised'])


def test_the_discriminator_of_the_moment_judges(options):
  network = linear_discriminator(options, -1.0)
  signal = looking(options, grey_generator(lambda z: (100 / 127.5 - 1) + 0.0 * z[:, :1]),
                   training_set(flats([200] * 20), flats([150] * 8)), network)
  assert math.isnan(signal.look()['health/memorised'])
  network.set_weights(linear_discriminator(options, 1.0).get_weights())
  assert signal.look()['health/memorised'] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize('num_trained_on, num_held_out, missing', [
    (3, 8, {'health/diversity', 'health/movement', 'health/strangeness', 'health/memorised'}),
    (4, 8, {'health/memorised'}), (20, 5, {'health/memorised'}), (20, 0, {'health/memorised'}), (6, 6, set())])
def test_a_signal_with_too_few_pictures_is_nan(options, num_trained_on, num_held_out, missing):
  signal = looking(options, grey_generator(lambda z: -0.5 + 0.0 * z[:, :1]), training_set(
      REALS[:num_trained_on], REALS[-num_held_out:] if num_held_out else REALS[:0]))
  signal.look()  # the first has no movement
  assert {name for name, value in signal.look().items() if math.isnan(value)} == missing


def test_a_set_of_one_picture_shown_many_times_can_be_looked_at(options):
  signal = looking(options, grey_generator(lambda z: 0.1 * z[:, :1]), training_set(flats([90] * 9)))
  signal.look()
  assert np.isfinite(signal.look()['health/movement'])


@pytest.mark.parametrize('norm', ['batch', 'spectral'])
def test_a_look_leaves_the_learner_as_it_was_to_the_bit(tiny_config, norm):
  trained = adversarial.AdversarialLearner(tiny_config.replace('networks', discriminator_norm=norm),
                                           tf.distribute.OneDeviceStrategy('/cpu:0'))
  state = [variable for part in ('generator', 'discriminator', 'generator_ema') for variable in getattr(
      trained, part).variables] + trained.generator_optimizer.variables() + trained.discriminator_optimizer.variables()
  before = [variable.numpy().copy() for variable in state]
  rng = np.random.default_rng(0)
  pictures = rng.integers(0, 256, (40, 8, 8, 3), np.uint8)
  signal = signals.Signals(trained, training_set(pictures[:30], pictures[30:]))
  for _ in range(2):
    values = signal.look()
  assert all(np.isfinite(value) for name, value in values.items() if name != 'health/memorised')
  assert len({variable.ref() for variable in state}) == len(state) > 20
  for variable, value in zip(state, before):
    np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.name)


def test_held_out_pictures_that_are_those_trained_on_are_judged_alike(tiny_config):
  # Whatever D thinks of them, and though spectral normalization moves as it judges: r_v is 0 exactly or, where D puts
  # fakes over reals, nothing.
  options = tiny_config.replace('networks', discriminator_norm='spectral')
  trained = adversarial.AdversarialLearner(options, tf.distribute.OneDeviceStrategy('/cpu:0'))
  pictures = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
  logits = trained.discriminator.get_layer('logits')
  results = []
  for sign in (1, -1):  # of one of the two D puts reals over fakes
    for variable in logits.variables:
      variable.assign(sign * variable)
    results.append(signals.Signals(trained, training_set(pictures, pictures)).look()['health/memorised'])
  assert sorted(results, key=math.isnan)[0] == 0.0 and math.isnan(sorted(results, key=math.isnan)[1])
