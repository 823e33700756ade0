"""Turns videos or photos of a face into records to train on.

  python -m tools.make_records --video=me.mp4 --fps=3
  python -m tools.make_records --photos=my_photos --name=me

Finds the face in each picture, leaves out what a model could not learn from, turns, scales and moves the others so that
the eyes are at one place in all, and writes them to records/NAME. It ends with a report: what was kept, what was left
out and why, and what is lacking. records/NAME.png shows it with the faces; records/NAME+people.png shows who is in a
video, and --person takes another one. The manifest, records/NAME.json, names every picture that was left out. A run
that was stopped goes on when the same command is given again. The last line on standard output is records/NAME.
"""

import functools
import shlex

from absl import app
from absl import flags

from dcgan.common import entry

_VIDEO = entry.define_paths('video', None, 'The video to take frames from, a file, or an https:// address in '
                            "quotes (which needs pip install '.[youtube]'). Give it again for more videos of "
                            'the same person.')
_FPS = flags.DEFINE_float('fps', 1.0, 'Frames per second to take from --video: 1 for a long one, 3 or more for a short '
                          'one.')
_START_SECS = flags.DEFINE_float('start_secs', 0.0, 'Where to start in each video.', lower_bound=0)
_END_SECS = flags.DEFINE_float('end_secs', None, 'Where to end in each video. By default its end.')
_PHOTOS = entry.define_paths('photos', None, 'The folder of photos, with the folders in it. Give it again for more '
                             'folders.')
_CELEBA = entry.define_path('celeba', None, "The folder or zip of CelebA's pictures, 000001.jpg and so on. Its lists "
                            'are used where they lie in it or beside it.', allow_overwrite=False)
_PARTITION = flags.DEFINE_enum('partition', None, ['train', 'validation', 'test'], "Which of CelebA's partitions to "
                               'take; all by default.')
_LIMIT = flags.DEFINE_integer('limit', None, 'How many pictures to take at most, from the first on.', lower_bound=1)
_NAME = flags.DEFINE_string('name', None, "The set's name. By default the video's or the folder's.")
_RECORDS_DIR = entry.define_path('records_dir', 'records', 'The folder to write to.')
_NUM_SHARDS = flags.DEFINE_integer('num_shards', 0, 'How many files to spread the set over; 0: one per 1,000 pictures.',
                                   lower_bound=0, upper_bound=99_999)
_OVERWRITE = flags.DEFINE_bool('overwrite', False, 'Whether a set of the same name is replaced, once the new one is '
                               'whole.')

_ALIGN = flags.DEFINE_enum('align', 'eyes', ['eyes', 'off'], 'How a face is brought to its place: by its eyes, or not '
                          'turned, only cropped around it, to see what alignment is good for.')
_PERSON = flags.DEFINE_string('person', None, 'Whose face: of a video a number as NAME+people.png shows it, by default '
                              '1, the most present person; or the one whose face is largest or central. Of photos with '
                              'several faces central, the default, or largest.')
_REFERENCE = entry.define_path('reference', None, 'A photo of the person: the faces that look most like it are '
                               'taken. This compares looks and knows nobody; see the README on how far it goes.')
_CURATE = flags.DEFINE_bool('curate', True, 'Whether faces are left out by the limits below, and duplicates. '
                            '--nocurate keeps every face that is found.')
_LIMITS = (
    flags.DEFINE_float('min_eye_distance_px', 12.0, 'Least distance of the eyes, in the picture.'),
    flags.DEFINE_float('max_outside_fraction', 0.2, 'Largest share of the central 108x108 px of an aligned face that '
                       'may lie outside the picture.'),
    flags.DEFINE_float('max_yaw_deg', 40.0, 'How far a head may be turned to the left or right.'),
    flags.DEFINE_float('max_pitch_deg', 35.0, 'How far it may look up or down.'),
    flags.DEFINE_float('max_roll_deg', 180.0, 'How far it may be tilted; alignment turns it upright.'),
    flags.DEFINE_float('min_sharpness', 0.15, 'Least sharpness; 1 is the median of the video, or of the photos.'),
    flags.DEFINE_float('min_brightness', 30.0, "Least brightness of the skin, of 255."),
    flags.DEFINE_float('max_brightness', 235.0, "Largest brightness of the skin, of 255."),
    flags.DEFINE_float('min_eye_opening', 0.0, 'Least opening of the eyes, height over width; 0.1 leaves out blinks.'),
    flags.DEFINE_float('min_change', 0.03, 'How much a frame must differ from the last one that was kept; 0.03 leaves '
                       'out frozen pictures.'))
_KEEP_DUPLICATES = flags.DEFINE_bool('keep_duplicates', False, 'Whether the same photo may come again, and frozen '
                                     'frames.')
_MAX_REJECT_FRACTION = flags.DEFINE_float('max_reject_fraction', 0.98, 'A run in which a larger share of the pictures '
                                          'is left out ends: early, if they show no face.', lower_bound=0,
                                          upper_bound=1)
_STEADY = flags.DEFINE_bool('steady', True, "Whether a video's landmarks are smoothed over time, so that a still head "
                            'stays still.')
_BACKGROUND = flags.DEFINE_enum('background', 'keep', ['keep', 'blur', 'white', 'green'], 'What becomes of the '
                                'background.')
_MATCH_COLOUR = flags.DEFINE_bool('match_colour', False, "Whether each picture's light is brought to where its skin "
                                  'looks as usual in the set.')
_NUM_WORKERS = flags.DEFINE_integer('num_workers', 0, 'How many processes work at most; 0: one a processor core. '
                                    'Each takes a thousand pictures at a time.', lower_bound=0)
_RUNNER = flags.DEFINE_enum('runner', 'local', ['local', 'beam'], 'Where they work: on this machine, or by Apache '
                            "Beam, which needs pip install '.[beam]'.")
_BEAM_OPTIONS = flags.DEFINE_string('beam_options', '--direct_running_mode=multi_processing --direct_num_workers=0',
                                    "Beam's own options, as in '--runner=FlinkRunner --flink_master=localhost:8081'. "
                                    'Every machine must see the inputs and --records_dir under the same paths.')


def main():
  """Makes the set; returns its prefix, as in `records/NAME`."""
  given = [flag for flag in (_VIDEO, _PHOTOS, _CELEBA) if flag.value is not None]
  if len(given) != 1:
    raise app.UsageError(f'{" and ".join(f"--{flag.name}" for flag in given) or "No input"} given, but exactly one of '
                         '--video, --photos and --celeba must be. Name one, as in --video=me.mp4.')
  for flag, kind in _OF_ONE_KIND:
    if flag.value != flag.default and given[0].name != kind:
      raise app.UsageError(f'--{flag.name} is of use with --{kind} only, not with --{given[0].name}. Leave it out.')
  run = _runner()
  from tools.sets import choice  # pylint: disable=import-outside-toplevel
  from tools.sets import curation  # pylint: disable=import-outside-toplevel
  from tools.sets import pipeline  # pylint: disable=import-outside-toplevel
  limits = curation.Limits(**{flag.name: flag.value for flag in _LIMITS})
  wanted = choice.Wanted(limits if _CURATE.value else None, _KEEP_DUPLICATES.value, _PERSON.value,
                         _REFERENCE.value and choice.load_reference(_REFERENCE.value))
  return pipeline.make_records(
      given[0].name, _VIDEO.value or _PHOTOS.value or [_CELEBA.value], wanted, name=_NAME.value,
      records_dir=_RECORDS_DIR.value, overwrite=_OVERWRITE.value, settings=_settings(given[0].name),
      source_options=dict(fps=_FPS.value, start_secs=_START_SECS.value, end_secs=_END_SECS.value,
                          partition=_PARTITION.value, limit=_LIMIT.value),
      alignment=_ALIGN.value, background=_BACKGROUND.value, match_colour=_MATCH_COLOUR.value, is_steady=_STEADY.value,
      num_shards=_NUM_SHARDS.value, max_reject_fraction=_MAX_REJECT_FRACTION.value, run=run)


_OF_ONE_KIND = ((_FPS, 'video'), (_START_SECS, 'video'), (_END_SECS, 'video'), (_STEADY, 'video'),
                (_PARTITION, 'celeba'))
_OF_ALL_KINDS = (_LIMIT, _ALIGN, _PERSON, _REFERENCE, _CURATE, _KEEP_DUPLICATES, _BACKGROUND, _MATCH_COLOUR)


def _settings(kind):
  """Returns the flags that made the set, a dict for its manifest: those that are of use to its kind."""
  of_use = [flag for flag, its_kind in _OF_ONE_KIND if its_kind == kind]
  return {flag.name: flag.value for flag in (*of_use, *_OF_ALL_KINDS, *(_LIMITS if _CURATE.value else ()))}


def _runner():
  """Returns what spreads the work, as `workers.run` without `num_workers`."""
  if _RUNNER.value == 'beam':
    from tools.sets import beam  # pylint: disable=import-outside-toplevel
    try:
      options = shlex.split(_BEAM_OPTIONS.value)
    except ValueError as error:
      raise app.UsageError(f'--beam_options ({_BEAM_OPTIONS.value}) must be words as in a shell: {error}.') from error
    return functools.partial(beam.run, options=options)
  from tools.sets import workers  # pylint: disable=import-outside-toplevel
  return functools.partial(workers.run, num_workers=_NUM_WORKERS.value)


if __name__ == '__main__':
  entry.run(main)
