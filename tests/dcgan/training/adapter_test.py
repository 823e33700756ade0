"""Tests of dcgan.training.adapter."""

# pylint: disable=protected-access

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import networks
from dcgan.model import weights
from dcgan.training import adapter
from dcgan.training import checkpoints
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan.training import session_test

NUM_PICTURES = 4


@pytest.fixture(name='options')
def fixture_options(tiny_config):
  return tiny_config.replace('networks', z_map=True).replace('training', transfer='bn_only', num_minibatches=6,
                              learning_rate=0.001)


def make(options, strategy=None):
  return adapter.Adapter(options, strategy or tf.distribute.get_strategy(), NUM_PICTURES)


def pictures():
  return np.random.default_rng(0).integers(0, 256, [NUM_PICTURES, 8, 8, 3], np.uint8)


def learn(trained, num_steps, targets=None):
  """Learns all pictures in each minibatch, on each replica its part; returns the history."""
  num_replicas = trained.strategy.num_replicas_in_sync
  size = NUM_PICTURES // num_replicas
  def dataset(context):
    del context
    both = tf.data.Dataset.from_tensor_slices((pictures() if targets is None else targets, np.arange(NUM_PICTURES)))
    return both.batch(size, drop_remainder=True).repeat()
  iterator = iter(trained.strategy.distribute_datasets_from_function(dataset))
  return {name: value.numpy() for name, value in trained.train(iterator, tf.constant(num_steps, tf.int64)).items()}


def test_only_scales_shifts_and_points_of_z_are_learnt(options):
  trained = make(options)
  before = {name: weights.values_of(getattr(trained, name)) for name in ('generator', 'discriminator')}
  z = trained._places.numpy()
  learn(trained, 3)
  for network, values in before.items():
    after = weights.values_of(getattr(trained, network))
    moved = {name for name, value in values.items() if (after[name] != value).any()}
    assert moved == ({'4x4_norm/gamma', '4x4_norm/beta'} if network == 'generator' else set())
  frozen = {network: {variable.name for variable in variables} for network, variables in trained.frozen.items()}
  assert '4x4_norm/moving_mean:0' in frozen['generator'] and '4x4_norm/gamma:0' not in frozen['generator']
  assert len(frozen['discriminator']) == len(trained.discriminator.variables)
  assert (trained._places.numpy() != z).any(axis=1).all()


def test_the_loss_is_of_pixels_of_features_and_of_the_distance_from_the_origin_of_z(options):
  trained = make(options)
  z = trained._places.numpy()
  expected = np.abs(pictures() / 127.5 - 1 - trained.generator(z, training=False).numpy()).mean()
  history = learn(trained, 1)
  np.testing.assert_allclose(history['loss/pixels'], [expected], rtol=1e-5)
  of_z = np.mean(((z**2).mean(axis=1) - 1)**2)
  np.testing.assert_allclose(history['loss/reconstruction'],
                             history['loss/pixels'] + 0.5 * history['loss/features'] + 0.02 * of_z, rtol=1e-5)


def test_pictures_that_a_generator_can_make_are_learnt(options):
  trained = make(options.replace('networks', channels=16))
  for layer in ('4x4_dense', '8x8_rgb'):  # as large as those of a trained model
    kernel = trained.generator.get_layer(layer).kernel
    kernel.assign(10 * kernel)
  targets = networks.generate(trained.generator, latents.sample_z(NUM_PICTURES, 4, seed=5))
  history = learn(trained, 400, targets)
  assert history['loss/pixels'][-1] < 0.3 * history['loss/pixels'][0]


def test_a_picture_moves_its_own_point_only_and_when_it_is_there(options):
  trained = make(options)
  z = [trained._places.numpy()]
  batches = tf.data.Dataset.from_tensor_slices(([pictures()] * 2, [[2, 2, 2, 2], [1, 1, 1, 1]]))
  iterator = iter(batches)
  for _ in range(2):
    trained.train(iterator, tf.constant(1, tf.int64))
    z.append(trained._places.numpy())
  moved = [(after != before).any(axis=1).tolist() for before, after in zip(z, z[1:])]
  assert moved == [[False, False, True, False], [False, True, False, False]]


def test_the_standard_normal_becomes_the_places_mean_and_covariance():
  drawn = np.random.default_rng(1).normal(size=[30, 3]).astype(np.float32)
  places = drawn @ np.float32([[2, 0, 1], [0, 1, 0], [0, 0, 0]])  # in a plane
  mean, root, whitened = (value.numpy() for value in adapter._whitened(tf.constant(places)))
  np.testing.assert_allclose(mean, places.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(root @ root, np.cov(places.T), atol=1e-4)
  np.testing.assert_allclose(mean + whitened @ root, places, atol=1e-4)
  np.testing.assert_allclose(np.trace(np.cov(whitened.T)), 2, rtol=1e-4)  # 1 in each direction that there is


def test_two_replicas_learn_as_one_does(options, two_replicas):
  one, two = make(options), make(options, two_replicas)
  left, right = learn(one, 3), learn(two, 3)
  np.testing.assert_allclose(right['loss/pixels'], left['loss/pixels'], rtol=1e-4)
  np.testing.assert_allclose(two._places.numpy(), one._places.numpy(), rtol=1e-3, atol=1e-4)
  gammas = [trained.generator.get_layer('4x4_norm').gamma.numpy() for trained in (one, two)]
  np.testing.assert_allclose(*gammas, rtol=1e-4)


def test_after_a_rollback_points_of_z_are_slower_too(options):
  trained = make(options)
  trained.options = options.replace('training', learning_rate=0.004)
  trained.take_options()
  optimizers = trained.generator_optimizer, trained.extra_state['places_optimizer']
  rates = [float(optimizer.learning_rate) for optimizer in optimizers]
  np.testing.assert_allclose(rates, [0.04, 0.4], rtol=1e-6)


@pytest.mark.parametrize('changes', [{}, {'discriminator_norm': 'spectral', 'minibatch_features': 'discrimination'}])
def test_a_stopped_run_goes_on_to_the_same_points_and_weights(options, tmp_path, changes):
  options = options.replace('networks', **changes).replace('regularization', r1_gamma=1.0).replace(
      'data', global_batch_size=16)
  donor = session.start(options.replace('training', transfer='full', num_minibatches=1), tmp_path / 'donor').run
  whole = session.start(options, tmp_path / 'whole', init_from=str(donor)).run
  half = session.start(options.replace('training', num_minibatches=2), tmp_path / 'half', init_from=str(donor)).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=6))
  left, right = session_test.variables(whole), session_test.variables(half)
  name = 'picture_z/.ATTRIBUTES/VARIABLE_VALUE'
  assert left[name].shape == (13, 4) and (left[name] != 0).any()
  # Each point is, in the averaged generator, where the picture's place is.
  generator, _, _ = checkpoints.load_generator(whole)
  np.testing.assert_allclose(generator.get_layer('z_map')(left[name]), left['places/.ATTRIBUTES/VARIABLE_VALUE'],
                             atol=1e-5)
  for key, value in left.items():
    np.testing.assert_array_equal(value, right[key], err_msg=key)
  np.testing.assert_array_equal(checkpoints.load_generator_and_space(whole, 6)[1].picture_z, left[name])
  shown = gallery.load(whole)
  np.testing.assert_array_equal(shown.z[:13], left[name])
  assert len(shown.z) == 64 and checkpoints.load_generator_and_space(donor, 1)[1].picture_z is None
  line = session_test.stats(whole)[0]
  assert {'loss/reconstruction', 'loss/pixels', 'loss/features'} <= set(line) and 'loss/generator' not in line
  assert checkpoints.load_generator(whole)[2] == 6


def test_a_run_that_goes_on_from_an_adapted_one_keeps_its_map_of_z(options, tmp_path, finished_run):
  adapted = session.start(options.replace('networks', z_map=False), tmp_path, init_from=str(finished_run)).run
  assert 'z_map' not in (adapted / 'transfer.json').read_text(encoding='utf-8')
  plain = options.replace('networks', z_map=False).replace(
      'training', transfer='full', num_minibatches=1, learning_rate=1e-9)
  further = session.start(plain, tmp_path, init_from=str(adapted)).run
  left, right = (checkpoints.load_model(run) for run in (adapted, further))
  for network in ('generator', 'generator_ema'):
    for name in ('z_map/kernel', 'z_map/bias'):
      np.testing.assert_allclose(right.values[network][name], left.values['generator_ema'][name], atol=1e-6)
  again = session.start(options.replace('training', num_minibatches=1), tmp_path, init_from=str(adapted)).run
  assert (checkpoints.load_model(again).values['generator']['z_map/kernel'] == np.eye(4)).all()


def test_another_architecture_is_told_as_for_any_transfer(options, tmp_path, finished_run):
  with pytest.raises(errors.InputError, match='none of its layers fits'):
    session.start(options.replace('networks', channels=6), tmp_path, init_from=str(finished_run))
