"""Tests of dcgan.metrics.inception."""

import os

import h5py
import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.metrics import inception


@pytest.fixture(name='network', scope='module')
def fixture_network():
  """A Keras InceptionV3 of 7 classes with random weights."""
  tf.keras.utils.set_random_seed(0)
  return tf.keras.applications.InceptionV3(weights=None, classes=7)


@pytest.fixture(name='expected', scope='module')
def fixture_expected(network):
  """float32 [3, 2048], Keras' features of `draw_pictures(3, 299)`."""
  mixed = tf.keras.Model(network.input, network.get_layer('mixed10').output).predict(
      tf.keras.applications.inception_v3.preprocess_input(draw_pictures(3, 299).astype(np.float32)), verbose=0)
  return mixed.mean(axis=(1, 2))


def draw_pictures(num_pictures, size_px):
  return np.random.default_rng(1).integers(0, 256, [num_pictures, size_px, size_px, 3], np.uint8)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file')
@pytest.mark.parametrize('file', ['inception.h5', 'inception.weights.h5', 'without_classes.h5', 'whole_model.h5'])
def test_features_are_those_of_keras_from_each_kind_of_file(network, expected, tmp_path, file):
  path = str(tmp_path / file)
  if file == 'whole_model.h5':
    network.save(path)
  elif file == 'without_classes.h5':
    tf.keras.Model(network.input, network.get_layer('mixed10').output).save_weights(path)
  else:
    network.save_weights(path)
  features = inception.load(path)(draw_pictures(3, 299))
  assert features.dtype == np.float32 and features.shape == (3, 2048)
  np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_small_pictures_are_enlarged_and_batches_do_not_matter(network, tmp_path):
  network.save_weights(str(tmp_path / 'inception.h5'))
  features_of = inception.load(str(tmp_path / 'inception.h5'))
  pictures = draw_pictures(34, 8)  # one batch of 32, one of 2
  features = features_of(pictures)
  assert features.shape == (34, 2048)
  np.testing.assert_allclose(features_of(pictures[[33, 0]]), features[[33, 0]], rtol=1e-3, atol=1e-6)
  large = tf.image.resize(pictures[:2], [299, 299]).numpy().round().astype(np.uint8)
  np.testing.assert_allclose(features_of(large), features[:2], rtol=0.05, atol=1e-4)  # rounded greys
  with pytest.raises(ValueError, match=r'`pictures` is float32 \[34, 8, 8, 3\], but must be uint8'):
    features_of(pictures.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize('file', ['dense.h5', 'dense.weights.h5'])
def test_weights_of_another_network_are_told_with_their_file(tmp_path, file):
  path = str(tmp_path / file)
  tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=[4])]).save_weights(path)
  with pytest.raises(errors.InputError, match=f'`inception_weights` .*{file}. does not hold the weights of Incep'):
    inception.load(path)


@pytest.mark.slow
def test_inception_of_other_shapes_is_told_with_its_file(network, tmp_path):
  path = str(tmp_path / 'narrow.h5')
  network.save_weights(path)
  with h5py.File(path, 'a') as file:
    group = file[file.attrs['layer_names'][1]]
    name = group.attrs['weight_names'][0]
    kernel = group[name][...]
    del group[name]
    group[name] = kernel[..., :5]
  with pytest.raises(errors.InputError, match='narrow.h5. does not hold the weights of InceptionV3'):
    inception.load(path)


@pytest.mark.slow
def test_hdf5_without_weights_is_told_with_its_file(tmp_path):
  path = str(tmp_path / 'numbers.h5')
  with h5py.File(path, 'w') as file:
    file['numbers'] = np.arange(4)
  with pytest.raises(errors.InputError, match='`inception_weights` .*numbers.h5. does not hold the weights of Incep'):
    inception.load(path)


def test_a_file_that_is_cut_off_is_told_with_its_path(tmp_path):
  path = tmp_path / 'cut.h5'
  with h5py.File(path, 'w') as file:
    file['numbers'] = np.arange(4000)
  os.truncate(path, 5000)
  with pytest.raises(errors.InputError, match='`inception_weights` .*cut.h5. does not hold .*truncated'):
    inception.load(str(path))


def test_a_file_of_another_kind_is_told_with_its_path(tmp_path):
  (tmp_path / 'inception.h5').write_bytes(b'<html>Not found</html>')
  with pytest.raises(errors.InputError, match='`inception_weights` .*inception.h5. is not an HDF5 file'):
    inception.load(str(tmp_path / 'inception.h5'))


@pytest.mark.parametrize('path', ['no/such/file.h5', '.'])
def test_a_missing_file_is_told_with_its_path(path):
  with pytest.raises(errors.InputError, match=rf'`inception_weights` \({path}\): no such file.*inception_weights=none'):
    inception.load(path)


@pytest.mark.slow
def test_a_download_that_fails_is_told_in_one_line_with_what_to_do(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))  # an empty cache
  monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')  # where nobody answers
  with pytest.raises(errors.InputError, match=r'`inception_weights` \(imagenet\) cannot be had here .*fetch failure.*'
                     r'leave out FID and KID with --inception_weights=none') as caught:
    inception.load('imagenet')
  assert '\n' not in str(caught.value)
