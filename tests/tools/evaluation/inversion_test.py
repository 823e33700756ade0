"""Tests of the way back to Z: pictures that a generator made itself must be found again."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import images
from dcgan.model import latents
from dcgan.model import networks
from dcgan.model import region
from dcgan.options import config
from tools.evaluation import inversion

_Z_DIMS = 8


@pytest.fixture(name='generator', scope='module')
def _generator():
  """A generator of varied 8×8 pictures: untrained weights of 0.02 would make them all grey."""
  generator = networks.build_generator(config.Networks(image_size=8, z_dims=_Z_DIMS, channels=8), 'float32')
  rng = np.random.default_rng(1)
  for variable in generator.trainable_variables:
    if len(variable.shape) > 1:
      variable.assign(rng.normal(0, 0.6 / np.sqrt(_Z_DIMS), variable.shape))
  return generator


@pytest.fixture(name='z', scope='module')
def _z():
  return latents.sample_z(5, _Z_DIMS, seed=77)


def _rms(left, right):
  return np.sqrt(((left.astype(float) - right)**2).mean(axis=(1, 2, 3)))


def test_pictures_that_the_generator_made_are_found_again(generator, z):
  pictures = networks.generate(generator, z)
  found, errors = inversion.invert(generator, pictures, num_steps=300)
  assert found.shape == (5, _Z_DIMS) and found.dtype == errors.dtype == np.float32
  nearest = inversion.nearest_samples(generator, pictures)
  assert nearest.min() > 5 and (errors < 0.2 * nearest).all()
  np.testing.assert_allclose(errors, _rms(networks.generate(generator, found), pictures), rtol=1e-4)


def test_pictures_that_it_cannot_make_stay_far(generator, z):
  noise = np.random.default_rng(0).integers(0, 256, [2, 8, 8, 3], np.uint8)
  pictures = np.concatenate([networks.generate(generator, z[:1]), noise])
  _, errors = inversion.invert(generator, pictures)
  assert (errors[1:] > 10 * errors[0]).all() and (errors[1:] > 30).all()


def test_points_stay_shorter_than_where_no_random_point_lies(generator, z):
  far = 4 * z
  found, errors = inversion.invert(generator, networks.generate(generator, far))
  assert (np.linalg.norm(found, axis=1) < 2.4 * np.sqrt(_Z_DIMS)).all() and (errors > 5).all()


def test_each_picture_goes_its_own_way(generator, z):
  pictures = networks.generate(generator, z)
  _, together = inversion.invert(generator, np.tile(pictures, [9, 1, 1, 1]), num_steps=40)  # 90 starts: two batches
  _, alone = inversion.invert(generator, pictures[3:4], num_steps=40)
  np.testing.assert_allclose(together[3::5], np.repeat(alone, 9), atol=0.05)


def test_nearest_samples_are_those_that_a_search_by_hand_finds(generator, z):
  pictures = networks.generate(generator, z)
  samples = networks.generate(generator, latents.sample_z(700, _Z_DIMS, seed=4))
  by_hand = [_rms(samples, picture).min() for picture in pictures]
  np.testing.assert_allclose(inversion.nearest_samples(generator, pictures, num_samples=700, seed=4), by_hand, atol=0.01)
  assert inversion.nearest_samples(generator, samples[650:651], num_samples=700, seed=4)[0] == pytest.approx(0, abs=0.05)


def test_same_seed_finds_the_same(generator, z):
  pictures = networks.generate(generator, z[:2])
  (first, _), (again, _) = (inversion.invert(generator, pictures, num_steps=5, seed=3) for _ in range(2))
  np.testing.assert_array_equal(first, again)


def test_pictures_of_another_size_are_refused(generator):
  with pytest.raises(ValueError, match=r'`images` \(16 px\) must be as large as what the generator makes \(8 px\)'):
    inversion.invert(generator, np.zeros([1, 16, 16, 3], np.uint8))


def test_pictures_of_another_type_are_refused(generator):
  with pytest.raises(ValueError, match=r'`images` is float32 \[1, 8, 8, 3\]'):
    inversion.nearest_samples(generator, np.zeros([1, 8, 8, 3], np.float32))


def test_no_step_and_no_sample_are_refused(generator):
  pictures = np.zeros([1, 8, 8, 3], np.uint8)
  with pytest.raises(ValueError, match=r'`num_steps` \(0\) must be 1 or more'):
    inversion.invert(generator, pictures, num_steps=0)
  with pytest.raises(ValueError, match=r'`num_samples` \(0\) must be 1 or more'):
    inversion.nearest_samples(generator, pictures, num_samples=0)


class Knows:
  """An encoder that knows where pictures are, or says that they are somewhere else."""

  def __init__(self, pictures, z):
    self._pictures, self._z = images.to_float(pictures).numpy(), z

  def __call__(self, pictures, training):
    del training
    distances = np.abs(pictures.numpy()[:, np.newaxis] - self._pictures).mean(axis=(2, 3, 4))
    return tf.constant(self._z[distances.argmin(axis=1)])


def test_an_encoder_that_knows_the_place_saves_the_search_and_one_that_errs_does_no_harm(generator):
  on_sphere = latents.to_sphere(latents.sample_z(6, _Z_DIMS, seed=3))
  space = region.Region(on_sphere[:2], ('a', 'b'), np.full(2, np.nan))  # the others are not in it
  pictures = networks.generate(generator, on_sphere)
  _, plain = inversion.invert(generator, pictures, space, num_steps=3)
  _, helped = inversion.invert(generator, pictures, space, num_steps=3, encoder=Knows(pictures, 2 * on_sphere))
  _, misled = inversion.invert(generator, pictures, space, num_steps=3, encoder=Knows(pictures, -on_sphere))
  assert (helped < 8).all() and (plain[2:] > 15).all()
  assert (misled[:2] < 8).all() and (misled < 1.3 * plain + 1).all()
