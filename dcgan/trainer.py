"""One training step of generator and discriminator, and the loop of steps that the device runs alone."""

import tensorflow as tf

from dcgan import augment
from dcgan import devices
from dcgan import images
from dcgan import losses
from dcgan import networks

# Early in a run the averaged generator looks back over this share of the images seen (StyleGAN2-ADA's ramp-up,
# Karras et al. 2020, arXiv:2006.06676), so that 75 minibatches are not averaged with the noise before them.
_EMA_RAMP_UP = 0.05
# Streams of random numbers that come from one seed and one global step.
_Z, _AUGMENT_REAL, _AUGMENT_FAKE_FOR_D, _AUGMENT_FAKE_FOR_G = range(4)
_NUM_STREAMS = 4


class Trainer(tf.Module):
  """The state of training and its step; knows no files and no flags.

  Everything that the next step depends on is in its attributes: z follows from the seed and `global_step`.

  Attributes:
    options: its `config.Config`.
    generator: `tf.keras.Model`, z → images.
    discriminator: `tf.keras.Model`, images → logits.
    generator_ema: the averaged generator, BatchNorm's statistics included (Yazıcı et al. 2019, arXiv:1806.04498).
    generator_optimizer: Adam.
    discriminator_optimizer: Adam.
    global_step: int64 variable, minibatches trained.
  """

  def __init__(self, options, strategy):
    """Builds everything, optimizer slots too, so that a checkpoint restores at once and whole.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.

    Raises:
      errors.InputError: the minibatch cannot be divided by the replicas.
    """
    super().__init__(name='trainer')
    self.options = options
    self._strategy = strategy
    self._per_replica_batch_size = devices.per_replica_batch_size(options.data.global_batch_size, strategy)
    common = dict(config=options.networks, precision=options.training.precision,
                  synchronized=strategy.num_replicas_in_sync > 1, seed=options.training.seed)
    with strategy.scope():
      self.generator = networks.build_generator(**common)
      self.discriminator = networks.build_discriminator(**common)
      self.generator_ema = networks.build_generator(**common)
      self.generator_optimizer = self._build_optimizer(self.generator)
      self.discriminator_optimizer = self._build_optimizer(self.discriminator)
      self.global_step = tf.Variable(0, dtype=tf.int64, trainable=False, name='global_step')

  @property
  def step(self):
    """int, the minibatches trained; reads `global_step` under any strategy."""
    return int(self.global_step.numpy())

  def _build_optimizer(self, network):
    # Keras' legacy Adam updates each variable in one fused kernel; the new one is built of a dozen small ones and
    # makes the whole step slower (`python -m tools.benchmark step`).
    optimizer = tf.keras.optimizers.legacy.Adam(self.options.training.learning_rate, self.options.training.beta1)
    optimizer._create_all_weights(network.trainable_variables)  # pylint: disable=protected-access
    return optimizer

  @tf.function
  def train(self, iterator, num_steps):
    """Trains on `num_steps` minibatches without coming back to Python.

    Args:
      iterator: over the distributed dataset of uint8 [global_batch, size, size, 3].
      num_steps: int64 [] tensor; a Python int would trace anew for each value.

    Returns:
      dict of float32 [num_steps]: 'loss/generator', 'loss/discriminator', 'logits/real' and 'logits/fake' (means).
    """
    history = tf.TensorArray(tf.float32, size=tf.cast(num_steps, tf.int32), element_shape=[4])
    for i in tf.range(tf.cast(num_steps, tf.int32)):
      per_replica = self._strategy.run(self._replica_step, args=(next(iterator),))
      history = history.write(i, self._strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None))
      self._average_generator()
      self.global_step.assign_add(1)
    columns = tf.unstack(history.stack(), axis=1)
    return dict(zip(('loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake'), columns))

  def _replica_step(self, pixels):
    """Trains D, then G against the new D, on this replica's part of a minibatch; returns its share of the metrics."""
    real_images = images.to_float(pixels)
    with tf.GradientTape() as tape:
      # The one forward pass of G in a step, so its BatchNorm statistics move once.
      fake_images = self.generator(self._replica_z(), training=True)
      with tape.stop_recording():
        discriminator_loss, real_logits = self._train_discriminator(real_images, fake_images)
      fake_logits = self._discriminate(fake_images, _AUGMENT_FAKE_FOR_G)
      generator_loss = self._replica_share(losses.nonsaturating_generator_loss(fake_logits))
    self._apply(tape, generator_loss, self.generator, self.generator_optimizer)
    return tf.stack([generator_loss, discriminator_loss, self._replica_share(tf.reduce_mean(real_logits)),
                     self._replica_share(tf.reduce_mean(fake_logits))])

  def _train_discriminator(self, real_images, fake_images):
    with tf.GradientTape() as tape:
      # Reals and fakes are normalized apart (Radford et al. 2016 as implemented for the report).
      real_logits = self._discriminate(real_images, _AUGMENT_REAL)
      fake_logits = self._discriminate(fake_images, _AUGMENT_FAKE_FOR_D)
      loss = self._replica_share(losses.nonsaturating_discriminator_loss(real_logits, fake_logits))
    self._apply(tape, loss, self.discriminator, self.discriminator_optimizer)
    return loss, real_logits

  def _replica_share(self, mean):
    # Optimizers and the reduction of the metrics add the replicas up, so each gives its part of the global mean.
    return mean / self._strategy.num_replicas_in_sync

  def _apply(self, tape, loss, network, optimizer):
    variables = network.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

  def _discriminate(self, pictures, stream):
    """Returns D's logits of this replica's pictures, augmented."""
    draws = augment.draw(self.options.training.augment, self.options.data.global_batch_size, self._seed(stream))
    pictures = augment.apply(pictures, {name: self._replica_rows(values) for name, values in draws.items()})
    # D's own moving averages are never used: it always judges with the statistics of the minibatch.
    return self.discriminator(pictures, training=True)

  def _replica_z(self):
    return self._replica_rows(tf.random.stateless_normal(
        [self.options.data.global_batch_size, self.options.networks.z_dims], self._seed(_Z)))

  def _seed(self, stream):
    return tf.stack([tf.constant(self.options.training.seed * _NUM_STREAMS + stream, tf.int64), self.global_step])

  def _replica_rows(self, values):
    """Returns this replica's rows of what was drawn for the whole minibatch: the same for any number of replicas."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    start = replica * self._per_replica_batch_size
    return values[start:start + self._per_replica_batch_size]

  def _average_generator(self):
    """Moves the averaged generator toward the generator, in the cross-replica context."""
    batch_size = float(self.options.data.global_batch_size)
    images_seen = tf.cast(self.global_step, tf.float32) * batch_size
    half_life = tf.minimum(float(self.options.training.ema_half_life_images), _EMA_RAMP_UP * images_seen)
    decay = tf.pow(0.5, batch_size / tf.maximum(half_life, 1e-3))
    for average, variable in zip(self.generator_ema.variables, self.generator.variables):
      average.assign(variable + decay * (average - variable))
