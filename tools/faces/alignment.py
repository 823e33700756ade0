"""The aligned face: one similarity transform that takes the irises to CelebA's places in 178×218 px.

Or, as the report's second experiment had it, a crop around the face, which is not turned: then the eyes lie anywhere.

Positions are in px where the first pixel covers 0 to 1, so that its centre is 0.5; x goes right, y down. Left and right
are the image's.
"""

import dataclasses
import math

import cv2
import numpy as np

from dcgan.data import records
from dcgan.options import config

# What Face Mesh finds on CelebA's own aligned pictures: the median over 498, std 2.4 px in x and 1.6 px in y.
IMAGE_LEFT_EYE = (69.4, 111.7)
IMAGE_RIGHT_EYE = (108.4, 111.7)

EYES, OFF = 'eyes', 'off'
ALIGNMENTS = (EYES, OFF)
# Where the box around all landmarks of an aligned face lies: the median of its centre, and of the geometric mean of its
# sides, over 800 photos of LFW.
FACE_BOX_CENTRE = (88.9, 132.3)
FACE_BOX_SIDE_PX = 97.4

# What the networks see by default, as x0, y0, x1 and y1: (35, 55, 143, 163), with the eyes in its middle.
CENTRAL_CROP = tuple((side + sign * config.Data.crop) // 2 for sign in (-1, 1)
                     for side in (records.FACE_WIDTH_PX, records.FACE_HEIGHT_PX))

_MAX_SUPERSAMPLING = 4  # beyond it the source is shrunk first, so that memory stays small for large photos
_FREE_SHRINK = 0.25  # a picture that is so little too large shows no aliasing
_FILL_BLUR_PX = 6.0
_BLUR_SHRINK = 4
_POLYGON_BITS = 4
_FEATHER_PX = 8.0


@dataclasses.dataclass(frozen=True, eq=False)
class AlignedFace:
  """A face in the aligned frame.

  Attributes:
    image: uint8 RGB [218, 178, 3].
    landmarks: float32 [num_points, 3], in px of `image`, z in the same scale.
    outside_fraction: float in [0, 1], the share of the central 108×108 that lies outside the source picture.
  """

  image: np.ndarray
  landmarks: np.ndarray
  outside_fraction: float


def similarity(eyes):
  """Returns the transform that takes two eyes to CelebA's places by a rotation, one scale and a translation.

  Args:
    eyes: float [2, 2], x and y in px of the iris centres, the one on the left of the image first; not the same point.

  Returns:
    float64 [2, 3], which takes (x, y, 1) of the source to (x, y) of the aligned frame.
  """
  source_left, source_right = (complex(*eye) for eye in np.asarray(eyes, np.float64))
  left, right = complex(*IMAGE_LEFT_EYE), complex(*IMAGE_RIGHT_EYE)
  turn = (right - left) / (source_right - source_left)  # as complex numbers: scale and rotation in one factor
  shift = left - turn * source_left
  return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def crop(landmarks):
  """Returns the transform that takes a face's box to its usual place by one scale and a translation, without a turn.

  It is what cropping by hand does, the report's experiment 2: the face fills the frame as an aligned one does, but the
  eyes fall where the pose, the expression and the tilt of the head leave them.

  Args:
    landmarks: float [num_points, 3], in px of the source.

  Returns:
    float64 [2, 3], which takes (x, y, 1) of the source to (x, y) of the aligned frame.

  Raises:
    ValueError: a landmark is not finite.
  """
  points = np.asarray(landmarks, np.float64)[:, :2]
  if not np.isfinite(points).all():
    raise ValueError('`landmarks` must be finite: the box of a face cannot be told from its eyes.')
  low, high = points.min(axis=0), points.max(axis=0)
  scale = FACE_BOX_SIDE_PX / math.sqrt(np.prod(high - low))
  shift = np.array(FACE_BOX_CENTRE) - scale * (low + high) / 2
  return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def place(landmarks, eyes, alignment=EYES):
  """Returns the transform of a face's picture to the aligned frame, float64 [2, 3].

  Args:
    landmarks: float [num_points, 3], in px of the source.
    eyes: float [2, 2], the iris centres in px of the source, image left first.
    alignment: str of `ALIGNMENTS`: EYES as `similarity` does, OFF as `crop` does.

  Raises:
    ValueError: `alignment` is none of these, or a landmark that it needs is not finite.
  """
  if alignment not in ALIGNMENTS:
    raise ValueError(f'`alignment` ({alignment!r}) must be one of {", ".join(ALIGNMENTS)}.')
  return similarity(eyes) if alignment == EYES else crop(landmarks)


def align(image, landmarks, eyes, alignment=EYES):
  """Returns the `AlignedFace` of a picture.

  Shrinking is antialiased. What lies outside the picture is filled by its replicated edge, blurred, and feathered
  into it.

  Args:
    image: uint8 RGB [height, width, 3].
    landmarks: float32 [num_points, 3], in px of `image`, z in the same scale.
    eyes: float [2, 2], the iris centres in px of `image`, image left first.
    alignment: str of `ALIGNMENTS`; OFF crops only.

  Raises:
    ValueError: as in `place`.
  """
  transform = place(landmarks, eyes, alignment)
  scale = math.hypot(transform[0, 0], transform[1, 0])
  aligned = _warp(image, transform, scale)
  height, width, _ = image.shape
  if outside_fraction(transform, width, height, 0, 0, records.FACE_WIDTH_PX, records.FACE_HEIGHT_PX) > 0:
    aligned = _soften_outside(aligned, transform, width, height)
  outside = outside_fraction(transform, width, height, *CENTRAL_CROP)
  return AlignedFace(aligned, align_points(landmarks, transform), outside)


def align_points(points, transform):
  """Returns points of the source in the aligned frame.

  Args:
    points: float [num_points, 3], in px of the source, z in the same scale.
    transform: float [2, 3], of the source to the aligned frame.

  Returns:
    float32 [num_points, 3], in px of the aligned frame, z in the same scale.
  """
  points = np.asarray(points, np.float64)
  scale = math.hypot(transform[0, 0], transform[1, 0])
  moved = points[:, :2] @ transform[:, :2].T + transform[:, 2]
  return np.concatenate([moved, points[:, 2:] * scale], axis=1).astype(np.float32)


def outside_fraction(transform, width, height, x0, y0, x1, y1):
  """Returns the share, 0 to 1, of the rectangle (x0, y0)–(x1, y1) of the aligned frame outside a source picture.

  Args:
    transform: float [2, 3], of the source to the aligned frame.
    width: int, of the source picture in px.
    height: int, likewise.
    x0, y0, x1, y1: floats, in px of the aligned frame.
  """
  rectangle = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
  in_source = np.linalg.solve(transform[:, :2], (rectangle - transform[:, 2]).T)
  if (in_source >= 0).all() and (in_source.T <= [width, height]).all():
    return 0.0
  # float32 is what OpenCV takes here; over faces of 12 to 1,500 px between the eyes it is off by 1e-6 at most.
  inside, _ = cv2.intersectConvexConvex(rectangle.astype(np.float32),
                                        _corners(transform, width, height).astype(np.float32))
  outside = 1.0 - inside / ((x1 - x0) * (y1 - y0))
  return float(outside) if outside > 1e-6 else 0.0


def _corners(transform, width, height):
  """Returns the corners of a source picture in the aligned frame, float64 [4, 2]."""
  return np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ transform[:, :2].T + transform[:, 2]


def _warp(image, transform, scale):
  """Returns `image` [height, width, 3] in the aligned frame; its edge is replicated outside."""
  shrink = max(1, math.floor(1 / scale / _MAX_SUPERSAMPLING))
  if shrink > 1:
    image = _shrunk(image, shrink)
    transform = transform * [shrink, shrink, 1]
  factor = min(_MAX_SUPERSAMPLING, max(1, math.ceil(1 / (scale * shrink) - _FREE_SHRINK)))
  width, height = records.FACE_WIDTH_PX, records.FACE_HEIGHT_PX
  warped = _warp_centres(image, transform * factor, width * factor, height * factor,
                         cv2.INTER_CUBIC if factor == 1 else cv2.INTER_LINEAR)
  return warped if factor == 1 else cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)


def _shrunk(image, factor):
  """Returns `image` averaged over factor × factor blocks; the last ones are completed by replicating the edge."""
  bottom, right = -image.shape[0] % factor, -image.shape[1] % factor
  image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
  return cv2.resize(image, (image.shape[1] // factor, image.shape[0] // factor), interpolation=cv2.INTER_AREA)


def _warp_centres(image, transform, width, height, interpolation, border=cv2.BORDER_REPLICATE):
  """Returns `cv2.warpAffine` for a transform between positions: OpenCV's are half a pixel less."""
  half = transform[:, :2] @ [0.5, 0.5] - [0.5, 0.5]
  matrix = np.concatenate([transform[:, :2], (transform[:, 2] + half)[:, None]], axis=1)
  return cv2.warpAffine(image, matrix, (width, height), flags=interpolation, borderMode=border)


def _soften_outside(aligned, transform, width, height):
  """Returns the aligned picture with what lies outside the source blurred, more with the distance from its edge."""
  # OpenCV's pixel centres are whole numbers; the last bits of its fixed point are fractions.
  polygon = np.rint((_corners(transform, width, height) - 0.5) * (1 << _POLYGON_BITS)).astype(np.int32)
  inside = cv2.fillConvexPoly(np.zeros(aligned.shape[:2], np.uint8), polygon, 255, shift=_POLYGON_BITS)
  if not inside.any():
    return aligned
  distance = cv2.distanceTransform(255 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
  weight = np.clip(distance / np.float32(_FEATHER_PX), 0, 1)
  # A blur so wide is the same, and ten times as fast, on a picture of a quarter of the size.
  small = cv2.resize(aligned, None, fx=1 / _BLUR_SHRINK, fy=1 / _BLUR_SHRINK, interpolation=cv2.INTER_AREA)
  small = cv2.GaussianBlur(small, (0, 0), _FILL_BLUR_PX / _BLUR_SHRINK, borderType=cv2.BORDER_REPLICATE)
  blurred = cv2.resize(small, aligned.shape[1::-1], interpolation=cv2.INTER_LINEAR)
  return cv2.blendLinear(blurred, aligned, weight, 1 - weight)
