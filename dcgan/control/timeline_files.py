"""Timelines written as keyframes, read from files of several kinds, and written as CSV.

- keyframes, as in `0s neutral, 0.5s mouthSmileLeft=1 mouthSmileRight=1, 1.5s jawOpen=0.6`;
- our CSV: `time_secs,jawOpen,…`, an empty cell where a control is not given;
- the CSV that the app Live Link Face records: `Timecode,BlendshapeCount,EyeBlinkLeft,…`;
- JSON lines: `{"time": 0.5, "jawOpen": 0.4}`, with what is given only.
"""

import csv
import json
import math
import pathlib
import re

import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.control import names as control_names
from dcgan.control import timeline

NEUTRAL = 'neutral'

_TIME = 'time_secs'
_TIMECODE = re.compile(r'(\d+):(\d\d):(\d\d):(\d+(?:\.\d+)?)')
_TIMECODE_RATES = (24, 25, 30, 48, 50, 60)
_APP_FPS = 60  # of Live Link Face, unless told otherwise
# Live Link Face's angles of the eyes say again what the eyeLook controls say.
_NOT_READ = {f'{side}eye{angle}' for side in ('left', 'right') for angle in ('yaw', 'pitch', 'roll')}
_BY_LOWER_CASE = {name.lower(): name for name in control_names.CONTROLS}


def load(path):
  """Returns the `timeline.Timeline` in a file: `.csv`, `.jsonl`, or `.txt` with keyframes.

  Args:
    path: str or `pathlib.Path`.

  Raises:
    errors.InputError: the file cannot be read, is of another kind, or holds something that is no timeline; names the
      place.
  """
  path = pathlib.Path(path)
  readers = {'.csv': _from_csv, '.jsonl': _from_json_lines, '.txt': keyframes}
  if path.suffix.lower() not in readers:
    raise errors.InputError(f'{path}: must end with {", ".join(readers)}, which are read as controls over time. Rename '
                            'or convert it.')
  try:
    text = path.read_text(encoding='utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise errors.InputError(f'{path}: cannot be read as text ({errors.reason(error)}). Check the path.') from error
  return readers[path.suffix.lower()](text, str(path))


def save_csv(path, course):
  """Writes a `timeline.Timeline` as our CSV; the file is replaced as a whole or not at all."""
  lines = [','.join([_TIME, *course.names])]
  for time_secs, values in zip(course.times_secs.tolist(), course.values):
    lines.append(','.join([repr(time_secs), *('' if np.isnan(value) else f'{value:.9g}' for value in values)]))
  files.write_text(path, '\n'.join(lines) + '\n')


def keyframes(text, where='keyframes'):
  """Returns the `timeline.Timeline` of keyframes.

  Each is a time and what changes then: `neutral`, which is 0 for all, or controls with their values. What a keyframe
  does not name keeps its value; before anything is named, all is 0.

  Args:
    text: str, keyframes parted by commas or new lines.
    where: str, what an error's message begins with.

  Raises:
    errors.InputError: a keyframe is not understood, or breaks a rule of `timeline.Timeline`.
  """
  times_secs, states, state = [], [], {}
  for part in filter(str.strip, re.split(r'[,\n]', text)):
    time, *words = part.split()
    here = f'{where}: `{part.strip()}`'
    times_secs.append(_number(time.removesuffix('s'), f'{here}: its time'))
    if not words:
      raise errors.InputError(f'{here}: must say what is done then. Write it as 0.5s jawOpen=1, or 0.5s neutral.')
    for word in words:
      name, sign, value = word.partition('=')
      if word == NEUTRAL:
        state = dict.fromkeys(state, 0.0)
      elif not sign:
        raise errors.InputError(f'{here}: `{word}` must be neutral or a control with its value. Write it as jawOpen=1.')
      else:
        control_names.check(name, here)
        state = state | {name: _number(value, f'{here}: `{name}`')}
    states.append(state)
  return timeline.Timeline(tuple(state), times_secs,
                           np.array([[each.get(name, 0.0) for name in state] for each in states]).reshape(
                               len(states), len(state)), where)


def _from_csv(text, where):
  try:
    rows = [(i, row) for i, row in enumerate(csv.reader(text.splitlines()), 1) if any(cell.strip() for cell in row)]
  except csv.Error as error:
    raise errors.InputError(f'{where}: must be CSV, but is not ({error}). Name another file.') from error
  if not rows:
    raise errors.InputError(f'{where}: must hold controls over time, but is empty. Name another file.')
  header = [cell.strip() for cell in rows[0][1]]
  first = [cell.lower() for cell in header[:2]]
  is_app = first == ['timecode', 'blendshapecount']
  if not is_app and first[:1] != [_TIME]:
    raise errors.InputError(f'{where}: line 1: begins with {",".join(header[:2])[:60]}, but must begin with {_TIME} or, '
                            'from Live Link Face, Timecode,BlendshapeCount. Convert it to one of these.')
  if len(rows) == 1:
    raise errors.InputError(f'{where}: must hold 1 moment or more below its names, but holds 0. Name another file.')
  for i, row in rows:
    if len(row) != len(header):
      raise errors.InputError(f'{where}: line {i}: {len(row)} cells, but must have {len(header)}, as the first line. '
                              'Write the file again.')
  # By name, never by place: the app's files hold JawRight before JawLeft and MouthRight before MouthLeft, its packets
  # the other way round.
  columns = [column for column in range(2 if is_app else 1, len(header)) if not (
      is_app and header[column].lower() in _NOT_READ)]
  names = [_BY_LOWER_CASE.get(header[column].lower(), header[column]) if is_app else header[column]
           for column in columns]
  for name in names:
    control_names.check(name, f'{where}: line 1')
  values = np.array([[_cell(row[column], f'{where}: line {i}: `{name}`') for column, name in zip(columns, names)]
                     for i, row in rows[1:]], np.float64).reshape(len(rows) - 1, len(names))
  if is_app:
    is_head = [name in control_names.HEAD for name in names]
    values[:, is_head] = np.degrees(values[:, is_head])  # the app tells its angles in radians
    times_secs = _timecodes([row[0] for _, row in rows[1:]], where)
  else:
    times_secs = [_number(row[0], f'{where}: line {i}: `{_TIME}`') for i, row in rows[1:]]
  return timeline.Timeline(tuple(names), times_secs, values, where)


def _timecodes(texts, where):
  """Returns seconds from the first of timecodes as in 14:03:52:28.207: hours, minutes, seconds, frames and parts."""
  parts = []
  for text in texts:
    match = _TIMECODE.fullmatch(text.strip())
    if not match:
      raise errors.InputError(f'{where}: `Timecode` ({text}) must be as in 14:03:52:28.207. Record the take again, or '
                              f'use a file that begins with {_TIME}.')
    parts.append([float(group) for group in match.groups()])
  hours, minutes, secs, frames = np.array(parts).T
  whole_secs = 3600 * hours + 60 * minutes + secs
  # The file does not say how many frames a second has; where a second has passed, the largest number does.
  fps = _APP_FPS if whole_secs[0] == whole_secs[-1] else next(
      (rate for rate in _TIMECODE_RATES if frames.max() < rate), math.floor(frames.max()) + 1)
  times_secs = whole_secs + frames / fps
  return times_secs - times_secs[0]


def _from_json_lines(text, where):
  times_secs, moments = [], []
  for i, line in enumerate(text.splitlines(), 1):
    if not line.strip():
      continue
    here = f'{where}: line {i}'
    try:
      moment = json.loads(line)
    except (ValueError, RecursionError) as error:
      raise errors.InputError(f'{here}: must be JSON, but is not ({errors.reason(error)}). Write it as '
                              '{"time": 0.5, "jawOpen": 1}.') from error
    if not isinstance(moment, dict) or 'time' not in moment:
      raise errors.InputError(f'{here}: must hold a `time` and controls. Write it as {{"time": 0.5, "jawOpen": 1}}.')
    times_secs.append(_number(moment.pop('time'), f'{here}: `time`'))
    for name in moment:
      control_names.check(name, here)
    moments.append({name: math.nan if value is None else _number(value, f'{here}: `{name}`')
                    for name, value in moment.items()})
  names = [name for name in control_names.CONTROLS if any(name in moment for moment in moments)]
  values = [[moment.get(name, math.nan) for name in names] for moment in moments]
  return timeline.Timeline(tuple(names), times_secs, np.array(values).reshape(len(moments), len(names)), where)


def _cell(text, where):
  return _number(text, where) if text.strip() else math.nan


def _number(given, where):
  """Returns a finite number, given as such or as text."""
  try:
    number = math.nan if isinstance(given, bool) else float(given)
  except (TypeError, ValueError, OverflowError):
    number = math.nan
  if not math.isfinite(number):
    raise errors.InputError(f'{where} ({given}) must be a number. Write it as 0.5.')
  return number
