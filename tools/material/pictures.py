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
import pillow_heif

from dcgan.common import errors
from tools.material import gif_frames
from tools.material import other_files
from tools.material import profiles

ENDINGS = ('.apng', '.avif', '.avifs', '.bmp', '.dds', '.dib', '.gif', '.heic', '.heics', '.heif', '.heifs', '.hif',
           '.j2c', '.j2k', '.jfif', '.jp2', '.jpc', '.jpe', '.jpeg', '.jpf', '.jpg', '.jpx', '.mpo', '.pbm', '.pcx',
           '.pgm', '.png', '.pnm', '.ppm', '.qoi', '.sgi', '.tga', '.tif', '.tiff', '.webp')
# The formats that can hold several pictures, each an input of its own. MPO and HEIC are not: beside a camera's photo
# they hold other forms of it.
SEVERAL_ENDINGS = ('.apng', '.avif', '.avifs', '.gif', '.png', '.tif', '.tiff', '.webp')

UNREADABLE, MISSING = 'unreadable', 'missing'  # kinds of `manifests.Reason`

_LARGEST_PX = 50_000_000  # larger pictures are shrunk by a whole number: each copy takes three bytes a pixel
MAX_SIDE_PX = 32_766  # OpenCV, inside MediaPipe too, ends the process beyond it
_NEUTRAL_GREY = 128  # behind transparent pixels
_FEWEST_FRAME_BYTES = 10  # a GIF's smallest; what a header claims beyond it is not there
_MOST_PICTURES = 10_000  # in one file; each is found by reading on from the first, and more are a video
_ONE_PICTURE_FORMATS = ('MPO', 'HEIF')
# Other programs would run for some of them, the others are stubs or videos.
_FORMATS_LEFT_OUT = ('BUFR', 'EPS', 'GRIB', 'HDF5', 'MPEG', 'WMF')
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS, _REDUCED = 50706, 254, 330, 1  # tags of TIFF; a value: a smaller copy


class PictureError(errors.InputError):
  """A picture that cannot be had; its message is the reason without the file's name.

  Args:
    value: str, what is wrong with it.
    kind: str, what a `manifests.Reason` calls it.
  """

  def __init__(self, value, kind=UNREADABLE):
    super().__init__(value, kind)
    self.value, self.kind = value, kind

  def __str__(self):
    return f'unreadable: {self.value}' if self.kind == UNREADABLE else self.value


def load_picture(path_or_file, index=0):
  """Returns a picture as uint8 RGB [height, width, 3], upright as EXIF says.

  Colours are brought from the picture's ICC profile to sRGB, 16-bit values scaled, CMYK and palettes converted;
  transparent pixels stand before neutral grey.

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

  Raises:
    PictureError: it holds more than 10,000.
  """
  try:
    if not _is_open(path_or_file) and _is_plain_png(path_or_file):
      return 1
    with _told(path_or_file), _open(path_or_file) as picture:
      count = max(1, min(_count(picture), _num_bytes(path_or_file) // _FEWEST_FRAME_BYTES))
  except PictureError:
    return 1
  if count > _MOST_PICTURES:
    raise PictureError(f'it holds over {_MOST_PICTURES:,} pictures: make a video of it, which --video takes')
  return count


def _is_plain_png(path):
  """Returns whether a file is a PNG of one picture, or empty, as most are: without opening it as a picture."""
  if not os.path.isfile(path):
    return False
  try:
    with open(path, 'rb') as file:
      head = file.read(other_files.HEAD_BYTES)
  except OSError:
    return False
  before, data, _ = head.partition(b'IDAT')
  return not head or bool(data) and head.startswith(b'\x89PNG') and b'acTL' not in before


def _count(picture):
  """Returns how many pictures an opened file holds, or claims to hold; of more than `_MOST_PICTURES`, one more."""
  if picture.format in _ONE_PICTURE_FORMATS:
    return 1
  if picture.format == 'GIF':  # Pillow reads on to its end, however far that is
    return gif_frames.count(picture.fp, _MOST_PICTURES + 1)
  if picture.format != 'TIFF':
    return getattr(picture, 'n_frames', 1)
  for index in range(1, _MOST_PICTURES + 1):
    try:
      picture.seek(index)
    except EOFError:
      return index
  return _MOST_PICTURES + 1


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
    raise PictureError(_why_unreadable(path_or_file)) from error
  except Image.DecompressionBombError as error:
    raise PictureError(f'it claims more than {2 * Image.MAX_IMAGE_PIXELS:,} px') from error
  except (MemoryError, PictureError):
    raise
  except OSError as error:
    reason = errors.reason(error)
    raise PictureError(reason if error.errno else _why_unreadable(path_or_file, reason)) from error
  except Exception as error:  # pylint: disable=broad-exception-caught  # Pillow's readers raise anything on bad bytes
    raise PictureError(_why_unreadable(path_or_file, errors.reason(error))) from error


def _why_unreadable(path_or_file, error=None):
  if _is_open(path_or_file):
    path_or_file.seek(0)
    head = path_or_file.read(other_files.HEAD_BYTES)
  else:
    with open(path_or_file, 'rb') as file:
      head = file.read(other_files.HEAD_BYTES)
  return other_files.why_unreadable(head, _num_bytes(path_or_file), error)


def _num_bytes(path_or_file):
  return path_or_file.seek(0, os.SEEK_END) if _is_open(path_or_file) else os.path.getsize(path_or_file)


@functools.cache
def _formats():
  """Returns Pillow's formats, and HEIC, without those that it gives to another program or cannot read."""
  Image.init()
  pillow_heif.register_heif_opener()
  return tuple(name for name in Image.ID if name not in _FORMATS_LEFT_OUT)


def _open(path_or_file):
  return Image.open(path_or_file, formats=_formats())


def _load(picture, index):
  if picture.format == 'TIFF' and _is_raw(picture):
    raise PictureError('it is a raw photo: export it as JPEG')
  is_first_of_one = index == 0 and picture.format in _ONE_PICTURE_FORMATS  # a HEIC's main one may be any of its own
  if index != picture.tell() and not is_first_of_one:
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


def _is_raw(tiff):
  """Returns whether a TIFF is a camera's raw photo, which begins with a small preview."""
  return _DNG_VERSION in tiff.tag_v2 or _SUB_IFDS in tiff.tag_v2 and tiff.tag_v2.get(_SUBFILE_TYPE) == _REDUCED


def _to_rgb(picture):
  profile = picture.info.get('icc_profile')
  if picture.mode == 'LAB':
    return ImageCms.profileToProfile(
        picture, ImageCms.createProfile('LAB'), ImageCms.createProfile('sRGB'), outputMode='RGB')
  if picture.mode.startswith('I') or picture.mode == 'F':
    picture = _wide_to_grey(picture)
  if not picture.has_transparency_data:
    return profiles.to_rgb(picture, profile)
  picture = picture.convert('LA' if picture.mode in ('L', 'LA') else 'RGBA')
  coloured = profiles.to_rgb(picture.convert(picture.mode[:-1]), profile)
  coloured.putalpha(picture.getchannel('A'))
  grey = Image.new('RGBA', picture.size, (_NEUTRAL_GREY,) * 3 + (255,))
  return Image.alpha_composite(grey, coloured).convert('RGB')


def _wide_to_grey(picture):
  """Returns a grey picture of 16 or 32 bits or of floats with 8 bits, its format's white scaled to 255."""
  values = np.nan_to_num(np.asarray(picture).astype(np.float64), posinf=0, neginf=0)
  # 16 bits say what white is; 32 bits and floats do not, and mostly hold one of these.
  whites = {'I': (65535,), 'F': (1, 255, 65535)}.get(picture.mode, (65535,))
  largest = values.max(initial=0)
  white = next((white for white in whites if largest <= white), largest)
  grey = np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8)
  return Image.fromarray(grey)
