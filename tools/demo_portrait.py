"""A portrait photo that moves by known amounts: expressions, turns of the head, and the whole picture's placement.

Every map is defined forwards, from the photo to the frame, in this order: the lips and the eyelids (which tear the
skin, so that what lies behind them shows), smooth fields (corners of the mouth, cheeks, brows), the head's turn by its
depth, and one similarity transform. A frame is drawn backwards, pixel by pixel, through the inverses. All lengths are
in eye distances of the photo, the distance between its two iris centres.
"""

import dataclasses
import functools

import cv2
import numpy as np
from scipy import interpolate

# The amounts that a frame is drawn with; 0 is the photo. Names are ARKit's; Left is the subject's left: image right.
# mouthSmile runs from -1 (lips closed and at rest; the photo already smiles) to 1, the others from 0 to 1. Degrees:
# headYaw > 0 turns the nose to the image's right, headPitch > 0 lifts it, headRoll > 0 turns the picture clockwise.
CONTROLS = ('jawOpen', 'mouthSmileLeft', 'mouthSmileRight', 'browInnerUp', 'eyeBlinkLeft', 'eyeBlinkRight', 'headYaw',
            'headPitch', 'headRoll')

_VIEW_PX = 256  # side of the square of the photo that a frame shows
_PAD_PX = 128  # backdrop made up around the photo, for what the moves bring into view
_SOLVER_STEPS = 6  # x <- y - d(x): the error shrinks by at least half a step

# Face Mesh's points, image left to image right. https://github.com/google-ai-edge/mediapipe (canonical_face_model)
_IMAGE_LEFT_IRIS, _IMAGE_RIGHT_IRIS = 468, 473
_INNER_LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
_EYES = {
    'eyeBlinkRight': ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    'eyeBlinkLeft': ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
}
_BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
_BROW_RISE = (0.65, 0.8, 0.95, 1.0, 1.0), (1.0, 1.0, 0.95, 0.8, 0.65)
_MOUTH_CORNERS = {'mouthSmileRight': 61, 'mouthSmileLeft': 291}
_CHEEKS = {'mouthSmileRight': 205, 'mouthSmileLeft': 425}
_CHIN = 152

_JAW_DROP = 0.34
_CAVITY_RGB = np.float32([34, 10, 12])
_TONGUE_RGB = np.float32([128, 58, 58])
_LASH_RGB = np.float32([62, 42, 36])
_EDGE_PX = 0.9  # width over which skin gives way to what lies behind it
_TABLE = np.linspace(-1.0, 1.0, 257)


@dataclasses.dataclass(frozen=True)
class Pose:
  """One frame's amounts and placement.

  Attributes:
    controls: dict of amounts by the names of `CONTROLS`; what is left out is 0.
    scale: float, of the picture about the face's centre.
    shift: (x, y) of the picture, in sides of the frame.
  """
  controls: dict
  scale: float = 1.0
  shift: tuple = (0.0, 0.0)

  def __getitem__(self, name):
    return self.controls.get(name, 0.0)


def _smoothstep(x, low, high):
  x = np.clip((x - low) / (high - low), 0.0, 1.0)
  return x * x * (3.0 - 2.0 * x)


def _sample(field, x, y):
  """Returns `field` at the points (x, y), all float32 in px of the padded photo."""
  return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class _Slit:
  """Two curves that meet at both ends, as lips and eyelids do, in the coordinates along and across them.

  Args:
    upper, lower: float32 [num_points, 2], points of the curves from image left to image right, with the same ends.
    reach: (left, up, right, down), how far from its middle the slit moves skin, px.

  Attributes:
    half: float, half the length in px.
  """

  def __init__(self, upper, lower, reach):
    ends = np.stack([upper[0], upper[-1]])
    self._center = ends.mean(0)
    self.half = float(np.linalg.norm(ends[1] - ends[0]) / 2)
    self._axis = (ends[1] - ends[0]) / (2 * self.half)
    self._tables = [self._table(points) for points in (upper, lower)]
    self._reach = reach

  def _table(self, points):
    along, across = self.coordinates(points[:, 0], points[:, 1])
    order = np.argsort(along)
    return np.float32(interpolate.PchipInterpolator(along[order], across[order])(_TABLE))

  def coordinates(self, x, y):
    """Returns the place along the slit, -1 and 1 at its ends, and across it, px, positive below."""
    dx, dy = x - self._center[0], y - self._center[1]
    return (dx * self._axis[0] + dy * self._axis[1]) / self.half, dy * self._axis[0] - dx * self._axis[1]

  def curves(self, along):
    """Returns both curves' places across the slit; beyond the ends they are one."""
    return [np.interp(along, _TABLE, table).astype(np.float32) for table in self._tables]

  def along_y(self, distance):
    """Returns `distance` px across the slit as a move in x and in y."""
    return -distance * self._axis[1], distance * self._axis[0]

  def box(self, x, y):
    """Returns the slices of rows and columns whose points (x, y) the slit can move, or None where there are none."""
    left, up, right, down = self._reach
    near = (x > self._center[0] - left) & (x < self._center[0] + right)
    near &= (y > self._center[1] - up) & (y < self._center[1] + down)
    sides = [np.flatnonzero(near.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides) if sides[0].size else None


class Portrait:
  """Draws a photo in any pose and knows where its iris centres are.

  Args:
    photo: uint8 [height, width, 3] with one face.
    landmarks: float32 [478, 3], Face Mesh's points with irises in px of `photo`, as `FaceFinder.find` returns them.
    size_px: int, side of the square frames.
  """

  def __init__(self, photo, landmarks, size_px):
    self._size_px = size_px
    self._photo = _padded(photo)
    # OpenCV's coordinates inside: the first pixel's centre is (0, 0), not (0.5, 0.5).
    points = np.asarray(landmarks, np.float32) + np.float32([_PAD_PX - 0.5, _PAD_PX - 0.5, 0])
    self._irises = points[[_IMAGE_LEFT_IRIS, _IMAGE_RIGHT_IRIS], :2]
    self._unit = unit = float(np.linalg.norm(self._irises[1] - self._irises[0]))
    self._face = np.round((points[:, :2].min(0) + points[:, :2].max(0)) / 2)
    chin_px = float(np.linalg.norm(points[_CHIN, :2] - points[list(_INNER_LIPS[0]), :2].mean(0)))
    self._mouth = _Slit(*(points[list(ids), :2] for ids in _INNER_LIPS),
                        (1.3 * unit, 0.6 * unit, 1.3 * unit, chin_px + 1.4 * unit))
    self._chin_across = float(self._mouth.coordinates(*points[_CHIN, :2])[1])
    self._eyes = {name: _Slit(*(points[list(ids), :2] for ids in curves), (0.5 * unit,) * 4)
                  for name, curves in _EYES.items()}
    grid = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in self._photo.shape[1::-1]))
    self._fields = _smooth_fields(points, grid, unit)
    self._depth, self._pivot = _depth(points, grid, unit, self._face)

  def eyes(self, pose):
    """Returns float64 [2, 2], x and y of the image-left and the image-right iris centre in px of the frame.

    The first pixel's centre is (0.5, 0.5), as in `tools.faces.landmarks`. Behind a closed lid it is where the iris is.
    """
    x, y = self._irises.T[:, :, np.newaxis]
    dx, dy = _sample(self._smooth_field(pose), x, y).transpose(2, 0, 1)
    x, y = x + dx, y + dy
    dx, dy = self._turn(pose, x, y)
    return np.hstack([x + dx, y + dy, np.ones_like(x)]) @ self._placement(pose).T + 0.5

  def transform(self, pose):
    """Returns float64 [2, 3], the similarity transform from the photo to the frame, in px as `eyes` counts."""
    placement = self._placement(pose)
    placement[:, 2] += placement[:, :2] @ (_PAD_PX - 0.5, _PAD_PX - 0.5) + 0.5
    return placement

  def draw(self, pose):
    """Returns uint8 [size_px, size_px, 3], the photo in `pose`."""
    x, y = self._to_photo(pose)
    behind = self._look_up(x, y)
    skin_x, skin_y = x.copy(), y.copy()
    tears = []
    for slit, move in self._tears(pose):
      box = slit.box(x, y)
      if box is not None:
        shift_x, shift_y, *paint = move(slit, x[box], y[box])
        skin_x[box] += shift_x
        skin_y[box] += shift_y
        tears.append((box, paint))
    frame = self._look_up(skin_x, skin_y)
    for box, (hole, color, weight, lash) in tears:
      inside = behind[box] + weight[..., np.newaxis] * (color - behind[box])
      frame[box] += hole[..., np.newaxis] * (inside - frame[box])
      frame[box] += lash[..., np.newaxis] * (_LASH_RGB - frame[box])
    return np.clip(np.round(frame), 0, 255).astype(np.uint8)

  def _tears(self, pose):
    """Yields the slits that move in `pose`, each with the function that moves it."""
    if pose['jawOpen'] or pose['mouthSmileLeft'] + pose['mouthSmileRight'] < 0:
      yield self._mouth, functools.partial(self._move_lips, pose)
    for name, slit in self._eyes.items():
      if pose[name]:
        yield slit, functools.partial(self._move_lids, np.float32(pose[name]))

  def _look_up(self, x, y):
    found = cv2.remap(self._photo, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return found.astype(np.float32)

  def _placement(self, pose):
    """Returns float64 [2, 3], the similarity transform from the padded photo to the frame, pixel centres at 0."""
    zoom = self._size_px / _VIEW_PX
    angle = np.deg2rad(pose['headRoll'])
    linear = zoom * pose.scale * np.float64([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.float64(pose.shift) + 0.5) * self._size_px + (zoom - 1) / 2
    return np.hstack([linear, (middle - linear @ self._face)[:, np.newaxis]])

  def _to_photo(self, pose):
    """Returns x and y, for each of the frame's pixels, in the photo whose lips and lids alone have moved."""
    rows = np.arange(self._size_px, dtype=np.float64)
    inverse = cv2.invertAffineTransform(self._placement(pose))
    frame_x, frame_y = np.meshgrid(rows, rows)
    x, y = (np.float32(row[0] * frame_x + row[1] * frame_y + row[2]) for row in inverse)
    x, y = _undone(lambda x, y: self._turn(pose, x, y), x, y)
    smooth = self._smooth_field(pose)
    return _undone(lambda x, y: _sample(smooth, x, y).transpose(2, 0, 1), x, y)

  def _turn(self, pose, x, y):
    """Returns how far the head's turn moves the points (x, y): a rotation about the neck, seen from far away."""
    yaw, pitch = np.deg2rad([pose['headYaw'], pose['headPitch']]).astype(np.float32)
    depth, share = _sample(self._depth, x, y).transpose(2, 0, 1)
    across, down = x - self._pivot[0], y - self._pivot[1]
    turned = depth * np.cos(yaw) + across * np.sin(yaw)
    return (share * (across * (np.cos(yaw) - 1) - depth * np.sin(yaw)),
            share * (down * (np.cos(pitch) - 1) + turned * np.sin(pitch)))

  def _smooth_field(self, pose):
    total = np.zeros((*self._photo.shape[:2], 2), np.float32)
    for name, field in self._fields.items():
      if pose[name]:
        total += np.float32(pose[name]) * field
    return total

  def _move_lips(self, pose, slit, x, y):
    """Returns what lips and chin do at (x, y).

    Args:
      pose: the `Pose`.
      slit: the mouth's `_Slit`.
      x, y: float32 [height, width], points of the moved photo.

    Returns:
      A tuple of the way in x and in y to the skin's source, the share between the lips, the colour there float32
      [height, width, 3], its share over the teeth, and the share of lashes (none here).
    """
    unit = self._unit
    along, across = slit.coordinates(x, y)
    upper, lower = slit.curves(along)
    jaw = np.float32(pose['jawOpen'] * _JAW_DROP * unit)
    close = np.float32(max(-(pose['mouthSmileLeft'] + pose['mouthSmileRight']) / 2, 0.0))
    bow = np.maximum(1 - along * along, 0.0)**0.7  # how a mouth's opening narrows to its corners
    meet = close * (lower - upper) / 2
    opening = (lower - upper) - 2 * meet + jaw * bow
    jawbone = np.exp(-(along * slit.half / (0.75 * unit))**4)

    def move_upper(place):
      return meet * np.exp(-(np.minimum(place - upper, 0.0) / (0.2 * unit))**2)

    def move_lower(place):
      below = np.maximum(place - lower, 0.0)
      chin = _smoothstep(below, 0.0, 0.5 * unit)
      neck = _smoothstep(place, self._chin_across - 0.05 * unit, self._chin_across + 1.2 * unit)
      return jaw * (bow + chin * (jawbone - bow)) * (1 - neck) - meet * np.exp(-(below / (0.25 * unit))**2)

    above, below = across, across
    for _ in range(_SOLVER_STEPS):
      above, below = across - move_upper(above), across - move_lower(below)
    active = np.float32(np.clip(close * 5 + jaw / (0.05 * unit), 0, 1))  # no jump where the photo begins to move
    place, hole = _torn(slit, along, above, below, upper, lower, across < (upper + lower + jaw * bow) / 2, active)
    lips_meet = np.maximum(1 - _smoothstep(opening, 0.3, 3.0), _smoothstep(close, 0.3, 1.0))
    dark = active * np.maximum(_smoothstep(across - lower, -1.6, 0.2), lips_meet)
    depth = np.clip((across - upper - meet) / np.maximum(opening, 1.0), 0, 1)
    tongue = (_smoothstep(depth, 0.5, 1.1) * _smoothstep(jaw * bow, 0.1 * unit, 0.3 * unit))[..., np.newaxis]
    color = _CAVITY_RGB + tongue * (_TONGUE_RGB - _CAVITY_RGB)
    return *slit.along_y(place - across), hole, color, dark, np.zeros_like(dark)

  def _move_lids(self, blink, slit, x, y):
    """Returns what one eye's lids do at (x, y), in the form of `_move_lips`; `blink` is 0 to 1."""
    unit = self._unit
    along, across = slit.coordinates(x, y)
    upper, lower = slit.curves(along)
    upper = upper + 0.012 * unit * (np.abs(along) < 1)  # the lashes belong to the lid
    drop, rise = 0.88 * blink * (lower - upper), 0.12 * blink * (lower - upper)
    lid = 0.24 * unit  # what stretches, up to the brow
    above = across - drop * _smoothstep((across - upper + lid) / (lid + drop), 0, 1)
    below = across + rise * (1 - _smoothstep((across - lower + rise) / (0.25 * unit), 0, 1))
    active = np.clip(blink * 10, 0, 1)
    place, hole = _torn(slit, along, above, below, upper, lower, across < upper + drop, active)
    hole = hole * np.clip(lower - upper - drop - rise, 0, 1)
    lash = 0.8 * _smoothstep(blink, 0.3, 1.0) * np.exp(-((across - upper - drop) / (0.021 * unit))**2)
    lash = lash * (1 - _smoothstep(np.abs(along), 0.75, 1.05))
    return *slit.along_y(place - across), hole, _CAVITY_RGB, np.zeros_like(hole), lash


def _undone(move, x, y):
  """Returns the points that the forward displacement `move(x, y)` brings to (x, y)."""
  from_x, from_y = x, y
  for _ in range(_SOLVER_STEPS):
    dx, dy = move(from_x, from_y)
    from_x, from_y = x - dx, y - dy
  return from_x, from_y


def _torn(slit, along, above, below, upper, lower, is_upper, active):
  """Joins the two sides of a slit.

  Args:
    slit: the `_Slit`.
    along: float32 [height, width], the pixels' places along it.
    above, below: the pixels' sources across it, if they lie on its upper and on its lower side.
    upper, lower: its edges in the photo.
    is_upper: bool, which side a pixel's skin comes from.
    active: float, 1 keeps skin from being sampled beyond its edge, 0 leaves the photo as it is.

  Returns:
    The sources across the slit, and the share of each pixel that lies between the edges, 0 to 1.
  """
  hole = np.clip((above - upper) / _EDGE_PX + 0.5, 0, 1) * np.clip((lower - below) / _EDGE_PX + 0.5, 0, 1)
  hole = hole * np.clip((1 - np.abs(along)) * slit.half / 1.5, 0, 1)
  place = np.where(is_upper, above, below)
  kept = np.where(is_upper, np.minimum(above, upper), np.maximum(below, lower))
  return place + active * (kept - place), hole


def _padded(photo):
  """Returns `photo` with its border continued outwards and blurred."""
  pad = [(_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX), (0, 0)]
  wide = np.pad(photo, pad, mode='edge')
  blurred = cv2.GaussianBlur(wide, (0, 0), 12)
  inside = np.pad(np.ones(photo.shape[:2], np.float32), _PAD_PX)
  outside = np.minimum(cv2.distanceTransform(np.uint8(1 - inside), cv2.DIST_L2, 3) / 12, 1)[..., np.newaxis]
  return np.uint8(np.round(wide + outside * (blurred.astype(np.float32) - wide)))


def _smooth_fields(points, grid, unit):
  """Returns the displacement at full amount of each control that bends skin without tearing it, [height, width, 2]."""
  def bump(center, radius, move):
    weight = np.exp(-((grid[0] - center[0])**2 + (grid[1] - center[1])**2) / (2 * (radius * unit)**2))
    return weight[..., np.newaxis] * np.float32(move) * unit
  fields = {}
  for name, corner in _MOUTH_CORNERS.items():
    side = -1 if name.endswith('Right') else 1
    fields[name] = (bump(points[corner], 0.24, (side * 0.10, -0.075)) +
                    bump(points[_CHEEKS[name]], 0.26, (side * 0.02, -0.07)))
  fields['jawOpen'] = (bump(points[_MOUTH_CORNERS['mouthSmileRight']], 0.22, (0.06, 0.11)) +
                       bump(points[_MOUTH_CORNERS['mouthSmileLeft']], 0.22, (-0.06, 0.11)))
  rise = np.zeros_like(grid[0])
  for ids, shares in zip(_BROWS, _BROW_RISE):
    for index, share in zip(ids, shares):
      dx, dy = grid[0] - points[index, 0], grid[1] - points[index, 1]
      height = np.where(dy < 0, 0.26, 0.11) * unit
      rise = np.maximum(rise, share * np.exp(-dx**2 / (2 * (0.2 * unit)**2) - dy**2 / (2 * height**2)))
  rise = cv2.GaussianBlur(rise, (0, 0), 0.05 * unit)
  fields['browInnerUp'] = np.stack([np.zeros_like(rise), -0.17 * unit * rise], -1)
  return {name: field.astype(np.float32) for name, field in fields.items()}


def _depth(points, grid, unit, face):
  """Returns depth behind the pivot and the share of the turn, float32 [height, width, 2], and the pivot's x and y.

  The face's depth is the mesh's. Around it the depth runs out to the pivot's at the hair's edge, which stays in place.
  """
  pivot_depth = 1.05 * unit
  turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
  rings = [np.stack([face[0] + radius * 1.75 * unit * np.cos(turns), face[1] - 0.55 * unit +
                     radius * np.where(np.sin(turns) < 0, 1.95, 2.5) * unit * np.sin(turns)], -1)
           for radius in (1.0, 1.3, 1.8)]
  places = np.concatenate([points[:468, :2], *rings])
  depths = np.concatenate([points[:468, 2], np.full(len(places) - 468, pivot_depth)])
  solver = interpolate.RBFInterpolator(places / unit, depths / unit, kernel='thin_plate_spline', smoothing=0.02)
  coarse = [axis[::4, ::4] for axis in grid]
  flat = np.stack([axis.ravel() for axis in coarse], -1)
  distance = np.hypot((flat[:, 0] - face[0]) / 1.75, flat[:, 1] - face[1]) / unit
  share = 1 - _smoothstep(distance, 2.0, 3.2)
  depth = np.clip(solver(flat / unit) * unit, None, pivot_depth) - pivot_depth
  both = np.stack([depth, share], -1).reshape(*coarse[0].shape, 2).astype(np.float32)
  matrix = np.float32([[4, 0, 0], [0, 4, 0]])
  both = cv2.warpAffine(both, matrix, grid[0].shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
  both = cv2.GaussianBlur(both, (0, 0), 0.14 * unit)
  return both, face + np.float32([0, 0.2 * unit])
