"""Finds the faces of a picture and their landmarks."""

import dataclasses

import numpy as np

from tools.faces import alignment
from tools.faces import models

# MediaPipe's own names are the subject's: its left iris, 473, is on the right of the image.
IMAGE_LEFT_IRIS = 468
IMAGE_RIGHT_IRIS = 473
IRISES = (IMAGE_LEFT_IRIS, IMAGE_RIGHT_IRIS)

_MAX_NUM_FACES = 10
# Measured on 402 photos of two people and hard ones, turned: misread upside-down faces score up to 0.84 in the
# detectors, and 98 % of upright ones over 0.87, so does every frame of seven films.
_PLAIN = 0.87
# What turned pictures without a lying face show scores up to 0.78; truly lying faces, turned upright, mostly over 0.9.
_SURE = 0.82
# Few pictures lie, and a lying face is read as well as an upright one: that reading must be clearly better. One on its
# head is not.
_PENALTIES = (0.0, 0.1, 0.0, 0.1)
_SAME_EYES_PX = 12.0  # how far eyes may move when an aligned face is looked at again: misread ones jump by 20 and more
_CROP_MARGIN = 0.5  # of the box's longer side, on each side: the mesh looks for the face in the crop again
_LARGE = 0.5  # of the largest face's width: a smaller face is somebody in the background
# The short-range detector finds faces over an eighth of the picture's longer side: where the largest is under a
# quarter, one half as large may be missing.
_SMALL = 0.25
_SAME = 0.3  # overlap over union of two boxes around one face


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
  """A face in a picture.

  Attributes:
    landmarks: float32 [478, 3], x and y in px of the picture (the first pixel covers 0 to 1, its centre is 0.5; points
      may lie outside), z in the same scale, smaller is nearer.
    score: float in [0, 1], how sure the detector is.
  """

  landmarks: np.ndarray
  score: float

  @property
  def box(self):
    """float32 [4], x0, y0, x1 and y1 in px around all landmarks."""
    points = self.landmarks[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])

  @property
  def eyes(self):
    """float32 [2, 2], x and y in px of the iris centres, image left first."""
    return self.landmarks[list(IRISES), :2]


class FaceFinder:
  """Finds the faces of a picture.

  MediaPipe's short-range detector with Face Mesh and irises comes first. Where its faces are small or missing, the
  full-range detector looks too, and Face Mesh is laid on a crop around each face. Where nothing upright is plain, the
  picture is searched lying and upside down, because the models misread a face that stands on its head, or miss it; the
  reading is taken whose face, brought upright, looks most like an upright one and least like one on its head.
  """

  def __init__(self):
    self._mesh = models.FaceMesh(_MAX_NUM_FACES)
    self._detector = models.FullRangeDetector()

  def find_all(self, image):
    """Returns the faces of a picture, large ones from its centre outwards, then the others so.

    Args:
      image: uint8 RGB [height, width, 3].

    Returns:
      list of `Found`.
    """
    upright = self._search(image)
    score = _score(upright)
    # A misread face scores more on its head than as it is.
    if score >= _PLAIN or score >= _SURE and self._score_on_head(_aligned(image, upright)) < score:
      return upright
    # Most such pictures are upright and just hard: where they show a face, the quick detector alone looks for a lying
    # one.
    turned = [np.rot90(image, num_turns) for num_turns in range(4)]
    readings = [upright] + [self._search(each, is_quick=bool(upright)) for each in turned[1:]]
    if not upright and max(map(_score, readings)) < _SURE:
      return []
    trusts = [self._trust(*each) for each in zip(turned, readings)]
    if upright:
      trusts[0] = score if trusts[0] < 0 else trusts[0]  # a hard face, as in profile, is rather upright than not
      trusts = np.subtract(trusts, _PENALTIES)
    best = int(np.argmax(trusts))
    return [Found(_turned_back(face.landmarks, turned[best].shape, best), face.score) for face in readings[best]]

  def _trust(self, image, faces):
    """Returns how far the surest of some faces of a picture can be trusted, a float, below 0 where it is not seen again.

    It is aligned and looked at again: the eyes must stay in place, and what it scores there beyond what it scores on
    its head is added to its score.
    """
    score, aligned = _score(faces), _aligned(image, faces)
    if aligned is None:
      return score - 2
    again, _, scores = self._mesh.process(aligned)
    eyes = np.array([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE])
    if not any(np.abs(points[list(IRISES), :2] - eyes).max() < _SAME_EYES_PX for points in again):
      return score - 2
    return score + float(scores.max()) - self._score_on_head(aligned)

  def _score_on_head(self, aligned):
    """Returns what the detector scores on an aligned face that is turned upside down; None for no face gives 1."""
    if aligned is None:
      return 1.0
    _, _, scores = self._mesh.process(aligned[::-1, ::-1])
    return float(scores.max(initial=models.MIN_CONFIDENCE))

  def _search(self, image, is_quick=False):
    """Returns the upright faces of a picture, ranked; those that the quick detector sees, or all."""
    height, width, _ = image.shape
    faces, boxes, scores = self._faces(image)
    largest = max((face.box[2] - face.box[0] for face in faces), default=0)
    if largest < _SMALL * max(height, width) and not (is_quick and scores.max(initial=0) < _SURE):
      # Face Mesh is better on a crop than on a face that is small in its picture, or lies.
      faces = []
      boxes, scores = (np.concatenate(pair) for pair in zip((boxes, scores), self._detector.process(image)))
      for i in np.argsort(-scores, kind='stable')[:2 * _MAX_NUM_FACES]:
        if not any(_overlap(face.box, boxes[i]) > _SAME for face in faces):
          faces += self._face_in(image, boxes[i], scores[i])
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    return [faces[i] for i in _ranked(boxes, width, height)]

  def _faces(self, image):
    """Returns the faces that Face Mesh finds in a picture by itself, and its detector's boxes and scores."""
    all_landmarks, boxes, scores = self._mesh.process(image)
    faces = []
    for landmarks in all_landmarks:
      distances = np.hypot(*((boxes[:, :2] + boxes[:, 2:]) / 2 - landmarks[:, :2].mean(axis=0)).T)
      faces.append(Found(landmarks, float(scores[np.argmin(distances)])))
    return faces, boxes, scores

  def _face_in(self, image, box, score):
    """Returns a list of the face in a box, by Face Mesh on a crop around it, or an empty one."""
    x0, y0, x1, y1 = _widened(box, image.shape)
    if x1 <= x0 or y1 <= y0:
      return []
    faces, _, _ = self._faces(image[y0:y1, x0:x1])
    faces = [Found(face.landmarks + np.array([x0, y0, 0], np.float32), float(score)) for face in faces]
    return [face for face in faces if _overlap(face.box, box) > _SAME][:1]


def _score(faces):
  """Returns the score of the surest of some faces, or 0."""
  return max((face.score for face in faces), default=0.0)


def _aligned(image, faces):
  """Returns the surest of some faces of a picture aligned, uint8 RGB; None where there is none, or without a size."""
  face = max(faces, key=lambda face: face.score, default=None)
  if face is None or np.hypot(*(face.eyes[1] - face.eyes[0])) < 1:
    return None
  return alignment.align(image, face.landmarks, face.eyes).image


def _turned_back(points, shape, num_turns):
  """Returns points of a picture of `shape` that had been turned anticlockwise `num_turns` quarters, before that."""
  height, width = shape[:2]
  for _ in range(num_turns):
    points = np.stack([height - points[:, 1], points[:, 0], points[:, 2]], axis=1)
    height, width = width, height
  return points


def _ranked(boxes, width, height):
  """Returns the order of boxes [num_faces, 4]: large ones from the picture's centre outwards, then the others so."""
  sizes = boxes[:, 2] - boxes[:, 0]
  is_small = sizes < _LARGE * sizes.max(initial=0)
  distances = np.hypot((boxes[:, 0] + boxes[:, 2] - width) / 2, (boxes[:, 1] + boxes[:, 3] - height) / 2)
  return np.lexsort((distances, is_small))


def _overlap(box, other):
  """Returns the intersection over the union of two boxes."""
  sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
  intersection = np.prod(np.maximum(sides, 0))
  return intersection / max(np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - intersection, 1e-9)


def _widened(box, shape):
  """Returns a box with the margin, within the picture, as ints x0, y0, x1, y1."""
  margin = _CROP_MARGIN * max(box[2] - box[0], box[3] - box[1])
  limit = [shape[1], shape[0]] * 2
  return np.clip(np.rint(box + margin * np.array([-1, -1, 1, 1])), 0, limit).astype(int)
