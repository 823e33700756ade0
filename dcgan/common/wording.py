"""How numbers, and flags of the next command, are told in sentences."""

import shlex


def counted(count, noun, plural=None):
  """Returns a count with its noun, as in '1 face' and '1,200 faces'.

  Args:
    count: int.
    noun: str, of which one is told.
    plural: str, several of it; None for the noun with an s.
  """
  return f'{count:,} {noun if count == 1 else plural or f"{noun}s"}'


def percent(fraction, num_digits=0):
  """Returns a share as text, as in '97 %' of 0.974; `num_digits` stand behind the point."""
  return f'{100 * fraction:.{num_digits}f} %'


def flag(name, value):
  """Returns a flag as a shell takes it, as in "--run='my run'", whatever letters its value has."""
  return f'--{name}={shlex.quote(str(value))}'
