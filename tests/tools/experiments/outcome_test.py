"""Tests of a measured run: its symptoms, times and shares worked by hand, and tiny runs measured."""

import json

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.training import runs
from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.experiments import experiment
from tools.experiments import experiment5_reusable_model
from tools.experiments import outcome
from tools.experiments import training
from tools.experiments import variants


def test_an_outcome_tells_its_first_symptoms_and_its_shares():
  run = drawn.outcome(size=9, values={'found_rate': 0.4}, of_reals={'found_rate': 0.8, 'clean_rate': 0.0}, verdicts=[
      drawn.verdict('noise', 2), drawn.verdict('symptom_b', 4), drawn.verdict('symptom_b', 3)])
  assert run.symptoms == {'noise': 2, 'symptom_b': 3} and run.collapsed is True
  assert run.images_seen == 45 and run.share('found_rate') == 0.5 and run.share('clean_rate') is None
  assert drawn.outcome(verdicts=[drawn.verdict('noise', 2)]).collapsed is False
  assert drawn.outcome().collapsed is False and drawn.outcome(num_looks=1).collapsed is None
  assert [drawn.outcome(num_looks=1, values={'diversity': value}).collapsed for value in (0.1, 0.9)] == [None, False]
  assert run.told_of_collapse == 'symptom_b at 4 & on. symptom_b at 3 & on.'
  row = json.loads(json.dumps(run.as_json()))
  assert row['found_share'] == 0.5 and row['symptoms'] == {'noise': 2, 'symptom_b': 3} and row['loss_ratio'] == 2.0


def test_symptoms_are_counted_for_each_way_to_train():
  b = [drawn.verdict('symptom_b', 3)]
  both = [drawn.verdict('symptom_a', 2), *b]
  counts = outcome.count_symptoms([
      drawn.outcome(0, 9, verdicts=b), drawn.outcome(1, 9, verdicts=both), drawn.outcome(2, 9),
      drawn.outcome(0, 9, 'overlapping', num_looks=0)])
  assert counts == [
      dict(global_batch_size=9, minibatches='shuffled', num_runs=3, num_symptom_a=1, num_symptom_b=2, num_diverged=0,
           num_without=1, num_unknown=0),
      dict(global_batch_size=9, minibatches='overlapping', num_runs=1, num_symptom_a=0, num_symptom_b=0,
           num_diverged=0, num_without=0, num_unknown=1)]


def test_training_takes_as_long_as_its_timed_minibatches_did():
  # 8 pictures each: minibatches 11 to 20 took 2 s, 21 to 25 took 3 s; the first ten, and those after a start at 25, are
  # taken to be as fast as all 20 that were timed in 11 s.
  run = drawn.run_over_time('a', {25: {}}, speeds=[(10, None), (20, 40.0), (25, 40 / 3), (35, None), (40, 40 / 6)])
  assert run.secs(25) == pytest.approx(25 / 15 * 5.0)
  assert run.secs(40) == pytest.approx(40 / 20 * 11.0)
  assert run.secs(10) is None


def test_a_checkpoint_is_the_last_one_up_to_a_minibatch():
  run = drawn.run_over_time('a', {25 * i: {'sliced_wasserstein': 4.0 - i, 'clean_rate': i / 10} for i in (1, 2, 3)},
                            of_reals={'clean_rate': 0.5})
  assert [run.at(step).step for step in (10, 25, 74, 75, 1000)] == [25, 25, 50, 75, 75]
  assert run.points('sliced_wasserstein') == [(25, 3.0), (50, 2.0), (75, 1.0)]
  assert run.evaluated.step == 75
  assert [run.share('clean_rate', step) for step in (None, 25, 60)] == pytest.approx([0.6, 0.2, 0.4])


@pytest.mark.slow
def test_both_runs_are_measured_at_each_checkpoint_at_the_same_points_of_z(tmp_path):
  prefix = str(tmp_path / 'person')
  conftest.make_set(prefix, 11)
  faces, = training.train([variants.make_variant(prefix, variants.Scale(40, 4, 8), 7, 4)], tmp_path / 'faces')
  done = experiment5_reusable_model.ReusableModel(experiment.Material(prefix, init_from=str(faces.path)),
                                                  variants.Scale(2, long_minibatches=4))
  starts = []
  for folder in training.train(done.variants(runs.load_options(faces.path)), tmp_path / 'out'):
    measured = outcome.measure(folder, looks_back=True, num_samples=64)
    assert [one.step for one in measured.checkpoints] == [1, 2, 3, 4] and measured.variant == folder.variant
    for one in measured.checkpoints:  # what the run itself drew at that minibatch, perhaps in a lower precision
      grid = iio.imread(folder.path / f'samples_{one.step:06d}.png').astype(int)
      np.testing.assert_allclose(grid[2:10, 2:10], one.samples[0], atol=3)
    assert measured.secs(4) > 0
    last = outcome.measure(folder, num_samples=64)
    assert [one.step for one in last.checkpoints] == [4]
    np.testing.assert_array_equal(last.evaluated.samples[0], measured.evaluated.samples[0])
    starts.append(iio.imread(folder.path / 'samples_000000.png'))
  ufm, scratch = starts
  assert np.ptp(ufm) > np.ptp(scratch)  # a model's pictures, and nearly grey
