"""What happens every so many minibatches: a log line, a grid of samples, a checkpoint."""

import json
import pathlib
import time

import tensorflow as tf

from dcgan import errors
from dcgan import files
from dcgan import images
from dcgan import latents
from dcgan import networks

STATS = 'stats.jsonl'


class Log:
  """Writes losses and speed to `stats.jsonl`, TensorBoard and the progress line.

  Args:
    run: path of the run's folder.
    loss_ratio: `health.LossRatio`.
    writer: `tf.summary.SummaryWriter`.
    progress: `progress.Progress`.
    global_batch_size: int.
    every_steps: int.
  """

  def __init__(self, run, loss_ratio, writer, progress, global_batch_size, every_steps):
    self.every_steps = every_steps
    self._path = pathlib.Path(run) / STATS
    self._loss_ratio = loss_ratio
    self._writer = writer
    self._progress = progress
    self._global_batch_size = global_batch_size
    self._last = None

  def __call__(self, step, history):
    """Takes in `history`, a dict of float32 [num_steps] of the minibatches up to `step`.

    Raises:
      errors.InputError: a loss is no longer a number.
    """
    means = {name: float(values.mean()) for name, values in history.items()}
    for name, mean in means.items():
      if not abs(mean) < float('inf'):
        raise errors.InputError(f'`{name}` ({mean}) is no longer a number at minibatch {step}: training has diverged. '
                                'Train again with a lower `--learning_rate`, from the last checkpoint (`--init_from`) '
                                'if there is one: it is good.')
    ratio = self._loss_ratio.update(history['loss/generator'], history['loss/discriminator'])
    now = time.monotonic()
    stats = dict(global_step=step, **means, **{'health/loss_ratio': ratio})
    if self._last:
      last_step, last_time = self._last
      stats['time/images_per_sec'] = (step - last_step) * self._global_batch_size / (now - last_time)
    with open(self._path, 'a', encoding='utf-8') as file:
      file.write(json.dumps(stats) + '\n')
    with self._writer.as_default(step=step):
      for name, value in stats.items():
        if name != 'global_step':
          tf.summary.scalar(name, value)
    self._progress.update(len(history['loss/generator']), note=(
        f'gLoss {means["loss/generator"]:.2f} dLoss {means["loss/discriminator"]:.2f} ratio {ratio:.2f}'))
    self._last = step, now


class Samples:
  """Draws the averaged generator at the run's 64 fixed points of Z: `samples_STEP.png` and TensorBoard.

  Args:
    run: path of the run's folder.
    trainer: `trainer.Trainer`.
    options: the run's `config.Config`.
    writer: `tf.summary.SummaryWriter`.
  """

  def __init__(self, run, trainer, options, writer):
    self.every_steps = options.periods.samples_every_steps
    self._run = pathlib.Path(run)
    self._generator = trainer.generator_ema
    self._writer = writer
    self._z = latents.sample_z(latents.NUM_FIXED_POINTS, options.networks.z_dims, options.training.seed)

  def __call__(self, step):
    """Draws the samples of minibatch `step`."""
    grid = images.make_grid(networks.generate(self._generator, self._z))
    images.save_picture(self._run / f'samples_{step:06d}.png', grid)
    with self._writer.as_default(step=step):
      tf.summary.image('samples', grid[tf.newaxis])


class Save:
  """Saves a checkpoint.

  Args:
    checkpoints: `checkpoints.Checkpoints`.
    writer: `tf.summary.SummaryWriter`, flushed so that its events are as new as the checkpoint.
    every_steps: int.
  """

  def __init__(self, checkpoints, writer, every_steps):
    self.every_steps = every_steps
    self._checkpoints = checkpoints
    self._writer = writer

  def __call__(self, step):
    """Saves minibatch `step`."""
    self._writer.flush()
    self._checkpoints.save(step)


def drop_stats_after(run, step):
  """Removes the lines of `stats.jsonl` that are newer than the checkpoint which training goes on from."""
  path = pathlib.Path(run) / STATS
  if not path.is_file():
    return
  kept = []
  for line in path.read_text(encoding='utf-8').splitlines():
    try:
      if json.loads(line)['global_step'] <= step:
        kept.append(line + '\n')
    except (ValueError, KeyError):  # the line that a kill cut short
      continue
  files.write_text(path, ''.join(kept))
