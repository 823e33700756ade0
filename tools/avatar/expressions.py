"""Chooses two expressions of a gallery to animate between: both look real, and they are far apart in geometry."""

from absl import logging
import numpy as np
from scipy.spatial import transform

from dcgan import errors
from dcgan import latents
from dcgan import networks
from dcgan.metrics import features
from dcgan.metrics import variety
from tools.evaluation import faces
from tools.faces import landmarks as face_landmarks
from tools.faces import measures

# A head that turns by 20° counts 0.035. In one person's video faces with the mouth wide open were 0.13 from those with
# it closed, so a turn decides only where expressions hardly differ.
_TURN_WEIGHT = 0.1  # eyes' distances a radian
_NUM_SOURCES, _NUM_TARGETS = 3, 8  # tried, the best first
_NUM_BETWEEN = 5  # points of a line that are looked at
# Of the faces that are found, those least strange beside the reals, and those whose shapes some real has: mangled ones
# lie far out, where the farthest is looked for. On a run of 300 minibatches half of 56 faces were mangled.
_USUAL_PICTURES, _USUAL_SHAPES = 0.4, 0.75
# Changes that are told: smaller ones a still face shows too, as Face Mesh sees it at 64 px.
_TOLD_MOUTH, _TOLD_EYES, _TOLD_TURN_DEG = 0.04, 0.05, 4.0


def choose(generator, z, crop_px, real_images=None):
  """Returns the numbers of two expressions between which a line makes a good animation, and logs why.

  The source rests: it is the most typical face. The target is the one farthest from it (`vectors`). Both must be faces
  with eyes in their places, like real ones in their pictures and shapes; the frames between them must be faces too, or
  the next best pair is tried. Where there are no two faces, those are taken whose pictures differ most, with a warning.

  Args:
    generator: `tf.keras.Model`, z → images.
    z: float32 [num_points, z_dims], of the gallery.
    crop_px: int, what the networks see of an aligned face.
    real_images: uint8 [num_reals, size, size, 3], some of the run's set; None where that is gone.

  Returns:
    (source, target), each int.

  Raises:
    errors.InputError: there are fewer than two points.
  """
  if len(z) < 2:
    raise errors.InputError(f'`num_images` ({len(z)}) of the gallery must be 2 or more to go from one expression to '
                            'another. Make another gallery with --num_images=64.')
  pictures = networks.generate(generator, z)
  is_face, points = _look(pictures, crop_px)
  numbers = np.flatnonzero(is_face)
  if len(numbers) and real_images is not None and len(real_images) >= variety.MIN_REALS:
    numbers = numbers[_are_like_reals(pictures[numbers], points[numbers], real_images, crop_px)]
  if len(numbers) < 2:
    source, target = farthest(features.thumbnails(pictures))
    logging.warning('Only %d of %d pictures of the gallery look real, and two are needed: chose %d and %d, which '
                    'differ most. Train longer, or choose by --source and --target.', len(numbers), len(z), source,
                    target)
    return source, target
  ranked = [(int(numbers[source]), int(numbers[target])) for source, target in pairs(vectors(points[numbers]))]
  clean = next((pair for pair in ranked if _is_line_of_faces(generator, *z[list(pair)], crop_px)), None)
  if not clean:
    logging.warning('Between all pairs of expressions that were tried some frame is no face. Training longer helps.')
  source, target = clean or ranked[0]
  logging.info('Chose %d and %d: %s.', source, target, describe(points[source], points[target]))
  return source, target


def vectors(landmarks):
  """Returns faces as vectors whose distance tells how different their expressions are, and a little how they turn.

  The points are turned back until the head looks ahead (`measures.pose`), moved until their mean is at 0, and scaled
  until the eyes are 1 apart; their x and y are divided by the root of the number of points, so that a distance is the
  root mean square of how far they moved. Depth is left out: a mesh guesses it. Yaw and pitch follow, weighed.

  Args:
    landmarks: float [num_faces, 478, 3].

  Returns:
    float64 [num_faces, 958].
  """
  points = np.asarray(landmarks, np.float64)
  yaw, pitch, roll = measures.pose(points)
  turns = transform.Rotation.from_euler('ZYX', np.stack([roll, -yaw, -pitch], axis=-1), degrees=True).as_matrix()
  ahead = (points - points.mean(axis=1, keepdims=True)) @ turns
  left, right = (ahead[:, iris] for iris in face_landmarks.IRISES)
  apart = np.linalg.norm(right - left, axis=-1)[:, np.newaxis, np.newaxis]
  shapes = ahead[..., :2] / apart / np.sqrt(points.shape[1])
  return np.concatenate([shapes.reshape(len(points), -1), _TURN_WEIGHT * np.radians(np.stack([yaw, pitch], -1))], -1)


def pairs(points):
  """Returns pairs to try, the best first: from the most typical points, nearest to the median, to the farthest ones.

  Args:
    points: float [num_points, num_values], two or more.

  Returns:
    list of (source, target), each int.
  """
  by_rest = np.argsort(np.linalg.norm(points - np.median(points, axis=0), axis=1), kind='stable')
  found = []
  for source in by_rest[:_NUM_SOURCES]:
    by_distance = np.argsort(-np.linalg.norm(points - points[source], axis=1), kind='stable')
    found += [(int(source), int(target)) for target in by_distance[:_NUM_TARGETS] if target != source]
  return found


def usual(strangeness, fraction):
  """Returns which values are not among the largest, bool [num_values]: at least `fraction` of them, and two of more.

  Args:
    strangeness: float [num_values], one or more.
    fraction: float in (0, 1).
  """
  return strangeness <= np.quantile(strangeness, fraction, method='higher')


def farthest(points):
  """Returns (source, target), each int: the two points, of float [num_points, num_values], that are farthest apart."""
  squares = features.squared_distances(points, points)
  source, target = sorted(np.unravel_index(np.argmax(np.triu(squares + 1.0, 1)), squares.shape))
  return int(source), int(target)


def describe(source, target):
  """Returns in words what a face does from one expression to another, as in 'the mouth opens (0.02 to 0.21)'.

  Args:
    source: float [478, 3], landmarks.
    target: likewise.
  """
  ends = np.stack([source, target])
  told = []
  for name, openings, least, verbs in (
      ('mouth', measures.mouth_opening(ends), _TOLD_MOUTH, ('opens', 'closes')),
      ('eyes', measures.eye_openings(ends).mean(axis=-1), _TOLD_EYES, ('open', 'close'))):
    if abs(openings[1] - openings[0]) >= least:
      told.append(f'the {name} {verbs[int(openings[1] < openings[0])]} ({openings[0]:.2f} to {openings[1]:.2f})')
  yaw, pitch, _ = (angle[1] - angle[0] for angle in measures.pose(ends))
  if abs(yaw) >= _TOLD_TURN_DEG:
    told.append(f'the head turns {abs(yaw):.0f}° to the {"right" if yaw > 0 else "left"}')
  if abs(pitch) >= _TOLD_TURN_DEG:
    told.append(f'the head {"rises" if pitch > 0 else "sinks"} {abs(pitch):.0f}°')
  return ', '.join(told) or 'small changes of the face'


def _look(pictures, crop_px):
  """Returns which pictures show one face with eyes in their places, bool [num_pictures], and all their landmarks."""
  seen = faces.look(pictures, crop_px)
  return faces.in_place(seen), seen.landmarks


def _are_like_reals(pictures, points, real_images, crop_px):
  """Returns which faces are like real ones, bool [num_faces]: their pictures, and their shapes, which some real has."""
  are_like = usual(variety.Variety(real_images).strangeness(pictures), _USUAL_PICTURES)
  is_face, real_points = _look(real_images, crop_px)
  if is_face.any():
    squares = features.squared_distances(vectors(points), vectors(real_points[is_face]))
    are_like &= usual(squares.min(axis=1), _USUAL_SHAPES)
  return are_like


def _is_line_of_faces(generator, start, end, crop_px):
  """Returns whether points on the line from one point of Z to another are faces too."""
  between = latents.lerp(start, end, np.arange(1, _NUM_BETWEEN + 1) / (_NUM_BETWEEN + 1))
  is_face, _ = _look(networks.generate(generator, between), crop_px)
  return bool(is_face.all())
