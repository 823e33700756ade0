"""Tests that a whole set is found whole, and that each kind of damage is named with its file and record."""

import dataclasses
import io

import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from tests.dcgan import conftest
from tools.sets import verify


@pytest.fixture(name='prefix')
def fixture_prefix(tmp_path):
  """A set of 6 drawn faces in 2 shards of 3."""
  conftest.make_set(tmp_path / 'drawn', 6)
  return str(tmp_path / 'drawn')


def _shards(prefix):
  return [manifests.shard_path(prefix, i, 2) for i in range(2)]


def _rewrite(prefix, *replacements, kind='photos'):
  """Writes the set again with right sums and counts; each replacement is (record, fields)."""
  manifest = manifests.load(prefix)
  faces = list(records.read_faces(prefix, manifest))
  for index, fields in replacements:
    faces[index] = dataclasses.replace(faces[index], **fields)
  shards = tuple(records.write_shard(path, part) for path, part in zip(_shards(prefix), (faces[:3], faces[3:])))
  manifests.save(prefix, dataclasses.replace(manifest, shards=shards, kind=kind))


def _picture(mode='RGB', size=(178, 218)):
  encoded = io.BytesIO()
  Image.new(mode, size).save(encoded, 'JPEG')
  return encoded.getvalue()


def test_whole_set_counts_its_records_and_files(prefix):
  assert verify.verify(prefix) == (6, 2)


def test_flipped_byte_is_found_in_its_record(prefix):
  path = _shards(prefix)[1]
  damaged = bytearray(path.read_bytes())
  damaged[len(damaged) // 2] ^= 1
  path.write_bytes(damaged)
  with pytest.raises(errors.InputError, match=r'drawn\.tfrecord-00001-of-00002: record 1: truncated or damaged'):
    verify.verify(prefix)


def test_truncated_shard_is_found(prefix):
  path = _shards(prefix)[0]
  path.write_bytes(path.read_bytes()[:-5])
  with pytest.raises(errors.InputError, match=r'drawn\.tfrecord-00000-of-00002: record 2: truncated or damaged'):
    verify.verify(prefix)


def test_swapped_shards_are_found(prefix):
  first, second = _shards(prefix)
  contents = first.read_bytes(), second.read_bytes()
  second.write_bytes(contents[0])
  first.write_bytes(contents[1])
  with pytest.raises(errors.InputError, match=r'00000-of-00002: its SHA-256 is .*: it holds what drawn\.t.*-00001'):
    verify.verify(prefix)


def test_shard_of_right_records_that_are_not_the_sets_is_found(prefix):
  path = _shards(prefix)[1]
  faces = list(records.read_faces(prefix, manifests.load(prefix)))[3:]
  records.write_shard(path, [dataclasses.replace(faces[0], sharpness=1.5), *faces[1:]])
  with pytest.raises(errors.InputError, match=r'00001-of-00002: its SHA-256 .*: it was changed since the set was made'):
    verify.verify(prefix)


@pytest.mark.parametrize('num_records, words', [(2, 'record 3|record 2'), (4, 'record 3')])
def test_count_that_the_manifest_has_wrong_is_found(prefix, num_records, words):
  manifest = manifests.load(prefix)
  shards = (dataclasses.replace(manifest.shards[0], num_records=num_records), manifest.shards[1])
  manifests.save(prefix, dataclasses.replace(manifest, shards=shards, num_images=num_records + 3))
  with pytest.raises(errors.InputError, match=rf'00000-of-00002: ({words}): .*manifest counts {num_records} records'):
    verify.verify(prefix)


@pytest.mark.parametrize('fields, words', [
    ({'encoded': b'no picture'}, r'its picture cannot be decoded \(cannot identify image file'),
    ({'encoded': _picture()[:-200]}, r'its picture cannot be decoded \(image file is truncated'),
    ({'encoded': _picture(size=(178, 217))}, '178×217 px in RGB, but must be 178×218 in RGB'),
    ({'encoded': _picture('L')}, '178×218 px in L, but must be'),
    ({'eyes': np.array([[np.nan, 1], [2, 3]], np.float32)}, 'its eyes must be finite'),
    ({'landmarks': np.full([478, 3], np.inf, np.float32)}, 'its landmarks must be finite'),
    ({'landmarks': np.full([478, 3], np.nan, np.float32)}, 'its landmarks are missing or not finite'),
    ({'landmarks': None}, 'its landmarks are missing or not finite'),
    ({'descriptor': np.full(256, np.nan, np.float32)}, 'its descriptor must be finite'),
    ({'sharpness': float('inf')}, 'its sharpness must be finite'),
    ({'order': 3}, 'order 3 after 3, but orders must rise'),
    ({'key': 'face_0001.png'}, r"a second record of 'face_0001\.png', but keys must be unique")])
def test_wrong_record_is_named(prefix, fields, words):
  _rewrite(prefix, (4, fields))
  with pytest.raises(errors.InputError, match=rf'drawn\.tfrecord-00001-of-00002: record 1: .*{words}'):
    verify.verify(prefix)


def test_faces_of_celeba_need_no_landmarks(prefix):
  _rewrite(prefix, (4, {'landmarks': None}), kind='celeba')
  assert verify.verify(prefix) == (6, 2)


def test_missing_shard_is_named(prefix):
  _shards(prefix)[1].unlink()
  with pytest.raises(errors.InputError, match='00001-of-00002: this shard is missing'):
    verify.verify(prefix)
