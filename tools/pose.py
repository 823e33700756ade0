"""Draws a run's person with controls at given values: a name and a number each.

  python -m tools.pose --run=checkpoints/00001-me128-from-ufm128 jawOpen=0.7 mouthSmileLeft=0.5 headYaw=-8
  python -m tools.pose --run=checkpoints/00001-me128-from-ufm128 --card

Controls bear ARKit's names; Left is the person's left. 0 is this person's face at rest and 1 as far as the person goes
in the pictures of the set; headYaw, headPitch and headRoll are in degrees. What is not named stays near rest. The
point of Z is looked for in a closed loop: it is proposed from the places of the pictures, made, measured and corrected,
and stays near them; headRoll turns the picture. What the picture shows is told; a control that the pictures never show
is told as absent, with what to film for it. With --card all controls are drawn, each at five values, with how sure each
is (1 is sure, 0 a guess), as RUN/controls.png. The last line on standard output is the picture's path.
"""

import math

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_OUT = entry.define_path('out', None, 'Picture to write; RUN/pose.png by default, with --card RUN/controls.png.')
_CARD = flags.DEFINE_bool('card', False, 'Instead, draw a card of all controls that the person has.')
_TILE_PX = flags.DEFINE_integer('tile_px', 256, 'Size of the picture in px.', lower_bound=8, upper_bound=4096)


def main(*given):
  """Draws the picture; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  if _CARD.value:
    return _draw_card(given)
  if not given:
    raise app.UsageError('a control and its value are needed, as in jawOpen=0.7.')
  asked = dict(map(_parsed, given))
  # pylint: disable=import-outside-toplevel  (TensorFlow)
  import pathlib
  from dcgan.common import images
  from tools.avatar import posing
  from tools.avatar import run_folder
  path = pathlib.Path(_OUT.value or pathlib.Path(_RUN.value) / 'pose.png')
  poser = posing.Poser(run_folder.load(_RUN.value))
  pose = poser.pose(asked)
  images.save_picture(path, images.resize(pose.image[None], _TILE_PX.value)[0])
  sureness = dict(zip(poser.controller.names, poser.controller.sureness))
  for name, value in asked.items():
    if name in sureness:  # headRoll is done to the picture
      logging.info('%s: asked for %g, shown %.2f (R² of held-out pictures %.2f).', name, value, pose.measured[name],
                   sureness[name])
  return path


def _draw_card(given):
  """Draws the card; returns its path."""
  if given or _TILE_PX.present:
    raise app.UsageError(f'{given[0] if given else "--tile_px"} is of no use with --card. Leave one of them out.')
  # pylint: disable=import-outside-toplevel  (TensorFlow)
  import pathlib
  from tools.avatar import control_card
  from tools.avatar import posing
  from tools.avatar import run_folder
  path = pathlib.Path(_OUT.value or pathlib.Path(_RUN.value) / control_card.FILE)
  control_card.save(path, posing.Poser(run_folder.load(_RUN.value)))
  return path


def _parsed(text):
  """Returns (name, float) of a word as in 'jawOpen=0.7'."""
  from dcgan.control import names  # pylint: disable=import-outside-toplevel
  name, is_pair, number = text.partition('=')
  names.check(name, f'`{text}`')
  try:
    value = float(number) if is_pair else math.nan
  except ValueError:
    value = math.nan
  least, most = names.limits(name)
  if not least <= value <= most:
    raise app.UsageError(f'{text}: must be a control and a value from {least:g} to {most:g}, as in {name}='
                         f'{0.5 if most == 1 else 10:g}.')
  return name, value


if __name__ == '__main__':
  entry.run(main, num_arguments=None)
