"""Where pictures come from: a video, a folder of photos, CelebA.

A source lists its inputs before it reads any, so that a slice of them is a unit of work that depends on nothing else.
"""

import dataclasses
import fractions
import math
import os
import pathlib
import re
import warnings

import numpy as np
from PIL import Image
from PIL import ImageOps

from dcgan import errors
from dcgan import records
from tools import media

# HEIC, which Pillow does not read, is here so that an iPhone's photos are reported and not passed over in silence.
PICTURE_ENDINGS = ('.avif', '.bmp', '.gif', '.heic', '.heif', '.jfif', '.jp2', '.jpeg', '.jpg', '.pgm', '.png', '.ppm',
                   '.tif', '.tiff', '.webp')

_CELEBA_NAME = re.compile(r'\d{6}\.(jpg|png)')
_MAX_SIDE_PX = 32_766  # OpenCV, inside MediaPipe too, ends the process beyond it
_NEUTRAL_GREY = 128  # behind transparent pixels


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
  """One picture of a source.

  Attributes:
    key: str, unique in its source: a photo's path below its folder, or as in `clip.mp4@12.333s`.
    order: int, its place among the inputs, from 0.
    time_secs: float, when its display starts, counted from the video's first frame; None for a photo.
    image: uint8 RGB [height, width, 3], upright.
  """

  key: str
  order: int
  time_secs: float | None
  image: np.ndarray


class VideoSource:
  """The frames on display at the times k / fps of a video; input k is the time k / fps.

  Attributes:
    kind: 'video'.
    num_inputs: int, the times within the video's duration.

  Raises:
    errors.InputError: `fps` is not above 0, or the video cannot be read.
  """

  kind = 'video'

  def __init__(self, path, fps):
    if not 0 < fps < math.inf:
      raise errors.InputError(f'`fps` ({fps}) must be a number above 0: pictures per second of video. Use 1, or 3 for '
                              'a short one.')
    self._path = pathlib.Path(path)
    self._fps = fractions.Fraction(fps).limit_denominator(10_000) or fractions.Fraction(fps)
    duration_secs = media.Video(path).duration_secs
    self.num_inputs = max(1, math.ceil(round(duration_secs * self._fps, 6)))

  def read(self, start, stop):
    """Yields inputs `start` to `stop` (exclusive), each as a `Frame`, or a `records.Rejection` where none can be read.

    An input whose frame was on display at the input before already gives nothing: no frame comes twice.
    """
    video = media.Video(self._path)
    times_secs = [self._time(k) for k in range(start, stop)]
    after_secs = self._time(start - 1) if start else -math.inf
    num_read = 0
    for index, time_secs, image in video.frames_at(times_secs, after_secs):
      num_read = index + 1
      if image is None:
        yield self._rejection(time_secs, video.damage)
      else:
        yield Frame(self._key(time_secs), start + index, time_secs, image)
    if video.damage:
      for time_secs in times_secs[num_read:]:
        yield self._rejection(time_secs, video.damage)

  def _rejection(self, time_secs, damage):
    return records.Rejection(self._key(time_secs), f'the video is cut off or damaged ({damage})')

  def _time(self, k):
    return float(k / self._fps)

  def _key(self, time_secs):
    return f'{self._path.name}@{time_secs:.3f}s'


class PictureSource:
  """Picture files below a folder, in the order of their keys.

  Attributes:
    kind: 'photos' or 'celeba'.
    num_inputs: int, the picture files.
  """

  def __init__(self, kind, folder, keys):
    self.kind = kind
    self.num_inputs = len(keys)
    self._folder = pathlib.Path(folder)
    self._keys = keys

  def read(self, start, stop):
    """Yields inputs `start` to `stop` (exclusive), each as a `Frame`, or a `records.Rejection` if it is unreadable."""
    for order in range(start, min(stop, self.num_inputs)):
      key = self._keys[order]
      try:
        image = load_picture(self._folder / key)
      except errors.InputError as error:
        yield records.Rejection(key, str(error))
      else:
        yield Frame(key, order, None, image)


def open_source(kind, path, fps=None):
  """Returns the source of a kind.

  Args:
    kind: 'video', 'photos' or 'celeba'.
    path: str, the video or the folder.
    fps: float > 0, pictures per second of a video; of no use to the other kinds.

  Raises:
    errors.InputError: as the kind's own function says.
  """
  if kind == 'video':
    return VideoSource(path, fps)
  return {'photos': photos_source, 'celeba': celeba_source}[kind](path)


def photos_source(folder):
  """Returns the `PictureSource` of every picture in `folder` and below; links are followed, each folder once.

  Hidden files and files without a picture's ending are ignored.

  Raises:
    errors.InputError: no such folder, or no picture in it.
  """
  folder = _existing_folder(folder)
  keys = sorted(_walk(folder))
  if not keys:
    raise errors.InputError(f'`{folder}` holds 0 pictures, but at least one is needed, ending in '
                            f'{", ".join(PICTURE_ENDINGS)}. Name another folder.')
  return PictureSource('photos', folder, keys)


def celeba_source(folder):
  """Returns the `PictureSource` of CelebA's aligned pictures (000001.jpg …) in `folder`, of any size.

  Raises:
    errors.InputError: no such folder, or none of CelebA's file names in it.
  """
  folder = _existing_folder(folder)
  keys = sorted(name for name in os.listdir(folder) if _CELEBA_NAME.fullmatch(name))
  if not keys:
    raise errors.InputError(f'`{folder}` holds 0 files named like 000001.jpg, but CelebA\'s aligned pictures are named '
                            'so. Name the folder that holds them directly, or use --photos for other pictures.')
  return PictureSource('celeba', folder, keys)


def default_name(kind, path):
  """Returns the name of a set made from `path`: the video's or folder's, of letters, digits, dots, _ and - only."""
  path = pathlib.Path(os.path.abspath(path))
  name = path.stem if kind == 'video' else path.name
  return re.sub(r'[^\w.-]+', '_', name).strip('_.-') or kind


def load_picture(path):
  """Returns the picture at `path` as uint8 RGB [height, width, 3], upright as EXIF says.

  Of an animation it is the first frame. 16-bit values are scaled, CMYK and palettes converted, transparent pixels stand
  before neutral grey.

  Raises:
    errors.InputError: it cannot be read; the message is the reason without the file's name.
  """
  if not os.path.isfile(path):
    raise errors.InputError('not a file')  # a broken link, or a pipe that would never end
  try:
    with warnings.catch_warnings(), Image.open(path) as picture:
      warnings.simplefilter('ignore')  # corrupt EXIF, very large pictures
      if max(picture.size) > _MAX_SIDE_PX:
        raise errors.InputError(f'unreadable: {picture.width}×{picture.height} px, but a side may have at most '
                                f'{_MAX_SIDE_PX}')
      picture.load()
      return np.asarray(_to_rgb(_upright(picture)))
  except Image.UnidentifiedImageError as error:
    reason = 'the file is empty' if os.path.getsize(path) == 0 else 'not a picture that can be read'
    raise errors.InputError(f'unreadable: {reason}') from error
  except (MemoryError, errors.InputError):
    raise
  except Exception as error:  # pylint: disable=broad-exception-caught  # Pillow's readers raise anything on bad bytes
    reason = (str(error).splitlines() or [''])[0] or type(error).__name__
    raise errors.InputError(f'unreadable: {reason}') from error


def _upright(picture):
  try:
    return ImageOps.exif_transpose(picture)
  except Exception:  # pylint: disable=broad-exception-caught  # damaged EXIF says nothing about the pixels
    return picture


def _to_rgb(picture):
  if picture.mode.startswith('I') or picture.mode == 'F':
    return _wide_to_rgb(picture)
  if picture.has_transparency_data:
    picture = picture.convert('RGBA')
    grey = Image.new('RGBA', picture.size, (_NEUTRAL_GREY,) * 3 + (255,))
    picture = Image.alpha_composite(grey, picture)
  return picture.convert('RGB')


def _wide_to_rgb(picture):
  """Returns a grey picture of 16 or 32 bits or of floats as RGB, its format's white scaled to 255."""
  values = np.asarray(picture).astype(np.float64)
  # 16 bits say what white is; 32 bits and floats do not, and mostly hold one of these.
  whites = {'I': (65535,), 'F': (1, 255, 65535)}.get(picture.mode, (65535,))
  largest = values.max(initial=0)
  white = next((white for white in whites if largest <= white), largest)
  grey = np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8)
  return Image.fromarray(grey).convert('RGB')


def _existing_folder(folder):
  if os.path.isfile(folder):
    raise errors.InputError(f'`{folder}` must be a folder of pictures, but is a file. Name the folder that it lies in, '
                            'or use --video for a video.')
  if not os.path.isdir(folder):
    raise errors.InputError(f'`{folder}` must be a folder of pictures, but there is no such folder. Check the path.')
  return pathlib.Path(folder)


def _walk(folder):
  """Yields the path below `folder`, with slashes, of each picture; enters no folder twice: links may loop."""
  seen = set()
  for parent, subfolders, names in os.walk(folder, followlinks=True):
    status = os.stat(parent)
    if (status.st_dev, status.st_ino) in seen:
      subfolders.clear()
      continue
    seen.add((status.st_dev, status.st_ino))
    subfolders.sort()
    for name in names:
      if not name.startswith('.') and name.lower().endswith(PICTURE_ENDINGS):
        yield (pathlib.Path(parent) / name).relative_to(folder).as_posix()
