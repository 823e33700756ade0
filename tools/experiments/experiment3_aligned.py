"""Experiment 3: the tiny set of experiment 2 again, aligned, and beside it what experiment 2 left."""

import json
import pathlib
import statistics

from dcgan.common import errors
from dcgan.common import wording
from tools.experiments import experiment2_tiny_set
from tools.experiments import findings

_CURED = 0.5  # of the mangling, at most, is left
_LITTLE_MANGLED = 0.05  # so little could not be cured any further; and with so few faces nothing was learnt


class AlignedTinySet(experiment2_tiny_set.TinySet):
  """The same photos, aligned, and the same runs; `beside` is the results (dict) of experiment 2, or None."""

  number = 3
  title = 'Experiment 3: the same tiny set, aligned'
  did = 'The report did experiment 2 again with the photos aligned by the eyes, all else as before.'
  differs = ('As in experiment 2. A sample counts as mangled where Face Mesh finds no face in it; both experiments are '
             'held against what it finds in their photos.')
  align = 'eyes'
  make = f'{experiment2_tiny_set.MAKE} --name=NAME'
  flags = ('beside', 'minibatch_sizes', 'channels', 'image_size')
  template = 'experiments/experiment3_aligned.html'

  def check(self, manifest):
    super().check(manifest)
    self._load_beside()

  def measure(self, outcomes):
    return self._load_beside()

  def judge(self, outcomes, beside):
    unaligned = {row['name']: row['found_share'] for row in beside['runs']} if beside else {}
    return [alignment_cures({outcome.variant.name: outcome.share('found_rate') for outcome in outcomes}, unaligned),
            usable_images({outcome.variant.name: outcome.share('clean_rate') for outcome in outcomes})]

  def drawn(self, outcomes, beside):
    return dict(beside=beside)

  def _load_beside(self):
    return load_results(self.material.beside) if self.material.beside else None


def alignment_cures(aligned, unaligned):
  """Returns the `Finding` on mangled faces of the aligned set beside the unaligned one.

  Args:
    aligned: dict from the names of runs to the share of samples in which a face is found, over that of the photos;
      float, or None where not known.
    unaligned: likewise, of experiment 2; empty where that was not given.
  """
  claim = 'Alignment alone cures the mangled faces.'
  pairs = [(aligned[name], unaligned[name]) for name in aligned
           if aligned[name] is not None and unaligned.get(name) is not None]
  if not unaligned:
    return findings.Finding(claim, None, 'The results of experiment 2 were not given: '
                            '--beside=checkpoints/experiment2.')
  if not pairs:
    return findings.Finding(claim, None, 'No run has its like in experiment 2: train both with the same --seeds.')
  ours, theirs = (experiment2_tiny_set.mangled(statistics.median(shares)) for shares in zip(*pairs))
  num_better = sum(left > right for left, right in pairs)
  numbers = (f'No face is found in {wording.percent(ours)} of the samples aligned and {wording.percent(theirs)} '
             f'unaligned (medians); more are found aligned in {num_better} of {wording.counted(len(pairs), "pair")} '
             'of runs')
  if theirs <= _LITTLE_MANGLED:
    return findings.Finding(claim, None, f'{numbers}: there was nothing to cure.')
  if min(ours, theirs) >= 1.0 - _LITTLE_MANGLED:
    return findings.Finding(claim, None, f'{numbers}: neither has learnt what a face is. Train longer.')
  return findings.Finding(claim, ours <= _CURED * theirs and num_better > findings.MOST * len(pairs), f'{numbers}.')


def usable_images(clean_rates):
  """Returns the `Finding` on usable pictures.

  Args:
    clean_rates: dict from the names of runs to the share of samples that are clean faces over that of the photos;
      float, or None where not known.
  """
  claim = 'With an aligned tiny set, and with care, usable pictures are made.'
  known = {name: rate for name, rate in clean_rates.items() if rate is not None}
  if not known:
    return findings.Finding(claim, None, findings.NO_FACE)
  best = max(known, key=known.get)
  num_good = sum(rate > findings.MOST for rate in known.values())
  return findings.Finding(
      claim, num_good > 0, f'In {num_good} of {wording.counted(len(known), "run")} most samples are clean faces; the '
      f'best is {best}, {wording.percent(known[best])} of what the photos have.')


def load_results(folder):
  """Returns the results (dict) that experiment 2 left in its folder.

  Raises:
    errors.InputError: there are none, or they are not of that experiment.
  """
  number = experiment2_tiny_set.TinySet.number
  path = pathlib.Path(folder) / f'experiment{number}.json'
  try:
    results = json.loads(path.read_text(encoding='utf-8'))
    if results['experiment'] == number and all('found_share' in row and 'name' in row for row in results['runs']):
      return results
    reason = 'these are others'
  except OSError as error:
    reason = error.strerror
  except (ValueError, KeyError, TypeError) as error:
    reason = f'{type(error).__name__}: {error}'
  raise errors.InputError(f'`beside` ({folder}): {path.name} in it must hold the results of experiment {number}, but: '
                          f'{reason}. Make them with `python -m tools.reproduce --experiment={number} '
                          f'{wording.flag("out", folder)}`.')
