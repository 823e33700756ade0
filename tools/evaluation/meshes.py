"""What Face Mesh sees in the pictures that networks make or see: whether they are faces, in their places, and which."""

import dataclasses
import functools

import cv2
import numpy as np

from dcgan.common import features
from dcgan.common import wording
from dcgan.data import records
from dcgan.metrics import distances
from tools.faces import alignment
from tools.faces import landmarks as face_landmarks
from tools.faces import models

FEWEST_FACES = 10  # whose poses and expressions can be compared

# Measured on 64 px pictures of four people at crops of 108 and 140 px: enlarged and with grey around them, one face was
# found in each; without the border, in 93 % of those that are cropped closely. A border that goes on with the edge
# makes faces of what is cut off by it. Larger than 192 px changes nothing.
_ENLARGED_PX = 192
_BORDER_PX = _ENLARGED_PX // 4
_BORDER_GREY = (128, 128, 128)
_MAX_NUM_FACES = 4
_LARGE = 0.5  # of the largest face's width: a smaller face is somebody in the background
# How far an eye may be off, in px of the aligned frame. In 98 % of the same pictures both irises were found within 2.8
# px, in 99.5 % within 4. Of faces that were drawn out of shape, points moved by 3 % of the picture, a fifth passes.
_EYE_TOLERANCE_PX = 4.0
_NUM_COMPONENTS = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
  """What was seen in pictures.

  Attributes:
    num_faces: int64 [num_images]; faces in the background, under half as wide as the largest, do not count.
    landmarks: float32 [num_images, 478, 3], in px of the aligned frame, z in the same scale; NaN where there is no
      face, or where there are several.
  """

  num_faces: np.ndarray
  landmarks: np.ndarray


def look(images, crop_px, is_mirrored=False):
  """Returns what Face Mesh (Kartynnik et al. 2019, arXiv:1907.06724) sees in pictures, real or generated.

  Not to be called in a forked process (`models`).

  Args:
    images: uint8 [num_images, size, size, 3], the central square of the aligned face, resized; one picture or more.
    crop_px: int, the side of that square in px of the aligned frame.
    is_mirrored: bool, whether the pictures are mirrored beyond their edges instead of grey there. Where it is known
      that they are faces, mouths and chins that reach the edge are read better: in 178 frames of a woman jawOpen went
      with what the whole frames show by 0.85 instead of 0.68 (correlation), mouthFunnel by 0.79 instead of 0.57.

  Returns:
    `Seen`.

  Raises:
    ValueError: `images` has another type or shape or holds no picture, or `crop_px` is larger than the frame.
  """
  features.check('images', images)
  if not 1 <= crop_px <= records.FACE_WIDTH_PX:
    raise ValueError(f'`crop_px` ({crop_px}) must lie between 1 and {records.FACE_WIDTH_PX} px, the width of an '
                     'aligned face.')
  left, top = corner(crop_px)
  num_faces = np.zeros(len(images), np.int64)
  points = np.full([len(images), records.NUM_LANDMARKS, 3], np.nan, np.float32)
  for i, image in enumerate(images):
    faces = _large_faces(image, is_mirrored)
    num_faces[i] = len(faces)
    if len(faces) == 1:
      in_picture = faces[0] - np.float32([_BORDER_PX, _BORDER_PX, 0])
      points[i] = in_picture * np.float32(crop_px / _ENLARGED_PX) + np.float32([left, top, 0])
  return Seen(num_faces, points)


def corner(crop_px):
  """Returns (left, top), int, the corner of what networks see of an aligned face, in px of its frame.

  Args:
    crop_px: int, the side of that square.
  """
  return (records.FACE_WIDTH_PX - crop_px) // 2, (records.FACE_HEIGHT_PX - crop_px) // 2


def found_rate(seen):
  """Returns the share of pictures, 0 to 1, in which there is exactly one face, wherever it is.

  Args:
    seen: `Seen`, of one picture or more.
  """
  return float(np.mean(seen.num_faces == 1))


def in_place(seen):
  """Returns in which pictures there is exactly one face, with both eyes in their places, bool [num_images].

  The places are those of the aligned face; of pictures that were not aligned few pass.

  Args:
    seen: `Seen`.
  """
  eyes = seen.landmarks[:, list(face_landmarks.IRISES), :2]
  off_px = np.linalg.norm(eyes - np.float32([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE]), axis=-1)
  return (off_px <= _EYE_TOLERANCE_PX).all(axis=1)  # NaN is not


def landmark_errors(real, made):
  """Returns how far the features of made faces are from those of the real ones that they should be.

  Args:
    real: `Seen`.
    made: `Seen` of as many pictures.

  Returns:
    float64 [num_images], the mean distance of the mesh's points in the picture's plane, over the distance of the real
    one's eyes; NaN where either shows no face, or several.
  """
  left, right = (np.asarray(seen.landmarks[..., :2], np.float64) for seen in (real, made))
  eyes = left[:, list(face_landmarks.IRISES)]
  return np.linalg.norm(right - left, axis=-1).mean(axis=-1) / np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=-1)


def geometry_distance(real_landmarks, fake_landmarks):
  """Returns the Fréchet distance between the poses and expressions of real and of generated faces.

  Each face is its points' x and y, moved and scaled so that the middle between the eyes is at 0 and the eyes are 1
  apart; a tilt stays. To compare few pictures too, only the directions in which the reals differ most count: up to 16
  principal components, at most half as many as reals. Over them the means and the covariances of both are compared
  (Dowson and Landau 1982; `distances.frechet_distance`).

  Differs from the same distance over all points: a movement that no real face makes counts nothing, unless it moves
  along those components. The number of fakes matters a little, as in any Fréchet distance: compare equal numbers.

  Args:
    real_landmarks: float [num_reals, 478, 3], as in `Seen`; rows with NaN are left out.
    fake_landmarks: float [num_fakes, 478, 3], likewise.

  Returns:
    float, 0 or more, in squared hundredths of the distance of the eyes, the mean over the points: 25 is what it costs
    to have every point of every face off by a twentieth of that distance along what reals do.

  Raises:
    ValueError: fewer than `FEWEST_FACES` real or generated faces are left.
  """
  reals, fakes = _shapes('real_landmarks', real_landmarks), _shapes('fake_landmarks', fake_landmarks)
  mean = reals.mean(axis=0)
  _, _, directions = np.linalg.svd(reals - mean, full_matrices=False)
  directions = directions[:min(_NUM_COMPONENTS, len(reals) // 2)].T
  return distances.frechet_distance((reals - mean) @ directions, (fakes - mean) @ directions)


@functools.cache
def _mesh():
  return models.FaceMesh(_MAX_NUM_FACES)


def _large_faces(image, is_mirrored):
  """Returns the landmarks of the large faces in a picture, float32 [num_faces, 478, 3], in px of the enlarged one."""
  size_px = (_ENLARGED_PX, _ENLARGED_PX)
  shrinks = len(image) > _ENLARGED_PX
  enlarged = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
  kind = cv2.BORDER_REFLECT_101 if is_mirrored else cv2.BORDER_CONSTANT
  faces, _, _ = _mesh().process(cv2.copyMakeBorder(enlarged, *[_BORDER_PX] * 4, kind, value=_BORDER_GREY))
  widths = np.ptp(faces[..., 0], axis=1)
  return faces[widths >= _LARGE * widths.max(initial=0)]


def _shapes(name, landmarks):
  """Returns the finite ones of landmarks as float64 [num_faces, 956], in hundredths of the eyes' distance.

  They are divided by the root of the number of points, so that a squared distance is the mean over the points.
  """
  points = np.asarray(landmarks, np.float64)
  points = points[np.isfinite(points).all(axis=(1, 2))][..., :2]
  if len(points) < FEWEST_FACES:
    raise ValueError(f'`{name}` holds {wording.counted(len(points), "face")}, but a distance between poses and '
                     f'expressions needs {FEWEST_FACES} or more.')
  eyes = points[:, list(face_landmarks.IRISES)]
  apart = np.maximum(np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=-1), 1e-3)
  shapes = (points - eyes.mean(axis=1, keepdims=True)) / apart[:, np.newaxis, np.newaxis]
  return 100 * shapes.reshape(len(points), -1) / np.sqrt(points.shape[1])
