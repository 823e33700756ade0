"""How numbers are told in sentences."""


def counted(count, noun):
  """Returns a count with its noun, as in '1 face' and '1,200 faces'.

  Args:
    count: int.
    noun: str, of which one is told; an s makes it several.
  """
  return f'{count:,} {noun}{"s" * (count != 1)}'


def percent(fraction, num_digits=0):
  """Returns a share as text, as in '97 %' of 0.974; `num_digits` stand behind the point."""
  return f'{100 * fraction:.{num_digits}f} %'
