"""Outcomes of runs that were never trained, with numbers that tests choose."""

import dataclasses
import pathlib

import numpy as np

from tools.evaluation import evaluator
from tools.evaluation import measures
from tools.experiments import arms
from tools.experiments import between
from tools.experiments import reproduction
from tools.experiments import training


def outcome(seed=0, size=64, minibatches='shuffled', values=None, of_reals=None, verdicts=(), ratios=(1.0, 2.0),
            num_reals=64, num_looks=20):
  """Returns an `reproduction.Outcome` of 5 minibatches; what `values` and `of_reals` do not name was not measured."""
  variant = training.make_variant('records/a', training.Scale(5, 2, 8), seed, size, minibatches)
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
  return reproduction.Outcome(variant, evaluated, statistics, list(verdicts))


def arm(name, values, of_reals=None, speeds=(), start=None):
  """Returns an `arms.Arm` in minibatches of 8.

  Args:
    name: str.
    values: dict from minibatches to the measures there, dicts.
    of_reals: dict of the measures of the photos.
    speeds: (minibatch, pictures a second or None) pairs, one for each line of its statistics.
    start: uint8 picture.
  """
  evaluated = [dataclasses.replace(outcome(size=8, values=measured, of_reals=of_reals).evaluated, step=step)
               for step, measured in values.items()]
  statistics = {'loss/generator': [(step, 1.0) for step, _ in speeds],
                'time/images_per_sec': [(step, speed) for step, speed in speeds if speed]}
  return arms.Arm(name, evaluated, statistics, start)


def verdict(kind, step):
  return dict(global_step=step, kind=kind, sentence=f'{kind} at {step} & on.', action='warn')


def frames(inversion_errors):
  """Returns `between.Frames`; random samples are twice as far as what inversion finds."""
  pictures = np.zeros([len(inversion_errors), 8, 8, 3], np.uint8)
  errors = np.array(inversion_errors, np.float32)
  return between.Frames(pictures, pictures + 50, errors, 2 * errors)


def frames_between(inversion_errors=(4.0, 6.0, 20.0), nearest_errors=(5.0, 5.0, 30.0)):
  """Returns a `between.Between` of three frames in between, 0.1, 0.3 and 0.3 s off; the mean frame is 40 away."""
  return between.Between(
      frames(inversion_errors), frames([5.0, 5.0]), np.array([0.1, 0.29, 0.3]), np.zeros([3, 8, 8, 3], np.uint8),
      np.array(nearest_errors, np.float32), np.full(3, 40.0, np.float32), 2.5)
