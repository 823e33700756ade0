"""Files that appear under their final name only when they are whole."""

import contextlib
import errno
import json
import os
import pathlib

from dcgan.common import errors

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# Where a hidden, process-owned temporary file stands beside its final name.
_TEMPORARY = '.{name}.{pid}.tmp{suffix}'


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
  temporary = path.with_name(_TEMPORARY.format(name=path.name, pid=os.getpid(), suffix=path.suffix))
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    yield temporary
    os.replace(temporary, path)
  except OSError as error:
    if error.errno not in _NO_ROOM and error.filename not in (str(temporary), str(path.parent)):
      raise
    reason = f'{path.parent} is a file' if path.parent.is_file() else error.strerror
    raise errors.InputError(f'{path}: cannot be written ({reason}). Make room there, or choose another place.'
                            ) from error
  finally:
    with contextlib.suppress(OSError):
      temporary.unlink()


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
