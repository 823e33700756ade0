"""Pictures turned in their plane: the tilt of the head, which aligning takes out of a model's pictures."""

import cv2
import numpy as np

_BLUR = 0.03  # of the width: of what the turn brings in from outside


def tilt(image, roll_deg):
  """Returns a picture turned about its middle; what comes in at the corners is its edge, blurred.

  Args:
    image: uint8 [size, size, 3].
    roll_deg: float, above 0 clockwise.

  Returns:
    uint8 [size, size, 3].
  """
  if not roll_deg:
    return image
  size = len(image)
  middle = (size - 1) / 2
  turn = cv2.getRotationMatrix2D((middle, middle), -roll_deg, 1.0)
  warp = lambda picture, flags, border: cv2.warpAffine(picture, turn, (size, size), flags=flags, borderMode=border)
  turned = warp(image, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
  inside = warp(np.ones([size, size], np.float32), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
  blurred = cv2.GaussianBlur(turned, (0, 0), max(_BLUR * size, 0.5), borderType=cv2.BORDER_REPLICATE)
  return cv2.blendLinear(turned, blurred, inside, 1.0 - inside)
