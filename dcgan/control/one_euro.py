"""A filter for controls as they come, one moment after another: still at rest, quick in motion."""

import numpy as np


class OneEuro:
  """The 1€ filter (Casiez, Roussel and Vogel 2012), of several values at once.

  An exponential average whose cutoff rises with the speed, so that what rests does not tremble and what moves hardly
  lags. It is causal: it knows the past only. What was recorded is better steadied both ways, without lag, by
  `tools.faces.smoothing`. The defaults suit values in [0, 1]; angles have `scale` 60.

  At 30 frames a second less than a quarter is left of a tremble of 0.02, and a way from 0 to 1 within 0.25 s comes
  0.045 s late.

  Args:
    min_cutoff_hz: float > 0, at rest; lower trembles less.
    speed_factor: float >= 0, hertz of cutoff for each unit a second; higher lags less. The paper's beta.
    speed_cutoff_hz: float > 0, of the average of the speed.
    scale: float > 0 or array of them, how much counts as one unit.
  """

  def __init__(self, min_cutoff_hz=0.3, speed_factor=1.0, speed_cutoff_hz=0.7, scale=1.0):
    self._min_cutoff_hz = min_cutoff_hz
    self._speed_factor = speed_factor
    self._speed_cutoff_hz = speed_cutoff_hz
    self._scale = np.asarray(scale, np.float64)
    self.reset()

  def reset(self):
    """Forgets the past, as after a cut."""
    self._time_secs = self._values = self._speeds = None

  def __call__(self, time_secs, values):
    """Returns the filtered values of a moment.

    Args:
      time_secs: float; a moment that is not after the one before changes nothing.
      values: float [...]; NaN is not given, and holds what was.

    Returns:
      float32 [...]; NaN for what was never given.
    """
    values = np.asarray(values, np.float64)
    if self._time_secs is None:
      self._time_secs, self._values, self._speeds = time_secs, values.copy(), np.zeros(values.shape)
    elif time_secs > self._time_secs:
      step_secs = time_secs - self._time_secs
      speeds = np.nan_to_num((values - self._values) / step_secs)
      self._speeds += _share(self._speed_cutoff_hz, step_secs) * (speeds - self._speeds)
      cutoff_hz = self._min_cutoff_hz + self._speed_factor * np.abs(self._speeds) / self._scale
      moved = self._values + _share(cutoff_hz, step_secs) * (values - self._values)
      moved = np.where(np.isnan(self._values), values, moved)
      self._values = np.where(np.isnan(values), self._values, moved)
      self._time_secs = time_secs
    return self._values.astype(np.float32)


def _share(cutoff_hz, step_secs):
  """Returns how much of a new value a low pass of first order takes."""
  return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_secs))
