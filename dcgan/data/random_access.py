"""The records of a set by number, for reading a set that is larger than memory."""

import os
import zlib

import numpy as np
import tensorflow as tf

from dcgan.data import manifests
from dcgan.data import records

# TFRecord's framing: uint64 length, uint32 checksum of it, the record, uint32 checksum of the record.
_NUM_BYTES_BEFORE_RECORD = 12
_NUM_BYTES_AFTER_RECORD = 4


class RandomAccess:
  """The records of a set by number, in any order and from any thread; what is in memory are their places.

  Making one reads the whole set once and checks it, except for whether the pictures can be decoded. The shards stay
  open until the object dies: a set that is replaced under the same name meanwhile is still read as it was.

  Attributes:
    descriptors: float32 [num_images, 256].
    keys: list of str.
    times_secs: float32 [num_images], NaN for photos.
  """

  _PLACE = np.dtype([('shard', np.int32), ('record', np.int32), ('offset', np.int64), ('num_bytes', np.int64),
                     ('checksum', np.uint32)])

  def __init__(self, prefix, manifest):
    """Opens the shards and notes where each record stands.

    Args:
      prefix: str, the set, as in 'records/adele'.
      manifest: its `manifests.Manifest`.

    Raises:
      errors.InputError: a shard is damaged; names file and record.
      OSError: a shard cannot be opened.
    """
    self._files = []
    self._places = np.empty(manifest.num_images, self._PLACE)
    self.descriptors = np.empty([manifest.num_images, records.NUM_DESCRIPTOR_VALUES], np.float32)
    self.times_secs = np.empty(manifest.num_images, np.float32)
    self.keys = []
    index = 0
    for path, shard in zip(manifests.shard_paths(prefix, manifest), manifest.shards):
      self._files.append(open(path, 'rb', buffering=0))  # closed in __del__
      dataset = tf.data.TFRecordDataset(path).map(
          lambda serialized: (serialized, records.parse_for_training(serialized))).prefetch(tf.data.AUTOTUNE)
      offset = _NUM_BYTES_BEFORE_RECORD
      for number, (serialized, values) in enumerate(records.checked(dataset, path, shard.num_records)):
        self._places[index] = len(self._files) - 1, number, offset, len(serialized), zlib.crc32(serialized)
        self.descriptors[index], self.times_secs[index] = values['descriptor'], values['time_secs']
        self.keys.append(records.decode_key(values['key']))
        offset += len(serialized) + _NUM_BYTES_AFTER_RECORD + _NUM_BYTES_BEFORE_RECORD
        index += 1

  def __del__(self):
    for file in self._files:
      file.close()

  def read(self, index):
    """Returns the record `index` (from 0, over all shards) as serialized bytes.

    Raises:
      errors.InputError: the bytes are not those of the first pass: truncated or overwritten; names file and record.
    """
    shard, record, offset, num_bytes, checksum = self._places[index].item()
    file = self._files[shard]
    serialized = os.pread(file.fileno(), num_bytes, offset)
    if zlib.crc32(serialized) != checksum:
      raise records.damaged(file.name, record, 'the file was truncated or overwritten while it was in use')
    return serialized
