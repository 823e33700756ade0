"""Does an experiment of the report again, and writes what it claims beside what comes out.

  python -m tools.reproduce --experiment=1 --records=records/faces
  python -m tools.reproduce --experiment=2 --records=records/me64_unaligned
  python -m tools.reproduce --experiment=3 --records=records/me64 --beside=checkpoints/experiment2
  python -m tools.reproduce --experiment=4 --records=records/me1 --between_records=records/me10
  python -m tools.reproduce --experiment=5 --records=records/me

1 is the baseline on many faces; 2 a tiny set of one person, made with `tools.make_records --align=off`, in minibatches
of 1, 9 and 64, shuffled and overlapping; 3 the same set aligned; 4 a video at one frame a second, and which frames in
between the model can make. Their training is as in 2016 (`--preset=report` of dcgan.train). 5 is a person's set from
the Universal Face Model and from scratch, with the networks of that model (`--preset=person`). A collapse is told and
never stopped. The page shows each claim with our pictures and numbers and whether they agree; the same as JSON stands
beside it. A command that was interrupted goes on when it is given again. The last line on standard output is the page's
path.
"""

import logging as standard_logging
import pathlib

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from tools.experiments import experiment
from tools.experiments import variants

_EXPERIMENT = flags.DEFINE_integer('experiment', None, 'Which one of the report: 1, 2, 3, 4 or 5.')
_RECORDS = entry.define_path('records', None, 'The set to train on: 1: many faces; 2: 64 photos of one person, '
                             'made with --align=off; 3: the same, aligned; 4: a video at one frame a second; 5: '
                             'photos or a video of one person.')
_BETWEEN_RECORDS = entry.define_path('between_records', None, '4: the same video at more frames a second.')
_BESIDE = entry.define_path('beside', None, '3: the folder of experiment 2, to compare with.')
_WITH_PLACES = flags.DEFINE_bool('with_places', False, '4: give each frame its place in Z, as this project learns a '
                                 'person; the report had none.')
_INIT_FROM = entry.define_path('init_from', None, '5, and 4 with places: the model of many faces: ufm for the one '
                               'that comes with the project, a run, a checkpoint in one, or a .safetensors file. By '
                               'default ufm for 4, and for 5 ufm64, which was learnt as in 2016.')
_NUM_MINIBATCHES = flags.DEFINE_integer('num_minibatches', None, 'Of each run. By default 342 for experiment 1, a '
                                        "fifth of the report's epoch, 75 for experiment 5, after which its runs are "
                                        'compared, and 1000 for the others.')
_LONG_MINIBATCHES = flags.DEFINE_integer('long_minibatches', None, '5: where the runs end, to see what longer training '
                                         'does. By default 8 times --num_minibatches; 24 times at most.')
_SEEDS = flags.DEFINE_list('seeds', ['0'], 'Everything is trained once with each.')
_MINIBATCH_SIZES = flags.DEFINE_list('minibatch_sizes', ['1', '9', '64'], '2 and 3: pictures in a minibatch.')
_CHANNELS = flags.DEFINE_integer('channels', 64, 'Filters next to the picture; fewer are faster.')
_IMAGE_SIZE = flags.DEFINE_integer('image_size', 64, 'Size in px of a generated picture.')
_NUM_SAMPLES = flags.DEFINE_integer('num_samples', 256, 'Pictures that each run is measured on.', lower_bound=64)
_OUT = entry.define_path('out', None, 'The folder of the runs and the page. By default checkpoints/experimentN.')

# Each experiment says in its `flags` which of these are of use to it.
_OF_SOME = (_BETWEEN_RECORDS, _BESIDE, _WITH_PLACES, _INIT_FROM, _LONG_MINIBATCHES, _MINIBATCH_SIZES, _CHANNELS,
            _IMAGE_SIZE)


def main():
  """Does the experiment; returns the path of its page."""
  from tools.experiments import registry  # pylint: disable=import-outside-toplevel  (NumPy)
  chosen = _chosen(registry.EXPERIMENTS)
  seeds, sizes = _numbers(_SEEDS), _numbers(_MINIBATCH_SIZES)
  # TensorFlow wonders why one trainer after the other is traced.
  standard_logging.getLogger('tensorflow').addFilter(lambda record: 'retracing' not in record.getMessage())
  from tools.experiments import reproduction  # pylint: disable=import-outside-toplevel  (TensorFlow)
  out = pathlib.Path(_OUT.value or f'checkpoints/experiment{chosen.number}')
  num_minibatches = chosen.num_minibatches if _NUM_MINIBATCHES.value is None else _NUM_MINIBATCHES.value
  scale = variants.Scale(num_minibatches, _CHANNELS.value, _IMAGE_SIZE.value, seeds, _LONG_MINIBATCHES.value)
  material = experiment.Material(_RECORDS.value, _BETWEEN_RECORDS.value, _BESIDE.value, sizes, _INIT_FROM.value,
                                 _WITH_PLACES.value)
  try:
    return reproduction.reproduce(chosen(material, scale), out, _NUM_SAMPLES.value)
  except entry.Stopped as stopped:
    logging.info('Experiment %d is not done. The same command goes on where it stopped.', chosen.number)
    raise entry.Stopped(out, stopped.signal) from stopped


def _chosen(experiments):
  """Returns the class of the experiment that the flags name; raises `app.UsageError` where they do not fit it.

  Args:
    experiments: tuple of classes, those that there are.
  """
  number, by_number = _EXPERIMENT.value, {one.number: one for one in experiments}
  if number is None:
    raise app.UsageError(f'--experiment is needed: {_one_of(by_number)}, as in --experiment=1.')
  if number not in by_number:
    raise app.UsageError(f'--experiment ({number}) must be {_one_of(by_number)}.')
  chosen = by_number[number]
  if not _RECORDS.value:
    raise app.UsageError(f'--records is needed: the set of experiment {number}, as `{chosen.make}` makes it.')
  for flag in _OF_SOME:
    if flag.value != flag.default and flag.name not in chosen.flags:
      users = [one.number for one in experiments if flag.name in one.flags]
      raise app.UsageError(f'--{flag.name} is of use with --experiment={_one_of(users)} only, not with {number}. '
                           'Leave it out.')
  for flag in _OF_SOME:
    if not flag.value and flag.name in chosen.needed:
      raise app.UsageError(f'--{flag.name} is needed: {chosen.needed[flag.name]}.')
  return chosen


def _one_of(numbers):
  """Returns numbers as text, as in '2 or 3'."""
  *others, last = map(str, numbers)
  return f'{", ".join(others)} or {last}' if others else last


def _numbers(flag):
  """Returns the whole numbers of a list flag, each once, as a tuple; raises `app.UsageError` where one is not."""
  for text in flag.value:
    if not text.isdecimal():
      raise app.UsageError(f'--{flag.name} ({text}) must be whole numbers, as in --{flag.name}=1,2.')
  if not flag.value:
    raise app.UsageError(f'--{flag.name} (nothing) must be one number or more, as in --{flag.name}=1,2.')
  return tuple(dict.fromkeys(map(int, flag.value)))


if __name__ == '__main__':
  entry.run(main)
