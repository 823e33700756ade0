"""A time lapse of a training: the run's grids of samples in their order, each with its minibatch written above it."""

import bisect
import fractions
import pathlib
import re

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan.common import errors
from dcgan.common import wording
from tools.material import animations
from tools.material import pictures

_NAME = re.compile(r'samples_(\d+)\.png')
_FPS = 25  # always: some players stumble over videos of few frames a second
_LONGEST_SECS = 8
_GRID_SECS = 0.5  # of each grid, where there are few
_HOLD_SECS = 2
_FEWEST_PX, _MOST_PX = 512, 1080  # a grid of another width is scaled to the nearest of these
_SIZES_PX = (128, 4096)  # what can be asked for: less cuts the label off, players of H.264 show no more
_LABEL_RGB = (0, 0, 0)


def save(path, run, duration_secs=None, size_px=None):
  """Writes the time lapse of a run.

  Every grid shows the generator at the same 64 points of Z, so that each face is seen to appear. Training goes by at
  an even pace, whether its grids were drawn, or kept, at equal steps or not. Memory is constant for an MP4.

  Args:
    path: str or `pathlib.Path` of the file: .mp4, .gif or .webp.
    run: str or `pathlib.Path` of the run's folder.
    duration_secs: float, from the first grid to the last one, which then stays for 2 s; by default 8, or half a second
      a grid where that is less.
    size_px: int in [128, 4096], the width; by default the grids' own, but at least 512 and at most 1080. The height
      follows, with a line for the label.

  Raises:
    errors.InputError: there is no such run, it has fewer than two grids or a damaged one, an option is out of its
      range, or `path` ends otherwise.
  """
  if size_px is not None and not _SIZES_PX[0] <= size_px <= _SIZES_PX[1]:
    raise errors.InputError(f'`size_px` ({size_px}) must be from {_SIZES_PX[0]} to {_SIZES_PX[1]} in a time lapse, '
                            'which shows 64 faces and a label. Leave it out for the grids\' own size.')
  grids = find_grids(run)
  if duration_secs is None:
    duration_secs = min(_LONGEST_SECS, _GRID_SECS * (len(grids) - 1))
  indices = plan([step for step, _ in grids], duration_secs)
  animations.save_animation(path, _frames([grids[index] for index in indices], size_px), _FPS)


def find_grids(run):
  """Returns the grids of samples in a run's folder as (minibatch, `pathlib.Path`), in the order of minibatches.

  Raises:
    errors.InputError: there is no such run, or it has fewer than two grids.
  """
  if not pathlib.Path(run).is_dir():
    raise errors.InputError(f'{run}: not a run: there is no such folder. Name the one that `python -m dcgan.train` '
                            'printed, as in checkpoints/00000-NAME.')
  matches = ((_NAME.fullmatch(path.name), path) for path in pathlib.Path(run).iterdir())
  grids = sorted((int(match[1]), path) for match, path in matches if match)
  if len(grids) < 2:
    raise errors.InputError(f'`{run}` has {len(grids)} samples_STEP.png, but a time lapse needs 2 or more. Train on, '
                            f'as in `python -m dcgan.train {wording.flag("resume", run)} --samples_every_steps=50`.')
  return grids


def plan(steps, duration_secs):
  """Returns which grid each frame shows: the last one that was drawn by the frame's minibatch.

  Frames stand at equal steps from the first grid to the last one, which then stays for 2 s.

  Args:
    steps: list of two or more ints, rising: the minibatches of the grids.
    duration_secs: float, from the first grid to the last one.

  Returns:
    list of ints, indices into `steps`, one for each 25th of a second.

  Raises:
    errors.InputError: `duration_secs` is under a 25th of a second.
  """
  if duration_secs < 1 / _FPS:
    raise errors.InputError(f'`duration_secs` ({duration_secs}) must be at least {1 / _FPS} in a time lapse, which '
                            f'shows {_FPS} pictures a second. Use {_LONGEST_SECS}.')
  num_parts = round(_FPS * duration_secs)
  pace = fractions.Fraction(steps[-1] - steps[0], num_parts)
  lapse = [bisect.bisect_right(steps, steps[0] + pace * i) - 1 for i in range(num_parts)]
  return lapse + [len(steps) - 1] * (_FPS * _HOLD_SECS)


def _frames(grids, size_px):
  """Yields a frame for each (minibatch, path), all of the first one's shape; the same array where a grid stays."""
  last_path, frame, shape = None, None, None
  for step, path in grids:
    if path != last_path:
      grid = _load(path)
      shape = shape or _scaled(grid.shape, size_px)
      frame = _labelled(grid, shape, f'minibatch {step:,}')
      last_path = path
    yield frame


def _load(path):
  try:
    return pictures.load_picture(path)
  except errors.InputError as error:
    raise errors.InputError(f'`{path}` must be a grid of samples, but: {error}. If it is there, remove '
                            'it; then try again.') from error


def _scaled(shape, size_px):
  """Returns (height, width) of a grid of `shape` in the time lapse."""
  height, width, _ = shape
  new_width = size_px or min(max(width, _FEWEST_PX), _MOST_PX)
  return max(1, round(height * new_width / width)), new_width


def _labelled(grid, shape, label):
  """Returns a grid scaled to `shape`, (height, width), below a white line with its label: uint8 RGB."""
  height, width = shape
  font_px = max(12, width // 24)
  frame = Image.new('RGB', (width, height + 2 * font_px), 'white')
  ImageDraw.Draw(frame).text((font_px // 2, font_px), label, fill=_LABEL_RGB, font=ImageFont.load_default(font_px),
                             anchor='lm')
  frame.paste(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC), (0, 2 * font_px))
  return np.asarray(frame)
