"""Tests of dcgan.training.estimate, and of what `--dry_run` shows."""

import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.options import config
from dcgan.training import adversarial
from dcgan.training import estimate
from dcgan.training import session

# By hand, for 8×8 pictures, z of 4, 4 channels, kernels of 3×3. Generator: dense 4·(4·4·4), BatchNorm 2·4, transposed
# convolution 3·3·4·3 + 3. Discriminator: convolution 3·3·3·4 + 4, dense 4·4·4 + 1.
NUM_GENERATOR = 4 * 64 + 8 + 111
NUM_DISCRIMINATOR = 112 + 65
# What their layers put out for one picture: dense, reshaped, normalized, ReLU, convolved, tanh; convolved, LeakyReLU,
# flattened, logit.
NUM_OUT_OF_GENERATOR = 4 * 64 + 2 * 192
NUM_OUT_OF_DISCRIMINATOR = 3 * 64 + 1
MIB = 2**20


def text(options, strategy=None, num_images=100_000, storage='memory', num_held_out=0):
  trained = adversarial.AdversarialLearner(options, strategy or tf.distribute.OneDeviceStrategy('/cpu:0'))
  return estimate.text(trained, types.SimpleNamespace(
      num_images=num_images, storage=storage, trained_on=np.arange(num_held_out, num_images),
      held_out=np.arange(num_held_out)))


def test_the_numbers_are_those_counted_by_hand(tiny_config):
  options = tiny_config.replace('data', global_batch_size=4096).replace('training', num_minibatches=1000)
  # Weights, gradients, two moments, and the averaged generator; pictures are held with their gradients, in float32,
  # D's for reals and fakes.
  weights = 4 * (4 * (NUM_GENERATOR + NUM_DISCRIMINATOR) + NUM_GENERATOR) / MIB
  activations = 2 * 4 * 4096 * (NUM_OUT_OF_GENERATOR + 2 * NUM_OUT_OF_DISCRIMINATOR) / MIB
  assert text(options).splitlines() == [
      'generator: 375 weights',
      'discriminator: 177 weights',
      f'memory of each of 1 replicas, about: {weights + activations:.0f} MiB (weights 0, activations '
      f'{activations:.0f})',
      f'memory of the decoded set: {100_000 * 8 * 8 * 3 / MIB:.0f} MiB',
      'faces: 100,000 to train on, 0 held out',
      'minibatches in a pass over the 100,000 faces: 24.4, so 1,000 minibatches are 41.0 passes']
  assert round(activations) == 32


def test_pictures_that_are_held_out_take_memory_and_no_minibatches(tiny_config):
  options = tiny_config.replace('data', global_batch_size=4096).replace('training', num_minibatches=1000)
  told = text(options, num_held_out=18_080).splitlines()
  assert told[3] == f'memory of the decoded set: {100_000 * 8 * 8 * 3 / MIB:.0f} MiB'
  assert told[4:] == ['faces: 81,920 to train on, 18,080 held out',
                      'minibatches in a pass over the 81,920 faces: 20.0, so 1,000 minibatches are 50.0 passes']


def test_half_the_bits_take_half_the_activations_and_a_streamed_set_no_memory(tiny_config):
  options = tiny_config.replace('data', global_batch_size=4096).replace('training', precision='bfloat16')
  assert 'activations 16)' in text(options)
  assert 'memory of the decoded set: 0 MiB' in text(options, storage='stream')


def test_each_of_two_replicas_holds_half_of_the_minibatch(tiny_config, two_replicas):
  lines = text(tiny_config.replace('data', global_batch_size=4096), two_replicas)
  assert 'memory of each of 2 replicas' in lines and 'activations 16)' in lines


@pytest.mark.parametrize('norm', config.DISCRIMINATOR_NORMS)
def test_every_discriminator_can_be_estimated(tiny_config, norm):
  options = tiny_config.replace('networks', discriminator_norm=norm)
  assert 'discriminator: 177 weights' in text(options)


def test_a_run_is_described_and_nothing_is_written(tiny_config, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  described = session.describe(tiny_config, None, tf.distribute.OneDeviceStrategy('/cpu:0'))
  options, rest = described[:described.index('\n}\n') + 3], described[described.index('\n}\n') + 3:]
  digest = manifests.load(tiny_config.data.records).digest
  assert config.from_json(options) == tiny_config.replace('data', records_digest=digest)
  assert rest.startswith('13 faces at 8×8 in memory, 4 shuffled minibatches of 4, float32 on 1 × CPU.\ngenerator: 375')
  assert 'over the 13 faces: 3.2, so 4 minibatches are 1.2 passes' in rest
  assert not list(tmp_path.iterdir())


def test_a_run_with_a_wrong_option_is_not_described(tiny_config):
  with pytest.raises(errors.InputError, match=r'`learning_rate` \(2\.0\)'):
    session.describe(tiny_config.replace('training', learning_rate=2.0), None,
                     tf.distribute.OneDeviceStrategy('/cpu:0'))
