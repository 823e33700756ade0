"""Fits the controls of a run, from its set or from what it makes, and keeps them with it."""

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import wording
from dcgan.control import calibration
from dcgan.control import controller
from dcgan.control import names as control_names
from dcgan.control import reading
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import kept_controls
from tools.avatar import posing
from tools.faces import controls

_NUM_SAMPLES = 1000  # of a run without places, that are generated and measured
_MOST_READ = 400  # pictures that reading is learnt of, real and made
_BATCH = 64
_SEED = 0


def keep(run):
  """Fits the controls of a run and writes them into its folder.

  With places they are fitted to what the set's records tell; where these tell nothing, its pictures are measured. How
  the model's own small pictures are read is learnt of what it makes at the places, and of the pictures as it sees them.
  Without places, points of Z are drawn, generated and measured.

  Args:
    run: `run_folder.RunFolder`.

  Returns:
    `kept_controls.Kept`.

  Raises:
    errors.InputError: the set is gone, or another one, or damaged; too few of its pictures show a face; or the file
      cannot be written.
  """
  known = _of_samples(run) if isinstance(run.space, latents.Normal) else _of_set(run)
  kept_controls.save(run.path, run, known)
  return known


def _of_samples(run):
  """Returns the `kept_controls.Kept` of points that are drawn."""
  z = latents.to_sphere(run.space.sample(_NUM_SAMPLES, _SEED))
  raw = posing.measure_pictures(networks.generate(run.generator, z), run.options.data.crop)
  raw[:, [control_names.MEASURED.index(name) for name in control_names.NOT_IN_Z]] = np.nan
  num_faces = int(np.isfinite(raw).any(axis=1).sum())
  if num_faces < controller.FEWEST_PICTURES:
    raise errors.InputError(f'{run.path}: of {len(z):,} pictures that it made {num_faces} show a face, and controls '
                            f'need {controller.FEWEST_PICTURES}. Train it longer.')
  logging.info('Of %d random pictures of the run, which has no places, %d show one face.', len(z), num_faces)
  return kept_controls.fit(run.space, z, raw, calibration.calibrate(raw[np.isfinite(raw).any(axis=1)], controls.NOISE))


def _of_set(run):
  """Returns the `kept_controls.Kept` of the pictures that have places."""
  data = run.options.data
  manifest = manifests.load(data.records)
  if not manifest.has_digest(data.records_digest):
    raise errors.InputError(f'`records` ({data.records}): not the set that {run.path} was trained on. Bring that one '
                            'back.')
  pictures = input_pipeline.load_training_set(data.records, manifest, run.options.networks.image_size, data.crop,
                                              'stream')
  keys, raw = posing.read_raw(data.records)
  if not np.isfinite(raw).any():
    logging.info('The records of %s tell no controls: its pictures are measured.', data.records)
    raw = np.concatenate([posing.measure_pictures(pictures.pictures(part), data.crop)
                          for part in np.split(np.arange(len(keys)), range(_BATCH, len(keys), _BATCH))])
  person = calibration.calibrate(raw, controls.NOISE)
  return kept_controls.fit(run.space, keys, raw, person, _reader(run, pictures, keys, raw),
                           is_arranged=run.options.places.controls_weight > 0)


def _reader(run, pictures, keys, raw):
  """Returns the `reading.Reader` of a run's pictures, or None where too few show a face."""
  row = {key: number for number, key in enumerate(keys)}
  places = np.array([place for place, key in enumerate(run.space.keys) if key in row], int)
  places = input_pipeline.spread(places, _MOST_READ)
  rows = np.array([row[run.space.keys[place]] for place in places], int)
  crop_px = run.options.data.crop
  seen = np.concatenate([posing.measure_pictures(pictures.pictures(rows), crop_px),
                         posing.measure_pictures(networks.generate(run.generator, run.space.places[places]), crop_px)])
  try:
    return reading.fit(seen, np.concatenate([raw[rows]] * 2), np.concatenate([rows] * 2))
  except ValueError:
    logging.info('In %s of the model and its set there are too few faces to learn how they are read.',
                 wording.counted(len(seen), 'picture'))
    return None
