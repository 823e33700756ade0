"""Tests of dcgan.common.errors."""

import pickle

from dcgan.common import errors


def test_a_message_is_one_line_whatever_a_name_holds():
  error = errors.InputError('`name` (a\nb\u2028c) is wrong.\r\n')
  assert str(error) == r'`name` (a\nb\nc) is wrong.'
  assert str(pickle.loads(pickle.dumps(error))) == str(error)  # as it comes from a worker process
