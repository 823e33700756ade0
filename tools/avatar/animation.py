"""A line through expressions of a run's gallery, as a moving picture."""

import pathlib

from absl import logging

from dcgan import checkpoints
from dcgan import errors
from dcgan import gallery
from dcgan import images
from dcgan import input_pipeline
from dcgan import latents
from dcgan import networks
from dcgan import records
from tools.avatar import expressions
from tools import media

_NUM_REALS = 128  # beside which pictures look real or not


def save(run, numbers=None, path=None, *, num_parts=20, fps=10, there_and_back=True, size_px=256):
  """Writes an animation along straight lines in Z (the report's "Create Animated Expressions").

  It is drawn by the checkpoint that drew the gallery. Where that one is gone the latest draws it, with a warning.

  Args:
    run: path of the run's folder.
    numbers: list of int, two or more of the gallery's, or None for two that are chosen (`expressions.choose`).
    path: path of the file, .gif, .webp or .mp4; None for a GIF in the folder of the run, named after the numbers.
    num_parts: int, equal parts of each line; the report takes 20.
    fps: number > 0, frames per second.
    there_and_back: bool, whether the way is gone back too.
    size_px: int, width and height.

  Returns:
    `pathlib.Path` of the file.

  Raises:
    errors.InputError: there is no such run, gallery, number or format, or a checkpoint is damaged.
  """
  checkpoints.latest(run)  # a run that is none is told of before its gallery is missed
  shown = gallery.load(run)
  generator, options = _generator(shown)
  if numbers is None:
    numbers = expressions.choose(generator, shown.z, options.data.crop_px, _real_images(options))
  z = latents.keyframe_path(shown.keyframes(list(numbers)), num_parts, there_and_back)
  path = pathlib.Path(path or pathlib.Path(run) / f'animation_{"_".join(map(str, numbers))}.gif')
  media.save_animation(path, images.resize(networks.generate(generator, z), size_px), fps)
  return path


def _generator(shown):
  """Returns (`tf.keras.Model`, `config.Config`): what drew a `gallery.Gallery`, or else the latest checkpoint's."""
  step = 'latest'
  if shown.step in checkpoints.steps(shown.run):
    step = shown.step
  elif shown.step is not None:
    logging.warning('The gallery of %s was drawn at minibatch %d, whose checkpoint is gone: the latest one draws the '
                    'animation, and its faces may differ a little. tools.make_gallery draws a new gallery.', shown.run,
                    shown.step)
  generator, options, _ = checkpoints.load_generator(shown.run, step)
  return generator, options


def _real_images(options):
  """Returns some pictures that a run was trained on, uint8 [num, size, size, 3]; None where its set is gone."""
  data = options.data
  try:
    manifest = records.load_manifest(data.records)
    if manifest.digest != data.records_digest:
      return None
    training_set = input_pipeline.load_training_set(
        data.records, manifest, options.networks.image_size_px, data.crop_px, 'stream', data.holdout_fraction)
  except errors.InputError:  # damaged
    return None
  return training_set.some(training_set.trained_on, _NUM_REALS)
