"""What is measured on one face: where it looks, what it does, how it is lit, how sharp it is.

Left and right are the image's. Landmarks are MediaPipe's 478 points: x to the right and y down in px, z in the same
scale, smaller is nearer.
"""

import cv2
import numpy as np

from tools.faces import alignment

# A face that looks ahead, by points that expressions hardly move, in hundredths of the outer eye corners' distance:
# pairs (image left, image right, x, y and z of the left one; the right one mirrors it), then the middle line (y, z).
# It is the symmetric mean of 12,269 faces of LFW after generalized Procrustes analysis (Gower 1975), nodded until the
# median pitch of those that look ahead was 0.
_PAIRS = ((33, 263, -50.0, -3.2, 3.6), (133, 362, -20.0, -1.6, -2.2), (127, 356, -80.5, 1.1, 59.1),
          (116, 345, -72.0, 16.0, 18.0), (117, 346, -58.6, 15.2, 4.3), (54, 284, -67.7, -42.0, 19.1),
          (104, 333, -50.8, -40.4, -5.0), (122, 351, -6.4, 3.7, -23.3))
_MIDDLE = ((10, -61.3, -16.8), (151, -43.4, -20.6), (168, -6.5, -21.4), (6, 2.0, -26.1), (197, 10.2, -31.5),
           (195, 18.0, -37.3), (5, 26.2, -43.4), (4, 36.1, -46.0))
_POSE_POINTS = np.array([index for left, right, *_ in _PAIRS for index in (left, right)] + [row[0] for row in _MIDDLE])
_NEUTRAL_SHAPE = np.array(
    [(sign * x, y, z) for _, _, x, y, z in _PAIRS for sign in (1, -1)] + [(0, y, z) for _, y, z in _MIDDLE], np.float64)
_CENTRED_SHAPE = _NEUTRAL_SHAPE - _NEUTRAL_SHAPE.mean(axis=0)
_NEUTRAL_EYE_CORNERS_DISTANCE = 100.0

_OUTER_EYE_CORNERS = (33, 263)
_INNER_LIPS = ((82, 87), (13, 14), (312, 317))  # upper and lower, from image left to right
# The corners, then the upper lid's points above the lower lid's, as p1 … p6 of Soukupova and Cech 2016.
_EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))

_FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
              149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
_NO_SKIN = (  # eyes with lids, brows, lips; each is cut out as its convex hull
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7, 27, 23),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249, 257, 253),
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146))

_DESCRIPTOR_SIDE_PX = 16


def pose(landmarks):
  """Returns where heads look, as angles in degrees.

  The turn, among all rotations with one scale, that takes a neutral face's bones nearest to the points (Kabsch 1976),
  as a nod (pitch), then a turn (yaw), then a tilt in the image (roll): `alignment.align` changes roll only.

  Args:
    landmarks: float [..., 478, 3].

  Returns:
    (yaw, pitch, roll), each float64 [...]: yaw > 0, in [-90, 90], looks to the image's right; pitch > 0 looks up and 0
    is what portraits from the front show; roll > 0 is tilted clockwise in the image and 0 has the eyes level.
  """
  turn, _, _ = _rigid_fit(np.asarray(landmarks, np.float64))
  return _angles(turn)


def looking_ahead(landmarks):
  """Returns faces as if their heads looked ahead, and where they look.

  A similarity transform in space undoes what `pose` tells (Umeyama 1991): what is left of the points' moves is the
  face's own.

  Args:
    landmarks: float [..., 478, 3].

  Returns:
    (float64 [..., 478, 3], (yaw, pitch, roll)): x to the image's right, y down and z away from the camera, in distances
    of the outer eye corners of a neutral face, from a point near the nose's bridge; the angles are those of `pose`.
  """
  points = np.asarray(landmarks, np.float64)
  turn, centre, scale = _rigid_fit(points)
  ahead = (points - centre[..., np.newaxis, :]) @ turn / scale[..., np.newaxis, np.newaxis]
  return (ahead + _NEUTRAL_SHAPE.mean(axis=0)) / _NEUTRAL_EYE_CORNERS_DISTANCE, _angles(turn)


def _rigid_fit(points):
  """Returns turn [..., 3, 3], centre [..., 3] and scale [...] that take a neutral face's bones nearest to points."""
  points = points[..., _POSE_POINTS, :]
  centre = points.mean(axis=-2)
  left, strengths, right = np.linalg.svd(np.swapaxes(points - centre[..., np.newaxis, :], -1, -2) @ _CENTRED_SHAPE)
  is_mirrored = np.linalg.det(left @ right) < 0
  left[..., 2] *= np.where(is_mirrored, -1, 1)[..., np.newaxis]
  strengths[..., 2] *= np.where(is_mirrored, -1, 1)
  return left @ right, centre, strengths.sum(axis=-1) / np.square(_CENTRED_SHAPE).sum()


def _angles(turn):
  """Returns yaw, pitch and roll in degrees, each [...], of rotations [..., 3, 3]."""
  yaw = np.arctan2(turn[..., 2, 0], np.hypot(turn[..., 0, 0], turn[..., 1, 0]))
  pitch = np.arctan2(-turn[..., 2, 1], turn[..., 2, 2])
  roll = np.arctan2(turn[..., 1, 0], turn[..., 0, 0])
  return np.degrees(yaw), np.degrees(pitch), np.degrees(roll)


def mouth_opening(landmarks):
  """Returns the gap between the inner lips over the distance of the outer eye corners.

  Lips that rest show under 0.05, speech 0.1 to 0.35, the widest of 12,000 photos 0.55. The eye corners and not the
  mouth's width or the face's height, because those change with what the mouth does.

  Args:
    landmarks: float [..., 478, 3].

  Returns:
    float64 [...], >= 0.
  """
  points = np.asarray(landmarks, np.float64)
  gaps = [_distance(points, upper, lower) for upper, lower in _INNER_LIPS]
  return np.mean(gaps, axis=0) / _distance(points, *_OUTER_EYE_CORNERS)


def eye_openings(landmarks):
  """Returns how open the eyes are: mean height over width of the lids' opening (Soukupova and Cech 2016).

  Open eyes show 0.2 to 0.4, by person, and shut ones under 0.1.

  Args:
    landmarks: float [..., 478, 3].

  Returns:
    float64 [..., 2], >= 0: the eye on the left of the image, then the one on its right.
  """
  points = np.asarray(landmarks, np.float64)
  openings = [(_distance(points, p2, p6) + _distance(points, p3, p5)) / (2 * _distance(points, p1, p4))
              for p1, p2, p3, p4, p5, p6 in _EYES]
  return np.stack(openings, axis=-1)


def brightness(image, landmarks):
  """Returns the mean luminance of the skin.

  Args:
    image: uint8 RGB [218, 178, 3], aligned.
    landmarks: float [478, 3], in px of `image`.

  Returns:
    float in [0, 255]; NaN when no skin lies in the picture.
  """
  mask = skin_mask(image.shape, landmarks)
  if not mask.any():
    return float('nan')
  return float(cv2.mean(image, mask)[:3] @ np.array([0.299, 0.587, 0.114]))  # ITU-R BT.601


def skin_lab(image, landmarks):
  """Returns the colour of the skin: the face's oval without eyes, brows and mouth.

  Args:
    image: uint8 RGB [218, 178, 3], aligned.
    landmarks: float [478, 3], in px of `image`.

  Returns:
    float32 [2, 3], mean and standard deviation of L (0 to 100), a and b of CIE L*a*b*; NaN when no skin lies in the
    picture.
  """
  # Every other pixel of every other row: a quarter of the time, and thousands of pixels are left.
  mask = np.ascontiguousarray(skin_mask(image.shape, landmarks)[::2, ::2])
  if not mask.any():
    return np.full([2, 3], np.nan, np.float32)
  lab = cv2.cvtColor(np.ascontiguousarray(image[::2, ::2]).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
  mean, std = cv2.meanStdDev(lab, mask=mask)
  return np.stack([mean[:, 0], std[:, 0]]).astype(np.float32)


def skin_mask(shape, landmarks):
  """Returns where the skin is: uint8 [height, width] of 0 and 255.

  Args:
    shape: (height, width, ...) in px.
    landmarks: float [478, 3], in px of a picture of `shape`.
  """
  mask = np.zeros(shape[:2], np.uint8)
  # OpenCV's pixel (0, 0) has its centre there, ours at 0.5; a polygon far outside would overflow its fixed point.
  points = np.clip(np.floor(np.asarray(landmarks)[:, :2]), -10_000, 10_000).astype(np.int32)
  for part, value in ((_FACE_OVAL, 255), *((part, 0) for part in _NO_SKIN)):
    cv2.fillConvexPoly(mask, cv2.convexHull(points[list(part)]), value)
  return mask


def sharpness(image):
  """Returns the variance of the Laplacian of the central crop's luminance; larger is sharper.

  Args:
    image: uint8 RGB [218, 178, 3], aligned.
  """
  return float(cv2.Laplacian(_central_grey(image), cv2.CV_64F).var())


def descriptor(image):
  """Returns 256 values in which near pictures have a small Euclidean distance.

  The luminance of the central 108×108 averaged to 16×16, less its mean, so that a brighter exposure changes nothing.

  Args:
    image: uint8 RGB [218, 178, 3], aligned.

  Returns:
    float32 [256] in [-1, 1], of mean 0.
  """
  grey = _central_grey(image).astype(np.float32) / 255
  values = cv2.resize(grey, (_DESCRIPTOR_SIDE_PX, _DESCRIPTOR_SIDE_PX), interpolation=cv2.INTER_AREA).ravel()
  return values - values.mean()


def _distance(points, one, other):
  return np.linalg.norm(points[..., one, :] - points[..., other, :], axis=-1)


def _central_grey(image):
  x0, y0, x1, y1 = alignment.CENTRAL_CROP
  return cv2.cvtColor(np.ascontiguousarray(image[y0:y1, x0:x1]), cv2.COLOR_RGB2GRAY)
