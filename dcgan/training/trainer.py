"""One training step of generator and discriminator, and the loop of steps that the device runs alone."""

import tensorflow as tf

from dcgan.common import devices
from dcgan.common import errors
from dcgan.common import images
from dcgan.model import augment
from dcgan.model import latents
from dcgan.model import losses
from dcgan.model import networks

# Early in a run the averaged generator looks back over this share of the images seen (StyleGAN2-ADA's ramp-up,
# Karras et al. 2020, arXiv:2006.06676), so that 75 minibatches are not averaged with the noise before them.
_EMA_RAMP_UP = 0.05
# Streams of random numbers that come from one seed and one global step.
_Z, REAL, FAKE, _FAKE_FOR_G = range(4)
NUM_STREAMS = 4  # of this module; learners that have more go on from there
_FROZEN = 0.5  # of D's convolutions, those next to the picture, with 'freeze_d'


class Trainer(tf.Module):
  """The state of training and its step; knows no files and no flags.

  Everything that the next step depends on is in its attributes: z and all other random numbers follow from the seed and
  `global_step`.

  Attributes:
    STEP_METRICS: tuple of str, the names of what each replica gives in each step.
    METRICS: tuple of str, the names of what `train` returns; those of the step come first.
    options: its `config.Config`.
    generator: `tf.keras.Model`, z → images.
    discriminator: `tf.keras.Model`, images → logits.
    generator_ema: the averaged generator, BatchNorm's statistics included (Yazıcı et al. 2019, arXiv:1806.04498).
    generator_optimizer: Adam.
    discriminator_optimizer: Adam.
    augmentation: `augment.Adaptive`.
    r1: float32 variable, the latest R1 penalty.
    global_step: int64 variable, minibatches trained.
    extra_state: dict from names to further objects with variables that the next step depends on.
    extra_texts: dict from names to str, what else a checkpoint holds, for those who only look.
    num_frozen: int, convolutions of the discriminator, from the picture on, that are not trained.
  """

  STEP_METRICS = ('loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake', 'logits/real_sign',
                  'gradients/generator', 'gradients/discriminator')
  METRICS = (*STEP_METRICS, 'penalty/r1', 'augment/probability', 'time/input_secs')
  stages = None  # callable of int: those of a run of as many minibatches, as for `input_pipeline.make_plan`
  placed = None  # int64 [num], which of the pictures that are trained on have a place in `space`, in its order
  wants_places = False  # whether a minibatch is (pictures, their places among those that are trained on)
  trains_discriminator = True

  def __init__(self, options, strategy):
    """Builds everything, optimizer slots too, so that a checkpoint restores at once and whole.

    Args:
      options: `config.Config`.
      strategy: `tf.distribute.Strategy`.

    Raises:
      errors.InputError: the minibatch cannot be divided by the replicas, or not into groups for minibatch features, or
        XLA cannot compile for these replicas.
    """
    super().__init__(name='trainer')
    self.options = options
    self.strategy = strategy
    compares = options.networks.minibatch_features != 'none'
    self._per_replica_batch_size = devices.per_replica_batch_size(
        options.data.global_batch_size, strategy, networks.GROUP_SIZE if compares else 1)
    if compares and _group_size(self._per_replica_batch_size) == 1:
      raise errors.InputError(
          f'`global_batch_size` ({options.data.global_batch_size}) over {strategy.num_replicas_in_sync} replicas must '
          f'be such that the part of each ({self._per_replica_batch_size}) is divisible by one of 2 to '
          f'{networks.GROUP_SIZE}, because `minibatch_features` ({options.networks.minibatch_features}) compares '
          f'pictures in groups. Use {networks.GROUP_SIZE * strategy.num_replicas_in_sync}, or '
          '--minibatch_features=none.')
    if options.training.xla and strategy.num_replicas_in_sync > 1:
      raise errors.InputError(f'`xla` (on) compiles for one replica, not for {strategy.num_replicas_in_sync}, which '
                              'share their variables. Use --strategy=one, or start a run with --xla=off.')
    self._losses = losses.LOSSES[options.training.loss]
    common = dict(config=options.networks, precision=options.training.precision,
                  synchronized=strategy.num_replicas_in_sync > 1, seed=options.training.seed)
    is_partly_frozen = options.training.transfer == 'freeze_d'
    self.num_frozen = int(_FROZEN * networks.num_convolutions(options.networks)) if is_partly_frozen else 0
    self.extra_state, self.extra_texts = {}, {}
    with strategy.scope():
      self.generator = networks.build_generator(**common)
      self.discriminator = networks.build_discriminator(**common, num_frozen=self.num_frozen)
      self.generator_ema = networks.build_generator(**common)
      self.generator_optimizer = self._build_optimizer(self.generator)
      self.discriminator_optimizer = self._build_optimizer(self.discriminator)
      self.augmentation = augment.Adaptive(options.augmentation)
      self.r1 = tf.Variable(0.0, trainable=False, name='r1')
      self.global_step = tf.Variable(0, dtype=tf.int64, trainable=False, name='global_step')
    # XLA takes a step as a whole; without it there must be no function of its own here, in which replicas cannot meet.
    self._compiled = tf.function(self._replica_step, jit_compile=True) if options.training.xla else self._replica_step

  @property
  def step(self):
    """int, the minibatches trained; reads `global_step` under any strategy."""
    return int(self.global_step.numpy())

  @property
  def space(self):
    """Where in Z this model's pictures are drawn: `latents.Normal`."""
    return latents.Normal(self.options.networks.z_dims)

  @property
  def watched(self):
    """`tf.keras.Model`, the generator whose pictures tell how training goes: not the averaged one, which is later."""
    return self.generator

  @property
  def num_companions(self):
    """int, pictures beyond its part of the minibatch that each replica is given, drawn from all over the set.

    With minibatch features each real is compared with them, never with the others of its minibatch: those may be alike
    on purpose, fakes never are, and the discriminator would tell the two apart by that alone. Each fake is compared
    with as many others, whose z are drawn from all over Z too.
    """
    if self.options.networks.minibatch_features == 'none':
      return 0
    return _group_size(self._per_replica_batch_size) - 1

  @property
  def frozen(self):
    """dict from 'generator' and 'discriminator' to the list of variables that training leaves as they are."""
    return {'generator': [], 'discriminator': [variable for layer in self.discriminator.layers if not layer.trainable
                                               for variable in layer.variables]}

  def take_options(self):
    """Puts the options' learning rate and fixed augmentation in the place of those that a checkpoint brought."""
    for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
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
      iterator: over the distributed dataset of uint8 [per_replica_batch + num_companions, size, size, 3].
      num_steps: int64 [] tensor; a Python int would trace anew for each value.

    Returns:
      dict of float32 [num_steps], by the names of `METRICS`. Logits are means, 'logits/real_sign' that of their signs.
      Gradients are norms over all variables. 'penalty/r1' is the latest. 'time/input_secs' is what the step waited for
      its minibatch.
    """
    history = tf.TensorArray(tf.float32, size=tf.cast(num_steps, tf.int32), element_shape=[len(self.METRICS)])
    for i in tf.range(tf.cast(num_steps, tf.int32)):
      minibatch, waited_secs = self._next_minibatch(iterator)
      with tf.control_dependencies([waited_secs]):  # else G starts meanwhile, and its work would count as waiting
        metrics = self._learn(minibatch)
      averaged = self._average_generator()
      history = history.write(i, tf.concat([metrics, [waited_secs]], axis=0))
      with tf.control_dependencies([metrics, *averaged]):  # the last of the step, so that the next one starts after it
        self.global_step.assign_add(1)
    return dict(zip(self.METRICS, tf.unstack(history.stack(), axis=1)))

  def _next_minibatch(self, iterator):
    with tf.control_dependencies([self.global_step.read_value()]):  # not before the last step is over
      start = tf.timestamp()
    with tf.control_dependencies([start]):
      minibatch = next(iterator)
    with tf.control_dependencies(tf.nest.flatten(minibatch, expand_composites=True)):
      return minibatch, tf.cast(tf.timestamp() - start, tf.float32)

  def _learn(self, pixels):
    """Learns from a minibatch; returns its metrics, all but the last."""
    metrics = self._step(pixels)
    self.augmentation.update(metrics[4], self.global_step, self.options.data.global_batch_size)
    return tf.concat([metrics, [self.r1, self.augmentation.probability]], axis=0)

  def _step(self, pixels):
    """Trains both networks on a minibatch, with the R1 penalty where it is due; returns the global metrics."""
    every = self.options.regularization.r1_every_steps
    if not self.options.regularization.r1_gamma:
      return self._run(pixels, has_r1=False)[:len(self.STEP_METRICS)]
    metrics = tf.cond(tf.equal(self.global_step % every, 0), lambda: self._run(pixels, has_r1=True),
                      lambda: tf.concat([self._run(pixels, has_r1=False)[:len(self.STEP_METRICS)], [self.r1]], axis=0))
    self.r1.assign(metrics[len(self.STEP_METRICS)])
    return metrics[:len(self.STEP_METRICS)]

  def _run(self, pixels, has_r1):
    per_replica = self.strategy.run(self._compiled, args=(pixels, has_r1))
    return self.strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)

  def _replica_step(self, pixels, has_r1):
    """Trains D, then G against the new D, on this replica's part of a minibatch; returns its share of the metrics."""
    real_images = images.to_float(pixels)
    with tf.GradientTape() as tape:
      # The one forward pass of G in a step, so its BatchNorm statistics move once.
      fake_images = self.generator(self._replica_z(), training=True)
      with tape.stop_recording():
        discriminator_metrics = self._train_discriminator(real_images, fake_images, has_r1)
      generator_loss = self._losses.generator(self._discriminate(fake_images, _FAKE_FOR_G))
    gradient_norm = self._apply(tape, generator_loss, self.generator.trainable_variables, self.generator_optimizer)
    loss, real_logits, fake_logits, discriminator_gradient_norm, r1 = discriminator_metrics
    signs = tf.sign(real_logits - self._losses.boundary)
    return self._replica_share(tf.stack([
        generator_loss, loss, tf.reduce_mean(real_logits), tf.reduce_mean(fake_logits), tf.reduce_mean(signs),
        gradient_norm, discriminator_gradient_norm, r1]))

  def _train_discriminator(self, real_images, fake_images, has_r1=False):
    """Returns (loss, logits of reals, logits of fakes, norm of the gradients, R1 penalty)."""
    options, r1 = self.options.regularization, tf.constant(0.0)
    with tf.GradientTape() as tape:
      # Reals and fakes are normalized apart (Radford et al. 2016 as implemented for the report).
      with tf.GradientTape(watch_accessed_variables=False) as image_tape:
        judged, companions = tf.split(real_images, [self._per_replica_batch_size, self.num_companions])
        if has_r1:
          image_tape.watch(judged)
        real_logits = self._discriminate(tf.concat([judged, companions], axis=0), REAL)
      fake_logits = self._discriminate(fake_images, FAKE)
      loss = self._losses.discriminator(real_logits, fake_logits, options.label_smoothing)
      objective = loss
      if has_r1:
        r1 = losses.r1_penalty(real_logits, judged, image_tape)
        objective += options.r1_gamma * options.r1_every_steps * r1
    norm = self._apply(tape, objective, self.discriminator.trainable_variables, self.discriminator_optimizer)
    return loss, real_logits, fake_logits, norm, r1

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

  def _discriminate(self, pictures, stream):
    """Returns D's logits of this replica's part of the minibatch, augmented; companions behind it are not judged."""
    num_judged = self._per_replica_batch_size
    pictures = self._disturbed(pictures, stream)
    # D's own moving averages are never used: it always judges with the statistics of the minibatch.
    if self.options.networks.minibatch_features == 'none':
      return self.discriminator(pictures, training=True)
    if stream == REAL:
      companions = tf.tile([tf.range(num_judged, num_judged + self.num_companions)], [pictures.shape[0], 1])
    else:
      companions = _others_of_the_group(num_judged, self.num_companions + 1)
    return self.discriminator([pictures, companions], training=True)[:num_judged]

  def _disturbed(self, pictures, stream):
    """Returns what D sees of pictures: augmented, and with instance noise."""
    options, seed = self.options.regularization, self._seed(stream)
    num_drawn = self.options.data.global_batch_size + self.num_companions
    draws = augment.draw(self.options.augmentation.augment, num_drawn, seed, self.augmentation.probability)
    rows = lambda values: self._replica_rows(values, has_companions=stream == REAL)
    pictures = augment.apply(pictures, {name: rows(values) for name, values in draws.items()})
    if options.instance_noise:
      left = tf.maximum(0.0, 1.0 - self._images_seen() / options.instance_noise_images)
      pictures += options.instance_noise * left * rows(augment.noise([num_drawn, *pictures.shape[1:]], seed))
    return pictures

  def _replica_z(self):
    return self._replica_rows(tf.random.stateless_normal(
        [self.options.data.global_batch_size, self.options.networks.z_dims], self._seed(_Z), alg='philox'))

  def _seed(self, stream):
    return tf.stack([tf.constant(self.options.training.seed * NUM_STREAMS + stream, tf.int64), self.global_step])

  def _images_seen(self):
    return tf.cast(self.global_step, tf.float32) * self.options.data.global_batch_size

  def _replica_rows(self, values, has_companions=False):
    """Returns this replica's rows of what was drawn for the whole minibatch: the same for any number of replicas."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    start = replica * self._per_replica_batch_size
    rows = values[start:start + self._per_replica_batch_size]
    return tf.concat([rows, values[self.options.data.global_batch_size:]], axis=0) if has_companions else rows

  def _average_generator(self):
    """Moves the averaged generator toward the generator, on each replica alone; returns the operations that do."""
    batch_size = float(self.options.data.global_batch_size)
    half_life = tf.minimum(float(self.options.training.ema_half_life_images), _EMA_RAMP_UP * self._images_seen())
    decay = tf.pow(0.5, batch_size / tf.maximum(half_life, 1e-3))
    move = lambda average, variable, decay: average.assign(variable + decay * (average - variable))
    return [self.strategy.extended.update(average, move, args=(variable, decay))
            for average, variable in zip(self.generator_ema.variables, self.generator.variables)]


def _group_size(num_images):
  """Returns the largest group of at most eight into which so many pictures can be divided."""
  return max(size for size in range(1, networks.GROUP_SIZE + 1) if num_images % size == 0)


def _others_of_the_group(num_images, group_size):
  """Returns int32 [num_images, group_size - 1]: for each picture the rows of the others in its group of neighbours."""
  place = tf.range(num_images)[:, tf.newaxis]
  start = place // group_size * group_size
  return start + (place - start + tf.range(1, group_size)) % group_size
