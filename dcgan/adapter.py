"""Learns a few pictures without a discriminator: G's BatchNorm scales and shifts, and a point of Z for each picture."""

import tensorflow as tf

from dcgan import images
from dcgan import latents
from dcgan import networks
from dcgan import trainer

PICTURE_Z = 'picture_z'  # in the checkpoint
# Points of Z are some ten long, scales and shifts near 1 and 0.
_Z_TIMES_FASTER = 100.0
_Z_START = 0.1  # times the standard normal
_FEATURES_WEIGHT, _Z_WEIGHT = 0.5, 0.02


class Adapter(trainer.Trainer):
  """The state of an adaptation and its step (Noguchi and Harada 2019, arXiv:1904.01774).

  For a handful of pictures. Each gets a point of Z, and the points and the scales and shifts of G's BatchNorm are learnt
  together such that G makes the pictures: by the mean absolute difference, and by that of what D sees in them. All else
  stays as in the model that it starts from, BatchNorm's statistics and D too.

  Differs from the paper: D's features are compared, where it has those of a network that was trained on ImageNet; and
  each z is only held at the distance from 0 at which points of Z lie, as so few can have no distribution.

  Attributes:
    picture_z: float32 variable [num_pictures, z_dims], of the pictures that are trained on.
  """

  METRICS = ('loss/reconstruction', 'loss/pixels', 'loss/features', 'gradients/generator', 'time/input_secs')
  wants_places = True
  trains_discriminator = False

  def __init__(self, options, strategy, num_pictures):
    """Builds everything, as `trainer.Trainer`, with `num_pictures` points of Z."""
    super().__init__(options, strategy)
    with strategy.scope():
      # Near the origin, where all directions are open, but not at it: a fresh ReLU is dead there.
      start = _Z_START * latents.sample_z(num_pictures, options.networks.z_dims, options.training.seed)
      self.picture_z = tf.Variable(start, name='picture_z')
      # Without momentum: a picture that is not in a minibatch keeps its point.
      self._z_optimizer = tf.keras.optimizers.legacy.Adam(_Z_TIMES_FASTER * options.training.learning_rate, beta_1=0.0)
      self._z_optimizer._create_all_weights([self.picture_z])  # pylint: disable=protected-access
    self._features = networks.build_features(self.discriminator)
    self.extra_state = {PICTURE_Z: self.picture_z, 'z_optimizer': self._z_optimizer}

  def take_options(self):
    super().take_options()
    self._z_optimizer.learning_rate = _Z_TIMES_FASTER * self.options.training.learning_rate

  @property
  def frozen(self):
    learnt = {variable.ref() for variable in self._scales_and_shifts}
    return {'generator': [variable for variable in self.generator.variables if variable.ref() not in learnt],
            'discriminator': self.discriminator.variables}

  @property
  def _scales_and_shifts(self):
    return [variable for layer in self.generator.layers if isinstance(layer, tf.keras.layers.BatchNormalization)
            for variable in layer.trainable_variables]

  def _learn(self, minibatch):
    return self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(self._compiled, args=minibatch),
                                axis=None)

  def _replica_step(self, pixels, places):
    """Learns from this replica's part of a minibatch; returns its share of the metrics."""
    real_images = images.to_float(pixels[:self._per_replica_batch_size])  # without companions
    places = places[:self._per_replica_batch_size]
    real_features = self._features(real_images, training=False)
    with tf.GradientTape(persistent=True) as tape:
      z = tf.gather(self.picture_z, places)
      fake_images = self.generator(z, training=False)
      pixel_loss = tf.reduce_mean(tf.abs(real_images - fake_images))
      feature_loss = _relative_distance(real_features, self._features(fake_images, training=False))
      # The mean square of a standard normal point's coordinates is 1.
      z_loss = tf.reduce_mean(tf.square(tf.reduce_mean(tf.square(z), axis=1) - 1.0))
      loss = pixel_loss + _FEATURES_WEIGHT * feature_loss + _Z_WEIGHT * z_loss
    norm = self._apply(tape, loss, self._scales_and_shifts, self.generator_optimizer)
    self._apply(tape, loss, [self.picture_z], self._z_optimizer)
    return self._replica_share(tf.stack([loss, pixel_loss, feature_loss, norm]))


def _relative_distance(real_features, fake_features):
  """Returns the mean absolute difference of features over their mean size, float32 [], the mean over the layers."""
  distances = []
  for name, features in real_features.items():
    real, fake = tf.cast(features, tf.float32), tf.cast(fake_features[name], tf.float32)
    distances.append(tf.reduce_mean(tf.abs(real - fake)) / (tf.reduce_mean(tf.abs(real)) + 1e-6))
  return tf.reduce_mean(distances)
