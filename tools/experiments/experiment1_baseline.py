"""Experiment 1: the baseline on many faces, which the report then uses as its Universal Face Model."""

import statistics

from dcgan.common import wording
from tools.experiments import experiment
from tools.experiments import findings
from tools.experiments import variants

_REPORT_IMAGES, _REPORT_BATCH_SIZE = 109_631, 64
# The moving average of gLoss/dLoss wanders by a factor of two or three in a run that is well; "exploded" is beyond.
_EXPLODED = 5.0
_WARMED_UP_FRACTION = 0.1  # of a run: before that the average is over few minibatches, with D or G far ahead


class Baseline(experiment.Experiment):
  """Many faces, with the report's parameters."""

  number = 1
  title = 'Experiment 1: the baseline on many faces'
  did = ('The report trained on 109,631 aligned photos of celebrities, 64 in a minibatch, with Adam at a learning rate '
         'of 0.0002 and a beta1 of 0.5, and showed samples of random points of Z at 20 % of an epoch.')
  differs = 'The set is another one, so minibatches are counted and not epochs.'
  kinds = ('photos', 'celeba')
  make = 'python -m tools.make_records --photos=FOLDER'
  num_minibatches = int(0.2 * _REPORT_IMAGES / _REPORT_BATCH_SIZE)
  flags = ('channels', 'image_size')

  def variants(self, donor):
    return [variants.make_variant(self.material.records, self.scale, seed) for seed in self.scale.seeds]

  def judge(self, outcomes, beside):
    first = outcomes[0].evaluated
    rate = findings.median(outcome.evaluated.measures['clean_rate'] for outcome in outcomes)
    # Of several seeds the one whose average went farthest.
    ratios = max((outcome.loss_ratios for outcome in outcomes), key=lambda values: max(values, default=0.0))
    return [faces_appear(rate, first.of_reals['clean_rate'], first.step), losses_stay_stable(ratios),
            no_collapse([(outcome.collapsed, outcome.told_of_collapse) for outcome in outcomes])]


def faces_appear(clean_rate, of_reals, num_minibatches):
  """Returns the `Finding` on convincing faces early in the training.

  Args:
    clean_rate: float in [0, 1], share of the samples that are clean faces, or None.
    of_reals: float in [0, 1], the same of the photos, or None.
    num_minibatches: int, trained.
  """
  claim = 'At a fifth of an epoch of 109,631 photos, 342 minibatches of 64, most samples are convincing faces.'
  if clean_rate is None or not of_reals:
    return findings.Finding(claim, None, findings.NO_FACE)
  return findings.Finding(
      claim, clean_rate / of_reals > findings.MOST, f'{wording.percent(clean_rate)} of the samples are clean faces '
      f'after {num_minibatches:,} minibatches ({wording.percent(of_reals)} of the photos are).')


def losses_stay_stable(ratios):
  """Returns the `Finding` on gLoss/dLoss ("How far can we push DCGAN").

  Args:
    ratios: list of float, the moving average of gLoss/dLoss over the run, in order.
  """
  claim = 'On many faces gLoss/dLoss stays reasonably stable throughout.'
  ratios = ratios[int(_WARMED_UP_FRACTION * len(ratios)):]
  if len(ratios) < 3:
    return findings.Finding(claim, None, f'The run was too short: {wording.counted(len(ratios), "value")} of the '
                            'average.')
  median, largest = statistics.median(ratios), max(ratios)
  return findings.Finding(claim, largest <= _EXPLODED * median, f'The moving average was {median:.2f} in the median '
                          f'and {largest:.2f} at its largest; an explosion is {_EXPLODED:g} times the median or more.')


def no_collapse(collapses):
  """Returns the `Finding` on collapse.

  Args:
    collapses: list of (bool or None, str), for each run whether it collapsed (None: cannot be told) and what was said.
  """
  claim = 'On many faces no collapse is seen.'
  known = [(collapsed, text) for collapsed, text in collapses if collapsed is not None]
  if not known:
    return findings.Finding(claim, None, 'The run was too short to tell.')
  told = [text for collapsed, text in known if collapsed]
  return findings.Finding(claim, not told, ' '.join(told) or f'None in {wording.counted(len(known), "run")}.')
