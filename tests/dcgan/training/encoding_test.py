"""Tests of dcgan.training.encoding."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import images
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.model import latents
from dcgan.model import networks
from dcgan.model import weights
from dcgan.training import encoding
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import trained_networks
from dcgan.training import transfers
from tests.dcgan import conftest
from tests.dcgan.training import places_test
from tests.dcgan.training import run_contents

NUM_PICTURES = places_test.NUM_PICTURES
pictures = places_test.pictures


@pytest.fixture(name='options')
def fixture_options(placing_config):
  return placing_config.replace('training', learner='encoder')


def make(options, strategy=None):
  training_set = conftest.memory_set(pictures(), np.arange(NUM_PICTURES))
  return encoding.EncoderLearner(options, strategy or tf.distribute.OneDeviceStrategy('/cpu:0'), training_set)


def learn(trained, num_steps):
  """Learns all pictures in each minibatch; returns the history."""
  size = NUM_PICTURES // trained.strategy.num_replicas_in_sync
  dataset = lambda context: tf.data.Dataset.from_tensor_slices(pictures()).batch(size, drop_remainder=True).repeat()
  iterator = iter(trained.strategy.distribute_datasets_from_function(dataset))
  return {name: value.numpy() for name, value in trained.train(iterator, tf.constant(num_steps, tf.int64)).items()}


def test_all_three_networks_learn_and_the_averages_follow(options):
  trained = make(options)
  before = {name: weights.values_of(network) for name, network in trained.networks.items()}
  history = learn(trained, 3)
  for network, values in before.items():
    after = weights.values_of(trained.networks[network])
    assert [name for name, value in values.items() if (after[name] == value).all()] == [], network
  assert set(history) == {*encoding.EncoderLearner.METRICS, 'augment/probability', 'time/input_secs'}
  assert all(np.isfinite(column).all() for column in history.values())


def test_the_loss_of_pixels_is_that_at_the_places_that_the_encoder_gives(options):
  trained = make(options.replace('places', places_noise=0.0, between_fraction=0.0))
  real_images = pictures() / np.float32(127.5) - 1
  z = latents.to_sphere(trained.encoder(real_images).numpy())
  expected = np.abs(real_images - trained.generator(z, training=True).numpy()).mean()
  np.testing.assert_allclose(learn(trained, 1)['loss/pixels'], [expected], rtol=1e-4)


def test_alone_the_discriminator_does_not_learn(options):
  trained = make(options.replace('places', alone_visits=2))
  before = weights.values_of(trained.discriminator)
  learn(trained, 2)
  for name, value in weights.values_of(trained.discriminator).items():
    np.testing.assert_array_equal(value, before[name], err_msg=name)
  assert (learn(trained, 1)['loss/discriminator'] > 0).all()


def test_the_region_is_where_the_averaged_encoder_puts_the_pictures(options):
  trained = make(options)
  learn(trained, 2)
  space = trained.space
  expected = latents.to_sphere(trained.encoder_ema(images.to_float(pictures())).numpy())
  np.testing.assert_allclose(space.places, expected, rtol=1e-4, atol=1e-5)
  assert space.keys == ('0.png', '1.png', '2.png', '3.png')
  learn(trained, 1)
  assert (trained.space.places != space.places).any()


@pytest.mark.slow
def test_two_replicas_learn_as_one_does(options, two_replicas):
  one, two = make(options), make(options, two_replicas)
  left, right = learn(one, 2), learn(two, 2)
  for name in encoding.EncoderLearner.METRICS:
    np.testing.assert_allclose(right[name], left[name], rtol=5e-3, atol=1e-3, err_msg=name)
  for a, b in zip(one.encoder.trainable_variables, two.encoder.trainable_variables):
    np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=5e-3, atol=2e-3, err_msg=a.name)


@pytest.mark.slow
def test_a_stopped_run_goes_on_bit_for_bit_and_lends_its_encoder(options, drawn_set, tmp_path):
  options = options.replace('places', alone_visits=1)
  whole = session.start(options, tmp_path / 'whole').run
  half = session.start(options.replace('training', num_minibatches=3), tmp_path / 'half').run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=6))
  left, right = run_contents.variables(whole), run_contents.variables(half)
  assert left.keys() == right.keys()
  for key, value in left.items():
    if not key.startswith('best/'):
      np.testing.assert_array_equal(value, right[key], err_msg=key)
  # What is shown of it needs no encoder: the checkpoint holds the places.
  trained = trained_networks.load(whole)
  space = trained.space
  assert trained.step == 6 and trained.encoder and len(space.places) == 13 and space.keys[0] == 'face_0000.png'
  # As one file and back, all its networks are taken over.
  model = trained_networks.load_model(whole)
  weights.save(tmp_path / 'many.safetensors', model)
  donor = transfers.load_donor(str(tmp_path / 'many.safetensors'))
  assert set(donor.model.values) == {*weights.NETWORKS, weights.ENCODER}
  trained = make(options)
  report = transfers.transfer(donor, trained, manifests.load(drawn_set))
  assert not report.left and {name.partition('/')[0] for name in report.taken} == {
      'generator', 'generator_ema', 'discriminator', 'encoder', 'encoder_ema'}
  for network in (trained.encoder, trained.encoder_ema):
    for name, value in weights.values_of(network).items():
      np.testing.assert_allclose(value, model.values[weights.ENCODER][name], rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_person_begins_where_the_encoder_of_many_faces_puts_the_pictures(options, drawn_set, tmp_path):
  many = session.start(options.replace('training', num_minibatches=1), tmp_path).run
  person = options.replace('training', learner='places', num_minibatches=1).replace(
      'places', places_start='auto', places_rate=0.0)
  run = session.start(person, tmp_path, init_from=str(many)).run
  assert runs.load_options(run).places.places_start == 'encoder'
  training_set = input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, 'memory', 0.0)
  encoder = networks.build_encoder(options.networks, 'float32')
  for variable in encoder.variables:
    variable.assign(trained_networks.load_model(many).values[weights.ENCODER][variable.name.removesuffix(':0')])
  expected = latents.to_sphere(encoder(images.to_float(training_set.pictures(training_set.trained_on))).numpy())
  np.testing.assert_allclose(trained_networks.load(run).space.places, expected, rtol=1e-4, atol=1e-5)


def test_an_encoder_takes_pictures_of_any_size(options):
  trained = make(options)
  values = {weights.ENCODER: weights.values_of(trained.encoder)}
  donor = transfers.Donor('many8', 'many8', weights.Model(options, 1, values))
  large = pictures().repeat(2, axis=1).repeat(2, axis=2)
  np.testing.assert_allclose(transfers.encode(donor, large), networks.encode(trained.encoder, pictures()), rtol=1e-4)


@pytest.mark.parametrize('changes, message', [
    ({}, 'many8 has no encoder'),
    (None, 'it comes with a model to start from, and there is no --init_from')])
def test_an_encoder_that_is_not_there_is_told(options, changes, message):
  person = options.replace('training', learner='places').replace('places', places_start='encoder')
  donor = None if changes is None else transfers.Donor('many8', 'many8', weights.Model(options, 1, changes))
  assert transfers.choose_start(donor, person) == 'looks'
  with pytest.raises(errors.InputError, match=rf'`places_start` \(encoder\): {message}'):
    transfers.check_start(donor, person)
