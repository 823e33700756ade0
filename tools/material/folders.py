"""The picture files below a folder."""

import array
import os
import pathlib

from dcgan.common import errors
from tools.material import pictures


def stamp(path):
  """Returns size and modification time of a file (a path or `os.DirEntry`), or (-1, -1) of one that is not there."""
  try:
    status = os.stat(path)
  except OSError:  # a broken link, or gone already
    return -1, -1
  return status.st_size, status.st_mtime_ns


class PictureFiles:
  """The picture files below a folder; no folder is entered twice: links may loop.

  Args:
    folder: str or `pathlib.Path`.

  Attributes:
    folder: `pathlib.Path`.
    keys: list of str, the paths below the folder, with slashes, sorted; a folder that cannot be listed ends in one.
    unreadable: dict from the latter's keys to the reasons.

  Raises:
    errors.InputError: no such folder, or it cannot be listed.
  """

  def __init__(self, folder):
    if os.path.isfile(folder):
      raise errors.InputError(f'`{folder}` must be a folder of pictures, but is a file. Name the folder that it lies '
                              'in, or use --video for a video.')
    if not os.path.isdir(folder):
      raise errors.InputError(f'`{folder}` must be a folder of pictures, but there is no such folder. Check the path.')
    self.folder = pathlib.Path(folder)
    self._found = []
    self._sizes = array.array('q')  # two numbers a file as objects would take more memory than its name
    self._times_ns = array.array('q')
    self.unreadable = {}
    self._walk()
    self._by_key = sorted(range(len(self._found)), key=self._found.__getitem__)
    self.keys = [self._found[i] for i in self._by_key]
    if list(self.unreadable) == ['/']:
      raise errors.InputError(f'`{folder}` must be a folder of pictures, but cannot be read ({self.unreadable["/"]}). '
                              'Change its permissions, or name another folder.')
    if len(self.unreadable) == len(self.keys):
      self.keys = []

  def stamps(self, num_files):
    """Returns (key, size, modification time) of the first files."""
    return [(self._found[i], self._sizes[i], self._times_ns[i]) for i in self._by_key[:num_files]]

  def _walk(self):
    seen = set()
    waiting = ['']
    while waiting:
      below = waiting.pop()
      try:
        status = os.stat(self.folder / below)
        if (status.st_dev, status.st_ino) in seen:
          continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(self.folder / below) as listing:
          # Sorted, so that of two ways to one folder the same one is taken whatever the order on the disk.
          waiting += sorted((f'{below}{name}/' for name in self._add_files(below, listing)), reverse=True)
      except OSError as error:
        self.unreadable[below or '/'] = error.strerror
        self._add(below or '/', -1, -1)

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
    return folders

  def _add(self, key, size, time_ns):
    self._found.append(key)
    self._sizes.append(size)
    self._times_ns.append(time_ns)


def _is_folder(entry):
  try:
    return entry.is_dir()
  except OSError:  # a link to itself, or into a folder that cannot be entered
    return False
