"""Tests of dcgan.training.places."""

# pylint: disable=protected-access

import json

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import networks
from dcgan.model import region
from dcgan.model import weights
from dcgan.training import places
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import trained_networks
from tests.dcgan import conftest
from tests.dcgan.training import run_contents

NUM_PICTURES = 4


@pytest.fixture(name='options')
def fixture_options(placing_config):
  return placing_config


def pictures():
  return np.random.default_rng(0).integers(0, 256, [NUM_PICTURES, 8, 8, 3], np.uint8)


def make(options, strategy=None, targets=None, times_secs=None, shows=None):
  targets = pictures() if targets is None else targets
  training_set = conftest.memory_set(targets, np.arange(len(targets)), times_secs=times_secs, descriptors=np.random.
                                     default_rng(1).normal(size=[len(targets), 256]).astype(np.float32))
  return places.PlaceLearner(options, strategy or tf.distribute.OneDeviceStrategy('/cpu:0'), training_set, shows)


def iterator_of(trained, targets):
  """Returns an iterator over minibatches of all pictures, on each replica its part."""
  size = len(targets) // trained.strategy.num_replicas_in_sync

  def dataset(context):
    del context
    both = tf.data.Dataset.from_tensor_slices((targets, np.arange(len(targets))))
    return both.batch(size, drop_remainder=True).repeat()

  return iter(trained.strategy.distribute_datasets_from_function(dataset))


def learn(trained, num_steps, targets=None):
  """Learns all pictures in each minibatch; returns the history."""
  iterator = iterator_of(trained, pictures() if targets is None else targets)
  return {name: value.numpy() for name, value in trained.train(iterator, tf.constant(num_steps, tf.int64)).items()}


def test_places_and_both_networks_are_learnt_and_told_of(options):
  trained = make(options)
  before = {name: weights.values_of(getattr(trained, name)) for name in ('generator', 'discriminator')}
  start = trained._places.numpy()
  history = learn(trained, 3)
  for network, values in before.items():
    after = weights.values_of(getattr(trained, network))
    assert [name for name, value in values.items() if (after[name] == value).all()] == []
  assert (trained._places.numpy() != start).any(axis=1).all()
  assert set(history) == {*places.PlaceLearner.METRICS, 'augment/probability', 'time/input_secs'}
  assert all(np.isfinite(column).all() for column in history.values())
  assert trained.step == 3


def test_at_the_start_pictures_are_reconstructed_alone(options):
  trained = make(options.replace('places', alone_visits=2))  # two minibatches of all four pictures
  before = weights.values_of(trained.discriminator)
  start = trained._places.numpy()
  history = learn(trained, 2)
  for name, value in weights.values_of(trained.discriminator).items():
    np.testing.assert_array_equal(value, before[name], err_msg=name)
  assert (history['loss/discriminator'] == 0).all() and (history['loss/pixels'] > 0).all()
  assert (trained._places.numpy() != start).any(axis=1).all()
  history = learn(trained, 1)
  assert (history['loss/discriminator'] > 0).all()
  assert any((value != before[name]).any() for name, value in weights.values_of(trained.discriminator).items())


def test_the_loss_of_pixels_is_the_mean_difference_at_the_places(options):
  trained = make(options.replace('places', places_noise=0.0, between_fraction=0.0))
  z = latents.to_sphere(trained._places.numpy())
  made = trained.generator(z, training=True).numpy()
  history = learn(make(options.replace('places', places_noise=0.0, between_fraction=0.0)), 1)
  np.testing.assert_allclose(history['loss/pixels'], [np.abs(pictures() / 127.5 - 1 - made).mean()], rtol=1e-4)


def test_pictures_that_a_generator_can_make_come_back_at_their_places(options):
  options = options.replace('networks', channels=16).replace('training', learning_rate=0.002).replace(
      'places', adversarial_weight=0.0, places_noise=0.0)
  donor = make(options)
  for layer in ('4x4_dense', '8x8_rgb'):  # as large as those of a trained model
    kernel = donor.generator.get_layer(layer).kernel
    kernel.assign(10 * kernel)
  targets = networks.generate(donor.generator, latents.to_sphere(latents.sample_z(NUM_PICTURES, 4, seed=5)))
  trained = make(options, targets=targets)
  history = learn(trained, 300, targets)
  assert history['loss/pixels'][-1] < 0.4 * history['loss/pixels'][0]


def test_a_picture_moves_its_own_place_only_and_when_it_is_there(options):
  trained = make(options)
  z = [trained._places.numpy()]
  iterator = iter(tf.data.Dataset.from_tensor_slices(([pictures()] * 2, [[2, 2, 2, 2], [1, 1, 1, 1]])))
  for _ in range(2):
    trained.train(iterator, tf.constant(1, tf.int64))
    z.append(trained._places.numpy())
  moved = [(after != before).any(axis=1).tolist() for before, after in zip(z, z[1:])]
  assert moved == [[False, False, True, False], [False, True, False, False]]


def test_the_first_step_of_a_place_is_the_rate_whenever_it_comes(options):
  """Adam's first step is its rate along each axis: of a picture seen at first, and of one seen much later."""
  trained = make(options.replace('places', places_rate=0.07))
  numbers = [[0, 0, 0, 0]] * 20 + [[3, 3, 3, 3]]
  iterator = iter(tf.data.Dataset.from_tensor_slices(([pictures()] * 21, numbers)))
  start = trained._places.numpy()
  trained.train(iterator, tf.constant(1, tf.int64))
  np.testing.assert_allclose(np.abs(trained._places.numpy() - start)[0], 0.07, rtol=1e-3)
  trained.train(iterator, tf.constant(20, tf.int64))
  np.testing.assert_allclose(np.abs(trained._places.numpy() - start)[3], 0.07, rtol=1e-3)


def test_a_place_settles_by_its_own_visits(options):
  """With a size of gradients of the last one only, each step is the rate along each axis."""
  def steps(settle_visits):
    trained = make(options.replace('places', places_rate=0.08, settle_visits=settle_visits))
    moved = []
    iterator = iter(tf.data.Dataset.from_tensor_slices(([pictures()] * 9, [[0, 0, 0, 0]] * 8 + [[3, 3, 3, 3]])))
    for _ in range(9):
      before = trained._places.numpy()
      trained.train(iterator, tf.constant(1, tf.int64))
      moved.append(np.abs(trained._places.numpy() - before).max(axis=1))
    return np.array(moved)

  with pytest.MonkeyPatch.context() as monkeypatch:
    monkeypatch.setattr(places, '_BETA_2', 0.0)
    never, settled = steps(0), steps(2)
  np.testing.assert_allclose(never[:8, 0], 0.08, rtol=1e-3)
  np.testing.assert_allclose(settled[:8, 0], 0.08 * np.minimum(1, 2 / np.arange(1, 9)), rtol=1e-3)
  assert settled[8, 3] == pytest.approx(0.08, rel=1e-3)


def test_places_arrange_themselves_by_what_the_pictures_show(options):
  targets = np.random.default_rng(3).integers(0, 256, [12, 8, 8, 3], np.uint8)
  shows = np.random.default_rng(4).choice([-1, 1], size=[12, 1]).astype(np.float32)
  options = options.replace('data', global_batch_size=12)

  def told(weight):
    trained = make(options.replace('places', controls_weight=weight, places_rate=0.03), targets=targets, shows=shows)
    learn(trained, 30, targets)
    rows = np.concatenate([trained.space.places, np.ones([12, 1])], axis=1)
    return np.square(shows - rows @ np.linalg.lstsq(rows, shows, rcond=None)[0]).mean()

  assert told(3.0) < 0.5 * told(0.0)


def test_points_between_lie_on_arcs_of_two_places(options):
  trained = make(options.replace('places', between_fraction=1.0))
  on_sphere = latents.to_sphere(latents.sample_z(NUM_PICTURES, 4, seed=1))
  z = trained._between(tf.constant(on_sphere)).numpy()
  np.testing.assert_allclose(np.mean(z**2, axis=1), 1, rtol=1e-5)
  for point in z:  # a mixture of two with shares of 0 or more
    shares, rest, *_ = np.linalg.lstsq(on_sphere.T, point, rcond=None)
    assert (np.sort(shares)[:2] == pytest.approx(0, abs=1e-4)) and shares.min() > -1e-4


@pytest.mark.parametrize('alone_visits', [0, 2])
def test_an_encoder_follows_the_places_and_changes_nothing_else(options, alone_visits):
  options = options.replace('places', alone_visits=alone_visits)
  plain, trained = make(options), make(options.replace('places', encoder=True))
  assert plain.encoder is None
  real = pictures()
  off = lambda: np.mean((latents.to_sphere(networks.encode(trained.encoder, real)) - trained.space.places)**2)
  learn(plain, 3), learn(trained, 3)
  np.testing.assert_allclose(plain._places.numpy(), trained._places.numpy(), rtol=1e-3, atol=1e-5)
  for name in ('generator', 'discriminator', 'generator_ema'):
    for left, right in zip(getattr(plain, name).variables, getattr(trained, name).variables):
      np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-3, atol=1e-5, err_msg=left.name)
  before = off()
  learn(trained, 200)
  assert off() < 0.1 * before


@pytest.mark.slow
@pytest.mark.parametrize('alone_visits', [0, 1])
def test_two_replicas_learn_as_one_does(options, two_replicas, alone_visits):
  options = options.replace('data', global_batch_size=8).replace('places', alone_visits=alone_visits, encoder=True)
  targets = np.random.default_rng(3).integers(0, 256, [8, 8, 8, 3], np.uint8)
  one, two = make(options, targets=targets), make(options, two_replicas, targets)
  left, right = learn(one, 3, targets), learn(two, 3, targets)
  for name in ('loss/pixels', 'loss/reconstruction', 'loss/generator', 'loss/discriminator'):
    np.testing.assert_allclose(right[name], left[name], rtol=2e-3, err_msg=name)
  np.testing.assert_allclose(two._places.numpy(), one._places.numpy(), atol=2e-2)
  np.testing.assert_allclose(two._visits.numpy(), one._visits.numpy())
  for left, right in zip(one.encoder.trainable_variables, two.encoder.trainable_variables):
    np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=5e-3, atol=2e-3, err_msg=left.name)


@pytest.mark.slow
def test_two_replicas_arrange_places_as_one_does(options, two_replicas):
  options = options.replace('data', global_batch_size=8).replace('places', controls_weight=0.5)
  targets = np.random.default_rng(3).integers(0, 256, [8, 8, 8, 3], np.uint8)
  shows = np.random.default_rng(4).normal(size=[8, 2]).astype(np.float32)
  one, two = (make(options, strategy, targets, shows=shows) for strategy in (None, two_replicas))
  learn(one, 1, targets), learn(two, 1, targets)  # later what floats differ by grows, since Adam makes much of little
  np.testing.assert_allclose(two._places.numpy(), one._places.numpy(), atol=1e-4)
  assert np.abs(make(options, targets=targets)._places.numpy() - one._places.numpy()).max() > 0.05


def test_pictures_join_between_those_that_they_are_like(options):
  trained = make(options)
  trained._joins = tf.constant([0, 0, 0, 2], tf.int64)
  trained.admission.parents[3] = [0, 1]
  trained.admission.shares[3] = [0.25, 0.75]
  iterator = iter(tf.data.Dataset.from_tensor_slices(([pictures()] * 3, [[0, 1, 2, 0]] * 3)))
  trained.train(iterator, tf.constant(2, tf.int64))
  before = latents.to_sphere(trained._places.numpy())
  trained.train(iterator, tf.constant(1, tf.int64))
  expected = latents.to_sphere(0.25 * before[0] + 0.75 * before[1])
  np.testing.assert_allclose(trained._places.numpy()[3], expected, rtol=1e-4, atol=1e-5)


def test_the_space_is_the_region_of_the_pictures_that_have_joined(options):
  trained = make(options, times_secs=np.float32([0, 0.5, 1, np.nan]))
  assert trained.space.keys == ('0.png', '1.png', '2.png', '3.png')
  np.testing.assert_array_equal(trained.space.times_secs, [0, 0.5, 1, np.nan])
  pictures_of = dict(json.loads(trained.texts['pictures']), joins=[0, 5, 0, 9])
  assert len(places.read_space(trained._places.numpy(), pictures_of, step=5).places) == 2  # joins next
  space = places.read_space(trained._places.numpy(), pictures_of, step=6)
  assert space.keys == ('0.png', '1.png', '2.png')
  np.testing.assert_allclose(np.mean(space.places**2, axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_places_and_weights(options, tmp_path):
  options = options.replace('regularization', r1_gamma=1.0, r1_every_steps=2).replace(
      'augmentation', augment=('colour', 'flip')).replace('data', minibatches='overlapping').replace(
          'places', alone_visits=1, encoder=True)
  whole = session.start(options, tmp_path / 'whole').run
  half = session.start(options.replace('training', num_minibatches=5), tmp_path / 'half').run  # 4 of them alone
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=6))
  left, right = run_contents.variables(whole), run_contents.variables(half)
  name = 'places/.ATTRIBUTES/VARIABLE_VALUE'
  assert left[name].shape == (13, 4)
  for key, value in left.items():
    np.testing.assert_array_equal(value, right[key], err_msg=key)
  loaded = trained_networks.load(whole, 6)
  space = loaded.space
  for variable in loaded.encoder.variables:
    key = next(key for key in left if key.startswith('encoder_ema/') and left[key].shape == variable.shape
               and (left[key] == variable.numpy()).all())
    assert key
  assert isinstance(space, region.Region) and space.keys[0] == 'face_0000.png'
  np.testing.assert_allclose(space.places, latents.to_sphere(left[name]), rtol=1e-6)
  assert len(gallery.load(whole).z) == 64


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_places_are_learnt_in_other_precisions_too(options, precision):
  trained = make(options.replace('training', precision=precision))
  history = learn(trained, 3)
  assert np.isfinite(history['loss/pixels']).all() and np.isfinite(trained._places.numpy()).all()
