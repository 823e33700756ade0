"""Where pictures come from: videos, a folder of photos, CelebA.

A source lists its inputs before it reads any, so that a slice of them is a unit of work that depends on nothing else.
It can be pickled, and opens its files where it reads.
"""

import array
import collections
import copy
import dataclasses
import fractions
import hashlib
import math
import os
import pathlib

import numpy as np

from dcgan.common import errors
from dcgan.common import wording
from dcgan.data import manifests
from tools.material import celeba
from tools.material import folders
from tools.material import names
from tools.material import other_files
from tools.material import pictures
from tools.material import videos

DAMAGED_VIDEO, UNREADABLE_FOLDER = 'damaged_video', 'unreadable_folder'  # kinds of `manifests.Reason`

_STILL_ENDINGS = ('.bmp', '.heic', '.heif', '.jfif', '.jpeg', '.jpg', '.png', '.tif', '.tiff')
_MAX_FPS = 1000  # of slow-motion cameras


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
  """One picture of a source.

  Attributes:
    key: str, unique in its source: a photo's path below its folder, `dance.gif#0003` for a picture of an animation, or
      as in `clip.mp4@12.333s`.
    order: int, its place among the inputs, from 0.
    time_secs: float, when its display starts, counted from its video's first frame; None for a photo.
    image: uint8 RGB [height, width, 3], upright.
    clip: int, the number of its video, from 0; 0 for photos.
    eyes: float64 [2, 2], the eyes' centres in px of `image`, image left first, where a list gives them; else None.
    identity: int, the person, where a list gives it; else None.
  """

  key: str
  order: int
  time_secs: float | None
  image: np.ndarray
  clip: int = 0
  eyes: np.ndarray | None = None
  identity: int | None = None


class VideoSource:
  """The frames on display at every 1 / fps seconds of one or several videos, one video after the other.

  Args:
    paths: sequence of str or `pathlib.Path`, or one of them.
    fps: float > 0, pictures per second of video.
    start_secs: float >= 0, where to start in each video.
    end_secs: float > `start_secs`, where to end in each video (exclusive), or None for its end.
    limit: int >= 1, only the first so many inputs; None for all.

  Attributes:
    kind: 'video'.
    num_inputs: int, the times within the videos.
    fingerprint: str, a digest of the videos' names, sizes and modification times, of the arguments and the notes.
    notes: tuple of str, sentences on what was done to the videos' colours and times.

  Raises:
    errors.InputError: an argument breaks its rule, a video cannot be read, ends before `start_secs`, or is named twice.
  """

  kind = 'video'
  left_out = ()

  def __init__(self, paths, fps, start_secs=0.0, end_secs=None, limit=None):
    _check_times(fps, start_secs, end_secs)
    paths = _as_paths(paths)
    self._fps = fractions.Fraction(fps).limit_denominator(10_000) or fractions.Fraction(fps)
    self._start_secs = start_secs
    self._videos = [videos.Video(path) for path in paths]
    self._names = names.of_videos(paths)
    ends_secs = [_end_secs(path, video, start_secs, end_secs) for path, video in zip(paths, self._videos)]
    counts = [max(1, math.ceil(round((end - start_secs) * self._fps, 6))) for end in ends_secs]
    self._firsts = [sum(counts[:clip]) for clip in range(len(counts) + 1)]
    self.num_inputs = _limited(self._firsts[-1], limit)
    stamps = [(name, *folders.stamp(path)) for name, path in zip(self._names, paths)]
    self.notes = _notes(self._names, self._videos)
    self.fingerprint = _digest(self.kind, stamps, str(self._fps), start_secs, end_secs, self.num_inputs, *self.notes)

  def read(self, start, stop):
    """Yields inputs `start` to `stop` (exclusive), each a `Frame`, or a `manifests.Rejection` where none can be read.

    An input whose frame was on display at the input before already gives nothing: no frame comes twice.
    """
    stop = min(stop, self.num_inputs)
    for clip, (first, last) in enumerate(zip(self._firsts, self._firsts[1:])):
      if max(start, first) < min(stop, last):
        yield from self._read_clip(clip, max(start, first) - first, min(stop, last) - first)

  def _read_clip(self, clip, start, stop):
    video = copy.copy(self._videos[clip])  # it notes damage; other threads read too
    times_secs = [self._time(k) for k in range(start, stop)]
    after_secs = self._time(start - 1) if start else -math.inf
    first_order = self._firsts[clip] + start
    num_read = 0
    for index, time_secs, image in video.frames_at(times_secs, after_secs):
      num_read = index + 1
      if image is None:
        yield self._rejection(clip, time_secs, video.damage)
      else:
        yield Frame(self._key(clip, time_secs), first_order + index, time_secs, image, clip)
    if video.damage:
      for time_secs in times_secs[num_read:]:
        yield self._rejection(clip, time_secs, video.damage)

  def _rejection(self, clip, time_secs, damage):
    return manifests.Rejection(self._key(clip, time_secs), manifests.Reason(DAMAGED_VIDEO, damage))

  def _time(self, k):
    return self._start_secs + float(k / self._fps)

  def _key(self, clip, time_secs):
    return f'{self._names[clip]}@{time_secs:.3f}s'


class PhotoSource:
  """Every picture in folders and below, in the order of their paths; links are followed, each folder once.

  Each frame of an animated GIF, WebP, PNG or AVIF and each page of a TIFF is an input. A folder that cannot be listed
  is an input too, a rejected one. Raw photos, videos and other formats are left out and told; hidden files and folders,
  and files of any other ending, are ignored.

  Args:
    paths: list of str or `pathlib.Path`, the folders, or one of them; of several, keys begin with the folder's name.
    limit: int >= 1, only the first so many inputs; None for all.

  Attributes:
    kind: 'photos'.
    num_inputs: int, the pictures.
    left_out: tuple of `manifests.Rejection`, the files that are no inputs because they are no pictures to read.
    fingerprint: str, a digest of the files' paths, sizes and modification times.
    notes: tuple of str, empty: there is nothing to tell.

  Raises:
    errors.InputError: no such folder, no picture in any, or one is named twice.
  """

  kind = 'photos'
  notes = ()

  def __init__(self, paths, limit=None):
    paths = _as_paths(paths)
    files = folders.PictureFiles(paths)
    self._roots = files.roots
    self.left_out = other_files.rejections(files.others, files.keys)
    if not files.keys:
      unreadable = ', '.join(f'`{key}` ({reason})' for key, reason in sorted(files.unreadable.items()))
      others = other_files.told(self.left_out)
      raise errors.InputError(f'`{", ".join(map(str, paths))}` holds 0 pictures, but at least one is needed, ending in '
                              f'{", ".join(pictures.ENDINGS)}.{others and f" It holds {others}."} Name another folder.'
                              f'{unreadable and f" Not readable: {unreadable}."}')
    self._refused = {key: pictures.PictureError(reason, UNREADABLE_FOLDER)
                     for key, reason in files.unreadable.items()}
    self._keys, self._firsts = self._count(files.keys, limit)
    self.num_inputs = _limited(int(self._firsts[-1]), limit)
    self.fingerprint = _digest(self.kind, files.stamps(len(self._keys)), self.num_inputs)

  def _count(self, keys, limit):
    """Returns the files' keys, as many as the limit needs, and the number of each one's first input and of the end."""
    taken, firsts = [], array.array('q', [0])
    for key in keys:
      taken.append(key)
      firsts.append(firsts[-1] + self._num_pictures(key))
      if limit is not None and firsts[-1] >= limit:
        break
    return taken, np.array(firsts)

  def _num_pictures(self, key):
    if key in self._refused or not key.lower().endswith(pictures.SEVERAL_ENDINGS):
      return 1
    try:
      return pictures.num_pictures(folders.locate(self._roots, key))
    except pictures.PictureError as error:
      self._refused[key] = error
      return 1

  def read(self, start, stop):
    """Yields inputs `start` to `stop` (exclusive), each a `Frame`, or a `manifests.Rejection` if it is unreadable."""
    stop = min(stop, self.num_inputs)
    order = start
    while order < stop:
      file = int(np.searchsorted(self._firsts, order, side='right')) - 1
      first, last = int(self._firsts[file]), int(self._firsts[file + 1])
      key = self._keys[file]
      for picture in self._read_file(key, order - first, min(stop, last) - first):
        yield _item(key if last - first == 1 else f'{key}#{order - first:04d}', order, picture)
        order += 1

  def _read_file(self, key, start, stop):
    if key in self._refused:
      return [self._refused[key]]
    return pictures.load_pictures(folders.locate(self._roots, key), start, stop)


class CelebaSource:
  """CelebA's pictures, aligned or in the wild, in a folder or a zip, with what its lists say about them.

  Args:
    path: str or `pathlib.Path` of the folder or the zip.
    partition: one of `celeba.PARTITIONS`, or None for all.
    limit: int >= 1, only the first so many inputs; None for all.

  Attributes:
    kind: 'celeba'.
    num_inputs: int, the pictures.
    fingerprint: str, a digest of the pictures, the lists and the arguments.
    notes: tuple of str, empty: there is nothing to tell.

  Raises:
    errors.InputError: as in `celeba.Dataset`.
  """

  kind = 'celeba'
  notes = ()
  left_out = ()

  def __init__(self, path, partition=None, limit=None):
    self._dataset = celeba.Dataset(path, partition)
    self.num_inputs = _limited(self._dataset.num_pictures, limit)
    self.fingerprint = _digest(self.kind, self._dataset.fingerprint, self.num_inputs)

  def read(self, start, stop):
    """Yields inputs `start` to `stop` (exclusive), each a `Frame`, or a `manifests.Rejection` if it is unreadable."""
    for order in range(start, min(stop, self.num_inputs)):
      key = self._dataset.key(order)
      try:
        image = self._dataset.load(order)
      except pictures.PictureError as error:
        yield _item(key, order, error)
      else:
        height, width, _ = image.shape
        yield _item(key, order, image, self._dataset.eyes(order, width, height), self._dataset.identity(order))


def open_source(kind, paths, fps=1.0, start_secs=0.0, end_secs=None, partition=None, limit=None):
  """Returns the source of a kind.

  Args:
    kind: 'video', 'photos' or 'celeba'.
    paths: str or `pathlib.Path`, or a sequence of them: videos, folders, or CelebA's folder or zip.
    fps: float > 0, pictures per second of a video; as the next two, of no use to the other kinds.
    start_secs: float >= 0, where to start in each video.
    end_secs: float > `start_secs`, or None.
    partition: one of `celeba.PARTITIONS`, or None for all; of no use to the other kinds.
    limit: int >= 1, only the first so many inputs; None for all.

  Raises:
    errors.InputError: as the kind's own class says, or several paths for a kind that takes one.
  """
  if kind == 'video':
    for path in _as_paths(paths):
      if pathlib.Path(path).suffix.lower() in _STILL_ENDINGS:
        raise errors.InputError(f'`{path}` must be a video, but is a picture. Use --photos with the folder it is in.')
    return VideoSource(paths, fps, start_secs, end_secs, limit)
  if kind == 'photos':
    return PhotoSource(paths, limit)
  paths = _as_paths(paths)
  if len(paths) > 1:
    raise errors.InputError(f'--{kind} takes one folder or zip, but {len(paths)} are given '
                            f'({", ".join(map(str, paths))}). Put the pictures, or links to them, into one folder.')
  return CelebaSource(paths[0], partition, limit)


def default_name(kind, paths):
  """Returns the name of a set made from `paths`: the first one's, of letters, digits, dots, _ and - only."""
  return names.default(kind, _as_paths(paths)[0])


def _as_paths(paths):
  """Returns one path or a sequence of them as a list; raises `errors.InputError` if there is none."""
  paths = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
  if not paths:
    raise errors.InputError('There are 0 inputs, but at least one is needed. Name a video or a folder of pictures.')
  return paths


def _limited(num_inputs, limit):
  if limit is None:
    return num_inputs
  if limit < 1:
    raise errors.InputError(f'`limit` ({limit}) must be 1 or more inputs. Leave it out to use all.')
  return min(num_inputs, limit)


def _item(key, order, picture, eyes=None, identity=None):
  """Returns the `Frame` of a picture without a time, or the `manifests.Rejection` of the error in its place."""
  if isinstance(picture, pictures.PictureError):
    return manifests.Rejection(key, manifests.Reason(picture.kind, picture.value))
  return Frame(key, order, None, picture, eyes=eyes, identity=identity)


def _digest(*what):
  """Returns a SHA-256 in hexadecimal of values whose `repr` tells all; names may hold bytes that are no text."""
  return hashlib.sha256(repr(what).encode('utf-8', 'surrogatepass')).hexdigest()


def _check_times(fps, start_secs, end_secs):
  if not 0 < fps <= _MAX_FPS:
    raise errors.InputError(f'`fps` ({fps:g}) must be above 0 and at most {_MAX_FPS}: pictures per second of video. '
                            'Use 1, or 3 for a short one.')
  if not 0 <= start_secs < math.inf:
    raise errors.InputError(f'`start_secs` ({start_secs}) must be 0 or more seconds. Use 0 for the start.')
  if end_secs is not None and not end_secs > start_secs:
    raise errors.InputError(f'`end_secs` ({end_secs}) must be above `start_secs` ({start_secs}). Raise it, or leave it '
                            'out for the end of the video.')


def _end_secs(path, video, start_secs, end_secs):
  if start_secs >= video.duration_secs:
    raise errors.InputError(f'`start_secs` ({start_secs:g}) must be before the end of `{path}`, which is '
                            f'{video.duration_secs:.2f} s long. Lower it.')
  return video.duration_secs if end_secs is None else min(end_secs, video.duration_secs)


def _notes(labels, its_videos):
  """Returns what videos tell of themselves, as sentences that name them; of many with the same note only the first."""
  told = collections.defaultdict(list)
  for name, video in zip(labels, its_videos):
    for note in video.notes:
      told[note].append(f'`{name}`')
  return tuple(f'{its[0]} {note}' if len(its) == 1 else
               f'{its[0]} (and {wording.counted(len(its) - 1, "other video")}) {note}' for note, its in told.items())
