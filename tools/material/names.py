"""What inputs are called: keys that tell them apart, and the name of the set that is made of them."""

import collections
import os
import pathlib
import re

from dcgan.common import errors


def of_videos(paths):
  """Returns the videos' file names, with as many of their folders before them as tell those of one name apart.

  Raises:
    errors.InputError: one is given twice.
  """
  paths = _different(paths, 'video')
  return [_last(path, _num_parts([other for other in paths if other.name == path.name])) for path in paths]


def of_folders(paths):
  """Returns the folders' names, each with as many of those above it as tell all apart: none begins as another does.

  Raises:
    errors.InputError: one is given twice.
  """
  paths = _different(paths, 'folder')
  num_parts = _num_parts(paths)
  return [_last(path, num_parts) for path in paths]


def default(kind, path):
  """Returns the name of a set made from `path`: its file's or folder's, of letters, digits, dots, _ and - only."""
  path = pathlib.Path(os.path.abspath(path))
  has_ending = kind == 'video' or kind == 'celeba' and path.suffix.lower() == '.zip'
  return re.sub(r'[^\w.-]+', '_', path.stem if has_ending else path.name).strip('_.-') or kind


def _different(paths, what):
  paths = [pathlib.Path(os.path.abspath(path)) for path in paths]
  twice = [str(path) for path, count in collections.Counter(paths).items() if count > 1]
  if twice:
    raise errors.InputError(f'`{twice[0]}` is given twice, but each {what} counts once. Name it once.')
  return paths


def _num_parts(paths):
  """Returns how many parts at the end of paths, all different, tell them apart."""
  num_parts = 1
  while len({path.parts[-num_parts:] for path in paths}) < len(paths):
    num_parts += 1
  return num_parts


def _last(path, num_parts):
  return '/'.join(path.parts[-num_parts:])
