"""Two runs of one seed, one from a model of many faces and one from scratch, compared (experiment 5)."""

import dataclasses


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
  """The two runs of one seed, which are compared at the moment of their variants.

  Attributes:
    ufm: `outcome.Outcome`, from the model of many faces, measured at all its checkpoints.
    scratch: `outcome.Outcome`, likewise.
  """

  ufm: object
  scratch: object

  @property
  def runs(self):
    """dict of the two `outcome.Outcome`, by 'ufm' and 'scratch'."""
    return dict(ufm=self.ufm, scratch=self.scratch)

  @property
  def moment(self):
    """int, the minibatch at which they are compared."""
    return self.ufm.variant.moment

  @property
  def reached_at(self):
    """float, the minibatch at which the run from scratch is as near to the photos as the other at the moment.

    By sliced Wasserstein distance; None where it never is.
    """
    target = self.ufm.at(self.moment).measures['sliced_wasserstein']
    return first_reached(self.scratch.points('sliced_wasserstein'), target)

  @property
  def times_more(self):
    """(float, bool): how many times more minibatches it takes from scratch; if False, it takes more than that."""
    reached_at = self.reached_at
    end = self.scratch.evaluated.step if reached_at is None else reached_at
    return end / self.moment, reached_at is not None

  def as_json(self):
    """Returns its numbers as JSON values."""
    times_more, is_reached = self.times_more
    return dict(num_minibatches=self.moment, reached_at=self.reached_at, times_more=times_more, is_reached=is_reached,
                **{way: dict(
                    name=run.variant.name, run=str(run.evaluated.run), secs=run.secs(self.moment),
                    checkpoints=[dict(step=one.step, secs=run.secs(one.step), measures=one.measures)
                                 for one in run.checkpoints]) for way, run in self.runs.items()})


def first_reached(points, target):
  """Returns where a measure of which less is better first comes down to a value, float, or None where it never does.

  Between two points it is taken to go straight; where already the first one is low enough, that counts.

  Args:
    points: list of (minibatch, float), ascending.
    target: float.
  """
  before = None
  for step, value in points:
    if value <= target:
      if before is None:
        return float(step)
      return before[0] + (step - before[0]) / (before[1] - value) * (before[1] - target)
    before = step, value
  return None
