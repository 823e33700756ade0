"""Animates a run: from one expression to another, through several, or the film that it learnt.

  python -m tools.animate --run=checkpoints/00001-adele64
  python -m tools.animate --run=checkpoints/00001-adele64 --through=5
  python -m tools.animate --run=checkpoints/00001-adele64 --source=3 --target=17
  python -m tools.animate --run=checkpoints/00001-adele64 --source=12.4s --target=adele.mp4@3.200s
  python -m tools.animate --run=checkpoints/00001-adele64 --keyframes=3,17,42 --out=look_up_then_smile.mp4

An expression is a number in RUN/gallery.png, the key of a picture of the set (a photo's name), a time of the film, or
the name under which tools.find_expression found a photo. Without any, a face that rests and the most different clean one
are chosen, with --through=N several. The way stays where the person is, and looks even. The checkpoint that drew the
gallery draws the animation too. Or the film again, as the model shows it, also slower or at more frames a second:

  python -m tools.animate --run=checkpoints/00001-adele64 --replay --beside_real --out=replay.mp4
  python -m tools.animate --run=checkpoints/00001-adele64 --replay --fps=60 --speed=0.25

Or the face does what controls say, which bear ARKit's names (tools.pose): at some times, or as in a recording, which is
a CSV of the app Live Link Face or of ours, JSON lines, or keyframes in a .txt. A photo of the person may be a keyframe:

  python -m tools.animate --run=checkpoints/00001-adele64 \
      --keyframes='0s neutral, 0.5s mouthSmileLeft=1 mouthSmileRight=1, 1.5s jawOpen=0.6, 2s photo=me.jpg, 3s neutral'
  python -m tools.animate --run=checkpoints/00001-adele64 --controls=take.csv --out=take.mp4

Or, with --timelapse, its training: the grids of samples one after the other, also while it still trains.

  python -m tools.animate --run=checkpoints/00001-adele64 --timelapse
  python -m tools.animate --run=checkpoints/00001-adele64 --timelapse --duration_secs=4 --size_px=400 --out=adele.gif

The last line on standard output is the path of the animation.
"""

import fractions
import pathlib

from absl import app
from absl import flags

from dcgan.common import entry
from dcgan.common import errors

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_SOURCE = flags.DEFINE_string('source', None, 'Expression to start from: a number of the gallery, the key of a picture, '
                              'a time of the film as in 12.4s, or a found photo. Without it and the next three, two '
                              'expressions are chosen.')
_TARGET = flags.DEFINE_string('target', None, 'Expression to go to, likewise.')
_KEYFRAMES = flags.DEFINE_list('keyframes', None, 'Two or more expressions to go through, as in 3,17,12.4s; '
                               'instead of --source and --target. Or times with controls, as in 0s neutral, 1s '
                               'jawOpen=0.6 headYaw=8, 2s photo=me.jpg; what a time does not name keeps its value.')
_CONTROLS = entry.define_path('controls', None, 'File of controls over time: .csv, .jsonl, or .txt of keyframes.')
_THROUGH = flags.DEFINE_integer('through', None, 'Instead of naming any, go through so many that are chosen, far apart '
                                'from each other, and end where it began.', lower_bound=2)
_REPLAY = flags.DEFINE_bool('replay', False, 'Instead, show the film again that the run learnt, drawn by the model.')
_BESIDE_REAL = flags.DEFINE_bool('beside_real', False, 'With --replay: the real frame beside the drawn one.')
_SPEED = flags.DEFINE_float('speed', None, 'With --replay: how fast the film goes by; 1 by default.')
_FPS = flags.DEFINE_float('fps', None, 'With --replay or controls: frames a second of the animation; 25 by default.')
_TIMELAPSE = flags.DEFINE_bool('timelapse', False, 'Instead of a line in Z, show the training: the run\'s '
                               'samples_STEP.png one after the other, each with its minibatch.')
_OUT = entry.define_path('out', None, 'File to write: .gif, .webp or .mp4 by its ending. By default a GIF in the '
                         'folder of the run, named after the numbers; timelapse.mp4 there with --timelapse.')
_NUM_PARTS = flags.DEFINE_integer('num_parts', 20, 'Equal parts that a line is divided into.', lower_bound=1)
_DURATION_SECS = flags.DEFINE_float('duration_secs', None, 'Time that a line takes, one way; 2 by default. With '
                                    '--timelapse, time from the first grid to the last one, which then stays for 2 s; '
                                    '8 by default, or half a second a grid where that is less.')
_THERE_AND_BACK = flags.DEFINE_bool('there_and_back', True, 'Whether to go the whole way back too.')
_SIZE_PX = flags.DEFINE_integer('size_px', None, 'Width and height of the animation; 256 by default. With --timelapse, '
                                'its width; the grids\' own by default, but at least 512 and at most 1080.',
                                lower_bound=8)

_OF_REPLAY = (_BESIDE_REAL, _SPEED, _FPS)
_OF_LINE = (_SOURCE, _TARGET, _THROUGH, _NUM_PARTS, _DURATION_SECS, _THERE_AND_BACK)
_DEFAULT_DURATION_SECS = 2.0
_DEFAULT_FPS, _MOST_FPS = 25.0, 120
_MOST_SPEED = 100
_DEFAULT_SIZE_PX = 256


def main():
  """Writes the animation; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  if _TIMELAPSE.value:
    return _animate_training()
  if _CONTROLS.value or _are_timed(_KEYFRAMES.value):
    return _animate_controls()
  return _animate_film() if _REPLAY.value else _animate_line()


def _refuse(flags_without_use, purpose):
  """Raises `app.UsageError` where a flag is given that says nothing here."""
  for flag in flags_without_use:
    if flag.present:
      raise app.UsageError(f'--{flag.name} is of no use {purpose}. Leave one of them out.')


def _animate_film():
  """Writes the film again; returns its path."""
  _refuse((*_OF_LINE, _KEYFRAMES, _CONTROLS), 'with --replay')
  speed = 1.0 if _SPEED.value is None else _SPEED.value
  fps = _checked_fps()
  if not 0 < speed <= _MOST_SPEED:
    raise errors.InputError(f'`speed` ({speed:g}) must be over 0 and at most {_MOST_SPEED}. Leave it out.')
  from tools.avatar import animation  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return animation.save_replay(_RUN.value, _OUT.value, fps=fractions.Fraction(str(fps)), speed=speed,
                               beside_real=_BESIDE_REAL.value, size_px=_SIZE_PX.value or _DEFAULT_SIZE_PX)


def _are_timed(keyframes):
  """Returns whether --keyframes, list of str or None, are times with what is done then, and no expressions."""
  return any(len(text.split()) > 1 for text in keyframes or ())


def _checked_fps():
  """Returns the frames a second, float."""
  fps = _DEFAULT_FPS if _FPS.value is None else _FPS.value
  if not 0 < fps <= _MOST_FPS:
    raise errors.InputError(f'`fps` ({fps:g}) must be over 0 and at most {_MOST_FPS}. Leave it out.')
  return fps


def _animate_controls():
  """Writes the animation of controls over time; returns its path."""
  _refuse((*_OF_LINE, _REPLAY, _BESIDE_REAL, _SPEED), 'with controls')
  if _CONTROLS.value and _KEYFRAMES.value:
    raise app.UsageError('--controls takes the place of --keyframes: give one or the other.')
  fps = _checked_fps()
  if pathlib.Path(_OUT.value or 'animation.gif').suffix.lower() == '.gif' and fps > 50:
    raise errors.InputError(f'`fps` ({fps:g}) must be at most 50 in a GIF. Lower it, or write .webp or .mp4.')
  from tools.avatar import control_animation  # pylint: disable=import-outside-toplevel  (TensorFlow)
  course = control_animation.of_file(_CONTROLS.value) if _CONTROLS.value else (
      control_animation.of_keyframes(','.join(_KEYFRAMES.value), '`keyframes`'))
  return control_animation.save(_RUN.value, course, _OUT.value, fps=fractions.Fraction(str(fps)),
                                size_px=_SIZE_PX.value or _DEFAULT_SIZE_PX)


def _animate_training():
  """Writes the time lapse; returns its path."""
  _refuse((*_OF_LINE[:-2], _THERE_AND_BACK, _KEYFRAMES, _CONTROLS, *_OF_REPLAY), 'with --timelapse')
  _check_duration(_DURATION_SECS.value)
  from tools.avatar import timelapse  # pylint: disable=import-outside-toplevel  (FFmpeg)
  path = pathlib.Path(_OUT.value or pathlib.Path(_RUN.value) / 'timelapse.mp4')
  timelapse.save(path, _RUN.value, _DURATION_SECS.value, _SIZE_PX.value)
  return path


def _animate_line():
  """Writes the animation of a line in Z; returns its path."""
  _refuse(_OF_REPLAY, 'without --replay')
  names = _names()
  duration_secs = _DEFAULT_DURATION_SECS if _DURATION_SECS.value is None else _DURATION_SECS.value
  _check_duration(duration_secs)
  fps = fractions.Fraction(_NUM_PARTS.value) / fractions.Fraction(str(duration_secs))
  if pathlib.Path(_OUT.value or 'animation.gif').suffix.lower() == '.gif' and fps > 50:
    raise errors.InputError(f'`num_parts` ({_NUM_PARTS.value}) in `duration_secs` ({duration_secs}) are '
                            f'{float(fps):.1f} pictures a second, but a GIF holds at most 50. Lower --num_parts, raise '
                            '--duration_secs, or write .webp or .mp4.')
  from tools.avatar import animation  # pylint: disable=import-outside-toplevel  (TensorFlow)
  is_tour = (_THROUGH.value or 2) > 2
  return animation.save(
      _RUN.value, names, _OUT.value, through=_THROUGH.value or 2, num_parts=_NUM_PARTS.value, fps=fps,
      there_and_back=_THERE_AND_BACK.value and not is_tour, size_px=_SIZE_PX.value or _DEFAULT_SIZE_PX)


def _check_duration(duration_secs):
  if duration_secs is not None and not 0 < duration_secs <= 3600:
    raise errors.InputError(f'`duration_secs` ({duration_secs}) must be over 0 and at most 3600. Use '
                            f'{8 if _TIMELAPSE.value else 2}.')


def _names():
  """Returns the names of the keyframes, from --keyframes or from --source and --target; None without any."""
  ends = (_SOURCE.value, _TARGET.value)
  if _KEYFRAMES.value is None and ends == (None, None):
    return None
  if _THROUGH.value is not None:
    raise app.UsageError('--through chooses expressions by itself: leave it out, or the ones that are named.')
  if _KEYFRAMES.value is None:
    if None in ends:
      raise app.UsageError('--source and --target are needed together; leave both out, and two are chosen.')
    return list(ends)
  if ends != (None, None):
    raise app.UsageError('--keyframes takes the place of --source and --target: give one or the other.')
  if len(_KEYFRAMES.value) < 2 or not all(text.strip() for text in _KEYFRAMES.value):
    raise app.UsageError(f'--keyframes ({",".join(_KEYFRAMES.value)}) must be two or more expressions, as in 3,17,42.')
  return _KEYFRAMES.value


if __name__ == '__main__':
  entry.run(main)
