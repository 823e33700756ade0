"""A numbered gallery of expressions, and the points of Z behind it."""

import pathlib
import zipfile

import numpy as np

from dcgan import errors
from dcgan import files
from dcgan import images
from dcgan import latents
from dcgan import networks


def default_path(run):
  """Returns where a run's gallery stands: `RUN/gallery.png`."""
  return pathlib.Path(run) / 'gallery.png'


def save(path, generator, seed, num_images=latents.NUM_FIXED_POINTS, tile_px=128):
  """Writes the gallery to `path` and its points, float32 [num_images, z_dims] under the name `z`, to `.npz` beside it.

  Args:
    path: `pathlib.Path` of the picture.
    generator: `tf.keras.Model`, z → images.
    seed: int, of the points; the fixed points of a run are those of its seed.
    num_images: int.
    tile_px: int, size of each picture in the gallery.
  """
  z = latents.sample_z(num_images, generator.input_shape[1], seed)
  tiles = images.resize(networks.generate(generator, z), tile_px)
  with files.whole_file(path.with_suffix('.npz')) as temporary:
    np.savez(temporary, z=z)
  images.save_picture(path, images.make_grid(tiles, numbered=True))


def load_keyframes(run, numbers):
  """Returns the Z points of the numbered pictures of a run's gallery.

  Args:
    run: path of the run's folder.
    numbers: list of int, two or more, as written in the gallery.

  Returns:
    float32 [num_numbers, z_dims].

  Raises:
    errors.InputError: there is no gallery, or it has no such number.
  """
  path = default_path(run).with_suffix('.npz')
  if not path.is_file():
    raise errors.InputError(f'{path}: this run has no gallery to choose from. Make one with '
                            f'`python -m tools.make_gallery --run={run}`.')
  try:
    z = np.load(path)['z']
  except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
    raise errors.InputError(f'{path}: not the points of a gallery ({error}). Make it again with '
                            f'`python -m tools.make_gallery --run={run}`.') from error
  for number in numbers:
    if not 0 <= number < len(z):
      raise errors.InputError(f'picture {number} is not in the gallery of {run}, which has 0 to {len(z) - 1}. Look at '
                              f'{default_path(run)} and choose one of its numbers.')
  return z[numbers]
