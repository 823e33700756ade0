"""Tests of dcgan.data.random_access."""

import os
import pathlib
import struct

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import random_access
from dcgan.data import records
from tests.dcgan import conftest


def test_records_by_number_are_those_between_the_frames(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 5)
  expected = []
  for index in range(2):
    data, start = manifests.shard_path(tmp_path / 'a', index, 2).read_bytes(), 0
    while start < len(data):
      num_bytes, = struct.unpack_from('<Q', data, start)
      expected.append(data[start + 12:start + 12 + num_bytes])
      start += 12 + num_bytes + 4
  reader = random_access.RandomAccess(tmp_path / 'a', manifest)
  assert [reader.read(index) for index in (4, 0, 3, 2, 1, 2)] == [expected[index] for index in (4, 0, 3, 2, 1, 2)]
  for index, face in enumerate(records.read_faces(tmp_path / 'a', manifest)):
    conftest.assert_equal_faces(records.parse(reader.read(index)), face)
    np.testing.assert_array_equal(reader.descriptors[index], face.descriptor)


@pytest.mark.parametrize('change', [
    lambda data: data[:-5],  # one byte of the last record is gone
    lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
])
def test_a_record_by_number_that_has_changed_is_named(tmp_path, change):
  reader = random_access.RandomAccess(tmp_path / 'a', conftest.make_set(tmp_path / 'a', 6))
  path = manifests.shard_path(tmp_path / 'a', 1, 2)
  path.write_bytes(change(path.read_bytes()))
  reader.read(4)
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00001-of-00002: record 2: the file was truncated or'):
    reader.read(5)


def test_records_by_number_are_checked_at_first(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  path = manifests.shard_path(tmp_path / 'a', 1, 2)
  path.write_bytes(path.read_bytes()[:-7])
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00001-of-00002: record 2: truncated or damaged'):
    random_access.RandomAccess(tmp_path / 'a', manifest)


def test_a_set_that_is_replaced_is_still_read_as_it_was(tmp_path):
  reader = random_access.RandomAccess(tmp_path / 'a', conftest.make_set(tmp_path / 'a', 6))
  before = [reader.read(index) for index in range(6)]
  conftest.make_set(tmp_path / 'a', 7)
  assert [reader.read(index) for index in range(6)] == before


@pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='the system has no /proc')
def test_shards_are_closed_with_the_last_reference(tmp_path):
  def open_shards():
    paths = [os.path.realpath(path) for path in pathlib.Path('/proc/self/fd').iterdir()]
    return [path for path in paths if path.startswith(os.path.realpath(tmp_path))]

  reader = random_access.RandomAccess(tmp_path / 'a', conftest.make_set(tmp_path / 'a', 4))
  assert len(open_shards()) == 2
  del reader
  assert not open_shards()
