"""Generator and discriminator losses on logits, and the discriminator's penalties.

Each returns float32 [], the mean over the images given. One that trains on several replicas divides it by their
number, because optimizers add the replicas' gradients up.
"""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Pair:
  """The losses of both networks.

  Attributes:
    discriminator: callable of real and fake logits and the one-sided label smoothing.
    generator: callable of fake logits.
    boundary: float, the logit between what the discriminator holds for fake and for real.
  """

  discriminator: object
  generator: object
  boundary: float


def nonsaturating_discriminator_loss(real_logits, fake_logits, label_smoothing=0.0):
  """Returns the discriminator's cross entropy, E[-log D(x)] + E[-log(1 - D(G(z)))].

  Goodfellow et al. 2014, arXiv:1406.2661; one-sided label smoothing: Salimans et al. 2016, arXiv:1606.03498.

  Args:
    real_logits: float32 [batch, 1], unbounded; D(x) is their sigmoid.
    fake_logits: float32 [batch, 1].
    label_smoothing: float in [0, 1); the reals' label is 1 less this.

  Returns:
    float32 [], 0 or more; 2 ln 2 = 1.386 where the discriminator cannot tell.
  """
  # With the label y, -y log σ(l) - (1 - y) log(1 - σ(l)) = softplus(-l) + (1 - y) l.
  real_loss = tf.nn.softplus(-real_logits) + label_smoothing * real_logits
  return tf.reduce_mean(real_loss) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def nonsaturating_generator_loss(fake_logits):
  """Returns the generator's cross entropy, E[-log D(G(z))], the form that keeps its gradient where D is sure.

  Goodfellow et al. 2014, arXiv:1406.2661, section 3.

  Args:
    fake_logits: float32 [batch, 1], unbounded.

  Returns:
    float32 [], 0 or more; ln 2 = 0.693 where the discriminator cannot tell.
  """
  return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def hinge_discriminator_loss(real_logits, fake_logits, label_smoothing=0.0):
  """Returns the hinge loss, E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Lim and Ye 2017, arXiv:1705.02894).

  Args:
    real_logits: float32 [batch, 1], unbounded.
    fake_logits: float32 [batch, 1].
    label_smoothing: 0; the loss has no labels.

  Returns:
    float32 [], 0 or more; 2 where every logit is 0.
  """
  del label_smoothing
  return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))


def hinge_generator_loss(fake_logits):
  """Returns the generator's side of the hinge loss, E[-D(G(z))].

  Args:
    fake_logits: float32 [batch, 1], unbounded.

  Returns:
    float32 [], unbounded.
  """
  return -tf.reduce_mean(fake_logits)


def least_squares_discriminator_loss(real_logits, fake_logits, label_smoothing=0.0):
  """Returns the least squares loss, (E[(D(x) - 1)²] + E[D(G(z))²]) / 2 (Mao et al. 2017, arXiv:1611.04076).

  Args:
    real_logits: float32 [batch, 1], unbounded.
    fake_logits: float32 [batch, 1].
    label_smoothing: float in [0, 1); the reals' label is 1 less this.

  Returns:
    float32 [], 0 or more; 1/4 where every logit is 1/2.
  """
  real_loss = tf.square(real_logits - (1.0 - label_smoothing))
  return 0.5 * (tf.reduce_mean(real_loss) + tf.reduce_mean(tf.square(fake_logits)))


def least_squares_generator_loss(fake_logits):
  """Returns the generator's side of the least squares loss, E[(D(G(z)) - 1)²] / 2.

  Args:
    fake_logits: float32 [batch, 1], unbounded.

  Returns:
    float32 [], 0 or more.
  """
  return 0.5 * tf.reduce_mean(tf.square(fake_logits - 1.0))


LOSSES = {
    'nonsaturating': Pair(nonsaturating_discriminator_loss, nonsaturating_generator_loss, boundary=0.0),
    'hinge': Pair(hinge_discriminator_loss, hinge_generator_loss, boundary=0.0),
    'least_squares': Pair(least_squares_discriminator_loss, least_squares_generator_loss, boundary=0.5),
}


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
