"""A way through expressions of a run, or the film that it learnt, as a moving picture."""

import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import images
from dcgan.common import names as file_names
from dcgan.common import wording
from dcgan.data import manifests
from dcgan.model import latents
from dcgan.model import motion
from dcgan.model import networks
from dcgan.model import region
from dcgan.options import presets
from tools.avatar import expressions
from tools.avatar import references
from tools.avatar import run_folder
from tools.avatar import set_pictures
from tools.material import animations

_NUM_REALS = 128  # beside which pictures look real or not
_MOST_SECS = 3600  # of a replay


def save(run, names=None, path=None, *, through=2, num_parts=20, fps=10, there_and_back=True, size_px=256):
  """Writes an animation along a way in Z from expression to expression (the report's "Create Animated Expressions").

  Args:
    run: path of the run's folder.
    names: list of str, two or more, as `references.resolve` takes them; None for some that are chosen.
    path: path of the file, .gif, .webp or .mp4; None for a GIF in the folder of the run, named after the names.
    through: int, how many expressions are chosen; the way through them ends where it began.
    num_parts: int, parts of each line, which look equally far apart; the report takes 20.
    fps: number > 0, frames per second.
    there_and_back: bool, whether the way is gone back too.
    size_px: int, width and height.

  Returns:
    `pathlib.Path` of the file.

  Raises:
    errors.InputError: there is no such run, gallery, expression or format, or a checkpoint is damaged.
  """
  folder = run_folder.load(run)
  if names is None:
    numbers = expressions.choose(folder.generator, folder.gallery.z, folder.options.data.crop, folder.space, through,
                                 set_pictures.some(folder.options, _NUM_REALS))
    names = [str(number) for number in numbers]
    there_and_back = there_and_back or (through > 2 and numbers[0] != numbers[-1])  # fewer were found: it ends apart
  z = motion.between(folder.generator, folder.space, references.resolve(names, folder), num_parts, there_and_back)
  stem = file_names.shortened(f'animation_{"_".join(map(_as_file_name, names))}', file_names.MOST_BYTES - len('.gif'))
  path = pathlib.Path(path or folder.path / f'{stem}.gif')
  animations.save_animation(path, _drawn(folder.generator, z, size_px), fps)
  if isinstance(folder.space, latents.Normal):
    _tell_of_places(folder.options.data.records)
  return path


def save_replay(run, path=None, *, fps=25, speed=1.0, beside_real=False, size_px=256):
  """Writes the film that a run learnt as the model shows it, with places between its frames.

  Args:
    run: path of the run's folder.
    path: path of the file; None for RUN/replay.mp4.
    fps: number > 0, frames per second of the animation.
    speed: float > 0, of the film.
    beside_real: bool, whether the frame of the set that is nearest in time stands on the left.
    size_px: int, width and height of the face.

  Returns:
    `pathlib.Path` of the file.

  Raises:
    errors.InputError: there is no such run; it has no places, or is of photos; or its set is gone.
  """
  folder = run_folder.load(run)
  space = folder.space
  clips = [] if isinstance(space, latents.Normal) else [
      clip for clip in space.clips() if np.isfinite(clip.times_secs).sum() > 1]
  if not clips:
    raise errors.InputError(f'`replay`: {run} has no places of the frames of a film. It needs a run of the preset '
                            'person, on a set made from a video.')
  secs = np.nanmax(space.times_secs) / speed
  if secs > _MOST_SECS:
    raise errors.InputError(f'`speed` ({speed:g}) makes a replay of {secs:.0f} s; {_MOST_SECS} are the most. '
                            'Raise --speed.')
  parts = [motion.replay(clip, fps, speed) for clip in clips]
  frames = _drawn(folder.generator, np.concatenate([z for z, _ in parts]), size_px)
  if beside_real:
    frames = _beside(_real_frames(folder.options, [(region.clip_of(clip.keys[0]), times_secs)
                                                  for clip, (_, times_secs) in zip(clips, parts)]), frames, size_px)
  path = pathlib.Path(path or folder.path / 'replay.mp4')
  animations.save_animation(path, frames, fps)
  return path


def _tell_of_places(prefix):
  """Tells what places would do for a run of one person that has none."""
  try:
    manifest = manifests.load(prefix)
  except errors.InputError:
    return
  if presets.choose(manifest.kind, manifest.num_images) == 'person':
    logging.info('The pictures of this run have no places in Z. A new run gives them places, and shows what is in the '
                 'pictures, and clean faces between: python -m dcgan.train %s --init_from=ufm',
                 wording.flag('records', prefix))


def _drawn(generator, z, size_px):
  """Yields the pictures at points of Z, uint8 [size_px, size_px, 3], a batch at a time."""
  for start in range(0, len(z), 256):
    yield from images.resize(networks.generate(generator, z[start:start + 256]), size_px)


def _beside(left, right, size_px):
  """Yields pairs of pictures as one."""
  for one, other in zip(left, right):
    yield np.concatenate([images.resize(one[np.newaxis], size_px)[0], other], axis=1)


def _real_frames(options, clips):
  """Yields the frame of the set that is nearest to each time, [(clip, times)]; those that are held out too."""
  training_set = set_pictures.load(options)
  if training_set is None:
    raise errors.InputError(f'`beside_real`: the set {options.data.records} is gone or another one by now. Bring '
                            'it back, or leave --beside_real out.')
  names = np.array([region.clip_of(key) for key in training_set.keys])
  for name, times_secs in clips:
    of_clip = np.flatnonzero(names == name)
    nearest = np.abs(times_secs[:, np.newaxis] - training_set.times_secs[of_clip]).argmin(axis=1)
    for index in of_clip[nearest]:
      yield training_set.pictures([index])[0]


def _as_file_name(name):
  return ''.join(letter if letter.isalnum() or letter in '.-' else '_' for letter in name)[-40:]
