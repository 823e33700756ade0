"""Tests of dcgan.data.records."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from tests.dcgan import conftest


@pytest.mark.parametrize('time_secs', [None, 1.5])
def test_a_face_survives_encoding_exactly(time_secs):
  face = dataclasses.replace(conftest.draw_face(3, np.random.default_rng(1)), time_secs=time_secs, key='Ü "x" .png')
  conftest.assert_equal_faces(records.parse(records.encode(face)), face)


def test_a_face_without_landmarks_and_with_an_identity_survives_encoding():
  face = dataclasses.replace(conftest.draw_face(3, np.random.default_rng(1)), landmarks=None, identity=0)
  parsed = records.parse(records.encode(face))
  assert parsed.landmarks is None and parsed.identity == 0
  conftest.assert_equal_faces(parsed, face)
  assert records.parse(records.encode(dataclasses.replace(face, identity=10177))).identity == 10177
  assert records.parse(records.encode(dataclasses.replace(face, identity=None))).identity is None


def test_what_a_face_does_survives_encoding_and_is_none_in_records_of_before():
  face = conftest.draw_face(3, np.random.default_rng(1))
  assert records.parse(records.encode(face)).controls is None
  controls = np.float32([0.25, -0.5, np.nan])
  np.testing.assert_array_equal(
      records.parse(records.encode(dataclasses.replace(face, controls=controls))).controls, controls)


def test_what_faces_do_is_read_without_their_pictures(tmp_path):
  rng = np.random.default_rng(0)
  faces = [dataclasses.replace(conftest.draw_face(i, rng), controls=controls) for i, controls in enumerate(
      [np.float32([1, 2]), None, np.float32([3, 4])])]
  shards = tuple(records.write_shard(manifests.shard_path(tmp_path / 'a', i, 2), part)
                 for i, part in enumerate((faces[:2], faces[2:])))
  manifest = manifests.Manifest('photos', 3, 3, shards, (), {}, {'names': ['jawOpen', 'mouthPucker']})
  manifests.save(tmp_path / 'a', manifest)
  assert manifests.load(tmp_path / 'a') == manifest
  keys, raw = records.read_controls(tmp_path / 'a', manifest)
  assert keys == ('face_0000.png', 'face_0001.png', 'face_0002.png')
  np.testing.assert_array_equal(raw, np.float32([[1, 2], [np.nan, np.nan], [3, 4]]))


def test_controls_of_a_cut_shard_are_told(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = manifests.shard_path(tmp_path / 'a', 0, 2)
  path.write_bytes(path.read_bytes()[:-5])
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00002: record 0: truncated or damaged'):
    records.read_controls(tmp_path / 'a', manifest)


def test_a_key_of_bytes_that_are_no_text_survives_encoding():
  key = b'caf\xe9.jpg'.decode('utf-8', 'surrogateescape')
  face = dataclasses.replace(conftest.draw_face(3, np.random.default_rng(1)), key=key)
  assert records.parse(records.encode(face)).key == key


def test_encoding_is_the_same_each_time():
  assert records.encode(conftest.draw_face(3, np.random.default_rng(1))) == records.encode(
      conftest.draw_face(3, np.random.default_rng(1)))


def test_a_set_is_read_back_in_order(tmp_path):
  written = conftest.make_set(tmp_path / 'a', 5)
  manifest = manifests.load(tmp_path / 'a')
  assert manifest == written
  assert [face.order for face in records.read_faces(tmp_path / 'a', manifest)] == [0, 1, 2, 3, 4]
  assert manifest.rejected == (manifests.Rejection('blank.png', manifests.Reason('no_face')),)


def test_a_truncated_shard_is_named_with_the_record(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  path = manifests.shard_path(tmp_path / 'a', 0, 2)
  path.write_bytes(path.read_bytes()[:-7])
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00002: record 2: truncated or damaged'):
    list(records.read_faces(tmp_path / 'a', manifest))


def test_a_shard_that_ends_early_is_named(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  faces = list(records.read_faces(tmp_path / 'a', manifest))
  records.write_shard(manifests.shard_path(tmp_path / 'a', 1, 2), faces[3:5])
  with pytest.raises(errors.InputError, match=r'00001-of-00002: record 2: the file ends here, but .* counts 3'):
    list(records.read_faces(tmp_path / 'a', manifest))


def test_a_full_disk_is_one_line_that_names_the_shard(tmp_path):
  import tensorflow as tf  # pylint: disable=import-outside-toplevel

  def faces():
    yield conftest.draw_face(0, np.random.default_rng(0))
    raise tf.errors.ResourceExhaustedError(None, None, 'No space left on device')  # as TFRecordWriter raises it

  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00001: cannot be written \(No space left'):
    records.write_shard(manifests.shard_path(tmp_path / 'a', 0, 1), faces())
  assert not list(tmp_path.iterdir())


def test_records_of_something_else_are_refused(tmp_path):
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  manifest = conftest.make_set(tmp_path / 'a', 2, num_shards=1)
  with tf.io.TFRecordWriter(str(manifests.shard_path(tmp_path / 'a', 0, 1))) as writer:
    writer.write(tf.train.Example().SerializeToString())
  with pytest.raises(errors.InputError, match=r'record 0: not a face record'):
    list(records.read_faces(tmp_path / 'a', manifest))
