"""A person's own range of each control: which raw measure is rest, which is as far as this person goes.

Limits that hold for everybody fit nobody: one person's open eye is another's squint. What is 0 and what is 1 comes from
the person's own pictures.
"""

import dataclasses

import numpy as np

from dcgan.control import names as control_names

# A picture in a hundred may be misread. Blinks need the ends that far out: they are 2 to 5 % of a film.
_ENDS_PERCENT = (1.0, 99.0)
_NUM_NOISES = 4.0  # a range of fewer times the mesh's noise says nothing

_REST_FRACTION = 0.2  # of the pictures: those in which the face does least
_FEWEST_AT_REST = 5
# How much a control shows in a picture is told from where it stands in half of them; of these, which a talking or
# laughing person shows mostly, from where it stands in the quietest ones.
_OFTEN_SHOWN = ('jawOpen', 'mouthFunnel', 'mouthSmile', 'mouthUpperUp', 'mouthLowerDown')
_QUIET_PERCENT = 15.0
_SHOWN_AT_REST = ('mouthPress', 'mouthRollLower', 'mouthRollUpper')  # closed lips are not seen to do less
_SHUT = 0.5  # of the way: behind such lids no mesh sees where an eye looks


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
  """What is 0 and what is 1 of each control of one person.

  Attributes:
    names: tuple of str, of `names.CONTROLS`.
    rest: float32 [num_names], the raw measure of the face that does nothing.
    low: float32 [num_names], the least raw measure but for misread pictures.
    high: float32 [num_names], likewise the largest: as far as the person goes.
    noise: float32 [num_names], the standard deviation of the raw measure of a face that does nothing.
  """

  names: tuple
  rest: np.ndarray
  low: np.ndarray
  high: np.ndarray
  noise: np.ndarray

  @property
  def is_present(self):
    """bool [num_names], whether a control's range is more than the mesh's noise."""
    with np.errstate(invalid='ignore'):
      ranges = np.where(self._is_head, self.high - self.low, self.high - self.rest)
      return ranges > _NUM_NOISES * self.noise

  @property
  def absent(self):
    """tuple of str, the controls that hardly move in the person's pictures; `names.absent_sentence` says what to film."""
    return tuple(name for name, is_present in zip(self.names, self.is_present) if not is_present)

  def are_in_z(self, values):
    """Returns which controls a person's pictures show that Z can hold, bool [num_names].

    Args:
      values: float [num_pictures, num_names], as `values` gives them.
    """
    return (self.is_present & ~np.isin(self.names, control_names.NOT_IN_Z) & np.isfinite(values).any(axis=0))

  def values(self, raw):
    """Returns raw measures as values of controls.

    Args:
      raw: float [..., num_names].

    Returns:
      float32 [..., num_names]: in [0, 1], 0 at rest and below, 1 as far as the person goes and beyond; of the head the
      degrees as they are; NaN for a control that is absent, or not measured.
    """
    raw = np.asarray(raw, np.float32)
    reach = np.where(self.is_present, self.high - self.rest, np.nan)
    shown = np.clip((raw - self.rest) / np.where(reach == 0, np.nan, reach), 0, 1)
    return np.where(self._is_head, raw, shown).astype(np.float32)

  def raw(self, values):
    """Returns values of controls, float [..., num_names], as the raw measures, float32, that `values` makes of them."""
    values = np.asarray(values, np.float32)
    return np.where(self._is_head, values, self.rest + values * (self.high - self.rest)).astype(np.float32)

  def to_json(self):
    """Returns it as a dict of JSON values, as a set's manifest holds it; what is not known is None."""
    fields = {name: [round(value, 6) if np.isfinite(value) else None for value in getattr(self, name).tolist()]
              for name in ('rest', 'low', 'high', 'noise')}
    return {'names': list(self.names)} | fields

  @classmethod
  def from_json(cls, fields):
    """Returns the `Calibration` of such a dict; None of an empty one, as older manifests have it."""
    if not fields:
      return None
    return cls(tuple(fields['names']), *(np.array(fields[name], np.float32) for name in ('rest', 'low', 'high', 'noise')))

  @property
  def _is_head(self):
    return np.array([name in control_names.HEAD for name in self.names])


def calibrate(raw, noise, names=control_names.MEASURED):
  """Returns the `Calibration` of the pictures of one person.

  Rest is the median of the fifth of the pictures in which the face does least; the ends are percentiles of all.

  Args:
    raw: float [num_pictures, num_names], raw measures; rows with NaN are left out, but for controls that no picture has.
    noise: float [num_names], their standard deviations in a face that does nothing.
    names: tuple of str.
  """
  raw = np.asarray(raw, np.float64)
  is_measured = np.isfinite(raw).any(axis=0)
  raw = np.where(is_measured, raw, 0.0)
  raw = raw[np.isfinite(raw).all(axis=1)]
  noise = np.asarray(noise, np.float32)
  if not len(raw):
    unknown = np.full(len(names), np.nan, np.float32)
    return Calibration(tuple(names), unknown, unknown, unknown, noise)
  rest = np.median(raw[_at_rest(raw, noise, names)], axis=0)
  low, high = np.percentile(raw, _ENDS_PERCENT, axis=0)
  for side in ('Left', 'Right'):
    gaze = [i for i, name in enumerate(names) if name.startswith('eyeLook') and name.endswith(side)]
    is_open = _is_open(raw, rest, high, names, f'eyeBlink{side}')
    if gaze and is_open.any():
      low[gaze], high[gaze] = np.percentile(raw[is_open][:, gaze], _ENDS_PERCENT, axis=0)
  return Calibration(tuple(names), *(np.where(is_measured, each, np.nan).astype(np.float32)
                                     for each in (rest, low, high)), noise)


def _at_rest(raw, noise, names):
  """Returns the rows, int [num_rows], of the pictures in which the face does least."""
  stems = [control_names.without_side(name) for name in names]
  counts = np.array([stem not in _SHOWN_AT_REST and not stem.startswith('eyeLook') and name not in control_names.HEAD
                     for stem, name in zip(stems, names)])
  usual = np.where([stem in _OFTEN_SHOWN for stem in stems], np.percentile(raw, _QUIET_PERCENT, axis=0),
                   np.median(raw, axis=0))
  low, high = np.percentile(raw, _ENDS_PERCENT, axis=0)
  spread = np.maximum(high - low, _NUM_NOISES * noise)
  shown = np.square(np.maximum(raw - usual, 0) / np.maximum(spread, 1e-9))[:, counts].sum(axis=1)
  num_rows = min(len(raw), max(_FEWEST_AT_REST, round(_REST_FRACTION * len(raw))))
  return np.argsort(shown, kind='stable')[:num_rows]


def _is_open(raw, rest, high, names, blink):
  """Returns bool [num_pictures], whether the lids of which `blink` is the control let the iris be seen."""
  if blink not in names:
    return np.ones(len(raw), bool)
  column = names.index(blink)
  return raw[:, column] < rest[column] + _SHUT * max(high[column] - rest[column], 1e-9)
