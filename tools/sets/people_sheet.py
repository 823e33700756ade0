"""The sheet that shows who was found in a video: one row a person, with a number to choose by."""

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan.common import wording
from dcgan.data import records

MAX_ROWS = 12
MAX_FACES = 8
FACE_SIZE_PX = (records.FACE_WIDTH_PX // 2, records.FACE_HEIGHT_PX // 2)

_MARGIN_PX = 16
_GAP_PX = 4
_PADDING_PX = 8  # between a row's edge and its faces
_NUMBER_WIDTH_PX = 92
_TEXT_WIDTH_PX = 176  # holds 10:00:00 to 99:59:59
_HEADER_HEIGHT_PX = 44
_FOOTER_HEIGHT_PX = 32
_NUMBER_SIZE_PX = 56
_TEXT_SIZE_PX = 17
_HEADER_SIZE_PX = 20
_BACKGROUND_RGB = (255, 255, 255)
_ROW_RGB = (243, 244, 246)
_CHOSEN_ROW_RGB = (222, 240, 252)
_CHOSEN_RGB = (0, 118, 190)
_INK_RGB = (35, 38, 42)
_FAINT_INK_RGB = (105, 110, 118)


def shown_faces(people, chosen):
  """Returns the faces that a sheet shows: those of 12 people, the chosen one among them, each's spread evenly.

  Args:
    people: int [num_faces], the person of each face, from 1, in the order of time.
    chosen: int, the person who is taken, or None.

  Returns:
    dict of person to int64 [at most 8], indices into `people`.
  """
  people = np.asarray(people)
  rows = np.unique(people)[:MAX_ROWS].tolist()
  if chosen is not None and chosen not in rows:
    rows[-1] = chosen
  shown = {}
  for person in rows:
    faces = np.flatnonzero(people == person)
    places = np.linspace(0, len(faces) - 1, min(MAX_FACES, len(faces)))
    shown[person] = faces[places.round().astype(np.int64)]
  return shown


def draw(people, thumbnails, chosen, times_secs, clips):
  """Returns the sheet of people.

  Args:
    people: int [num_faces], the person of each face, from 1, in the order of time.
    thumbnails: an array, list or dict; `thumbnails[face]` is uint8 RGB [109, 89, 3] for each face of `shown_faces`.
    chosen: int, the person who is taken, or None to mark nobody.
    times_secs: float [num_faces], the time of each face in its video; says from when to when.
    clips: int [num_faces], the video of each face; where there are several, says in how many.

  Returns:
    uint8 RGB [sheet_height, sheet_width, 3].
  """
  people = np.asarray(people)
  shown = shown_faces(people, chosen)
  rows = list(shown)
  others = np.setdiff1d(people, rows)

  face_width, face_height = FACE_SIZE_PX
  row_width = _NUMBER_WIDTH_PX + _TEXT_WIDTH_PX + MAX_FACES * (face_width + _GAP_PX) - _GAP_PX + _PADDING_PX
  row_height = face_height + 2 * _PADDING_PX
  height = (_MARGIN_PX + _HEADER_HEIGHT_PX + len(rows) * (row_height + _PADDING_PX) - _PADDING_PX
            + _FOOTER_HEIGHT_PX * bool(len(others)) + _MARGIN_PX)
  sheet = Image.new('RGB', (row_width + 2 * _MARGIN_PX, height), _BACKGROUND_RGB)
  pen = ImageDraw.Draw(sheet)
  _write(pen, (_MARGIN_PX, _MARGIN_PX + 10), _header(len(rows) + len(others), chosen), _HEADER_SIZE_PX, _INK_RGB)
  for i, person in enumerate(rows):
    y = _MARGIN_PX + _HEADER_HEIGHT_PX + i * (row_height + _PADDING_PX)
    lines = _lines(np.flatnonzero(people == person), times_secs, clips)
    _draw_row(pen, y, row_width, row_height, person, lines, person == chosen)
    for j, face in enumerate(shown[person]):
      x = _MARGIN_PX + _NUMBER_WIDTH_PX + _TEXT_WIDTH_PX + j * (face_width + _GAP_PX)
      sheet.paste(Image.fromarray(thumbnails[int(face)]), (x, y + _PADDING_PX))
  if len(others):
    num_faces = int(np.isin(people, others).sum())
    _write(pen, (_MARGIN_PX, height - _MARGIN_PX - _FOOTER_HEIGHT_PX // 2),
           f'and {wording.counted(len(others), "other")} with {wording.counted(num_faces, "face")} together',
           _TEXT_SIZE_PX, _FAINT_INK_RGB)
  return np.asarray(sheet)


def _draw_row(pen, y, width, height, person, lines, is_chosen):
  """Draws a row without its faces."""
  box = [_MARGIN_PX, y, _MARGIN_PX + width - 1, y + height - 1]
  pen.rounded_rectangle(box, 8, _CHOSEN_ROW_RGB if is_chosen else _ROW_RGB, _CHOSEN_RGB if is_chosen else None, 3)
  ink = _CHOSEN_RGB if is_chosen else _INK_RGB
  number_size_px = _NUMBER_SIZE_PX if person < 100 else _NUMBER_SIZE_PX * 2 // len(str(person))
  _write(pen, (_MARGIN_PX + _NUMBER_WIDTH_PX // 2, y + height // 2), str(person), number_size_px, ink, 'mm')
  lines = ([('taken', _CHOSEN_RGB)] if is_chosen else []) + [(line, _INK_RGB) for line in lines]
  step = _TEXT_SIZE_PX + 7
  for i, (line, colour) in enumerate(lines):
    _write(pen, (_MARGIN_PX + _NUMBER_WIDTH_PX, y + height // 2 + int((i - (len(lines) - 1) / 2) * step)), line,
           _TEXT_SIZE_PX, colour)


def _write(pen, place, text, size_px, colour, anchor='lm'):
  pen.text(place, text, font=ImageFont.load_default(size_px), fill=colour, anchor=anchor)


def _header(num_people, chosen):
  text = f'{wording.counted(num_people, "person", "people")} found'
  if chosen is None:
    return text
  other = 2 if chosen == 1 else 1
  way = f'; --person={other} --overwrite takes another' if num_people > 1 else ''
  return f'{text}, number {chosen} is taken{way}'


def _lines(faces, times_secs, clips):
  """Returns what a row says about a person's faces."""
  lines = [wording.counted(len(faces), 'frame')]
  if len(np.unique(clips)) > 1:
    lines.append(f'in {len(np.unique(np.asarray(clips)[faces]))} of {len(np.unique(clips))} videos')
  else:
    times = np.asarray(times_secs, np.float64)[faces]
    first, last = _clock(times.min()), _clock(times.max())
    lines.append(f'at {first}' if first == last else f'{first} to {last}')
  return lines


def _clock(secs):
  """Returns a time as minutes and seconds, 1:05, or with hours, 2:01:05."""
  minutes, secs = divmod(int(secs), 60)
  hours, minutes = divmod(minutes, 60)
  return f'{hours}:{minutes:02}:{secs:02}' if hours else f'{minutes}:{secs:02}'
