"""What tears the skin of the demo portrait: lips and eyelids, two edges that part and show what lies behind them.

Points are in px of the padded photo, with the first pixel's centre at (0, 0); `unit` is the photo's eye distance in px.
"""

import numpy as np
from scipy import interpolate

SOLVER_STEPS = 6  # x <- y - d(x): the error shrinks by at least half a step
LASH_RGB = np.float32([62, 42, 36])

# Face Mesh's points, image left to image right. https://github.com/google-ai-edge/mediapipe (canonical_face_model)
_INNER_LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
_EYES = {
    'eyeBlinkRight': ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    'eyeBlinkLeft': ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
}
_CHIN = 152

_JAW_DROP = 0.34
_CAVITY_RGB = np.float32([34, 10, 12])
_TONGUE_RGB = np.float32([128, 58, 58])
_EDGE_PX = 0.9  # width over which skin gives way to what lies behind it
_TABLE = np.linspace(-1.0, 1.0, 257)


def tears(points, unit):
  """Returns the tears of a face: its lips and the lids of both eyes.

  Args:
    points: float32 [478, 3], Face Mesh's.
    unit: float.
  """
  return [_Lips(points, unit), *(_Lids(points, unit, name) for name in _EYES)]


def smoothstep(x, low, high):
  """Returns 0 up to `low`, 1 from `high` on, and a cubic between them that begins and ends level."""
  x = np.clip((x - low) / (high - low), 0.0, 1.0)
  return x * x * (3.0 - 2.0 * x)


class _Slit:
  """Two curves that meet at both ends, as lips and eyelids do, in the coordinates along and across them.

  Args:
    points: float32 [478, 3], Face Mesh's.
    curves: two lists of indices of `points`, the upper curve's and the lower one's, from image left to image right,
      with the same ends.
    reach: (left, up, right, down), how far from its middle the slit moves skin, px.
    unit: float.
  """

  def __init__(self, points, curves, reach, unit):
    upper, lower = (points[list(ids), :2] for ids in curves)
    ends = np.stack([upper[0], upper[-1]])
    self._center = ends.mean(0)
    self._half = float(np.linalg.norm(ends[1] - ends[0]) / 2)
    self._axis = (ends[1] - ends[0]) / (2 * self._half)
    self._tables = [self._table(curve) for curve in (upper, lower)]
    self._reach = reach
    self._unit = unit

  def box(self, x, y):
    """Returns the slices of rows and columns whose points (x, y) the slit can move, or None where there are none."""
    left, up, right, down = self._reach
    near = (x > self._center[0] - left) & (x < self._center[0] + right)
    near &= (y > self._center[1] - up) & (y < self._center[1] + down)
    sides = [np.flatnonzero(near.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides) if sides[0].size else None

  def moves(self, pose):
    """Returns whether the slit moves at all in a `demo_portrait.Pose`."""
    raise NotImplementedError

  def move(self, pose, x, y):
    """Returns what the slit's two sides do at (x, y).

    Args:
      pose: the `demo_portrait.Pose`.
      x, y: float32 [height, width], points of the moved photo.

    Returns:
      A tuple of the way in x and in y to the skin's source, the share that lies between the edges, the colour there
      float32 [height, width, 3] or [3], its share over what the photo shows there, and the share of lashes.
    """
    raise NotImplementedError

  def _table(self, curve):
    along, across = self._coordinates(curve[:, 0], curve[:, 1])
    order = np.argsort(along)
    return np.float32(interpolate.PchipInterpolator(along[order], across[order])(_TABLE))

  def _coordinates(self, x, y):
    """Returns the place along the slit, -1 and 1 at its ends, and across it, px, positive below."""
    dx, dy = x - self._center[0], y - self._center[1]
    return (dx * self._axis[0] + dy * self._axis[1]) / self._half, dy * self._axis[0] - dx * self._axis[1]

  def _curves(self, along):
    """Returns both curves' places across the slit; beyond the ends they are one."""
    return [np.interp(along, _TABLE, table).astype(np.float32) for table in self._tables]

  def _along_y(self, distance):
    """Returns `distance` px across the slit as a move in x and in y."""
    return -distance * self._axis[1], distance * self._axis[0]

  def _torn(self, along, above, below, upper, lower, is_upper, active):
    """Joins the two sides.

    Args:
      along: float32 [height, width], the pixels' places along the slit.
      above, below: the pixels' sources across it, if they lie on its upper and on its lower side.
      upper, lower: its edges in the photo.
      is_upper: bool, which side a pixel's skin comes from.
      active: float, 1 keeps skin from being sampled beyond its edge, 0 leaves the photo as it is.

    Returns:
      The sources across the slit, and the share of each pixel that lies between the edges, 0 to 1.
    """
    hole = np.clip((above - upper) / _EDGE_PX + 0.5, 0, 1) * np.clip((lower - below) / _EDGE_PX + 0.5, 0, 1)
    hole = hole * np.clip((1 - np.abs(along)) * self._half / 1.5, 0, 1)
    place = np.where(is_upper, above, below)
    kept = np.where(is_upper, np.minimum(above, upper), np.maximum(below, lower))
    return place + active * (kept - place), hole


class _Lips(_Slit):
  """The mouth: the jaw drops and takes the chin along, or the lips close."""

  def __init__(self, points, unit):
    chin_px = float(np.linalg.norm(points[_CHIN, :2] - points[list(_INNER_LIPS[0]), :2].mean(0)))
    super().__init__(points, _INNER_LIPS, (1.3 * unit, 0.6 * unit, 1.3 * unit, chin_px + 1.4 * unit), unit)
    self._chin_across = float(self._coordinates(*points[_CHIN, :2])[1])

  def moves(self, pose):
    return bool(pose['jawOpen']) or pose['mouthSmileLeft'] + pose['mouthSmileRight'] < 0

  def move(self, pose, x, y):
    unit = self._unit
    along, across = self._coordinates(x, y)
    upper, lower = self._curves(along)
    jaw = np.float32(pose['jawOpen'] * _JAW_DROP * unit)
    close = np.float32(max(-(pose['mouthSmileLeft'] + pose['mouthSmileRight']) / 2, 0.0))
    bow = np.maximum(1 - along * along, 0.0)**0.7  # how a mouth's opening narrows to its corners
    meet = close * (lower - upper) / 2
    opening = (lower - upper) - 2 * meet + jaw * bow
    jawbone = np.exp(-(along * self._half / (0.75 * unit))**4)

    def move_upper(place):
      return meet * np.exp(-(np.minimum(place - upper, 0.0) / (0.2 * unit))**2)

    def move_lower(place):
      below = np.maximum(place - lower, 0.0)
      chin = smoothstep(below, 0.0, 0.5 * unit)
      neck = smoothstep(place, self._chin_across - 0.05 * unit, self._chin_across + 1.2 * unit)
      return jaw * (bow + chin * (jawbone - bow)) * (1 - neck) - meet * np.exp(-(below / (0.25 * unit))**2)

    above, below = across, across
    for _ in range(SOLVER_STEPS):
      above, below = across - move_upper(above), across - move_lower(below)
    active = np.float32(np.clip(close * 5 + jaw / (0.05 * unit), 0, 1))  # no jump where the photo begins to move
    place, hole = self._torn(along, above, below, upper, lower, across < (upper + lower + jaw * bow) / 2, active)
    lips_meet = np.maximum(1 - smoothstep(opening, 0.3, 3.0), smoothstep(close, 0.3, 1.0))
    dark = active * np.maximum(smoothstep(across - lower, -1.6, 0.2), lips_meet)
    depth = np.clip((across - upper - meet) / np.maximum(opening, 1.0), 0, 1)
    tongue = (smoothstep(depth, 0.5, 1.1) * smoothstep(jaw * bow, 0.1 * unit, 0.3 * unit))[..., np.newaxis]
    color = _CAVITY_RGB + tongue * (_TONGUE_RGB - _CAVITY_RGB)
    return *self._along_y(place - across), hole, color, dark, np.zeros_like(dark)


class _Lids(_Slit):
  """One eye's lids: a blink closes them over the eye. `name` is its control."""

  def __init__(self, points, unit, name):
    super().__init__(points, _EYES[name], (0.5 * unit,) * 4, unit)
    self._name = name

  def moves(self, pose):
    return bool(pose[self._name])

  def move(self, pose, x, y):
    unit = self._unit
    blink = np.float32(pose[self._name])
    along, across = self._coordinates(x, y)
    upper, lower = self._curves(along)
    upper = upper + 0.012 * unit * (np.abs(along) < 1)  # the lashes belong to the lid
    drop, rise = 0.88 * blink * (lower - upper), 0.12 * blink * (lower - upper)
    lid = 0.24 * unit  # what stretches, up to the brow
    above = across - drop * smoothstep((across - upper + lid) / (lid + drop), 0, 1)
    below = across + rise * (1 - smoothstep((across - lower + rise) / (0.25 * unit), 0, 1))
    active = np.clip(blink * 10, 0, 1)
    place, hole = self._torn(along, above, below, upper, lower, across < upper + drop, active)
    hole = hole * np.clip(lower - upper - drop - rise, 0, 1)
    lash = 0.8 * smoothstep(blink, 0.3, 1.0) * np.exp(-((across - upper - drop) / (0.021 * unit))**2)
    lash = lash * (1 - smoothstep(np.abs(along), 0.75, 1.05))
    return *self._along_y(place - across), hole, _CAVITY_RGB, np.zeros_like(hole), lash
