"""The picture files below a folder."""

import array
import os
import pathlib

from dcgan.common import errors
from tools.material import names
from tools.material import other_files
from tools.material import pictures


def stamp(path):
  """Returns size and modification time of a file (a path or `os.DirEntry`), or (-1, -1) of one that is not there."""
  try:
    status = os.stat(path)
  except OSError:  # a broken link, or gone already
    return -1, -1
  return status.st_size, status.st_mtime_ns


class PictureFiles:
  """The picture files below one or several folders; no folder is entered twice: links may loop.

  Args:
    paths: list of str or `pathlib.Path`.

  Attributes:
    roots: dict from what keys begin with, '' for a single folder, to that folder's `pathlib.Path`; see `locate`.
    keys: list of str, the paths below the folder, with slashes, sorted; of several folders, one after the other, with
      each one's name before them. A folder that cannot be listed ends in a slash.
    unreadable: dict from the latter's keys to the reasons.
    others: list of str, the keys of files beside them that are no pictures to read, but raw photos, videos and such.

  Raises:
    errors.InputError: no such folder, it cannot be listed, or it is named twice.
  """

  def __init__(self, paths):
    for path in paths:
      _check(path)
    prefixes = [f'{name}/' for name in names.of_folders(paths)] if len(paths) > 1 else ['']
    self.roots = {prefix: pathlib.Path(path) for prefix, path in zip(prefixes, paths)}
    self._found = []
    self._sizes = array.array('q')  # two numbers a file as objects would take more memory than its name
    self._times_ns = array.array('q')
    self.unreadable = {}
    self.others = []
    self._by_key = []
    seen = set()
    for prefix, root in self.roots.items():
      first = len(self._found)
      self._walk(prefix, root, seen)
      self._by_key += sorted(range(first, len(self._found)), key=self._found.__getitem__)
    self.keys = [self._found[i] for i in self._by_key]
    if list(self.unreadable) == ['/']:
      raise errors.InputError(f'`{paths[0]}` must be a folder of pictures, but cannot be read '
                              f'({self.unreadable["/"]}). Change its permissions, or name another folder.')
    if len(self.unreadable) == len(self.keys):
      self.keys = []

  def stamps(self, num_files):
    """Returns (key, size, modification time) of the first files."""
    return [(self._found[i], self._sizes[i], self._times_ns[i]) for i in self._by_key[:num_files]]

  def _walk(self, prefix, root, seen):
    waiting = ['']
    while waiting:
      below = waiting.pop()
      try:
        status = os.stat(root / below)
        if (status.st_dev, status.st_ino) in seen:
          continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(root / below) as listing:
          # Sorted, so that of two ways to one folder the same one is taken whatever the order on the disk.
          waiting += sorted((f'{below}{name}/' for name in self._add_files(prefix + below, listing)), reverse=True)
      except OSError as error:
        key = prefix + below or '/'
        self.unreadable[key] = error.strerror
        self._add(key, -1, -1)

  def _add_files(self, below, listing):
    """Notes the pictures of one folder and returns the names of the folders in it."""
    folders = []
    for entry in listing:
      if entry.name.startswith('.'):
        continue
      if _is_folder(entry):
        folders.append(entry.name)
      elif entry.name.lower().endswith(pictures.ENDINGS):
        self._add(below + entry.name, *stamp(entry))
      elif other_files.kind_of(entry.name):
        self.others.append(below + entry.name)
    return folders

  def _add(self, key, size, time_ns):
    self._found.append(key)
    self._sizes.append(size)
    self._times_ns.append(time_ns)


def locate(roots, key):
  """Returns where the file of a key lies, a `pathlib.Path`, by the `roots` of its `PictureFiles`."""
  return next(root / key[len(prefix):] for prefix, root in roots.items() if key.startswith(prefix))


def _check(path):
  if os.path.isfile(path):
    raise errors.InputError(f'`{path}` must be a folder of pictures, but is a file. Name the folder that it lies '
                            'in, or use --video for a video.')
  if not os.path.isdir(path):
    raise errors.InputError(f'`{path}` must be a folder of pictures, but there is no such folder. Check the path.')


def _is_folder(entry):
  try:
    return entry.is_dir()
  except OSError:  # a link to itself, or into a folder that cannot be entered
    return False
