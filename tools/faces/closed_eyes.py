"""Where the irises are behind closed lids, so that a blink does not move the whole picture.

Face Mesh guesses irises that it cannot see, up to 2 px off in the aligned frame, and the alignment hangs on them.
"""

import numpy as np

from tools.faces import landmarks as face_landmarks
from tools.faces import measures

_NUM_IRIS_POINTS = 5  # the centre is the first
# Points of the mesh that lids, gaze and mouth hardly move: eye corners, bridge and tip of the nose, temples, forehead.
_STILL_POINTS = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 127, 356, 234, 454, 54, 284, 10)
_FEWEST_OPEN = 20  # open eyes to learn from
# Shares of the person's usual opening: an iris is Face Mesh's above the one, this module's below the other, between
# them a mixture. On the demo clip (12 fps, turning) closed eyes came 0.6 px near the truth (median), by Face Mesh alone
# 1.7.
_CLOSED = 0.4
_OPEN = 0.65
_RIDGE = 0.03


def place(landmarks, times_secs):
  """Returns one person's landmarks over time with the irises of closed eyes where the rest of the face puts them.

  From the moments with open eyes it learns how the irises lie to points of the face that stay still in a blink, by
  ridge regression after a similarity transform. How far gaze took the irises from there goes over a blink in a straight
  line.

  Args:
    landmarks: float32 [num_frames, 478, 3], in px of the pictures.
    times_secs: float64 [num_frames], rising.

  Returns:
    float32 [num_frames, 478, 3]: `landmarks` where the eyes are open, or where too few are open to learn from.
  """
  openings = measures.eye_openings(landmarks)
  usual = np.maximum(np.median(openings, axis=0), 1e-6)
  seen = np.clip((openings / usual - _CLOSED) / (_OPEN - _CLOSED), 0, 1)  # 0 closed, 1 open
  is_open = (seen == 1).all(axis=1)
  if is_open.sum() < _FEWEST_OPEN or is_open.all():
    return landmarks
  still, turn, centre = _normalised(_as_complex(landmarks[:, list(_STILL_POINTS), :2]), is_open)
  irises = (_as_complex(landmarks[:, list(face_landmarks.IRISES), :2]) - centre) / turn
  predicted = _predicted(still, irises, is_open)
  gaze = (irises - predicted)[is_open]
  for side in range(2):
    predicted[:, side] += np.interp(times_secs, times_secs[is_open], gaze[:, side].real)
    predicted[:, side] += 1j * np.interp(times_secs, times_secs[is_open], gaze[:, side].imag)
  moves = (1 - seen) * (predicted - irises) * turn
  placed = landmarks.copy()
  for side, first in enumerate(face_landmarks.IRISES):
    whole_iris = slice(first, first + _NUM_IRIS_POINTS)
    placed[:, whole_iris, :2] += np.stack([moves[:, side].real, moves[:, side].imag], axis=1)[:, np.newaxis]
  return placed


def _as_complex(points):
  points = np.asarray(points, np.float64)
  return points[..., 0] + 1j * points[..., 1]


def _normalised(points, is_open):
  """Returns complex points moved, turned and scaled onto their mean over the open frames, with turn and centre."""
  centre = points.mean(axis=1, keepdims=True)
  points = points - centre
  mean = points[np.argmax(is_open)]
  for _ in range(3):
    turn = points @ mean.conj()[:, np.newaxis] / np.sum(np.abs(mean) ** 2)
    mean = (points / turn)[is_open].mean(axis=0)
  return points / turn, turn, centre


def _predicted(still, irises, is_open):
  """Returns the irises, complex [num_frames, 2], that the still points tell, learnt where the eyes are open."""
  values = np.concatenate([still.real, still.imag], axis=1)
  values = values - values[is_open].mean(axis=0)
  known = values[is_open]
  products = known.T @ known
  strength = _RIDGE * np.trace(products) / len(products)
  mean = irises[is_open].mean(axis=0)
  weights = np.linalg.solve(products + strength * np.eye(len(products)), known.T @ (irises[is_open] - mean))
  return values @ weights + mean
