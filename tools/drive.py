"""Drives a run's person by a film of somebody: what the face there does, frame by frame, the person does.

  python -m tools.drive --run=checkpoints/00001-me128-from-ufm128 --video=somebody.mp4
  python -m tools.drive --run=checkpoints/00001-me128-from-ufm128 --video=somebody.mp4 --side_by_side --out=both.mp4
  python -m tools.drive --run=checkpoints/00001-me128-from-ufm128 --video=talk.mp4 --only=mouth --strength=1.5
  python -m tools.drive --run=checkpoints/00001-me128-from-ufm128 --video=me_again.mp4 --with=encoder

The most present person's face is followed through the film, of any length and frame rate. Rest becomes rest, and as
far as that person goes in the film becomes as far as the run's person goes in the pictures of the set; what those do not
hold is led back to their edge. The film's sound is kept. Where no face is seen, the last expression holds and fades to
rest. With --measure it is also told how well it went. The last line on standard output is the film's path.
"""

import pathlib

from absl import app
from absl import flags

from dcgan.common import entry
from dcgan.common import errors

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_VIDEO = entry.define_path('video', None, 'Film that drives the person.')
_OUT = entry.define_path('out', None, 'Film to write, .mp4; RUN/driven_by_VIDEO.mp4 by default.')
_STRENGTH = flags.DEFINE_float('strength', 1.0, 'By which movements are multiplied, 0 to 3: 0 stays at rest, 1 is as '
                               'it is.')
_ONLY = flags.DEFINE_string('only', None, 'What follows the film: head (its turn), face (all but that), eyes (and '
                            'brows) or mouth (and jaw); the rest stays at rest. All by default.')
_RELATIVE = flags.DEFINE_float('relative', None, 'Time in the film, in seconds, at which that face does nothing. By '
                               'default it is found: the fifth of the frames in which it does least.')
_WITH = flags.DEFINE_string('with', 'controls', 'How the person is driven: by controls, or by the run\'s encoder, '
                            'which is nearer where the film is of the run\'s own person.')
_SIDE_BY_SIDE = flags.DEFINE_bool('side_by_side', False, 'Show the face of the film on the left.')
_SIZE_PX = flags.DEFINE_integer('size_px', 256, 'Width and height of the face.', lower_bound=8, upper_bound=4096)
_CONTROLS_OUT = entry.define_path('controls_out', None, 'CSV for the values that the person is asked to show, a line a '
                                  'frame.')
_MEASURE = flags.DEFINE_bool('measure', False, 'Measure the film that was made, and write what was found beside it '
                             '(.json): whether it shows what was asked for; frames a second and memory; of a film that '
                             'the run learnt how far landmarks are off.')


def main():
  """Writes the film; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  if not _VIDEO.value:
    raise app.UsageError('--video is needed: the film that drives the person, as in --video=somebody.mp4.')
  # pylint: disable=import-outside-toplevel  (TensorFlow, MediaPipe)
  from tools.avatar import drive_report
  from tools.avatar import driving
  from tools.avatar import run_folder
  from tools.avatar import watching
  from tools.material import films
  path = pathlib.Path(_OUT.value or pathlib.Path(_RUN.value) / f'driven_by_{pathlib.Path(_VIDEO.value).stem}.mp4')
  films.check_path(path)
  if pathlib.Path(_CONTROLS_OUT.value or 'a.csv').suffix.lower() != '.csv':
    raise errors.InputError(f'`controls_out` ({_CONTROLS_OUT.value}) must end in .csv. Choose another name.')
  wish = driving.Wish(_WITH.value, _STRENGTH.value, _ONLY.value, _RELATIVE.value, _SIZE_PX.value, _SIDE_BY_SIDE.value)
  clock = drive_report.Clock()
  driver = driving.Driver(run_folder.load(_RUN.value))
  clock.start()
  film = watching.watch(_VIDEO.value)
  driver.save(path, film, wish, _CONTROLS_OUT.value)
  clock.tell(len(film.times_secs))
  if _MEASURE.value:
    drive_report.save(path, driver, film, wish, clock)
  return path


if __name__ == '__main__':
  entry.run(main)
