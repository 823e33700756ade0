"""Draws a numbered gallery of a run's expressions, to choose the source and target of an animation from.

  python -m tools.make_gallery --run=checkpoints/00001-adele64
  python -m tools.make_gallery --run=checkpoints/00001-adele64 --checkpoint=best --num_images=200 --seed=7

Training ends with a gallery of 64; this makes another one in its place, of a run that still trains too. Writes
RUN/gallery.png, and beside it RUN/gallery.npz with the point of Z of each picture and the checkpoint's minibatch, so
that animations are drawn by the same one. The last line on standard output is the picture's path.
"""

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from dcgan.common import wording

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_CHECKPOINT = flags.DEFINE_string('checkpoint', 'latest', 'The checkpoint that draws it: latest, best, or the '
                                  'minibatch of one.')
_NUM_IMAGES = flags.DEFINE_integer('num_images', 64, 'Pictures in the gallery.', lower_bound=1)
_SEED = flags.DEFINE_integer('seed', None, 'Of the points of Z. By default the run\'s own.', lower_bound=0)
_TILE_PX = flags.DEFINE_integer('tile_px', 128, 'Size of a picture in the gallery.', lower_bound=8)


def main():
  """Writes the gallery; returns the picture's path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  checkpoint = _CHECKPOINT.value
  if checkpoint not in ('latest', 'best') and not checkpoint.isdecimal():
    raise app.UsageError(f'--checkpoint ({checkpoint}) must be latest, best or the minibatch of one. Use best.')
  from dcgan.model import gallery  # pylint: disable=import-outside-toplevel
  from dcgan.training import trained_networks  # pylint: disable=import-outside-toplevel  (TensorFlow)
  trained = trained_networks.load(_RUN.value, int(checkpoint) if checkpoint.isdecimal() else checkpoint)
  path = gallery.default_path(_RUN.value)
  seed = trained.options.training.seed if _SEED.value is None else _SEED.value
  z = trained.space.gallery(_NUM_IMAGES.value, seed)
  gallery.save(path, trained.generator, z, trained.step, _TILE_PX.value)
  logging.info('%d expressions of %s at minibatch %d. Animate two of them with: python -m tools.animate %s '
               '--source=A --target=B, or without numbers two that are chosen by themselves.', len(z),
               _RUN.value, trained.step, wording.flag('run', _RUN.value))
  return path


if __name__ == '__main__':
  entry.run(main)
