"""Pulls the places of pictures to where a linear function of them tells what the pictures show."""

import numpy as np
import tensorflow as tf

from dcgan.training import reconstruction

_RIDGE = 0.1  # in units of the mean variance along an axis of Z
_LEAST = 1e-6


class Arrangement:
  """The pull on the places of a person's pictures.

  Args:
    targets: float32 [num_pictures, num_targets], as `arrangement.read_targets` gives them; NaN in the rows of pictures
      that are not pulled.
  """

  def __init__(self, targets):
    self._targets = tf.constant(np.nan_to_num(targets), tf.float32)
    self._takes_part = tf.constant(np.isfinite(targets).all(axis=1, keepdims=True), tf.float32)

  def pull(self, places, gradient, has_joined, is_seen):
    """Returns what is to be added to the gradient of the places, float32 [num_pictures, z_dims].

    It is the gradient of what ridge regression on the places leaves unexplained of the targets, as long as `gradient`
    where nothing is explained, and shorter the more is.

    Args:
      places: float32 [num_pictures, z_dims].
      gradient: float32 [num_pictures, z_dims], of the reconstruction, 0 in the rows of pictures that are not seen.
      has_joined: float32 [num_pictures, 1], 1 for those that were seen so far, else 0.
      is_seen: likewise, for those that are to move now.
    """
    is_used = self._takes_part * has_joined
    on_sphere = reconstruction.to_sphere(places)
    mean = tf.reduce_sum(is_used * on_sphere, axis=0) / tf.maximum(tf.reduce_sum(is_used), 1.0)
    centred, targets = is_used * (on_sphere - mean), is_used * self._targets
    covariance = tf.matmul(centred, centred, transpose_a=True)
    z_dims = places.shape[-1]
    ridge = (_RIDGE * tf.linalg.trace(covariance) / z_dims + _LEAST) * tf.eye(z_dims)
    slopes = tf.linalg.cholesky_solve(tf.linalg.cholesky(covariance + ridge),
                                      tf.matmul(centred, targets, transpose_a=True))
    missing = tf.matmul(centred, slopes) - targets
    share = tf.norm(missing) / (tf.norm(targets) + _LEAST)
    pull = is_seen * tf.matmul(missing, slopes, transpose_b=True)
    return tf.where(is_seen > 0.0, share * tf.norm(gradient) / (tf.norm(pull) + _LEAST) * pull, 0.0)
