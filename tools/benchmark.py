"""Measures speed as ratios, taken side by side in one run, because a bare time says little on a noisy machine.

  python -m tools.benchmark train      training: the bare step in each precision; a whole run against it; a person's
                                       step with places against its parts, and single frames; our step against one in
                                       PyTorch, where there is PyTorch; legacy Adam against the new one
  python -m tools.benchmark records    making records: a worker against bare Face Mesh calls, two workers against one;
                                       and where the eyes come to lie, against the demo clip's truth

Prints a table; the last line on standard output is the path of the same numbers as JSON.
"""

import json
import logging as standard_logging
import pathlib
import sys

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from dcgan.common import files
from dcgan.options import config
from dcgan.options import presets

_ROUNDS = flags.DEFINE_integer('rounds', 5, 'How often each is measured, in turn.', lower_bound=1)
_IMAGE_SIZES = flags.DEFINE_list('image_sizes', ['64', '128'], 'train: sizes in px of a picture; the whole run is of '
                                 'the first one.')
_GLOBAL_BATCH_SIZE = flags.DEFINE_integer('global_batch_size', 64, 'train: pictures in a minibatch of the bare step. '
                                          'The whole run takes its preset\'s.', lower_bound=2)
_BARE_STEPS = flags.DEFINE_integer('bare_steps', 4, 'train: minibatches, or updates, in one measurement of the bare '
                                   'step.', lower_bound=1)
_STEPS = flags.DEFINE_integer('steps', 300, 'train: minibatches of a whole run.', lower_bound=20)
_RUN_ROUNDS = flags.DEFINE_integer('run_rounds', 2, 'train: how often the whole run is measured, in turn with the bare '
                                   'step.', lower_bound=1)
_PRESET = flags.DEFINE_enum('preset', 'person', list(presets.PRESETS), 'train: options of the whole run.')
_LONG = flags.DEFINE_bool('long', False, 'train: also whether step time and memory grow over 5,000 minibatches of a '
                          'tiny network.')
_TORCH_PYTHON = entry.define_path('torch_python', None, 'train: the interpreter that has PyTorch. By default this '
                                  'one.')
_PHOTOS = entry.define_path('photos', None, 'records: a folder of photos to measure on. By default aligned frames of '
                            'the demo clip.')
_NUM_PICTURES = flags.DEFINE_integer('num_pictures', 200, 'records: pictures in one measurement.', lower_bound=1)
_OUT = entry.define_path('out', None, 'JSON to write; checkpoints/benchmark-SUBJECT.json by default.')

_LONG_STEPS = 5_000


def main(subject):
  """Measures one subject; returns the path of its numbers."""
  if subject not in _SUBJECTS:
    raise app.UsageError(f'Unknown subject {subject!r}: choose one of {", ".join(_SUBJECTS)}.')
  results = []
  for result in _SUBJECTS[subject]():
    print(result['text'], flush=True)
    results.append(result)
  path = pathlib.Path(_OUT.value or f'checkpoints/benchmark-{subject}.json')
  files.write_text(path, json.dumps(results, indent=1) + '\n')
  return path


def _train():
  """Yields results as they come."""
  sizes = [_image_size(text) for text in _IMAGE_SIZES.value]
  logging.set_verbosity(logging.WARNING)  # nobody is to go on with the runs measured here
  # TensorFlow wonders why one trainer after the other is traced.
  standard_logging.getLogger('tensorflow').addFilter(lambda record: 'retracing' not in record.getMessage())
  from tools.benchmarks import placed_step  # pylint: disable=import-outside-toplevel
  from tools.benchmarks import torch_step  # pylint: disable=import-outside-toplevel
  from tools.benchmarks import training_step  # pylint: disable=import-outside-toplevel
  from tools.benchmarks import whole_loop  # pylint: disable=import-outside-toplevel
  bare = _ROUNDS.value, _BARE_STEPS.value, _GLOBAL_BATCH_SIZE.value, sizes
  yield from training_step.measure(*bare)
  yield from placed_step.measure(_ROUNDS.value, _BARE_STEPS.value, sizes)
  yield from torch_step.measure(*bare, _TORCH_PYTHON.value or sys.executable)
  yield from whole_loop.measure(_RUN_ROUNDS.value, _STEPS.value, sizes[0], _PRESET.value)
  if _LONG.value:
    yield whole_loop.measure_long(_LONG_STEPS)


def _image_size(text):
  if not text.isdecimal():
    raise app.UsageError(f'--image_sizes ({text}) must be sizes in px, as in --image_sizes=64,128.')
  config.Networks(image_size=int(text)).validate()
  return int(text)


def _records():
  from tools.benchmarks import record_making  # pylint: disable=import-outside-toplevel
  return record_making.measure(_ROUNDS.value, _NUM_PICTURES.value, _PHOTOS.value)


_SUBJECTS = {'train': _train, 'records': _records}


if __name__ == '__main__':
  entry.run(main, num_arguments=1)
