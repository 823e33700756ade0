"""What a set of records lacks, in plain sentences, and what to do about it. Left and right are the image's."""

import dataclasses

import numpy as np

from dcgan.common import wording
from dcgan.control import calibration
from dcgan.control import names as control_names
from dcgan.options import presets
from tools.material import other_files
from tools.sets import reasons

_COPIED_BELOW = 20  # the discriminator learns so few by heart
_FEW_BELOW = 64  # what the report trained usable models on
_GOOD_FROM = 240
_MANY_GOOD_FROM = 10_000
# What counts as turned, nodding and open. Measured: three people who speak show yaw and pitch with a standard deviation
# of 3° to 6°; lips that rest have an opening under 0.05, speaking ones 0.1 to 0.35.
TURNED_DEG = 12.0
NODDED_DEG = 8.0
MOUTH_OPEN = 0.12
EYES_CLOSED_FRACTION = 0.5  # of the set's median opening
_RARE_FRACTION = 0.04
_BRIGHTNESS_SPREAD = 60.0  # between the 5th and the 95th percentile; one room's videos have 3 to 25
_DIM = 70.0
SOFT = 0.4  # of the median sharpness
_SOFT_FRACTION = 0.1
_HAVE = ('has', 'have')
_NUM_ABSENT_SHOWN = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers:
  """What is measured on the faces of a set; NaN where a list gave the eyes and there are no landmarks.

  Attributes:
    yaw_deg: float [num_faces], as `measures.pose` gives it.
    pitch_deg: float [num_faces], likewise.
    mouth_opening: float [num_faces], as `measures.mouth_opening` gives it.
    eye_opening: float [num_faces], the mean of both of `measures.eye_openings`.
    sharpness: float [num_faces], over the set's median.
    brightness: float [num_samples], of up to 5,000 faces spread evenly over the set.
    num_people: int, how many a list names; 0 where none does.
  """

  yaw_deg: np.ndarray
  pitch_deg: np.ndarray
  mouth_opening: np.ndarray
  eye_opening: np.ndarray
  sharpness: np.ndarray
  brightness: np.ndarray
  num_people: int = 0


def advise(manifest, numbers):
  """Returns plain sentences: what a set holds, what it lacks, what to do about it, and the notes on its inputs.

  Args:
    manifest: `manifests.Manifest`.
    numbers: its `Numbers`.

  Returns:
    list of str.
  """
  if is_of_many_people(manifest, numbers):
    told = _advice_on_many(manifest, numbers)
  else:
    told = [_advice_on_count(manifest), *_advice_on_poses(manifest, numbers), *_advice_on_mouth(manifest, numbers),
            *_advice_on_eyes(manifest, numbers), *_advice_on_controls(manifest), *_advice_on_pictures(numbers)]
  return told + _advice_on_rejections(manifest, is_of_many_people(manifest, numbers)) + list(manifest.notes)


def is_of_many_people(manifest, numbers):
  """Returns whether a set is of many people's faces and not of one person's."""
  return manifest.kind == 'celeba' or numbers.num_people > 1 or (
      presets.choose(manifest.kind, manifest.num_images) == 'ufm')


def finite(values):
  """Returns those of the values that are finite."""
  return values[np.isfinite(values)]


def _more(manifest, seconds, doing):
  """Returns what to do for more of something, as in 'Film 20 s more while talking.'"""
  if manifest.kind == 'video':
    return f'Film {seconds} s more {doing}.'
  return f'Add photos {doing}.'


def _advice_on_count(manifest):
  count = manifest.num_images
  more = ('Take more pictures a second (--fps) or a longer video.' if manifest.kind == 'video' else
          'Add photos, or film: a video gives more, and all expressions.')
  usable = wording.counted(count, 'usable face')
  if count < _COPIED_BELOW:
    return f'{usable}: under {_COPIED_BELOW}, training will likely copy the pictures and show nothing between. {more}'
  if count < _FEW_BELOW:
    return f'{usable} are few: under {_FEW_BELOW} a model is seldom usable. {more}'
  if count < _GOOD_FROM:
    return f'{usable}: enough for a model; {_GOOD_FROM} or more make a better one.'
  return f'{usable}: plenty.'


def _advice_on_poses(manifest, numbers):
  yaw, pitch = finite(numbers.yaw_deg), finite(numbers.pitch_deg)
  if not len(yaw):
    return ['Where heads look and what mouths and eyes do is not known: a list gave the eyes.']
  told = []
  for values, limit, names, seconds in (
      (yaw, TURNED_DEG, ("turned to the image's left", "turned to the image's right"), 10),
      (pitch, NODDED_DEG, ('looking down', 'looking up'), 5)):
    counts = ((values < -limit).sum(), (values > limit).sum())
    rare = [(count, name) for count, name in zip(counts, names) if count < _RARE_FRACTION * len(values)]
    if len(rare) == 2:
      doing = 'turning the head slowly to both sides' if limit == TURNED_DEG else 'nodding slowly'
      lost = 'turn its head' if limit == TURNED_DEG else 'nod'
      told.append(f'{_share(sum(counts), len(values))} {names[0]} or {names[1].split()[-1]} by over {limit:g}°: the '
                  f'avatar will hardly {lost}. {_more(manifest, seconds, doing)}')
    elif rare:
      count, name = rare[0]
      told.append(f'{_share(count, len(values))} {name} by over {limit:g}°: the avatar will hardly look there. '
                  f'{_more(manifest, seconds, name)}')
  return told or [f'Heads turn to both sides ({np.quantile(yaw, 0.05):.0f}° to {np.quantile(yaw, 0.95):.0f}°) and nod '
                  f'({np.quantile(pitch, 0.05):.0f}° to {np.quantile(pitch, 0.95):.0f}°).']


def _advice_on_mouth(manifest, numbers):
  mouth = finite(numbers.mouth_opening)
  if not len(mouth):
    return []
  num_open = int((mouth > MOUTH_OPEN).sum())
  if num_open < 0.1 * len(mouth):
    return [f'{_share(num_open, len(mouth), _HAVE)} an open mouth: the avatar will hardly speak. '
            f'{_more(manifest, 20, "while talking" if manifest.kind == "video" else "with an open mouth")}']
  if num_open > 0.9 * len(mouth):
    return [f'{_share(len(mouth) - num_open, len(mouth), _HAVE)} a closed mouth: the avatar will hardly close it. '
            f'{_more(manifest, 10, "with the lips closed")}']
  return [f'{100 * num_open / len(mouth):.0f} % have an open mouth.']


def _advice_on_eyes(manifest, numbers):
  eyes = finite(numbers.eye_opening)
  if not len(eyes):
    return []
  num_closed = int((eyes < EYES_CLOSED_FRACTION * np.median(eyes)).sum())
  if not num_closed:
    return ['No face has its eyes closed: the avatar will not blink. '
            f'{_more(manifest, 5, "while blinking" if manifest.kind == "video" else "with closed eyes")}']
  if num_closed > 0.25 * len(eyes):
    return [f'{100 * num_closed / len(eyes):.0f} % have their eyes closed, which is much: raise --min_eye_opening to '
            '0.1 for fewer.']
  return [f'{_share(num_closed, len(eyes), _HAVE)} closed eyes: it can blink.']


def _advice_on_controls(manifest):
  calibrated = calibration.Calibration.from_json(manifest.controls)
  if calibrated is None or manifest.num_images < _COPIED_BELOW:
    return []
  absent = list(dict.fromkeys(control_names.to_film(name) for name in calibrated.absent))
  if not absent:
    return [f'All {len(calibrated.names)} controls of the face move.']
  shown = '; '.join(absent[:_NUM_ABSENT_SHOWN])
  more = f'; and {len(absent) - _NUM_ABSENT_SHOWN} others' if len(absent) > _NUM_ABSENT_SHOWN else ''
  verb, them = ('moves', 'it') if len(calibrated.absent) == 1 else ('move', 'them')
  return [f'{len(calibrated.absent)} of {len(calibrated.names)} controls hardly {verb}. For {them}: {shown}{more}.']


def _advice_on_pictures(numbers):
  told = []
  brightness, sharpness = finite(numbers.brightness), finite(numbers.sharpness)
  if len(brightness):
    low, middle, high = np.quantile(brightness, [0.05, 0.5, 0.95])
    if high - low > _BRIGHTNESS_SPREAD:
      told.append(f'The light differs much: skin from {low:.0f} to {high:.0f} of 255. One light for all pictures makes '
                  'a steadier avatar; --match_colour evens much of it.')
    if middle < _DIM:
      told.append(f'The pictures are dim: skin at {middle:.0f} of 255. Take light from the front.')
  num_soft = int((sharpness < SOFT).sum())
  if num_soft > _SOFT_FRACTION * max(1, len(sharpness)):
    told.append(f'{wording.counted(num_soft, "face")} of much less than the usual sharpness: raise --min_sharpness to '
                f'{SOFT:g} if enough is left then.')
  return told


def _advice_on_many(manifest, numbers):
  count = manifest.num_images
  people = f' of {numbers.num_people:,} people' if numbers.num_people else ''
  told = [f'{count:,} usable faces{people}: a set of many people, for a Universal Face Model.']
  if count < _MANY_GOOD_FROM:
    told[0] += f' {_MANY_GOOD_FROM:,} or more make a better one; CelebA has 202,599.'
  told.append('Expressions come with the number of people; there is none to film again.')
  yaw = finite(numbers.yaw_deg)
  if len(yaw):
    told.append(f'{100 * (np.abs(yaw) <= TURNED_DEG).mean():.0f} % look ahead, '
                f"{100 * (yaw < -TURNED_DEG).mean():.0f} % to the image's left and "
                f'{100 * (yaw > TURNED_DEG).mean():.0f} % to its right (over {TURNED_DEG:g}°).')
  return told


def _advice_on_rejections(manifest, is_of_many):
  rejected = [each for each in manifest.rejected if each.reason.kind not in other_files.SENTENCES]  # the pictures
  counts = reasons.count(rejected)
  if not counts:
    return []
  largest, num_rejected = counts[0], len(rejected)
  # Nobody goes out to take other pictures of thousands of people.
  remedy = '' if is_of_many else largest.remedy
  which = f'all because: {largest.sentence}' if len(counts) == 1 else (
      f'the largest part, {largest.count:,}, because: {largest.sentence}')
  return [f'{num_rejected:,} of {manifest.num_inputs:,} pictures were left out, {which}. {remedy}'.rstrip()]


def _share(count, total, verbs=('is', 'are')):
  """Returns a count in words to go on with, as in 'No face is', 'Only 1 face is', 'Only 2 faces (3 %) are'."""
  if count == 0:
    return f'No face {verbs[0]}'
  only = 'Only ' * (count < _RARE_FRACTION * total or count == 1)
  share = f' {verbs[0]}' if count == 1 else f' ({100 * count / total:.0f} %) {verbs[1]}'
  return f'{only}{wording.counted(count, "face")}{share}'
