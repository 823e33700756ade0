"""From shards to minibatches: decoded once into memory, or streamed; in the order of a plan. No strategy, no model."""

import abc
import dataclasses

import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import images
from dcgan.common import machine
from dcgan.data import batch_plan
from dcgan.data import holdout
from dcgan.data import manifests
from dcgan.data import random_access
from dcgan.data import records
from dcgan.options import config

_TIMES_THE_SET = 3  # so much memory must be free for 'auto' to decode a set: the rest is for training
_NUM_PREFETCHED_MINIBATCHES = 8


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingSet(abc.ABC):
  """A set as the networks see it.

  Attributes:
    descriptors: float32 [num_images, 256].
    is_video: bool, whether the pictures stand in the order of time.
    trained_on: int64 [num_trained_on], ascending, the pictures that minibatches are made of.
    held_out: int64 [num_held_out], ascending, the others.
    keys: list of str, of all pictures.
    times_secs: float32 [num_images], of a video's frames; NaN for photos.
    storage: 'memory' or 'stream'.
  """

  descriptors: np.ndarray
  is_video: bool
  trained_on: np.ndarray
  held_out: np.ndarray
  keys: list
  times_secs: np.ndarray

  @property
  def num_images(self):
    """int, pictures in the set, those held out too."""
    return len(self.descriptors)

  def some(self, indices, num_images):
    """Returns up to `num_images` of the pictures at ascending int [num], evenly spread, as `pictures` does."""
    return self.pictures(spread(indices, num_images))

  @abc.abstractmethod
  def pictures(self, indices):
    """Returns the pictures at int [num], uint8 [num, size, size, 3]."""

  @abc.abstractmethod
  def minibatches(self, plan):
    """Returns a `tf.data.Dataset` as `make_dataset` tells, without prefetching."""


@dataclasses.dataclass(frozen=True, eq=False)
class MemorySet(TrainingSet):
  """A decoded set.

  Attributes:
    images: uint8 [num_images, size, size, 3]; read in place, never copied as a whole.
  """

  images: np.ndarray
  storage = 'memory'

  def pictures(self, indices):
    return self.images[indices]

  def minibatches(self, plan):
    return tf.data.Dataset.from_generator(
        lambda: (self.images[row] for row in plan),
        output_signature=tf.TensorSpec([plan.shape[1], *self.images.shape[1:]], tf.uint8))


@dataclasses.dataclass(frozen=True, eq=False)
class StreamedSet(TrainingSet):
  """A set that is read and decoded each time that it is needed.

  Attributes:
    reader: `random_access.RandomAccess`.
    image_size_px: int, size of the pictures that the networks see.
    crop_px: int, side of the central square of the aligned face that is resized to it.
  """

  reader: random_access.RandomAccess
  image_size_px: int
  crop_px: int
  storage = 'stream'

  def pictures(self, indices):
    serialized = tf.constant([self.reader.read(index) for index in indices], tf.string)
    dataset = records.untuned(tf.data.Dataset.from_tensor_slices(serialized).map(self._picture))
    decoded = list(dataset.as_numpy_iterator())
    return np.array(decoded, np.uint8).reshape(-1, self.image_size_px, self.image_size_px, 3)

  def minibatches(self, plan):
    def read(place):
      return self.reader.read(plan.flat[place])

    return tf.data.Dataset.range(plan.size).map(
        lambda place: self._picture(tf.ensure_shape(tf.numpy_function(read, [place], tf.string), [])),
        num_parallel_calls=tf.data.AUTOTUNE).batch(plan.shape[1], drop_remainder=True)

  def _picture(self, serialized):
    encoded = records.parse_for_training(serialized)['encoded']
    return tf.ensure_shape(_decode(encoded, self.image_size_px, self.crop_px), [self.image_size_px] * 2 + [3])


def load_training_set(prefix, manifest, image_size_px, crop_px, storage='auto', holdout_fraction=0.0):
  """Reads a whole set once, and checks it.

  In memory it is decoded then, so that training never waits for a JPEG. Streamed, only its descriptors and the places
  of its records are kept, and a picture that cannot be decoded is not found before it is needed.

  Args:
    prefix: str, the set, as in 'records/adele'.
    manifest: its `manifests.Manifest`.
    image_size_px: int, size of the pictures that the networks see.
    crop_px: int, side of the central square of the aligned face that is resized to it, antialiased.
    storage: 'memory', 'stream', or 'auto' for memory where the decoded set takes a third of what is free, or less.
    holdout_fraction: float in [0, 1), of the set that is held out.

  Returns:
    `TrainingSet`; its `storage` tells the choice. Both give the same pictures, to the bit.

  Raises:
    ValueError: there is no such storage.
    errors.InputError: the set is empty, nothing would be left to train on, or a shard is damaged; names file and
      record.
  """
  if storage not in config.STORAGES:
    raise ValueError(f'`storage` ({storage}) must be one of {", ".join(config.STORAGES)}.')
  if not manifest.num_images:
    raise errors.InputError(f'`records` ({prefix}) holds no face, and training needs at least one. Make a set with '
                            'faces with `python -m tools.make_records`.')
  is_video = manifest.kind == 'video'
  parts = holdout.split(manifest.num_images, holdout_fraction, is_video)
  shape = manifest.num_images, image_size_px, image_size_px, 3
  if storage == 'auto':
    has_room = _TIMES_THE_SET * np.prod(shape) <= machine.free_memory_bytes()
    storage = 'memory' if has_room else 'stream'
  if storage == 'stream':
    reader = random_access.RandomAccess(prefix, manifest)
    return StreamedSet(reader.descriptors, is_video, *parts, reader.keys, reader.times_secs, reader, image_size_px,
                       crop_px)
  faces = np.empty(shape, np.uint8)
  descriptors = np.empty([manifest.num_images, records.NUM_DESCRIPTOR_VALUES], np.float32)
  keys, times_secs = [], np.empty(manifest.num_images, np.float32)
  for path, shard in zip(manifests.shard_paths(prefix, manifest), manifest.shards):
    dataset = records.training_dataset(path).map(
        lambda values: (_decode(values.pop('encoded'), image_size_px, crop_px), values),
        num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for picture, values in records.checked(dataset, path, shard.num_records):
      done = len(keys)
      faces[done], descriptors[done], times_secs[done] = picture, values['descriptor'], values['time_secs']
      keys.append(records.decode_key(values['key']))
  return MemorySet(descriptors, is_video, *parts, keys, times_secs, faces)


def make_plan(training_set, options, num_batches, num_replicas, seed, stages=None):
  """Returns the run's minibatches, of the pictures that are trained on.

  Args:
    training_set: `TrainingSet`.
    options: `config.Data`.
    num_batches: int.
    num_replicas: int, parts of each minibatch.
    seed: int.
    stages: iterable of (first minibatch, the one behind the last, int64 [num] pictures, as places among those that are
      trained on), ascending, as `admission.Admission.stages` yields them; None where all are there from the start.

  Returns:
    int64 [num_batches, num_replicas, global_batch / num_replicas], indices into the set.
  """
  trained_on = training_set.trained_on
  parts = []
  for number, (first, end, pictures) in enumerate(stages or [(0, num_batches, np.arange(len(trained_on)))]):
    stage_seed = seed + (number << 32)
    num_in_stage = end - first
    if options.minibatches == 'shuffled':
      plan = batch_plan.shuffled_plan(len(pictures), options.global_batch_size, num_in_stage, stage_seed)
    else:
      order = np.arange(len(pictures))
      if not training_set.is_video:
        order = batch_plan.similarity_order(training_set.descriptors[trained_on[pictures]])
      plan = batch_plan.overlapping_plan(order, options.global_batch_size, options.overlap, num_in_stage,
                                         stage_seed)
    parts.append(pictures[plan])
  return trained_on[np.concatenate(parts)].reshape(num_batches, num_replicas, -1)


def make_dataset(training_set, plan):
  """Returns a `tf.data.Dataset` of minibatches.

  TensorFlow keeps both arguments until the process ends.

  Args:
    training_set: `TrainingSet`.
    plan: int64 [num_rows, width], indices into the set; never copied as a whole.

  Returns:
    Dataset of uint8 [width, size, size, 3], one for each row of the plan, in order. Iterating it raises
    `tf.errors.InvalidArgumentError`, which names file and record, where a streamed shard has changed on the disk.
  """
  return records.untuned(training_set.minibatches(plan).prefetch(_NUM_PREFETCHED_MINIBATCHES))


def spread(indices, num_images):
  """Returns up to `num_images` of ascending int [num], evenly spread."""
  return indices[np.linspace(0, len(indices) - 1, min(len(indices), num_images)).astype(int)]


def as_seen(face, image_size_px, crop_px):
  """Returns an aligned face as the networks see it: its central square, resized and antialiased.

  Args:
    face: uint8 [218, 178, 3].
    image_size_px: int, width and height of the result.
    crop_px: int, side of the square.

  Returns:
    uint8 tensor [image_size_px, image_size_px, 3].
  """
  top = (records.FACE_HEIGHT_PX - crop_px) // 2
  left = (records.FACE_WIDTH_PX - crop_px) // 2
  square = face[top:top + crop_px, left:left + crop_px]
  return images.to_uint8(tf.image.resize(images.to_float(square), [image_size_px] * 2, antialias=True))


def _decode(encoded, image_size_px, crop_px):
  return as_seen(tf.io.decode_image(encoded, channels=3, expand_animations=False), image_size_px, crop_px)
