"""Learns many faces: an encoder gives each picture its place in Z, and learns together with the generator."""

import json

import numpy as np
import tensorflow as tf

from dcgan.data import input_pipeline
from dcgan.model import networks
from dcgan.training import places as place_learning
from dcgan.training import reconstruction

_MOST_PLACES = 1024  # of pictures whose places are the region


class EncoderLearner(reconstruction.ReconstructionLearner):
  """The state of training with an encoder, and its step.

  Of many pictures each is seen a few times only, too few for a place of its own to be learnt; an encoder learns from
  all of them where a picture belongs, and then knows it of pictures that it never saw. There is no prior to match: what
  is drawn lies between places (Zhu et al. 2016, arXiv:1609.03552, had the encoder beside a finished generator).
  """

  def __init__(self, options, strategy, training_set):
    """Builds everything, as `learner.Learner`.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.
      training_set: `input_pipeline.TrainingSet`.
    """
    super().__init__(options, strategy, has_encoder=True)
    self._set = training_set
    trained_on = training_set.trained_on
    self._shown = input_pipeline.spread(trained_on, _MOST_PLACES)
    with strategy.scope():
      self._places = tf.Variable(tf.zeros([len(self._shown), options.networks.z_dims]), trainable=False,
                                 aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
    self.num_alone = self._count_alone(len(trained_on))
    self._pictures = place_learning.describe_pictures(training_set, self._shown, np.zeros_like(self._shown))
    self._encoded_at = None

  @property
  def state(self):
    return super().state | {place_learning.PLACES: self._places}

  @property
  def texts(self):
    return {'pictures': self._pictures}

  @property
  def placed(self):
    return np.searchsorted(self._set.trained_on, self._shown)

  @property
  def space(self):
    """`region.Region` of where the averaged encoder puts some of the pictures that are trained on."""
    self.settle()
    return place_learning.read_space(self._places.numpy(), json.loads(self._pictures), self.step)

  def settle(self):
    """Encodes the pictures whose places are the region, once a minibatch."""
    if self._encoded_at != self.step:
      self._places.assign(networks.encode(self.encoder_ema, self._set.pictures(self._shown)))
      self._encoded_at = self.step

  def _learn(self, minibatch):
    return self._learn_pictures((minibatch, ()))

  def _places_of(self, tape, real_images, numbers):
    del tape, numbers
    own = self.encoder(real_images, training=True)
    if self.strategy.num_replicas_in_sync == 1:
      return own
    everywhere = tf.distribute.get_replica_context().all_gather(own, axis=0)
    return tf.ensure_shape(everywhere, [self.options.data.global_batch_size, self.options.networks.z_dims])

  def _apply_to_g_and_places(self, tape, objective, places, numbers):
    del places, numbers
    of_g, of_encoder = self.generator.trainable_variables, self.encoder.trainable_variables
    gradients = self._gradients(tape, objective, [*of_g, *of_encoder], self.generator_optimizer)
    self._apply_gradients(gradients[len(of_g):], of_encoder, self.encoder_optimizer)
    return self._apply_gradients(gradients[:len(of_g)], of_g, self.generator_optimizer)
