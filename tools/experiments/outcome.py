"""A run of an experiment, measured: at its last checkpoint, or at all that it kept."""

import dataclasses

from dcgan.training import health
from tools.evaluation import evaluator
from tools.evaluation import history
from tools.experiments import findings
from tools.experiments import variants


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
  """A run of an experiment, measured.

  Attributes:
    variant: `variants.Variant`.
    checkpoints: list of `evaluator.Evaluated`, ascending by minibatch, one or more; the last one is the run's last.
    statistics: dict from tags to (minibatch, value) pairs, as `history.statistics` returns it.
    verdicts: list of dict, on its health, as `history.health_verdicts` returns it.
  """

  variant: variants.Variant
  checkpoints: list
  statistics: dict
  verdicts: list

  @property
  def evaluated(self):
    """`evaluator.Evaluated` of its last checkpoint."""
    return self.checkpoints[-1]

  @property
  def symptoms(self):
    """dict from each kind of verdict to the minibatch that it was first spoken at."""
    first = {}
    for line in sorted(self.verdicts, key=lambda line: line['global_step']):
      first.setdefault(line.get('kind', 'verdict'), line['global_step'])
    return first

  @property
  def collapsed(self):
    """bool, whether it collapsed; None where it was too short to tell.

    In the beginning all samples are one picture, so a symptom is told only when it has lasted. A run that was too short
    for that has not collapsed if its samples differ in the end.
    """
    if set(self.symptoms) & set(health.COLLAPSES):
      return True
    num_looks = max(health.RULES[kind].num_looks for kind in health.COLLAPSES if kind in health.RULES)
    diversity = self.evaluated.measures['diversity']
    is_known = len(self.statistics.get('health/diversity', ())) >= num_looks or (
        diversity is not None and diversity >= findings.VARIED)
    return False if is_known else None

  @property
  def told_of_collapse(self):
    """str, the sentences of the verdicts on a collapse."""
    return ' '.join(line['sentence'] for line in self.verdicts if line.get('kind') in health.COLLAPSES)

  @property
  def images_seen(self):
    """int, counting a picture each time."""
    return self.evaluated.step * self.variant.options.data.global_batch_size

  @property
  def loss_ratios(self):
    """list of float, the moving average of gLoss/dLoss in order."""
    return [value for _, value in self.statistics.get('health/loss_ratio', ())]

  def at(self, step):
    """Returns the `evaluator.Evaluated` of its last checkpoint up to minibatch `step`, or of its first one."""
    return [one for one in self.checkpoints if one.step <= step or one is self.checkpoints[0]][-1]

  def points(self, name):
    """Returns a measure over the checkpoints, list of (minibatch, float or None)."""
    return [(one.step, one.measures[name]) for one in self.checkpoints]

  def share(self, name, step=None):
    """Returns a rate of the samples over that of the photos, float, or None where either is not known.

    Args:
      name: str, of the measure.
      step: int, for the checkpoint that `at` returns; None for the last one.
    """
    evaluated = self.evaluated if step is None else self.at(step)
    rate, of_reals = evaluated.measures[name], evaluated.of_reals[name]
    return rate / of_reals if rate is not None and of_reals else None

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
    batch_size = self.variant.options.data.global_batch_size
    return step / num_timed * sum(number * batch_size / speed for number, speed in timed)

  def as_json(self):
    """Returns its numbers at its last checkpoint as JSON values."""
    data = self.variant.options.data
    return dict(
        name=self.variant.name, run=str(self.evaluated.run), step=self.evaluated.step,
        global_batch_size=data.global_batch_size, minibatches=data.minibatches,
        seed=self.variant.options.training.seed, images_seen=self.images_seen, collapsed=self.collapsed,
        symptoms=self.symptoms, loss_ratio=self.loss_ratios[-1] if self.loss_ratios else None,
        found_share=self.share('found_rate'), clean_share=self.share('clean_rate'), measures=self.evaluated.measures,
        of_reals=self.evaluated.of_reals, reasons=self.evaluated.reasons)


def measure(folder, looks_back=False, num_samples=256):
  """Returns the `Outcome` of a run.

  Args:
    folder: `training.RunFolder`.
    looks_back: bool, whether all its checkpoints are measured, not the last one only.
    num_samples: int, pictures that each checkpoint is measured on.

  Raises:
    errors.InputError: a checkpoint or the set is damaged or gone.
  """
  run = folder.path
  checkpoints = (evaluator.measure_all(run, num_samples) if looks_back else
                 [evaluator.measure_run(run, num_samples=num_samples)])
  return Outcome(folder.variant, checkpoints, history.statistics(run), history.health_verdicts(run))


def count_symptoms(outcomes):
  """Returns how often each symptom came, list of dict, one for each size of minibatches and way to choose them."""
  groups = {}
  for outcome in outcomes:
    data = outcome.variant.options.data
    groups.setdefault((data.global_batch_size, data.minibatches), []).append(outcome)
  return [dict(global_batch_size=size, minibatches=minibatches, num_runs=len(group),
               **{f'num_{kind}': sum(kind in outcome.symptoms for outcome in group) for kind in health.COLLAPSES},
               num_without=sum(outcome.collapsed is False for outcome in group),
               num_unknown=sum(outcome.collapsed is None for outcome in group))
          for (size, minibatches), group in groups.items()]
