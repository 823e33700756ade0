"""Poses a person by controls: finds the point of Z whose picture shows the values that were asked for."""

import dataclasses

import numpy as np

from dcgan.common import errors
from dcgan.control import calibration
from dcgan.control import controller
from dcgan.control import names as control_names
from dcgan.data import records
from dcgan.model import latents
from dcgan.model import networks
from tools.evaluation import meshes
from tools.faces import controls

_NUM_ROUNDS = 5
_STEP = 0.7  # of what is missing, that a round goes: Z answers controls about linearly
_SLACK = 3.0  # of what is not asked for, in spreads of the person's pictures
_NOT_IN_Z = ('headRoll',)  # aligning takes it away


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

  Args:
    run: `run_folder.RunFolder`.

  Attributes:
    calibration: `calibration.Calibration`, the person's range.
    controller: `controller.Controller` of the controls that the person's pictures show.

  Raises:
    errors.InputError: the run has no places, its set cannot be read, or too few of its pictures have controls.
  """

  def __init__(self, run):
    if isinstance(run.space, latents.Normal):
      raise errors.InputError(f'{run.path}: its pictures have no places in Z, which controls need. Train a new run with '
                              '--preset=person.')
    self._run = run
    keys, raw = read_raw(run.options.data.records)
    self.calibration = calibration.calibrate(raw, controls.NOISE)
    values = self.calibration.values(raw)
    row = {key: values[number] for number, key in enumerate(keys)}
    shown = [i for i, name in enumerate(self.calibration.names)
             if self.calibration.is_present[i] and name not in _NOT_IN_Z and np.isfinite(values[:, i]).any()]
    self._shown = shown
    absent = np.full(len(self.calibration.names), np.nan, np.float32)
    of_places = np.array([row.get(key, absent) for key in run.space.keys])[:, shown]
    self.controller = controller.fit(run.space.places, of_places,
                                     tuple(self.calibration.names[i] for i in shown))

  def pose(self, asked):
    """Returns the `Pose` that shows values best; what is not asked for stays near rest, as far as the person can.

    Args:
      asked: dict from names of controls to float: in [0, 1], or degrees.

    Raises:
      errors.InputError: a control is none, or never moves in the person's pictures.
    """
    wanted, slack = self.at_rest(), np.full(len(self.controller.names), _SLACK)
    for name, value in asked.items():
      control_names.check(name, 'controls')
      if name not in self.controller.names:
        raise errors.InputError(f'`{name}`: {control_names.absent_sentence(name)}' if name in control_names.MEASURED
                                else f'`{name}` is not measured, so the model cannot show it.')
      number = self.controller.names.index(name)
      wanted[number], slack[number] = value, 0.0
    return self.meet(wanted, slack if asked else 0.0)

  def at_rest(self):
    """Returns the values of the face that does nothing, float64 [num_names] of `controller.names`."""
    return self.calibration.values(self.calibration.rest)[self._shown].astype(np.float64)

  def meet(self, wanted, slack=0.0):
    """Returns the `Pose` that shows values best.

    Args:
      wanted: float [num_names] of `controller.names`; NaN for what may be anything.
      slack: as for `controller.Controller.find`.
    """
    tried = []
    z = self.controller.find(wanted, slack)
    for _ in range(_NUM_ROUNDS):
      image, = networks.generate(self._run.generator, z[np.newaxis])
      measured = self.measure(image[np.newaxis])[0]
      missing = wanted - measured
      if np.isnan(measured).all():
        break
      tried.append((self._distance(missing, slack), z, image, measured))
      z = self.controller.correct(z, _STEP * missing, slack)
    if not tried:
      return Pose(z, image, dict.fromkeys(self.controller.names, np.nan))
    _, z, image, measured = min(tried, key=lambda one: one[0])
    return Pose(z, image, dict(zip(self.controller.names, measured.tolist())))

  def measure(self, images):
    """Returns what pictures of the model show, float32 [num_images, num_names] of `controller.names`; NaN without a
    face.

    Args:
      images: uint8 [num_images, size, size, 3].
    """
    landmarks = meshes.look(images, self._run.options.data.crop).landmarks
    return self.calibration.values(controls.measure(landmarks))[:, self._shown]

  def _distance(self, missing, slack):
    """Returns how far values are off, float, in spreads of the person's pictures; less counts what has slack."""
    return float(np.nansum(np.square(missing / self.controller.spread) / (1.0 + np.square(slack))))


def read_raw(prefix):
  """Returns (keys, raw measures float32 [num_images, num_measured]) of a set, also of one that was made without them."""
  manifest = records.load_manifest(prefix)
  if manifest.controls:
    return records.read_controls(prefix, manifest)
  faces = list(records.read_faces(prefix, manifest))
  return tuple(face.key for face in faces), controls.of_faces(faces)
