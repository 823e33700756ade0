"""Files that appear under their final name only when they are whole."""

import contextlib
import errno
import fcntl
import functools
import json
import os
import pathlib
import re
import time

from absl import logging

from dcgan.common import errors
from dcgan.common import names

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_MOST_SUFFIX_BYTES = 32
_LEFTOVER = re.compile(r'\..*\.\d+\.tmp(\..*)?', re.DOTALL)
_SEEN_WITHIN_SECS, _POLL_SECS = 2.0, 0.05


@contextlib.contextmanager
def whole_file(path):
  """Yields a temporary path beside `path`; renames it to `path` on success, removes it on any failure.

  The temporary path keeps the ending of `path`, so that libraries which choose a format by the ending work on it.

  Args:
    path: str or `pathlib.Path` of the final file; its folder is made when missing.

  Yields:
    `pathlib.Path` to write to.

  Raises:
    errors.InputError: the file cannot be written: no such place, no permission, a full disk.
  """
  path = pathlib.Path(path)
  temporary = _temporary(path)
  try:
    with _told(path, temporary):
      path.parent.mkdir(parents=True, exist_ok=True)
      yield temporary
      replace(temporary, path)
  finally:
    with contextlib.suppress(OSError):
      temporary.unlink()


def _temporary(path):
  """Returns the hidden name beside a path that this process writes to; no longer than file systems hold."""
  suffix = path.suffix if names.num_bytes(path.suffix) <= _MOST_SUFFIX_BYTES else ''
  end = f'.{os.getpid()}.tmp{suffix}'
  return path.with_name(f'.{names.shortened(path.name, names.MOST_BYTES - 1 - names.num_bytes(end))}{end}')


@contextlib.contextmanager
def _told(path, written):
  """Turns what keeps `written`, `path` or its temporary one, from being written into a line that names `path`."""
  try:
    yield
  except OSError as error:
    if error.errno not in _NO_ROOM and error.filename not in (str(written), str(path.parent)):
      raise
    reason = f'{path.parent} is a file' if path.parent.is_file() else error.strerror
    raise errors.InputError(f'{path}: cannot be written ({reason}). Make room there, or choose another place.'
                            ) from error


def remove_leftovers(folder):
  """Removes what processes that were killed left half-written in a folder, which no other process writes to."""
  for path in pathlib.Path(folder).iterdir():
    if _LEFTOVER.fullmatch(path.name):
      path.unlink(missing_ok=True)


def append_text(path, text):
  """Writes `text` at the end of `path` as UTF-8.

  Raises:
    errors.InputError: the file cannot be written.
  """
  path = pathlib.Path(path)
  with _told(path, path), open(path, 'a', encoding='utf-8') as file:
    file.write(text)


def replace(source, path):
  """Renames `source` to `path`, as `os.replace`, and waits until other calls see it there.

  On shared file systems a file may be seen a moment later than it was written or renamed, by this or another machine.
  """
  wait_until_seen(source)
  os.replace(source, path)
  wait_until_seen(path)


def wait_until_seen(path):
  """Returns whether a file is there, bool, as soon as it is seen; two seconds later where it is not."""
  deadline = time.monotonic() + _SEEN_WITHIN_SECS
  while not os.path.exists(path):
    if time.monotonic() > deadline:
      return False
    time.sleep(_POLL_SECS)
  return True


def lock(descriptor, folder):
  """Locks an open file against other processes, until it is closed.

  Args:
    descriptor: int, of the file.
    folder: path, for whose sake it is locked.

  Returns:
    bool, False where another process holds it. Where the file system has no locks it is True, which is told once.
  """
  try:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  except OSError as error:  # ENOLCK, EOPNOTSUPP, ENOSYS or EBADF of some shared file systems
    _tell_without_locks(error.strerror, os.fspath(folder))
  return True


@functools.cache
def _tell_without_locks(reason, folder):
  logging.warning('%s: this file system has no locks (%s). See that no other process works there.', folder, reason)


def write_text(path, text):
  """Writes `text` to `path` as UTF-8; the file is replaced as a whole or not at all."""
  with whole_file(path) as temporary:
    temporary.write_text(text, encoding='utf-8')


def load_json_lines(path):
  """Returns what a run's .jsonl file holds, list of dict, each with an int 'global_step'; empty where there is none.

  A line that a kill cut short, or that is not whole yet, is left out.
  """
  path, lines = pathlib.Path(path), []
  for text in path.read_text(encoding='utf-8', errors='replace').splitlines() if path.is_file() else ():
    try:
      line = json.loads(text)
    except ValueError:
      continue
    if isinstance(line, dict) and isinstance(line.get('global_step'), int):
      lines.append(line)
  return lines


def write_json_lines(path, lines):
  """Writes dicts to `path`, one a line; the file is replaced as a whole or not at all."""
  write_text(path, ''.join(json.dumps(line) + '\n' for line in lines))
