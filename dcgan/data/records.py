"""The border between tools/ and dcgan/: sharded TFRecord sets of aligned faces, and their manifest.

A set is named by its prefix, as in `records/adele`. It is made of shards `records/adele.tfrecord-00000-of-00004` and of
the manifest `records/adele.json`, which is written last: a set without its manifest is not a set. This module is the
only one that knows the feature keys.
"""

import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files

SCHEMA_VERSION = 3
FACE_WIDTH_PX = 178  # CelebA's aligned pictures (Liu et al. 2015, arXiv:1411.7766)
FACE_HEIGHT_PX = 218
NUM_LANDMARKS = 478  # MediaPipe Face Mesh with irises
NUM_DESCRIPTOR_VALUES = 256
TOLD = 'told'  # the kind of a reason of schema 1, whose value is a sentence

_BATCH = 256
_SCHEMA_VERSIONS_READ = (1, 2, SCHEMA_VERSION)
_IMAGE = 'image/encoded'
_KEY = 'image/key'
_ORDER = 'image/order'
_TIME_SECS = 'image/time_secs'
_EYES = 'face/eyes'
_LANDMARKS = 'face/landmarks'
_CONTROLS = 'face/controls'
_SHARPNESS = 'face/sharpness'
_DESCRIPTOR = 'face/descriptor'
_IDENTITY = 'face/identity'

_SPEC = {
    _IMAGE: tf.io.FixedLenFeature([], tf.string),
    _KEY: tf.io.FixedLenFeature([], tf.string),
    _ORDER: tf.io.FixedLenFeature([], tf.int64),
    _TIME_SECS: tf.io.FixedLenFeature([], tf.float32, default_value=np.nan),
    _EYES: tf.io.FixedLenFeature([2, 2], tf.float32),
    _LANDMARKS: tf.io.FixedLenFeature([NUM_LANDMARKS, 3], tf.float32, default_value=[[np.nan] * 3] * NUM_LANDMARKS),
    _CONTROLS: tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True, default_value=np.nan),
    _SHARPNESS: tf.io.FixedLenFeature([], tf.float32),
    _DESCRIPTOR: tf.io.FixedLenFeature([NUM_DESCRIPTOR_VALUES], tf.float32),
    _IDENTITY: tf.io.FixedLenFeature([], tf.int64, default_value=-1),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
  """One aligned face.

  Attributes:
    encoded: bytes, JPEG or PNG of `FACE_WIDTH_PX` × `FACE_HEIGHT_PX` RGB.
    key: str, where it came from, unique in its set: a photo's path below its folder, a video's name and frame time.
    order: int, its place among the inputs, from 0; rising in a set.
    eyes: float32 [2, 2], x and y in px of the iris centres, the one on the left of the image first.
    landmarks: float32 [478, 3], MediaPipe's points in px of the aligned frame; z in the same scale, smaller is nearer;
      None where a list gave the eyes (CelebA).
    sharpness: float, variance of the Laplacian of the aligned grey picture; comparable within one set only.
    descriptor: float32 [256], for similarity ordering; near pictures have a small Euclidean distance.
    time_secs: float, presentation time in the video, or None for a photo.
    identity: int >= 0, who it is, where a list says (CelebA), or None.
    controls: float32 [num_controls], what the face does, as raw measures that the manifest's `controls` name and bring
      to [0, 1]; None where there are no landmarks, or the set is of schema 2 or older.
  """

  encoded: bytes
  key: str
  order: int
  eyes: np.ndarray
  landmarks: np.ndarray | None
  sharpness: float
  descriptor: np.ndarray
  time_secs: float | None = None
  identity: int | None = None
  controls: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Shard:
  """One shard in a manifest.

  Attributes:
    file: str, its name, without folder.
    num_records: int.
    sha256: str, of the file, in hexadecimal.
    digest: str, 64 hexadecimal digits: the sum of its records' SHA-256, modulo 2**256; '' in schema 1.
  """

  file: str
  num_records: int
  sha256: str
  digest: str = ''


@dataclasses.dataclass(frozen=True)
class Reason:
  """Why an input gave no record, as data; `tools.sets.reasons` says it in words.

  Attributes:
    kind: str, a short name, as in 'too_dark'.
    value: float, int or str, what was measured or met; None where the kind says all.
    limit: float or int, what the value is beyond; None where there is none.
  """

  kind: str
  value: float | int | str | None = None
  limit: float | int | None = None


@dataclasses.dataclass(frozen=True)
class Rejection:
  """An input that gave no record: its key, str, and the `Reason`."""

  key: str
  reason: Reason

  def to_json(self):
    """Returns it as a dict of JSON values."""
    given = {name: value for name, value in dataclasses.asdict(self.reason).items() if value is not None}
    return {'key': self.key} | given

  @classmethod
  def from_json(cls, fields):
    """Returns the `Rejection` of such a dict; in schema 1 it held the key and a sentence as `reason`."""
    fields = dict(fields)
    key, sentence = fields.pop('key'), fields.pop('reason', None)
    return cls(key, Reason(**fields) if sentence is None else Reason(TOLD, sentence))


@dataclasses.dataclass(frozen=True)
class Manifest:
  """What a set holds and what was left out of it.

  Attributes:
    kind: 'video', 'photos' or 'celeba'; the frames of a video are in the order of time.
    num_images: int, records in all shards.
    num_inputs: int, pictures looked at: `num_images` plus the rejected ones.
    shards: tuple of `Shard`, in order.
    rejected: tuple of `Rejection`, in the order of the inputs; behind them the files between the pictures that are no
      pictures to read, as raw photos and videos, which do not count among the inputs.
    settings: dict of JSON values, the flags that made the set.
    controls: dict of JSON values, the names of the controls that its records hold, in order, and the person's range of
      each (`dcgan.control.calibration`); empty where they hold none.
    schema_version: int, of the manifest as it was read; what is written is of `SCHEMA_VERSION`.
    notes: tuple of str, sentences on what was done to the inputs before anything was looked at, as to the colours of
      HDR videos.
  """

  kind: str
  num_images: int
  num_inputs: int
  shards: tuple
  rejected: tuple
  settings: dict
  controls: dict = dataclasses.field(default_factory=dict)
  schema_version: int = SCHEMA_VERSION
  notes: tuple = ()

  @property
  def digest(self):
    """str, the same for two sets exactly when their records are the same, however they are cut into shards.

    A sum of records tells no order, but each holds its own, in which they stand. In schema 1 it is that of the files.
    """
    if not all(shard.digest for shard in self.shards):
      return self._digest_of_files
    return _in_hexadecimal(sum(int(shard.digest, 16) for shard in self.shards))

  @property
  def _digest_of_files(self):
    return hashlib.sha256(''.join(shard.sha256 for shard in self.shards).encode()).hexdigest()

  @property
  def align(self):
    """str, how the faces were brought to their places: by their 'eyes', or 'off' where they were only cropped."""
    return self.settings.get('align', 'eyes')

  def has_digest(self, digest):
    """Returns whether a digest, str, is the set's: `digest`, or that of its files, which runs hold from schema 1."""
    return digest in (self.digest, self._digest_of_files)


def shard_path(prefix, index, num_shards):
  """Returns the path of shard `index` (from 0) of the set `prefix`, as in `records/adele.tfrecord-00000-of-00004`."""
  return pathlib.Path(f'{prefix}.tfrecord-{index:05d}-of-{num_shards:05d}')


def manifest_path(prefix):
  """Returns the path of the manifest of the set `prefix`, as in `records/adele.json`."""
  return pathlib.Path(f'{prefix}.json')


def encode(face):
  """Returns a `Face` as a serialized `tf.train.Example`."""
  feature = {
      _IMAGE: _bytes_feature(face.encoded),
      _KEY: _bytes_feature(face.key.encode('utf-8', 'surrogateescape')),
      _ORDER: tf.train.Feature(int64_list=tf.train.Int64List(value=[face.order])),
      _EYES: _float_feature(face.eyes),
      _SHARPNESS: _float_feature([face.sharpness]),
      _DESCRIPTOR: _float_feature(face.descriptor),
  }
  if face.landmarks is not None:
    feature[_LANDMARKS] = _float_feature(face.landmarks)
  if face.controls is not None:
    feature[_CONTROLS] = _float_feature(face.controls)
  if face.time_secs is not None:
    feature[_TIME_SECS] = _float_feature([face.time_secs])
  if face.identity is not None:
    feature[_IDENTITY] = tf.train.Feature(int64_list=tf.train.Int64List(value=[face.identity]))
  return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def parse(serialized):
  """Returns a serialized `tf.train.Example` (bytes) as the `Face` that `encode` was given.

  Raises:
    tf.errors.InvalidArgumentError: a feature is missing or of another shape.
  """
  return _to_face({key: value.numpy() for key, value in tf.io.parse_single_example(serialized, _SPEC).items()})


def write_shard(path, faces):
  """Writes the `Face`s of an iterable to `path`, which appears whole or not at all.

  Returns:
    `Shard` that describes the file.
  """
  path = pathlib.Path(path)
  num_records, digest = 0, 0
  with files.whole_file(path) as temporary:
    try:
      with tf.io.TFRecordWriter(str(temporary)) as writer:
        for face in faces:
          record = encode(face)
          writer.write(record)
          num_records += 1
          digest += int.from_bytes(hashlib.sha256(record).digest(), 'big')
    except tf.errors.ResourceExhaustedError as error:
      raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary)) from error
    except tf.errors.OpError as error:  # no permission, a read-only disk, a file that is too large
      raise OSError(errno.EIO, errors.reason(error).rpartition('; ')[2], str(temporary)) from error
    return Shard(path.name, num_records, sha256(temporary), _in_hexadecimal(digest))


def save_manifest(prefix, manifest):
  """Writes the manifest of the set `prefix`: the last thing that is written of a set."""
  fields = dataclasses.asdict(manifest) | {
      'schema_version': SCHEMA_VERSION, 'rejected': [rejection.to_json() for rejection in manifest.rejected]}
  if not manifest.notes:
    del fields['notes']  # programs from before read it then
  files.write_text(manifest_path(prefix), json.dumps(fields, indent=1) + '\n')


def load_manifest(prefix):
  """Returns the `Manifest` of the set `prefix`, after a look that every shard is there.

  Raises:
    errors.InputError: there is no such set, or it is unreadable, of another schema, or lacks shards.
  """
  path = manifest_path(prefix)
  if not path.is_file():
    stray = ' (it has shards, but no set is whole without its manifest)' if shards_there(prefix) else ''
    others = sorted({name.name.partition('.tfrecord-')[0] for name in path.parent.glob('*.tfrecord-*')})
    raise errors.InputError(
        f'{path}: no manifest, so `{prefix}` is not a set of records{stray}. Make one with '
        f'`python -m tools.make_records`, or name one of {path.parent} without an ending: '
        f'{", ".join(others) or "none"}.')
  try:
    fields = json.loads(path.read_text(encoding='utf-8'))
    version = fields['schema_version']
    manifest = Manifest(**fields | {
        'shards': tuple(Shard(**shard) for shard in fields['shards']),
        'rejected': tuple(map(Rejection.from_json, fields['rejected'])), 'notes': tuple(fields.get('notes', ()))})
    _check_kinds(manifest)
  except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
    raise errors.InputError(f'{path}: not a manifest ({error}). Make the set again with '
                            '`python -m tools.make_records --overwrite`.') from error
  if version not in _SCHEMA_VERSIONS_READ:
    raise errors.InputError(f'{path}: schema version {version}, but this program reads '
                            f'{", ".join(map(str, _SCHEMA_VERSIONS_READ))}. Make the set again with '
                            '`python -m tools.make_records --overwrite`.')
  num_records = sum(shard.num_records for shard in manifest.shards)
  if num_records != manifest.num_images:
    raise errors.InputError(f'{path}: `num_images` ({manifest.num_images}) must be what the shards hold together, '
                            f'{num_records}. Make the set again with `python -m tools.make_records --overwrite`.')
  for shard in manifest.shards:
    if not (path.parent / shard.file).is_file():
      raise errors.InputError(f'{path.parent / shard.file}: this shard is missing. Bring it back, or make the set '
                              'again with `python -m tools.make_records --overwrite`.')
  return manifest


def _check_kinds(manifest):
  """Raises `TypeError` or `ValueError` where a `Manifest` that JSON gave holds what it cannot."""
  counts = (manifest.num_images, manifest.num_inputs, manifest.schema_version,
            *(shard.num_records for shard in manifest.shards))
  texts = (manifest.kind, *(text for shard in manifest.shards for text in (shard.file, shard.sha256, shard.digest)))
  if not all(type(count) is int and count >= 0 for count in counts):  # no bool
    raise TypeError('a count is no whole number')
  if not all(isinstance(text, str) for text in texts) or not isinstance(manifest.settings, dict):
    raise TypeError('a name or digest is no text, or the settings have no names')
  for shard in manifest.shards:
    if pathlib.PurePath(shard.file).name != shard.file or '\0' in shard.file:
      raise ValueError(f'{shard.file!r} is no name of a shard')
    if shard.digest:
      int(shard.digest, 16)


def shard_paths(prefix, manifest):
  """Returns the paths (str) of the shards that `manifest` lists for the set `prefix`, in order."""
  folder = pathlib.Path(prefix).parent
  return [str(folder / shard.file) for shard in manifest.shards]


def shards_there(prefix):
  """Returns the paths of all files named like shards of the set `prefix`, sorted, whatever its manifest lists."""
  name = re.compile(re.escape(pathlib.Path(prefix).name) + r'\.tfrecord-\d{5}-of-\d{5}')
  return sorted(path for path in pathlib.Path(prefix).parent.glob('*.tfrecord-*') if name.fullmatch(path.name))


def training_dataset(path):
  """Returns one shard as a `tf.data.Dataset` of what `parse_for_training` gives.

  Iterate it, or what is mapped from it, through `checked`.
  """
  return tf.data.TFRecordDataset(path).map(parse_for_training)


def untuned(dataset):
  """Returns a `tf.data.Dataset` whose parallelism TensorFlow does not tune while it is read.

  A thread does that which sleeps for up to a minute, and may miss that its iterator is deleted; who deletes that waits.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  return dataset.with_options(options)


def parse_for_training(serialized):
  """Returns what training reads of a serialized `tf.train.Example`, string [].

  Returns:
    dict: 'encoded' and 'key', string []; 'descriptor', float32 [256]; 'time_secs', float32 [], NaN for a photo.
  """
  names = {'encoded': _IMAGE, 'key': _KEY, 'descriptor': _DESCRIPTOR, 'time_secs': _TIME_SECS}
  values = tf.io.parse_single_example(serialized, {key: _SPEC[key] for key in names.values()})
  return {name: values[key] for name, key in names.items()}


def decode_key(key):
  """Returns a record's key, bytes, as str."""
  return key.decode('utf-8', 'surrogateescape')


def checked(dataset, path, num_records, is_batched=False):
  """Yields the elements of a dataset that makes one of each record of a shard, as NumPy values.

  Args:
    dataset: `tf.data.Dataset` over the shard.
    path: str, the shard.
    num_records: int, how many records the manifest says it has.
    is_batched: bool, whether elements are dicts of many records each; an error then names the first of the batch.

  Raises:
    errors.InputError: the shard is truncated, damaged, no face record, or of another length; names the record.
  """
  count = 0
  try:
    for element in untuned(dataset).as_numpy_iterator():
      yield element
      count += len(next(iter(element.values()))) if is_batched else 1
  except tf.errors.DataLossError as error:
    raise damaged(path, count, 'truncated or damaged') from error
  except tf.errors.InvalidArgumentError as error:
    raise damaged(path, count, 'not a face record') from error
  if count != num_records:
    raise damaged(path, count, f'the file ends here, but the manifest counts {num_records} records')


def damaged(path, index, what):
  """Returns the `errors.InputError` that record `index` of the shard `path` is `what`, str."""
  return errors.InputError(f'{path}: record {index}: {what}. Make the set again with '
                           '`python -m tools.make_records --overwrite`.')


def read_faces(prefix, manifest):
  """Yields every `Face` of the set `prefix` in order.

  Raises:
    errors.InputError: a shard is damaged, or a record is not a face; names file and record.
  """
  for path, shard in zip(shard_paths(prefix, manifest), manifest.shards):
    dataset = tf.data.TFRecordDataset(path).map(lambda serialized: tf.io.parse_single_example(serialized, _SPEC))
    for features in checked(dataset, path, shard.num_records):
      yield _to_face(features)


def read_controls(prefix, manifest):
  """Returns what the faces of the set `prefix` do, without reading its pictures.

  Returns:
    (tuple of str, float32 [num_images, num_controls]): the keys of the faces, in order, and their raw measures, whose
    names are those of the manifest's `controls`; NaN where a record holds none.

  Raises:
    errors.InputError: as `read_faces`.
  """
  spec = {key: _SPEC[key] for key in (_KEY, _CONTROLS)}
  keys, parts = [], []
  for path, shard in zip(shard_paths(prefix, manifest), manifest.shards):
    dataset = tf.data.TFRecordDataset(path).batch(_BATCH).map(lambda batch: tf.io.parse_example(batch, spec))
    for features in checked(dataset, path, shard.num_records, is_batched=True):
      keys += map(decode_key, features[_KEY].tolist())
      parts.append(features[_CONTROLS])
  found = np.full([len(keys), max((part.shape[1] for part in parts), default=0)], np.nan, np.float32)
  start = 0
  for part in parts:
    found[start:start + len(part), :part.shape[1]] = part
    start += len(part)
  return tuple(keys), found


def _to_face(features):
  time_secs = float(features[_TIME_SECS])
  landmarks = features[_LANDMARKS]
  identity = int(features[_IDENTITY])
  controls = features[_CONTROLS]
  return Face(
      encoded=features[_IMAGE], key=decode_key(features[_KEY]), order=int(features[_ORDER]),
      eyes=features[_EYES], landmarks=None if np.isnan(landmarks).any() else landmarks,
      sharpness=float(features[_SHARPNESS]), descriptor=features[_DESCRIPTOR],
      time_secs=None if np.isnan(time_secs) else time_secs, identity=None if identity < 0 else identity,
      controls=controls if len(controls) else None)


def sha256(path):
  """Returns the SHA-256 of a file in hexadecimal."""
  digest = hashlib.sha256()
  with open(path, 'rb') as file:
    while chunk := file.read(1 << 20):
      digest.update(chunk)
  return digest.hexdigest()


def _in_hexadecimal(digest):
  return f'{digest % 2**256:064x}'


def _bytes_feature(value):
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _float_feature(values):
  return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values).tolist()))
