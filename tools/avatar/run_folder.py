"""A run's folder and what was loaded from it, once, to draw its expressions."""

import dataclasses
import pathlib

from absl import logging

from dcgan.model import gallery
from dcgan.options import config
from dcgan.training import checkpoints
from dcgan.training import trained_networks


@dataclasses.dataclass(frozen=True, eq=False)
class RunFolder:
  """A run, by the checkpoint that drew its gallery, or the latest where that one is gone.

  Attributes:
    path: `pathlib.Path` of the folder.
    gallery: `gallery.Gallery`.
    generator: `tf.keras.Model`, z → images.
    encoder: `tf.keras.Model`, images → z, or None of a run without one.
    options: the run's `config.Config`.
    space: `region.Region`, or `latents.Normal` of a run without places.
    step: int, the minibatch of the checkpoint.
  """

  path: pathlib.Path
  gallery: gallery.Gallery
  generator: object
  encoder: object
  options: config.Config
  space: object
  step: int


def load(path):
  """Returns the `RunFolder` at a path.

  Raises:
    errors.InputError: there is no such run or gallery, or a checkpoint is damaged.
  """
  checkpoints.latest(path)  # a run that is none is told of before its gallery is missed
  shown = gallery.load(path)
  step = 'latest'
  if shown.step in checkpoints.steps(shown.run):
    step = shown.step
  elif shown.step is not None:
    logging.warning('The gallery of %s was drawn at minibatch %d, whose checkpoint is gone: the latest one draws the '
                    'animation, and its faces may differ a little. tools.make_gallery draws a new gallery.', shown.run,
                    shown.step)
  trained = trained_networks.load(shown.run, step)
  return RunFolder(shown.run, shown, trained.generator, trained.encoder, trained.options, trained.space, trained.step)
