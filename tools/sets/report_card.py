"""The report card of a set of records: what it holds, what it lacks and what to do about it, as text and as a picture.

Everything is told from the records and their manifest. Left and right are the image's.
"""

import io
import itertools
import math
import pathlib
import textwrap

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan.common import errors
from dcgan.common import images
from dcgan.common import wording
from dcgan.data import manifests
from dcgan.data import records
from tools.faces import alignment
from tools.faces import measures
from tools.sets import advice
from tools.sets import curation
from tools.sets import reasons

_MAX_BRIGHTNESS_SAMPLES = 5000
_BATCH = 512

_COLUMNS = 8
_WIDTH_PX = _COLUMNS * (records.FACE_WIDTH_PX + 2) + 2
_DPI = 100
_TITLE_HEIGHT_PX, _LINE_HEIGHT_PX, _PLOTS_HEIGHT_PX, _MARGIN_PX = 44, 19, 230, 16
_TITLE_SIZE_PT, _TEXT_SIZE_PT, _PLOT_SIZE_PT = 15, 10, 9
_LINE_LENGTH = 175
_NUM_REASONS_DRAWN = 8
_BAR_COLOUR, _MARK_COLOUR, _GREY = '#3b7dd8', '#e08a1e', '#777777'
_LINE_RGB = (90, 200, 255)
_LINE_OPACITY = 0.35
_EYE_RGB = (255, 230, 0)
_EYE_RADIUS_PX = 4
_LABEL_SIZE_PX = 20


def card_path(prefix):
  """Returns the path of the card of the set `prefix`, as in `records/adele.png`."""
  return pathlib.Path(f'{prefix}.png')


def show(prefix, out, num_images):
  """Prints the report of a set and writes its card.

  Args:
    prefix: str, the set, as in `records/adele`.
    out: str or `pathlib.Path` of the picture to write.
    num_images: int >= 1, how many faces it shows at most.

  Returns:
    `out`.

  Raises:
    errors.InputError: there is no such set, or it is damaged or empty.
  """
  print(make(prefix, out, prefix, num_images))
  return out


def make(prefix, out, name, num_images=64):
  """Writes the card of a set and returns its report as lines of text.

  Args:
    prefix: str or `pathlib.Path`, the set.
    out: likewise, the picture to write.
    name: likewise, what the report calls the set.
    num_images: int >= 1, how many faces the card shows at most.

  Raises:
    errors.InputError: as in `show`.
  """
  manifest = manifests.load(prefix)
  if not manifest.num_images:
    raise errors.InputError(f'`{prefix}` holds 0 faces, but a report needs 1 or more. Make the set again.')
  numbers, sheet = look(prefix, manifest, num_images)
  told = advice.advise(manifest, numbers)
  images.save_picture(out, draw(prefix, manifest, numbers, told, sheet))
  made_with = ' '.join(f'{key}={value}' for key, value in manifest.settings.items() if value not in (None, ''))
  return '\n'.join([summary(name, manifest), '', *told, '', f'Made with {made_with}'])


def summary(prefix, manifest):
  """Returns what is in a set, and what was left out of it, as lines of text."""
  faces, pictures = wording.counted(manifest.num_images, 'face'), wording.counted(manifest.num_inputs, 'picture')
  lines = [f'{prefix}: {faces} of {pictures} ({manifest.kind}), {wording.counted(len(manifest.shards), "shard")}, '
           f'schema {manifest.schema_version}{"" if _is_aligned(manifest) else ", not aligned"}']
  lines += [f'  left out: {each.count:,} × {each.sentence}' for each in reasons.count(manifest.rejected)]
  return '\n'.join(lines)


def look(prefix, manifest, num_images):
  """Reads a set once.

  Args:
    prefix: str, the set.
    manifest: its `manifests.Manifest`, of 1 face or more.
    num_images: int >= 1.

  Returns:
    (`advice.Numbers`, uint8 RGB [sheet_height, sheet_width, 3] of up to `num_images` faces spread evenly over the set).

  Raises:
    errors.InputError: a shard is damaged.
  """
  wanted = set(_spread(manifest.num_images, num_images))
  lit = set(_spread(manifest.num_images, _MAX_BRIGHTNESS_SAMPLES))
  faces = enumerate(records.read_faces(prefix, manifest))
  tiles, brightness, sharpness, people, parts = [], [], [], set(), []
  while batch := list(itertools.islice(faces, _BATCH)):
    tiles += [marked(face, i, _is_aligned(manifest)) for i, face in batch if i in wanted]
    brightness += [_brightness(face) for i, face in batch if i in lit]
    sharpness += [face.sharpness for _, face in batch]
    people |= {face.identity for _, face in batch}
    parts.append(_of_landmarks([face.landmarks for _, face in batch]))
  relative = curation.relative_sharpness(np.array(sharpness), np.zeros(len(sharpness), np.int64))
  numbers = advice.Numbers(*np.concatenate(parts).T, relative, np.array(brightness), len(people - {None}))
  return numbers, images.make_grid(np.stack(tiles), num_columns=_COLUMNS)


def draw(prefix, manifest, numbers, told, sheet):
  """Returns the card as uint8 RGB [height, 1442, 3]: counts, advice and reasons, plots in one row, the sheet of faces.

  Args:
    prefix: str, the set.
    manifest: `manifests.Manifest`.
    numbers: `advice.Numbers`.
    told: list of str, the advice.
    sheet: uint8 RGB [sheet_height, sheet_width <= 1442, 3].
  """
  # pylint: disable=import-outside-toplevel  (half a second)
  from matplotlib import figure
  from matplotlib.backends import backend_agg
  title, *left_out = summary(pathlib.Path(prefix).name, manifest).splitlines()
  if len(left_out) > _NUM_REASONS_DRAWN:
    left_out[_NUM_REASONS_DRAWN - 1:] = [f'and {len(left_out) - _NUM_REASONS_DRAWN + 1} other reasons']
  lines = [(sentence, 'black') for sentence in told] + [(line.strip(), _GREY) for line in left_out]
  lines = [(part, colour) for line, colour in lines for part in textwrap.wrap(
      line, _LINE_LENGTH, subsequent_indent='    ')]
  text_px = _TITLE_HEIGHT_PX + _LINE_HEIGHT_PX * len(lines)
  height_px = text_px + _PLOTS_HEIGHT_PX
  drawing = figure.Figure(figsize=(_WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor='white')
  canvas = backend_agg.FigureCanvasAgg(drawing)
  x = _MARGIN_PX / _WIDTH_PX
  drawing.text(x, 1 - _TITLE_HEIGHT_PX / 2 / height_px, title, size=_TITLE_SIZE_PT, weight='bold', va='center',
               parse_math=False)
  for i, (line, colour) in enumerate(lines):
    drawing.text(x, 1 - (_TITLE_HEIGHT_PX + _LINE_HEIGHT_PX * (i + 0.5)) / height_px, line, size=_TEXT_SIZE_PT,
                 color=colour, va='center', parse_math=False)
  axes = drawing.subplots(1, 6, gridspec_kw={
      'left': 0.012, 'right': 0.988, 'wspace': 0.12, 'bottom': 50 / height_px,
      'top': (_PLOTS_HEIGHT_PX - 38) / height_px})
  _plot(numbers, axes)
  canvas.draw()
  head = np.asarray(canvas.buffer_rgba())[..., :3]
  padded = np.full([len(sheet), head.shape[1], 3], 255, np.uint8)
  padded[:, :sheet.shape[1]] = sheet
  return np.concatenate([head, padded])


def marked(face, index, is_aligned=True):
  """Returns a `records.Face` as uint8 RGB [218, 178, 3] with its number and its eyes, and lines where eyes belong.

  Args:
    face: `records.Face`.
    index: int, the number.
    is_aligned: bool; where it is not, eyes belong nowhere.
  """
  picture = Image.fromarray(_decoded(face))
  if is_aligned:
    lines = picture.copy()
    pen = ImageDraw.Draw(lines)
    for x, y in (alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE):
      pen.line([(int(x), 0), (int(x), picture.height)], fill=_LINE_RGB)
      pen.line([(0, int(y)), (picture.width, int(y))], fill=_LINE_RGB)
    picture = Image.blend(picture, lines, _LINE_OPACITY)
  pen = ImageDraw.Draw(picture)
  for x, y in face.eyes - 0.5:  # Pillow counts from the centre of the first pixel
    pen.ellipse([x - _EYE_RADIUS_PX, y - _EYE_RADIUS_PX, x + _EYE_RADIUS_PX, y + _EYE_RADIUS_PX], outline=_EYE_RGB)
  pen.text((4, 2), str(index), font=ImageFont.load_default(_LABEL_SIZE_PX), fill='white', stroke_width=2,
           stroke_fill='black')
  return np.asarray(picture)


def _is_aligned(manifest):
  return manifest.align == alignment.EYES


def _spread(num_faces, num_wanted):
  return np.unique(np.linspace(0, num_faces - 1, min(num_wanted, num_faces)).round().astype(int)).tolist()


def _decoded(face):
  return np.asarray(Image.open(io.BytesIO(face.encoded)).convert('RGB'))


def _brightness(face):
  return math.nan if face.landmarks is None else measures.brightness(_decoded(face), face.landmarks)


def _of_landmarks(landmarks):
  """Returns yaw, pitch, mouth and eyes of faces, float [num_faces, 4], NaN for those without landmarks."""
  values = np.full([len(landmarks), 4], np.nan)
  rows = [i for i, points in enumerate(landmarks) if points is not None]
  if rows:
    points = np.stack([landmarks[i] for i in rows])
    yaw, pitch, _ = measures.pose(points)
    with np.errstate(invalid='ignore', divide='ignore'):
      values[rows] = np.stack([yaw, pitch, measures.mouth_opening(points), measures.eye_openings(points).mean(axis=1)],
                              axis=1)
  return values


def _plot(numbers, axes):
  """Draws the six distributions, with the values from which something counts as turned, open, closed or soft."""
  eyes = advice.finite(numbers.eye_opening)
  closed = [advice.EYES_CLOSED_FRACTION * np.median(eyes)] if len(eyes) else []
  plots = (
      (numbers.yaw_deg, 'yaw', '° (left < 0 < right)', (-45, 45), (-advice.TURNED_DEG, advice.TURNED_DEG)),
      (numbers.pitch_deg, 'pitch', '° (down < 0 < up)', (-35, 35), (-advice.NODDED_DEG, advice.NODDED_DEG)),
      (numbers.mouth_opening, 'mouth', 'opening (speaks from the line on)', (0, 0.5), (advice.MOUTH_OPEN,)),
      (numbers.eye_opening, 'eyes', 'opening (closed below the line)', (0, 0.5), closed),
      (numbers.brightness, 'skin brightness', 'of 255', (0, 255), ()),
      (numbers.sharpness, 'sharpness', 'of the median', (0, 3), (advice.SOFT,)))
  for axis, (values, title, label, limits, marks) in zip(axes, plots):
    values = advice.finite(values)
    axis.set_title(title, size=_PLOT_SIZE_PT + 1, weight='bold')
    axis.set_xlabel(label, size=_PLOT_SIZE_PT)
    axis.set_xlim(*limits)
    axis.set_yticks([])
    axis.tick_params(labelsize=_PLOT_SIZE_PT)
    for side in ('top', 'right', 'left'):
      axis.spines[side].set_visible(False)
    if len(values):
      axis.hist(np.clip(values, *limits), bins=np.linspace(*limits, 31), color=_BAR_COLOUR)
      for mark in marks:
        axis.axvline(mark, color=_MARK_COLOUR, linewidth=1.5, linestyle='--')
    else:
      axis.text(0.5, 0.5, 'no landmarks\n(eyes from a list)', transform=axis.transAxes, ha='center', va='center',
                size=_PLOT_SIZE_PT, color=_GREY)
