"""Turns a video or photos of a face into records to train on.

  python -m tools.make_records --video=me.mp4 --fps=3
  python -m tools.make_records --photos=my_photos --name=me

Each picture is searched for its most central large face. Faces are turned, scaled and moved so that the eyes are at one
place in all, and written to records/NAME; the manifest, records/NAME.json, names every picture that was left out, and
why. Look at the result with `python -m tools.show_records --records=records/NAME`.
"""

import os
import pathlib
import re

from absl import app
from absl import flags
from absl import logging

from dcgan import entry
from dcgan import errors

FLAGS = flags.FLAGS


def define_flags():
  """Defines this command's flags; not at import, so that two commands in one process cannot clash."""
  flags.DEFINE_string('video', None, 'The video to take frames from.')
  flags.DEFINE_float('fps', 1.0, 'Frames per second to take from --video: 1 for a long one, 3 or more for a short.')
  flags.DEFINE_string('photos', None, 'The folder of photos, with the folders in it.')
  flags.DEFINE_string('celeba', None, "The folder of CelebA's aligned pictures, 000001.jpg and so on.")
  flags.DEFINE_string('name', None, "The set's name. By default the video's or the folder's.")
  flags.DEFINE_string('records_dir', 'records', 'The folder to write to.')
  flags.DEFINE_integer('num_shards', 0, 'How many files to spread the set over; 0: one per 2,000 pictures.',
                       lower_bound=0)
  flags.DEFINE_boolean('overwrite', False, 'Whether a set of the same name is replaced.')
  flags.DEFINE_float('min_eye_distance_px', 12.0, 'Faces whose eyes are nearer to each other are left out.')
  flags.DEFINE_float('max_outside_fraction', 0.2, 'Faces of which a larger share of the central crop, the part that is '
                     'trained on, lies outside the picture are left out.')


def main():
  """Makes the set that the flags describe and returns its prefix, as in `records/NAME`."""
  given = [kind for kind in ('video', 'photos', 'celeba') if getattr(FLAGS, kind) is not None]
  if len(given) != 1:
    raise app.UsageError(f'{" and ".join("--" + kind for kind in given) or "No input"} given, but exactly one of '
                         '--video, --photos and --celeba must be. Name one.')
  kind, path = given[0], getattr(FLAGS, given[0])
  name = FLAGS.name if FLAGS.name is not None else default_name(kind, path)
  if not re.fullmatch(r'\w[\w.-]*', name):
    raise errors.InputError(f'`name` ({name!r}) must be letters, digits, dots, _ and -, and start with a letter '
                            'or digit. Use --name=me.')
  prefix = os.path.join(FLAGS.records_dir, name)

  from dcgan import records  # pylint: disable=import-outside-toplevel
  from tools.faces import convert  # pylint: disable=import-outside-toplevel
  from tools.faces import curation  # pylint: disable=import-outside-toplevel
  from tools.faces import landmarks  # pylint: disable=import-outside-toplevel
  from tools.faces import sources  # pylint: disable=import-outside-toplevel
  if records.manifest_path(prefix).exists() and not FLAGS.overwrite:
    raise errors.InputError(f'`{prefix}` is a set of records already. Choose another --name, or give --overwrite to '
                            'replace it.')
  limits = curation.Limits(FLAGS.min_eye_distance_px, FLAGS.max_outside_fraction)
  source = {'video': lambda: sources.video_source(path, FLAGS.fps), 'photos': lambda: sources.photos_source(path),
            'celeba': lambda: sources.celeba_source(path)}[kind]()
  finder = landmarks.FaceFinder()
  convert.remove_set(prefix)
  settings = {'source': path, 'fps': FLAGS.fps if kind == 'video' else None,
              'min_eye_distance_px': FLAGS.min_eye_distance_px, 'max_outside_fraction': FLAGS.max_outside_fraction}
  manifest = convert.make_records(source, prefix, finder, limits, settings, FLAGS.num_shards)

  logging.info('%d faces of %d pictures in %s', manifest.num_images, manifest.num_inputs, prefix)
  for reason, count in curation.count_kinds(manifest.rejected).items():
    logging.info('%d left out: %s', count, reason)
  return prefix


def default_name(kind, path):
  """Returns the name of a set made from `path`: the video's or folder's, of letters, digits, dots, _ and - only."""
  path = pathlib.Path(os.path.abspath(path))
  name = path.stem if kind == 'video' else path.name
  return re.sub(r'[^\w.-]+', '_', name).strip('_.-') or kind


if __name__ == '__main__':
  define_flags()
  entry.run(main)
