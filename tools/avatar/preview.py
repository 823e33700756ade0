"""What the model makes of the person while it learns: a picture that is drawn anew now and then."""

import time

from absl import logging

FILE = 'preview.png'  # in the run's folder

_EVERY_STEPS, _AGAIN_SECS = 5, 30.0


class Preview:
  """Draws pictures of the person beside what the model makes of them: once soon after the start, then anew now and then.

  Args:
    path: path of the picture.
    draw: callable of the path, which draws it.
    secs: float, from now on, after which it is drawn for the first time.
  """

  every_steps = _EVERY_STEPS

  def __init__(self, path, draw, secs):
    self._path = path
    self._draw = draw
    self._due_at = time.monotonic() + secs
    self._is_told = False

  def __call__(self, step, is_last=False):
    """Draws it where it is due, and logs its path the first time."""
    if time.monotonic() < self._due_at and not is_last:
      return
    self._draw(self._path)
    self._due_at = time.monotonic() + _AGAIN_SECS
    if not self._is_told:
      self._is_told = True
      logging.info('Preview: %s shows pictures of the set, and under each what the model makes of it at minibatch %d. '
                   'It is drawn anew every half minute.', self._path, step)
