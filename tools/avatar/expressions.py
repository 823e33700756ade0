"""Chooses expressions of a gallery to animate between: all look real, and they are far apart in geometry."""

import functools

from absl import logging
import numpy as np
from scipy.spatial import transform

from dcgan.common import errors
from dcgan.common import features
from dcgan.model import motion
from dcgan.model import networks
from tools.evaluation import meshes
from tools.evaluation import real_pictures
from tools.evaluation import wholeness
from tools.faces import landmarks as face_landmarks
from tools.faces import measures

# A head that turns by 20° counts 0.035. In one person's video faces with the mouth wide open were 0.13 from those with
# it closed, so a turn decides only where expressions hardly differ.
_TURN_WEIGHT = 0.1  # eyes' distances a radian
# From one expression to the next. Nothing may have been filmed between heads that are turned farther apart, and what is
# mixed of them shows hair and ears twice, which a clean face does not tell (seen in a man's film, in 4 of 24 frames).
_MOST_TURN_DEG = 15.0
_ALIKE = 1e-6  # eyes' distances: what floats may differ by
_NUM_TRIED = 8  # targets of each line, the farthest first
_NUM_BETWEEN = 8  # points of a line that are looked at
_USUAL, _FEWEST_USUAL = 0.7, 16  # of the clean faces, those least strange are chosen from
# Changes that are told: smaller ones a still face shows too, as Face Mesh sees it at 64 px.
_TOLD_MOUTH, _TOLD_EYES, _TOLD_TURN_DEG = 0.04, 0.05, 4.0


def choose(generator, z, crop_px, space, num_expressions=2, real_images=None):
  """Returns the numbers of expressions between which lines make a good animation, and logs why.

  The first one rests: it is the most typical face. Each of the others is the farthest from all before it (`vectors`).
  All must be clean faces, and so must be the frames of the line to each from the one before, or the next best is tried;
  and heads that follow each other are turned alike (`tour`).
  With more than two the way ends where it began. Where there are not so many clean faces fewer are taken, and where
  there are no two, those whose pictures differ most, with a warning.

  Args:
    generator: `tf.keras.Model`, z → images.
    z: float32 [num_points, z_dims], of the gallery.
    crop_px: int, what the networks see of an aligned face.
    space: `region.Region` or `latents.Normal`, in which the lines lie.
    num_expressions: int, two or more.
    real_images: uint8 [num_reals, size, size, 3], some of the run's set; None where that is gone.

  Returns:
    list of int.

  Raises:
    errors.InputError: there are fewer than two points.
  """
  if len(z) < 2:
    raise errors.InputError(f'`num_images` ({len(z)}) of the gallery must be 2 or more to go from one expression to '
                            'another. Make another gallery with --num_images=64.')
  pictures = networks.generate(generator, z)
  are_clean, strangeness = _judge(real_images, crop_px)
  seen = meshes.look(pictures, crop_px)
  numbers = np.flatnonzero(are_clean(pictures, seen))
  if len(numbers) > _FEWEST_USUAL:  # the measure lets flawed ones pass, but they are the stranger ones
    strange = strangeness(pictures[numbers])
    numbers = numbers[strange <= np.quantile(strange, _USUAL)]
  if len(numbers) < 2:
    chosen = farthest(features.thumbnails(pictures))
    logging.warning('Only %d of %d pictures of the gallery look real, and two are needed: chose %d and %d, which '
                    'differ most. Train longer, or choose by --source and --target.', len(numbers), len(z), *chosen)
    return list(chosen)
  points = vectors(seen.landmarks[numbers])
  yaw, _, _ = measures.pose(seen.landmarks[numbers])

  @functools.cache
  def is_clean_between(one, other):
    line = motion.between(generator, space, z[[numbers[one], numbers[other]]], _NUM_BETWEEN + 1, False)
    return are_clean(networks.generate(generator, line[1:-1])).all()

  places, is_clean_all_along = tour(points, yaw, num_expressions, is_clean_between)
  if not is_clean_all_along:
    logging.warning('Between all pairs of expressions that were tried some frame is not a clean face. Training longer '
                    'helps.')
  chosen = [int(numbers[place]) for place in places]
  landmarks = seen.landmarks
  for source, target in zip(chosen[:-1], chosen[1:]):
    logging.info('Chose %d to %d: %s.', source, target, describe(landmarks[source], landmarks[target]))
  return chosen


def tour(points, yaw, num_expressions, is_good_line):
  """Returns which points to go through: from the most typical one to each farthest from all before, and home again.

  From one to the next, and home, the head turns by 15° at most, so that one that is turned far is reached over others
  between; where the last is too far from home, the way goes back as it came. Only of two, where there is no other, the
  second may be turned farther.

  Args:
    points: float [num_points, num_values], two or more, as `vectors` gives them.
    yaw: float [num_points], how far the heads are turned to the side, in degrees.
    num_expressions: int, two or more; fewer are taken where there are fewer points.
    is_good_line: callable of two ints, whether the line between these points may be gone.

  Returns:
    (list of int, bool): two points, or more that end with the first; and whether all lines are good.
  """
  from_usual = np.linalg.norm(points - np.median(points, axis=0), axis=1)
  rest = int(np.flatnonzero(from_usual <= from_usual.min() + _ALIKE)[0])  # of equal ones the first, on each machine
  chosen, is_good = [rest], True
  distances = np.linalg.norm(points - points[rest], axis=1)
  num_expressions = min(num_expressions, len(points))
  while len(chosen) < num_expressions:
    num_turns_home = num_expressions - len(chosen)
    ends = [chosen[-1], rest] if num_turns_home == 1 and num_expressions > 2 else [chosen[-1]]
    ranked = [int(i) for i in np.argsort(-distances, kind='stable') if i not in chosen]
    near = [i for i in ranked if abs(yaw[i] - yaw[chosen[-1]]) <= _MOST_TURN_DEG
            and abs(yaw[i] - yaw[rest]) <= num_turns_home * _MOST_TURN_DEG]
    tried = (ranked if len(chosen) == 1 and not near else near)[:_NUM_TRIED]
    good = next((i for i in tried if all(is_good_line(end, i) for end in ends)), None)
    if good is None and len(chosen) > 1:  # a shorter way is better than one that shows something broken
      break
    is_good &= good is not None
    chosen.append(tried[0] if good is None else good)
    distances = np.minimum(distances, np.linalg.norm(points - points[chosen[-1]], axis=1))
  if len(chosen) == 2:
    return chosen, is_good
  way = list(chosen)
  for before in chosen[-2:0:-1]:
    if abs(yaw[way[-1]] - yaw[rest]) <= _MOST_TURN_DEG and is_good_line(way[-1], rest):
      break
    way.append(before)
  return way + [rest], is_good


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


def _judge(real_images, crop_px):
  """Returns two callables of pictures, uint8: which are clean faces, bool [num], and how strange each is, float [num].

  The first may be told what was seen in them.
  """
  if real_images is not None:
    seen = meshes.look(real_images, crop_px)
    if (seen.num_faces == 1).sum() >= real_pictures.FEWEST:
      whole = wholeness.Wholeness(real_images, crop_px, seen)
      return whole.is_clean, whole.strangeness
  return (lambda pictures, seen=None: meshes.in_place(seen or meshes.look(pictures, crop_px)),
          lambda pictures: np.zeros(len(pictures)))
