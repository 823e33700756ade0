"""The whole loop of a run against the bare step, and what 5,000 minibatches do to its speed and memory."""

import pathlib
import statistics
import tempfile
import threading

import psutil

from dcgan.common import devices
from dcgan.common import files
from dcgan.data import manifests
from dcgan.options import presets
from dcgan.training import actions
from dcgan.training import assembly
from dcgan.training import session
from tools.benchmarks import alone
from tools.benchmarks import comparison
from tools.benchmarks import drawn_set
from tools.benchmarks import training_step

_NUM_IMAGES = 500  # of the drawn set: one person's
_LOOP, _OPTIONS, _BARE = 'whole loop', "step with the preset's options", 'bare step'
_SAMPLE_EVERY_SECS = 0.1


def measure(rounds, num_steps, image_size_px, preset):
  """Compares a run as `dcgan.train` makes it with bare steps of its networks.

  The run's speed counts from its first line of statistics, so not what is traced before, to its last one: minibatches,
  augmentation, averaging, penalties, statistics, samples, scores and checkpoints in their periods. Its step on a
  constant minibatch is measured too, and tells how much of the difference is in what the step does.

  Args:
    rounds: int, how often each is measured.
    num_steps: int, minibatches in a run; bare steps a quarter of that.
    image_size_px: int.
    preset: str, a name from `presets.PRESETS`.

  Returns:
    list of dicts with 'text', a line, and its numbers.
  """
  strategy = devices.build_strategy('one')
  with tempfile.TemporaryDirectory() as folder:
    prefix = pathlib.Path(folder) / 'drawn'
    drawn_set.make_set(prefix, _NUM_IMAGES)
    options = presets.PRESETS[preset].replace('networks', image_size=image_size_px)
    # None for reconstruction alone: the speed of the whole step is asked.
    options = options.replace('data', records=str(prefix)).replace('places', alone_visits=0).replace(
        'training', precision=devices.choose_precision(), num_minibatches=num_steps)
    options = options.replace('training', xla=devices.choose_xla(options, strategy)).validate()
    batch_size, num_bare_steps = options.data.global_batch_size, max(1, num_steps // 4)
    parts = assembly.build(options, manifests.load(prefix), strategy, 'auto')
    bare = training_step.bare(options, strategy, options.training.precision)
    steps = {_OPTIONS: training_step.Step(parts.learner), _BARE: training_step.bare_step(bare, strategy)}
    shares = []

    def train():
      result = session.start(options, folder, strategy=strategy)
      if result.signal:  # the run caught it
        raise KeyboardInterrupt
      images_per_sec, *fractions = read_speed(result.run, batch_size)
      shares.append(fractions)
      return num_steps * batch_size / images_per_sec

    works = {_LOOP: (train, num_steps * batch_size)}
    for name, step in steps.items():
      step.train(1)  # traces
      works[name] = lambda step=step: step.train(num_bare_steps), num_bare_steps * batch_size
    rates = comparison.in_turn(works, rounds)
  title = f'preset {preset}, {image_size_px} px, {options.training.precision}, images/s'
  told = [comparison.ratio(title, rates, _LOOP, _BARE), comparison.ratio(title, rates, _OPTIONS, _BARE)]
  for name, values in zip(('waits for its minibatches', 'looks at its health'), zip(*shares)):
    told.append(dict(title=f'share of the whole loop that {name}', values=values,
                     text=f'share of the whole loop that {name}: {statistics.median(values):.2%}'))
  return told


def read_speed(run, global_batch_size):
  """Returns the speed that a run's statistics tell, from its first line to its last one.

  Args:
    run: path of its folder.
    global_batch_size: int.

  Returns:
    (images/s, share of the time that was spent waiting for minibatches, share spent looking at the run's health).
  """
  num_images = secs = waited_secs = 0.0
  looked_secs = sum(values.get('time/health_secs', 0.0) for values in _read_lines(run))
  for num_steps, values in _read_periods(run):
    period_secs = num_steps * global_batch_size / values['time/images_per_sec']
    num_images += num_steps * global_batch_size
    secs += period_secs
    waited_secs += values['time/input_fraction'] * period_secs
  return num_images / secs, waited_secs / secs, looked_secs / secs


def _read_periods(run):
  """Yields (number of minibatches, statistics) of a run's lines with a speed: all but the first, and no scores."""
  last_step = 0
  for values in _read_lines(run):
    if 'time/images_per_sec' in values:
      yield values['global_step'] - last_step, values
    last_step = values['global_step']


def _read_lines(run):
  return files.load_json_lines(pathlib.Path(run) / actions.STATS)


def measure_long(num_steps):
  """Measures whether step time and memory grow over a long run of a tiny network, in a process of its own.

  Args:
    num_steps: int, minibatches.

  Returns:
    dict with 'text', a line, and medians over the first and the last fifth of the run: 'ms_per_step' by the lines of
    its statistics, 'resident_mib' of the process from the first such line on.
  """
  secs, memory = alone.call(__name__, 'run_long', num_steps)
  ms = [1000 * value for value in _first_and_last_fifth(secs)]
  mib = [value / 2**20 for value in _first_and_last_fifth(memory)]
  return dict(title='long run', num_steps=num_steps, ms_per_step=ms, resident_mib=mib,
              text=f'{num_steps:,} minibatches of a tiny network, first and last fifth: {ms[0]:.2f} and {ms[1]:.2f} '
                   f'ms/step (ratio {ms[1] / ms[0]:.2f}), {mib[0]:.0f} and {mib[1]:.0f} MiB resident '
                   f'({mib[1] - mib[0]:+.0f} MiB)')


def _first_and_last_fifth(values):
  """Returns the medians of both."""
  num = max(1, len(values) // 5)
  return [statistics.median(values[:num]), statistics.median(values[-num:])]


def run_long(num_steps):
  """Trains a tiny network on `num_steps` minibatches.

  Returns:
    (list of the secs of a step, line by line of the statistics, list of the resident bytes of this process from the
    first line on, sample by sample).
  """
  with tempfile.TemporaryDirectory() as folder:
    prefix = pathlib.Path(folder) / 'drawn'
    drawn_set.make_set(prefix, 64)
    options = presets.PRESETS['person'].replace('networks', image_size=16, channels=4).replace(
        'data', records=str(prefix), global_batch_size=4).replace('training', num_minibatches=num_steps)
    memory, is_done = [], threading.Event()
    sampler = threading.Thread(target=_sample_memory, args=(pathlib.Path(folder), memory, is_done))
    sampler.start()
    try:
      run = session.start(options, folder, strategy=devices.build_strategy('one')).run
    finally:
      is_done.set()
      sampler.join()
    return [options.data.global_batch_size / values['time/images_per_sec'] for _, values in _read_periods(run)], memory


def _sample_memory(folder, memory, is_done):
  """Appends the resident bytes of this process to `memory` until `is_done`, once a run in `folder` has statistics."""
  while not is_done.wait(_SAMPLE_EVERY_SECS):
    if any(folder.glob(f'*/{actions.STATS}')):
      memory.append(psutil.Process().memory_info().rss)
