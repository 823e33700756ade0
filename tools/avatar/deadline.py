"""The time that a training may take."""

import time

from absl import logging

from dcgan.training import health


class Deadline:
  """Ends training when its time is over.

  Args:
    minutes: float, from now on.
    every_steps: int, minibatches between two looks at the clock.
  """

  def __init__(self, minutes, every_steps):
    self.every_steps = every_steps
    self._minutes = minutes
    self._ends_at = time.monotonic() + 60 * minutes

  def secs_left(self):
    """Returns how many seconds are left, float."""
    return self._ends_at - time.monotonic()

  def __call__(self, step, is_last=False):
    """Returns `health.Decision` that it is enough, or None."""
    if is_last or self.secs_left() > 0:
      return None
    logging.info('The %g minutes for training are over at minibatch %d.', self._minutes, step)
    return health.Decision('enough')
