"""What a run will take, told before it starts: variables, memory, minibatches in a pass over the set."""

import numpy as np

from dcgan.data import batch_plan

_BYTES = {'float32': 4, 'bfloat16': 2, 'float16': 2}
# Passes whose activations are held at once: a forward pass and its gradients. D sees reals and fakes, then fakes again.
_NUM_HELD = 2
_MIB = 2**20


def text(learner, training_set):
  """Returns the lines of `--dry_run`.

  The memory is an estimate: it counts weights, Adam's moments, gradients and each layer's activations, and not what a
  convolution needs beside them.

  Args:
    learner: `learner.Learner`.
    training_set: `input_pipeline.TrainingSet`.

  Returns:
    str, some lines, without the options.
  """
  options, num_replicas = learner.options, learner.strategy.num_replicas_in_sync
  size, batch_size = options.networks.image_size, options.data.global_batch_size
  count = lambda network: sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
  averaged = [average for average, _ in learner.averaged]
  trained = {name: network for name, network in learner.networks.items() if network not in averaged}
  # Weights, gradients and two moments of each network, and the averaged ones.
  weights = 4 * (4 * sum(map(count, trained.values())) + sum(map(count, averaged)))
  bytes_each = _BYTES[options.training.precision]
  held = sum(map(_num_activations, trained.values())) + _num_activations(learner.discriminator)  # reals and fakes
  activations = _NUM_HELD * held * bytes_each * batch_size // num_replicas
  decoded = training_set.num_images * size * size * 3 if training_set.storage == 'memory' else 0
  is_overlapping = options.data.minibatches == 'overlapping'
  new_images = batch_plan.window_stride(batch_size, options.data.overlap) if is_overlapping else batch_size
  num_trained_on, num_held_out = len(training_set.trained_on), len(training_set.held_out)
  in_a_pass = num_trained_on / new_images
  passes = options.training.num_minibatches / in_a_pass
  return (''.join(f'{name}: {count(network):,} weights\n' for name, network in trained.items()) +
          f'memory of each of {num_replicas} replicas, about: {(weights + activations) / _MIB:,.0f} MiB (weights '
          f'{weights / _MIB:,.0f}, activations {activations / _MIB:,.0f})\n'
          f'memory of the decoded set: {decoded / _MIB:,.0f} MiB\n'
          f'faces: {num_trained_on:,} to train on, {num_held_out:,} held out\n'
          f'minibatches in a pass over the {num_trained_on:,} faces: {in_a_pass:,.1f}, so '
          f'{options.training.num_minibatches:,} minibatches are {passes:,.1f} passes')


def _num_activations(network):
  """Returns the numbers that the layers of a network put out for one picture."""
  shapes = [layer.output_shape for layer in network.layers]
  return sum(int(np.prod([side for side in shape[1:] if side])) for shape in shapes if isinstance(shape, tuple))
