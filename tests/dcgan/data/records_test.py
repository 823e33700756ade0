"""Tests of dcgan.data.records."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from dcgan.common import errors
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
  shards = tuple(records.write_shard(records.shard_path(tmp_path / 'a', i, 2), part)
                 for i, part in enumerate((faces[:2], faces[2:])))
  manifest = records.Manifest('photos', 3, 3, shards, (), {}, {'names': ['jawOpen', 'mouthPucker']})
  records.save_manifest(tmp_path / 'a', manifest)
  assert records.load_manifest(tmp_path / 'a') == manifest
  keys, raw = records.read_controls(tmp_path / 'a', manifest)
  assert keys == ('face_0000.png', 'face_0001.png', 'face_0002.png')
  np.testing.assert_array_equal(raw, np.float32([[1, 2], [np.nan, np.nan], [3, 4]]))


def test_controls_of_a_cut_shard_are_told(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = records.shard_path(tmp_path / 'a', 0, 2)
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
  manifest = records.load_manifest(tmp_path / 'a')
  assert manifest == written
  assert [face.order for face in records.read_faces(tmp_path / 'a', manifest)] == [0, 1, 2, 3, 4]
  assert manifest.rejected == (records.Rejection('blank.png', records.Reason('no_face')),)


def test_shard_names_are_those_of_tensorflow_datasets():
  assert str(records.shard_path('records/adele', 3, 16)) == 'records/adele.tfrecord-00003-of-00016'


def test_the_digest_tells_sets_apart(tmp_path):
  assert conftest.make_set(tmp_path / 'a', 4).digest == conftest.make_set(tmp_path / 'b', 4).digest
  assert conftest.make_set(tmp_path / 'a', 4).digest != conftest.make_set(tmp_path / 'c', 5).digest


def test_the_digest_is_that_of_the_records_however_they_are_cut(tmp_path):
  whole, cut = (conftest.make_set(tmp_path / name, 5, num_shards) for name, num_shards in (('a', 1), ('b', 3)))
  hashed = [int(hashlib.sha256(records.encode(face)).hexdigest(), 16)
            for face in records.read_faces(tmp_path / 'a', whole)]
  assert whole.digest == cut.digest == f'{sum(hashed) % (1 << 256):064x}'
  assert whole.has_digest(cut.digest) and not whole.has_digest(conftest.make_set(tmp_path / 'c', 4).digest)


def test_a_digest_of_before_is_that_of_the_files(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  before = hashlib.sha256(''.join(shard.sha256 for shard in manifest.shards).encode()).hexdigest()
  assert manifest.has_digest(before) and manifest.digest != before
  shards = tuple(records.Shard(shard.file, shard.num_records, shard.sha256) for shard in manifest.shards)
  old = dataclasses.replace(manifest, shards=shards)
  assert old.digest == before and old.has_digest(before) and not old.has_digest(manifest.digest)


def test_a_set_without_manifest_is_not_a_set(tmp_path):
  conftest.make_set(tmp_path / 'a', 4)
  (tmp_path / 'a.json').unlink()
  with pytest.raises(errors.InputError, match=r'a\.json: no manifest.*no set is whole without'):
    records.load_manifest(tmp_path / 'a')
  with pytest.raises(errors.InputError, match=r'b\.json: no manifest, so `.*b` is not a set of records\. Make one'):
    records.load_manifest(tmp_path / 'b')


def test_a_missing_shard_is_named(tmp_path):
  conftest.make_set(tmp_path / 'a', 4)
  records.shard_path(tmp_path / 'a', 1, 2).unlink()
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00001-of-00002: this shard is missing'):
    records.load_manifest(tmp_path / 'a')


@pytest.mark.parametrize('change, message', [
    (lambda fields: fields | {'schema_version': 99}, r'schema version 99, but this program reads 1, 2, 3'),
    (lambda fields: {}, r'not a manifest \(.*schema_version'),
    (lambda fields: fields | {'num_images': '2'}, r'not a manifest \(a count is no whole number'),
    (lambda fields: fields | {'settings': []}, r'not a manifest \(.*the settings have no names'),
    (lambda fields: fields | {'shards': [fields['shards'][0] | {'file': '../a'}]},
     r"not a manifest \('\.\./a' is no name"),
    (lambda fields: fields | {'shards': [fields['shards'][0] | {'digest': 'x'}]}, r'not a manifest \(invalid literal'),
    (lambda fields: fields | {'rejected': [{'key': 'a', 'kind': []}] * 2 + [3]}, r'not a manifest \('),
    (lambda fields: fields | {'colour': 'red'}, r'not a manifest \(.*colour'),
])
def test_a_manifest_of_another_kind_is_refused(tmp_path, change, message):
  conftest.make_set(tmp_path / 'a', 2)
  path = tmp_path / 'a.json'
  path.write_text(json.dumps(change(json.loads(path.read_text(encoding='utf-8')))), encoding='utf-8')
  with pytest.raises(errors.InputError, match=message):
    records.load_manifest(tmp_path / 'a')


def test_a_manifest_that_counts_wrong_is_refused(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  records.save_manifest(tmp_path / 'a', dataclasses.replace(manifest, num_images=5))
  with pytest.raises(errors.InputError, match=r'a\.json: `num_images` \(5\) must be what the shards hold together, 4'):
    records.load_manifest(tmp_path / 'a')


def test_a_truncated_shard_is_named_with_the_record(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  path = records.shard_path(tmp_path / 'a', 0, 2)
  path.write_bytes(path.read_bytes()[:-7])
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00002: record 2: truncated or damaged'):
    list(records.read_faces(tmp_path / 'a', manifest))


def test_a_shard_that_ends_early_is_named(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  faces = list(records.read_faces(tmp_path / 'a', manifest))
  records.write_shard(records.shard_path(tmp_path / 'a', 1, 2), faces[3:5])
  with pytest.raises(errors.InputError, match=r'00001-of-00002: record 2: the file ends here, but .* counts 3'):
    list(records.read_faces(tmp_path / 'a', manifest))


def test_a_full_disk_is_one_line_that_names_the_shard(tmp_path):
  import tensorflow as tf  # pylint: disable=import-outside-toplevel

  def faces():
    yield conftest.draw_face(0, np.random.default_rng(0))
    raise tf.errors.ResourceExhaustedError(None, None, 'No space left on device')  # as TFRecordWriter raises it

  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00001: cannot be written \(No space left'):
    records.write_shard(records.shard_path(tmp_path / 'a', 0, 1), faces())
  assert not list(tmp_path.iterdir())


def test_records_of_something_else_are_refused(tmp_path):
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  manifest = conftest.make_set(tmp_path / 'a', 2, num_shards=1)
  with tf.io.TFRecordWriter(str(records.shard_path(tmp_path / 'a', 0, 1))) as writer:
    writer.write(tf.train.Example().SerializeToString())
  with pytest.raises(errors.InputError, match=r'record 0: not a face record'):
    list(records.read_faces(tmp_path / 'a', manifest))


def test_a_manifest_of_schema_1_is_read_and_its_sentences_stay(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = tmp_path / 'a.json'
  fields = json.loads(path.read_text(encoding='utf-8'))
  fields['schema_version'], fields['rejected'] = 1, [{'key': 'a.png', 'reason': 'turned 50°, over --max_yaw_deg=40'}]
  path.write_text(json.dumps(fields), encoding='utf-8')
  old = records.load_manifest(tmp_path / 'a')
  assert old.rejected == (records.Rejection('a.png', records.Reason('told', 'turned 50°, over --max_yaw_deg=40')),)
  assert (old.schema_version, old.shards) == (1, manifest.shards)
  records.save_manifest(tmp_path / 'a', old)
  assert records.load_manifest(tmp_path / 'a') == dataclasses.replace(old, schema_version=records.SCHEMA_VERSION)


def test_a_manifest_of_schema_2_is_read_and_holds_no_controls(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = tmp_path / 'a.json'
  fields = json.loads(path.read_text(encoding='utf-8'))
  fields['schema_version'] = 2
  del fields['controls']
  path.write_text(json.dumps(fields), encoding='utf-8')
  old = records.load_manifest(tmp_path / 'a')
  assert (old.schema_version, old.controls, old.shards) == (2, {}, manifest.shards)
  keys, raw = records.read_controls(tmp_path / 'a', old)
  assert len(keys) == 4 and raw.shape == (4, 0)


def test_a_reason_is_data_in_the_file(tmp_path):
  rejected = (records.Rejection('b', records.Reason('too_dark', 12.5, 30)),
              records.Rejection('c', records.Reason('no_face')))
  records.save_manifest(tmp_path / 'a', dataclasses.replace(conftest.make_set(tmp_path / 'a', 4), rejected=rejected))
  assert json.loads((tmp_path / 'a.json').read_text(encoding='utf-8'))['rejected'] == [
      {'key': 'b', 'kind': 'too_dark', 'value': 12.5, 'limit': 30}, {'key': 'c', 'kind': 'no_face'}]
  assert records.load_manifest(tmp_path / 'a').rejected == rejected
