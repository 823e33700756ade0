"""Lets a run's person speak what is heard: the mouth moves with a voice, the eyes blink, the head sways.

  python -m tools.speak --run=checkpoints/00001-me128-from-ufm128 --audio=voice.wav
  python -m tools.speak --run=checkpoints/00001-me128-from-ufm128 --audio=voice.wav --video=talk.mp4 --out=said.mp4

The voice may be any recording, or a film with sound. With --video, a film of this person who speaks for 30 s or more, it is
learnt how this mouth moves; that is kept in the run's folder and used from then on. Without one, a small model of a few
people comes with the project: the mouth opens in time, and no more. Blinks and the head follow the film of the run's set,
by chance of --seed. In silence the mouth is shut. --controls_out writes the controls over time as CSV, to be read by what
reads such files. The last line on standard output is the path of the film.
"""

import fractions
import pathlib

from absl import app
from absl import flags

from dcgan.common import entry
from dcgan.common import errors

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_AUDIO = entry.define_path('audio', None, 'The voice: a recording, or a film with sound.')
_VIDEO = entry.define_path('video', None, 'A film of this person who speaks, with sound, of 30 s or more, to learn from.')
_OUT = entry.define_path('out', None, 'The .mp4 to write; RUN/speaking.mp4 by default.')
_CONTROLS_OUT = entry.define_path('controls_out', None, 'A .csv to write the controls over time to.')
_FPS = flags.DEFINE_float('fps', 25.0, 'Frames a second.')
_SEED = flags.DEFINE_integer('seed', 0, 'Of blinks and of how the head sways; the same seed does the same.')
_SIZE_PX = flags.DEFINE_integer('size_px', 256, 'Width and height of the film.', lower_bound=8, upper_bound=4096)


def main():
  """Writes the film; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  if not _AUDIO.value:
    raise app.UsageError('--audio is needed: a recording of a voice, as in --audio=voice.wav.')
  if not 1 <= _FPS.value <= 120:
    raise errors.InputError(f'`fps` ({_FPS.value:g}) must be 1 or more and at most 120. Use 25.')
  if not 0 <= _SEED.value < 2**32:
    raise errors.InputError(f'`seed` ({_SEED.value}) must be 0 or more and under 4294967296. Use 0.')
  for name, flag, suffix in (('out', _OUT, '.mp4'), ('controls_out', _CONTROLS_OUT, '.csv')):
    if flag.value and pathlib.Path(flag.value).suffix.lower() != suffix:
      raise errors.InputError(f'`{name}` ({flag.value}) must end in {suffix}. Use '
                              f'{pathlib.Path(flag.value).with_suffix(suffix)}.')
  from tools.avatar import speaking  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return speaking.save(_RUN.value, _AUDIO.value, _OUT.value, video=_VIDEO.value, controls_path=_CONTROLS_OUT.value,
                       fps=fractions.Fraction(str(_FPS.value)), seed=_SEED.value, size_px=_SIZE_PX.value)


if __name__ == '__main__':
  entry.run(main)
