"""Learns to make pictures at their places in Z, beside the game of G and D; a subclass says what the places are."""

import math

from absl import logging
import tensorflow as tf

from dcgan.common import images
from dcgan.model import losses
from dcgan.model import networks
from dcgan.model import weights
from dcgan.training import learner

_NUM_SCALES = 3
# Streams of random numbers, after those of `learner`.
_SHAKEN, _SIZES, _BETWEEN, _FRACTIONS = range(learner.NUM_STREAMS, learner.NUM_STREAMS + 4)


class ReconstructionLearner(learner.Learner):
  """The step of a model in which each picture has a place in Z, where G learns to make it.

  By its pixels, its edges at three scales, and what the discriminator's layers see in it. The adversarial loss sees
  those pictures and others made between the places of a minibatch, so that what lies between is as sharp.

  Points are brought to the sphere before G sees them, and shaken a little, so that a place is a small ball.

  A subclass gives `_places_of`, `_apply_to_g_and_places`, `num_alone` and what `learner.Learner` asks for, and calls
  `_learn_pictures`.

  Attributes:
    num_alone: int, minibatches at the start for reconstruction alone.
    encoder: `tf.keras.Model`, images → z; None in a run without one.
    encoder_ema: the averaged encoder, or None.
    encoder_optimizer: Adam, or None.
  """

  METRICS = ('loss/generator', 'loss/discriminator', 'loss/reconstruction', 'loss/pixels', 'logits/real',
             'logits/fake', 'logits/real_sign', 'gradients/generator', 'gradients/discriminator', 'penalty/r1')
  num_alone = 0
  encoder = encoder_ema = encoder_optimizer = None

  def __init__(self, options, strategy, has_encoder):
    """Builds everything, as `learner.Learner`, and with `has_encoder` (bool) an encoder."""
    super().__init__(options, strategy)
    if has_encoder:
      build = lambda: networks.build_encoder(options.networks, options.training.precision, options.training.seed)
      with strategy.scope():
        self.encoder, self.encoder_ema = build(), build()
        self.encoder_optimizer = self._build_optimizer(self.encoder)
    self._num_between = math.ceil(options.places.between_fraction * self._per_replica_batch_size)
    self._step, self._step_alone = self._compiled(self._replica_step), self._compiled(self._reconstruct)
    self._judge = tf.keras.Model(self.discriminator.inputs, (
        self.discriminator.output, networks.build_features(self.discriminator).output), name='judge')

  @property
  def state(self):
    return super().state | self._encoders | ({'encoder_optimizer': self.encoder_optimizer} if self.encoder else {})

  @property
  def networks(self):
    return super().networks | self._encoders

  @property
  def optimizers(self):
    return super().optimizers + ((self.encoder_optimizer,) if self.encoder else ())

  @property
  def averaged(self):
    return super().averaged + (((self.encoder_ema, self.encoder),) if self.encoder else ())

  @property
  def _encoders(self):
    return {'encoder': self.encoder, weights.ENCODER: self.encoder_ema} if self.encoder else {}

  def _count_alone(self, num_pictures):
    """Returns how many minibatches are for reconstruction alone, of the pictures that are there at the start."""
    options = self.options
    num_alone = -(-options.places.alone_visits * num_pictures // options.data.global_batch_size)
    if num_alone >= options.training.num_minibatches:
      logging.warning('All %d minibatches are for reconstruction alone, which leaves pictures soft: %d pictures are '
                      'seen %d times first. Raise --num_minibatches to %d, or lower --alone_visits.',
                      options.training.num_minibatches, num_pictures, options.places.alone_visits, num_alone * 4 // 3)
    return num_alone

  def _learn_pictures(self, minibatch):
    """Learns from (pixels, numbers), of which `_places_of` sees both; returns the metrics, as `_learn`."""
    if not self.num_alone:
      return self._with_r1_where_due(self._step, minibatch)
    return tf.cond(self.global_step < self.num_alone, lambda: self._on_replicas(self._step_alone, minibatch),
                   lambda: self._with_r1_where_due(self._step, minibatch))

  def _places_of(self, tape, real_images, numbers):
    """Returns the places of all pictures of the minibatch, of all replicas, float32 [global_batch_size, z_dims].

    Args:
      tape: the `tf.GradientTape` that records, by which `_apply_to_g_and_places` moves them.
      real_images: float32 [per_replica_batch, size, size, 3], this replica's.
      numbers: as the subclass gave them to `_learn_pictures`.
    """
    raise NotImplementedError

  def _apply_to_g_and_places(self, tape, objective, places, numbers):
    """Updates G, and what `places` came from, as `_apply`; returns the norm of G's gradients."""
    raise NotImplementedError

  def _reconstruct(self, minibatch):
    """Trains places and G by pixels and edges alone; returns the metrics as `_replica_step` does."""
    pixels, numbers = minibatch
    real_images = images.to_float(pixels)
    with tf.GradientTape() as tape:
      places = self._places_of(tape, real_images, numbers)
      made = self.generator(self._points(places)[:self._per_replica_batch_size], training=True)
      pixels_loss, reconstruction = self._pixels_and_edges(real_images, made)
    norm = self._apply_to_g_and_places(tape, reconstruction, places, numbers)
    return dict.fromkeys(self.METRICS, tf.constant(0.0)) | {
        'gradients/generator': norm, 'loss/reconstruction': reconstruction, 'loss/pixels': pixels_loss}

  def _replica_step(self, minibatch, has_r1):
    """Trains places, G and D at once, from one pass of each: another look of D at the fakes would take a sixth longer.

    Args:
      minibatch: this replica's pictures, and the numbers, as for `_places_of`.
      has_r1: bool.

    Returns:
      dict of float32 [] by `METRICS`.
    """
    pixels, numbers = minibatch
    options = self.options.places
    real_images = images.to_float(pixels)
    num_pictures = self._per_replica_batch_size
    with tf.GradientTape(persistent=True) as tape:
      places = self._places_of(tape, real_images, numbers)
      fake_images = self.generator(self._points(places), training=True)
      made, real_seen, fake_seen = fake_images[:num_pictures], *self._seen(real_images, fake_images)
      with tf.GradientTape(watch_accessed_variables=False) as image_tape:
        if has_r1:
          image_tape.watch(real_seen)
        real_logits, real_features = self._judge(real_seen, training=True)
      fake_logits, fake_features = self._judge(fake_seen, training=True)
      r1 = losses.r1_penalty(real_logits, real_seen, image_tape) if has_r1 else tf.constant(0.0)
      discriminator_loss = losses.discriminator_loss(real_logits, fake_logits)
      regularization = self.options.regularization
      objective = discriminator_loss + regularization.r1_gamma * regularization.r1_every_steps * r1
      generator_loss = losses.generator_loss(fake_logits)
      pixels_loss, reconstruction = self._pixels_and_edges(real_images, made)
      reconstruction += options.features_weight * losses.feature_distance(
          {name: tf.stop_gradient(value) for name, value in real_features.items()},
          {name: value[:num_pictures] for name, value in fake_features.items()})
      loss = reconstruction + options.adversarial_weight * generator_loss
    norm = self._apply_to_g_and_places(tape, loss, places, numbers)
    discriminator_norm = self._apply(tape, objective, self.discriminator.trainable_variables,
                                     self.discriminator_optimizer)
    return {'loss/generator': generator_loss, 'loss/discriminator': discriminator_loss,
            'loss/reconstruction': reconstruction, 'loss/pixels': pixels_loss,
            'logits/real': tf.reduce_mean(real_logits), 'logits/fake': tf.reduce_mean(fake_logits),
            'logits/real_sign': tf.reduce_mean(tf.sign(real_logits)), 'gradients/generator': norm,
            'gradients/discriminator': discriminator_norm, 'penalty/r1': r1}

  def _pixels_and_edges(self, real_images, made):
    """Returns how far pixels are off, and the loss of a reconstruction but for D's features, float32 [] each."""
    options = self.options.places
    pixels_loss = tf.reduce_mean(tf.abs(real_images - made))
    edges_loss = losses.edge_distance(real_images, made, _NUM_SCALES)
    return pixels_loss, options.pixels_weight * pixels_loss + options.edges_weight * edges_loss

  def _points(self, places):
    """Returns what this replica's G sees of the places of a minibatch: its own, shaken, and points between them."""
    on_sphere = to_sphere(places)
    size = self._drawn([len(places), 1], _SIZES) * self.options.places.places_noise
    noise = tf.random.stateless_normal(places.shape, self._seed(_SHAKEN), alg='philox')
    z = self._replica_rows(to_sphere(on_sphere + size * noise))
    if not self._num_between:
      return z
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    between = self._between(on_sphere)[replica * self._num_between:][:self._num_between]
    return tf.concat([z, between], axis=0)

  def _between(self, places):
    """Returns points on arcs between the places of a minibatch, float32 [num_between of all replicas, z_dims]."""
    num_pictures, num_points = len(places), self._num_between * self.strategy.num_replicas_in_sync
    order = tf.argsort(self._drawn([num_pictures], _BETWEEN))
    starts, ends = order[:num_points], tf.gather(order, (tf.range(num_points) + num_pictures // 2) % num_pictures)
    fractions = self._drawn([num_pictures, 1], _FRACTIONS)[:num_points]
    # On the sphere the straight line's points, brought back to it, are those of the arc.
    return to_sphere((1.0 - fractions) * tf.gather(places, starts) + fractions * tf.gather(places, ends))

  def _drawn(self, shape, stream):
    """Returns uniform numbers in [0, 1), the same on each replica."""
    return tf.random.stateless_uniform(shape, self._seed(stream), alg='philox')

  def _seen(self, real_images, fake_images):
    """Returns what D sees: the same is done to a picture and to the one made at its place, so that they compare."""
    if not self.options.augmentation.augment:
      return real_images, fake_images
    num_pictures = self._per_replica_batch_size
    real = self._augmented(real_images, learner.REAL)
    made = self._augmented(fake_images[:num_pictures], learner.REAL)
    if not self._num_between:
      return real, made
    extra = tf.concat([fake_images[num_pictures:]] + [fake_images[:num_pictures - self._num_between]], axis=0)
    return real, tf.concat([made, self._augmented(extra, learner.FAKE)[:self._num_between]], axis=0)


def to_sphere(z):
  """As `latents.to_sphere`, in the graph."""
  return z * tf.math.rsqrt(tf.maximum(tf.reduce_mean(tf.square(z), axis=-1, keepdims=True), 1e-12))
