"""One progress display: a bar at a terminal, log lines elsewhere."""

import sys
import time

from absl import logging
import tqdm

_LINE_EVERY_SECS = 10.0


class Progress:
  """Counts work done; draws a bar where standard error is a terminal, else logs a line every ten seconds.

  Args:
    total: int number of units, or None when it is not known.
    description: str, what is being done, as in 'frames'.
    unit: str, the unit in the plural.
    initial: int units already done.
    secs_left: callable that returns how many seconds are left (float), of work that is ended by the clock; or None.
  """

  def __init__(self, total, description, unit, initial=0, secs_left=None):
    self._secs_left = secs_left
    total = None if secs_left else total
    self._description = description
    self._unit = unit
    self._is_terminal = sys.stderr.isatty()
    self._bar = tqdm.tqdm(
        total=total, desc=description, unit=f' {unit}', initial=initial, disable=not self._is_terminal,
        file=sys.stderr, dynamic_ncols=True)
    self._total = total
    self._done = self._initial = initial
    self._at_last_line = initial
    self._start = self._last_line = time.monotonic()
    self._note = ''

  def update(self, amount=1, note=None):
    """Adds `amount` units; `note`, when given, is shown behind the count."""
    self._done += amount
    if note is not None:
      self._note = note
    if self._is_terminal:
      if note is not None:
        left = f'{max(self._secs_left(), 0.0):.0f} s left, ' if self._secs_left else ''
        self._bar.set_postfix_str(left + note, refresh=False)
      self._bar.update(amount)
    elif time.monotonic() - self._last_line >= _LINE_EVERY_SECS:
      self._log_line()

  def _log_line(self):
    now = time.monotonic()
    self._last_line = now
    self._at_last_line = self._done
    rate = (self._done - self._initial) / max(now - self._start, 1e-9)
    of_total = f' of {self._total:,}' if self._total else ''
    left = f', {(self._total - self._done) / rate:.0f} s left' if self._total and rate > 0 else ''
    if self._secs_left:
      left = f', {max(self._secs_left(), 0.0):.0f} s left'
    note = f' · {self._note}' if self._note else ''
    logging.info('%s: %s%s %s, %.1f/s%s%s', self._description, f'{self._done:,}', of_total, self._unit, rate, left,
                 note)

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    if not self._is_terminal and self._done > self._at_last_line:
      self._log_line()
    self._bar.close()
