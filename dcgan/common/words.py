"""Numbers in sentences."""


def counted(number, noun, plural=None):
  """Returns an int with its noun, as in '1 face' and '1,200 faces'; `plural` where that is not the noun with an s."""
  return f'{number:,} {noun if number == 1 else plural or f"{noun}s"}'
