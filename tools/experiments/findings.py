"""What became of a claim of the report, and how its numbers are told. No files."""

import dataclasses
import statistics

MOST = 0.5  # "Generally", "usually", "largely": more than half.
NO_FACE = 'No face was found in the photos, so none could be counted in the samples.'


@dataclasses.dataclass(frozen=True)
class Finding:
  """What became of a claim.

  Attributes:
    claim: str, what the report says.
    agrees: bool, or None where it cannot be told.
    sentence: str, our numbers, and the reason where it cannot be told.
  """

  claim: str
  agrees: bool | None
  sentence: str

  @property
  def word(self):
    """str."""
    return 'cannot be told' if self.agrees is None else 'agrees' if self.agrees else 'does not agree'


def percent(fraction):
  """Returns a share as text, as in '25 %'."""
  return f'{100 * fraction:.0f} %'


def counted(count, noun):
  """Returns a number of things as text, as in '2 runs'."""
  return f'{count} {noun}{"s" * (count != 1)}'


def median(values):
  """Returns the median of those that are known, float, or None where none is."""
  known = [value for value in values if value is not None]
  return float(statistics.median(known)) if known else None
