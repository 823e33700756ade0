"""Expressions that were found in Z for photos, kept with a run under the photos' names."""

import json
import pathlib
import re

import numpy as np

from dcgan.common import files
from dcgan.common import names

_FOLDER = 'found'
_NOT_IN_NAMES = re.compile(r'[^\w.-]+')


def name_of(photo):
  """Returns what a photo's expression is called: its file name without its ending; never one that reads as a number."""
  stem = names.shortened(_NOT_IN_NAMES.sub('_', pathlib.PurePath(photo).stem), names.SET_BYTES) or 'photo'
  return f'photo_{stem}' if re.fullmatch(r'\d+(\.\d+)?s?', stem) else stem


def path_of(run, name):
  """Returns where the picture of a found expression stands, RUN/found/NAME.png; its numbers stand beside it."""
  return pathlib.Path(run) / _FOLDER / f'{name}.png'


def save(run, name, z, values):
  """Keeps a found expression.

  Args:
    run: path of the run's folder.
    name: str.
    z: float32 [z_dims].
    values: dict of JSON values, what is known of it.
  """
  path = path_of(run, name).with_suffix('.json')
  path.parent.mkdir(exist_ok=True)
  files.write_text(path, json.dumps(dict(values, z=[float(value) for value in z])) + '\n')


def load_all(run):
  """Returns the expressions that were found for a run, dict from names to float32 [z_dims]."""
  return {path.stem: np.array(json.loads(path.read_text(encoding='utf-8'))['z'], np.float32)
          for path in sorted((pathlib.Path(run) / _FOLDER).glob('*.json'))}
