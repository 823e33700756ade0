"""A photo's expression found in a run's Z, and kept under the photo's name."""

import dataclasses
import functools
import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import images
from dcgan.control import names as control_names
from dcgan.data import input_pipeline
from dcgan.model import latents
from dcgan.model import networks
from tools.avatar import found
from tools.avatar import posing
from tools.avatar import run_folder
from tools.avatar import set_pictures
from tools.evaluation import inversion
from tools.evaluation import meshes
from tools.faces import alignment
from tools.faces import landmarks
from tools.material import pictures

_TILE_PX = 256
# Of a woman's film, 30 frames that were not learnt were 0.8 to 1.2 times as far off as those that were are by the median;
# 32 photos of a man 2.1 to 6.7 times, a painting 2.6, masks 6.
_NUM_USUAL, _MOST_ERROR = 32, 2.0
_MOST_OFF = 0.1  # eyes' distances
_LARGE = 0.5  # of the widest face: a smaller one is somebody in the background
_TOLD = 0.05  # less of a control than this is rest


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
  """What was found for a photo.

  Attributes:
    name: str, to call it by where a gallery number can stand.
    path: `pathlib.Path` of the picture: the photo's face, and what the model makes of it.
    error: float, root mean square difference of the two, in grey values.
    landmark_error: float, mean distance of their mesh points, in distances of the eyes, or None where there is no face.
    nearest_key: str, the key of the picture of the set whose place is nearest, or None of a run without places.
    is_known: bool, whether it is about as near as pictures of the set are; else it is somebody or something else.
    z: float32 [z_dims], the point.
    controls: dict of float by name, what the model's picture shows, without what is at rest; None where the run keeps no
      controls and none can be fitted.
  """

  name: str
  path: pathlib.Path
  error: float
  landmark_error: float | None
  nearest_key: str | None
  is_known: bool
  z: np.ndarray
  controls: dict | None


class Finder:
  """Finds the faces of photos in the Z of one run, which is loaded once for all of them.

  Args:
    path: path of the run's folder.
    run: `run_folder.RunFolder` of it where it is loaded already.

  Raises:
    errors.InputError: there is no such run or gallery, or a checkpoint is damaged.
  """

  def __init__(self, path, run=None):
    self._run = run or run_folder.load(path)

  def find(self, photo):
    """Finds a photo's face in Z, draws both, and keeps the point with the run.

    Args:
      photo: str, path of a picture of the person, of any size.

    Returns:
      `Found`.

    Raises:
      errors.InputError: there is no such picture, no face in it, or another one beside it.
    """
    run, data = self._run, self._run.options.data
    real = input_pipeline.as_seen(self._aligned(photo), run.options.networks.image_size, data.crop).numpy()
    real = real[np.newaxis]
    z, distances = inversion.invert(run.generator, real, run.space, encoder=run.encoder)
    made = networks.generate(run.generator, z)
    landmark_error = meshes.landmark_errors(meshes.look(real, data.crop), meshes.look(made, data.crop))[0]
    landmark_error = float(landmark_error) if np.isfinite(landmark_error) else None
    name = found.name_of(photo)
    nearest_key = None if isinstance(run.space, latents.Normal) else run.space.keys[run.space.nearest(z, 1)[0, 0]]
    found.save(run.path, name, z[0], dict(photo=pathlib.PurePath(photo).name, step=run.step, error=float(distances[0]),
                                          landmark_error=landmark_error, nearest_key=nearest_key))
    path = found.path_of(run.path, name)
    images.save_picture(path, images.make_grid(images.resize(np.concatenate([real, made]), _TILE_PX)))
    return Found(name, path, float(distances[0]), landmark_error, nearest_key,
                 self._is_known(float(distances[0]), landmark_error), z[0], self._controls(made))

  def _is_known(self, error, landmark_error):
    return error <= _MOST_ERROR * self.usual_error and (landmark_error is None or landmark_error <= _MOST_OFF)

  @functools.cached_property
  def usual_error(self):
    """float, how far pictures of the set are off at their places, by the median, in grey values; inf where unknown."""
    run, training_set = self._run, set_pictures.load(self._run.options)
    if training_set is None or isinstance(run.space, latents.Normal):
      return np.inf
    chosen = input_pipeline.spread(np.arange(len(run.space.keys)), _NUM_USUAL)
    numbers = [training_set.keys.index(run.space.keys[number]) for number in chosen]
    made = networks.generate(run.generator, run.space.places[chosen]).astype(np.float32)
    squares = np.square(made - training_set.pictures(numbers)).mean(axis=(1, 2, 3))
    return float(np.median(np.sqrt(squares)))

  @functools.cached_property
  def _poser(self):
    try:
      return posing.Poser(self._run)
    except errors.InputError as error:
      logging.info('Its controls are not told. %s', error)
      return None

  def _controls(self, made):
    """Returns what a picture shows, as `Found.controls`."""
    if self._poser is None:
      return None
    shown = zip(self._poser.controller.names, self._poser.measure(made)[0].tolist())
    return {name: round(value, 1 if name in control_names.HEAD else 2) for name, value in shown
            if name in control_names.HEAD and np.isfinite(value) or value >= _TOLD}

  @functools.cached_property
  def _faces(self):
    return landmarks.FaceFinder()

  def _aligned(self, photo):
    """Returns the most central large face of a photo, uint8 [218, 178, 3]."""
    try:
      picture = pictures.load_picture(photo)
    except errors.InputError as error:
      raise errors.InputError(f'`photo` ({photo}): {error}. Name a picture of the person.') from error
    seen = self._faces.find_all(picture)
    if not seen:
      raise errors.InputError(f'`photo` ({photo}): no face found in it. Take a picture in which the face is larger, '
                              'upright and lit.')
    widths = [face.box[2] - face.box[0] for face in seen]
    if sum(width >= _LARGE * max(widths) for width in widths) > 1:
      raise errors.InputError(f'`photo` ({photo}): {len(seen)} faces in it, and it must show one. Cut it to the person.')
    return alignment.align(picture, seen[0].landmarks, seen[0].eyes, self._run.options.data.align).image
