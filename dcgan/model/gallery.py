"""A numbered gallery of expressions, the points of Z behind it, and the minibatch whose checkpoint drew it."""

import dataclasses
import pathlib
import zipfile

import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import images
from dcgan.common import wording
from dcgan.model import networks


@dataclasses.dataclass(frozen=True, eq=False)
class Gallery:
  """What a gallery was drawn from.

  Attributes:
    run: path of the run's folder.
    z: float32 [num_images, z_dims], the points of its pictures.
    step: int, the minibatch of the checkpoint that drew them; None where a gallery from before this was kept.
  """

  run: pathlib.Path
  z: np.ndarray
  step: int | None

  def keyframes(self, numbers):
    """Returns the points of the pictures with these numbers.

    Args:
      numbers: list of int, one or more, as written in the gallery.

    Returns:
      float32 [num_numbers, z_dims].

    Raises:
      errors.InputError: there is no such number.
    """
    for number in numbers:
      if not 0 <= number < len(self.z):
        raise errors.InputError(f'picture {number} is not in the gallery of {self.run}, which has 0 to '
                                f'{len(self.z) - 1}. Look at {default_path(self.run)} and choose one of its numbers.')
    return self.z[numbers]


def default_path(run):
  """Returns where a run's gallery stands: `RUN/gallery.png`."""
  return pathlib.Path(run) / 'gallery.png'


def save(path, generator, z, step, tile_px=128):
  """Writes the gallery to `path`, and `z` and `step` under these names to `.npz` beside it.

  Args:
    path: `pathlib.Path` of the picture.
    generator: `tf.keras.Model`, z → images.
    z: float32 [num_images, z_dims].
    step: int, the minibatch of the checkpoint that `generator` is from.
    tile_px: int, size of each picture in the gallery.
  """
  tiles = images.resize(networks.generate(generator, z), tile_px)
  with files.whole_file(path.with_suffix('.npz')) as temporary:
    np.savez(temporary, z=z, step=np.int64(step))
  images.save_picture(path, images.make_grid(tiles, numbered=True))


def is_drawn(run, step):
  """Returns whether a run's gallery, both files of it, was drawn at minibatch `step` (int)."""
  path = default_path(run)
  numbers = path.with_suffix('.npz')
  return (path.is_file() and numbers.is_file() and path.stat().st_mtime_ns >= numbers.stat().st_mtime_ns
          and load(run).step == step)


def load(run):
  """Returns the `Gallery` of a run.

  Args:
    run: path of the run's folder.

  Raises:
    errors.InputError: there is no gallery, or it is damaged.
  """
  path = default_path(run).with_suffix('.npz')
  if not path.is_file():
    raise errors.InputError(f'{path}: this run has no gallery to choose from. Make one with '
                            f'`python -m tools.make_gallery {wording.flag("run", run)}`.')
  try:
    with np.load(path) as content:
      return Gallery(pathlib.Path(run), content['z'], int(content['step']) if 'step' in content else None)
  except (TypeError, ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
    raise errors.InputError(f'{path}: not the points of a gallery ({error}). Make it again with '
                            f'`python -m tools.make_gallery {wording.flag("run", run)}`.') from error
