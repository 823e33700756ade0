"""What somebody looks like, as a vector in which two pictures of one person tend to be near each other.

Without a recognition network: histograms of uniform local binary patterns on a grid (Ahonen et al. 2006), made the same
for a face and its mirror image, and the colour of the skin. Measured on LFW: of two photos, one of the same person and
one of another, the right one is nearer in 82 % (without the mirror image 78 %; gradient histograms 75 %, small grey
pictures 69 %, skin alone 60 %). Of 471 photos with two faces or more, one reference picks the right face in 95 %; that
is more because the others are often small or blurred there. Within a video, with one light and camera, it is far surer.
"""

import cv2
import numpy as np

from tools.faces import alignment

NUM_VALUES = 2658

_RADIUS_PX = 2
_CELL_PX = 12
_NUM_PATTERNS = 59  # 58 uniform ones, whose ring of bits changes at most twice, and one for all others
# Ring around a pixel as (y, x), clockwise from the top left; a mirror takes place i to place (10 - i) % 8.
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_SKIN_BOX = (60, 125, 118, 145)  # x0, y0, x1, y1 px of the aligned frame: from cheek to cheek
_ROWS_AT_ONCE = 4096
_SKIN_WEIGHT = 0.0007  # of one unit of OpenCV's 8-bit Lab; more helps with two faces in a photo, less between photos


def _pattern_tables():
  """Returns the pattern (0 to 58) of each of the 256 codes, and the pattern of each pattern's mirror image."""
  patterns = np.full(256, _NUM_PATTERNS - 1)
  mirrored = np.zeros(256, int)
  next_pattern = 0
  for code in range(256):
    bits = [code >> i & 1 for i in range(8)]
    mirrored[code] = sum(bits[i] << (10 - i) % 8 for i in range(8))
    if sum(bits[i] != bits[i - 1] for i in range(8)) <= 2:
      patterns[code] = next_pattern
      next_pattern += 1
  mirror = np.zeros(_NUM_PATTERNS, int)
  mirror[patterns] = patterns[mirrored]
  return patterns, mirror


_PATTERNS, _MIRROR = _pattern_tables()


def describe(aligned_image):
  """Returns what somebody looks like.

  Args:
    aligned_image: uint8 RGB [218, 178, 3], eyes on CelebA's places.

  Returns:
    uint8 [2658]: the square roots of the pattern shares of 9 × 5 cells, 255 for 1, then the skin's L, a and b.
  """
  x0, y0, x1, y1 = alignment.CENTRAL_CROP
  r = _RADIUS_PX
  grey = cv2.cvtColor(np.ascontiguousarray(aligned_image[y0 - r:y1 + r, x0 - r:x1 + r]), cv2.COLOR_RGB2GRAY)
  height, width = y1 - y0, x1 - x0
  centre = grey[r:-r, r:-r]
  codes = np.zeros([height, width], np.uint8)
  for i, (y, x) in enumerate(_RING):
    codes |= (grey[r + r * y:r + r * y + height, r + r * x:r + r * x + width] >= centre).view(np.uint8) << i
  rows, columns = height // _CELL_PX, width // _CELL_PX
  cells = np.arange(rows * columns).reshape(rows, columns).repeat(_CELL_PX, 0).repeat(_CELL_PX, 1)
  counts = np.bincount((cells * _NUM_PATTERNS + _PATTERNS[codes]).ravel(), minlength=rows * columns * _NUM_PATTERNS)
  counts = counts.reshape(rows, columns, _NUM_PATTERNS)
  counts = (counts + counts[:, ::-1, _MIRROR])[:, :(columns + 1) // 2]
  shares = counts / (2 * _CELL_PX**2)
  x0, y0, x1, y1 = _SKIN_BOX
  skin = cv2.cvtColor(np.ascontiguousarray(aligned_image[y0:y1, x0:x1]), cv2.COLOR_RGB2LAB)
  colour = np.median(skin.reshape(-1, 3), axis=0)
  return np.rint(np.concatenate([255 * np.sqrt(shares).ravel(), colour])).astype(np.uint8)


def distances(a, b):
  """Returns how differently people look, 0 for the same picture.

  The mean over the cells of 1 less Bhattacharyya's coefficient of their histograms, plus the distance of the skins in
  Lab. Rows may be means of several `describe`: the first part is then the mean over all pairs.

  Args:
    a: uint8 or float [N, 2658].
    b: uint8 or float [M, 2658].

  Returns:
    float32 [N, M].
  """
  if len(a) > _ROWS_AT_ONCE:  # as float32 they take four times the memory
    return np.concatenate([distances(a[i:i + _ROWS_AT_ONCE], b) for i in range(0, len(a), _ROWS_AT_ONCE)])
  a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
  num_cells = (NUM_VALUES - 3) // _NUM_PATTERNS
  likeness = a[:, :-3] @ b[:, :-3].T / (255**2 * num_cells)
  skin_a, skin_b = a[:, -3:], b[:, -3:]
  squares = (skin_a**2).sum(1)[:, None] + (skin_b**2).sum(1) - 2 * skin_a @ skin_b.T
  found = np.maximum(1 - likeness, 0) + _SKIN_WEIGHT * np.sqrt(np.maximum(squares, 0))
  return found.astype(np.float32, copy=False)


def nearest(reference, inputs, appearances):
  """Returns the face of each input that looks most like a reference.

  In two rounds: what the nearer half of the first round's faces look like on average is the reference of the second,
  because one photo says little. Of 25 photos with two faces among 380 of two people, one reference picked the right
  face in 98 %, the second round in all.

  Args:
    reference: uint8 [2658].
    inputs: int [num_faces], which input each face is in.
    appearances: uint8 [num_faces, 2658].

  Returns:
    int64 [num_inputs], indices of faces, in the order of the inputs' numbers; of equally near ones the first.
  """
  chosen = _nearest(distances(appearances, reference[None])[:, 0], inputs)
  to_reference = distances(appearances[chosen], reference[None])[:, 0]
  sure = chosen[np.argsort(to_reference, kind='stable')[:(len(chosen) + 1) // 2]]
  mean = np.concatenate([reference[None], appearances[sure]]).mean(axis=0, dtype=np.float64)
  return _nearest(distances(appearances, mean[None])[:, 0], inputs)


def _nearest(to_reference, inputs):
  """Returns the index of the least value of each input, in the order of the inputs' numbers."""
  order = np.lexsort((to_reference, inputs))
  _, firsts = np.unique(np.asarray(inputs)[order], return_index=True)
  return order[firsts]
