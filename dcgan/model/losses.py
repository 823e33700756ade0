"""Generator and discriminator losses on logits, and the discriminator's penalties.

Each returns float32 [], the mean over the images given. One that trains on several replicas divides it by their
number, because optimizers add the replicas' gradients up.
"""

import tensorflow as tf


def discriminator_loss(real_logits, fake_logits):
  """Returns the discriminator's cross entropy, E[-log D(x)] + E[-log(1 - D(G(z)))] (Goodfellow et al. 2014).

  Args:
    real_logits: float32 [batch, 1], unbounded; D(x) is their sigmoid.
    fake_logits: float32 [batch, 1].

  Returns:
    float32 [], 0 or more; 2 ln 2 = 1.386 where the discriminator cannot tell.
  """
  return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def generator_loss(fake_logits):
  """Returns the generator's cross entropy, E[-log D(G(z))], the form that keeps its gradient where D is sure.

  Goodfellow et al. 2014, arXiv:1406.2661, section 3.

  Args:
    fake_logits: float32 [batch, 1], unbounded.

  Returns:
    float32 [], 0 or more; ln 2 = 0.693 where the discriminator cannot tell.
  """
  return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def r1_penalty(real_logits, real_images, tape):
  """Returns the R1 gradient penalty of the discriminator on real images.

  E[||grad_x D(x)||²] / 2 (Mescheder et al. 2018, arXiv:1801.04406), without its weight gamma.

  Args:
    real_logits: float32 [batch, 1], unbounded.
    real_images: float32 [batch, height, width, 3] in [-1, 1], watched by `tape`.
    tape: the `tf.GradientTape` that recorded `real_logits`; it must be the inner of two, or persistent.

  Returns:
    float32 [], the mean over this replica's images.

  Raises:
    ValueError: `real_images` was not watched by `tape`.
  """
  gradients = tape.gradient(real_logits, real_images)  # of their sum
  if gradients is None:
    raise ValueError('`real_images` must be watched by `tape` while the discriminator judges them.')
  return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]))


def edge_distance(real_images, fake_images, num_scales):
  """Returns how far the edges of pictures are from those of others, from fine to coarse.

  The mean absolute difference of the horizontal and vertical differences (Mathieu et al. 2016, arXiv:1511.05440) at
  each scale, and half of that of the halved pictures themselves.

  Args:
    real_images: float32 [batch, height, width, 3], whose sides can be halved `num_scales` times.
    fake_images: likewise.
    num_scales: int, 1 or more.

  Returns:
    float32 [], 0 or more, the sum over the scales.
  """
  difference, total = real_images - fake_images, 0.0
  for _ in range(num_scales):
    total += tf.reduce_mean(tf.abs(difference[:, 1:] - difference[:, :-1]))
    total += tf.reduce_mean(tf.abs(difference[:, :, 1:] - difference[:, :, :-1]))
    difference = tf.nn.avg_pool2d(difference, 2, 2, 'VALID')
    total += 0.5 * tf.reduce_mean(tf.abs(difference))
  return total


def feature_distance(real_features, fake_features):
  """Returns the mean absolute difference of features over their mean size, float32 [], the mean over the layers.

  Args:
    real_features: dict from names of layers to [batch, ...], as `networks.build_features` gives it.
    fake_features: likewise.
  """
  distances = []
  for name, features in real_features.items():
    real, fake = tf.cast(features, tf.float32), tf.cast(fake_features[name], tf.float32)
    distances.append(tf.reduce_mean(tf.abs(real - fake)) / (tf.reduce_mean(tf.abs(real)) + 1e-6))
  return tf.reduce_mean(distances)
