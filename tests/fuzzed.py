"""Damages files and flags at random: of what reads them nothing but a result or a line may come.

  python -m tests.fuzzed --cases=20000
  python -m tests.fuzzed --cases=500 --kinds=manifest,options --seed=7

Plain seeded mutations of bytes, and of the numbers and words of JSON. Anything that is raised but `errors.InputError`,
a message of several lines, more than ten seconds of the processor, and more than two GiB are finds. A find prints its
kind, its number and what was raised, and its file is kept in --keep; `--kinds=KIND --first=NUMBER --cases=1` makes it
again. A process that dies says the case that it was at. Exit code 1 where there are finds.
"""

import argparse
import contextlib
import faulthandler
import logging as standard_logging
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import traceback

import numpy as np

from dcgan.common import errors
from tests import damaged

_MOST_SECS, _DEAD_SECS, _MOST_BYTES = 10, 600, 2 << 30


class Hung(Exception):
  """A reader took more than ten seconds of the processor."""


def find(name, kind, number, seed=0):
  """Damages a kind's file by the `number` of the case, and reads it; the file is put back.

  Returns:
    str, what is wrong with what came of it, or None.
  """
  kind.path.write_bytes(kind.change(kind.content, np.random.default_rng([seed, number, *name.encode()])))
  try:
    with _limits():
      kind.read()
  except errors.InputError as error:
    told = str(error)
    return None if '\n' not in told and told else f'a message of {told.count(chr(10)) + 1} lines: {told[:300]!r}'
  except Hung:
    return f'it took more than {_MOST_SECS} s of the processor'
  except Exception as error:  # pylint: disable=broad-exception-caught  # that is what is looked for
    return ''.join(traceback.format_exception(error)[-4:])
  finally:
    kind.path.write_bytes(kind.content)
  return None


@contextlib.contextmanager
def _limits():
  """Raises `Hung` after ten seconds of the processor and `MemoryError` over two GiB more.

  Ends the process where neither helps.
  """
  def stop(*_):
    raise Hung

  before, limits = signal.signal(signal.SIGPROF, stop), resource.getrlimit(resource.RLIMIT_AS)
  with open('/proc/self/statm', encoding='utf-8') as statm:
    num_bytes = int(statm.read().split()[0]) * resource.getpagesize()
  resource.setrlimit(resource.RLIMIT_AS, (num_bytes + _MOST_BYTES, limits[1]))
  faulthandler.dump_traceback_later(_DEAD_SECS, exit=True, file=sys.__stderr__)
  signal.setitimer(signal.ITIMER_PROF, _MOST_SECS)  # whatever else runs on the machine
  try:
    yield
  finally:
    signal.setitimer(signal.ITIMER_PROF, 0)
    faulthandler.cancel_dump_traceback_later()
    resource.setrlimit(resource.RLIMIT_AS, limits)
    signal.signal(signal.SIGPROF, before)


def main():
  """Looks for finds as the arguments say; returns the exit code."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--cases', type=int, default=20_000, help='In all.')
  parser.add_argument('--kinds', default='', help='Names with commas; by default all.')
  parser.add_argument('--first', type=int, default=0, help='Number of the first case of each kind.')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--keep', default='', help='Folder for the files of finds.')
  given = parser.parse_args()
  from dcgan.common import entry  # pylint: disable=import-outside-toplevel
  entry.prepare_libraries()
  from absl import logging  # pylint: disable=import-outside-toplevel
  logging.set_verbosity(logging.FATAL)
  standard_logging.getLogger('tensorflow').setLevel(standard_logging.ERROR)
  num_finds, told = 0, {}
  with tempfile.TemporaryDirectory(prefix='fuzzed-') as folder:
    kinds = damaged.make_kinds(pathlib.Path(folder), given.kinds.split(',') if given.kinds else None)
    for case in range(given.cases):
      name = list(kinds)[case % len(kinds)]
      kind, number = kinds[name], given.first + case // len(kinds)
      (pathlib.Path(folder) / 'case').write_text(f'{name} {number}', encoding='utf-8')
      found = find(name, kind, number, given.seed)
      if not found:
        continue
      num_finds += 1
      last = found.strip().splitlines()[-1][:200]
      told[name, last[:40]] = told.get((name, last[:40]), 0) + 1
      if told[name, last[:40]] > 1:  # again what was told already
        continue
      print(f'FIND {name} {number}: {found}', flush=True)
      if given.keep:
        os.makedirs(given.keep, exist_ok=True)
        kind.path.write_bytes(kind.change(kind.content, np.random.default_rng([given.seed, number, *name.encode()])))
        shutil.copy(kind.path, pathlib.Path(given.keep) / f'{name}-{number}{kind.path.suffix}')
        kind.path.write_bytes(kind.content)
  print(f'{given.cases} cases of {", ".join(kinds)}: {num_finds} finds.')
  return 1 if num_finds else 0


if __name__ == '__main__':
  sys.exit(main())
