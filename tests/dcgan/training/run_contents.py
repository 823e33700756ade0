"""What a run leaves in its folder, for tests to look at."""

import json

import numpy as np
import tensorflow as tf

from dcgan.training import checkpoints


def stats(run):
  return [json.loads(line) for line in (run / 'stats.jsonl').read_text(encoding='utf-8').splitlines()]


def variables(run):
  """Returns every array in a run's latest checkpoint, by key."""
  reader = tf.train.load_checkpoint(checkpoints.latest(run))
  return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()
          if not key.startswith(('_CHECKPOINTABLE', 'options/'))}


def without_time(lines):
  return [{key: value for key, value in line.items() if not key.startswith('time/')} for line in lines]


def assert_same(run, expected):
  """Asserts that two runs have the same latest checkpoint, bit for bit, and statistics."""
  left, right = variables(run), variables(expected)
  assert left.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(left[key], right[key], err_msg=key)
  assert without_time(stats(run)) == without_time(stats(expected))


def names(run, pattern):
  return sorted(path.name for path in run.glob(pattern))
