"""Measures speed as ratios, taken side by side in one run, because a bare time says little on a noisy machine.

  python -m tools.benchmark step       the training step: bfloat16 against float32, legacy Adam against the new one
  python -m tools.benchmark records    making records: a worker against bare Face Mesh calls, two workers against one;
                                       and where the eyes come to lie, against the demo clip's truth

Prints a table; the last line on standard output is the path of the same numbers as JSON.
"""

import json
import pathlib

from absl import app
from absl import flags

from dcgan import entry
from dcgan import files

_ROUNDS = flags.DEFINE_integer('rounds', 5, 'How often each pair is measured, in turn.', lower_bound=1)
_STEPS = flags.DEFINE_integer('steps', 4, 'step: minibatches, or updates, in one measurement.', lower_bound=1)
_GLOBAL_BATCH_SIZE = flags.DEFINE_integer('global_batch_size', 64, 'step: pictures in a minibatch.', lower_bound=2)
_IMAGE_SIZE = flags.DEFINE_integer('image_size', 64, 'step: size in px of a picture.', lower_bound=8)
_PHOTOS = flags.DEFINE_string('photos', None, 'records: a folder of photos to measure on. By default aligned frames of '
                              'the demo clip.')
_NUM_PICTURES = flags.DEFINE_integer('num_pictures', 200, 'records: pictures in one measurement.', lower_bound=1)
_OUT = flags.DEFINE_string('out', None, 'JSON to write; checkpoints/benchmark-SUBJECT.json by default.')


def main(subject):
  """Measures one subject; returns the path of its numbers."""
  if subject not in _SUBJECTS:
    raise app.UsageError(f'Unknown subject {subject!r}: choose one of {", ".join(_SUBJECTS)}.')
  results = _SUBJECTS[subject]()
  for result in results:
    print(result['text'])
  path = pathlib.Path(_OUT.value or f'checkpoints/benchmark-{subject}.json')
  files.write_text(path, json.dumps(results, indent=1) + '\n')
  return path


def _step():
  from tools.benchmarks import step  # pylint: disable=import-outside-toplevel
  return step.measure(_ROUNDS.value, _STEPS.value, _GLOBAL_BATCH_SIZE.value, _IMAGE_SIZE.value)


def _records():
  from tools.benchmarks import record_making  # pylint: disable=import-outside-toplevel
  return record_making.measure(_ROUNDS.value, _NUM_PICTURES.value, _PHOTOS.value)


_SUBJECTS = {'step': _step, 'records': _records}


if __name__ == '__main__':
  entry.run(main, num_arguments=1)
