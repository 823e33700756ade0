"""Poses a person by controls: finds the point of Z whose picture shows the values that were asked for."""

import dataclasses

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import wording
from dcgan.control import calibration
from dcgan.control import names as control_names
from dcgan.data import manifests
from dcgan.data import records
from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import kept_controls
from tools.avatar import tilting
from tools.evaluation import meshes
from tools.faces import controls

ROLL = 'headRoll'

_NUM_ROUNDS = 6
_STEP = 0.7  # of what is missing, that a round goes: Z answers controls about linearly
_SLACK = 3.0  # of what is not asked for, in spreads of the person's pictures
_MOST_WORSE = 3  # rounds in a row that come no nearer, after which a pose is as it is


@dataclasses.dataclass(frozen=True, eq=False)
class Pose:
  """A picture of the person that was asked for.

  Attributes:
    z: float32 [z_dims].
    image: uint8 [size, size, 3].
    measured: dict from each control's name to what the picture shows, float; NaN where no face is found in it.
  """

  z: np.ndarray
  image: np.ndarray
  measured: dict


class Poser:
  """Poses the person of a run, in a closed loop: a point is proposed, made, measured and corrected.

  What was kept with the run is taken (`kept_controls`); else it is fitted to the run's set.

  Args:
    run: `run_folder.RunFolder`.
    known: `kept_controls.Kept` of it, where that is known already.

  Attributes:
    calibration: `calibration.Calibration`, the person's range.
    controller: `controller.Controller` of the controls that the person's pictures show.

  Raises:
    errors.InputError: nothing was kept, and the run has no places, its set cannot be read, or too few of its pictures
      have controls; or what was kept is damaged.
  """

  def __init__(self, run, known=None):
    self._run = run
    known = known or kept_controls.load(run.path, run) or _fitted(run)
    self.calibration, self.controller, self._reader = known.calibration, known.controller, known.reader
    self._shown = [self.calibration.names.index(name) for name in self.controller.names]

  def pose(self, asked):
    """Returns the `Pose` that shows values best; what is not asked for stays near rest, as far as the person can.

    Args:
      asked: dict from names of controls to float: in [0, 1], or degrees. `headRoll` turns the picture.

    Raises:
      errors.InputError: a control is none, or never moves in the person's pictures.
    """
    wanted, slack = self.wanted(asked)
    pose = self.meet(wanted, slack)
    if not asked.get(ROLL):
      return pose
    return dataclasses.replace(pose, image=tilting.tilt(pose.image, asked[ROLL]),
                               measured=pose.measured | {ROLL: float(asked[ROLL])})

  def wanted(self, asked):
    """Returns (values, slack), each float64 [num_names] of `controller.names`, as `meet` takes them.

    Args:
      asked: as for `pose`.

    Raises:
      errors.InputError: as `pose`.
    """
    wanted, slack = self.at_rest(), np.full(len(self.controller.names), _SLACK)
    for name, value in asked.items():
      self.check(name)
      if name != ROLL:
        number = self.controller.names.index(name)
        wanted[number], slack[number] = value, 0.0
    return wanted, slack if set(asked) - {ROLL} else np.zeros(len(slack))

  def check(self, name):
    """Raises an `errors.InputError` unless the person has a control, str."""
    control_names.check(name, 'controls')
    if name not in (ROLL, *self.controller.names):
      raise errors.InputError(f'`{name}`: {control_names.absent_sentence(name)}' if name in control_names.MEASURED
                              else f'`{name}` is not measured, so the model cannot show it. Leave it out.')

  def ends(self, name):
    """Returns the least and the largest value, floats, that the person shows of a control: 0 and 1, or degrees."""
    if name not in control_names.HEAD:
      return control_names.limits(name)
    number = self.calibration.names.index(name)
    return float(self.calibration.low[number]), float(self.calibration.high[number])

  def at_rest(self):
    """Returns the values of the face that does nothing, float64 [num_names] of `controller.names`."""
    return self.calibration.values(self.calibration.rest)[self._shown].astype(np.float64)

  def meet(self, wanted, slack=0.0):
    """Returns the `Pose` that shows values best.

    Args:
      wanted: float [num_names] of `controller.names`; NaN for what may be anything.
      slack: as for `controller.Controller.find`.
    """
    return self.meet_all([wanted], [slack])[0]

  def meet_all(self, wanted, slack=None):
    """Returns the `Pose`s that show values best, list: all at once, which is faster than one after the other.

    Args:
      wanted: list of values as `meet` takes them.
      slack: list of as many slacks; None for none.
    """
    slack = slack or [0.0] * len(wanted)
    best = [(np.inf, None)] * len(wanted)
    num_worse = np.zeros(len(wanted), int)
    z = np.array([self.controller.find(*each) for each in zip(wanted, slack)])
    for _ in range(_NUM_ROUNDS):
      rows = np.flatnonzero(num_worse < _MOST_WORSE)
      if not len(rows):
        break
      images = networks.generate(self._run.generator, z[rows])
      for i, image, measured in zip(rows, images, self.measure(images)):
        missing = wanted[i] - measured
        off = np.inf if np.isnan(missing).all() else self._distance(missing, slack[i])
        num_worse[i] = 0 if off < best[i][0] else num_worse[i] + 1
        if best[i][1] is None or off < best[i][0]:
          best[i] = off, Pose(z[i].copy(), image, dict(zip(self.controller.names, measured.tolist())))
        if np.isfinite(off):
          z[i] = self.controller.correct(z[i], _STEP * missing, slack[i])
    return [pose for _, pose in best]

  def measure(self, images):
    """Returns what pictures of the model show, float32 [num_images, num_names] of `controller.names`; NaN without a
    face.

    Args:
      images: uint8 [num_images, size, size, 3].
    """
    raw = measure_pictures(images, self._run.options.data.crop)
    return self.calibration.values(self._reader(raw) if self._reader else raw)[:, self._shown]

  def _distance(self, missing, slack):
    """Returns how far values are off, float, in spreads of the person's pictures; less counts what has slack."""
    return float(np.nansum(np.square(missing / self.controller.spread) / (1.0 + np.square(slack))))


def _fitted(run):
  """Returns the `kept_controls.Kept` of a run that keeps none, fitted to its set."""
  fix = f'`python -m tools.fit_controls {wording.flag("run", run.path)}`'
  if isinstance(run.space, latents.Normal):
    raise errors.InputError(f'{run.path}: its pictures have no places in Z, and no controls were fitted to what it '
                            f'makes. Fit them with {fix}.')
  prefix = run.options.data.records
  try:
    keys, raw = read_raw(prefix)
  except errors.InputError as error:
    raise errors.InputError(f'{run.path}: keeps no controls, and the set that they are fitted to cannot be read: '
                            f'{error} Then run {fix}.') from error
  logging.info('%s keeps no controls, so they are fitted now. This keeps them, and reads the mouth better: %s', run.path,
               fix.strip('`'))
  return kept_controls.fit(run.space, keys, raw, calibration.calibrate(raw, controls.NOISE),
                           is_arranged=run.options.places.controls_weight > 0)


def read_raw(prefix):
  """Returns (keys, raw measures float32 [num_images, num_measured]) of a set, also of one that was made without them."""
  manifest = manifests.load(prefix)
  if manifest.controls:
    return records.read_controls(prefix, manifest)
  faces = list(records.read_faces(prefix, manifest))
  return tuple(face.key for face in faces), controls.of_faces(faces)


def measure_pictures(images, crop_px):
  """Returns the raw measures of pictures as networks see or make them, float32 [num_images, num_measured].

  Args:
    images: uint8 [num_images, size, size, 3], one or more.
    crop_px: int, as for `meshes.look`.

  Returns:
    float32 [num_images, num_measured]; NaN where there is no face, or several.
  """
  return raw_of(meshes.look(images, crop_px).landmarks)


def raw_of(landmarks):
  """Returns the raw measures of meshes, float32 [num_images, num_measured]; NaN where there is no face.

  Args:
    landmarks: float [num_images, 478, 3], NaN likewise.
  """
  has_face = np.isfinite(landmarks).reshape(len(landmarks), -1).all(axis=1)
  raw = np.full([len(landmarks), len(control_names.MEASURED)], np.nan, np.float32)
  if has_face.any():
    raw[has_face] = controls.measure(landmarks[has_face])
  return raw
