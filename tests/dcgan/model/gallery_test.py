"""Tests of dcgan.model.gallery."""

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import networks
from dcgan.options import config


@pytest.fixture(name='generator', scope='module')
def fixture_generator():
  """A generator of 8×8 pictures from 4 dimensions of Z."""
  return networks.build_generator(config.Networks(image_size=8, z_dims=4, channels=4), 'float32')


@pytest.fixture(name='run')
def fixture_run(tmp_path, generator):
  """A folder with a gallery of 6."""
  gallery.save(gallery.default_path(tmp_path), generator, latents.sample_z(6, 4, seed=3), step=7, tile_px=32)
  return tmp_path


def test_the_gallery_holds_the_pictures_of_its_points(run, generator):
  z = latents.sample_z(6, 4, seed=3)
  picture = iio.imread(run / 'gallery.png')
  assert picture.shape == (34 + 2, 6 * 34 + 2, 3)
  tile = networks.generate(generator, z[4:5])[0]
  corner = picture[2 + 28:2 + 32, 2 + 4 * 34 + 28:2 + 4 * 34 + 32]  # away from the number
  assert abs(corner.mean(axis=(0, 1)) - tile[-1, -1]).max() < 25


def test_the_points_and_the_minibatch_that_drew_them_are_kept(run):
  loaded = gallery.load(run)
  np.testing.assert_array_equal(loaded.z, latents.sample_z(6, 4, seed=3))
  assert loaded.z.dtype == np.float32 and loaded.step == 7 and loaded.run == run
  assert np.load(run / 'gallery.npz')['step'].dtype == np.int64


def test_a_gallery_from_before_tells_no_minibatch(tmp_path):
  z = latents.sample_z(6, 4, seed=3)
  np.savez(tmp_path / 'gallery.npz', z=z)
  loaded = gallery.load(tmp_path)
  np.testing.assert_array_equal(loaded.z, z)
  assert loaded.step is None


def test_keyframes_are_the_numbered_points(run):
  np.testing.assert_array_equal(gallery.load(run).keyframes([5, 0]), latents.sample_z(6, 4, seed=3)[[5, 0]])


@pytest.mark.parametrize('number', [6, -1])
def test_a_number_that_is_not_in_the_gallery_is_named(run, number):
  with pytest.raises(errors.InputError, match=rf'picture {number} is not in the gallery of .*, which has 0 to 5'):
    gallery.load(run).keyframes([0, number])


def test_a_run_without_gallery_says_how_to_make_one(tmp_path):
  with pytest.raises(errors.InputError, match=r'gallery\.npz: this run has no gallery .*tools\.make_gallery --run='):
    gallery.load(tmp_path)


@pytest.mark.parametrize('content', [b'', b'nothing', b'PK\x03\x04 cut off'])
def test_points_that_are_none_are_refused(tmp_path, content):
  (tmp_path / 'gallery.npz').write_bytes(content)
  with pytest.raises(errors.InputError, match=r'gallery\.npz: not the points of a gallery'):
    gallery.load(tmp_path)


def test_another_archive_is_refused(tmp_path):
  np.savez(tmp_path / 'gallery.npz', points=np.zeros(3))
  with pytest.raises(errors.InputError, match=r'gallery\.npz: not the points of a gallery .*z'):
    gallery.load(tmp_path)
