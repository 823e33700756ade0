"""Animates a run: a straight line in Z from one expression of its gallery to another, forward and back.

  python -m tools.animate --run=checkpoints/00001-adele64
  python -m tools.animate --run=checkpoints/00001-adele64 --source=3 --target=17
  python -m tools.animate --run=checkpoints/00001-adele64 --keyframes=3,17,42 --out=look_up_then_smile.mp4

The numbers are those in RUN/gallery.png. Without any, a face that rests and the most different one that looks real are
chosen. The checkpoint that drew the gallery draws the animation too. Or, with --timelapse, its training: the grids of
samples one after the other, also while it still trains.

  python -m tools.animate --run=checkpoints/00001-adele64 --timelapse
  python -m tools.animate --run=checkpoints/00001-adele64 --timelapse --duration_secs=4 --size_px=400 --out=adele.gif

The last line on standard output is the path of the animation.
"""

import fractions
import pathlib

from absl import app
from absl import flags

from dcgan import entry
from dcgan import errors

_RUN = flags.DEFINE_string('run', None, 'Folder of the run, as printed by dcgan.train.')
_SOURCE = flags.DEFINE_integer('source', None, 'Number of the expression to start from. Without it and the '
                               'next two, two expressions are chosen.')
_TARGET = flags.DEFINE_integer('target', None, 'Number of the expression to go to.')
_KEYFRAMES = flags.DEFINE_list('keyframes', None, 'Numbers of two or more expressions to go through, as in 3,17,42; '
                               'instead of --source and --target.')
_TIMELAPSE = flags.DEFINE_bool('timelapse', False, 'Instead of a line in Z, show the training: the run\'s '
                               'samples_STEP.png one after the other, each with its minibatch.')
_OUT = flags.DEFINE_string('out', None, 'File to write: .gif, .webp or .mp4 by its ending. By default a GIF in the '
                           'folder of the run, named after the numbers; timelapse.mp4 there with --timelapse.')
_NUM_PARTS = flags.DEFINE_integer('num_parts', 20, 'Equal parts that a line is divided into.', lower_bound=1)
_DURATION_SECS = flags.DEFINE_float('duration_secs', None, 'Time that a line takes, one way; 2 by default. With '
                                    '--timelapse, time from the first grid to the last one, which then stays for 2 s; '
                                    '8 by default, or half a second a grid where that is less.')
_THERE_AND_BACK = flags.DEFINE_bool('there_and_back', True, 'Whether to go the whole way back too.')
_SIZE_PX = flags.DEFINE_integer('size_px', None, 'Width and height of the animation; 256 by default. With --timelapse, '
                                'its width; the grids\' own by default, but at least 512 and at most 1080.',
                                lower_bound=8)

_DEFAULT_DURATION_SECS = 2.0
_DEFAULT_SIZE_PX = 256


def main():
  """Writes the animation; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  return _animate_training() if _TIMELAPSE.value else _animate_line()


def _animate_training():
  """Writes the time lapse; returns its path."""
  for flag in (_SOURCE, _TARGET, _KEYFRAMES, _NUM_PARTS, _THERE_AND_BACK):
    if flag.present:
      raise app.UsageError(f'--{flag.name} is of use for a line in Z only, not with --timelapse. Leave one '
                           'of them out.')
  _check_duration(_DURATION_SECS.value)
  from tools import timelapse  # pylint: disable=import-outside-toplevel  (FFmpeg)
  path = pathlib.Path(_OUT.value or pathlib.Path(_RUN.value) / 'timelapse.mp4')
  timelapse.save(path, _RUN.value, _DURATION_SECS.value, _SIZE_PX.value)
  return path


def _animate_line():
  """Writes the animation of a line in Z; returns its path."""
  numbers = _numbers()
  duration_secs = _DEFAULT_DURATION_SECS if _DURATION_SECS.value is None else _DURATION_SECS.value
  _check_duration(duration_secs)
  fps = fractions.Fraction(_NUM_PARTS.value) / fractions.Fraction(str(duration_secs))
  if pathlib.Path(_OUT.value or 'animation.gif').suffix.lower() == '.gif' and fps > 50:
    raise errors.InputError(f'`num_parts` ({_NUM_PARTS.value}) in `duration_secs` ({duration_secs}) are '
                            f'{float(fps):.1f} pictures a second, but a GIF holds at most 50. Lower --num_parts, raise '
                            '--duration_secs, or write .webp or .mp4.')
  from tools.avatar import animation  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return animation.save(_RUN.value, numbers, _OUT.value, num_parts=_NUM_PARTS.value, fps=fps,
                        there_and_back=_THERE_AND_BACK.value, size_px=_SIZE_PX.value or _DEFAULT_SIZE_PX)


def _check_duration(duration_secs):
  if duration_secs is not None and not 0 < duration_secs <= 3600:
    raise errors.InputError(f'`duration_secs` ({duration_secs}) must be over 0 and at most 3600. Use '
                            f'{8 if _TIMELAPSE.value else 2}.')


def _numbers():
  """Returns the numbers of the keyframes, from --keyframes or from --source and --target; None without any."""
  ends = (_SOURCE.value, _TARGET.value)
  if _KEYFRAMES.value is None:
    if ends == (None, None):
      return None
    if None in ends:
      raise app.UsageError('--source and --target are needed together (numbers in the gallery); leave both out, and '
                           'two are chosen.')
    return list(ends)
  if ends != (None, None):
    raise app.UsageError('--keyframes takes the place of --source and --target: give one or the other.')
  if len(_KEYFRAMES.value) < 2 or not all(text.strip().isdecimal() for text in _KEYFRAMES.value):
    raise app.UsageError(f'--keyframes ({",".join(_KEYFRAMES.value)}) must be two or more numbers, as in 3,17,42.')
  return [int(text) for text in _KEYFRAMES.value]


if __name__ == '__main__':
  entry.run(main)
