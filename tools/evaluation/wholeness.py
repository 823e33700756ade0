"""Whether generated faces are whole or mangled: how like their eyes, nose and mouth are to those of real pictures."""

import functools

import cv2
import numpy as np

from dcgan.common import features
from dcgan.common import images as pixels
from dcgan.common import wording
from tools.evaluation import meshes
from tools.evaluation import real_pictures

# Each part's patch: the two points that are laid on its horizontal middle line, image left first (corners of an eye and
# of the mouth, sides of the nose), and how many times as wide as they are apart it is.
_PARTS = (((33, 133), 1.9), ((362, 263), 1.9), ((61, 291), 1.6), ((98, 327), 2.6))
_LEFT_EYE, _RIGHT_EYE = 0, 1
_PICTURE_PX = 64  # larger pictures are reduced to it: mangled faces are seen at that size
_PATCH_PX = 24
_NUM_CELLS, _NUM_BINS = 4, 8  # Lowe 2004, section 6.1
# Of generated pictures of seven models on which two looks of an eye agreed (tests/tools/evaluation/eye_labels.json),
# the clean ones of films were under 0.27 and of photos under 0.39, most under 0.32, and the mangled ones over 0.29.
_PASSING = 0.97  # of real pictures, each compared with others than those next to it
_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.26, 0.38  # a film's frames are nearly copies; photos of many people all differ


class Wholeness:
  """What real pictures look like at eyes, nose and mouth, and how far from it generated ones are.

  Face Mesh finds a face in nearly everything, mangled ones too, so whether it finds one tells little. But where it then
  puts eyes, nose and mouth, a mangled face shows something else. From each of the four a patch is taken, turned and
  scaled by its own points, so that neither pose nor expression moves it. Its gradients are described as by SIFT (Lowe
  2004): the root of their shares (Arandjelović and Zisserman 2012, RootSIFT) by place (4×4) and direction (8). A face
  is as strange as these are far, on average, from the nearest real ones. Colour, light and background count nothing.

  Measured on pictures that were judged by eye: a mangled one is stranger than a clean one in 99 % of pairs (in 95 to
  100 % within each model; by whether its eyes are found in their places it is told in 55 %). Of clean ones 98 % pass,
  of mangled ones 19 %, of those with a flaw at a second glance 83 %: so more pass than please, and `strangeness` tells
  the best ones. Held-out pictures of four people passed all, 85 of them; of many people's 90 %.

  Attributes:
    threshold: float from 0.26 to 0.38, what 97 % of the reals stay under when each is compared with the others: a face
      that is stranger is mangled.
    reals_rate: float, the share of the reals that are clean by it.
  """

  def __init__(self, real_images, crop_px, seen=None):
    """Describes the reals, once for all fakes.

    Args:
      real_images: uint8 [num_images, size, size, 3], some hundred of the set, in the order of time where they are
        frames. A set of many people works as well.
      crop_px: int, the side of the square that they show, in px of the aligned frame.
      seen: `meshes.Seen` of `real_images`, where they were looked at before.

    Raises:
      ValueError: `real_images` has another type or shape, or shows fewer than `real_pictures.FEWEST` faces, or
        `crop_px` is larger than the frame.
    """
    features.check('real_images', real_images)
    self._crop_px = crop_px
    described = _describe(real_images, crop_px, seen or meshes.look(real_images, crop_px))
    described = described[np.isfinite(described).all(axis=(1, 2))]
    num_reals = len(described)
    if num_reals < real_pictures.FEWEST:
      raise ValueError(f'`real_images` show {wording.counted(num_reals, "face")}, but whether generated ones '
                       f'are whole needs {real_pictures.FEWEST} or more.')
    mirrored = _mirrored(described)
    self._references = np.concatenate([described, mirrored])
    stretches = real_pictures.stretches(num_reals)
    distances = np.mean([_distances(described[:, part], self._references[:, part], stretches)
                         for part in range(len(_PARTS))], axis=0)
    self.threshold = float(np.clip(np.quantile(distances, _PASSING), _LEAST_THRESHOLD, _MOST_THRESHOLD))
    self.reals_rate = float(np.mean(distances <= self.threshold))

  def strangeness(self, images, seen=None):
    """Returns how unlike all real eyes, noses and mouths those of each picture are.

    Args:
      images: uint8 [num_images, size, size, 3], one or more, of any size, which show the same square as the reals.
      seen: `meshes.Seen` of `images`, where they were looked at before.

    Returns:
      float32 [num_images] in [0, √2]: 0 is a real picture itself, and what held-out ones show is under `threshold`;
      infinity where there is no face, or several.

    Raises:
      ValueError: `images` has another type or shape, or holds no picture.
    """
    features.check('images', images)
    described = _describe(images, self._crop_px, seen or meshes.look(images, self._crop_px))
    is_face = np.isfinite(described).all(axis=(1, 2))
    strangeness = np.full(len(images), np.inf, np.float32)
    if is_face.any():
      strangeness[is_face] = np.mean([_distances(described[is_face, part], self._references[:, part])
                                      for part in range(len(_PARTS))], axis=0)
    return strangeness

  def is_clean(self, images, seen=None):
    """Returns which pictures show one face that is not mangled, with both eyes in their places.

    Args:
      images: as for `strangeness`.
      seen: likewise.

    Returns:
      bool [num_images].

    Raises:
      ValueError: as `strangeness`.
    """
    features.check('images', images)
    seen = seen or meshes.look(images, self._crop_px)
    return meshes.in_place(seen) & (self.strangeness(images, seen) <= self.threshold)

  def clean_rate(self, images, seen=None):
    """Returns the share of pictures, 0 to 1, that `is_clean`, which takes and raises the same."""
    return float(np.mean(self.is_clean(images, seen)))


def _distances(described, references, stretches=None):
  """Returns the distance to the nearest reference, float32 [num_images]; of reals, to the nearest of another stretch.

  Args:
    described: float32 [num_images, num_values].
    references: float32 [2 * num_reals, num_values], of reals, then mirrored.
    stretches: int [num_images], which one each picture is in, where the pictures are the reals.
  """
  squares = features.squared_distances(described, references)
  if stretches is not None:
    squares[stretches[:, np.newaxis] == np.tile(stretches, 2)] = np.inf
  return np.sqrt(squares.min(axis=1))


def _describe(images, crop_px, seen):
  """Returns the gradients of each part, float32 [num_images, 4, 128], of unit length; NaN where there is no face."""
  values = np.full([len(images), len(_PARTS), _NUM_CELLS**2 * _NUM_BINS], np.nan, np.float32)
  found = np.flatnonzero(np.isfinite(seen.landmarks).all(axis=(1, 2)))
  if not len(found):
    return values
  small = pixels.resize(images[found], _PICTURE_PX) if images.shape[1] != _PICTURE_PX else images[found]
  points = (seen.landmarks[found, :, :2].astype(np.float64) - meshes.corner(crop_px)) * (_PICTURE_PX / crop_px)
  for i, picture, where in zip(found, small, points):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    for part, (ends, width) in enumerate(_PARTS):
      values[i, part] = _gradients(_patch(grey, where[list(ends)], width))
  return values


def _patch(grey, ends, width):
  """Returns float32 [24, 24], a square turned and scaled so that two points lie in its middle row.

  Args:
    grey: float32 [size, size].
    ends: float64 [2, 2], x and y of the points in px; the left one first.
    width: float, of the square, in distances of the points.
  """
  start, end = (complex(*point) for point in ends)
  scale = _PATCH_PX / width
  turn = scale / (end - start) if abs(end - start) > 1e-3 else complex(scale)
  # OpenCV's pixel centres are whole numbers, ours end in .5.
  shift = _PATCH_PX * (0.5 + 0.5j) - turn * (start + end) / 2 + (turn - 1) * (0.5 + 0.5j)
  matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
  return cv2.warpAffine(grey, matrix, (_PATCH_PX, _PATCH_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _gradients(patch):
  """Returns the roots of the shares of a patch's gradients by place and direction, float32 [128]."""
  x, y = cv2.Sobel(patch, cv2.CV_32F, 1, 0), cv2.Sobel(patch, cv2.CV_32F, 0, 1)
  direction = np.arctan2(y, x) * (_NUM_BINS / (2 * np.pi)) % _NUM_BINS
  lower = np.floor(direction).astype(int)
  strength, upper_share = np.hypot(x, y), direction - lower
  rows, columns = _pixel_places()
  by_direction = np.zeros([_NUM_BINS, _PATCH_PX, _PATCH_PX], np.float32)
  by_direction[lower % _NUM_BINS, rows, columns] = strength * (1 - upper_share)
  by_direction[(lower + 1) % _NUM_BINS, rows, columns] = strength * upper_share
  cells = _cell_weights()
  shares = (cells @ by_direction @ cells.T).transpose(1, 2, 0).ravel()
  return np.sqrt(shares / max(float(shares.sum()), 1e-6))


@functools.cache
def _pixel_places():
  return np.mgrid[:_PATCH_PX, :_PATCH_PX]


@functools.cache
def _cell_weights():
  """Returns how much each row (or column) of a patch counts for each cell, float32 [4, 24]: less towards its rim."""
  centres = (np.arange(_PATCH_PX, dtype=np.float32) + 0.5) * (_NUM_CELLS / _PATCH_PX) - 0.5
  return np.maximum(1 - np.abs(np.arange(_NUM_CELLS, dtype=np.float32)[:, np.newaxis] - centres), 0)


def _mirrored(described):
  """Returns what `_describe` would of the mirrored faces: columns turn round, and so do directions and eyes."""
  cells = described.reshape(len(described), len(_PARTS), _NUM_CELLS, _NUM_CELLS, _NUM_BINS)
  directions = (_NUM_BINS // 2 - np.arange(_NUM_BINS)) % _NUM_BINS
  mirrored = cells[:, :, :, ::-1][..., directions].reshape(described.shape)
  return mirrored[:, [_RIGHT_EYE, _LEFT_EYE, *range(2, len(_PARTS))]]
