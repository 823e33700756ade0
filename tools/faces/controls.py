"""What a face does, as ARKit's blendshapes measure it, from its landmarks.

ARKit's Left is the person's left, which is the right of an image that is not mirrored; all else in `tools.faces` names
the image's sides. This module owns that turn. Both sides are measured by the same lines: the person's right on the
mirrored face.

What is measured here is raw: lengths of this face, larger where it does more of what the name says, without limits that
hold for everybody. `dcgan.control.calibration` makes them values in [0, 1] of one person.
"""

import numpy as np

from dcgan.control import names
from tools.faces import landmarks as face_landmarks
from tools.faces import measures

# Points of the person's left half of the face, and their mirror images on the right; those of the middle line are their
# own. https://github.com/google-ai-edge/mediapipe (canonical_face_model)
_MIRRORED = {
    'iris': ((face_landmarks.IMAGE_RIGHT_IRIS,), (face_landmarks.IMAGE_LEFT_IRIS,)),
    'eye_corners': ((263, 362), (33, 133)),  # outer, inner
    'upper_lid': ((387, 386, 385), (160, 159, 158)),
    'lower_lid': ((373, 374, 380), (144, 145, 153)),
    'inner_brow': ((336, 285, 296, 295), (107, 55, 66, 65)),
    'outer_brow': ((300, 276, 293, 283), (70, 46, 63, 53)),
    'cheek': ((450, 347, 280), (230, 118, 50)),
    'corner': ((291, 308), (61, 78)),  # of the mouth: outer, inner
    'upper_lip_outside': ((267, 269), (37, 39)),
    'upper_lip_inside': ((312, 311), (82, 81)),
    'lower_lip_inside': ((317, 402), (87, 178)),
    'lower_lip_outside': ((314, 405), (84, 181)),
    'nostril': ((326, 2), (97, 2)),
    'upper_lip_middle': ((0, 13), (0, 13)),  # outside, inside
    'lower_lip_middle': ((17, 14), (17, 14)),
    'chin': ((377, 152, 175), (148, 152, 175)),
}
_LEFT, _RIGHT = ([index for pair in _MIRRORED.values() for index in pair[side]] for side in (0, 1))
_ENDS = np.cumsum([0] + [len(left) for left, _ in _MIRRORED.values()])
_PARTS = {name: slice(start, stop) for name, start, stop in zip(_MIRRORED, _ENDS, _ENDS[1:])}
_BOTH = {name: [*left, *right] for name, (left, right) in _MIRRORED.items()}
_X, _Y, _Z = range(3)

# The standard deviation of each measure, without its side, where a face does nothing but sway, turn and come nearer as
# in the demo clip (yaw to 17°, pitch to 10°, roll to 12°): what of the head is left in it, and the mesh's tremble.
_NOISE = {
    'eyeBlink': 0.015, 'eyeLookDown': 0.008, 'eyeLookIn': 0.019, 'eyeLookOut': 0.019, 'eyeLookUp': 0.008,
    'eyeSquint': 0.012, 'eyeWide': 0.015, 'jawLeft': 0.017, 'jawRight': 0.017, 'jawOpen': 0.015, 'mouthFunnel': 0.008,
    'mouthPucker': 0.009, 'mouthLeft': 0.009, 'mouthRight': 0.009, 'mouthSmile': 0.008, 'mouthFrown': 0.004,
    'mouthStretch': 0.007, 'mouthRollLower': 0.004, 'mouthRollUpper': 0.003, 'mouthPress': 0.006,
    'mouthLowerDown': 0.008, 'mouthUpperUp': 0.012, 'browDown': 0.010, 'browInnerUp': 0.008, 'browOuterUp': 0.007,
    'cheekSquint': 0.004, 'headYaw': 1.5, 'headPitch': 1.5, 'headRoll': 1.5}
NOISE = np.array([_NOISE[names.without_side(name)] for name in names.MEASURED], np.float32)  # [45]


def measure(landmarks):
  """Returns the raw measures of faces.

  Args:
    landmarks: float [..., 478, 3], Face Mesh's points with depth, finite, in any scale; `headRoll` is the tilt in the
      picture that they belong to, and near 0 in an aligned one.

  Returns:
    float32 [..., 45] in the order of `names.MEASURED`: distances of the outer eye corners, or widths of the eye for
    lids and gaze, of a head that looks ahead (`measures.looking_ahead`); of the head, the degrees of `measures.pose`.
  """
  ahead, head = measures.looking_ahead(landmarks)
  left, right = _side(ahead[..., _LEFT, :]), _side(ahead[..., _RIGHT, :] * [-1, 1, 1])
  found = _middle(ahead, left, right) | dict(zip(names.HEAD, head))
  found |= {name + side: values for side, each in (('Left', left), ('Right', right)) for name, values in each.items()}
  return np.stack([found[name] for name in names.MEASURED], axis=-1).astype(np.float32)


def of_faces(faces):
  """Returns the raw measures of `records.Face`s, float32 [num_faces, 45] in the order of `names.MEASURED`.

  Of sets that hold none, schema 2 and older, they come from the landmarks, without `headRoll`, which aligning takes
  away; NaN where there are no landmarks either.
  """
  raw = np.full([len(faces), len(names.MEASURED)], np.nan, np.float32)
  for row, face in zip(raw, faces):
    if face.controls is not None:
      row[:] = face.controls
    elif face.landmarks is not None:
      row[:] = measure(face.landmarks)
      row[names.MEASURED.index('headRoll')] = np.nan
  return raw


def _side(points):
  """Returns the measures of one half of faces, float64 [...] by the name without its side.

  Args:
    points: float64 [..., num_points, 3], that half's points of `_MIRRORED`, in order: x goes outwards, y down, z away.
  """
  at = {part: points[..., where, :].mean(axis=-2) for part, where in _PARTS.items()}
  eye = at['eye_corners']
  outer_corner, inner_corner = np.moveaxis(points[..., _PARTS['eye_corners'], :], -2, 0)
  eye_width = np.linalg.norm(outer_corner - inner_corner, axis=-1)
  opening = np.linalg.norm(points[..., _PARTS['upper_lid'], :] - points[..., _PARTS['lower_lid'], :], axis=-1)
  opening = opening.mean(axis=-1) / eye_width
  gaze_out, gaze_down, _ = np.moveaxis((at['iris'] - eye) / eye_width[..., np.newaxis], -1, 0)
  brow_out, brow_down, _ = np.moveaxis(at['inner_brow'] - eye, -1, 0)
  corner_out, corner_down, _ = np.moveaxis(at['corner'], -1, 0)
  down = {part: point[..., _Y] for part, point in at.items()}
  gap = down['lower_lip_inside'] - down['upper_lip_inside']
  thickness = (down['upper_lip_inside'] - down['upper_lip_outside']
               + down['lower_lip_outside'] - down['lower_lip_inside'])
  return {
      'eyeBlink': -opening, 'eyeWide': opening,
      'eyeLookIn': -gaze_out, 'eyeLookOut': gaze_out, 'eyeLookUp': -gaze_down, 'eyeLookDown': gaze_down,
      'eyeSquint': (down['eye_corners'] - down['lower_lid']) / eye_width,
      'browDown': brow_down - brow_out / 2,  # brows that frown also come together
      'browInnerUp': -brow_down,
      'browOuterUp': down['eye_corners'] - down['outer_brow'],
      'cheekSquint': down['eye_corners'] - down['cheek'],
      # A jaw that drops takes the corners along by about a third of what parts the lips.
      'mouthSmile': corner_out / 2 - corner_down + down['nostril'] + 0.3 * np.maximum(gap, 0),
      'mouthFrown': corner_down - (down['upper_lip_inside'] + down['lower_lip_inside']) / 2,
      'mouthStretch': corner_out + corner_down / 2,
      'mouthPress': -thickness - np.maximum(gap, 0),
      'mouthUpperUp': 2 * down['nostril'] - down['upper_lip_inside'] - down['upper_lip_outside'],
      'mouthLowerDown': down['lower_lip_inside'] - down['chin']}


def _middle(points, left, right):
  """Returns the measures that are not of one side, float64 [...] by name; takes browInnerUp out of both sides'.

  Args:
    points: float64 [..., 478, 3], of heads that look ahead.
    left, right: dicts of `_side`.
  """
  at = {part: points[..., ids, :].mean(axis=-2) for part, ids in _BOTH.items()}
  outside = points[..., [ids[0] for ids in _MIRRORED['corner']], :]
  upper, upper_inside = np.moveaxis(points[..., _MIRRORED['upper_lip_middle'][0], :], -2, 0)
  lower, lower_inside = np.moveaxis(points[..., _MIRRORED['lower_lip_middle'][0], :], -2, 0)
  width = np.linalg.norm(outside[..., 0, :] - outside[..., 1, :], axis=-1)
  gap = (lower_inside - upper_inside)[..., _Y]
  forward = at['corner'][..., _Z] - (upper + lower)[..., _Z] / 2
  lips = (upper + lower + upper_inside + lower_inside)[..., _X] / 4
  to_left = (lips + outside.mean(axis=-2)[..., _X]) / 2  # of the person: the image's right
  return {
      'browInnerUp': (left.pop('browInnerUp') + right.pop('browInnerUp')) / 2,
      'jawOpen': (at['chin'] + lower_inside - 2 * at['nostril'])[..., _Y],
      'jawLeft': at['chin'][..., _X], 'jawRight': -at['chin'][..., _X],
      'mouthLeft': to_left, 'mouthRight': -to_left,
      'mouthPucker': forward - width,
      'mouthFunnel': forward + gap - width / 2,
      'mouthRollLower': (lower_inside - lower)[..., _Y],
      'mouthRollUpper': (upper - upper_inside)[..., _Y]}
