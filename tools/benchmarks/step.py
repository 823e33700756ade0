"""The training step: its precisions, and Keras' two Adams."""

import numpy as np
import tensorflow as tf

from dcgan import config
from dcgan import devices
from dcgan import networks
from dcgan import trainer
from tools.benchmarks import comparison


def measure(rounds, num_steps, global_batch_size, image_size_px):
  """Compares the precisions of a whole training step, and the two Adams on the same networks.

  Args:
    rounds: int, how often each pair is measured.
    num_steps: int, minibatches, or updates, in one measurement.
    global_batch_size: int, pictures in a minibatch.
    image_size_px: int, size of a picture.

  Returns:
    list of dicts, as `comparison.compare` gives them.
  """
  options = config.Networks(image_size_px=image_size_px)
  options.validate()
  steps = [_steps(options, precision, num_steps, global_batch_size) for precision in ('bfloat16', 'float32')]
  updates = [_updates(options, is_legacy, num_steps) for is_legacy in (True, False)]
  for work in (*steps, *updates):
    work()  # the first call traces
  return [comparison.compare('training step, images/s', *steps, num_steps * global_batch_size, ('bfloat16', 'float32'),
                             rounds),
          comparison.compare('Adam, updates/s', *updates, num_steps, ('legacy', 'new'), rounds)]


def _steps(networks_options, precision, num_steps, global_batch_size):
  """Returns a callable that trains a few minibatches of noise in `precision`."""
  options = config.Config(networks=networks_options, training=config.Training(precision=precision),
                          data=config.Data(global_batch_size=global_batch_size))
  strategy = devices.build_strategy()
  trained = trainer.Trainer(options, strategy)
  size = networks_options.image_size_px
  pictures = np.random.default_rng(0).integers(0, 256, (global_batch_size, size, size, 3), np.uint8)
  iterator = iter(strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensors(pictures).repeat()))

  def work():
    trained.train(iterator, tf.constant(num_steps, tf.int64))['loss/generator'].numpy()

  return work


def _updates(networks_options, is_legacy, num_steps):
  """Returns a callable that updates the weights of both networks a few times, without computing gradients."""
  adam = tf.keras.optimizers.legacy.Adam if is_legacy else tf.keras.optimizers.Adam
  optimizer = adam(2e-4, 0.5)
  variables = [variable for build in (networks.build_generator, networks.build_discriminator)
               for variable in build(networks_options, 'float32').trainable_variables]
  gradients = [tf.random.normal(variable.shape) for variable in variables]

  @tf.function
  def update(num_updates):
    for _ in tf.range(num_updates):
      optimizer.apply_gradients(zip(gradients, variables))
    return variables[0][0]

  def work():
    update(tf.constant(num_steps)).numpy()

  return work
