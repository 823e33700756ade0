"""The game of generator and discriminator alone, as in the report: no picture is tied to a point of Z."""

import tensorflow as tf

from dcgan.common import images
from dcgan.model import latents
from dcgan.model import losses
from dcgan.training import learner


class AdversarialLearner(learner.Learner):
  """The step of a DCGAN (Radford et al. 2016, arXiv:1511.06434): D learns, then G against the new D."""

  METRICS = ('loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake', 'logits/real_sign',
             'gradients/generator', 'gradients/discriminator', 'penalty/r1')

  def __init__(self, options, strategy):
    """Builds everything, as `learner.Learner`."""
    super().__init__(options, strategy)
    self._step = self._compiled(self._replica_step)

  @property
  def space(self):
    """`latents.Normal`."""
    return latents.Normal(self.options.networks.z_dims)

  def _learn(self, minibatch):
    return self._with_r1_where_due(self._step, minibatch)

  def _replica_step(self, pixels, has_r1):
    """Trains D, then G, on this replica's part of a minibatch; returns a dict of its metrics."""
    real_images = images.to_float(pixels)
    with tf.GradientTape() as tape:
      # The one forward pass of G in a step, so its BatchNorm statistics move once.
      fake_images = self.generator(self._replica_z(), training=True)
      with tape.stop_recording():
        metrics = self._train_discriminator(real_images, fake_images, has_r1)
      generator_loss = losses.generator_loss(self._discriminate(fake_images, learner.FAKE_FOR_G))
    norm = self._apply(tape, generator_loss, self.generator.trainable_variables, self.generator_optimizer)
    return metrics | {'loss/generator': generator_loss, 'gradients/generator': norm}

  def _train_discriminator(self, real_images, fake_images, has_r1=False):
    """Trains D; returns a dict of its metrics."""
    options, r1 = self.options.regularization, tf.constant(0.0)
    with tf.GradientTape() as tape:
      # Reals and fakes are normalized apart (Radford et al. 2016 as implemented for the report).
      with tf.GradientTape(watch_accessed_variables=False) as image_tape:
        if has_r1:
          image_tape.watch(real_images)
        real_logits = self._discriminate(real_images, learner.REAL)
      fake_logits = self._discriminate(fake_images, learner.FAKE)
      loss = objective = losses.discriminator_loss(real_logits, fake_logits)
      if has_r1:
        r1 = losses.r1_penalty(real_logits, real_images, image_tape)
        objective += options.r1_gamma * options.r1_every_steps * r1
    norm = self._apply(tape, objective, self.discriminator.trainable_variables, self.discriminator_optimizer)
    return {'loss/discriminator': loss, 'logits/real': tf.reduce_mean(real_logits),
            'logits/fake': tf.reduce_mean(fake_logits), 'logits/real_sign': tf.reduce_mean(tf.sign(real_logits)),
            'gradients/discriminator': norm, 'penalty/r1': r1}

  def _discriminate(self, pictures, stream):
    """Returns D's logits of this replica's part of the minibatch, augmented."""
    # D's own moving averages are never used: it always judges with the statistics of the minibatch.
    return self.discriminator(self._augmented(pictures, stream), training=True)

  def _replica_z(self):
    return self._replica_rows(tf.random.stateless_normal(
        [self.options.data.global_batch_size, self.options.networks.z_dims], self._seed(learner.Z), alg='philox'))
