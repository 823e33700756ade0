"""The demo clip: a public-domain portrait that shows distinct expressions, and the true amounts behind each frame."""

import json
import pathlib

import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import progress
from tools.demo import portrait as demo_portrait
from tools.faces import landmarks
from tools.material import animations

TRUTH_VERSION = 1

# What the face does, one after another in an order that the seed draws; all of them before any comes again.
_EXPRESSIONS = (
    {},  # the photo itself: a smile with teeth
    {'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0},  # at rest
    {'mouthSmileLeft': 1.0, 'mouthSmileRight': 1.0},
    {'mouthSmileLeft': 0.5, 'mouthSmileRight': 0.5, 'jawOpen': 0.75},  # a laugh
    {'mouthSmileLeft': -0.9, 'mouthSmileRight': -0.9, 'jawOpen': 0.85, 'browInnerUp': 1.0},  # surprise
    {'jawOpen': 1.0},
    {'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0, 'browInnerUp': 1.0},
    {'mouthSmileLeft': -0.8, 'mouthSmileRight': -0.8, 'eyeBlinkLeft': 1.0, 'eyeBlinkRight': 1.0},  # asleep
    {'mouthSmileLeft': 0.9, 'mouthSmileRight': 0.9, 'eyeBlinkLeft': 1.0, 'eyeBlinkRight': 1.0, 'browInnerUp': 0.4},
    {'mouthSmileLeft': 0.7, 'mouthSmileRight': 0.2, 'eyeBlinkLeft': 1.0},  # a wink
    {'mouthSmileLeft': 0.3, 'mouthSmileRight': 0.3, 'browInnerUp': 1.0},
    {'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0, 'jawOpen': 0.4},
)
_HOLD_SECS = (0.9, 1.4)
_CHANGE_SECS = (0.3, 0.5)
_BLINK_EVERY_SECS = (2.0, 4.5)
_BLINK_SECS = 0.36

# How far the head and the picture sway to either side: degrees, a share of the scale, sides of the frame.
_SWAYS = {'headYaw': 17.0, 'headPitch': 10.0, 'headRoll': 12.0, 'scale': 0.1, 'x': 0.06, 'y': 0.05}
_SWAY_PERIODS_SECS = ((6.0, 10.0), (3.5, 6.0), (2.0, 3.5))
_SWAY_SHARES = (0.55, 0.3, 0.15)


def make_clip(out, duration_secs, fps, seed, size_px):
  """Writes the demo clip as an MP4 and, beside it, its truth as JSON.

  Args:
    out: str or `pathlib.Path` of the MP4.
    duration_secs: float > 0.
    fps: float > 0, frames per second.
    seed: int >= 0; the same seed makes the same clip.
    size_px: int, side of the square frames; even, at least 64.

  Returns:
    The `pathlib.Path` of the MP4.

  Raises:
    errors.InputError: an argument breaks its rule, or scikit-image is not installed.
  """
  out = pathlib.Path(out)
  num_frames = _checked_num_frames(out, duration_secs, fps, seed, size_px)
  photo = load_photo()
  found = landmarks.FaceFinder().find_all(photo)
  if not found:
    raise errors.InputError('`photo` (scikit-image\'s astronaut) must show a face, but none was found. Reinstall '
                            'scikit-image and mediapipe.')
  portrait = demo_portrait.Portrait(photo, found[0].landmarks, size_px)
  poses = make_poses(num_frames, fps, seed)
  with progress.Progress(num_frames, 'Demo clip', 'frames') as shown:
    animations.save_animation(out, _frames(portrait, poses, shown), fps)
  settings = {'version': TRUTH_VERSION, 'seed': seed, 'fps': fps, 'size_px': size_px}
  truth = {**settings, 'frames': [_truth(portrait, pose, i, i / fps) for i, pose in enumerate(poses)]}
  files.write_text(truth_path(out), json.dumps(truth, indent=1) + '\n')
  return out


def truth_path(clip):
  """Returns the `pathlib.Path` of the JSON beside the MP4 `clip`.

  It holds the settings and `frames`, for each frame: `index`, `time_secs`, `controls` (all of
  `demo_portrait.CONTROLS`), `transform` (2x3, from px of the photo to px of the frame, without the head's turn),
  `image_left_eye` and `image_right_eye` (x and y of the iris centres in px of the frame, also behind closed lids).
  """
  return pathlib.Path(clip).with_suffix('.truth.json')


def load_photo():
  """Returns uint8 [512, 512, 3], NASA's public-domain portrait of Eileen Collins, which scikit-image carries."""
  try:
    from skimage import data  # pylint: disable=import-outside-toplevel
  except ImportError as error:
    raise errors.InputError('The portrait of the demo clip needs scikit-image, which is not installed. Install the '
                            'extra: pip install .[demo]') from error
  return data.astronaut()


def make_poses(num_frames, fps, seed):
  """Returns `num_frames` of `demo_portrait.Pose`: expressions that change and hold, while the head sways.

  The amounts are rounded to 4 places, so that the truth's JSON holds exactly what was drawn.
  """
  rng = np.random.default_rng(seed)
  times = np.arange(num_frames) / fps
  tracks = _expressions(times, rng)
  blinks = _blinks(times, rng)
  for name in ('eyeBlinkLeft', 'eyeBlinkRight'):
    tracks[name] = np.maximum(tracks[name], blinks)
  sways = {name: far * _sway(times, rng) for name, far in _SWAYS.items()}
  for name in ('headYaw', 'headPitch', 'headRoll'):
    tracks[name] = sways[name]
  return [
      demo_portrait.Pose({name: round(float(tracks[name][i]), 4) for name in demo_portrait.CONTROLS},
                         scale=round(float(1 + sways['scale'][i]), 4),
                         shift=(round(float(sways['x'][i]), 4), round(float(sways['y'][i]), 4)))
      for i in range(num_frames)]


def _checked_num_frames(out, duration_secs, fps, seed, size_px):
  if out.suffix.lower() != '.mp4':
    raise errors.InputError(f'`out` ({out}) must end with .mp4. Use {out.with_suffix(".mp4")}.')
  if not 0 < duration_secs <= 3600:
    raise errors.InputError(f'`duration_secs` ({duration_secs}) must be above 0 and at most 3600. Use 20.')
  if not 0 < fps <= 120:
    raise errors.InputError(f'`fps` ({fps}) must be above 0 and at most 120. Use 12.')
  if seed < 0:
    raise errors.InputError(f'`seed` ({seed}) must not be negative. Use 0.')
  if size_px % 2 or not 64 <= size_px <= 2048:
    raise errors.InputError(f'`size_px` ({size_px}) must be even and from 64 to 2048. Use 384.')
  num_frames = round(duration_secs * fps)
  if not num_frames:
    raise errors.InputError(f'`duration_secs` ({duration_secs}) must hold at least one frame at {fps} frames per '
                            f'second. Use {1 / fps:.3g} or more.')
  return num_frames


def _frames(portrait, poses, shown):
  for pose in poses:
    yield portrait.draw(pose)
    shown.update()


def _truth(portrait, pose, index, time_secs):
  left, right = portrait.eyes(pose).round(3).tolist()
  return {'index': index, 'time_secs': round(time_secs, 6), 'controls': pose.controls,
          'transform': portrait.transform(pose).round(6).tolist(), 'image_left_eye': left, 'image_right_eye': right}


def _expressions(times, rng):
  """Returns the amount of each control over `times`, float64 [num_frames], by name."""
  tracks = {name: np.zeros(len(times)) for name in demo_portrait.CONTROLS}
  now, start, order = {}, 0.0, []
  while len(times) and start <= times[-1]:
    order = order or list(rng.permutation(len(_EXPRESSIONS)))
    now, before = _EXPRESSIONS[order.pop()], now
    change = rng.uniform(*_CHANGE_SECS) if start else 0.0  # the first is there from the start
    share = np.clip((times - start) / change, 0, 1) if change else (times >= start).astype(float)
    share = share**3 * (10 + share * (6 * share - 15))
    for name, track in tracks.items():
      track += share * (now.get(name, 0.0) - before.get(name, 0.0))
    start += change + rng.uniform(*_HOLD_SECS)
  return tracks


def _blinks(times, rng):
  """Returns how far quick blinks close both eyes over `times`, float64 [num_frames]."""
  closed, middle = np.zeros(len(times)), 0.0
  while len(times) and middle <= times[-1]:
    middle += rng.uniform(*_BLINK_EVERY_SECS)
    closed = np.maximum(closed, np.clip(1.5 * (1 - 2 * np.abs(times - middle) / _BLINK_SECS), 0, 1))
  return closed


def _sway(times, rng):
  """Returns a smooth wandering between -1 and 1 over `times`: three sines with drawn periods and phases."""
  return sum(share * np.sin(2 * np.pi * (times / rng.uniform(*periods) + rng.uniform()))
             for share, periods in zip(_SWAY_SHARES, _SWAY_PERIODS_SECS))
