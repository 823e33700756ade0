"""A card of a person's controls: each at five values, as the model shows it, and what is absent."""

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan.common import images
from dcgan.control import names as control_names

FILE = 'controls.png'  # in the run's folder

_NUM_VALUES = 5
_TILE_PX, _GAP_PX, _LABEL_PX, _TEXT_PX = 96, 4, 18, 13
_NUM_COLUMNS = 2  # of controls
_MARGIN_PX = 12
_FAINT, _DARK = '#767676', '#202020'
_UNSURE = 0.3  # R² under which a control is drawn in grey


def save(path, poser):
  """Draws the card and writes it.

  Args:
    path: path of the picture.
    poser: `posing.Poser`.
  """
  images.save_picture(path, draw(poser))


def draw(poser):
  """Returns the card, uint8 [height, width, 3].

  Each control that the person has is asked for alone, at five values from its least to its most, in a closed loop.
  Above it stand its name and how sure it is, under each picture the value that was asked for and what is shown. Those
  that are hardly sure are named in grey. What is absent stands at the end, with what to film for it.

  Args:
    poser: `posing.Poser`.
  """
  names = poser.controller.names
  values = [np.linspace(*poser.ends(name), _NUM_VALUES) for name in names]
  asked = [poser.wanted({name: value}) for name, row in zip(names, values) for value in row]
  poses = poser.meet_all(*map(list, zip(*asked)))
  absent = [name for name in poser.calibration.names
            if name not in names and name not in control_names.HEAD]
  step = _TILE_PX + _GAP_PX
  row_px, column_px = 2 * _LABEL_PX + step + _GAP_PX, _NUM_VALUES * step + 2 * _MARGIN_PX
  num_rows = -(-len(names) // _NUM_COLUMNS)
  lines = _lines_of_absent(absent)
  height_px = num_rows * row_px + len(lines) * _LABEL_PX + 2 * _MARGIN_PX
  card = Image.new('RGB', (_NUM_COLUMNS * column_px, height_px), 'white')
  pen = ImageDraw.Draw(card)
  font = ImageFont.load_default(_TEXT_PX)
  for number, (name, sureness) in enumerate(zip(names, poser.controller.sureness)):
    left = number // num_rows * column_px + _MARGIN_PX
    top = number % num_rows * row_px + _MARGIN_PX
    pen.text((left, top), f'{name}   {max(sureness, 0):.2f}', font=font, fill=_FAINT if sureness < _UNSURE else _DARK)
    for i, value in enumerate(values[number]):
      pose, x = poses[number * _NUM_VALUES + i], left + i * step
      card.paste(Image.fromarray(images.resize(pose.image[np.newaxis], _TILE_PX)[0]), (x, top + _LABEL_PX))
      pen.text((x, top + _LABEL_PX + _TILE_PX), _told(name, value, pose.measured[name]), font=font, fill=_FAINT)
  for i, line in enumerate(lines):
    pen.text((_MARGIN_PX, num_rows * row_px + _MARGIN_PX + i * _LABEL_PX), line, font=font, fill=_DARK)
  return np.asarray(card)


def _lines_of_absent(absent):
  """Returns the lines, list of str, that tell what the pictures do not show, and what to film for it."""
  to_film = {}
  for name in absent:
    to_film.setdefault(control_names.to_film(name), []).append(name)
  lines = [f'{", ".join(each)}: {what}' for what, each in to_film.items()]
  return ['Not in these pictures. To have them, film yourself:', *lines] if lines else []


def _told(name, asked, shown):
  """Returns what stands under a picture, as in '0.50: 0.47'."""
  form = (lambda value: f'{round(value)}°') if name in control_names.HEAD else '{:.2f}'.format
  return f'{form(asked)}: {"–" if np.isnan(shown) else form(shown)}'
