"""A run is a folder `checkpoints/00007-NAME[-note]/`: its options, flags, log, statistics, pictures and checkpoints."""

import contextlib
import json
import os
import pathlib
import re

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import names
from dcgan.common import wording
from dcgan.options import config
from dcgan.options import versions

_OPTIONS = 'options.json'
_GOING_BACK = 'going_back.json'  # there from a rollback to the next checkpoint
_NAME = re.compile(r'(\d{5})-(.+)')


def name_of(records, image_size, donor=None, note=None):
  """Returns what a run is called behind its number, as in 'adele64-from-ufm64-avatar', shortened to what disks hold.

  Args:
    records: str, the set's prefix.
    image_size: int.
    donor: str, the name of the model that it starts from, or None.
    note: str or None.
  """
  name = f'{names.shortened(pathlib.Path(records).name, names.SET_BYTES)}{image_size}'
  name += f'-from-{names.shortened(donor, names.DONOR_BYTES)}' if donor else ''
  return f'{name}-{note}' if note else name


def make_run(checkpoints_dir, name):
  """Makes a folder for a new run under the next free number.

  Args:
    checkpoints_dir: str, the folder of all runs; made when missing.
    name: str, what follows the number, as in 'adele64-from-ufm'.

  Returns:
    `pathlib.Path` of the new folder.

  Raises:
    errors.InputError: it cannot be made there.
  """
  try:
    return _make_run(pathlib.Path(checkpoints_dir), name)
  except OSError as error:
    raise errors.InputError(f'`checkpoints_dir` ({checkpoints_dir}) must be a folder that can be written to, but '
                            f'{error.filename} cannot be made ({error.strerror}). Choose another one.') from error


def _make_run(folder, name):
  folder.mkdir(parents=True, exist_ok=True)
  while True:
    numbers = [int(match[1]) for match in map(_NAME.fullmatch, (path.name for path in folder.iterdir())) if match]
    path = folder / f'{max(numbers, default=-1) + 1:05d}-{name}'
    try:
      path.mkdir()
      return path
    except FileExistsError:  # another run took the number in this moment
      continue


def short_name(run):
  """Returns the name of a run without its number: 'lfw64' for 'checkpoints/00002-lfw64'."""
  match = _NAME.fullmatch(pathlib.Path(run).name)
  return match[2] if match else pathlib.Path(run).name


@contextlib.contextmanager
def locked(run):
  """Keeps other processes from training in a run's folder for the time of the block.

  Raises:
    errors.InputError: one does already.
  """
  folder = os.open(run, os.O_RDONLY)
  try:
    if not files.lock(folder, run):
      raise errors.InputError(f'{run}: another process trains in it. Wait for its end, or stop it first; to train from '
                              f'it in another folder, use {wording.flag("init_from", run)}.')
    yield
  finally:
    os.close(folder)


def save_going_back(run, step):
  """Notes in a run's folder that it goes back to the checkpoint of minibatch `step`, int; None that it has."""
  path = pathlib.Path(run) / _GOING_BACK
  if step is None:
    path.unlink(missing_ok=True)
  else:
    files.write_text(path, json.dumps({'to_step': step}) + '\n')


def load_going_back(run):
  """Returns the minibatch (int) that a run goes back to, of which no later checkpoint counts; or None."""
  path = pathlib.Path(run) / _GOING_BACK
  return json.loads(path.read_text(encoding='utf-8'))['to_step'] if path.is_file() else None


def save_options(run, options):
  """Writes the `config.Config` of a run into its folder."""
  files.write_text(pathlib.Path(run) / _OPTIONS, options.to_json())


def lost_options(run):
  """Returns what a run of an earlier version was trained with that this one cannot do: list of (name, value)."""
  load_options(run)  # of a run that is none, or is damaged, it tells
  return versions.lost(json.loads((pathlib.Path(run) / _OPTIONS).read_text(encoding='utf-8')))


def load_options(run):
  """Returns the `config.Config` of a run.

  Raises:
    errors.InputError: there is no such run, or its options are damaged.
  """
  path = pathlib.Path(run) / _OPTIONS
  if not path.parent.is_dir():
    others = sorted(other.parent.name for other in path.parent.parent.glob(f'*/{_OPTIONS}'))
    raise errors.InputError(f'{run}: not a run: there is no such folder. Runs in {path.parent.parent}: '
                            f'{", ".join(others) or "none"}.')
  if not path.is_file():
    raise errors.InputError(f'{run}: not a run: it has no {_OPTIONS}. Name the folder that `python -m dcgan.train` '
                            'printed, as in checkpoints/00000-NAME.')
  try:
    return config.from_json(path.read_text(encoding='utf-8'))
  except (errors.InputError, UnicodeDecodeError) as error:
    raise errors.InputError(f'{path}: {error}') from error
