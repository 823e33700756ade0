"""Outcomes of runs that were never trained, with numbers that tests choose."""

import dataclasses
import pathlib

import numpy as np

from tools.evaluation import evaluator
from tools.evaluation import measures
from tools.experiments import experiment
from tools.experiments import findings
from tools.experiments import frames_between
from tools.experiments import outcome as outcome_of
from tools.experiments import page
from tools.experiments import variants

ALL_FOUND = {'found_rate': 1.0, 'clean_rate': 1.0}


def make(kind, num_minibatches=10, seeds=(0,), **material):
  """Returns an experiment of a class, on a set that is not there."""
  return kind(experiment.Material(**{'records': 'records/a'} | material),
              variants.Scale(num_minibatches, seeds=seeds))


def page_text(folder, done, outcomes, beside=None):
  """Returns the HTML of an experiment's page, with three findings that are made up."""
  told = [findings.Finding('Claim <one>', True, 'It is & so.'), findings.Finding('Claim two', None, 'Too short.'),
          findings.Finding('Claim three', False, 'It is not.')]
  results = dict(experiment=done.number, records='records/a', num_samples=64, init_from=done.material.init_from,
                 counts=outcome_of.count_symptoms(outcomes), scale=dataclasses.asdict(done.scale),
                 runs=[one.as_json() for one in outcomes])
  page.save(folder / 'page.html', done, results, outcomes, told, beside)
  return (folder / 'page.html').read_text(encoding='utf-8')


def outcome(seed=0, size=64, minibatches='shuffled', values=None, of_reals=None, verdicts=(), ratios=(1.0, 2.0),
            num_reals=64, num_looks=20):
  """Returns an `outcome.Outcome` of 5 minibatches; what `values` and `of_reals` do not name was not measured."""
  variant = variants.make_variant('records/a', variants.Scale(5, 2, 8), seed, size, minibatches)
  rng = np.random.default_rng(seed)
  pictures = rng.integers(0, 256, [64 + num_reals, 8, 8, 3], np.uint8)
  tables = [dict.fromkeys(measures.MEASURES) | (given or {}) for given in (values, of_reals)]
  reasons = {name: f'needs <more> than {name}' for name, value in tables[0].items() if value is None}
  evaluated = evaluator.Evaluated(
      run=pathlib.Path('nowhere') / variant.name, label=variant.name, step=5, options=variant.options,
      measures=tables[0], of_reals=tables[1], reasons=reasons, samples=pictures[:64], reals=pictures[64:],
      nearest_indices=np.zeros(64, np.int64), nearest_distances=np.zeros(64, np.float32), notes=())
  statistics = {'health/loss_ratio': list(enumerate(ratios, 1))}
  statistics['health/diversity'] = [(50 * i, 0.5) for i in range(num_looks)]
  return outcome_of.Outcome(variant, [evaluated], statistics, list(verdicts))


def run_over_time(name, values, of_reals=None, speeds=(), moment=50, run='nowhere'):
  """Returns an `outcome.Outcome` in minibatches of 8, measured at several checkpoints.

  Args:
    name: str, of its variant.
    values: dict from minibatches to the measures there, dicts.
    of_reals: dict of the measures of the photos.
    speeds: (minibatch, pictures a second or None) pairs, one for each line of its statistics.
    moment: int, at which it is compared.
    run: path of its folder.
  """
  outcomes = [outcome(size=8, values=measured, of_reals=of_reals) for measured in values.values()]
  checkpoints = [dataclasses.replace(one.evaluated, step=step, run=pathlib.Path(run))
                 for one, step in zip(outcomes, values)]
  statistics = {'loss/generator': [(step, 1.0) for step, _ in speeds],
                'time/images_per_sec': [(step, speed) for step, speed in speeds if speed]}
  variant = dataclasses.replace(outcomes[0].variant, name=name, moment=moment)
  return outcome_of.Outcome(variant, checkpoints, statistics, [])


def verdict(kind, step):
  return dict(global_step=step, kind=kind, sentence=f'{kind} at {step} & on.', action='warn')


def frames(inversion_errors):
  """Returns `frames_between.Frames`; random samples are twice as far as what inversion finds."""
  pictures = np.zeros([len(inversion_errors), 8, 8, 3], np.uint8)
  errors = np.array(inversion_errors, np.float32)
  return frames_between.Frames(pictures, pictures + 50, errors, 2 * errors)


def between(inversion_errors=(4.0, 6.0, 20.0), nearest_errors=(5.0, 5.0, 30.0)):
  """Returns a `frames_between.Between` of three frames 0.1, 0.3 and 0.3 s off; the mean frame is 40 away."""
  return frames_between.Between(
      frames(inversion_errors), frames([5.0, 5.0]), np.array([0.1, 0.29, 0.3]), np.zeros([3, 8, 8, 3], np.uint8),
      np.array(nearest_errors, np.float32), np.full(3, 40.0, np.float32), 2.5)
