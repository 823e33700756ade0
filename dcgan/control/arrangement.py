"""By which controls the places of a person's pictures arrange themselves, so that each control is straight in Z.

After Zeng et al. 2023 (MyStyle++, arXiv:2306.04865), who hold for each control a direction of its own. Here any
directions will do (`dcgan.training.arranging`). Some pictures take no part: whether what holds of the others holds of
these, too, tells how sure a control is (`controller.fit`).
"""

import hashlib

import numpy as np

from dcgan.control import calibration
from dcgan.data import records

_EVERY = 8  # of pictures, or of the seconds of a film, about one takes no part
_LEAST_SPREAD = 1e-6


def read_targets(prefix, manifest, training_set):
  """Returns what the pictures that are trained on show, in spreads of each control from its mean.

  Args:
    prefix: str, their set.
    manifest: its `manifests.Manifest`.
    training_set: `input_pipeline.TrainingSet` of it.

  Returns:
    float32 [num_trained_on, num_controls], of the controls that the person has; NaN in the rows of pictures that take no
    part. None where the set tells no controls.

  Raises:
    errors.InputError: the set is damaged.
  """
  person = calibration.Calibration.from_json(manifest.controls)
  if person is None:
    return None
  keys, raw = records.read_controls(prefix, manifest)
  values = person.values(raw)[training_set.trained_on]
  values = values[:, person.are_in_z(values)]
  takes_part = ~are_left_out([keys[row] for row in training_set.trained_on],
                             training_set.times_secs[training_set.trained_on])
  values = np.where((takes_part & np.isfinite(values).all(axis=1))[:, np.newaxis], values, np.nan)
  if not np.isfinite(values).any():
    return None
  return (values - np.nanmean(values, axis=0)) / np.maximum(np.nanstd(values, axis=0), _LEAST_SPREAD)


def are_left_out(keys, times_secs):
  """Returns which pictures take no part, bool [num_pictures]: the same whichever others are there.

  Args:
    keys: list of str, the pictures' keys in their set.
    times_secs: float [num_pictures], of a film's frames, which take part by whole seconds: neighbours are near copies;
      NaN for photos.
  """
  told = [f'{int(secs)}' if np.isfinite(secs) else key for key, secs in zip(keys, times_secs)]
  return np.array([_draw(each) % _EVERY == 0 for each in told], bool)


def _draw(told):
  """Returns an int of a str, of which names that count up give unlike ones, as those of a checksum are not."""
  return int.from_bytes(hashlib.sha256(told.encode('utf-8', 'surrogateescape')).digest()[:8], 'big')
