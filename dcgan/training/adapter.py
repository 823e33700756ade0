"""Learns a few pictures without a discriminator: G's BatchNorm scales and shifts, and where in Z each picture lies."""

import tensorflow as tf

from dcgan.common import images
from dcgan.model import latents
from dcgan.model import losses
from dcgan.model import networks
from dcgan.training import trainer

PICTURE_Z = 'picture_z'  # in the checkpoint
# Places are some ten long, scales and shifts near 1 and 0.
_PLACES_TIMES_FASTER, _SCALES_TIMES_FASTER = 100.0, 10.0
_START = 0.1  # times the standard normal
_FEATURES_WEIGHT, _DISTANCE_WEIGHT = 0.5, 0.02
_LEAST_SPREAD = 1e-3  # of the largest: what is less is rounding


class Adapter(trainer.Trainer):
  """The state of an adaptation and its step (Noguchi and Harada 2019, arXiv:1904.01774).

  For a handful of pictures. Each gets a place in the Z of the model that is started from; the places and the scales and
  shifts of G's BatchNorm are learnt together such that G makes the pictures: by the mean absolute difference, and by
  that of what D sees in them. All else stays as in that model, BatchNorm's statistics and D too.

  The averaged generator turns the standard normal into the person: it begins with a map (`z_map`) to the mean and the
  covariance of the places, so that any point of Z is a mixture of the pictures.

  Differs from the paper: D's features are compared, where it has those of a network that was trained on ImageNet; and
  places are held at the distance from 0 at which points of Z lie, where it holds their distribution to the standard
  normal, which so few cannot have: there most points would stay other people.

  Attributes:
    picture_z: float32 variable [num_pictures, z_dims], the points of Z of the pictures that are trained on, for the
      averaged generator.
  """

  STEP_METRICS = ('loss/reconstruction', 'loss/pixels', 'loss/features', 'gradients/generator')
  METRICS = ('loss/reconstruction', 'loss/pixels', 'loss/features', 'gradients/generator', 'time/input_secs')
  wants_places = True
  trains_discriminator = False

  def __init__(self, options, strategy, num_pictures):
    """Builds everything, as `trainer.Trainer`, with `num_pictures` points of Z."""
    super().__init__(options, strategy)
    # Near the origin, where all directions are open, but not at it: a fresh ReLU is dead there.
    start = _START * latents.sample_z(num_pictures, options.networks.z_dims, options.training.seed)
    with strategy.scope():
      self._places = tf.Variable(start, name='places')
      self.picture_z = tf.Variable(tf.zeros_like(start), trainable=False, name=PICTURE_Z)
      # Without momentum: a picture that is not in a minibatch keeps its place.
      self._places_optimizer = tf.keras.optimizers.legacy.Adam(beta_1=0.0)
      self._places_optimizer._create_all_weights([self._places])  # pylint: disable=protected-access
    self.take_options()
    self._features = networks.build_features(self.discriminator)
    self.extra_state = {PICTURE_Z: self.picture_z, 'places': self._places, 'places_optimizer': self._places_optimizer}

  def take_options(self):
    super().take_options()
    rate = self.options.training.learning_rate
    self.generator_optimizer.learning_rate = _SCALES_TIMES_FASTER * rate
    self._places_optimizer.learning_rate = _PLACES_TIMES_FASTER * rate

  @property
  def space(self):
    return latents.Normal(self.options.networks.z_dims, self.picture_z.numpy())

  @property
  def watched(self):
    return self.generator_ema

  @property
  def frozen(self):
    learnt = {variable.ref() for variable in self._scales_and_shifts}
    return {'generator': [variable for variable in self.generator.variables if variable.ref() not in learnt
                          and not variable.name.startswith('z_map/')],
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
      z = tf.gather(self._places, places)
      fake_images = self.generator(z, training=False)
      pixel_loss = tf.reduce_mean(tf.abs(real_images - fake_images))
      feature_loss = losses.feature_distance(real_features, self._features(fake_images, training=False))
      # The mean square of a standard normal point's coordinates is 1.
      distance_loss = tf.reduce_mean(tf.square(tf.reduce_mean(tf.square(z), axis=1) - 1.0))
      loss = pixel_loss + _FEATURES_WEIGHT * feature_loss + _DISTANCE_WEIGHT * distance_loss
    norm = self._apply(tape, loss, self._scales_and_shifts, self.generator_optimizer)
    self._apply(tape, loss, [self._places], self._places_optimizer)
    return self._replica_share(tf.stack([loss, pixel_loss, feature_loss, norm]))

  def _average_generator(self):
    averaged = super()._average_generator()
    with tf.control_dependencies(averaged):
      mean, root, picture_z = _whitened(tf.convert_to_tensor(self._places))
      z_map = self.generator_ema.get_layer('z_map')
      return [z_map.kernel.assign(root), z_map.bias.assign(mean), self.picture_z.assign(picture_z)]


def _whitened(places):
  """Returns (mean, root, whitened): places are mean + whitened @ root, and root² is their covariance.

  Args:
    places: float32 [num_places, z_dims].

  Returns:
    float32 [z_dims], float32 [z_dims, z_dims], symmetric, and float32 [num_places, z_dims].
  """
  mean = tf.reduce_mean(places, axis=0)
  scale = tf.sqrt(tf.maximum(tf.cast(tf.shape(places)[0] - 1, tf.float32), 1.0))
  spreads, left, right = tf.linalg.svd(places - mean)
  is_there = tf.cast(spreads > _LEAST_SPREAD * tf.reduce_max(spreads), tf.float32)
  root = tf.matmul(right * spreads, right, transpose_b=True) / scale
  whitened = tf.matmul(left * is_there, right, transpose_b=True) * scale
  return mean, root, whitened
