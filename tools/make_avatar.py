"""Makes an animated face of a person from a video or photos, in one command.

  python -m tools.make_avatar --video=me.mp4
  python -m tools.make_avatar --photos=my_photos --name=me

Finds the face in the pictures and makes the set records/NAME, with its report (as tools.make_records); trains from the
Universal Face Model for six and a half minutes at most, looking after its health (as dcgan.train); draws its gallery,
keeps its controls, with a card of them in RUN/controls.png (as tools.pose --card), and animates a way through several
expressions that it chooses (as tools.animate --through). Pictures of the person beside what the model makes of them are
told of as `Preview` within a minute. What was stopped goes on when the same command is given again, and what is done
goes on with more --minutes. The last line on standard output is the path of the GIF, in the run's folder.
"""

from absl import app
from absl import flags

from dcgan.common import entry
from dcgan.common import errors

_VIDEO = entry.define_paths('video', None, 'The video, a file or an https:// address; again for more videos of '
                            'the same person. Best is half a minute of one person near the camera.')
_PHOTOS = entry.define_paths('photos', None, 'The folder of photos of one person, with the folders in it; again for '
                             'more folders.')
_NAME = flags.DEFINE_string('name', None, "The set's name. By default the video's or the folder's.")
_PERSON = flags.DEFINE_string('person', None, 'Whose face: a number as records/NAME+people.png shows it, or central or '
                              'largest of photos; by default the most present person, or the most central one.')
_MINUTES = flags.DEFINE_float('minutes', 6.5, 'How long to train at most, in all. More make it better, and take in more '
                              'of a large set.')
_IMAGE_SIZE = flags.DEFINE_integer('image_size', None, 'Size of the pictures in px; by default that of --init_from, '
                                   'which is 128 px of ufm.')
_INIT_FROM = entry.define_path('init_from', 'ufm', 'Model of many faces to start from: ufm for the one that comes '
                               'with the project, a run, a checkpoint in one, or a .safetensors file.')
_RECORDS_DIR = entry.define_path('records_dir', 'records', 'Folder of all sets.')
_CHECKPOINTS_DIR = entry.define_path('checkpoints_dir', 'checkpoints', 'Folder in which each run gets its own.')
_OVERWRITE = flags.DEFINE_bool('overwrite', False, 'Whether to make all anew and replace a set of the same name.')

_MOST_MINUTES = 1440


def main():
  """Makes the avatar; returns the GIF's path."""
  given = [flag for flag in (_VIDEO, _PHOTOS) if flag.value is not None]
  if len(given) != 1:
    raise app.UsageError(f'{"--video and --photos" if given else "No input"} given, but exactly one of --video and '
                         '--photos must be. Name one, as in --video=me.mp4.')
  if not 0 < _MINUTES.value <= _MOST_MINUTES:
    raise errors.InputError(f'`minutes` ({_MINUTES.value:g}) must be over 0 and at most {_MOST_MINUTES}. Use 6.5.')
  from tools.avatar import maker  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return maker.make_avatar(
      given[0].name, _VIDEO.value or _PHOTOS.value, name=_NAME.value, person=_PERSON.value, minutes=_MINUTES.value,
      image_size=_IMAGE_SIZE.value, init_from=_INIT_FROM.value, records_dir=_RECORDS_DIR.value,
      checkpoints_dir=_CHECKPOINTS_DIR.value, overwrite=_OVERWRITE.value)


if __name__ == '__main__':
  entry.run(main)
