"""What stands behind a person in the aligned picture: kept, blurred, or one flat colour.

MediaPipe's selfie segmentation tells the person. Of its two models the general one, on the aligned picture itself, gave
the best edges at hair and shoulders: on wider views it lost shoulders or took in what stands behind.
"""

import cv2
import numpy as np

from dcgan.common import errors
from tools.faces import models

BACKGROUNDS = ('keep', 'blur', 'white', 'green')

_FLAT_RGB = {'white': (255, 255, 255), 'green': (0, 177, 64)}  # green as in chroma key paper
_BLUR_PX = 14.0
_FEWEST_PERSON = 0.05  # share of the picture: with less, nobody was found
# The guided filter (He et al. 2013) lays the model's edge on the picture's own. Wider ones let it stray where hair and
# background are both dark; with less eps OpenCV's runs out of digits and leaves squares.
_GUIDE_RADIUS_PX = 3
_GUIDE_EPS = 1e-4 * 255**2
_SURE_LOW, _SURE_HIGH = 0.1, 0.9  # a mask below is background and above person, without a veil
_REACH_PX = 6  # how far soft hair may stand off from what surely belongs to the person
_COLOUR_PX = 6.0  # how far around the colours of person and background are looked for
_SURE_POWER = 4  # so much more do sure pixels tell about them than mixed ones
_FEWEST_WEIGHT = 1e-3  # a mean of less is left to a wider one
_SHRUNK_SIGMA_PX = 3.0  # wider means are taken over a picture shrunk until they are as narrow


class Remover:
  """Changes what stands behind people.

  The same picture always gives the same result. Not to be used in a forked process: MediaPipe hangs there.

  Args:
    kind: str of `BACKGROUNDS`.

  Raises:
    errors.InputError: there is no such kind.
  """

  def __init__(self, kind):
    if kind not in BACKGROUNDS:
      raise errors.InputError(f'`background` ({kind}) must be one of {", ".join(BACKGROUNDS)}. Use keep to leave '
                              'pictures as they are.')
    self._kind = kind
    self._graph = None if kind == 'keep' else models.selfie_segmentation()

  def apply(self, image):
    """Returns a picture with its background changed, or as it is where the model sees nobody in it.

    Args:
      image: uint8 RGB [218, 178, 3], aligned.

    Returns:
      uint8 RGB [218, 178, 3]; `image` itself where nothing was changed.
    """
    if self._graph is None:
      return image
    mask = refined(image, self._graph.process(np.ascontiguousarray(image)).segmentation_mask)
    return composed(image, mask, self._kind) if mask.mean() >= _FEWEST_PERSON else image


def refined(image, mask):
  """Returns the mask of the person in the middle, with an edge that follows the picture's.

  Other people who stand apart count as background.

  Args:
    image: uint8 RGB [height, width, 3].
    mask: float32 [height, width] in [0, 1].

  Returns:
    float32 [height, width] in [0, 1], 1 is person.
  """
  mask = np.ascontiguousarray(mask * _nearness_to_central_person(mask), np.float32)
  mask = cv2.ximgproc.guidedFilter(image.astype(np.float32), mask, _GUIDE_RADIUS_PX, _GUIDE_EPS)
  return np.clip((mask - _SURE_LOW) / (_SURE_HIGH - _SURE_LOW), 0, 1)


def _nearness_to_central_person(mask):
  """Returns 1 at and around the piece of a mask that holds most of the picture's middle, 0 away from it, float32."""
  height, width = mask.shape
  _, pieces = cv2.connectedComponents((mask > 0.5).astype(np.uint8), connectivity=4)
  middle = pieces[height // 3:2 * height // 3, width // 3:2 * width // 3]
  counts = np.bincount(middle.ravel(), minlength=2)
  counts[0] = 0  # what is no person
  if not counts.any():
    return np.zeros_like(mask)
  away = cv2.distanceTransform((pieces != counts.argmax()).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
  return np.clip(2 - away / _REACH_PX, 0, 1)


def composed(image, mask, kind):
  """Returns a person before another background.

  At the edge a pixel holds both the person's colour and the old background's, which would stay as a fringe. Both are
  estimated from the sure pixels around, and what the old background gave is taken out (Germer et al. 2020,
  arXiv:2006.14970, in one level).

  Args:
    image: uint8 RGB [height, width, 3].
    mask: float32 [height, width] in [0, 1], 1 is person.
    kind: 'blur', 'white' or 'green'.

  Returns:
    uint8 RGB [height, width, 3].
  """
  picture = image.astype(np.float32)
  share = mask[..., np.newaxis]
  behind = _spread(picture, (1 - mask)**_SURE_POWER, _COLOUR_PX)
  person = _spread(picture, mask**_SURE_POWER, _COLOUR_PX)
  misfit = picture - share * person - (1 - share) * behind
  person = np.clip(person + share * misfit / (np.square(share) + np.square(1 - share)), 0, 255)
  person = np.where(share >= 1, picture, person)
  if kind == 'blur':
    new = _spread(picture, (1 - mask)**_SURE_POWER, _BLUR_PX)
  else:
    new = np.array(_FLAT_RGB[kind], np.float32)
  return np.rint(share * person + (1 - share) * new).astype(np.uint8)


def _spread(picture, weight, sigma_px):
  """Returns the mean colour around each pixel of what has `weight` [height, width] (normalised convolution).

  Where a narrow mean finds nothing, wider ones answer; so there is a colour everywhere.
  """
  height, width = weight.shape
  weighted = np.dstack([picture * weight[..., np.newaxis], weight])
  result, unknown = np.zeros_like(picture), np.ones([height, width, 1], np.float32)
  for sigma in (sigma_px, 4 * sigma_px, 16 * sigma_px):
    shrink = max(1, int(sigma / _SHRUNK_SIGMA_PX))  # a wide mean needs few pixels
    small = cv2.resize(weighted, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT)
    mean = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    total = mean[..., 3:]
    trust = np.clip(total / _FEWEST_WEIGHT, 0, 1)
    result += unknown * trust * mean[..., :3] / np.maximum(total, 1e-12)
    unknown = unknown * (1 - trust)
  return result + unknown * picture.mean(axis=(0, 1))
