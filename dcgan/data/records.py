"""The border between tools/ and dcgan/: aligned faces as TFRecords, in the shards of a set (`dcgan.data.manifests`).

This module is the only one that knows the feature keys.
"""

import dataclasses
import errno
import hashlib
import os
import pathlib

import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files
from dcgan.data import manifests

FACE_WIDTH_PX = 178  # CelebA's aligned pictures (Liu et al. 2015, arXiv:1411.7766)
FACE_HEIGHT_PX = 218
NUM_LANDMARKS = 478  # MediaPipe Face Mesh with irises
NUM_DESCRIPTOR_VALUES = 256

_BATCH = 256
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
    return manifests.Shard(path.name, num_records, manifests.sha256(temporary), manifests.in_hexadecimal(digest))


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
  for path, shard in zip(manifests.shard_paths(prefix, manifest), manifest.shards):
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
  for path, shard in zip(manifests.shard_paths(prefix, manifest), manifest.shards):
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


def _bytes_feature(value):
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _float_feature(values):
  return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values).tolist()))
