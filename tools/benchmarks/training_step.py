"""The bare training step: its speed, arithmetic, memory and parts in each precision, and Keras' two Adams."""

import dataclasses
import pathlib
import statistics

import numpy as np
import tensorflow as tf

from dcgan.common import devices
from dcgan.common import images
from dcgan.model import networks
from dcgan.options import config
from dcgan.options import presets
from dcgan.training import adversarial
from tools.benchmarks import alone
from tools.benchmarks import comparison
from tools.benchmarks import flops

_PRODUCT_SIDE = {'CPU': 2048, 'GPU': 8192}  # of the matrices whose product tells what the machine can do
_NUM_PRODUCTS = 4  # in one measurement
_WORKS = ('step', 'discriminator', 'averaging', 'product')
_HEADER = 'size  precision   images/s   ms/step   GFLOP/s  of matrix product  peak MiB  D step  averaging  G step, rest'


def bare(options, strategy, precision):
  """Returns options with the same networks, loss and minibatches, but without all that a step can do without.

  No augmentation, no penalties, and an averaged generator that is a copy of the generator. XLA as `dcgan.train` would
  choose it.

  Args:
    options: `config.Config`.
    strategy: `tf.distribute.Strategy`.
    precision: a name from `config.PRECISIONS`.
  """
  options = dataclasses.replace(options, augmentation=config.Augmentation(), regularization=config.Regularization())
  options = options.replace('training', ema_half_life_images=0, precision=precision)
  return options.replace('training', xla=devices.choose_xla(options, strategy))


def bare_options(preset, image_size_px, global_batch_size, strategy, precision):
  """Returns the options of a bare step of a preset's networks; the other arguments as in `measure` and `bare`."""
  options = presets.PRESETS[preset].replace('networks', image_size=image_size_px)
  return bare(options.replace('data', global_batch_size=global_batch_size), strategy, precision).validate()


def precisions():
  """Returns the precisions that this machine has use for."""
  return config.PRECISIONS if tf.config.list_physical_devices('GPU') else ('float32', 'bfloat16')


class Step:
  """A learner that is given one minibatch of noise, again and again.

  Attributes:
    trained: `learner.Learner`; for `train_discriminator` an `adversarial.AdversarialLearner`.
  """

  def __init__(self, trained):
    self.trained = trained
    size, batch_size = trained.options.networks.image_size, trained.options.data.global_batch_size
    pixels = np.random.default_rng(0).integers(0, 256, (batch_size, size, size, 3), np.uint8)
    minibatch = (pixels, np.arange(batch_size)) if trained.wants_numbers else pixels
    self._iterator = iter(trained.strategy.experimental_distribute_dataset(
        tf.data.Dataset.from_tensors(minibatch).repeat()))
    self._reals = images.to_float(pixels)
    self._fakes = tf.reverse(self._reals, [2])

  def train(self, num_steps):
    """Trains on so many minibatches; returns when they are done."""
    self.trained.train(self._iterator, tf.constant(num_steps, tf.int64))['loss/generator'].numpy()

  def train_discriminator(self, num_steps):
    """Does only D's part of so many steps."""
    self._discriminator_steps(tf.constant(num_steps)).numpy()

  def average(self, num_steps):
    """Does only the averaging of so many steps."""
    self._averagings(tf.constant(num_steps)).numpy()

  @tf.function
  def _discriminator_steps(self, num_steps):
    # pylint: disable=protected-access  # the parts of a step, which are nobody else's business
    step = self.trained._compiled(self.trained._train_discriminator)
    loss = 0.0
    for _ in tf.range(num_steps):
      loss = self.trained.strategy.run(step, args=(self._reals, self._fakes))['loss/discriminator']
    return loss

  @tf.function
  def _averagings(self, num_steps):
    for _ in tf.range(num_steps):
      self.trained._average()  # pylint: disable=protected-access
    return num_steps


def bare_step(options, strategy):
  """Returns the `Step` of generator and discriminator alone; the arguments as in `bare`."""
  return Step(adversarial.AdversarialLearner(options, strategy))


def measure(rounds, num_steps, global_batch_size, image_sizes_px):
  """Measures a bare step of the report's networks at each size in each precision, and both Adams.

  What a step reaches is told as a share of what the machine reaches in products of large square matrices in the same
  precision, measured in turn with it. Over 1 where convolutions are better tuned than those.

  Args:
    rounds: int, how often each is measured.
    num_steps: int, minibatches, or updates, in one measurement.
    global_batch_size: int, pictures in a minibatch.
    image_sizes_px: list of int.

  Yields:
    dicts with 'text', some lines, and its numbers: at each size a table and comparisons; the Adams.
  """
  strategy = devices.build_strategy('one')
  for size in image_sizes_px:
    steps = {precision: bare_step(bare_options('report', size, global_batch_size, strategy, precision), strategy)
             for precision in precisions()}
    rates = comparison.in_turn(_warm(
        {(name, precision): work for precision, step in steps.items()
         for name, work in _works(step, precision, num_steps, global_batch_size).items()}), rounds)
    rows = [dict(image_size_px=size, precision=precision,
                 peak_mib=alone.call(__name__, 'peak_memory_mib', size, precision, global_batch_size),
                 **_row({name: rates[name, precision] for name in _WORKS}, step, global_batch_size))
            for precision, step in steps.items()]
    yield dict(title='bare step', global_batch_size=global_batch_size, rows=rows,
               text='\n'.join([_HEADER] + [_line(row) for row in rows]))
    for precision in list(steps)[1:]:
      yield comparison.ratio(f'bare step, {size} px, images/s', {p: rates['step', p] for p in steps}, precision,
                             'float32')
  options = bare_options('report', image_sizes_px[0], global_batch_size, strategy, 'float32')
  updates = _warm({name: (_updates(options, is_legacy, num_steps), num_steps)
                   for name, is_legacy in (('legacy', True), ('new', False))})
  yield comparison.ratio('Adam, updates/s', comparison.in_turn(updates, rounds), 'legacy', 'new')


def _works(step, precision, num_steps, global_batch_size):
  """Returns what is measured of a step, by the names in `_WORKS`: in pictures a second, products in operations."""
  num_images = num_steps * global_batch_size
  products, num_operations = _products(precision)
  return {'step': (lambda: step.train(num_steps), num_images),
          'discriminator': (lambda: step.train_discriminator(num_steps), num_images),
          'averaging': (lambda: step.average(num_steps), num_images),
          'product': (products, num_operations)}


def _warm(works):
  """Returns the works after each was done once: the first time traces."""
  for work, _ in works.values():
    work()
  return works


def _products(precision):
  """Returns a callable that multiplies large matrices a few times, and its floating-point operations."""
  side = _PRODUCT_SIDE['GPU' if tf.config.list_physical_devices('GPU') else 'CPU']
  left = tf.cast(tf.random.stateless_normal([side, side], [0, 1]), precision)
  right = tf.cast(tf.random.stateless_normal([side, side], [0, 2]) / side**0.5, precision)  # products keep their size

  @tf.function
  def multiply(num_products):
    product = left
    for _ in tf.range(num_products):
      product = tf.matmul(product, right)
    return product[0, 0]

  def work():
    multiply(tf.constant(_NUM_PRODUCTS)).numpy()

  return work, 2 * side**3 * _NUM_PRODUCTS


def _row(rates, step, global_batch_size):
  """Returns the numbers of a line of the table, from the rates of the works of `_works`: medians over the rounds."""
  median_share = lambda values, of: statistics.median(value / each for value, each in zip(values, of))
  images_per_sec = statistics.median(rates['step'])
  operations_per_image = flops.of_a_step(step.trained.generator, step.trained.discriminator)
  discriminator, averaging = (median_share(rates['step'], rates[part]) for part in ('discriminator', 'averaging'))
  return dict(images_per_sec=images_per_sec, images_per_sec_by_round=rates['step'],
              ms_per_step=1000 * global_batch_size / images_per_sec, gflop_per_image=operations_per_image / 1e9,
              gflop_per_sec=images_per_sec * operations_per_image / 1e9,
              product_gflop_per_sec=statistics.median(rates['product']) / 1e9,
              share_of_product=operations_per_image * median_share(rates['step'], rates['product']),
              discriminator_share=discriminator, averaging_share=averaging, rest_share=1 - discriminator - averaging)


def _line(row):
  peak = '-' if row['peak_mib'] is None else f'{row["peak_mib"]:.0f}'
  return (f'{row["image_size_px"]:4}  {row["precision"]:9}  {row["images_per_sec"]:9.1f}  {row["ms_per_step"]:8.1f}  '
          f'{row["gflop_per_sec"]:8.1f}  {row["share_of_product"]:17.0%}  {peak:>8}  '
          f'{row["discriminator_share"]:6.0%}  {row["averaging_share"]:9.1%}  {row["rest_share"]:12.0%}')


def peak_memory_mib(image_size_px, precision, global_batch_size):
  """Returns the memory that bare steps take at most; to be called in a process that has done nothing else.

  On a GPU, what TensorFlow's tensors take there. On a CPU, how far the process grows over its size with TensorFlow
  loaded: the kernel's VmHWM less VmRSS, because `ru_maxrss` starts at the size of the process that started this one.

  Args:
    image_size_px: int.
    precision: a name from `config.PRECISIONS`.
    global_batch_size: int.

  Returns:
    float in MiB, or None where the system does not tell.
  """
  strategy = devices.build_strategy('one')
  before_mib = _status_mib('VmRSS')
  bare_step(bare_options('report', image_size_px, global_batch_size, strategy, precision), strategy).train(2)
  if tf.config.list_physical_devices('GPU'):
    return tf.config.experimental.get_memory_info('GPU:0')['peak'] / 2**20
  return before_mib and _status_mib('VmHWM') - before_mib


def _status_mib(name):
  """Returns a size of this process in MiB, or None where there is no /proc."""
  status = pathlib.Path('/proc/self/status')
  if not status.is_file():
    return None
  return next(int(line.split()[1]) / 1024 for line in status.read_text(encoding='utf-8').splitlines()
              if line.startswith(f'{name}:'))


def _updates(options, is_legacy, num_steps):
  """Returns a callable that updates the weights of both networks a few times, without computing gradients."""
  adam = tf.keras.optimizers.legacy.Adam if is_legacy else tf.keras.optimizers.Adam
  optimizer = adam(options.training.learning_rate, options.training.beta1)
  variables = [variable for build in (networks.build_generator, networks.build_discriminator)
               for variable in build(options.networks, 'float32').trainable_variables]
  gradients = [tf.random.normal(variable.shape) for variable in variables]

  @tf.function
  def update(num_updates):
    for _ in tf.range(num_updates):
      optimizer.apply_gradients(zip(gradients, variables))
    return variables[0][0]

  def work():
    update(tf.constant(num_steps)).numpy()

  return work
