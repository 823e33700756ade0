"""How well a run's person does what is asked: held-out pictures asked for by their controls, and what is shown."""

import dataclasses
import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.control import names as control_names
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.model import latents
from tools.avatar import posing

GOOD = 0.6  # R² from which on a control is said to obey

_FILE = 'controls.csv'
_COLUMNS = ('control', 'r2', 'slope', 'error', 'r2_as_seen', 'r2_of_reading', 'sureness', 'crosstalk', 'takes_along')


def save(run, known):
  """Measures the controls of a run, writes RUN/controls.csv and logs it; returns its `pathlib.Path`.

  A row for each control, by its R²: `r2`, `slope` and `error` of what is shown over what was asked for, where all
  controls of each held-out picture are asked for at once, the error in the control's unit; `r2_as_seen`, the same where
  the model's pictures are read as they are, and `r2_of_reading` of the real held-out pictures as the networks see them:
  more than the measure can tell nothing can show; `sureness`; `crosstalk`, how far the other controls move on the mean,
  in their ranges, where it alone is asked for from its least to its most, and which one moves most.

  Args:
    run: `run_folder.RunFolder`.
    known: `kept_controls.Kept` of it.

  Raises:
    errors.InputError: the run has no places, or holds out fewer than two pictures with controls.
  """
  keys, raw, pictures = _held_out(run)
  poser, plain = posing.Poser(run, known), posing.Poser(run, dataclasses.replace(known, reader=None))
  names = known.controller.names
  numbers = [known.calibration.names.index(name) for name in names]
  asked = known.calibration.values(raw)[:, numbers].astype(np.float64)
  poses = poser.meet_all(list(asked))
  shown = np.array([[pose.measured[name] for name in names] for pose in poses])
  as_seen = plain.measure(np.stack([pose.image for pose in poses]))
  read = poser.measure(pictures)
  slopes = [_slope(*each) for each in zip(asked.T, shown.T)]
  off = np.nanmean(np.abs(asked - shown), axis=0)
  talk, loudest = _crosstalk(poser)
  rows = sorted(zip(names, _r2(asked, shown), slopes, off, _r2(asked, as_seen), _r2(asked, read),
                    known.controller.sureness, talk, loudest), key=lambda row: -np.nan_to_num(row[1], nan=-9.0))
  path = pathlib.Path(run.path) / _FILE
  files.write_text(path, '\n'.join([','.join(_COLUMNS)] + [_line(row) for row in rows]) + '\n')
  logging.info('%d pictures that were not trained on, asked for by their controls alone: of %d controls %d reach an R² '
               'of %g, %d where the pictures are read as they are.', len(keys), len(rows),
               sum(row[1] >= GOOD for row in rows), GOOD, sum(row[4] >= GOOD for row in rows))
  for row in rows:
    unit = '°' if row[0] in control_names.HEAD else ''
    fit = 'the same in all these pictures' if np.isnan(row[1]) else f'R² {row[1]:.2f}, slope {row[2]:.2f}'
    logging.info('%s: %s, off by %.2f%s, takes along %.2f of the others\' ranges, most %s.', row[0], fit, row[3], unit,
                 *row[-2:])
  return path


def _held_out(run):
  """Returns (keys, raw measures, pictures uint8) of the held-out pictures of a run that have controls."""
  if isinstance(run.space, latents.Normal):
    raise errors.InputError(f'`report`: the pictures of {run.path} have no places in Z, so none can be asked for. Use a '
                            'run of the preset person.')
  data = run.options.data
  manifest = manifests.load(data.records)
  training_set = input_pipeline.load_training_set(
      data.records, manifest, run.options.networks.image_size, data.crop, 'stream', data.holdout_fraction)
  keys, raw = posing.read_raw(data.records)
  rows = training_set.held_out[np.isfinite(raw[training_set.held_out]).any(axis=1)]
  if len(rows) < 2:
    raise errors.InputError(f'`report`: {run.path} holds out {len(rows)} pictures with controls, and 2 are needed. '
                            'Train it with --holdout_fraction=0.1.')
  return [keys[row] for row in rows], raw[rows], training_set.pictures(rows)


def _r2(asked, shown):
  """Returns R², float64 [num_names], of float [num_pictures, num_names]; NaN of what is the same in all."""
  is_known = np.isfinite(asked) & np.isfinite(shown)
  asked, shown = np.where(is_known, asked, np.nan), np.where(is_known, shown, np.nan)
  total = np.nansum(np.square(asked - np.nanmean(asked, axis=0)), axis=0)
  return 1.0 - np.nansum(np.square(asked - shown), axis=0) / np.where(total > 1e-9, total, np.nan)


def _slope(asked, shown):
  """Returns the slope, float, of the line by least squares; NaN where all that is asked for is the same."""
  is_known = np.isfinite(asked) & np.isfinite(shown)
  asked, shown = asked[is_known] - asked[is_known].mean(), shown[is_known]
  return float(asked @ shown / (asked @ asked)) if asked @ asked > 1e-9 else np.nan


def _crosstalk(poser):
  """Returns (float [num_names], list of str): what others move where one is asked for alone, and which moves most."""
  names, talk, loudest = poser.controller.names, [], []
  ends = [poser.wanted({name: value}) for name in names for value in poser.ends(name)]
  poses = poser.meet_all(*map(list, zip(*ends)))
  shown = np.array([[pose.measured[name] for name in names] for pose in poses]).reshape(len(names), 2, -1)
  ranges = np.array([np.ptp(poser.ends(name)) for name in names])
  for number, name in enumerate(names):
    moved = np.abs(shown[number, 1] - shown[number, 0]) / ranges
    is_other = [control_names.without_side(other) != control_names.without_side(name) for other in names]
    talk.append(float(np.nanmean(moved[is_other])) if any(is_other) else 0.0)
    loudest.append(names[int(np.argmax(np.where(is_other, np.nan_to_num(moved), -1.0)))] if any(is_other) else '')
  return talk, loudest


def _line(row):
  return ','.join(each if isinstance(each, str) else '' if np.isnan(each) else f'{each:.3f}' for each in row)
