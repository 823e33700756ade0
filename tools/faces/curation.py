"""Which faces are kept, and what is measured on them."""

import dataclasses
import re

import cv2
import numpy as np

from dcgan import errors
from tools.faces import alignment

NO_FACE = 'no face found'

_DESCRIPTOR_SIDE_PX = 16


@dataclasses.dataclass(frozen=True)
class Limits:
  """What a face must have to be kept.

  Attributes:
    min_eye_distance_px: float >= 1, between the iris centres in the source picture; 39 in an aligned one.
    max_outside_fraction: float in [0, 1], of the central 108×108 crop that may lie outside the source picture.

  Raises:
    errors.InputError: a value is out of its range.
  """

  min_eye_distance_px: float = 12.0
  max_outside_fraction: float = 0.2

  def __post_init__(self):
    if not self.min_eye_distance_px >= 1:
      raise errors.InputError(f'`min_eye_distance_px` ({self.min_eye_distance_px}) must be 1 or more. Use 12.')
    if not 0 <= self.max_outside_fraction <= 1:
      raise errors.InputError(f'`max_outside_fraction` ({self.max_outside_fraction}) must be within 0 and 1. Use 0.2.')


def reason_against_eyes(eyes, limits):
  """Returns why eyes (float [2, 2] in px of the source picture) are rejected, or None."""
  distance = float(np.hypot(*(np.asarray(eyes, np.float64)[1] - np.asarray(eyes, np.float64)[0])))
  if distance < limits.min_eye_distance_px:
    return f'eyes {distance:.1f} px apart, under --min_eye_distance_px={limits.min_eye_distance_px:g}'
  return None


def reason_against_crop(aligned, limits):
  """Returns why an `alignment.AlignedFace` is rejected, or None."""
  if aligned.outside_fraction > limits.max_outside_fraction:
    return (f'{100 * aligned.outside_fraction:.0f} % of the crop lies outside the picture, over '
            f'--max_outside_fraction={limits.max_outside_fraction:g}')
  return None


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


def count_kinds(rejected):
  """Returns how often each kind of reason occurs, the most frequent first.

  Args:
    rejected: iterable of `records.Rejection`.

  Returns:
    dict of str to int; where reasons differ in their numbers only, those are written N.
  """
  texts = {}
  for rejection in rejected:
    kind = re.sub(r'(?<![=\w])-?\d+(\.\d+)?', 'N', rejection.reason)  # a flag's value, behind =, is the same in all
    texts.setdefault(kind, []).append(rejection.reason)
  counts = {kind if len(set(reasons)) > 1 else reasons[0]: len(reasons) for kind, reasons in texts.items()}
  return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _central_grey(image):
  x0, y0, x1, y1 = alignment.CENTRAL_CROP
  return cv2.cvtColor(np.ascontiguousarray(image[y0:y1, x0:x1]), cv2.COLOR_RGB2GRAY)
