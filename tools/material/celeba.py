"""CelebA: its pictures in a folder or a zip, and what its lists say about eyes, identities and partitions.

The lists are looked for around the pictures, as text of CelebA's own site or as CSV of Kaggle's copy: in the archive,
in the folder, the two above it, and their Anno and Eval. Liu et al. 2015, arXiv:1411.7766.
"""

import functools
import hashlib
import io
import math
import os
import pathlib
import re
import zipfile

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import wording
from dcgan.data import records
from tools.material import folders
from tools.material import pictures

PARTITIONS = ('train', 'validation', 'test')  # in the order of their numbers in the list

_NAME = re.compile(r'\d{6}\.(jpg|png)')
_NUM_SIZES_SEEN = 16
_MAX_MEMBER_BYTES = 64 << 20  # the largest picture in the wild has under 10 MB
_MAX_LIST_BYTES = 256 << 20  # the largest list that is read here has 11 MB
_NUM_LANDMARK_VALUES = 10
_SHOWN_CHARS = 60  # of a bad line


class Dataset:
  """CelebA's pictures, or another set in its form, sorted by name.

  Small to pickle: the lists are arrays of the pictures' own rows.

  Args:
    path: str or `pathlib.Path`, the folder or the zip that holds 000001.jpg and so on.
    partition: one of `PARTITIONS`, or None for all.

  Attributes:
    num_pictures: int.
    fingerprint: str, a digest of the names, sizes and modification times of pictures and lists.

  Raises:
    errors.InputError: no such folder or archive, none of CelebA's names in it, a name twice or one that leads out of
      the archive, a partition without its list or without pictures, a malformed list.
  """

  def __init__(self, path, partition=None):
    if partition is not None and partition not in PARTITIONS:
      raise errors.InputError(f'`partition` ({partition!r}) must be one of {", ".join(PARTITIONS)}. Leave it out for '
                              'all pictures.')
    self._path = pathlib.Path(path)
    self._is_zip = os.path.isfile(path)
    names, digest = (_zip_names if self._is_zip else _folder_names)(self._path)
    if not names:
      raise errors.InputError(f'`{path}` holds 0 files named like 000001.jpg, but CelebA\'s pictures are named so. '
                              'Name the folder that holds them directly, or use --photos for other pictures.')
    lists = _Lists(self._path, self._is_zip)
    self._names = names if partition is None else _in_partition(names, partition, lists, path)
    numbers = np.array([_number(name) for name in self._names])
    self._eyes, self._size_px = self._load_eyes(numbers, lists)
    self._identities = lists.table('identity_CelebA', 1, numbers)
    self.num_pictures = len(self._names)
    self.fingerprint = hashlib.sha256(f'{digest} {partition} {lists.used}'.encode('utf-8', 'replace')).hexdigest()

  def key(self, index):
    """Returns the file name of a picture, which is unique."""
    return self._names[index].replace('\\', '/').split('/')[-1]

  def load(self, index):
    """Returns a picture as `pictures.load_picture` does; raises its `pictures.PictureError`."""
    name = self._names[index]
    if self._is_zip:
      return pictures.load_picture(io.BytesIO(_read_member(self._path, name)))
    return pictures.load_picture(self._path / name)

  def eyes(self, index, width, height):
    """Returns the eyes of a picture of that size in px as float64 [2, 2], image left first; None if not listed."""
    if self._eyes is None or not np.isfinite(self._eyes[index]).all():
      return None
    # Whole numbers, taken as pixels counted from 0 (CelebA does not say): half more is the pixel's centre, as
    # `alignment` measures.
    eyes = self._eyes[index].astype(np.float64).reshape(2, 2) + 0.5
    if self._size_px is not None:
      eyes *= np.array([width, height]) / self._size_px
    # CelebA's `lefteye` is the image's left one, but a face may stand on its head.
    eyes = eyes[np.argsort(eyes[:, 0], kind='stable')]
    is_inside = (eyes >= 0).all() and (eyes <= [width, height]).all()
    return eyes if is_inside and math.dist(*eyes) >= 1 else None

  def identity(self, index):
    """Returns the number of the person on a picture, an int, or None where it is not listed."""
    if self._identities is None or not np.isfinite(self._identities[index, 0]):
      return None
    return int(self._identities[index, 0])

  def _load_eyes(self, numbers, lists):
    """Returns the listed eyes (float32 [num_pictures, 4] or None) and the size they are for ([2]; None: as it is)."""
    if not (lists.has('list_landmarks_align_celeba') or lists.has('list_landmarks_celeba')):
      return None, None
    sizes = self._sizes()
    if len(sizes) > 1:
      return lists.table('list_landmarks_celeba', _NUM_LANDMARK_VALUES, numbers), None
    aligned_width, aligned_height = records.FACE_WIDTH_PX, records.FACE_HEIGHT_PX
    if all(abs(width - height * aligned_width / aligned_height) <= 1 for width, height in sizes):
      table = lists.table('list_landmarks_align_celeba', _NUM_LANDMARK_VALUES, numbers)
      return table, np.array([aligned_width, aligned_height])
    logging.info('CelebA: the lists of landmarks are not for pictures of %d×%d px, so they are left aside.',
                 *next(iter(sizes)))
    return None, None

  def _sizes(self):
    """Returns the set of (width, height) of the first pictures: one where they are aligned, several in the wild."""
    sizes = set()
    for index in range(min(_NUM_SIZES_SEEN, len(self._names))):
      try:
        height, width, _ = self.load(index).shape
      except pictures.PictureError:
        continue
      sizes.add((width, height))
    return sizes


class _Lists:
  """CelebA's lists around a folder or archive.

  Attributes:
    used: list of str, what was read, with size and modification time.
  """

  def __init__(self, path, is_zip):
    self._path = path
    self._members = _list_members(path) if is_zip else {}
    base = pathlib.Path(os.path.abspath(path))
    # As on CelebA's site: Img/img_align_celeba beside Anno and Eval, or Img/img_align_celeba.zip.
    near = base.parents[:2] if is_zip else (base, *base.parents[:2])
    self.places = [place / below for place in near for below in ('', 'Anno', 'Eval')]
    self.used = []

  def has(self, name):
    """Whether there is a list of that name, without ending."""
    return self._find(name) is not None

  def table(self, name, num_values, numbers):
    """Returns the rows of some pictures in a list.

    Args:
      name: str, the list's, without ending.
      num_values: int, how many whole numbers stand behind each picture's name; the first four are kept.
      numbers: int [num_pictures], as in 000001.jpg.

    Returns:
      float32 [num_pictures, min(num_values, 4)], NaN where a picture is not listed; None without such a list.
    """
    place = self._find(name)
    if place is None:
      return None
    logging.info('CelebA: using %s', place)
    content, stamp = self._read(place)
    self.used.append(f'{os.path.basename(place)} {stamp}')
    listed, values = _parse(content, place, num_values)
    rows = np.full([10**6, values.shape[1]], np.nan, np.float32)
    rows[listed] = values
    return rows[numbers]

  def _find(self, name):
    for ending in ('.txt', '.csv'):
      if name + ending in self._members:
        return f'{self._path}/{self._members[name + ending]}'
      for place in self.places:
        if os.path.isfile(place / (name + ending)):
          return str(place / (name + ending))
    return None

  def _read(self, place):
    """Returns a list's bytes, and its size and modification time as text."""
    member = self._members.get(os.path.basename(place))
    try:
      if member is not None and place == f'{self._path}/{member}':
        return _read_member(self._path, member, _MAX_LIST_BYTES), 'in the archive'
      status = os.stat(place)
      return pathlib.Path(place).read_bytes(), f'{status.st_size} {status.st_mtime_ns}'
    except (OSError, errors.InputError) as error:
      raise errors.InputError(f'{place}: cannot be read ({getattr(error, "strerror", None) or error}). Download it '
                              'again, or remove it to do without.') from error


def _parse(content, place, num_values):
  """Returns the pictures' numbers, int [N], and up to four values of each, int [N, V], of a list's bytes."""
  row = re.compile(rb'(\d{6})\.(?:jpg|png)((?:[\s,]+-?\d{1,7}){%d})\s*' % num_values)
  numbers, values = [], []
  wanted = (f"a picture's name and {wording.counted(num_values, 'whole number')}. Download the list again, or remove it "
            'to do without.')
  for index, line in enumerate(content.splitlines()):
    match = row.fullmatch(line)
    if match:
      numbers.append(int(match[1]))
      values.append([int(word) for word in match[2].replace(b',', b' ').split()[:4]])
    elif line.strip() and (index > 1 or numbers or _NAME.match(line.decode('latin-1'))):  # else a header or a count
      shown = line[:_SHOWN_CHARS].decode('utf-8', 'replace')
      raise errors.InputError(f'{place}: line {index + 1}: {shown!r} must be {wanted}')
  if not numbers:
    raise errors.InputError(f'{place}: no line of it is {wanted}')
  return np.array(numbers, np.int64), np.array(values, np.int64).reshape(len(values), min(4, num_values))


def _in_partition(names, partition, lists, path):
  table = lists.table('list_eval_partition', 1, [_number(name) for name in names])
  if table is None:
    places = ', '.join(dict.fromkeys(map(str, lists.places)))
    raise errors.InputError(f'`partition` ({partition}) needs list_eval_partition.txt or .csv, but it is in none of '
                            f'{places}. Put it there, or leave --partition out.')
  kept = [names[i] for i in np.flatnonzero(table[:, 0] == PARTITIONS.index(partition))]
  if not kept:
    raise errors.InputError(f'`partition` ({partition}) holds 0 of the {len(names)} pictures of `{path}`. Choose '
                            'another one, or leave --partition out.')
  return kept


def _number(name):
  return int(name[-10:-4])


def _folder_names(folder):
  """Returns the sorted names of CelebA's pictures in a folder, and a digest of them with sizes and times."""
  stamps = {}
  try:
    with os.scandir(folder) as listing:
      for entry in listing:
        if _NAME.fullmatch(entry.name):
          stamps[entry.name] = folders.stamp(entry)
  except OSError as error:
    raise errors.InputError(f'`{folder}` must be CelebA\'s folder or zip of pictures, but cannot be read '
                            f'({error.strerror}). Check the path.') from error
  names = sorted(stamps)
  digest = hashlib.sha256()
  for name in names:
    digest.update(f'{name} {stamps[name]}\n'.encode())
  return names, digest.hexdigest()


def _zip_names(path):
  """Returns the members of a zip that are CelebA's pictures, sorted by picture, and a digest of the archive's size."""
  members = {}
  for member in _open_zip(path).namelist():
    parts = member.replace('\\', '/').split('/')
    if '..' in parts or member.startswith(('/', '\\')) or re.match('[A-Za-z]:', member):
      raise errors.InputError(f'`{path}` holds the member {member!r}, which leads out of the archive, so it is not '
                              'CelebA\'s. Download it again from its own site.')
    if _NAME.fullmatch(parts[-1]):
      first = members.setdefault(parts[-1], member)
      if first != member:
        raise errors.InputError(f'`{path}` holds {parts[-1]} twice ({first}, {member}), but one of each name is '
                                'needed. Unpack it, and name one of the folders.')
  status = os.stat(path)
  return [members[name] for name in sorted(members)], f'{path.name} {status.st_size} {status.st_mtime_ns}'


def _list_members(path):
  """Returns the text and CSV files in a zip: dict from file name to member."""
  return {member.split('/')[-1]: member for member in _open_zip(path).namelist() if member.endswith(('.txt', '.csv'))}


def _open_zip(path):
  try:
    return _archive(os.path.abspath(path), os.stat(path).st_mtime_ns, os.getpid())
  except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
    raise errors.InputError(f'`{path}` must be CelebA\'s folder or zip of pictures, but cannot be read as one '
                            f'({getattr(error, "strerror", None) or error}). Download it again, or unpack it and name '
                            'the folder.') from error


@functools.lru_cache(maxsize=1)
def _archive(path, mtime_ns, pid):  # pylint: disable=unused-argument
  """Returns an open zip: of one version of the file, and for one process, as forked ones would share its position."""
  return zipfile.ZipFile(path)  # pylint: disable=consider-using-with  # its directory of 200,000 takes 2 s to read


def _read_member(path, member, max_bytes=_MAX_MEMBER_BYTES):
  """Returns the bytes of a zip's member; raises `pictures.PictureError` with the reason."""
  try:
    archive = _open_zip(path)
  except errors.InputError as error:
    raise pictures.PictureError(str(error), pictures.MISSING) from error
  try:
    info = archive.getinfo(member)
    if info.file_size > max_bytes:
      raise pictures.PictureError(f'it claims {info.file_size:,} bytes in the archive, but may have at most '
                                  f'{max_bytes:,}')
    return archive.read(info)
  except (MemoryError, pictures.PictureError):
    raise
  except Exception as error:  # pylint: disable=broad-exception-caught  # bad bytes reach zipfile, zlib, bz2 and lzma
    raise pictures.PictureError(f'damaged in the archive ({error})') from error
