"""Streaming statistics of a training run."""

import numpy as np
import tensorflow as tf

_DECAY = 0.99
_SMALLEST_LOSS = 1e-8


class LossRatio(tf.Module):
  """The moving average of gLoss/dLoss, whose explosion tells a collapse (report, "How far can we push DCGAN").

  Its two variables belong into the checkpoint: the average goes on where it was.
  """

  def __init__(self):
    super().__init__(name='loss_ratio')
    self._average = tf.Variable(0.0, dtype=tf.float32, trainable=False, name='average')
    self._num_minibatches = tf.Variable(0, dtype=tf.int64, trainable=False, name='num_minibatches')

  @property
  def average(self):
    """float, 0 before the first minibatch; early on it averages over the minibatches there are."""
    return float(self._average)

  def update(self, generator_losses, discriminator_losses):
    """Takes in the losses of consecutive minibatches, float32 [num_minibatches] each; returns the new average."""
    average, count = float(self._average), int(self._num_minibatches)
    for ratio in np.asarray(generator_losses) / np.maximum(discriminator_losses, _SMALLEST_LOSS):
      decay = min(_DECAY, count / (count + 1))
      average = decay * average + (1.0 - decay) * float(ratio)
      count += 1
    self._average.assign(average)
    self._num_minibatches.assign(count)
    return average
