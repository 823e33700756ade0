"""A person moved by controls over time: keyframes or a recording, as a moving picture."""

import dataclasses
import pathlib
import re

from absl import logging
import numpy as np
from scipy import ndimage

from dcgan.common import errors
from dcgan.common import images
from dcgan.control import timeline
from dcgan.control import timeline_files
from dcgan.model import latents
from dcgan.model import networks
from tools.avatar import finding
from tools.avatar import posing
from tools.avatar import references
from tools.avatar import run_folder
from tools.avatar import tilting
from tools.material import animations

_KNOT_SECS = 0.2  # of a recording, between two moments that are posed in a closed loop
_SMOOTH_SECS = 0.05  # standard deviation, over which points are averaged: what leads them back may jump
_MOST_SECS = 3600
_BATCH = 64
_PHOTO = re.compile(r'\s*(\S+)\s+photo=(.+?)\s*')
_PATH = 'animation_controls.gif'


@dataclasses.dataclass(frozen=True, eq=False)
class Course:
  """What a face does over time.

  Attributes:
    controls: `timeline.Timeline`.
    photos: dict of str by float, the photos that are shown at some of its moments.
    is_recording: bool, whether its moments are many, and are not keyframes.
  """

  controls: timeline.Timeline
  photos: dict = dataclasses.field(default_factory=dict)
  is_recording: bool = False


def of_keyframes(text, where='keyframes'):
  """Returns the `Course` of keyframes as `timeline_files.keyframes` reads them; one may also be `1s photo=me.jpg`.

  Raises:
    errors.InputError: a keyframe is not understood, or breaks a rule of `timeline.Timeline`.
  """
  parts = [part for part in re.split(r'[,\n]', text) if part.strip()]
  photos, plain = [], []
  for part in parts:
    photo = _PHOTO.fullmatch(part)
    photos.append(photo and photo[2])
    plain.append(f'{photo[1]} {timeline_files.NEUTRAL}' if photo else part)
  if plain and '=' not in ''.join(plain):  # nothing but rest and photos: all that is told is when
    plain[0] += f' {posing.ROLL}=0'
  controls = timeline_files.keyframes(','.join(plain), where)
  return Course(controls, {time: photo for time, photo in zip(controls.times_secs.tolist(), photos) if photo})


def of_file(path):
  """Returns the `Course` in a file: .txt holds keyframes, .csv and .jsonl a recording (`timeline_files.load`)."""
  path = pathlib.Path(path)
  if path.suffix.lower() != '.txt':
    return Course(timeline_files.load(path), is_recording=True)
  try:
    return of_keyframes(path.read_text(encoding='utf-8-sig'), str(path))
  except (OSError, UnicodeDecodeError) as error:
    raise errors.InputError(f'{path}: cannot be read as text ({errors.reason(error)}). Check the path.') from error


def save(run, course, path=None, *, fps=25, size_px=256):
  """Writes an animation of a run's person that does what a course says.

  Args:
    run: path of the run's folder.
    course: `Course`.
    path: path of the file, .gif, .webp or .mp4; None for RUN/animation_controls.gif.
    fps: number > 0, frames per second.
    size_px: int, width and height.

  Returns:
    `pathlib.Path` of the file.

  Raises:
    errors.InputError: the person has none of the controls, or not one of a keyframe; there is no such photo or format;
      or the run cannot be posed.
  """
  if course.controls.duration_secs > _MOST_SECS:
    raise errors.InputError(f'{course.controls.where}: lasts {course.controls.duration_secs:.0f} s; {_MOST_SECS} are '
                            'the most. Cut it.')
  folder = run_folder.load(run)
  poser = posing.Poser(folder)
  known = _known(poser, course)
  photos = {time: _point_of(photo, folder) for time, photo in course.photos.items()}
  z, rolls = points(poser, dataclasses.replace(course, controls=known, photos=photos), float(fps))
  path = pathlib.Path(path or folder.path / _PATH)
  animations.save_animation(path, _drawn(folder.generator, z, rolls, size_px), fps)
  return path


def points(poser, course, fps):
  """Returns the points of Z of the frames of a course, and how far the head is tilted in each.

  Some moments, the keyframes or every fifth of a second of a recording, are posed in a closed loop. Between them
  controls go on in Z as they are fitted, with the corrections of the moments before and after: a closed loop of its own
  for each frame would make the face tremble. What is not named stays near rest.

  Args:
    poser: `posing.Poser`.
    course: `Course` of controls that the person has, with points of Z, float32 [z_dims], in place of photos.
    fps: float > 0.

  Returns:
    (z, rolls): float32 [num_frames, z_dims], on the sphere, and float [num_frames], degrees.
  """
  how = timeline.LINEAR if course.is_recording else timeline.SMOOTH
  frames = course.controls.resample(fps, how)
  times = frames.times_secs
  knots = np.unique(np.append(times[::max(1, round(_KNOT_SECS * fps))], times[-1])) if course.is_recording else (
      course.controls.times_secs)
  wanted, slack = _wanted(poser, course.controls, knots, how)
  proposed = np.array([poser.controller.propose(each, slack) for each in wanted])
  posed = [i for i, time in enumerate(knots) if time not in course.photos]
  met = dict(zip(posed, poser.meet_all([wanted[i] for i in posed], [slack] * len(posed)))) if posed else {}
  reached = np.array([met[i].z if i in met else course.photos[time] for i, time in enumerate(knots.tolist())])
  corrections = _between(knots, reached - proposed, times, is_eased=not course.is_recording)
  wanted, _ = _wanted(poser, course.controls, times, how)
  z = np.array([poser.controller.lead_back(poser.controller.propose(each, slack) + correction)
                for each, correction in zip(wanted, corrections)])
  smooth = latents.to_sphere(ndimage.gaussian_filter1d(z, _SMOOTH_SECS * fps, axis=0, mode='nearest'))
  rolls = frames.of([posing.ROLL])[:, 0]
  return smooth, np.nan_to_num(rolls)


def _wanted(poser, controls, times, how):
  """Returns (values, slack) as `posing.Poser.meet` takes them: float64 [num_times, num_names], float64 [num_names]."""
  named = [name for name in controls.names if name in poser.controller.names]
  rest, slack = poser.wanted(dict.fromkeys(named, 0.0))
  values = np.tile(rest, [len(times), 1])
  at = controls.at(times, how)
  for name in named:
    column = poser.controller.names.index(name)
    given = at[:, controls.names.index(name)]
    values[:, column] = np.where(np.isfinite(given), given, poser.at_rest()[column])
  return values, slack


def _between(knots, values, times, is_eased):
  """Returns rows of values at times between knots, float [num_times, num_values]; eased, they rest at each knot."""
  if len(knots) == 1:
    return np.repeat(values, len(times), axis=0)
  before = np.clip(np.searchsorted(knots, times, side='right') - 1, 0, len(knots) - 2)
  share = np.clip((times - knots[before]) / (knots[before + 1] - knots[before]), 0, 1)[:, np.newaxis]
  if is_eased:
    share = share * share * (3 - 2 * share)
  return (1 - share) * values[before] + share * values[before + 1]


def _known(poser, course):
  """Returns the `timeline.Timeline` of the controls that the person has, and tells of the others.

  Raises:
    errors.InputError: it is none, or a keyframe names another one: a recording holds all, whoever is recorded.
  """
  controls = course.controls
  has = [name in (posing.ROLL, *poser.controller.names) for name in controls.names]
  if not course.is_recording:
    for name in controls.names:
      poser.check(name)
  others = [name for name, is_had in zip(controls.names, has) if not is_had]
  if not any(has):
    raise errors.InputError(f'{controls.where}: of its controls ({", ".join(others[:3])}, …) the person shows none. '
                            f'Name others, as in {", ".join(poser.controller.names[:3])}.')
  if others:
    logging.info('%s: left out, as the person does not show them: %s.', controls.where, ', '.join(others))
  return dataclasses.replace(controls, names=tuple(np.array(controls.names)[has].tolist()),
                             values=controls.values[:, has])


def _point_of(photo, folder):
  """Returns the point of Z of a photo, float32 [z_dims]: a file, or whatever else names an expression."""
  if pathlib.Path(photo).is_file():
    return finding.Finder(folder.path, folder).find(photo).z
  return references.resolve([photo], folder)[0]


def _drawn(generator, z, rolls, size_px):
  """Yields the pictures at points of Z, tilted, uint8 [size_px, size_px, 3]."""
  for start in range(0, len(z), _BATCH):
    made = images.resize(networks.generate(generator, z[start:start + _BATCH]), size_px)
    yield from (tilting.tilt(image, roll) for image, roll in zip(made, rolls[start:start + _BATCH]))
