"""Differentiable augmentation of what the discriminator sees, so that it cannot learn a tiny set by heart.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738. Reals and fakes are
augmented alike, in the step of D and in the step of G, and G learns through it. How often can adapt itself: Karras et
al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676.
"""

import tensorflow as tf

from dcgan.options import config


_BRIGHTNESS = 0.5  # added, of a range of 2
_CONTRAST = 0.5  # 1 ± this, about the picture's mean
_TRANSLATION_FRACTION = 0.125  # of the picture's side, to either side
_CUTOUT_FRACTION = 0.5  # side of the square that is greyed out, of the picture's side
_NUM_DRAWS = {'colour': 3, 'translation': 2, 'cutout': 2, 'flip': 1}
# What leaves a picture as it is: a cutout far outside of it.
_NOTHING = {'colour': 0.0, 'translation': 0.0, 'cutout': 10.0, 'flip': 0.0}
_ADAPT_EVERY_STEPS = 4  # minibatches, as in the paper


def draw(policies, num_images, seed, probability=1.0):
  """Returns what will be done to each of `num_images` pictures.

  Drawn for a whole minibatch, each replica takes its rows, so that any number of replicas augments alike.

  Args:
    policies: collection of names from `config.AUGMENTATIONS`.
    num_images: int.
    seed: int64 [2], for stateless random numbers.
    probability: float32 [] in [0, 1], with which each policy is applied to each picture, one apart from another.

  Returns:
    dict of float32 tensors, each [num_images, ...], to be given to `apply`.
  """
  draws = {}
  for i, policy in enumerate(config.AUGMENTATIONS):
    if policy in policies:
      # The last column decides whether, the others how.
      values = tf.random.stateless_uniform([num_images, _NUM_DRAWS[policy] + 1], seed + [0, i << 40], -1.0, 1.0,
                                           alg='philox')
      is_applied = 0.5 * (values[:, -1:] + 1.0) < probability
      draws[policy] = tf.where(is_applied, values[:, :-1], _NOTHING[policy])
  return draws


def apply(pictures, draws):
  """Returns augmented pictures; gradients pass through.

  Args:
    pictures: float32 [batch, size, size, 3] in [-1, 1].
    draws: dict from `draw`, its tensors [batch, ...] in [-1, 1], or far outside for a cutout that is none.

  Returns:
    float32 [batch, size, size, 3]; colours may leave [-1, 1]. What was moved in or cut out is 0, mid-grey.
  """
  for policy, change in (('flip', _flip), ('colour', _colour), ('translation', _translation), ('cutout', _cutout)):
    if policy in draws:
      pictures = change(pictures, draws[policy])
  return pictures


class Adaptive(tf.Module):
  """How often pictures are augmented: more where the discriminator is too sure of reals, else less.

  The mean sign of its logits of reals is 0 where it cannot tell, and 1 where it knows them by heart (r_t in section 3.1
  of the paper). Its variables belong into the checkpoint.

  Attributes:
    probability: float32 [] variable in [0, 1].
  """

  def __init__(self, options):
    """Starts at `options.augment_probability`.

    Args:
      options: `config.Augmentation`.
    """
    super().__init__(name='augmentation')
    self._options = options
    self.probability = tf.Variable(float(options.augment_probability), trainable=False, name='probability')
    self._sum_of_signs = tf.Variable(0.0, trainable=False, name='sum_of_signs')

  def update(self, mean_sign, global_step, global_batch_size):
    """Takes in one minibatch; every four, moves the probability by what they have seen. In a graph.

    Args:
      mean_sign: float32 [] in [-1, 1], of the logits of reals.
      global_step: int64 [], minibatches trained before this one.
      global_batch_size: int.
    """
    if self._options.augment_mode != 'adaptive':
      return
    total = self._sum_of_signs + mean_sign
    is_due = tf.equal((global_step + 1) % _ADAPT_EVERY_STEPS, 0)
    way = tf.sign(total / _ADAPT_EVERY_STEPS - self._options.augment_target)
    step = way * (_ADAPT_EVERY_STEPS * global_batch_size / self._options.augment_ramp_images)
    self.probability.assign(tf.where(is_due, tf.clip_by_value(self.probability + step, 0.0, 1.0), self.probability))
    self._sum_of_signs.assign(tf.where(is_due, 0.0, total))


def _flip(pictures, draws):
  """Mirrors a picture left to right where its draw is under 0."""
  return tf.where(draws[:, :, tf.newaxis, tf.newaxis] < 0.0, tf.reverse(pictures, axis=[2]), pictures)


def _colour(pictures, draws):
  """Brightness, then saturation about each pixel's grey, then contrast about each picture's mean."""
  brightness, saturation, contrast = (value[:, tf.newaxis, tf.newaxis, tf.newaxis]
                                      for value in tf.unstack(draws, axis=1))
  pictures += _BRIGHTNESS * brightness
  grey = tf.reduce_mean(pictures, axis=3, keepdims=True)
  pictures = grey + (pictures - grey) * (1.0 + saturation)
  mean = tf.reduce_mean(pictures, axis=[1, 2, 3], keepdims=True)
  return mean + (pictures - mean) * (1.0 + _CONTRAST * contrast)


def _translation(pictures, draws):
  """Moves each picture by whole pixels. Products with shifted unit matrices: fast everywhere, and XLA compiles them."""
  size = pictures.shape[1]
  shifts = tf.round(draws * (_TRANSLATION_FRACTION * size))
  place = tf.range(size, dtype=tf.float32)
  # [batch, 2, to, from]: 1 where the pixel `from` lands on `to`.
  moves = tf.cast(place[:, tf.newaxis] - place == shifts[:, :, tf.newaxis, tf.newaxis], tf.float32)
  moved = tf.einsum('btf,bfwc->btwc', moves[:, 0], pictures)
  return tf.einsum('btf,bhfc->bhtc', moves[:, 1], moved)


def _cutout(pictures, draws):
  """Greys out a square of half the side, whose centre lies anywhere in the picture."""
  size = pictures.shape[1]
  centres = (draws + 1.0) * (0.5 * size)
  place = tf.range(size, dtype=tf.float32) + 0.5
  near = tf.cast(tf.abs(place - centres[:, :, tf.newaxis]) < 0.5 * _CUTOUT_FRACTION * size, tf.float32)
  cut = near[:, 0, :, tf.newaxis, tf.newaxis] * near[:, 1, tf.newaxis, :, tf.newaxis]
  return pictures * (1.0 - cut)
