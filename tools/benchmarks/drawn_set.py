"""A set of drawn pictures, for measuring what training does with any set."""

import imageio.v3 as iio
import numpy as np

from dcgan.data import manifests
from dcgan.data import records


def make_set(prefix, num_images):
  """Writes a set of discs on noise, one shard; the same for the same number.

  Args:
    prefix: path of the set, as in 'records/drawn'.
    num_images: int, pictures in it.
  """
  rng = np.random.default_rng(0)
  shard = records.write_shard(manifests.shard_path(prefix, 0, 1), (_draw_face(i, rng) for i in range(num_images)))
  manifests.save(prefix, manifests.Manifest(
      kind='photos', num_images=num_images, num_inputs=num_images, shards=(shard,), rejected=(), settings={}))


def _draw_face(index, rng):
  y, x = np.mgrid[:records.FACE_HEIGHT_PX, :records.FACE_WIDTH_PX]
  left, top = rng.normal([89, 111], 5)
  picture = rng.integers(0, 80, [records.FACE_HEIGHT_PX, records.FACE_WIDTH_PX, 3], np.uint8)
  picture[(x - left)**2 + (y - top)**2 < rng.integers(30, 60)**2] = rng.integers(100, 256, 3)
  return records.Face(
      encoded=iio.imwrite('<bytes>', picture, extension='.jpg'), key=f'{index}.jpg', order=index,
      eyes=np.array([[69.4, 111.7], [108.4, 111.7]], np.float32), landmarks=None, sharpness=1.0,
      descriptor=rng.normal(size=records.NUM_DESCRIPTOR_VALUES).astype(np.float32))
