"""Measures speed as ratios, taken side by side in one run, because a bare time says little on a noisy machine.

  python -m tools.benchmark step    the training step: bfloat16 against float32, legacy Adam against the new one

Prints a table; the last line on standard output is the path of the same numbers as JSON.
"""

import json
import pathlib
import statistics
import time

from absl import app
from absl import flags

from dcgan import config
from dcgan import entry
from dcgan import files

_ROUNDS = flags.DEFINE_integer('rounds', 5, 'How often each pair is measured, in turn.', lower_bound=1)
_STEPS = flags.DEFINE_integer('steps', 4, 'Minibatches, or updates, in one measurement.', lower_bound=1)
_GLOBAL_BATCH_SIZE = flags.DEFINE_integer('global_batch_size', 64, 'Pictures in a minibatch.', lower_bound=2)
_IMAGE_SIZE = flags.DEFINE_integer('image_size', 64, 'Size in px of a picture.', lower_bound=8)
_OUT = flags.DEFINE_string('out', None, 'JSON to write; checkpoints/benchmark-SUBJECT.json by default.')


def main(subject):
  """Measures one subject; returns the path of its numbers."""
  if subject not in _SUBJECTS:
    raise app.UsageError(f'Unknown subject {subject!r}: choose one of {", ".join(_SUBJECTS)}.')
  results = _SUBJECTS[subject]()
  for result in results:
    print(result['text'])
  path = pathlib.Path(_OUT.value or f'checkpoints/benchmark-{subject}.json')
  files.write_text(path, json.dumps(results, indent=1) + '\n')
  return path


def _step():
  """Compares the precisions of a whole training step, and the two Adams on the same networks."""
  options = config.Networks(image_size_px=_IMAGE_SIZE.value)
  options.validate()
  return [_compare('training step, images/s', _steps(options, 'bfloat16'), _steps(options, 'float32'),
                   _STEPS.value * _GLOBAL_BATCH_SIZE.value, ('bfloat16', 'float32')),
          _compare('Adam, updates/s', _updates(options, legacy=True), _updates(options, legacy=False),
                   _STEPS.value, ('legacy', 'new'))]


def _steps(networks_options, precision):
  """Returns a callable that trains a few minibatches of noise in `precision`."""
  import numpy as np  # pylint: disable=import-outside-toplevel
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from dcgan import devices  # pylint: disable=import-outside-toplevel
  from dcgan import trainer  # pylint: disable=import-outside-toplevel
  options = config.Config(networks=networks_options, training=config.Training(precision=precision),
                          data=config.Data(global_batch_size=_GLOBAL_BATCH_SIZE.value))
  strategy = devices.build_strategy()
  trained = trainer.Trainer(options, strategy)
  size = networks_options.image_size_px
  pictures = np.random.default_rng(0).integers(0, 256, (_GLOBAL_BATCH_SIZE.value, size, size, 3), np.uint8)
  iterator = iter(strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensors(pictures).repeat()))
  return lambda: trained.train(iterator, tf.constant(_STEPS.value, tf.int64))['loss/generator'].numpy()


def _updates(networks_options, legacy):
  """Returns a callable that updates the weights of both networks a few times, without computing gradients."""
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from dcgan import networks  # pylint: disable=import-outside-toplevel
  adam = tf.keras.optimizers.legacy.Adam if legacy else tf.keras.optimizers.Adam
  optimizer = adam(2e-4, 0.5)
  variables = [variable for build in (networks.build_generator, networks.build_discriminator)
               for variable in build(networks_options, 'float32').trainable_variables]
  gradients = [tf.random.normal(variable.shape) for variable in variables]

  @tf.function
  def update(num_updates):
    for _ in tf.range(num_updates):
      optimizer.apply_gradients(zip(gradients, variables))
    return variables[0][0]

  return lambda: update(tf.constant(_STEPS.value)).numpy()


def _compare(title, left, right, amount, names):
  """Returns the rates of two callables and their ratio, measured in turn.

  Args:
    title: str, what is measured and its unit.
    left: callable that does `amount` units of work.
    right: callable that does the same work another way.
    amount: int.
    names: (str, str), what the two are called.

  Returns:
    dict with 'title', 'names', 'rates' (two lists), 'ratios' (left over right, round by round) and 'text', a line.
  """
  left(), right()  # the first call traces
  rates = [], []
  for _ in range(_ROUNDS.value):
    for work, measured in zip((left, right), rates):
      start = time.perf_counter()
      work()
      measured.append(amount / (time.perf_counter() - start))
  ratios = [a / b for a, b in zip(*rates)]
  medians = [statistics.median(measured) for measured in rates]
  text = (f'{title}: {names[0]} {medians[0]:.1f}, {names[1]} {medians[1]:.1f}, ratio {statistics.median(ratios):.2f} '
          f'({min(ratios):.2f} to {max(ratios):.2f})')
  return dict(title=title, names=names, rates=rates, ratios=ratios, text=text)


_SUBJECTS = {'step': _step}


if __name__ == '__main__':
  entry.run(main, num_arguments=1)
