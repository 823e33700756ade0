"""The arithmetic that a training step cannot do without, counted from the layers' shapes."""

import numpy as np
import tensorflow as tf


def of_a_step(generator, discriminator):
  """Returns the floating-point operations of one training step, for each picture of a minibatch.

  A multiplication and an addition are two. Convolutions and dense layers count, with the taps that fall on their
  padding; BatchNorm, activations, losses and optimizers do not, and neither does what an implementation does beyond
  need. A layer's forward pass, the gradients of its weights and those of its inputs cost the same each:

    * G, forward and backward: three times each layer, without the gradients of z.
    * D on reals and on fakes, forward and backward: three times each layer, without the gradients of the pictures,
      twice.
    * D on fakes for G: forward and the gradients of the inputs, those of the pictures too, and of no weights.

  Args:
    generator: `tf.keras.Model`, z → images.
    discriminator: `tf.keras.Model`, images → logits.

  Returns:
    int.
  """
  of_generator, of_discriminator = _of_layers(generator), _of_layers(discriminator)
  return (3 * sum(of_generator) - of_generator[0] + 2 * (3 * sum(of_discriminator) - of_discriminator[0]) +
          2 * sum(of_discriminator))


def _of_layers(network):
  """Returns the operations of each layer's forward pass for one picture, from the network's input on."""
  counts = []
  for layer in network.layers:
    # Each number of a kernel is used once at each place of the output, where convolution is transposed, of the input.
    if isinstance(layer, tf.keras.layers.Conv2DTranspose):
      places = layer.input_shape[1:-1]
    elif isinstance(layer, (tf.keras.layers.Conv2D, tf.keras.layers.Dense)):
      places = layer.output_shape[1:-1]
    else:
      continue
    counts.append(2 * int(np.prod(layer.kernel.shape)) * int(np.prod(places)))
  return counts
