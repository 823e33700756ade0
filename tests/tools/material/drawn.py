"""Pictures of known colours."""

import numpy as np


def grey(value):
  return np.full([32, 48, 3], value, np.uint8)


def quarters():
  """Returns uint8 [40, 60, 3] with red, green, blue and white quarters, from the top left, row by row."""
  image = np.zeros([40, 60, 3], np.uint8)
  image[:20, :30], image[:20, 30:] = (255, 0, 0), (0, 255, 0)
  image[20:, :30], image[20:, 30:] = (0, 0, 255), (255, 255, 255)
  return image
