"""Tests of dcgan.data.manifests."""

import dataclasses
import hashlib
import json

import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from tests.dcgan import conftest


def test_shard_names_are_those_of_tensorflow_datasets():
  assert str(manifests.shard_path('records/adele', 3, 16)) == 'records/adele.tfrecord-00003-of-00016'


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
  shards = tuple(manifests.Shard(shard.file, shard.num_records, shard.sha256) for shard in manifest.shards)
  old = dataclasses.replace(manifest, shards=shards)
  assert old.digest == before and old.has_digest(before) and not old.has_digest(manifest.digest)


def test_a_set_without_manifest_is_not_a_set(tmp_path):
  conftest.make_set(tmp_path / 'a', 4)
  (tmp_path / 'a.json').unlink()
  with pytest.raises(errors.InputError, match=r'a\.json: no manifest.*no set is whole without'):
    manifests.load(tmp_path / 'a')
  with pytest.raises(errors.InputError, match=r'b\.json: no manifest, so `.*b` is not a set of records\. Make one'):
    manifests.load(tmp_path / 'b')


def test_a_missing_shard_is_named(tmp_path):
  conftest.make_set(tmp_path / 'a', 4)
  manifests.shard_path(tmp_path / 'a', 1, 2).unlink()
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00001-of-00002: this shard is missing'):
    manifests.load(tmp_path / 'a')


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
    manifests.load(tmp_path / 'a')


def test_a_manifest_that_counts_wrong_is_refused(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  manifests.save(tmp_path / 'a', dataclasses.replace(manifest, num_images=5))
  with pytest.raises(errors.InputError, match=r'a\.json: `num_images` \(5\) must be what the shards hold together, 4'):
    manifests.load(tmp_path / 'a')


def test_a_manifest_of_schema_1_is_read_and_its_sentences_stay(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = tmp_path / 'a.json'
  fields = json.loads(path.read_text(encoding='utf-8'))
  fields['schema_version'], fields['rejected'] = 1, [{'key': 'a.png', 'reason': 'turned 50°, over --max_yaw_deg=40'}]
  path.write_text(json.dumps(fields), encoding='utf-8')
  old = manifests.load(tmp_path / 'a')
  assert old.rejected == (manifests.Rejection('a.png', manifests.Reason('told', 'turned 50°, over --max_yaw_deg=40')),)
  assert (old.schema_version, old.shards) == (1, manifest.shards)
  manifests.save(tmp_path / 'a', old)
  assert manifests.load(tmp_path / 'a') == dataclasses.replace(old, schema_version=manifests.SCHEMA_VERSION)


def test_a_manifest_of_schema_2_is_read_and_holds_no_controls(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 4)
  path = tmp_path / 'a.json'
  fields = json.loads(path.read_text(encoding='utf-8'))
  fields['schema_version'] = 2
  del fields['controls']
  path.write_text(json.dumps(fields), encoding='utf-8')
  old = manifests.load(tmp_path / 'a')
  assert (old.schema_version, old.controls, old.shards) == (2, {}, manifest.shards)
  keys, raw = records.read_controls(tmp_path / 'a', old)
  assert len(keys) == 4 and raw.shape == (4, 0)


def test_a_reason_is_data_in_the_file(tmp_path):
  rejected = (manifests.Rejection('b', manifests.Reason('too_dark', 12.5, 30)),
              manifests.Rejection('c', manifests.Reason('no_face')))
  manifests.save(tmp_path / 'a', dataclasses.replace(conftest.make_set(tmp_path / 'a', 4), rejected=rejected))
  assert json.loads((tmp_path / 'a.json').read_text(encoding='utf-8'))['rejected'] == [
      {'key': 'b', 'kind': 'too_dark', 'value': 12.5, 'limit': 30}, {'key': 'c', 'kind': 'no_face'}]
  assert manifests.load(tmp_path / 'a').rejected == rejected
