"""What measures against real pictures share: how many they need, and which of them a real one is compared with."""

import numpy as np

FEWEST = 4  # whose likeness to each other says something

_MOST_STRETCHES = 10


def stretches(num_reals):
  """Returns which stretch each real picture is in, int64 [num_reals]: up to ten of neighbours, as equal as can be.

  A real picture is compared with those of other stretches: the frames next to it are nearly the same.
  """
  return np.arange(num_reals) * min(num_reals, _MOST_STRETCHES) // num_reals
