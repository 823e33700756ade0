"""The names of controls, which are ARKit's, and what to film so that a person has them.

Left and Right are the person's: the person's left eye is on the right of a picture that is not mirrored.
"""

import difflib

from dcgan.common import errors

HEAD = ('headYaw', 'headPitch', 'headRoll')  # in degrees; to the image's right, up, clockwise in the image: above 0

# https://developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation, each in [0, 1].
BLENDSHAPES = (
    'eyeBlinkLeft', 'eyeBlinkRight', 'eyeLookDownLeft', 'eyeLookDownRight', 'eyeLookInLeft', 'eyeLookInRight',
    'eyeLookOutLeft', 'eyeLookOutRight', 'eyeLookUpLeft', 'eyeLookUpRight', 'eyeSquintLeft', 'eyeSquintRight',
    'eyeWideLeft', 'eyeWideRight', 'jawForward', 'jawLeft', 'jawRight', 'jawOpen', 'mouthClose', 'mouthFunnel',
    'mouthPucker', 'mouthLeft', 'mouthRight', 'mouthSmileLeft', 'mouthSmileRight', 'mouthFrownLeft', 'mouthFrownRight',
    'mouthDimpleLeft', 'mouthDimpleRight', 'mouthStretchLeft', 'mouthStretchRight', 'mouthRollLower', 'mouthRollUpper',
    'mouthShrugLower', 'mouthShrugUpper', 'mouthPressLeft', 'mouthPressRight', 'mouthLowerDownLeft',
    'mouthLowerDownRight', 'mouthUpperUpLeft', 'mouthUpperUpRight', 'browDownLeft', 'browDownRight', 'browInnerUp',
    'browOuterUpLeft', 'browOuterUpRight', 'cheekPuff', 'cheekSquintLeft', 'cheekSquintRight', 'noseSneerLeft',
    'noseSneerRight', 'tongueOut')
CONTROLS = BLENDSHAPES + HEAD
NOT_IN_Z = ('headRoll',)  # aligning takes it away

# The mesh does not show these: depth of the jaw, cheeks, nose and tongue hardly move it, and the rest is told by others.
_NOT_MEASURED = (
    'jawForward', 'mouthClose', 'mouthDimpleLeft', 'mouthDimpleRight', 'mouthShrugLower', 'mouthShrugUpper', 'cheekPuff',
    'noseSneerLeft', 'noseSneerRight', 'tongueOut')
# What `tools.faces.controls` measures, in the order in which records hold it.
MEASURED = tuple(name for name in CONTROLS if name not in _NOT_MEASURED)

# What a person does to show a control; the name without its side, where both sides are done alike.
_TO_FILM = {
    'eyeBlink': 'shut both eyes, and each alone', 'eyeLookDown': 'look down, with a still head',
    'eyeLookIn': 'look to both sides, with a still head', 'eyeLookOut': 'look to both sides, with a still head',
    'eyeLookUp': 'look up, with a still head', 'eyeSquint': 'squint, as against the sun',
    'eyeWide': 'open the eyes wide', 'jawLeft': 'push the jaw to both sides', 'jawRight': 'push the jaw to both sides',
    'jawOpen': 'open the mouth wide', 'mouthFunnel': 'say a long "oh"', 'mouthPucker': 'pout, as for a kiss',
    'mouthLeft': 'move the closed mouth to both sides', 'mouthRight': 'move the closed mouth to both sides',
    'mouthSmile': 'smile broadly, on both sides and on each alone', 'mouthFrown': 'pull the corners of the mouth down',
    'mouthStretch': 'pull the corners of the mouth apart', 'mouthRollLower': 'draw the lower lip in',
    'mouthRollUpper': 'draw the upper lip in', 'mouthPress': 'press the lips together',
    'mouthLowerDown': 'show the lower teeth', 'mouthUpperUp': 'show the upper teeth', 'browDown': 'frown, brows down',
    'browInnerUp': 'raise the brows', 'browOuterUp': 'raise the brows, and each alone',
    'cheekSquint': 'raise the cheeks, as in a laugh', 'headYaw': 'turn the head slowly to both sides',
    'headPitch': 'nod slowly, up and down', 'headRoll': 'tilt the head slowly to both sides'}


def without_side(name):
  """Returns a control's name, str, without the person's side, as in 'mouthSmile' of 'mouthSmileLeft'.

  `jawLeft`, `jawRight`, `mouthLeft` and `mouthRight` name directions and not sides, and stay.
  """
  stem = name.removesuffix('Left').removesuffix('Right')
  return name if stem in ('jaw', 'mouth') else stem


def to_film(name):
  """Returns what a person does to show a control of `MEASURED`, str, as in 'raise the brows'."""
  return _TO_FILM[without_side(name)]


def absent_sentence(name):
  """Returns a sentence that a control of `MEASURED` hardly moves in a person's pictures, and what to film for it."""
  return f'{name} hardly moves in these pictures. For it, film yourself: {to_film(name)}.'


def limits(name):
  """Returns the least and the largest value of a control of `CONTROLS`: 0 and 1, or degrees."""
  return (-180.0, 180.0) if name in HEAD else (0.0, 1.0)


def check(name, where):
  """Raises an `errors.InputError`, which names the nearest controls, unless `name` is one of `CONTROLS`.

  Args:
    name: str.
    where: str, what the message begins with, as in 'smile.csv: line 1'.
  """
  if name in CONTROLS:
    return
  by_lower_case = {control.lower(): control for control in CONTROLS}
  near = [by_lower_case[each] for each in difflib.get_close_matches(name.lower(), by_lower_case, 3)]
  which = f'Did you mean {" or ".join(near)}?' if near else f'Use one of ARKit\'s, as in {", ".join(MEASURED[:3])}.'
  raise errors.InputError(f'{where}: `{name}` is no control. {which}')
