"""Picture files: whatever the format, an upright RGB array, or one line that says why there is none."""

import contextlib
import functools
import math
import os
import warnings

import numpy as np
from PIL import Image
from PIL import ImageCms
from PIL import ImageOps

from dcgan.common import errors

# HEIC, which Pillow does not read, is here so that an iPhone's photos are reported and not passed over in silence.
ENDINGS = ('.apng', '.avif', '.bmp', '.dib', '.gif', '.heic', '.heif', '.j2k', '.jfif', '.jp2', '.jpe', '.jpeg', '.jpg',
           '.mpo', '.pbm', '.pgm', '.png', '.pnm', '.ppm', '.qoi', '.tga', '.tif', '.tiff', '.webp')
# The formats that can hold several pictures, each an input of its own. MPO is not one: behind a camera's photo it
# holds smaller copies of it.
SEVERAL_ENDINGS = ('.apng', '.avif', '.gif', '.png', '.tif', '.tiff', '.webp')

UNREADABLE, MISSING = 'unreadable', 'missing'  # kinds of `records.Reason`

_LARGEST_PX = 50_000_000  # larger pictures are shrunk by a whole number: each copy takes three bytes a pixel
MAX_SIDE_PX = 32_766  # OpenCV, inside MediaPipe too, ends the process beyond it
_NEUTRAL_GREY = 128  # behind transparent pixels
_FEWEST_FRAME_BYTES = 10  # a GIF's smallest; what a header claims beyond it is not there


class PictureError(errors.InputError):
  """A picture that cannot be had; its message is the reason without the file's name.

  Args:
    value: str, what is wrong with it.
    kind: str, what a `records.Reason` calls it.
  """

  def __init__(self, value, kind=UNREADABLE):
    super().__init__(value, kind)
    self.value, self.kind = value, kind

  def __str__(self):
    return f'unreadable: {self.value}' if self.kind == UNREADABLE else self.value


def load_picture(path_or_file, index=0):
  """Returns a picture as uint8 RGB [height, width, 3], upright as EXIF says.

  16-bit values are scaled, CMYK and palettes converted, transparent pixels stand before neutral grey.

  Args:
    path_or_file: path, or a binary file object that can seek.
    index: int, which of the pictures in an animated GIF, WebP, PNG or AVIF or a TIFF of several pages.

  Raises:
    PictureError: it cannot be read.
  """
  (picture,) = load_pictures(path_or_file, index, index + 1)
  if isinstance(picture, PictureError):
    raise picture
  return picture


def load_pictures(path_or_file, start, stop):
  """Yields the pictures `start` to `stop` (exclusive) of one file as `load_picture` does, opening it once.

  In place of a picture that cannot be read comes the `PictureError` that says why.
  """
  try:
    with _told(path_or_file):
      opened = _open(path_or_file)
  except PictureError as error:
    for _ in range(start, stop):
      yield error
    return
  with opened:
    for index in range(start, stop):
      try:
        with _told(path_or_file):
          picture = _load(opened, index)
      except PictureError as error:
        picture = error
      yield picture


def num_pictures(path_or_file):
  """Returns how many pictures a file holds: the frames of an animation, the pages of a TIFF, or 1.

  A file that cannot be read counts as 1.
  """
  try:
    with _told(path_or_file), _open(path_or_file) as picture:
      count = 1 if picture.format == 'MPO' else getattr(picture, 'n_frames', 1)
      return max(1, min(count, _num_bytes(path_or_file) // _FEWEST_FRAME_BYTES))
  except PictureError:
    return 1


def _is_open(path_or_file):
  return not isinstance(path_or_file, (str, bytes, os.PathLike))


@contextlib.contextmanager
def _told(path_or_file):
  """Turns what Pillow raises on bad files into a `PictureError`; silences its warnings."""
  if not _is_open(path_or_file) and not os.path.isfile(path_or_file):
    raise PictureError('not a file' if os.path.lexists(path_or_file) else 'the file is not there any more', MISSING)
  try:
    with warnings.catch_warnings():
      warnings.simplefilter('ignore')  # corrupt EXIF, very large pictures
      yield
  except Image.UnidentifiedImageError as error:
    reason = 'the file is empty' if _num_bytes(path_or_file) == 0 else 'not a picture that can be read'
    raise PictureError(reason) from error
  except Image.DecompressionBombError as error:
    raise PictureError(f'it claims more than {2 * Image.MAX_IMAGE_PIXELS:,} px') from error
  except (MemoryError, PictureError):
    raise
  except Exception as error:  # pylint: disable=broad-exception-caught  # Pillow's readers raise anything on bad bytes
    raise PictureError(errors.reason(error)) from error


def _num_bytes(path_or_file):
  return path_or_file.seek(0, os.SEEK_END) if _is_open(path_or_file) else os.path.getsize(path_or_file)


@functools.cache
def _formats():
  """Returns Pillow's formats without EPS, which it gives to another program to run."""
  Image.init()
  return tuple(name for name in Image.ID if name != 'EPS')


def _open(path_or_file):
  return Image.open(path_or_file, formats=_formats())


def _load(picture, index):
  if index != picture.tell():
    try:
      picture.seek(index)
    except EOFError as error:
      raise PictureError(f'there is no picture {index} in it') from error
  if max(picture.size) > MAX_SIDE_PX:
    raise PictureError(f'{picture.width}×{picture.height} px, but a side may have at most {MAX_SIDE_PX}')
  if picture.width * picture.height > 2 * Image.MAX_IMAGE_PIXELS:  # Pillow looks at the first page only
    raise Image.DecompressionBombError
  picture.load()
  shrink = math.ceil(math.sqrt(picture.width * picture.height / _LARGEST_PX))
  if shrink > 1:
    picture = picture.reduce(shrink) if picture.mode not in ('P', 'I;16', 'I;16B') else picture.resize(
        (picture.width // shrink, picture.height // shrink), Image.Resampling.NEAREST)
  return np.asarray(_to_rgb(_upright(picture)))


def _upright(picture):
  try:
    return ImageOps.exif_transpose(picture)
  except Exception:  # pylint: disable=broad-exception-caught  # damaged EXIF says nothing about the pixels
    return picture


def _to_rgb(picture):
  if picture.mode.startswith('I') or picture.mode == 'F':
    return _wide_to_rgb(picture)
  if picture.mode == 'LAB':
    return ImageCms.profileToProfile(
        picture, ImageCms.createProfile('LAB'), ImageCms.createProfile('sRGB'), outputMode='RGB')
  if picture.has_transparency_data:
    picture = picture.convert('RGBA')
    grey = Image.new('RGBA', picture.size, (_NEUTRAL_GREY,) * 3 + (255,))
    picture = Image.alpha_composite(grey, picture)
  return picture.convert('RGB')


def _wide_to_rgb(picture):
  """Returns a grey picture of 16 or 32 bits or of floats as RGB, its format's white scaled to 255."""
  values = np.nan_to_num(np.asarray(picture).astype(np.float64), posinf=0, neginf=0)
  # 16 bits say what white is; 32 bits and floats do not, and mostly hold one of these.
  whites = {'I': (65535,), 'F': (1, 255, 65535)}.get(picture.mode, (65535,))
  largest = values.max(initial=0)
  white = next((white for white in whites if largest <= white), largest)
  grey = np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8)
  return Image.fromarray(grey).convert('RGB')
