"""Learns a person: each picture gets its place in Z, learnt together with the generator, beside the game of G and D."""

import json

import numpy as np
import tensorflow as tf

from dcgan.common import images
from dcgan.data import admission
from dcgan.model import latents
from dcgan.model import region
from dcgan.training import arranging
from dcgan.training import reconstruction

PLACES = 'places'  # in the checkpoint
_BETA_2, _EPSILON = 0.9, 1e-8


class PlaceLearner(reconstruction.ReconstructionLearner):
  """The state of training with places and its step.

  A GAN of a few hundred pictures keeps one expression and forgets the rest, because nothing ties a picture to a point
  of Z. Here each picture has such a point, its place, and the generator learns to make the picture there. After
  Bojanowski et al. 2018 (GLO, arXiv:1707.05776) and Nitzan et al. 2022 (MyStyle, arXiv:2203.17272).

  Differs from MyStyle: places are not looked for once by an encoder and then kept; they are learnt all along, and begin
  around one point, or where the encoder of a model of many faces puts them. An encoder of the person's own may follow
  them, so that pictures that were not learnt are put in Z at once.

  Attributes:
    admission: `admission.Admission`, of the pictures that are trained on.
  """

  wants_numbers = True

  def __init__(self, options, strategy, training_set, targets=None):
    """Builds everything, as `learner.Learner`.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.
      training_set: `input_pipeline.TrainingSet`; its keys, times and looks are read, not its pictures.
      targets: float32 [num_trained_on, num_targets], what places are arranged by, as `arranging.Arrangement` takes it;
        None where they are not.
    """
    super().__init__(options, strategy, options.places.encoder)
    trained_on = training_set.trained_on
    descriptors = training_set.descriptors[trained_on]
    self.admission = admission.admit(descriptors, options.data.global_batch_size, options.places.visits,
                                     options.places.first_images, options.training.seed)
    start = admission.start_places(descriptors, options.networks.z_dims, options.training.seed)
    make = lambda value: tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
    with strategy.scope():
      self._places, self._variances, self._visits = (make(value) for value in (
          tf.constant(start), tf.zeros_like(start), tf.zeros([len(start), 1])))
    self._arrangement = None if targets is None else arranging.Arrangement(targets)
    self.num_alone = self._count_alone(int(np.sum(self.admission.steps == 0)))
    self._joins = tf.constant(self.admission.steps)
    self.stages = self.admission.stages
    self._pictures = describe_pictures(training_set, trained_on, self.admission.steps)

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

  def begin_at(self, places):
    """Puts all pictures at their first places, float32 [num_trained_on, z_dims], of any length."""
    self._places.assign(latents.to_sphere(places))

  def _learn(self, minibatch):
    pixels, numbers = minibatch
    if self.strategy.num_replicas_in_sync > 1:  # points lie between any two of the whole minibatch
      numbers = self.strategy.gather(numbers, axis=0)
    with tf.control_dependencies([self._join()]):
      return self._learn_pictures((pixels, tf.ensure_shape(numbers, [self.options.data.global_batch_size])))

  def _join(self):
    """Lets the pictures that join at this minibatch begin between those that they are like; returns an operation.

    Those that an encoder gave a place are there already.
    """
    if self.options.places.places_start == 'encoder':
      return tf.constant(False)
    joins = tf.logical_and(tf.equal(self._joins, self.global_step), self.global_step > 0)

    def assign():
      on_sphere = reconstruction.to_sphere(self._places)
      parents = tf.gather(on_sphere, self.admission.parents)  # [num, 2, z_dims]
      between = reconstruction.to_sphere(tf.reduce_sum(parents * self.admission.shares[..., tf.newaxis], axis=1))
      self._places.assign(tf.where(joins[:, tf.newaxis], between, self._places))
      return tf.constant(True)

    return tf.cond(tf.reduce_any(joins), assign, lambda: tf.constant(False))

  def _reconstruct(self, minibatch):
    self._follow(minibatch)
    return super()._reconstruct(minibatch)

  def _replica_step(self, minibatch, has_r1):
    self._follow(minibatch)
    return super()._replica_step(minibatch, has_r1)

  def _follow(self, minibatch):
    """Trains the encoder, where there is one, to put this replica's pictures where their places are now."""
    if not self.encoder:
      return
    pixels, numbers = minibatch
    places = reconstruction.to_sphere(self._replica_rows(tf.gather(self._places, numbers)))
    with tf.GradientTape() as tape:
      encoded = reconstruction.to_sphere(self.encoder(images.to_float(pixels), training=True))
      objective = tf.reduce_mean(tf.math.squared_difference(encoded, places))
    self._apply(tape, objective, self.encoder.trainable_variables, self.encoder_optimizer)

  def _places_of(self, tape, real_images, numbers):
    del real_images
    places = tf.gather(self._places, numbers)
    tape.watch(places)
    return places

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
    if self._arrangement:
      gradient += self.options.places.controls_weight * self._arrangement.pull(
          self._places.read_value(), gradient, tf.cast(visits > 0.0, tf.float32), is_seen)
    variances = self._variances + is_seen * (1.0 - _BETA_2) * (tf.square(gradient) - self._variances)
    unbiased = variances / (1.0 - tf.pow(_BETA_2, tf.maximum(visits, 1.0)))
    places = self._places - is_seen * self._rates(visits) * gradient / (tf.sqrt(unbiased) + _EPSILON)
    self._places.assign(places)
    self._variances.assign(variances)
    self._visits.assign(visits)

  def _rates(self, visits):
    """Returns how far each place moves at this visit, of float32 [num_pictures, 1], its visits with this one.

    Places that go on moving as far as at first stay a little beside where G has learnt to make their pictures.
    """
    rate, settle_visits = self.options.places.places_rate, self.options.places.settle_visits
    return rate * tf.minimum(1.0, settle_visits / tf.maximum(visits, 1.0)) if settle_visits else rate


def describe_pictures(training_set, numbers, steps):
  """Returns what a checkpoint tells of pictures that have places, for `read_space`, as JSON.

  Args:
    training_set: `input_pipeline.TrainingSet`.
    numbers: int [num_pictures], which of its pictures.
    steps: int [num_pictures], the minibatches at which they join.
  """
  return json.dumps(dict(keys=[training_set.keys[number] for number in numbers],
                         times_secs=[None if np.isnan(secs) else float(secs)
                                     for secs in training_set.times_secs[numbers]],
                         joins=np.asarray(steps).tolist()))


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
