"""Experiment 2: a tiny set of one person, not aligned, in small and large minibatches, shuffled and overlapping."""

import statistics

from dcgan.common import wording
from tools.experiments import experiment
from tools.experiments import findings
from tools.experiments import variants

MAKE = 'python -m tools.make_records --photos=FOLDER --limit=64'  # a tiny set, aligned or not
# Where neither network wins gLoss is ln 2 and dLoss 2·ln 2, so their ratio is 0.5 (Goodfellow et al. 2014,
# arXiv:1406.2661); eight times that is a generator that loses.
_LOSING_RATIO = 4.0
# Above this a difference between two ways to train may well be chance.
_MOST_CHANCE = 0.1


class TinySet(experiment.Experiment):
  """64 photos of one person."""

  number = 2
  title = 'Experiment 2: a tiny set of one person, not aligned'
  did = ('The report trained on 64 photos of one person, cropped and not aligned, in minibatches of 1, 9 and 64, and '
         'then with minibatches of similar pictures that overlap.')
  differs = ('The order of similarity is computed, where the report had human judgement. In minibatches of 1, and of '
             'the whole set, overlapping ones hold the same pictures as shuffled ones, so only sizes between tell the '
             'two apart. All runs have as many minibatches, so those of small ones see fewer pictures.')
  kinds = ('photos',)
  align = 'off'
  make = f'{MAKE} --align=off --name=NAME_unaligned'
  flags = ('minibatch_sizes', 'channels', 'image_size')

  def variants(self, donor):
    return [variants.make_variant(self.material.records, self.scale, seed, size, minibatches)
            for seed in self.scale.seeds for size in self.material.batch_sizes
            for minibatches in (variants.SHUFFLED, variants.OVERLAPPING)]

  def judge(self, outcomes, beside):
    shuffled, overlapping = ([outcome for outcome in outcomes if outcome.variant.options.data.minibatches == kind]
                             for kind in (variants.SHUFFLED, variants.OVERLAPPING))
    return [collapse_is_usual([outcome.collapsed for outcome in outcomes]),
            discriminator_wins([outcome.loss_ratios[-1] for outcome in outcomes
                                if outcome.collapsed and outcome.loss_ratios]),
            overlapping_collapses_less(_told_apart(shuffled), _told_apart(overlapping)),
            faces_stay_mangled([outcome.share('found_rate') for outcome in overlapping])]


def collapse_is_usual(collapses):
  """Returns the `Finding` on collapse.

  Args:
    collapses: list of bool or None, for each run whether it collapsed; None where it was too short to tell.
  """
  claim = 'With a tiny set the model usually collapses, into Symptom A or Symptom B.'
  known = [collapsed for collapsed in collapses if collapsed is not None]
  if not known:
    return findings.Finding(claim, None, 'The runs were too short to tell.')
  return findings.Finding(claim, sum(known) > findings.MOST * len(known),
                          f'{sum(known)} of {wording.counted(len(known), "run")} collapsed.')


def discriminator_wins(ratios):
  """Returns the `Finding` on the losses of collapsed runs.

  Args:
    ratios: list of float, the moving average of gLoss/dLoss at the end of each run that collapsed.
  """
  claim = 'In a collapse the loss of the discriminator stays low and that of the generator high.'
  if not ratios:
    return findings.Finding(claim, None, 'No run collapsed.')
  num_high = sum(ratio >= _LOSING_RATIO for ratio in ratios)
  return findings.Finding(
      claim, num_high > findings.MOST * len(ratios), f'gLoss/dLoss ended at {_LOSING_RATIO:g} or more in {num_high} of '
      f'{wording.counted(len(ratios), "collapsed run")} (median {statistics.median(ratios):.2f}; 0.5 is balance).')


def overlapping_collapses_less(shuffled, overlapping):
  """Returns the `Finding` on minibatches of similar pictures that overlap.

  Whether a difference may be chance is told by Fisher's exact test (Fisher 1935).

  Args:
    shuffled: list of bool, whether each run with shuffled minibatches collapsed; only of sizes that tell the two apart.
    overlapping: list of bool, likewise.
  """
  from scipy import stats  # pylint: disable=import-outside-toplevel  (half a second)
  claim = 'With similar pictures in overlapping minibatches the model is less prone to collapse.'
  if not shuffled or not overlapping:
    return findings.Finding(claim, None, 'No pair of runs was trained in which the two ways differ: they do where a '
                            'minibatch holds two pictures or more and not the whole set.')
  counts = [[sum(runs), len(runs) - sum(runs)] for runs in (overlapping, shuffled)]
  numbers = (f'{sum(overlapping)} of {wording.counted(len(overlapping), "overlapping run")} and {sum(shuffled)} of '
             f'{wording.counted(len(shuffled), "shuffled run")} collapsed')
  shares = sum(overlapping) / len(overlapping), sum(shuffled) / len(shuffled)
  if shares[0] == shares[1]:
    return findings.Finding(claim, None, f'{numbers}: no difference is seen.')
  is_less = shares[0] < shares[1]
  chance = stats.fisher_exact(counts, alternative='less' if is_less else 'greater').pvalue
  numbers += f'; chance alone does as much in {wording.percent(chance)} of cases'
  if chance > _MOST_CHANCE:
    return findings.Finding(claim, None, f'{numbers}, so these runs are too few to tell. More --seeds would.')
  return findings.Finding(claim, is_less, f'{numbers}.')


def faces_stay_mangled(found_shares):
  """Returns the `Finding` on mangled faces, also where the model did not collapse.

  Args:
    found_shares: list of float or None, of each run with overlapping minibatches: the share of samples in which a face
      is found, over that of the photos.
  """
  claim = 'Even with overlapping minibatches the faces stay largely mangled.'
  share = findings.median(found_shares)
  if share is None:
    return findings.Finding(claim, None, 'No face was found in the photos, or no run had overlapping minibatches.')
  num_known = sum(one is not None for one in found_shares)
  return findings.Finding(
      claim, 1.0 - share > findings.MOST, f'No face is found in {wording.percent(mangled(share))} of the samples '
      f'(median over {wording.counted(num_known, "run")}; the photos are 0 %).')


def mangled(found_share):
  """Returns the share without a face; samples may have more faces than the photos."""
  return max(0.0, 1.0 - found_share)


def _told_apart(outcomes):
  """Returns which runs collapsed, list of bool, of those whose minibatches differ by the way they are chosen."""
  return [outcome.collapsed for outcome in outcomes if outcome.collapsed is not None and
          1 < outcome.variant.options.data.global_batch_size < len(outcome.evaluated.reals)]
