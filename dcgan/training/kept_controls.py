"""A person's controls in the folder of the run, so that the person can be posed where the set of pictures is not there.

`RUN/controls.npz` holds the person's range of each control, where they lie in Z, and how the model's pictures are read.
It belongs to the weights and places that it was fitted to: of a run that went on since, nothing is read.
"""

import dataclasses
import hashlib
import pathlib
import zipfile
import zlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import wording
from dcgan.control import arrangement
from dcgan.control import calibration
from dcgan.control import controller
from dcgan.control import names as control_names
from dcgan.control import reading
from dcgan.data import manifests
from dcgan.data import records
from dcgan.model import latents
from dcgan.training import runs
from dcgan.training import trained_networks

_FILE = 'controls.npz'
_VERSION = 1
_TOO_LARGE = 1e6  # for degrees, shares, and what they are by axes of Z
_OF_CALIBRATION = ('rest', 'low', 'high', 'noise')
_OF_CONTROLLER = ('mean', 'axes', 'variances', 'usual', 'slopes', 'noise', 'sureness')
_OF_READER = ('weights', 'offset')


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
  """What is known of a person's controls.

  Attributes:
    calibration: `calibration.Calibration`, the person's rest and range.
    controller: `controller.Controller`, where the controls that the person has lie in Z.
    reader: `reading.Reader` of the model's pictures, or None: they are then read as they are.
  """

  calibration: calibration.Calibration
  controller: controller.Controller
  reader: reading.Reader | None = None


def path_of(run):
  """Returns where a run's controls stand: `RUN/controls.npz`."""
  return pathlib.Path(run) / _FILE


def fit(space, keys, raw, person, read=None, is_arranged=False):
  """Returns the `Kept` of the pictures of a run.

  Args:
    space: `region.Region`, their places; or `latents.Normal`, and then `raw` is of as many points as `keys`, which are
      those points, float32 [num_pictures, z_dims].
    keys: the pictures' keys in their set, as many as rows in `raw`.
    raw: float [num_pictures, num_measured], raw measures.
    person: `calibration.Calibration` of them.
    read: `reading.Reader`, or None.
    is_arranged: bool, whether the places were arranged by the controls (`arrangement`), so that only those that took no
      part tell how sure they are.

  Raises:
    errors.InputError: too few of them have a place and controls.
  """
  values = person.values(raw)
  shown = np.flatnonzero(person.are_in_z(values))
  shown_names = tuple(person.names[i] for i in shown)
  if isinstance(space, latents.Normal):
    return Kept(person, controller.fit(keys, values[:, shown], shown_names, is_bounded=False), read)
  left_out = arrangement.are_left_out(space.keys, space.times_secs) if is_arranged else None
  return Kept(person, controller.fit(space.places, space.of_places(keys, values[:, shown]), shown_names,
                                     are_left_out=left_out), read)


def keep(run):
  """Fits the controls of a run to what its set's records tell, and keeps them with it.

  Args:
    run: path of the run's folder, whose set is there.

  Returns:
    `Kept`, or None of a run without places, or on a set that holds no controls.

  Raises:
    errors.InputError: too few pictures have controls, the set is damaged, or the file cannot be written.
  """
  options = runs.load_options(run)
  prefix = options.data.records
  manifest = manifests.load(prefix)
  person = calibration.Calibration.from_json(manifest.controls)
  if person is None or options.training.learner != 'places':
    return None
  trained = trained_networks.load(run)
  kept = fit(trained.space, *records.read_controls(prefix, manifest), person,
             is_arranged=options.places.controls_weight > 0)
  save(run, trained, kept)
  return kept


def save(run, trained, kept):
  """Writes `Kept` into a run's folder; the file is replaced as a whole or not at all.

  Args:
    run: path of the folder.
    trained: `trained_networks.Trained`, or what has its `generator` and `space`, that they were fitted to.
    kept: `Kept`.
  """
  float32 = lambda values: np.asarray(values, np.float32)
  arrays = {f'calibration/{name}': float32(getattr(kept.calibration, name)) for name in _OF_CALIBRATION}
  arrays |= {f'controller/{name}': float32(getattr(kept.controller, name)) for name in _OF_CONTROLLER}
  if kept.reader:
    arrays |= {f'reader/{name}': float32(getattr(kept.reader, name)) for name in _OF_READER}
  with files.whole_file(path_of(run)) as temporary:
    np.savez(temporary, version=np.int64(_VERSION), fitted_to=np.array(_digest(trained)),
             names=np.array(kept.calibration.names), shown=np.array(kept.controller.names), **arrays)


def load(run, trained):
  """Returns the `Kept` of a run, or None where there is none, or only one that was fitted to other weights or places.

  Args:
    run: path of the folder.
    trained: as for `save`.

  Raises:
    errors.InputError: the file is damaged, or of a later version.
  """
  path = path_of(run)
  if not path.is_file():
    return None
  try:
    with np.load(path, allow_pickle=False) as content:
      arrays = {name: content[name] for name in content.files}
    version = int(arrays['version'])
    if version != _VERSION:
      raise ValueError(f'version {version}, where {_VERSION} is read')
    if str(arrays['fitted_to']) != _digest(trained):
      logging.info('%s was fitted to another checkpoint of the run.', path)
      return None
    return _kept(arrays, trained.space)
  except (TypeError, ValueError, KeyError, OSError, EOFError, OverflowError, RuntimeError,
          zipfile.BadZipFile, zlib.error) as error:
    raise errors.InputError(f'{path}: not the controls of a run ({errors.reason(error)}). Fit them again with `python '
                            f'-m tools.fit_controls {wording.flag("run", run)}`.') from error


def _kept(arrays, space):
  """Returns the `Kept` of the arrays of a file; raises `ValueError` or `KeyError` where they do not fit together."""
  names, shown = (tuple(map(str, arrays[name].ravel())) for name in ('names', 'shown'))
  if not names or not shown or not set(shown) <= set(names) <= set(control_names.CONTROLS):
    raise ValueError('its names are no controls')
  num_axes, z_dims = arrays['controller/axes'].shape
  shapes = dict(mean=(z_dims,), axes=(num_axes, z_dims), variances=(num_axes,), slopes=(len(shown), num_axes))
  shapes |= dict.fromkeys(('usual', 'noise', 'sureness'), (len(shown),))
  fitted = {name: _numbers(arrays, f'controller/{name}', shapes[name]) for name in _OF_CONTROLLER}
  ranges = {name: _numbers(arrays, f'calibration/{name}', (len(names),), may_lack=True) for name in _OF_CALIBRATION}
  if any((values < 0).any() for values in (fitted['variances'], fitted['noise'], ranges['noise'])):
    raise ValueError('a spread in it is negative')
  places = np.empty([0, z_dims], np.float32) if isinstance(space, latents.Normal) else space.places
  if places.shape[1] != z_dims:
    raise ValueError(f'it is of a Z of {z_dims}')
  read = None
  if 'reader/weights' in arrays:
    shapes = dict(weights=(len(names), len(names)), offset=(len(names),))
    read = reading.Reader(*(_numbers(arrays, f'reader/{name}', shapes[name]) for name in _OF_READER))
  return Kept(calibration.Calibration(names, *(each.astype(np.float32) for each in ranges.values())),
              controller.Controller(shown, places, **fitted), read)


def _numbers(arrays, name, shape, may_lack=False):
  """Returns an array as float64; raises `ValueError` where it is of another shape, or holds what is no measure.

  Args:
    arrays: dict of arrays.
    name: its name.
    shape: tuple of int.
    may_lack: bool, whether NaN may be in it, for what was not measured.
  """
  values = arrays[name]
  if values.shape != shape or values.dtype.kind != 'f':
    raise ValueError(f'{name} must be {list(shape)} numbers')
  known = values[~np.isnan(values)] if may_lack else values
  if not (np.abs(known) < _TOO_LARGE).all():
    raise ValueError(f'a number of {name} is none')
  return values.astype(np.float64)


def _digest(trained):
  """Returns 64 hexadecimal digits that tell weights, and places, from others."""
  digest = hashlib.sha256()
  for variable in trained.generator.weights:
    digest.update(np.ascontiguousarray(variable.numpy()))
  if not isinstance(trained.space, latents.Normal):
    digest.update(np.ascontiguousarray(trained.space.places))
  return digest.hexdigest()
