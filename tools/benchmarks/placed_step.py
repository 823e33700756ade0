"""The step of a person with places: its parts beside each other, and how long one picture takes to be made."""

import time

import numpy as np
import tensorflow as tf

from dcgan.common import devices
from dcgan.common import images
from dcgan.data import input_pipeline
from dcgan.options import presets
from dcgan.training import places
from tools.benchmarks import comparison
from tools.benchmarks import training_step

_NUM_PICTURES, _NUM_CONTROLS = 300, 40  # of noise, in the set
_NUM_FRAMES = 200


def measure(rounds, num_steps, image_sizes_px):
  """Measures the step of the preset `person` at each size, and the frames of its generator.

  Args:
    rounds: int, how often each is measured.
    num_steps: int, minibatches in one measurement.
    image_sizes_px: list of int.

  Yields:
    dicts with 'text', a line, and its numbers: the whole step beside reconstruction alone, beside the step without the
    encoder that follows, without controls that places arrange themselves by, and beside the bare step of its networks
    without places; frames of one picture.
  """
  strategy = devices.build_strategy('one')
  for size in image_sizes_px:
    options = presets.PRESETS['person'].replace('networks', image_size=size)
    steps = {'whole': _step(options.replace('places', alone_visits=0), strategy),
             'alone': _step(options.replace('places', alone_visits=10**6), strategy),
             'without encoder': _step(options.replace('places', alone_visits=0, encoder=False), strategy),
             'not arranged': _step(options.replace('places', alone_visits=0, controls_weight=0.0), strategy),
             'without places': training_step.bare_step(
                 training_step.bare(options, strategy, 'float32'), strategy)}
    batch_size = options.data.global_batch_size
    works = {name: (_train(step, num_steps), num_steps * batch_size) for name, step in steps.items()}
    for work, _ in works.values():  # traces
      work()
    rates = comparison.in_turn(works, rounds)
    for name in list(steps)[1:]:
      yield comparison.ratio(f'step with places, {size} px, images/s', rates, 'whole', name)
    yield _frames(steps['whole'].trained.generator_ema, size)


def _train(step, num_steps):
  return lambda: step.train(num_steps)


def _step(options, strategy):
  """Returns the `training_step.Step` of a person's learner on a set of noise."""
  size = options.networks.image_size
  rng = np.random.default_rng(0)
  every = np.arange(_NUM_PICTURES)
  options = options.replace('training', num_minibatches=10**9)
  training_set = input_pipeline.MemorySet(
      rng.normal(size=[_NUM_PICTURES, 256]).astype(np.float32), True, every, every[:0], [str(i) for i in every],
      every.astype(np.float32), rng.integers(0, 256, [_NUM_PICTURES, size, size, 3], np.uint8))
  shown = rng.normal(size=[_NUM_PICTURES, _NUM_CONTROLS]).astype(np.float32)
  targets = shown if options.places.controls_weight else None
  return training_step.Step(places.PlaceLearner(options, strategy, training_set, targets))


def _frames(generator, size):
  """Returns how long frames of one picture take, from z to uint8 pixels."""
  make = tf.function(lambda z: images.to_uint8(generator(z, training=False)))
  z = np.random.default_rng(0).normal(size=[_NUM_FRAMES, 1, generator.input_shape[-1]]).astype(np.float32)
  make(tf.constant(z[0])).numpy()  # traces
  times_ms = []
  for one in z:
    start = time.perf_counter()
    make(tf.constant(one)).numpy()
    times_ms.append(1000 * (time.perf_counter() - start))
  median, p99 = np.percentile(times_ms, [50, 99])
  return dict(title='frame of the generator', image_size_px=size, median_ms=median, p99_ms=p99,
              text=f'frame of one picture, {size} px: {median:.1f} ms, one of a hundred over {p99:.1f} ms')
