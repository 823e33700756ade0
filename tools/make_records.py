"""Turns a video or photos of a face into records to train on.

  python -m tools.make_records --video=me.mp4 --fps=3
  python -m tools.make_records --photos=my_photos --name=me

Each picture is searched for its most central large face. Faces are turned, scaled and moved so that the eyes are at one
place in all, and written to records/NAME; the manifest, records/NAME.json, names every picture that was left out, and
why. The last line on standard output is records/NAME; look at it with `python -m tools.show_records
--records=records/NAME`.
"""

from absl import app
from absl import flags

from dcgan import entry

_VIDEO = flags.DEFINE_string('video', None, 'The video to take frames from.')
_FPS = flags.DEFINE_float('fps', 1.0, 'Frames per second to take from --video: 1 for a long one, 3 or more for a short '
                          'one.')
_PHOTOS = flags.DEFINE_string('photos', None, 'The folder of photos, with the folders in it.')
_CELEBA = flags.DEFINE_string('celeba', None, "The folder of CelebA's aligned pictures, 000001.jpg and so on.")
_NAME = flags.DEFINE_string('name', None, "The set's name. By default the video's or the folder's.")
_RECORDS_DIR = flags.DEFINE_string('records_dir', 'records', 'The folder to write to.')
_NUM_SHARDS = flags.DEFINE_integer('num_shards', 0, 'How many files to spread the set over; 0: one per 2,000 pictures.',
                                   lower_bound=0)
_OVERWRITE = flags.DEFINE_bool('overwrite', False, 'Whether a set of the same name is replaced, once the new one is '
                               'whole.')
_MIN_EYE_DISTANCE_PX = flags.DEFINE_float('min_eye_distance_px', 12.0,
                                          'Faces whose eyes are nearer to each other are left out.')
_MAX_OUTSIDE_FRACTION = flags.DEFINE_float('max_outside_fraction', 0.2, 'Faces are left out of which a larger share of '
                                           'the central 108x108 px lies outside the picture.')


def main():
  """Makes the set; returns its prefix, as in `records/NAME`."""
  given = [flag for flag in (_VIDEO, _PHOTOS, _CELEBA) if flag.value is not None]
  if len(given) != 1:
    raise app.UsageError(f'{" and ".join(f"--{flag.name}" for flag in given) or "No input"} given, but exactly one of '
                         '--video, --photos and --celeba must be. Name one, as in --video=me.mp4.')
  from tools.faces import convert  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return convert.make_records(
      given[0].name, given[0].value, fps=_FPS.value, name=_NAME.value, records_dir=_RECORDS_DIR.value,
      num_shards=_NUM_SHARDS.value, overwrite=_OVERWRITE.value, min_eye_distance_px=_MIN_EYE_DISTANCE_PX.value,
      max_outside_fraction=_MAX_OUTSIDE_FRACTION.value)


if __name__ == '__main__':
  entry.run(main)
