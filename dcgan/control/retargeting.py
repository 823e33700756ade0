"""What one person does, brought to what another can do: from a film's raw measures to the other's values."""

import numpy as np

from dcgan.control import names as control_names

PARTS = ('head', 'face', 'eyes', 'mouth')

_EYES = ('eye', 'brow')  # how the names of a part begin
_MOUTH = ('jaw', 'mouth', 'tongue', 'cheekPuff')
# A short film shows little of what somebody can do. So a reach counts as this share of the other person's at least, and
# a twitch does not become a grimace.
_LEAST_REACH = 0.6

HOLD_SECS = 0.4  # that the last expression stays where no face is seen,
FADE_SECS = 1.0  # and how long it then takes to rest
RETURN_SECS = 0.3  # how long before a face is seen again the way to it begins


def part_of(name, part):
  """Returns whether a control (str) belongs to a part (str of `PARTS`) of what a film may drive; `face` is all but the
  head's turn."""
  if part == 'head':
    return name in control_names.HEAD
  if part == 'face':
    return name not in control_names.HEAD
  return name.startswith(_EYES if part == 'eyes' else _MOUTH)


def retarget(raw, source, target, strength=1.0, neutral=None):
  """Returns what a person is to show who does as another one does.

  Rest becomes rest, and as far as the one goes as far as the other goes. The head turns by as many degrees as the
  other's from where that one's rests, as far as the person's pictures show it.

  Args:
    raw: float [num_frames, num_names], raw measures of the other one; NaN where no face is seen.
    source: `calibration.Calibration` of the other one, by the film's own pictures.
    target: `calibration.Calibration` of the person, of the same names.
    strength: float >= 0, by which all is multiplied; 1 as it is.
    neutral: float [num_names], raw measures that count as rest in place of `source.rest`, or None.

  Returns:
    float32 [num_frames, num_names], values of `target`; NaN for frames without a face and for controls that the person
    hardly moves.
  """
  rest = source.rest if neutral is None else np.asarray(neutral, np.float32)
  moved = np.asarray(raw, np.float32) - rest
  is_head = np.array([name in control_names.HEAD for name in target.names])
  least = _LEAST_REACH * np.maximum(target.high - target.rest, 4 * target.noise)
  reach = np.maximum(source.high - rest, least)
  shown = np.clip(strength * moved / reach, 0, 1)
  turned = np.clip(target.rest + strength * moved, target.low, target.high)
  return np.where(target.is_present, np.where(is_head, turned, shown), np.nan).astype(np.float32)


def fill_gaps(times_secs, values, rest):
  """Returns a course without gaps: what was last holds, and fades to rest; what comes next is met on the way.

  Args:
    times_secs: float [num_frames], rising.
    values: float [num_frames, num_values]; a row that begins with NaN is a gap.
    rest: float [num_values].

  Returns:
    float32 [num_frames, num_values].
  """
  times_secs = np.asarray(times_secs, np.float64)
  filled = np.array(values, np.float32)
  is_seen = np.isfinite(filled[:, 0])
  seen = np.flatnonzero(is_seen)
  for i in np.flatnonzero(~is_seen):
    after = np.searchsorted(seen, i)
    left = arrived = 0.0
    last = following = np.asarray(rest, np.float32)
    if after > 0:
      last = values[seen[after - 1]]
      left = 1 - _eased((times_secs[i] - times_secs[seen[after - 1]] - HOLD_SECS) / FADE_SECS)
    if after < len(seen):
      following = values[seen[after]]
      since = times_secs[seen[after - 1]] if after > 0 else -np.inf
      arrived = _eased(1 - (times_secs[seen[after]] - times_secs[i]) / min(RETURN_SECS, times_secs[seen[after]] - since))
    filled[i] = (1 - arrived) * (rest + left * (last - rest)) + arrived * following
  return filled


def _eased(share):
  """Returns a way from 0 to 1 that begins and ends level, float, of a share of it, clipped to 0 and 1."""
  share = min(max(share, 0.0), 1.0)
  return share * share * (3 - 2 * share)
