"""Files that appear under their final name only when they are whole."""

import contextlib
import os
import pathlib

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
  """
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(_TEMPORARY.format(name=path.name, pid=os.getpid(), suffix=path.suffix))
  try:
    yield temporary
    os.replace(temporary, path)
  finally:
    temporary.unlink(missing_ok=True)


def write_text(path, text):
  """Writes `text` to `path` as UTF-8; the file is replaced as a whole or not at all."""
  with whole_file(path) as temporary:
    temporary.write_text(text, encoding='utf-8')
