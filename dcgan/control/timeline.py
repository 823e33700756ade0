"""A course of controls over time: one plain thing, whatever file, keyframes or tracker it came from."""

import dataclasses

import numpy as np

from dcgan.common import errors
from dcgan.control import names as control_names

LINEAR, SMOOTH = 'linear', 'smooth'
HOWS = (LINEAR, SMOOTH)

_ROUNDING = 1e-3  # trackers write 1.0000001
_MAX_FPS = 1000.0


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
  """What each of some controls is at each of some moments.

  Attributes:
    names: tuple of str, of `names.CONTROLS`, each once.
    times_secs: float64 [num_times], rising, from any start.
    values: float32 [num_times, num_names], in [0, 1], of the head in degrees; NaN where a control is not given, and then
      lies between what is given before and after, or holds what is given last or first.
    where: str, what an error's message begins with.

  Raises:
    errors.InputError: it is empty, a name is no control or comes twice, a time does not rise, or a value is out of range.
  """

  names: tuple
  times_secs: np.ndarray
  values: np.ndarray
  where: str = 'timeline'

  def __post_init__(self):
    object.__setattr__(self, 'names', tuple(self.names))
    object.__setattr__(self, 'times_secs', np.asarray(self.times_secs, np.float64))
    object.__setattr__(self, 'values', np.array(self.values, np.float64))
    if not self.names or not len(self.times_secs):
      raise errors.InputError(f'{self.where}: must hold 1 control and 1 moment or more, but holds {len(self.names)} and '
                              f'{len(self.times_secs)}. Give it some, as in 0.5s jawOpen=1.')
    for i, name in enumerate(self.names):
      control_names.check(name, self.where)
      if name in self.names[:i]:
        raise errors.InputError(f'{self.where}: `{name}` must come once, but comes twice. Leave one out.')
    if self.values.shape != (len(self.times_secs), len(self.names)):
      raise ValueError(f'`values` {list(self.values.shape)} must be [{len(self.times_secs)}, {len(self.names)}].')
    self._check_times()
    self._check_values()
    object.__setattr__(self, 'values', self.values.astype(np.float32))

  def _check_times(self):
    times = self.times_secs
    if not np.isfinite(times).all():
      i = int(np.argmin(np.isfinite(times)))
      raise errors.InputError(f'{self.where}: moment {i + 1}: its time ({times[i]}) must be a number of seconds. Give it '
                              'one.')
    if not (np.diff(times) > 0).all():
      i = int(np.argmin(np.diff(times) > 0)) + 1
      raise errors.InputError(f'{self.where}: moment {i + 1}: its time ({times[i]:g} s) must be after the one before '
                              f'({times[i - 1]:g} s). Put the moments in order, each once.')

  def _check_values(self):
    for column, name in enumerate(self.names):
      low, high = control_names.limits(name)
      values = self.values[:, column]
      is_wrong = (values < low - _ROUNDING) | (values > high + _ROUNDING)
      if is_wrong.any():
        i = int(np.argmax(is_wrong))
        unit = ' degrees' if name in control_names.HEAD else ''
        raise errors.InputError(f'{self.where}: moment {i + 1}: `{name}` ({values[i]:g}) must be within {low:g} and '
                                f'{high:g}{unit}. Use {np.clip(values[i], low, high):g}.')
      self.values[:, column] = np.clip(values, low, high)

  @property
  def duration_secs(self):
    """float >= 0, from the first moment to the last."""
    return float(self.times_secs[-1] - self.times_secs[0])

  def at(self, times_secs, how=LINEAR):
    """Returns the values at any times.

    Args:
      times_secs: float [num_times]; before the first given value and after the last one these hold.
      how: str of `HOWS`: LINEAR for what was recorded; SMOOTH, for keyframes, is a monotone cubic (Fritsch and Butland
        1984) that begins and ends level and overshoots nowhere.

    Returns:
      float32 [num_times, num_names]; NaN for a control that is never given.

    Raises:
      ValueError: `how` is none of these.
    """
    if how not in HOWS:
      raise ValueError(f'`how` ({how!r}) must be one of {", ".join(HOWS)}.')
    times_secs = np.asarray(times_secs, np.float64)
    found = np.full([len(times_secs), len(self.names)], np.nan, np.float32)
    for column in range(len(self.names)):
      is_given = np.isfinite(self.values[:, column])
      if is_given.any():
        given = self.times_secs[is_given], self.values[is_given, column].astype(np.float64)
        found[:, column] = (np.interp if how == LINEAR else _smooth)(times_secs, *given)
    return found

  def resample(self, fps, how=LINEAR):
    """Returns the `Timeline` at even times, from the first moment on, `fps` a second, up to the last moment.

    Raises:
      errors.InputError: `fps` is not above 0 and at most 1000.
    """
    if not 0 < fps <= _MAX_FPS:
      raise errors.InputError(f'`fps` ({fps}) must be above 0 and at most {_MAX_FPS:g}. Use 30.')
    times_secs = self.times_secs[0] + np.arange(int(self.duration_secs * fps + 1e-6) + 1) / fps
    return dataclasses.replace(self, times_secs=times_secs, values=self.at(times_secs, how))

  def of(self, names):
    """Returns float32 [num_times, len(names)], the values of other names in their order; NaN for those not in it."""
    found = np.full([len(self.times_secs), len(names)], np.nan, np.float32)
    for column, name in enumerate(names):
      if name in self.names:
        found[:, column] = self.values[:, self.names.index(name)]
    return found


def _smooth(times, keys, values):
  """Returns a monotone cubic through `values` at `keys`, float64 each, at `times`."""
  if len(keys) == 1:
    return np.full(len(times), values[0])
  steps = np.diff(keys)
  secants = np.diff(values) / steps
  slopes = np.zeros(len(keys))  # level at both ends, and where the way turns or rests
  before, after = secants[:-1], secants[1:]
  goes_on = before * after > 0
  # A harmonic mean, weighted so that the nearer side counts more, keeps each cubic between its ends.
  weights = (2 * steps[1:] + steps[:-1])[goes_on], (steps[1:] + 2 * steps[:-1])[goes_on]
  slopes[1:-1][goes_on] = sum(weights) / (weights[0] / before[goes_on] + weights[1] / after[goes_on])
  times = np.clip(times, keys[0], keys[-1])
  i = np.clip(np.searchsorted(keys, times, side='right') - 1, 0, len(steps) - 1)
  t = (times - keys[i]) / steps[i]
  curve = t * t * (3 - 2 * t)
  return (values[i] + curve * (values[i + 1] - values[i])
          + steps[i] * (slopes[i] * t * (1 - t)**2 - slopes[i + 1] * t * t * (1 - t)))
