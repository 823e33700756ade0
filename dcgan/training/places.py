"""Learns a person: each picture gets its place in Z, learnt together with the generator, beside the game of G and D."""

import json
import math

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan.common import images
from dcgan.data import admission
from dcgan.model import latents
from dcgan.model import losses
from dcgan.model import networks
from dcgan.model import region
from dcgan.training import learner

PLACES = 'places'  # in the checkpoint
_NUM_SCALES = 3
_BETA_2, _EPSILON = 0.9, 1e-8
# Streams of random numbers, after those of `learner`.
_SHAKEN, _SIZES, _BETWEEN, _FRACTIONS = range(learner.NUM_STREAMS, learner.NUM_STREAMS + 4)


class PlaceLearner(learner.Learner):
  """The state of training with places and its step.

  A GAN of a few hundred pictures keeps one expression and forgets the rest, because nothing ties a picture to a point
  of Z. Here each picture has such a point, its place, and the generator learns to make the picture there: by its
  pixels, its edges at three scales, and what the discriminator's layers see in it. The adversarial loss sees those
  pictures and others made between the places of a minibatch, so that what lies between is as sharp. After Bojanowski
  et al. 2018 (GLO, arXiv:1707.05776) and Nitzan et al. 2022 (MyStyle, arXiv:2203.17272).

  Points are brought to the sphere before G sees them, and shaken a little, so that a place is a small ball.

  Differs from MyStyle: places are not looked for once by an encoder and then kept; they are learnt all along, and begin
  around one point.

  Attributes:
    admission: `admission.Admission`, of the pictures that are trained on.
  """

  METRICS = ('loss/generator', 'loss/discriminator', 'loss/reconstruction', 'loss/pixels', 'logits/real',
             'logits/fake', 'logits/real_sign', 'gradients/generator', 'gradients/discriminator', 'penalty/r1')
  wants_numbers = True

  def __init__(self, options, strategy, training_set):
    """Builds everything, as `learner.Learner`.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.
      training_set: `input_pipeline.TrainingSet`; its keys, times and looks are read, not its pictures.
    """
    super().__init__(options, strategy)
    trained_on = training_set.trained_on
    times_secs = training_set.times_secs[trained_on]
    descriptors = training_set.descriptors[trained_on]
    self.admission = admission.admit(descriptors, options.data.global_batch_size, options.places.visits,
                                     options.places.first_images, options.training.seed)
    start = admission.start_places(descriptors, options.networks.z_dims, options.training.seed)
    self._num_between = math.ceil(options.places.between_fraction * self._per_replica_batch_size)
    make = lambda value: tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
    with strategy.scope():
      self._places, self._variances, self._visits = (make(value) for value in (
          tf.constant(start), tf.zeros_like(start), tf.zeros([len(start), 1])))
    self._step, self._step_alone = self._compiled(self._replica_step), self._compiled(self._reconstruct)
    num_first = int(np.sum(self.admission.steps == 0))
    self._num_alone = -(-options.places.alone_visits * num_first // options.data.global_batch_size)
    if self._num_alone >= options.training.num_minibatches:
      logging.warning('All %d minibatches are for reconstruction alone, which leaves pictures soft: %d pictures are '
                      'seen %d times first. Raise --num_minibatches to %d, or lower --alone_visits.',
                      options.training.num_minibatches, num_first, options.places.alone_visits,
                      self._num_alone * 4 // 3)
    self._joins = tf.constant(self.admission.steps)
    self.stages = self.admission.stages
    self._judge = tf.keras.Model(self.discriminator.inputs, (
        self.discriminator.output, networks.build_features(self.discriminator).output), name='judge')
    self._pictures = json.dumps(dict(keys=[training_set.keys[i] for i in trained_on],
                                     times_secs=[None if np.isnan(secs) else float(secs) for secs in times_secs],
                                     joins=self.admission.steps.tolist()))

  @property
  def state(self):
    return super().state | {PLACES: self._places, 'places_variances': self._variances, 'places_visits': self._visits}

  @property
  def texts(self):
    return {'pictures': self._pictures}

  @property
  def placed(self):
    return np.flatnonzero(_has_joined(self.admission.steps, self.step))

  @property
  def space(self):
    """`region.Region` of the pictures that have joined."""
    return read_space(self._places.numpy(), json.loads(self._pictures), self.step)

  def _learn(self, minibatch):
    pixels, numbers = minibatch
    if self.strategy.num_replicas_in_sync > 1:  # points lie between any two of the whole minibatch
      numbers = self.strategy.gather(numbers, axis=0)
    with tf.control_dependencies([self._join()]):
      minibatch = pixels, tf.ensure_shape(numbers, [self.options.data.global_batch_size])
      if not self._num_alone:
        return self._with_r1_where_due(self._step, minibatch)
      return tf.cond(self.global_step < self._num_alone, lambda: self._on_replicas(self._step_alone, minibatch),
                     lambda: self._with_r1_where_due(self._step, minibatch))

  def _join(self):
    """Lets the pictures that join at this minibatch begin between those that they are like; returns an operation."""
    joins = tf.logical_and(tf.equal(self._joins, self.global_step), self.global_step > 0)

    def assign():
      on_sphere = to_sphere(self._places)
      parents = tf.gather(on_sphere, self.admission.parents)  # [num, 2, z_dims]
      between = to_sphere(tf.reduce_sum(parents * self.admission.shares[..., tf.newaxis], axis=1))
      self._places.assign(tf.where(joins[:, tf.newaxis], between, self._places))
      return tf.constant(True)

    return tf.cond(tf.reduce_any(joins), assign, lambda: tf.constant(False))

  def _reconstruct(self, minibatch):
    """Trains places and G by pixels and edges alone; returns the metrics as `_replica_step` does."""
    pixels, numbers = minibatch
    options = self.options.places
    real_images = images.to_float(pixels)
    places = tf.gather(self._places, numbers)
    with tf.GradientTape() as tape:
      tape.watch(places)
      made = self.generator(self._points(places)[:self._per_replica_batch_size], training=True)
      pixels_loss = tf.reduce_mean(tf.abs(real_images - made))
      reconstruction = (options.pixels_weight * pixels_loss
                        + options.edges_weight * losses.edge_distance(real_images, made, _NUM_SCALES))
    norm = self._apply_to_g_and_places(tape, reconstruction, places, numbers)
    return dict.fromkeys(self.METRICS, tf.constant(0.0)) | {
        'gradients/generator': norm, 'loss/reconstruction': reconstruction, 'loss/pixels': pixels_loss}

  def _replica_step(self, minibatch, has_r1):
    """Trains places, G and D at once, from one pass of each: another look of D at the fakes would take a sixth longer.

    Args:
      minibatch: this replica's pictures, and the numbers of all pictures of the minibatch.
      has_r1: bool.

    Returns:
      dict of float32 [] by `METRICS`.
    """
    pixels, numbers = minibatch
    options = self.options.places
    real_images = images.to_float(pixels)
    num_pictures = self._per_replica_batch_size
    places = tf.gather(self._places, numbers)
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(places)
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
      pixels_loss = tf.reduce_mean(tf.abs(real_images - made))
      reconstruction = (options.pixels_weight * pixels_loss
                        + options.edges_weight * losses.edge_distance(real_images, made, _NUM_SCALES)
                        + options.features_weight * losses.feature_distance(
                            {name: tf.stop_gradient(value) for name, value in real_features.items()},
                            {name: value[:num_pictures] for name, value in fake_features.items()}))
      loss = reconstruction + options.adversarial_weight * generator_loss
    norm = self._apply_to_g_and_places(tape, loss, places, numbers)
    discriminator_norm = self._apply(tape, objective, self.discriminator.trainable_variables,
                                     self.discriminator_optimizer)
    return {'loss/generator': generator_loss, 'loss/discriminator': discriminator_loss,
            'loss/reconstruction': reconstruction, 'loss/pixels': pixels_loss,
            'logits/real': tf.reduce_mean(real_logits), 'logits/fake': tf.reduce_mean(fake_logits),
            'logits/real_sign': tf.reduce_mean(tf.sign(real_logits)), 'gradients/generator': norm,
            'gradients/discriminator': discriminator_norm, 'penalty/r1': r1}

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

  def _apply_to_g_and_places(self, tape, objective, places, numbers):
    """Updates G, and the places of the pictures of these numbers, as `_apply`; returns the norm of G's gradients."""
    variables, optimizer = self.generator.trainable_variables, self.generator_optimizer
    *gradients, of_places = self._gradients(tape, objective, [*variables, places], optimizer)
    self._move(tf.scatter_nd(numbers[:, tf.newaxis], of_places, self._places.shape), numbers)
    return self._apply_gradients(gradients, variables, optimizer)

  def _move(self, gradient, numbers):
    """Moves the places of the minibatch by Adam, which counts each picture's own visits (Kingma and Ba 2015).

    Without momentum: a picture that is not in a minibatch keeps its place. And with a size of gradients of its own, so
    that one that is seen seldom, or is new, moves no farther at a visit than the others.
    """
    gradient = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradient)
    is_good = tf.reduce_all(tf.math.is_finite(gradient))  # in float16 some overflow, and are left out
    seen = tf.scatter_nd(numbers[:, tf.newaxis], tf.ones([len(numbers), 1]), self._visits.shape)
    is_seen = tf.cast(tf.logical_and(seen > 0.0, is_good), tf.float32)
    gradient = tf.where(is_seen > 0.0, gradient, 0.0)
    visits = self._visits + is_seen
    variances = self._variances + is_seen * (1.0 - _BETA_2) * (tf.square(gradient) - self._variances)
    unbiased = variances / (1.0 - tf.pow(_BETA_2, tf.maximum(visits, 1.0)))
    rate = self.options.places.places_rate
    places = self._places - is_seen * rate * gradient / (tf.sqrt(unbiased) + _EPSILON)
    self._places.assign(places)
    self._variances.assign(variances)
    self._visits.assign(visits)


def read_space(places, pictures, step):
  """Returns the `region.Region` of the pictures that had joined at minibatch `step`.

  Args:
    places: float32 [num_pictures, z_dims].
    pictures: dict of lists, what a checkpoint tells of them: 'keys', 'times_secs' and 'joins'.
    step: int.
  """
  has_joined = _has_joined(np.array(pictures['joins']), step)
  times_secs = np.array([np.nan if secs is None else secs for secs in pictures['times_secs']], np.float64)
  keys = tuple(key for key, is_there in zip(pictures['keys'], has_joined) if is_there)
  return region.Region(latents.to_sphere(places[has_joined]), keys, times_secs[has_joined])


def _has_joined(steps, step):
  """Returns which pictures that join at `steps`, int [num_pictures], were in a minibatch before minibatch `step`."""
  return (steps == 0) | (steps < step)  # those of the start are there before the first


def to_sphere(z):
  """As `latents.to_sphere`, in the graph."""
  return z * tf.math.rsqrt(tf.maximum(tf.reduce_mean(tf.square(z), axis=-1, keepdims=True), 1e-12))
