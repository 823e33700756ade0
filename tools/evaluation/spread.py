"""How far the expressions and turns of generated faces go, beside those of the real ones."""

import numpy as np

from dcgan.common import wording
from tools.evaluation import meshes
from tools.faces import landmarks as face_landmarks
from tools.faces import measures

# What is measured, and the least range of the reals that is told from the wavering of the mesh: by so much what it
# measured of 64 px pictures and of their mirror images differed (range of the differences, median of five sets).
MEASURES = {'mouth': 0.035, 'lids': 0.05, 'gaze': 0.06, 'brows': 0.03, 'yaw': 3.3, 'pitch': 3.0, 'roll': 1.6}

_LOW, _HIGH = 10, 90  # percentiles: a few broken faces do not move them
_EYES = ((face_landmarks.IMAGE_LEFT_IRIS, 33, 133), (face_landmarks.IMAGE_RIGHT_IRIS, 362, 263))
_BROWS = ((105, 33, 133), (334, 362, 263))  # the middle of its upper edge, and the corners of the eye under it


def measure(landmarks):
  """Returns what faces do, dict from the names in `MEASURES` to float64 [num_faces].

  `mouth` and `lids` are how open they are, the mean of both eyes (`measures.mouth_opening`, `measures.eye_openings`);
  `gaze` is where the irises are between the corners of their eyes, 0 at the image's left; `brows` how far they are over
  the line through these corners, in distances of the eyes; `yaw`, `pitch` and `roll` are degrees (`measures.pose`).

  Args:
    landmarks: float [num_faces, 478, 3], finite.
  """
  points = np.asarray(landmarks, np.float64)
  yaw, pitch, roll = measures.pose(points)
  apart = np.linalg.norm(points[:, face_landmarks.IMAGE_RIGHT_IRIS, :2]
                         - points[:, face_landmarks.IMAGE_LEFT_IRIS, :2], axis=-1)
  gaze = np.mean([_along(points, *eye)[0] for eye in _EYES], axis=0)
  brows = np.mean([_along(points, *brow)[1] for brow in _BROWS], axis=0) / np.maximum(apart, 1e-3)
  return dict(mouth=measures.mouth_opening(points), lids=measures.eye_openings(points).mean(axis=-1), gaze=gaze,
              brows=brows, yaw=yaw, pitch=pitch, roll=roll)


def spread(real_landmarks, fake_landmarks):
  """Returns how far generated faces go in each of `MEASURES`, and in all of them, beside the real ones.

  Each is the range from the 10th to the 90th percentile of the generated faces over that of the real ones: 1 is as
  varied, 0 is one and the same; over 1 it goes farther than the person did. What the reals hardly do (`MEASURES`) is
  left out. For the mean a ratio over 1 counts as 1: what is overdone here makes up for nothing that is missing there.

  Mangled faces make it larger: give those that are clean. Few faces, or ones in which the mesh wavers, are never at 1
  nor at 0: 32 real pictures of a set beside all of it were at 0.91 to 0.94, and a model with nearly one expression was
  at 0.6.

  Args:
    real_landmarks: float [num_reals, 478, 3], as in `meshes.Seen`; rows with NaN are left out.
    fake_landmarks: float [num_fakes, 478, 3], likewise.

  Returns:
    (mean, ratios): float in [0, 1], NaN where the reals do nothing; and dict from the names in `MEASURES` to float, 0
    or more, or NaN where that is left out.

  Raises:
    ValueError: fewer than `meshes.FEWEST_FACES` real or generated faces are left.
  """
  reals, fakes = (_ranges(*given) for given in (('real_landmarks', real_landmarks), ('fake_landmarks', fake_landmarks)))
  ratios = {name: fakes[name] / reals[name] if reals[name] > least else float('nan')
            for name, least in MEASURES.items()}
  told = [min(ratio, 1.0) for ratio in ratios.values() if not np.isnan(ratio)]
  return float(np.mean(told)) if told else float('nan'), ratios


def _ranges(name, landmarks):
  """Returns the range of each of `MEASURES`, dict of float."""
  points = np.asarray(landmarks)
  points = points[np.isfinite(points).all(axis=(1, 2))]
  if len(points) < meshes.FEWEST_FACES:
    raise ValueError(f'`{name}` holds {wording.counted(len(points), "face")}, but a spread needs '
                     f'{meshes.FEWEST_FACES} or more.')
  return {key: float(np.diff(np.percentile(values, [_LOW, _HIGH]))[0]) for key, values in measure(points).items()}


def _along(points, point, left, right):
  """Returns where a point is along a line, 0 at its left end and 1 at its right one, and how far over it, in px."""
  line = points[:, right, :2] - points[:, left, :2]
  way = points[:, point, :2] - points[:, left, :2]
  length = np.maximum(np.linalg.norm(line, axis=-1), 1e-3)
  return np.sum(way * line, axis=-1) / length**2, (line[:, 1] * way[:, 0] - line[:, 0] * way[:, 1]) / length
