"""From pictures back to Z: the points at which a generator comes nearest to given pictures, and how near that is."""

import functools

import numpy as np
import tensorflow as tf

from dcgan.common import features
from dcgan.common import images as pixels
from dcgan.model import latents
from dcgan.model import losses
from dcgan.model import networks
from dcgan.training import reconstruction

_NUM_SAMPLES = 512  # that the search starts among
_NUM_STARTS = 2  # the nearest of them, for each picture
_BATCH = 64
_SAMPLES_AT_ONCE = 512
_LEARNING_RATE = 0.1  # falls to 0 along a cosine
_PRIOR_WEIGHT = 0.001  # a length off by a tenth costs as much as 0.8 grey values
# With places: what training minimizes too, and how far from its start a point may go (a mean square of 1 is as far as
# two points of the sphere that have nothing in common, divided by two).
_EDGES_WEIGHT, _NUM_SCALES = 1.0, 3
_STAY_WEIGHT = 0.02


def invert(generator, images, space=None, num_steps=200, seed=0, encoder=None):
  """Returns the points of Z whose pictures are nearest to given ones.

  Gradient descent on z, as in Lipton and Tripathi 2017 (arXiv:1702.04782) and Creswell and Bharath 2018
  (arXiv:1611.05644): Adam from the two nearest of 512 random samples; the better end counts. In all of Z it is on the
  mean squared difference of the pictures, and points stay about as long as random ones are, |z|² = z_dims, because a
  generator has learnt nothing elsewhere. In a person's region it starts from the nearest places too, goes along the
  sphere, looks at pixels and edges as training does, and stays near its start: farther away are other people. Where there
  is an encoder, one of the two starts is where it puts the picture (Zhu et al. 2016, arXiv:1609.03552).

  Differs from the papers: they start anywhere. Lipton and Tripathi keep z in its range by clipping, which a normal
  distribution does not call for; Creswell and Bharath by its likelihood, which is largest at 0, where no z lies.

  Args:
    generator: `tf.keras.Model`, as `networks.build_generator` makes it.
    images: uint8 [num_images, size, size, 3], as large as the generator's.
    space: `region.Region` or `latents.Normal`, where to look; None for all of Z.
    num_steps: int, 1 or more.
    seed: int, 0 or more, of the samples.
    encoder: `tf.keras.Model` of the same Z, as `networks.build_encoder` makes it, or None.

  Returns:
    (z, errors): float32 [num_images, z_dims], and float32 [num_images], the root mean square difference between each
    picture and the one made at its z, in grey values, 0 to 255.

  Raises:
    ValueError: `images` are not of the generator's size, type or shape, or `num_steps` is less than 1.
  """
  _check(generator, images)
  if num_steps < 1:
    raise ValueError(f'`num_steps` ({num_steps}) must be 1 or more.')
  space = space or latents.Normal(generator.input_shape[-1])
  z, _ = _nearest(generator, images, _candidates(space, _NUM_SAMPLES, seed), _NUM_STARTS)
  if encoder:
    z[:, -1] = latents.to_sphere(networks.encode(encoder, images))
  starts = z.reshape(-1, z.shape[-1])  # the starts of one picture stand together
  targets = np.repeat(np.arange(len(images)), _NUM_STARTS)
  batch_size = min(_BATCH, len(starts))
  descend = _descent(generator, num_steps, isinstance(space, latents.Normal), batch_size)
  ends = []
  for first in range(0, len(starts), batch_size):
    rows = np.minimum(np.arange(first, first + batch_size), len(starts) - 1)  # full batches: one trace
    ends.append(descend(tf.constant(starts[rows]), pixels.to_float(images[targets[rows]])).numpy())
  ends = np.concatenate(ends)[:len(starts)]
  errors = _errors(networks.generate(generator, ends), images[targets]).reshape(len(images), _NUM_STARTS)
  best = errors.argmin(axis=1)
  places = np.arange(len(images))
  return ends.reshape(z.shape)[places, best], errors[places, best]


def nearest_samples(generator, images, space=None, num_samples=_NUM_SAMPLES, seed=0):
  """Returns how near the nearest of random samples come to pictures: what inversion must beat.

  Args:
    generator: as for `invert`.
    images: likewise.
    space: likewise.
    num_samples: int, 1 or more.
    seed: int, 0 or more, of the samples.

  Returns:
    float32 [num_images], the root mean square difference of each picture and its nearest sample, in grey values.

  Raises:
    ValueError: as in `invert`, or `num_samples` is less than 1.
  """
  _check(generator, images)
  if num_samples < 1:
    raise ValueError(f'`num_samples` ({num_samples}) must be 1 or more.')
  space = space or latents.Normal(generator.input_shape[-1])
  return _nearest(generator, images, space.sample(num_samples, seed), 1)[1][:, 0]


def _candidates(space, num_samples, seed):
  """Returns the points among which a search starts, float32 [num_points, z_dims]."""
  samples = space.sample(num_samples, seed)
  return samples if isinstance(space, latents.Normal) else np.concatenate([space.places, samples])


def _check(generator, images):
  features.check('images', images)
  size_px = generator.output_shape[1]
  if images.shape[1] != size_px:
    raise ValueError(f'`images` ({images.shape[1]} px) must be as large as what the generator makes ({size_px} px).')


def _nearest(generator, images, z, num_nearest):
  """Returns the nearest of points of Z: float32 [num_images, num_nearest, z_dims], and their errors, rising."""
  flat = images.reshape(len(images), -1).astype(np.float32)
  distances = np.concatenate([
      features.squared_distances(flat, made.reshape(len(made), -1).astype(np.float32)) for made in (
          networks.generate(generator, z[first:first + _SAMPLES_AT_ONCE])
          for first in range(0, len(z), _SAMPLES_AT_ONCE))], axis=1)
  order = np.argsort(distances, axis=1, kind='stable')[:, :num_nearest]
  return z[order], np.sqrt(np.take_along_axis(distances, order, axis=1) / flat.shape[1])


def _errors(made, images):
  """Returns the root mean square difference of each pair of uint8 pictures, float32 [num_images]."""
  return np.sqrt(np.square(made.astype(np.float32) - images).mean(axis=(1, 2, 3)))


@functools.lru_cache(maxsize=1)  # photo after photo is looked for in one generator
def _descent(generator, num_steps, is_normal, batch_size):
  """Returns a function of points [batch_size, z_dims] and float pictures that returns where Adam takes the points.

  Each row goes its own way: the loss is a sum over rows, and Adam's scale is one for each value.
  """
  lose = _loss if is_normal else _loss_in_region
  z = tf.Variable(tf.zeros([batch_size, generator.input_shape[-1]]))
  adam = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, num_steps))
  adam.build([z])

  @tf.function
  def descend(start, targets):
    z.assign(start)
    for variable in adam.variables:  # each batch begins at rest
      variable.assign(tf.zeros_like(variable))
    for _ in tf.range(num_steps):
      with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(z)
        loss = lose(generator, z, start, targets)
      adam.apply_gradients([(tape.gradient(loss, z), z)])
    return tf.identity(z) if is_normal else reconstruction.to_sphere(z)

  return descend


def _loss(generator, z, start, targets):
  del start
  differences = tf.reduce_mean(tf.math.squared_difference(generator(z, training=False), targets), axis=[1, 2, 3])
  lengths = tf.reduce_mean(tf.square(z), axis=1)
  return tf.reduce_sum(differences + _PRIOR_WEIGHT * tf.square(lengths - 1.0))


def _loss_in_region(generator, z, start, targets):
  z = reconstruction.to_sphere(z)
  made = generator(z, training=False)
  num = tf.cast(tf.shape(z)[0], tf.float32)
  distance = tf.reduce_mean(tf.abs(made - targets)) + _EDGES_WEIGHT * losses.edge_distance(targets, made, _NUM_SCALES)
  return num * (distance + _STAY_WEIGHT * tf.reduce_mean(tf.math.squared_difference(z, start)))
