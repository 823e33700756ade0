"""Experiment 5: a run from a model of many faces and one from scratch, measured over their minibatches and compared."""

import dataclasses
import pathlib

import imageio.v3 as iio
import numpy as np

from tools.evaluation import evaluator
from tools.experiments import claims

_START = 'samples_000000.png'


@dataclasses.dataclass(frozen=True, eq=False)
class Arm:
  """One of the two runs, measured at each checkpoint that it kept.

  Attributes:
    name: str, of its variant.
    evaluated: list of `evaluator.Evaluated`, ascending by minibatch, one or more.
    statistics: dict from tags to (minibatch, value) pairs, as `history.statistics` returns it.
    start: uint8 [height, width, 3], its samples before the first minibatch side by side, or None where they are gone.
  """

  name: str
  evaluated: list
  statistics: dict
  start: np.ndarray | None = None

  def at(self, step):
    """Returns the `evaluator.Evaluated` of its last checkpoint up to minibatch `step`, or of its first one."""
    return [one for one in self.evaluated if one.step <= step or one is self.evaluated[0]][-1]

  def points(self, name):
    """Returns a measure over the checkpoints, list of (minibatch, float or None)."""
    return [(one.step, one.measures[name]) for one in self.evaluated]

  def secs(self, step):
    """Returns how long training took up to minibatch `step`, float, or None where the run wrote no times.

    What it wrote no time for, as the first minibatches after each start, is taken to be as fast as the rest.
    """
    ends = [end for end, _ in self.statistics.get('loss/generator', ()) if end <= step]
    speeds = dict(self.statistics.get('time/images_per_sec', ()))
    timed = [(end - start, speeds[end]) for start, end in zip([0, *ends], ends) if end in speeds]
    num_timed = sum(number for number, _ in timed)
    if not num_timed:
      return None
    batch_size = self.evaluated[0].options.data.global_batch_size
    return step / num_timed * sum(number * batch_size / speed for number, speed in timed)


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
  """The two runs of one seed.

  Attributes:
    ufm: `Arm`, from the model of many faces.
    scratch: `Arm`.
    num_minibatches: int, at which they are compared.
  """

  ufm: Arm
  scratch: Arm
  num_minibatches: int

  @property
  def arms(self):
    """dict of the two `Arm`s, by 'ufm' and 'scratch'."""
    return dict(ufm=self.ufm, scratch=self.scratch)

  @property
  def reached_at(self):
    """float, the minibatch at which the run from scratch is as near to the photos as the other at `num_minibatches`.

    By sliced Wasserstein distance; None where it never is.
    """
    target = self.ufm.at(self.num_minibatches).measures['sliced_wasserstein']
    return first_reached(self.scratch.points('sliced_wasserstein'), target)

  @property
  def times_more(self):
    """(float, bool): how many times more minibatches it takes from scratch; if False, it takes more than that."""
    reached_at = self.reached_at
    end = self.scratch.evaluated[-1].step if reached_at is None else reached_at
    return end / self.num_minibatches, reached_at is not None

  def as_json(self):
    """Returns its numbers as JSON values."""
    times_more, is_reached = self.times_more
    return dict(num_minibatches=self.num_minibatches, reached_at=self.reached_at, times_more=times_more,
                is_reached=is_reached, **{name: dict(
                    name=arm.name, run=str(arm.evaluated[0].run), secs=arm.secs(self.num_minibatches),
                    checkpoints=[dict(step=one.step, secs=arm.secs(one.step), measures=one.measures)
                                 for one in arm.evaluated]) for name, arm in self.arms.items()})


def measure(name, run, statistics, num_samples=256):
  """Returns the `Arm` of a run, measured at all its checkpoints.

  Args:
    name: str, of its variant.
    run: path of its folder.
    statistics: dict, as for `Arm`.
    num_samples: int, pictures that each checkpoint is measured on.

  Raises:
    errors.InputError: a checkpoint or the set is damaged or gone.
  """
  evaluated = evaluator.measure_all(run, num_samples)
  start = pathlib.Path(run) / _START
  return Arm(name, evaluated, statistics, iio.imread(start) if start.is_file() else None)


def judge(pairs):
  """Returns what became of the claims, list of `claims.Finding`; of several pairs the median counts."""
  moment = pairs[0].num_minibatches

  def numbers(function):
    values = [(function(pair.ufm), function(pair.scratch)) for pair in pairs]
    return [None if None in column else float(np.median(column)) for column in zip(*values)]

  shares = numbers(lambda arm: share(arm.at(moment), 'clean_rate'))
  distances = numbers(lambda arm: arm.at(moment).measures['sliced_wasserstein'])
  noise = numbers(lambda arm: arm.at(moment).measures['noise_texture'])
  noise_at_end = numbers(lambda arm: arm.evaluated[-1].measures['noise_texture'])
  return [claims.person_is_there(*zip(shares, distances), moment),
          claims.training_is_faster([pair.times_more for pair in pairs], moment),
          claims.noise_from_scratch_only(*zip(noise, noise_at_end), moment),
          claims.longer_is_not_always_better({arm.name: arm.points('sliced_wasserstein') for pair in pairs
                                              for arm in pair.arms.values()}, moment)]


def share(evaluated, name):
  """Returns a rate of the samples of an `evaluator.Evaluated` over that of the photos, or None where not known."""
  rate, of_reals = evaluated.measures[name], evaluated.of_reals[name]
  return rate / of_reals if rate is not None and of_reals else None


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
      return float(step) if before is None else float(np.interp(-target, [-before[1], -value], [before[0], step]))
    before = step, value
  return None
