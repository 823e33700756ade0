"""What happens every so many minibatches: a log line, a grid of samples, a score, a checkpoint."""

import contextlib
import json
import pathlib
import time

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import images
from dcgan.common import wording
from dcgan.metrics import sliced_wasserstein
from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import health

NUM_SCORED = 256  # pictures of each kind that a score is measured on
STATS = 'stats.jsonl'
_GREY_VALUES = 127.5  # of 1 in the networks' range
_MOST_SAMPLES = 100  # grids, after which they stand twice as far apart
_MOST_GRID_PX = 1024  # of a grid in TensorBoard's events


class Stats:
  """Writes numbers to `stats.jsonl`, and numbers and pictures to TensorBoard's events.

  Every method raises `errors.InputError` where a file cannot be written.

  Args:
    run: path of the run's folder.
    writer: `tf.summary.SummaryWriter`.
  """

  def __init__(self, run, writer):
    self._path = pathlib.Path(run) / STATS
    self._events = self._path.with_name('events.*')
    self._writer = writer

  def write(self, step, values):
    """Writes a dict of floats by their tags, as those of minibatch `step`."""
    with _writing(self._path), open(self._path, 'a', encoding='utf-8') as file:
      file.write(json.dumps(dict(global_step=step, **values)) + '\n')
    with _writing(self._events), self._writer.as_default(step=step):
      for name, value in values.items():
        tf.summary.scalar(name, value)

  def write_grid(self, step, grid):
    """Writes the samples of minibatch `step`, uint8 [height, width, 3], to TensorBoard; large ones made smaller."""
    small = images.resize(grid[np.newaxis], _MOST_GRID_PX)[0] if len(grid) > _MOST_GRID_PX else grid
    with _writing(self._events), self._writer.as_default(step=step):
      tf.summary.image('samples', small[np.newaxis])

  def flush(self):
    """Brings the events to the disk."""
    with _writing(self._events):
      self._writer.flush()

  def close(self):
    """Ends the events."""
    with _writing(self._events):
      self._writer.close()


class Log:
  """Writes losses and speed, and shows them in the progress line.

  Args:
    stats: `Stats`.
    loss_ratio: `health.LossRatio`.
    progress: `progress.Progress`.
    options: the run's `config.Config`.
  """

  def __init__(self, stats, loss_ratio, progress, options):
    self.every_steps = options.periods.log_every_steps
    self._stats = stats
    self._loss_ratio = loss_ratio
    self._progress = progress
    self._options = options
    self._last_time = None

  def __call__(self, step, history):
    """Takes in `history`, a dict of float32 [num_steps] of the minibatches up to `step`.

    Raises:
      health.Diverged: a loss or a gradient is no longer a number.
    """
    self._check(step, history)
    # Gradients that overflowed in float16 were left out of training, too.
    values = {name: float(column[np.isfinite(column)].mean()) for name, column in history.items()
              if name not in ('penalty/r1', 'time/input_secs') and np.isfinite(column).any()}
    if self._options.regularization.r1_gamma:
      values['penalty/r1'] = float(history['penalty/r1'][-1])
    now, num_steps = time.monotonic(), len(history['time/input_secs'])
    speed = ''
    if self._last_time:
      secs = now - self._last_time
      values['time/images_per_sec'] = num_steps * self._options.data.global_batch_size / secs
      values['time/input_fraction'] = float(history['time/input_secs'].sum()) / secs
      speed = f' · {values["time/images_per_sec"]:.0f} images/s'
    note = self._note_of_losses(history, values)
    self._stats.write(step, values)
    self._progress.update(num_steps, note=note + speed)
    self._last_time = now

  def _note_of_losses(self, history, values):
    """Returns the losses in `values` as words; adds the moving average of gLoss/dLoss where both networks learn."""
    off = f'off by {_GREY_VALUES * values["loss/pixels"]:.1f} grey values' if 'loss/pixels' in values else ''
    if not history['loss/discriminator'].any():  # reconstruction alone
      return off
    values[health.LOSS_RATIO] = self._loss_ratio.update(history['loss/generator'], history['loss/discriminator'])
    return (f'{off}{" " * bool(off)}gLoss {values["loss/generator"]:.2f} dLoss {values["loss/discriminator"]:.2f} '
            f'ratio {values[health.LOSS_RATIO]:.2f}')

  def _check(self, step, history):
    is_scaled = self._options.training.precision == 'float16'  # its gradients overflow now and then, and are left out
    wrong = {name: int(np.argmin(np.isfinite(column))) for name, column in history.items()
             if not np.isfinite(column).all() and not (is_scaled and name.startswith('gradients/'))}
    if wrong:
      name = min(wrong, key=wrong.get)
      column, first = history[name], step - len(history[name]) + 1
      raise health.Diverged(
          f'`{name}` ({column[wrong[name]]}) is no longer a number at minibatch {first + wrong[name]}, seen in '
          f'minibatches {first} to {step}: training has diverged. Train again with a lower `--learning_rate`, from the '
          'last checkpoint (`--init_from`) if there is one: it is good; `--on_collapse=rollback` does so by itself.')


class Samples:
  """Draws the averaged generator at the run's 64 fixed points of Z: `samples_STEP.png` and TensorBoard.

  After 100 grids they stand twice as far apart, and every other one of those before is deleted, and so on: a long run
  keeps 50 to 100, evenly spread.

  Args:
    run: path of the run's folder.
    learner: `learner.Learner`.
    stats: `Stats`.
  """

  def __init__(self, run, learner, stats):
    self.every_steps = learner.options.periods.samples_every_steps
    self._run = pathlib.Path(run)
    self._learner = learner
    self._stats = stats

  def __call__(self, step, is_last=False):
    """Draws the samples of minibatch `step`, where a grid is due or it is the last."""
    period = self.every_steps
    while step > _MOST_SAMPLES * period:
      period *= 2
    if step % period and not is_last:
      return
    z = self._learner.space.sample(latents.NUM_FIXED_POINTS, self._learner.options.training.seed)
    grid = images.make_grid(networks.generate(self._learner.generator_ema, z))
    images.save_picture(self._run / f'samples_{step:06d}.png', grid)
    # The grids between two that are due: where the period grew all of them, else that of a stop since the last one.
    oldest = 0 if period > self.every_steps else step - period
    for path in self._run.glob('samples_*.png'):
      drawn_at = path.stem.removeprefix('samples_')
      if drawn_at.isdecimal() and oldest < int(drawn_at) < step and int(drawn_at) % period:
        path.unlink()
    self._stats.write_grid(step, grid)


class Health:
  """Looks at the run's health, tells what is wrong, and says what shall be done about a collapse.

  Args:
    run: path of the run's folder, which gets `health.jsonl`.
    look: callable that returns a dict of float by the names of `signals.SIGNALS`.
    monitor: `health.Monitor`.
    loss_ratio: `health.LossRatio`.
    stats: `Stats`.
    options: the run's `config.Config`.
    step_before: callable of int that returns the minibatch of the latest checkpoint before it, or None.
    agree: callable of a list of numbers that returns their means over all workers, so that all decide the same.
  """

  def __init__(self, run, look, monitor, loss_ratio, stats, options, step_before, agree):
    self.every_steps = options.periods.health_every_steps
    self._run = run
    self._look = look
    self._monitor = monitor
    self._loss_ratio = loss_ratio
    self._stats = stats
    self._options = options.health
    self._step_before = step_before
    self._agree = agree

  def __call__(self, step, is_last=False):
    """Looks at minibatch `step`, where a look is due; returns a `health.Decision`, or None to go on."""
    del is_last
    if step % self.every_steps:
      return None
    start = time.monotonic()
    values = self._look()
    values = dict(zip(values, map(float, self._agree(list(values.values())))))
    seen = {name: value for name, value in values.items() if np.isfinite(value)}
    self._stats.write(step, seen | {'time/health_secs': time.monotonic() - start})
    decision = None
    for verdict in self._monitor.judge(step, values | {health.LOSS_RATIO: self._loss_ratio.average}):
      decision = decision or health.decide(self._options, verdict, self._step_before(verdict.since_step))
      if not decision or decision.verdict is not verdict:
        tell(self._run, step, verdict)
    return decision


def tell(run, step, verdict):
  """Logs a `health.Verdict` and adds it to `health.jsonl` of a run, where nothing is done about it."""
  logging.warning('%s', verdict.sentence)
  health.write_verdict(run, step, verdict, 'warn')


class Score:
  """Measures how far the averaged generator's pictures are from the reals, to know the best checkpoint.

  Args:
    run: path of the run's folder.
    learner: `learner.Learner`.
    real_images: uint8 [num_images, size, size, 3], some of the set.
    best: `checkpoints.Best`.
    monitor: `health.Monitor`, which tells when the best is long past.
    stats: `Stats`.
    agree: callable of a list of numbers that returns their means over all workers, so that all know the same best.
  """

  def __init__(self, run, learner, real_images, best, monitor, stats, agree=lambda values: values):
    self.every_steps = learner.options.periods.checkpoint_every_steps
    self._run = run
    self._learner = learner
    self._measure = sliced_wasserstein.SlicedWasserstein(real_images, learner.options.training.seed)
    self._best = best
    self._monitor = monitor
    self._stats = stats
    self._agree = agree
    self._num_minibatches = learner.options.training.num_minibatches
    self._patience_steps = learner.options.health.patience_steps

  def __call__(self, step, is_last=False):
    """Scores minibatch `step`, where it is due or the run's last one, not where the run was stopped and may go on.

    Returns:
      `health.Decision` that it is enough, where the best is older than the run's patience, or None.
    """
    del is_last
    if step % self.every_steps and step != self._num_minibatches:
      return None
    z = self._learner.space.sample(NUM_SCORED, self._learner.options.training.seed)
    score = float(self._agree([self._measure.distance(networks.generate(self._learner.generator_ema, z))])[0])
    self._best.update(step, score)
    behind = score / max(self._best.score, 1e-9)
    self._stats.write(step, {'metric/sliced_wasserstein': score, health.BEHIND_BEST: behind})
    logging.info('Sliced Wasserstein distance to the reals at minibatch %d: %.1f%s', step, score,
                 ', the best so far.' if self._best.step == step else f'; the best was at {self._best.step}.')
    for verdict in self._monitor.judge(step, {health.BEHIND_BEST: behind}):
      tell(self._run, step, verdict)
    if self._patience_steps and step - self._best.step >= self._patience_steps:
      logging.info('Nothing was better than minibatch %d in %d minibatches: enough.', self._best.step,
                   step - self._best.step)
      return health.Decision('enough')
    return None


class Save:
  """Saves a checkpoint.

  Args:
    checkpoints: `checkpoints.Checkpoints`.
    stats: `Stats`, flushed so that its events are as new as the checkpoint.
    every_steps: int.
  """

  def __init__(self, checkpoints, stats, every_steps):
    self.every_steps = every_steps
    self._checkpoints = checkpoints
    self._stats = stats

  def __call__(self, step, is_last=False):
    """Saves minibatch `step`."""
    del is_last
    self._stats.flush()
    self._checkpoints.save(step)


@contextlib.contextmanager
def _writing(path):
  """Turns a full disk, or another reason for which a file cannot be written, into a line that names the file."""
  try:
    yield
  except (OSError, tf.errors.OpError) as error:
    raise errors.InputError(f'{path}: cannot be written ({errors.reason(error)}). Make room there, and go on from the '
                            f'last checkpoint with {wording.flag("resume", pathlib.Path(path).parent)}.') from error


def drop_after(run, step):
  """Removes statistics, events, verdicts and grids that are newer than the checkpoint which training goes on from."""
  health.drop_verdicts_after(run, step)
  for path in pathlib.Path(run).glob('samples_*.png'):
    if path.stem.removeprefix('samples_').isdecimal() and int(path.stem.removeprefix('samples_')) > step:
      path.unlink()
  path = pathlib.Path(run) / STATS
  if path.is_file():
    files.write_json_lines(path, [line for line in files.load_json_lines(path) if line['global_step'] <= step])
  for path in sorted(pathlib.Path(run).glob('events.*')):
    _drop_events_after(path, step)


def _drop_events_after(path, step):
  """Removes what is newer from a file of TensorBoard's, which would show it beside what comes."""
  kept, is_changed = [], False
  with contextlib.suppress(tf.errors.DataLossError):  # a kill in mid-write leaves half of the last one
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
      is_new = tf.compat.v1.Event.FromString(record).step > step
      is_changed |= is_new
      kept += [] if is_new else [record]
  if is_changed:
    with _writing(path), files.whole_file(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
      for record in kept:
        writer.write(record)
