"""A filter for what was recorded: it looks as far ahead as back, so that nothing comes late. In constant memory."""

import numpy as np

_CUT_SIGMAS = 2.5  # nothing beyond counts


def averaged(moments, sigma_secs):
  """Yields values averaged over time by a Gaussian; a value that changes evenly stays as it is, but at the ends.

  Args:
    moments: iterable of (time_secs, values): float, rising; float [num_values].
    sigma_secs: float > 0.

  Yields:
    (time_secs, values), as many, the same times.
  """
  waiting, place = [], 0  # `place` is the next moment to be yielded
  reach_secs = _CUT_SIGMAS * sigma_secs
  for moment in moments:
    waiting.append(moment)
    while moment[0] - waiting[place][0] > reach_secs:
      yield _average(waiting, place, sigma_secs)
      place += 1
      while waiting[place][0] - waiting[0][0] > reach_secs:
        waiting.pop(0)
        place -= 1
  for place in range(place, len(waiting)):
    yield _average(waiting, place, sigma_secs)


def _average(moments, place, sigma_secs):
  time_secs = moments[place][0]
  times_secs = np.array([each for each, _ in moments])
  # As many before as after, also where there are fewer on one side: the past does not pull.
  reach = min(time_secs - times_secs[0], times_secs[-1] - time_secs, _CUT_SIGMAS * sigma_secs) + 1e-6
  offsets = (times_secs - time_secs) / sigma_secs
  weights = np.where(np.abs(times_secs - time_secs) <= reach, np.exp(-0.5 * np.square(offsets)), 0)
  values = np.array([each for _, each in moments])
  return time_secs, (weights @ values / weights.sum()).astype(values.dtype)
