"""The report card of a set of records: what it holds, what it lacks and what to do about it, as text and as a picture.

Everything is told from the records and their manifest. Left and right are the image's.
"""

import dataclasses
import io
import itertools
import math
import pathlib
import textwrap

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan import errors
from dcgan import images
from dcgan import records
from tools.faces import alignment
from tools.faces import measures
from tools.sets import curation

MANY_PHOTOS = 2000  # more photos than this are of many people

_COPIED_BELOW = 20  # the discriminator learns so few by heart
_FEW_BELOW = 64  # what the report trained usable models on
_GOOD_FROM = 240
_MANY_GOOD_FROM = 10_000
# What counts as turned, nodding and open. Measured: three people who speak show yaw and pitch with a standard deviation
# of 3° to 6°; lips that rest have an opening under 0.05, speaking ones 0.1 to 0.35.
_TURNED_DEG = 12.0
_NODDED_DEG = 8.0
_MOUTH_OPEN = 0.12
_EYES_CLOSED_FRACTION = 0.5  # of the set's median opening
_RARE_FRACTION = 0.04
_BRIGHTNESS_SPREAD = 60.0  # between the 5th and the 95th percentile; one room's videos have 3 to 25
_DIM = 70.0
_SOFT = 0.4  # of the median sharpness
_SOFT_FRACTION = 0.1
_MAX_BRIGHTNESS_SAMPLES = 5000
_HAVE = ('has', 'have')
_BATCH = 512

# Words of a reason, and what to do about it.
_REMEDIES = (
    ('no face found', 'In those no face is large, lit and turned to the camera.'),
    ('px apart', 'Move nearer to the camera, or use larger pictures.'),
    ('outside the picture', 'Leave more room around the head.'),
    ('turned ', 'Turn the head less far, or raise --max_yaw_deg.'),
    ('looks up', 'Hold the camera higher, or raise --max_pitch_deg.'),
    ('looks down', 'Hold the camera lower, or raise --max_pitch_deg.'),
    ('tilted ', 'Tilt the head less, or raise --max_roll_deg.'),
    ('blurred', 'Hold the camera still and take more light, or lower --min_sharpness.'),
    ('too dark', 'Take more light from the front.'),
    ('too bright', 'Take less light, or a shorter exposure.'),
    ('eyes closed', 'Lower --min_eye_opening to keep blinks.'),
    ('the same picture', 'Nothing is lost: copies teach nothing.'),
    ('a change of', 'Nothing is lost: the video stands still there.'),
    ('somebody else', 'Choose another one with --person if this is the wrong person.'),
    ('cut off or damaged', 'Download or convert the video again.'),
    ('unreadable', 'Export those files again.'))

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
  manifest = records.load_manifest(prefix)
  if not manifest.num_images:
    raise errors.InputError(f'`{prefix}` holds 0 faces, but a report needs 1 or more. Make the set again.')
  numbers, sheet = look(prefix, manifest, num_images)
  told = advice(manifest, numbers)
  images.save_picture(out, draw(prefix, manifest, numbers, told, sheet))
  made_with = ' '.join(f'{key}={value}' for key, value in manifest.settings.items() if value not in (None, ''))
  return '\n'.join([summary(name, manifest), '', *told, '', f'Made with {made_with}'])


def summary(prefix, manifest):
  """Returns what is in a set, and what was left out of it, as lines of text."""
  lines = [f'{prefix}: {manifest.num_images:,} face{"s" * (manifest.num_images != 1)} of {manifest.num_inputs:,} '
           f'picture{"s" * (manifest.num_inputs != 1)} ({manifest.kind}), '
           f'{len(manifest.shards)} shard{"s" * (len(manifest.shards) != 1)}, schema {manifest.schema_version}']
  lines += [f'  left out: {count:,} × {reason}' for reason, count in curation.count_kinds(manifest.rejected).items()]
  return '\n'.join(lines)


def look(prefix, manifest, num_images):
  """Reads a set once.

  Args:
    prefix: str, the set.
    manifest: its `records.Manifest`, of 1 face or more.
    num_images: int >= 1.

  Returns:
    (`Numbers`, uint8 RGB [sheet_height, sheet_width, 3] of up to `num_images` faces spread evenly over the set).

  Raises:
    errors.InputError: a shard is damaged.
  """
  wanted = set(_spread(manifest.num_images, num_images))
  lit = set(_spread(manifest.num_images, _MAX_BRIGHTNESS_SAMPLES))
  faces = enumerate(records.read_faces(prefix, manifest))
  tiles, brightness, sharpness, people, parts = [], [], [], set(), []
  while batch := list(itertools.islice(faces, _BATCH)):
    tiles += [marked(face, i) for i, face in batch if i in wanted]
    brightness += [_brightness(face) for i, face in batch if i in lit]
    sharpness += [face.sharpness for _, face in batch]
    people |= {face.identity for _, face in batch}
    parts.append(_of_landmarks([face.landmarks for _, face in batch]))
  relative = curation.relative_sharpness(np.array(sharpness), np.zeros(len(sharpness), np.int64))
  numbers = Numbers(*np.concatenate(parts).T, relative, np.array(brightness), len(people - {None}))
  return numbers, images.make_grid(np.stack(tiles), num_columns=_COLUMNS)


def advice(manifest, numbers):
  """Returns plain sentences: what a set holds, what it lacks and what to do about it.

  Args:
    manifest: `records.Manifest`.
    numbers: its `Numbers`.

  Returns:
    list of str.
  """
  if is_of_many_people(manifest, numbers):
    told = _advice_on_many(manifest, numbers)
  else:
    told = [_advice_on_count(manifest), *_advice_on_poses(manifest, numbers), *_advice_on_mouth(manifest, numbers),
            *_advice_on_eyes(numbers), *_advice_on_pictures(numbers)]
  return told + _advice_on_rejections(manifest, is_of_many_people(manifest, numbers))


def is_of_many_people(manifest, numbers):
  """Returns whether a set is of many people's faces and not of one person's."""
  return manifest.kind == 'celeba' or numbers.num_people > 1 or (
      manifest.kind == 'photos' and manifest.num_images > MANY_PHOTOS)


def draw(prefix, manifest, numbers, told, sheet):
  """Returns the card as uint8 RGB [height, 1442, 3]: counts, advice and reasons, plots in one row, the sheet of faces.

  Args:
    prefix: str, the set.
    manifest: `records.Manifest`.
    numbers: `Numbers`.
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


def marked(face, index):
  """Returns a `records.Face` as uint8 RGB [218, 178, 3] with its number, its eyes, and lines where eyes belong."""
  picture = Image.fromarray(_decoded(face))
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


def _finite(values):
  return values[np.isfinite(values)]


def _plot(numbers, axes):
  """Draws the six distributions, with the values from which something counts as turned, open, closed or soft."""
  eyes = _finite(numbers.eye_opening)
  closed = [_EYES_CLOSED_FRACTION * np.median(eyes)] if len(eyes) else []
  plots = (
      (numbers.yaw_deg, 'yaw', '° (left < 0 < right)', (-45, 45), (-_TURNED_DEG, _TURNED_DEG)),
      (numbers.pitch_deg, 'pitch', '° (down < 0 < up)', (-35, 35), (-_NODDED_DEG, _NODDED_DEG)),
      (numbers.mouth_opening, 'mouth', 'opening (speaks from the line on)', (0, 0.5), (_MOUTH_OPEN,)),
      (numbers.eye_opening, 'eyes', 'opening (closed below the line)', (0, 0.5), closed),
      (numbers.brightness, 'skin brightness', 'of 255', (0, 255), ()),
      (numbers.sharpness, 'sharpness', 'of the median', (0, 3), (_SOFT,)))
  for axis, (values, title, label, limits, marks) in zip(axes, plots):
    values = _finite(values)
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


def _more(manifest, seconds, doing):
  """Returns what to do for more of something, as in 'Film 20 s more while talking.'"""
  if manifest.kind == 'video':
    return f'Film {seconds} s more {doing}.'
  return f'Add photos {doing}.'


def _faces(count):
  return f'{count:,} face{"s" * (count != 1)}'


def _advice_on_count(manifest):
  count = manifest.num_images
  more = ('Take more pictures a second (--fps) or a longer video.' if manifest.kind == 'video' else
          'Add photos, or film: a video gives more, and all expressions.')
  usable = f'{count:,} usable face{"s" * (count != 1)}'
  if count < _COPIED_BELOW:
    return f'{usable}: under {_COPIED_BELOW}, training will likely copy the pictures and show nothing between. {more}'
  if count < _FEW_BELOW:
    return f'{usable} are few: under {_FEW_BELOW} a model is seldom usable. {more}'
  if count < _GOOD_FROM:
    return f'{usable}: enough for a model; {_GOOD_FROM} or more make a better one.'
  return f'{usable}: plenty.'


def _advice_on_poses(manifest, numbers):
  yaw, pitch = _finite(numbers.yaw_deg), _finite(numbers.pitch_deg)
  if not len(yaw):
    return ['Where heads look and what mouths and eyes do is not known: a list gave the eyes.']
  told = []
  for values, limit, names, seconds in (
      (yaw, _TURNED_DEG, ("turned to the image's left", "turned to the image's right"), 10),
      (pitch, _NODDED_DEG, ('looking down', 'looking up'), 5)):
    counts = ((values < -limit).sum(), (values > limit).sum())
    rare = [(count, name) for count, name in zip(counts, names) if count < _RARE_FRACTION * len(values)]
    if len(rare) == 2:
      doing = 'turning the head slowly to both sides' if limit == _TURNED_DEG else 'nodding slowly'
      lost = 'turn its head' if limit == _TURNED_DEG else 'nod'
      told.append(f'{_share(sum(counts), len(values))} {names[0]} or {names[1].split()[-1]} by over {limit:g}°: the '
                  f'avatar will hardly {lost}. {_more(manifest, seconds, doing)}')
    elif rare:
      count, name = rare[0]
      told.append(f'{_share(count, len(values))} {name} by over {limit:g}°: the avatar will hardly look there. '
                  f'{_more(manifest, seconds, name)}')
  return told or [f'Heads turn to both sides ({np.quantile(yaw, 0.05):.0f}° to {np.quantile(yaw, 0.95):.0f}°) and nod '
                  f'({np.quantile(pitch, 0.05):.0f}° to {np.quantile(pitch, 0.95):.0f}°).']


def _advice_on_mouth(manifest, numbers):
  mouth = _finite(numbers.mouth_opening)
  if not len(mouth):
    return []
  num_open = int((mouth > _MOUTH_OPEN).sum())
  if num_open < 0.1 * len(mouth):
    return [f'{_share(num_open, len(mouth), _HAVE)} an open mouth: the avatar will hardly speak. '
            f'{_more(manifest, 20, "while talking" if manifest.kind == "video" else "with an open mouth")}']
  if num_open > 0.9 * len(mouth):
    return [f'{_share(len(mouth) - num_open, len(mouth), _HAVE)} a closed mouth: the avatar will hardly close it. '
            f'{_more(manifest, 10, "with the lips closed")}']
  return [f'{100 * num_open / len(mouth):.0f} % have an open mouth.']


def _advice_on_eyes(numbers):
  eyes = _finite(numbers.eye_opening)
  if not len(eyes):
    return []
  num_closed = int((eyes < _EYES_CLOSED_FRACTION * np.median(eyes)).sum())
  if not num_closed:
    return ['No face has its eyes closed: the avatar will not blink. Film 5 s more, blinking.']
  if num_closed > 0.25 * len(eyes):
    return [f'{100 * num_closed / len(eyes):.0f} % have their eyes closed, which is much: raise --min_eye_opening to '
            '0.1 for fewer.']
  return [f'{_share(num_closed, len(eyes), _HAVE)} closed eyes: it can blink.']


def _advice_on_pictures(numbers):
  told = []
  brightness, sharpness = _finite(numbers.brightness), _finite(numbers.sharpness)
  if len(brightness):
    low, middle, high = np.quantile(brightness, [0.05, 0.5, 0.95])
    if high - low > _BRIGHTNESS_SPREAD:
      told.append(f'The light differs much: skin from {low:.0f} to {high:.0f} of 255. One light for all pictures makes '
                  'a steadier avatar; --match_colour evens much of it.')
    if middle < _DIM:
      told.append(f'The pictures are dim: skin at {middle:.0f} of 255. Take light from the front.')
  num_soft = int((sharpness < _SOFT).sum())
  if num_soft > _SOFT_FRACTION * max(1, len(sharpness)):
    told.append(f'{_faces(num_soft)} of much less than the usual sharpness: raise --min_sharpness to {_SOFT:g} if '
                'enough is left then.')
  return told


def _advice_on_many(manifest, numbers):
  count = manifest.num_images
  people = f' of {numbers.num_people:,} people' if numbers.num_people else ''
  told = [f'{count:,} usable faces{people}: a set of many people, for a Universal Face Model.']
  if count < _MANY_GOOD_FROM:
    told[0] += f' {_MANY_GOOD_FROM:,} or more make a better one; CelebA has 202,599.'
  told.append('Expressions come with the number of people; there is none to film again.')
  yaw = _finite(numbers.yaw_deg)
  if len(yaw):
    told.append(f'{100 * (np.abs(yaw) <= _TURNED_DEG).mean():.0f} % look ahead, '
                f"{100 * (yaw < -_TURNED_DEG).mean():.0f} % to the image's left and "
                f'{100 * (yaw > _TURNED_DEG).mean():.0f} % to its right (over {_TURNED_DEG:g}°).')
  return told


def _advice_on_rejections(manifest, is_of_many):
  kinds = curation.count_kinds(manifest.rejected)
  if not kinds:
    return []
  reason, count = next(iter(kinds.items()))
  num_rejected = len(manifest.rejected)
  # Nobody goes out to take other pictures of thousands of people.
  remedy = '' if is_of_many else next((remedy for words, remedy in _REMEDIES if words in reason), '')
  which = f'all because: {reason}' if len(kinds) == 1 else f'the largest part, {count:,}, because: {reason}'
  return [f'{num_rejected:,} of {manifest.num_inputs:,} pictures were left out, {which}. {remedy}'.rstrip()]


def _share(count, total, verbs=('is', 'are')):
  """Returns a count in words to go on with, as in 'No face is', 'Only 1 face is', 'Only 2 faces (3 %) are'."""
  if count == 0:
    return f'No face {verbs[0]}'
  only = 'Only ' * (count < _RARE_FRACTION * total or count == 1)
  return f'{only}{_faces(count)}' + (f' {verbs[0]}' if count == 1 else f' ({100 * count / total:.0f} %) {verbs[1]}')
