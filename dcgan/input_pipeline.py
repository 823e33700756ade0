"""From shards to minibatches: parse, crop, resize once; then gather by the plan. No strategy, no model."""

import dataclasses

import numpy as np
import tensorflow as tf

from dcgan import batch_plan
from dcgan import errors
from dcgan import images
from dcgan import records


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingSet:
  """A decoded set.

  Attributes:
    images: uint8 [num_images, size, size, 3].
    descriptors: float32 [num_images, 256].
    is_video: bool, whether the pictures stand in the order of time.
  """

  images: np.ndarray
  descriptors: np.ndarray
  is_video: bool


def load_training_set(prefix, manifest, image_size_px, crop_px):
  """Decodes a whole set once, so that training never waits for a JPEG.

  Args:
    prefix: str, the set, as in 'records/adele'.
    manifest: its `records.Manifest`.
    image_size_px: int, size of the pictures that the networks see.
    crop_px: int, side of the central square of the aligned face that is resized to it, antialiased.

  Returns:
    `TrainingSet`.

  Raises:
    errors.InputError: the set is empty, or a shard is damaged; names file and record.
  """
  if not manifest.num_images:
    raise errors.InputError(f'`records` ({prefix}) holds no face, and training needs at least one. Make a set with '
                            'faces with `python -m tools.make_records`.')
  faces = np.empty([manifest.num_images, image_size_px, image_size_px, 3], np.uint8)
  descriptors = np.empty([manifest.num_images, records.NUM_DESCRIPTOR_VALUES], np.float32)
  done = 0
  for path, shard in zip(records.shard_paths(prefix, manifest), manifest.shards):
    dataset = records.training_dataset(path).map(
        lambda encoded, descriptor: (_decode(encoded, image_size_px, crop_px), descriptor),
        num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for picture, descriptor in records.checked(dataset, path, shard.num_records):
      faces[done] = picture
      descriptors[done] = descriptor
      done += 1
  return TrainingSet(images=faces, descriptors=descriptors, is_video=manifest.kind == 'video')


def make_plan(training_set, config, num_batches, seed):
  """Returns the run's minibatches, int64 [num_batches, batch], as `config.Data` wants them."""
  num_images = len(training_set.images)
  if config.minibatches == 'shuffled':
    return batch_plan.shuffled_plan(num_images, config.global_batch_size, num_batches, seed)
  order = np.arange(num_images) if training_set.is_video else batch_plan.similarity_order(training_set.descriptors)
  return batch_plan.overlapping_plan(order, config.global_batch_size, config.overlap_fraction, num_batches, seed)


def make_dataset(pictures, plan):
  """Returns a `tf.data.Dataset` of minibatches.

  Args:
    pictures: uint8 [num_images, size, size, 3]; read in place, never copied as a whole.
    plan: int64 [num_batches, batch].

  Returns:
    Dataset of uint8 [batch, size, size, 3], one for each row of the plan.
  """
  return tf.data.Dataset.from_generator(
      lambda: (pictures[row] for row in plan),
      output_signature=tf.TensorSpec([plan.shape[1], *pictures.shape[1:]], tf.uint8)).prefetch(tf.data.AUTOTUNE)


def _decode(encoded, image_size_px, crop_px):
  """Returns the picture that the networks see, uint8 [size, size, 3]: the central square, resized and antialiased."""
  face = tf.io.decode_image(encoded, channels=3, expand_animations=False)
  top = (records.FACE_HEIGHT_PX - crop_px) // 2
  left = (records.FACE_WIDTH_PX - crop_px) // 2
  square = face[top:top + crop_px, left:left + crop_px]
  return images.to_uint8(tf.image.resize(images.to_float(square), [image_size_px] * 2, antialias=True))
