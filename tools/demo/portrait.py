"""A portrait photo that moves by known amounts: expressions, turns of the head, and the whole picture's placement.

Every map is defined forwards, from the photo to the frame, in this order: the lips and the eyelids (which tear the
skin, so that what lies behind them shows), smooth fields (corners of the mouth, cheeks, brows), the head's turn by its
depth, and one similarity transform. A frame is drawn backwards, pixel by pixel, through the inverses. All lengths are
in eye distances of the photo, the distance between its two iris centres.
"""

import dataclasses

import cv2
import numpy as np
from scipy import interpolate

from tools.demo import tears as demo_tears
from tools.faces import landmarks

# The amounts that a frame is drawn with; 0 is the photo. Names are ARKit's; Left is the subject's left: image right.
# mouthSmile runs from -1 (lips closed and at rest; the photo already smiles) to 1, the others from 0 to 1. Degrees:
# headYaw > 0 turns the nose to the image's right, headPitch > 0 lifts it, headRoll > 0 turns the picture clockwise.
CONTROLS = ('jawOpen', 'mouthSmileLeft', 'mouthSmileRight', 'browInnerUp', 'eyeBlinkLeft', 'eyeBlinkRight', 'headYaw',
            'headPitch', 'headRoll')

_VIEW_PX = 256  # side of the square of the photo that a frame shows
_PAD_PX = 128  # backdrop made up around the photo, for what the moves bring into view

# Face Mesh's points, image left to image right. https://github.com/google-ai-edge/mediapipe (canonical_face_model)
_BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
_BROW_RISE = (0.65, 0.8, 0.95, 1.0, 1.0), (1.0, 1.0, 0.95, 0.8, 0.65)
_MOUTH_CORNERS = {'mouthSmileRight': 61, 'mouthSmileLeft': 291}
_CHEEKS = {'mouthSmileRight': 205, 'mouthSmileLeft': 425}


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


def _sample(field, x, y):
  """Returns `field` at the points (x, y), all float32 in px of the padded photo."""
  return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class Portrait:
  """Draws a photo in any pose and knows where its iris centres are.

  Args:
    photo: uint8 [height, width, 3] with one face.
    points: float32 [478, 3], Face Mesh's points with irises in px of `photo`, as `FaceFinder.find` returns them.
    size_px: int, side of the square frames.
  """

  def __init__(self, photo, points, size_px):
    self._size_px = size_px
    self._photo = _padded(photo)
    # OpenCV's coordinates inside: the first pixel's centre is (0, 0), not (0.5, 0.5).
    points = np.asarray(points, np.float32) + np.float32([_PAD_PX - 0.5, _PAD_PX - 0.5, 0])
    self._irises = points[[landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS], :2]
    unit = float(np.linalg.norm(self._irises[1] - self._irises[0]))
    self._face = np.round((points[:, :2].min(0) + points[:, :2].max(0)) / 2)
    self._tears = demo_tears.tears(points, unit)
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
    painted = []
    for tear in self._tears:
      box = tear.box(x, y) if tear.moves(pose) else None
      if box is not None:
        shift_x, shift_y, *paint = tear.move(pose, x[box], y[box])
        skin_x[box] += shift_x
        skin_y[box] += shift_y
        painted.append((box, paint))
    frame = self._look_up(skin_x, skin_y)
    for box, (hole, color, weight, lash) in painted:
      inside = behind[box] + weight[..., np.newaxis] * (color - behind[box])
      frame[box] += hole[..., np.newaxis] * (inside - frame[box])
      frame[box] += lash[..., np.newaxis] * (demo_tears.LASH_RGB - frame[box])
    return np.clip(np.round(frame), 0, 255).astype(np.uint8)

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


def _undone(move, x, y):
  """Returns the points that the forward displacement `move(x, y)` brings to (x, y)."""
  from_x, from_y = x, y
  for _ in range(demo_tears.SOLVER_STEPS):
    dx, dy = move(from_x, from_y)
    from_x, from_y = x - dx, y - dy
  return from_x, from_y


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
  skin = points[:landmarks.IMAGE_LEFT_IRIS]  # the irises' points are the last
  places = np.concatenate([skin[:, :2], *rings])
  depths = np.concatenate([skin[:, 2], np.full(len(places) - len(skin), pivot_depth)])
  solver = interpolate.RBFInterpolator(places / unit, depths / unit, kernel='thin_plate_spline', smoothing=0.02)
  coarse = [axis[::4, ::4] for axis in grid]
  flat = np.stack([axis.ravel() for axis in coarse], -1)
  distance = np.hypot((flat[:, 0] - face[0]) / 1.75, flat[:, 1] - face[1]) / unit
  share = 1 - demo_tears.smoothstep(distance, 2.0, 3.2)
  depth = np.clip(solver(flat / unit) * unit, None, pivot_depth) - pivot_depth
  both = np.stack([depth, share], -1).reshape(*coarse[0].shape, 2).astype(np.float32)
  matrix = np.float32([[4, 0, 0], [0, 4, 0]])
  both = cv2.warpAffine(both, matrix, grid[0].shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
  both = cv2.GaussianBlur(both, (0, 0), 0.14 * unit)
  return both, face + np.float32([0, 0.2 * unit])
