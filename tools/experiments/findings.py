"""What became of a claim of the report. No files."""

import dataclasses
import statistics

MOST = 0.5  # "Generally", "usually", "largely": more than half.
VARIED = 0.5  # of the diversity of real pictures: half of it is more than one or a few expressions
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


def median(values):
  """Returns the median of those that are known, float, or None where none is."""
  known = [value for value in values if value is not None]
  return float(statistics.median(known)) if known else None
