"""What every run trains: two networks and their optimizers, and the loop of steps that the device runs alone."""

import tensorflow as tf

from dcgan.common import devices
from dcgan.common import errors
from dcgan.model import augment
from dcgan.model import networks
from dcgan.model import weights

# Early in a run the averaged generator looks back over this share of the images seen (StyleGAN2-ADA's ramp-up,
# Karras et al. 2020, arXiv:2006.06676), so that 75 minibatches are not averaged with the noise before them.
_EMA_RAMP_UP = 0.05
# Streams of random numbers that come from one seed and one global step.
Z, REAL, FAKE, FAKE_FOR_G = range(4)
NUM_STREAMS = 4  # of these; a learner that has more goes on from there
_FROZEN = 0.5  # of D's convolutions, those next to the picture, with 'freeze_d'


class Learner(tf.Module):
  """The state of training and its loop; a subclass has the step. Knows no files and no flags.

  Everything that the next step depends on is in its attributes: all random numbers follow from the seed and
  `global_step`.

  A subclass gives METRICS, `space` and `_learn`.

  Attributes:
    METRICS: tuple of str, the names of what each replica tells of a step.
    options: its `config.Config`.
    strategy: `tf.distribute.Strategy`.
    generator: `tf.keras.Model`, z → images.
    discriminator: `tf.keras.Model`, images → logits.
    generator_ema: the averaged generator, BatchNorm's statistics included (Yazıcı et al. 2019, arXiv:1806.04498).
    generator_optimizer: Adam.
    discriminator_optimizer: Adam.
    augmentation: `augment.Adaptive`.
    r1: float32 variable, the latest R1 penalty.
    global_step: int64 variable, minibatches trained.
    num_frozen: int, convolutions of the discriminator, from the picture on, that are not trained.
  """

  METRICS = ()
  stages = None  # callable of int: those of a run of as many minibatches, as for `input_pipeline.make_plan`
  placed = None  # int64 [num], which of the pictures that are trained on have a place in `space`, in its order
  wants_numbers = False  # whether a minibatch is (pictures, their numbers among those that are trained on)

  def __init__(self, options, strategy):
    """Builds everything, optimizer slots too, so that a checkpoint restores at once and whole.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.

    Raises:
      errors.InputError: the minibatch cannot be divided by the replicas, or XLA cannot compile for these replicas.
    """
    super().__init__(name='learner')
    self.options = options
    self.strategy = strategy
    self._per_replica_batch_size = devices.per_replica_batch_size(options.data.global_batch_size, strategy)
    if options.training.xla and strategy.num_replicas_in_sync > 1:
      raise errors.InputError(f'`xla` (on) compiles for one replica, not for {strategy.num_replicas_in_sync}, which '
                              'share their variables. Use --strategy=one, or start a run with --xla=off.')
    common = dict(config=options.networks, precision=options.training.precision,
                  synchronized=strategy.num_replicas_in_sync > 1, seed=options.training.seed)
    is_partly_frozen = options.training.transfer == 'freeze_d'
    self.num_frozen = int(_FROZEN * networks.num_convolutions(options.networks)) if is_partly_frozen else 0
    with strategy.scope():
      self.generator = networks.build_generator(**common)
      self.discriminator = networks.build_discriminator(**common, num_frozen=self.num_frozen)
      self.generator_ema = networks.build_generator(**common)
      self.generator_optimizer = self._build_optimizer(self.generator)
      self.discriminator_optimizer = self._build_optimizer(self.discriminator)
      self.augmentation = augment.Adaptive(options.augmentation)
      self.r1 = tf.Variable(0.0, trainable=False, name='r1')
      self.global_step = tf.Variable(0, dtype=tf.int64, trainable=False, name='global_step')

  @property
  def step(self):
    """int, the minibatches trained; reads `global_step` under any strategy."""
    return int(self.global_step.numpy())

  @property
  def state(self):
    """dict from names to objects with variables: everything that the next step depends on, for a checkpoint."""
    return {name: getattr(self, name) for name in (
        'generator', 'discriminator', 'generator_ema', 'generator_optimizer', 'discriminator_optimizer',
        'augmentation', 'r1', 'global_step')}

  @property
  def networks(self):
    """dict from names to the networks that another model can lend."""
    return {name: getattr(self, name) for name in weights.NETWORKS}

  @property
  def optimizers(self):
    """tuple of the optimizers, of all networks that learn by the options' rate."""
    return self.generator_optimizer, self.discriminator_optimizer

  @property
  def averaged(self):
    """tuple of (averaged network, network)."""
    return ((self.generator_ema, self.generator),)

  def settle(self):
    """Brings up to date what follows from the networks and belongs into a checkpoint."""

  @property
  def texts(self):
    """dict from names to str, what else a checkpoint holds, for those who only look."""
    return {}

  @property
  def space(self):
    """Where in Z this model's pictures are drawn: `latents.Normal` or `region.Region`."""
    raise NotImplementedError

  @property
  def frozen(self):
    """list of the discriminator's variables that training leaves as they are."""
    return [variable for layer in self.discriminator.layers if not layer.trainable for variable in layer.variables]

  def take_options(self):
    """Puts the options' learning rate and fixed augmentation in the place of those that a checkpoint brought."""
    for optimizer in self.optimizers:
      optimizer.learning_rate = self.options.training.learning_rate
    if self.options.augmentation.augment_mode == 'fixed':
      self.augmentation.probability.assign(self.options.augmentation.augment_probability)

  def _build_optimizer(self, network):
    # Keras' legacy Adam updates each variable in one fused kernel; the new one is built of a dozen small ones and
    # makes the whole step slower (`python -m tools.benchmark train`).
    optimizer = tf.keras.optimizers.legacy.Adam(
        self.options.training.learning_rate, self.options.training.beta1, self.options.training.beta2)
    optimizer._create_all_weights(network.trainable_variables)  # pylint: disable=protected-access
    if self.options.training.precision == 'float16':
      return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer

  @tf.function
  def train(self, iterator, num_steps):
    """Trains on `num_steps` minibatches without coming back to Python.

    Args:
      iterator: over the distributed dataset of uint8 [per_replica_batch, size, size, 3], or of such and int64
        [per_replica_batch] where the learner `wants_numbers`.
      num_steps: int64 [] tensor; a Python int would trace anew for each value.

    Returns:
      dict of float32 [num_steps], by the names of `METRICS`, 'augment/probability', and 'time/input_secs', what the
      step waited for its minibatch. Logits are means, 'logits/real_sign' that of their signs. Gradients are norms over
      all variables. 'penalty/r1' is the latest.
    """
    names = (*self.METRICS, 'augment/probability', 'time/input_secs')
    history = tf.TensorArray(tf.float32, size=tf.cast(num_steps, tf.int32), element_shape=[len(names)])
    for i in tf.range(tf.cast(num_steps, tf.int32)):
      minibatch, waited_secs = self._next_minibatch(iterator)
      with tf.control_dependencies([waited_secs]):  # else G starts meanwhile, and its work would count as waiting
        metrics = self._learn(minibatch)
      self.augmentation.update(metrics['logits/real_sign'], self.global_step, self.options.data.global_batch_size)
      metrics |= {'augment/probability': self.augmentation.probability, 'time/input_secs': waited_secs}
      averaged = self._average()
      values = tf.stack([metrics[name] for name in names])
      history = history.write(i, values)
      with tf.control_dependencies([values, *averaged]):  # the last of the step, so that the next one starts after it
        self.global_step.assign_add(1)
    return dict(zip(names, tf.unstack(history.stack(), axis=1)))

  def _next_minibatch(self, iterator):
    with tf.control_dependencies([self.global_step.read_value()]):  # not before the last step is over
      start = tf.timestamp()
    with tf.control_dependencies([start]):
      minibatch = next(iterator)
    with tf.control_dependencies(tf.nest.flatten(minibatch, expand_composites=True)):
      return minibatch, tf.cast(tf.timestamp() - start, tf.float32)

  def _learn(self, minibatch):
    """Learns from a minibatch; returns a dict of float32 [] by the names of `METRICS`."""
    raise NotImplementedError

  def _compiled(self, replica_step):
    """Returns a step of one replica as it is to be run; its result is that of `replica_step`."""
    # XLA takes a step as a whole; without it there must be no function of its own here, in which replicas cannot meet.
    return tf.function(replica_step, jit_compile=True) if self.options.training.xla else replica_step

  def _on_replicas(self, replica_step, *arguments):
    """Runs a step on each replica; returns the means over them of what it returns, a dict by `METRICS`."""

    def stacked(*arguments):  # one reduction for all
      metrics = replica_step(*arguments)
      return self._replica_share(tf.stack([metrics[name] for name in self.METRICS]))

    total = self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(stacked, args=arguments), axis=None)
    return dict(zip(self.METRICS, tf.unstack(total)))

  def _with_r1_where_due(self, replica_step, minibatch):
    """Runs `replica_step(minibatch, has_r1)` on each replica, as `_on_replicas`, with R1 where it is due."""
    every = self.options.regularization.r1_every_steps
    if not self.options.regularization.r1_gamma:
      return self._on_replicas(replica_step, minibatch, False)
    metrics = tf.cond(
        tf.equal(self.global_step % every, 0), lambda: self._on_replicas(replica_step, minibatch, True),
        lambda: self._on_replicas(replica_step, minibatch, False) | {'penalty/r1': tf.identity(self.r1)})
    self.r1.assign(metrics['penalty/r1'])
    return metrics

  def _replica_share(self, mean):
    # Optimizers and the reduction of the metrics add the replicas up, so each gives its part of the global mean.
    return mean / self.strategy.num_replicas_in_sync

  def _apply(self, tape, objective, variables, optimizer):
    """Updates variables by the gradients of all replicas' shares of the objective; returns the gradients' norm."""
    return self._apply_gradients(self._gradients(tape, objective, variables, optimizer), variables, optimizer)

  def _gradients(self, tape, objective, sources, optimizer):
    """Returns the gradients of this replica's share of the objective, a list."""
    is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
    scale = optimizer.get_scaled_loss(tf.constant(1.0)) if is_scaled else tf.constant(1.0)
    gradients = [tf.convert_to_tensor(gradient) for gradient in
                 tape.gradient(objective, sources, output_gradients=self._replica_share(scale))]
    return optimizer.get_unscaled_gradients(gradients) if is_scaled else gradients

  def _apply_gradients(self, gradients, variables, optimizer):
    """Updates variables by the sum of all replicas' gradients; returns its norm."""
    # Added up here, not by the optimizer: the norm is that of the whole minibatch's gradients.
    gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    optimizer.apply_gradients(zip(gradients, variables), experimental_aggregate_gradients=False)
    return tf.linalg.global_norm(gradients)

  def _augmented(self, pictures, stream):
    """Returns what D sees of this replica's pictures."""
    draws = augment.draw(self.options.augmentation.augment, self.options.data.global_batch_size, self._seed(stream),
                         self.augmentation.probability)
    return augment.apply(pictures, {name: self._replica_rows(values) for name, values in draws.items()})

  def _seed(self, stream):
    return tf.stack([tf.constant(self.options.training.seed * NUM_STREAMS + stream, tf.int64), self.global_step])

  def _replica_rows(self, values):
    """Returns this replica's rows of what was drawn for the whole minibatch: the same for any number of replicas."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    start = replica * self._per_replica_batch_size
    return values[start:start + self._per_replica_batch_size]

  def _average(self):
    """Moves averaged networks toward those that learn, on each replica alone; returns the operations that do."""
    batch_size = float(self.options.data.global_batch_size)
    images_seen = tf.cast(self.global_step, tf.float32) * batch_size
    half_life = tf.minimum(float(self.options.training.ema_half_life_images), _EMA_RAMP_UP * images_seen)
    decay = tf.pow(0.5, batch_size / tf.maximum(half_life, 1e-3))
    move = lambda average, variable, decay: average.assign(variable + decay * (average - variable))
    return [self.strategy.extended.update(average, move, args=(variable, decay))
            for averaged, network in self.averaged for average, variable in zip(averaged.variables, network.variables)]
