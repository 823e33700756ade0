"""Tests of what is measured: generators whose answers are known, on drawn pictures and on one real face."""

from unittest import mock

import cv2
import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import images
from dcgan.model import latents
from dcgan.options import config
from tests.dcgan import conftest
from tools.evaluation import measurer as measuring
from tools.evaluation import wholeness
from tools.faces import alignment
from tools.faces import landmarks

_NUM_SAMPLES = 40
_SPACE = latents.Normal(4)
_OPTIONS = config.Config(networks=config.Networks(image_size=32, z_dims=4), data=config.Data(crop=140))


class Shows:
  """A generator that shows one of its pictures at each point of Z, by how near the point is to one side."""

  def __init__(self, pictures):
    self._pictures = images.to_float(pictures)

  def __call__(self, z, training):
    del training
    return tf.gather(self._pictures, tf.argsort(tf.argsort(z[:, 0])) % len(self._pictures))


class Fades:
  """A generator whose brightness follows the first dimension of Z: a straight line in Z is an even movement."""

  def __call__(self, z, training):
    del training
    return tf.ones([1, 32, 32, 3]) * tf.clip_by_value(z[:, 0], -3, 3)[:, tf.newaxis, tf.newaxis, tf.newaxis] / 4


class Jumps:
  """A generator that knows two pictures: black on one side of Z, white on the other."""

  def __call__(self, z, training):
    del training
    return tf.ones([1, 32, 32, 3]) * tf.sign(z[:, 0])[:, tf.newaxis, tf.newaxis, tf.newaxis]


def ellipses(num_images, seed):
  """Returns pictures of an ellipse at a random place, of random axes and colours, uint8 [num_images, 32, 32, 3]."""
  rng = np.random.default_rng(seed)
  pictures = rng.integers(60, 90, [num_images, 32, 32, 3]).astype(np.uint8)
  for picture in pictures:
    colour = [int(value) for value in rng.integers(100, 255, 3)]
    cv2.ellipse(picture, [int(value) for value in rng.integers(12, 20, 2)],
                [int(value) for value in rng.integers(5, 11, 2)], 0, 0, 360, colour, -1)
  return pictures


def a_set(pictures, num_held_out=0):
  """Returns a `TrainingSet` whose last pictures are held out."""
  indices = np.arange(len(pictures))
  split = len(pictures) - num_held_out
  return conftest.memory_set(pictures, indices[:split], indices[split:])


@pytest.fixture(name='drawn', scope='module')
def _drawn():
  """60 drawn pictures, of which a measurer holds out 12."""
  return ellipses(60, seed=0)


@pytest.fixture(name='measurer', scope='module')
def _measurer(drawn):
  return measuring.Measurer(a_set(drawn, num_held_out=12), _OPTIONS, _NUM_SAMPLES)


def test_a_generator_that_replays_its_training_is_found_out(measurer, drawn):
  measured = measurer.measure(Shows(drawn[:_NUM_SAMPLES]), _SPACE)
  assert measured.measures['copying'] < -3 and measured.measures['nearest'] == 0.0
  np.testing.assert_array_equal(measured.reals[measured.nearest_indices], measured.samples)
  assert sorted(measured.nearest_indices) == list(range(_NUM_SAMPLES))
  assert measured.measures['diversity'] == pytest.approx(1.0, abs=0.15)
  assert measured.measures['noise_texture'] == pytest.approx(1.0, abs=0.2)


def test_a_generator_that_draws_afresh_from_the_same_source_does_not_copy(measurer):
  measured = measurer.measure(Shows(ellipses(_NUM_SAMPLES, seed=1)), _SPACE)
  assert abs(measured.measures['copying']) < 3
  assert measured.measures['nearest'] == pytest.approx(measured.of_reals['nearest'], rel=0.3)
  assert measured.measures['sliced_wasserstein'] == pytest.approx(measured.of_reals['sliced_wasserstein'], rel=0.6)


def test_a_constant_generator_has_no_variety_and_no_movement(measurer, drawn):
  measured = measurer.measure(Shows(drawn[:1]), _SPACE)
  assert measured.measures['diversity'] == pytest.approx(0.0, abs=1e-6)
  assert measured.measures['stair_step'] is None
  assert measured.reasons['stair_step'] == 'no line in Z moves: all samples are one picture'


def test_a_jump_is_told_from_an_even_movement(measurer):
  assert measurer.measure(Fades(), _SPACE).measures['stair_step'] < 1.6  # changes of 1 and 2 whole grey values
  assert measurer.measure(Jumps(), _SPACE).measures['stair_step'] == 20.0  # all in one of 20 changes


def test_samples_are_those_of_the_points_of_the_seed(drawn):
  measured = measuring.Measurer(a_set(drawn), _OPTIONS.replace('training', seed=5), 7).measure(Fades(), _SPACE)
  z = latents.sample_z(7, 4, 5)[:, 0]
  np.testing.assert_array_equal(measured.samples[:, 0, 0, 0], np.round((np.clip(z, -3, 3) / 4 + 1) * 127.5))


def test_what_photos_have_is_known_only_with_held_out_ones_or_of_themselves(drawn):
  of_reals = measuring.Measurer(a_set(drawn), _OPTIONS, _NUM_SAMPLES).measure(Fades(), _SPACE).of_reals
  assert of_reals['diversity'] == pytest.approx(1.0) and of_reals['noise_texture'] == pytest.approx(1.0)
  assert of_reals['nearest'] is None and of_reals['sliced_wasserstein'] is None and of_reals['copying'] is None


def test_held_out_pictures_are_made_where_the_encoder_puts_them():
  greys = np.array([40, 60, 80, 100, 120, 140, 160, 180], np.uint8)
  pictures = np.tile(greys[:, np.newaxis, np.newaxis, np.newaxis], [1, 32, 32, 3])

  def encoder(given, training):
    del training
    side = 4 * tf.reduce_mean(given, axis=[1, 2, 3])  # what `Fades` shows there
    rest = tf.sqrt((4 - side**2) / 3)
    return 7 * tf.stack([side, rest, rest, rest], axis=1)  # of any length

  dark = lambda given, training: encoder(given - 20 / 127.5, training)
  measurer = measuring.Measurer(a_set(pictures[2:6], num_held_out=2), _OPTIONS, _NUM_SAMPLES)
  for knows, expected in ((encoder, 0), (dark, 20)):
    measured = measurer.measure(Fades(), _SPACE, knows)
    assert measured.measures['encoded_off'] == pytest.approx(expected, abs=0.6)
    assert measured.measures['encoded_features'] is None
    assert measured.reasons['encoded_features'] == 'needs a face in the pictures and in what is made of them'
  assert 'needs a run with an encoder' in measurer.measure(Fades(), _SPACE).reasons['encoded_off']


def test_fid_and_kid_are_those_of_the_given_features(drawn):
  def features(pictures):
    return pictures.mean(axis=(1, 2))
  dark = np.minimum(drawn, 200)
  measurer = measuring.Measurer(a_set(dark), _OPTIONS, len(dark), features)
  measured = measurer.measure(Shows(dark + np.uint8(20)), _SPACE)
  assert measured.measures['fid'] == pytest.approx(3 * 20**2, rel=1e-3)  # means 20 apart in each channel, one covariance
  assert measured.reasons['fid'] == measured.reasons['kid'] == 'of 60 samples to 60 photos'
  assert measurer.measure(Shows(dark), _SPACE).measures['fid'] == pytest.approx(0.0, abs=1e-3)
  assert abs(measurer.measure(Shows(dark), _SPACE).measures['kid']) < 0.05 * abs(measured.measures['kid'])


def test_without_inception_nothing_stands_under_its_names(measurer):
  measured = measurer.measure(Fades(), _SPACE)
  assert measured.measures['fid'] is None and measured.measures['kid'] is None
  assert measured.reasons['fid'] == measured.reasons['kid'] == measuring.NO_INCEPTION


@pytest.mark.parametrize('num_held_out, num_samples, name, reason', [
    (4, 40, 'copying', 'needs 5 held-out pictures, and the run held out 4: train with --holdout_fraction=0.1, or more'),
    (12, 9, 'copying', 'needs 10 samples, and has 9'), (0, 1, 'diversity', 'needs 2 samples, and has 1'),
    (57, 40, 'diversity', 'needs 4 photos, and has 3'),
    (0, 40, 'geometry_distance', 'needs 10 photos with a face, and has 0')])
def test_too_few_of_something_is_a_reason_with_the_number_needed(drawn, num_held_out, num_samples, name, reason):
  measured = measuring.Measurer(a_set(drawn, num_held_out), _OPTIONS, num_samples).measure(Fades(), _SPACE)
  assert measured.measures[name] is None and measured.reasons[name] == reason


def test_too_few_for_a_distribution_leave_out_fid(drawn):
  measurer = measuring.Measurer(a_set(drawn), _OPTIONS, 1, lambda pictures: pictures.mean(axis=(1, 2)))
  assert measurer.measure(Fades(), _SPACE).reasons['fid'] == 'needs 2 samples and as many photos, and has 1 and 60'


def test_a_set_that_was_not_trained_on_cannot_tell_of_copying(drawn):
  measured = measuring.Measurer(a_set(drawn, 12), _OPTIONS, _NUM_SAMPLES, is_own_set=False).measure(Fades(), _SPACE)
  assert measured.measures['copying'] is None and 'leave out --records' in measured.reasons['copying']


@pytest.mark.slow
def test_faces_are_seen_and_their_geometry_compared(astronaut):
  found = landmarks.FaceFinder().find_all(astronaut)[0]
  frame = alignment.align(astronaut, found.landmarks, found.eyes).image
  crop = frame[39:179, 19:159]  # the central 140 px
  # One face a little brighter each time, so that pictures differ and the mesh hardly moves.
  pictures = images.resize(np.stack([cv2.convertScaleAbs(crop, alpha=0.7 + 0.02 * i) for i in range(12)]), 64)
  options = _OPTIONS.replace('networks', image_size=64)
  measurer = measuring.Measurer(a_set(pictures), options, 12)
  judged = wholeness.Wholeness.is_clean
  with mock.patch.object(wholeness.Wholeness, 'is_clean', autospec=True, side_effect=judged) as judge:
    same = measurer.measure(Shows(pictures), _SPACE)
  assert judge.call_count == 1  # for the rate and for the faces that are compared; none was held out
  assert same.measures['clean_rate'] == same.of_reals['clean_rate'] == 1.0
  assert same.measures['geometry_distance'] == pytest.approx(0.0, abs=1e-6)
  assert same.reasons['geometry_distance'] == 'to 12 training pictures'
  half = pictures.copy()
  half[::2] = 128
  seen = measurer.measure(Shows(half), _SPACE)
  assert seen.measures['clean_rate'] == seen.measures['found_rate'] == 0.5
  assert seen.reasons['geometry_distance'] == 'needs 10 samples with a face, and has 6'
  moved = np.roll(pictures, 6, axis=2)  # a tenth of the picture to the right
  assert measurer.measure(Shows(moved), _SPACE).measures['clean_rate'] < 0.2
