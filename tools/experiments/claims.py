"""What the report claims, beside our numbers: plain functions from numbers to whether they agree, and why. No files."""

import dataclasses
import statistics

from scipy import stats

from tools.evaluation import verdict

# "Generally", "usually", "largely": more than half.
_MOST = 0.5
# The moving average of gLoss/dLoss wanders by a factor of two or three in a run that is well; "exploded" is beyond.
_EXPLODED = 5.0
_WARMED_UP_FRACTION = 0.1  # of a run: before that the average is over few minibatches, with D or G far ahead
# Where neither network wins gLoss is ln 2 and dLoss 2·ln 2, so their ratio is 0.5 (Goodfellow et al. 2014,
# arXiv:1406.2661); eight times that is a generator that loses.
_LOSING_RATIO = 4.0
# Above this a difference between two ways to train may well be chance.
_MOST_CHANCE = 0.1
_CURED = 0.5  # of the mangling, at most, is left
_LITTLE_MANGLED = 0.05  # so little could not be cured any further; and with so few faces nothing was learnt
_VARIED = 0.5  # of the reals' variety: half of it is more than one or a few expressions
_AS_GOOD = 1.25  # times the error of frames that were trained on
_NEARLY_ALL = 0.8  # of the photos' rate of faces
_SEVERAL = 2.0  # times
_WORSE = 1.1  # times the least distance: more than it wanders from one checkpoint to the next


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


def faces_appear(clean_rate, of_reals, num_minibatches):
  """Returns the `Finding` on convincing faces early in the training on many faces (experiment 1).

  Args:
    clean_rate: float in [0, 1], share of the samples that are clean faces, or None.
    of_reals: float in [0, 1], the same of the photos, or None.
    num_minibatches: int, trained.
  """
  claim = 'At a fifth of an epoch of 109,631 photos, 342 minibatches of 64, most samples are convincing faces.'
  if clean_rate is None or not of_reals:
    return Finding(claim, None, 'No face was found in the photos, so none could be counted in the samples.')
  return Finding(claim, clean_rate / of_reals > _MOST, f'{_percent(clean_rate)} of the samples are clean faces after '
                 f'{num_minibatches:,} minibatches ({_percent(of_reals)} of the photos are).')


def losses_stay_stable(ratios):
  """Returns the `Finding` on gLoss/dLoss on many faces (experiment 1; "How far can we push DCGAN").

  Args:
    ratios: list of float, the moving average of gLoss/dLoss over the run, in order.
  """
  claim = 'On many faces gLoss/dLoss stays reasonably stable throughout.'
  ratios = ratios[int(_WARMED_UP_FRACTION * len(ratios)):]
  if len(ratios) < 3:
    return Finding(claim, None, f'The run was too short: {len(ratios)} value{"s" * (len(ratios) != 1)} of the average.')
  median, largest = statistics.median(ratios), max(ratios)
  return Finding(claim, largest <= _EXPLODED * median, f'The moving average was {median:.2f} in the median and '
                 f'{largest:.2f} at its largest; an explosion is {_EXPLODED:g} times the median or more.')


def no_collapse(collapses):
  """Returns the `Finding` on collapse on many faces (experiment 1).

  Args:
    collapses: list of (bool or None, str), for each run whether it collapsed (None: cannot be told) and what was said.
  """
  claim = 'On many faces no collapse is seen.'
  known = [(collapsed, text) for collapsed, text in collapses if collapsed is not None]
  if not known:
    return Finding(claim, None, 'The run was too short to tell.')
  told = [text for collapsed, text in known if collapsed]
  return Finding(claim, not told, ' '.join(told) or f'None in {_counted(len(known), "run")}.')


def collapse_is_usual(collapses):
  """Returns the `Finding` on collapse of tiny sets (experiment 2).

  Args:
    collapses: list of bool or None, for each run whether it collapsed; None where it was too short to tell.
  """
  claim = 'With a tiny set the model usually collapses, into Symptom A or Symptom B.'
  known = [collapsed for collapsed in collapses if collapsed is not None]
  if not known:
    return Finding(claim, None, 'The runs were too short to tell.')
  return Finding(claim, sum(known) > _MOST * len(known), f'{sum(known)} of {_counted(len(known), "run")} '
                 'collapsed.')


def discriminator_wins(ratios):
  """Returns the `Finding` on the losses of collapsed runs (experiment 2).

  Args:
    ratios: list of float, the moving average of gLoss/dLoss at the end of each run that collapsed.
  """
  claim = 'In a collapse the loss of the discriminator stays low and that of the generator high.'
  if not ratios:
    return Finding(claim, None, 'No run collapsed.')
  num_high = sum(ratio >= _LOSING_RATIO for ratio in ratios)
  return Finding(claim, num_high > _MOST * len(ratios), f'gLoss/dLoss ended at {_LOSING_RATIO:g} or more in {num_high} '
                 f'of {_counted(len(ratios), "collapsed run")} (median {statistics.median(ratios):.2f}; 0.5 is '
                 'balance).')


def overlapping_collapses_less(shuffled, overlapping):
  """Returns the `Finding` on minibatches of similar pictures that overlap (experiment 2).

  Whether a difference may be chance is told by Fisher's exact test (Fisher 1935).

  Args:
    shuffled: list of bool, whether each run with shuffled minibatches collapsed; only of sizes that tell the two apart.
    overlapping: list of bool, likewise.
  """
  claim = 'With similar pictures in overlapping minibatches the model is less prone to collapse.'
  if not shuffled or not overlapping:
    return Finding(claim, None, 'No pair of runs was trained in which the two ways differ: they do where a minibatch '
                   'holds two pictures or more and not the whole set.')
  counts = [[sum(runs), len(runs) - sum(runs)] for runs in (overlapping, shuffled)]
  numbers = (f'{sum(overlapping)} of {_counted(len(overlapping), "overlapping run")} and {sum(shuffled)} of '
             f'{_counted(len(shuffled), "shuffled run")} collapsed')
  shares = sum(overlapping) / len(overlapping), sum(shuffled) / len(shuffled)
  if shares[0] == shares[1]:
    return Finding(claim, None, f'{numbers}: no difference is seen.')
  is_less = shares[0] < shares[1]
  chance = stats.fisher_exact(counts, alternative='less' if is_less else 'greater').pvalue
  numbers += f'; chance alone does as much in {_percent(chance)} of cases'
  if chance > _MOST_CHANCE:
    return Finding(claim, None, f'{numbers}, so these runs are too few to tell. More --seeds would.')
  return Finding(claim, is_less, f'{numbers}.')


def faces_stay_mangled(found_shares):
  """Returns the `Finding` on mangled faces of an unaligned set, also where the model did not collapse (experiment 2).

  Args:
    found_shares: list of float or None, of each run with overlapping minibatches: the share of samples in which a face
      is found, over that of the photos.
  """
  claim = 'Even with overlapping minibatches the faces stay largely mangled.'
  known = [share for share in found_shares if share is not None]
  if not known:
    return Finding(claim, None, 'No face was found in the photos, or no run had overlapping minibatches.')
  share = statistics.median(known)
  return Finding(claim, 1.0 - share > _MOST, f'No face is found in {_percent(_mangled(share))} of the samples (median '
                 f'over {_counted(len(known), "run")}; the photos are 0 %).')


def alignment_cures(aligned, unaligned):
  """Returns the `Finding` on mangled faces of the aligned set beside the unaligned one (experiment 3).

  Args:
    aligned: dict from the names of runs to the share of samples in which a face is found, over that of the photos;
      float, or None where not known.
    unaligned: likewise, of experiment 2; empty where that was not given.
  """
  claim = 'Alignment alone cures the mangled faces.'
  pairs = [(aligned[name], unaligned[name]) for name in aligned
           if aligned[name] is not None and unaligned.get(name) is not None]
  if not unaligned:
    return Finding(claim, None, 'The results of experiment 2 were not given: --beside=checkpoints/experiment2.')
  if not pairs:
    return Finding(claim, None, 'No run has its like in experiment 2: train both with the same --seeds.')
  ours, theirs = (_mangled(statistics.median(shares)) for shares in zip(*pairs))
  num_better = sum(left > right for left, right in pairs)
  numbers = (f'No face is found in {_percent(ours)} of the samples aligned and {_percent(theirs)} unaligned (medians); '
             f'more are found aligned in {num_better} of {_counted(len(pairs), "pair")} of runs')
  if theirs <= _LITTLE_MANGLED:
    return Finding(claim, None, f'{numbers}: there was nothing to cure.')
  if min(ours, theirs) >= 1.0 - _LITTLE_MANGLED:
    return Finding(claim, None, f'{numbers}: neither has learnt what a face is. Train longer.')
  return Finding(claim, ours <= _CURED * theirs and num_better > _MOST * len(pairs), f'{numbers}.')


def usable_images(clean_rates):
  """Returns the `Finding` on usable pictures from an aligned tiny set (experiment 3).

  Args:
    clean_rates: dict from the names of runs to the share of samples that are clean faces over that of the photos;
      float, or None where not known.
  """
  claim = 'With an aligned tiny set, and with care, usable pictures are made.'
  known = {name: rate for name, rate in clean_rates.items() if rate is not None}
  if not known:
    return Finding(claim, None, 'No face was found in the photos, so none could be counted in the samples.')
  best = max(known, key=known.get)
  num_good = sum(rate > _MOST for rate in known.values())
  return Finding(claim, num_good > 0, f'In {num_good} of {_counted(len(known), "run")} most samples are clean '
                 f'faces; the best is {best}, {_percent(known[best])} of what the photos have.')


def many_expressions(diversity, geometry_distance, geometry_of_between):
  """Returns the `Finding` on expressions learnt from a video (experiment 4).

  Args:
    diversity: float, of the samples over that of the frames trained on, or None.
    geometry_distance: float, of the samples' mesh points to those of the frames trained on, or None.
    geometry_of_between: float, of the frames in between to those trained on, or None: what is to be had.
  """
  claim = 'The model of a video has acquired a multitude of expressions.'
  if diversity is None:
    return Finding(claim, None, 'There were too few frames to compare their variety.')
  told = f'The samples differ {diversity:.2f} times as much as the frames do'
  if geometry_distance is not None:
    told += f'; their poses and expressions are {geometry_distance:.2f} away from those of the frames'
    told += f' (those of the frames in between: {geometry_of_between:.2f})' if geometry_of_between is not None else ''
  return Finding(claim, diversity >= _VARIED, f'{told}.')


def reasonable_interpolation(between_error, trained_error, mean_picture_error, share_nearer, clean_rate):
  """Returns the `Finding` on frames between those trained on (experiment 4).

  Frames in between must be made nearly as well as those trained on, and better than by one picture for all of them; and
  the samples must be faces, or both would be equally bad.

  Args:
    between_error: float, median over frames in between of how far the nearest picture is that the model can make.
    trained_error: float, the same of frames trained on.
    mean_picture_error: float, the median distance of frames in between from the mean of the frames trained on.
    share_nearer: float in [0, 1], of the frames in between: those that the model comes nearer to than any frame trained
      on is.
    clean_rate: float, share of samples that are clean faces over that of the frames, or None.
  """
  claim = 'The model interpolates reasonably between the frames it was trained on.'
  told = (f'Frames in between are made to within {between_error:.1f} grey values, frames trained on to within '
          f'{trained_error:.1f}; the mean frame is {mean_picture_error:.1f} away. {_percent(share_nearer)} of the '
          'frames in between are made better than by showing the nearest frame trained on.')
  if clean_rate is None:
    return Finding(claim, None, f'{told} But no face was found in the frames, so none could be counted in the samples.')
  told += f' Clean faces: {_percent(clean_rate)} of what the frames have.'
  return Finding(claim, between_error <= _AS_GOOD * trained_error and between_error < mean_picture_error
                 and clean_rate > _MOST, told)


def person_is_there(ufm, scratch, num_minibatches):
  """Returns the `Finding` on likeness after the report's few minibatches (experiment 5, figures 6b and 7b).

  Args:
    ufm: (float, float) of the run from a model of many faces: the share of its samples that are clean faces over that
      of the photos, or None, and its samples' sliced Wasserstein distance to the photos.
    scratch: likewise, of the run from scratch.
    num_minibatches: int.
  """
  claim = 'From the Universal Face Model the person is there after 75 minibatches, from scratch not yet.'
  (clean_share, distance), (scratch_clean_share, scratch_distance) = ufm, scratch
  if clean_share is None or scratch_clean_share is None:
    return Finding(claim, None, 'No face was found in the photos, so none could be counted in the samples.')
  return Finding(
      claim, clean_share >= _NEARLY_ALL > scratch_clean_share and distance < scratch_distance,
      f'After {num_minibatches:,} minibatches clean faces are {_percent(clean_share)} of what the photos have from the '
      f'model and {_percent(scratch_clean_share)} from scratch; the sliced Wasserstein distance to the photos is '
      f'{distance:.1f} and {scratch_distance:.1f}.')


def training_is_faster(times_more, num_minibatches):
  """Returns the `Finding` on the time that a model of many faces saves (experiment 5).

  Args:
    times_more: list of (float, bool), for each seed how many times more minibatches it took from scratch to come as
      near to the photos, and whether it came there; where it did not, it takes more than that.
    num_minibatches: int, after which the distance of the run from the model is taken.
  """
  claim = 'Training from the Universal Face Model is several times faster.'
  factor, is_reached = statistics.median_low(times_more)
  more = '' if is_reached else 'more than '
  numbers = (f'To come as near to the photos as from the model after {num_minibatches:,} minibatches (sliced '
             f'Wasserstein distance), training from scratch takes {more}{factor:.1f} times as many')
  numbers += f' (median over {len(times_more)} seeds)' if len(times_more) > 1 else ''
  if factor < _SEVERAL and not is_reached:
    return Finding(claim, None, f'{numbers}: it ended too early to tell. More --long_minibatches would.')
  return Finding(claim, factor >= _SEVERAL, f'{numbers}.')


def noise_from_scratch_only(ufm, scratch, num_minibatches):
  """Returns the `Finding` on noise texture (experiment 5, figure 8).

  Args:
    ufm: (float, float), the noise texture of the run from a model of many faces, times that of the photos, after
      `num_minibatches` and after the longer training.
    scratch: likewise, of the run from scratch.
    num_minibatches: int.
  """
  claim = ('Noise texture comes up from scratch, and no further training mends it; from the Universal Face Model there '
           'is none.')
  return Finding(
      claim, min(scratch) > verdict.NOISY >= max(ufm),
      f"The fine structure has {scratch[0]:.1f} times the power of the photos' from scratch and {ufm[0]:.1f} times "
      f'from the model after {num_minibatches:,} minibatches, {scratch[1]:.1f} and {ufm[1]:.1f} times in the end; over '
      f'{verdict.NOISY:g} times it is seen as grain.')


def longer_is_not_always_better(distances, num_minibatches):
  """Returns the `Finding` on further training ("Degradation from further training"; experiment 5).

  Args:
    distances: dict from the names of runs to their (minibatch, sliced Wasserstein distance to the photos), ascending.
    num_minibatches: int, after which training counts as further.
  """
  claim = 'Training for longer does not always create better results.'
  longer = {name: points for name, points in distances.items() if points[-1][0] > num_minibatches}
  if not longer:
    return Finding(claim, None, f'No run was trained for longer than {num_minibatches:,} minibatches.')
  told, num_worse = [], 0
  for name, points in longer.items():
    (step, best), (last_step, last) = min(points, key=lambda point: point[1]), points[-1]
    num_worse += last >= _WORSE * best
    ended = f', and ended at {last_step:,} with {last:.1f}' if step < last_step else ', its end'
    told.append(f'{name} was nearest to the photos at minibatch {step:,} ({best:.1f}){ended}')
  return Finding(claim, num_worse > 0, f'{num_worse} of {_counted(len(longer), "run")} ended worse than at its best by '
                 f'a tenth or more: {"; ".join(told)}.')


def _mangled(found_share):
  """Returns the share without a face; samples may have more faces than the photos."""
  return max(0.0, 1.0 - found_share)


def _percent(fraction):
  return f'{100 * fraction:.0f} %'


def _counted(count, noun):
  return f'{count} {noun}{"s" * (count != 1)}'
