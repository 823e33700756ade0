"""Inception's features, of which FID and KID are made."""

import os

import h5py
import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import features
from dcgan.common import images

_SIZE_PX = 299  # Szegedy et al. 2016, arXiv:1512.00567
_NUM_FEATURES = 2048
_BATCH = 32
_WITHOUT = 'leave out FID and KID with --inception_weights=none'


def load(weights):
  """Returns a function from pictures to the features of the last layer but one of Inception-v3 (arXiv:1512.00567).

  These are Keras' own ImageNet weights. FID and KID were published on those of the Inception graph of 2015 (TF-Slim),
  and values from the two networks are different numbers: compare only with values of the same weights.

  Args:
    weights: 'imagenet' for the weights that Keras downloads once and keeps, or the path of an HDF5 file of Keras'
      InceptionV3, weights or whole model, with its classes or without.

  Returns:
    A function: uint8 [num_images, size, size, 3] → float32 [num_images, 2048], 0 or more. Pictures are resized to
    299 px, bilinear as for the published FID, but antialiased where they shrink.

  Raises:
    errors.InputError: the download failed, the file is missing, cut off or no HDF5, or holds other weights.
      The function raises ValueError where its pictures have another type or shape, or are none.
  """
  if weights == 'imagenet':
    model = _from_keras()
  else:
    model = _from_file(weights)

  @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
  def forward(pictures):
    return model(tf.image.resize(images.to_float(pictures), [_SIZE_PX] * 2, antialias=True), training=False)

  def features_of(pictures):
    features.check('pictures', pictures)
    return np.concatenate([forward(pictures[i:i + _BATCH]) for i in range(0, len(pictures), _BATCH)])

  return features_of


def _from_keras():
  try:
    return tf.keras.applications.InceptionV3(include_top=False, pooling='avg')
  except Exception as error:  # Keras raises just this where a download fails  # pylint: disable=broad-except
    raise errors.InputError(f'`inception_weights` (imagenet) cannot be had here ({errors.reason(error)}): '
                            f'{_WITHOUT}, or give a file of these weights.') from error


def _from_file(path):
  """Returns a Keras model with the weights of a file, up to the pooled features."""
  if not os.path.isfile(path):
    raise errors.InputError(f'`inception_weights` ({path}): no such file. Correct the path, or {_WITHOUT}.')
  if not h5py.is_hdf5(path):
    raise errors.InputError(f'`inception_weights` ({path}) is not an HDF5 file. Correct the path, or {_WITHOUT}.')
  try:
    num_classes = _num_classes(path)
    options = dict(classes=num_classes) if num_classes else dict(include_top=False, pooling='avg')
    model = tf.keras.applications.InceptionV3(weights=None, **options)
    model.load_weights(path)
  except (ValueError, KeyError, OSError) as error:
    raise errors.InputError(f'`inception_weights` ({path}) does not hold the weights of InceptionV3 '
                            f'({errors.reason(error)}). Correct the path, or {_WITHOUT}.') from error
  return tf.keras.Model(model.input, model.layers[-2].output) if num_classes else model


def _num_classes(path):
  """Returns the number of classes that the last layer in a file tells apart, 0 where it has none."""
  shapes = []
  with h5py.File(path) as file:
    file.visititems(lambda _, node: shapes.append(node.shape) if isinstance(node, h5py.Dataset) else None)
  kernels = [shape for shape in shapes if len(shape) == 2 and shape[0] == _NUM_FEATURES]
  return kernels[0][1] if len(kernels) == 1 else 0
