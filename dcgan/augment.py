"""Differentiable augmentation of what the discriminator sees, so that it cannot learn a tiny set by heart.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738. Reals and fakes are
augmented alike, in the step of D and in the step of G, and G learns through it.
"""

import tensorflow as tf

from dcgan import config


_BRIGHTNESS = 0.5  # added, of a range of 2
_CONTRAST = 0.5  # 1 ± this, about the picture's mean
_TRANSLATION_FRACTION = 0.125  # of the picture's side, to either side
_CUTOUT_FRACTION = 0.5  # side of the square that is greyed out, of the picture's side


def draw(policies, num_images, seed):
  """Returns what will be done to each of `num_images` pictures.

  Drawn for a whole minibatch, each replica takes its rows, so that any number of replicas augments alike.

  Args:
    policies: collection of names from `config.AUGMENTATIONS`.
    num_images: int.
    seed: int64 [2], for stateless random numbers.

  Returns:
    dict of float32 tensors, each [num_images, ...], to be given to `apply`.
  """
  shapes = {'colour': [num_images, 3], 'translation': [num_images, 2], 'cutout': [num_images, 2]}
  return {policy: tf.random.stateless_uniform(shapes[policy], seed + [0, i << 40], -1.0, 1.0)
          for i, policy in enumerate(config.AUGMENTATIONS) if policy in policies}


def apply(pictures, draws):
  """Returns augmented pictures; gradients pass through.

  Args:
    pictures: float32 [batch, size, size, 3] in [-1, 1].
    draws: dict from `draw`, its tensors [batch, ...] in [-1, 1].

  Returns:
    float32 [batch, size, size, 3]; colours may leave [-1, 1]. What was moved in or cut out is 0, mid-grey.
  """
  if 'colour' in draws:
    pictures = _colour(pictures, draws['colour'])
  if 'translation' in draws:
    pictures = _translation(pictures, draws['translation'])
  if 'cutout' in draws:
    pictures = _cutout(pictures, draws['cutout'])
  return pictures


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
