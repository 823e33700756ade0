"""Tests of experiment 5's two runs: times and crossings worked by hand, and tiny runs measured."""

import json

import imageio.v3 as iio
import numpy as np
import pytest

from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.evaluation import history
from tools.experiments import arms
from tools.experiments import training


def _distances(*values):
  """Returns measures at minibatches 25, 50, …: distances, a face in half of the samples, and as much noise."""
  return {25 * i: {'sliced_wasserstein': value, 'clean_rate': 0.5, 'noise_texture': value}
          for i, value in enumerate(values, 1)}


def _pair(ufm, scratch, of_reals=None):
  return arms.Pair(drawn.arm('ufm-seed0', _distances(*ufm), of_reals),
                   drawn.arm('scratch-seed0', _distances(*scratch), of_reals), 50)


@pytest.mark.parametrize('target, reached_at', [
    (90.0, 30.0),  # a fifth of the way from 100 to 50
    (50.0, 50.0), (100.0, 25.0), (400.0, 25.0),
    (40.0, 90.0),  # on the second way down: from 60 to 10, two fifths of the way from 80 to 105
    (9.0, None)])
def test_a_distance_is_reached_between_two_checkpoints_where_it_first_crosses(target, reached_at):
  points = [(25, 100.0), (50, 50.0), (80, 60.0), (105, 10.0)]
  assert arms.first_reached(points, target) == (reached_at if reached_at is None else pytest.approx(reached_at))


def test_scratch_is_compared_with_what_the_other_reached_at_the_moment():
  pair = _pair([300.0, 100.0, 20.0], [500.0, 400.0, 200.0, 50.0])
  assert pair.reached_at == pytest.approx(75 + 25 * 2 / 3)  # 100 lies two thirds of the way from 200 to 50
  assert pair.times_more == (pytest.approx(11 / 6), True)
  never = _pair([300.0, 100.0], [500.0, 400.0, 200.0, 150.0])
  assert never.reached_at is None and never.times_more == (2.0, False)


def test_training_takes_as_long_as_its_timed_minibatches_did():
  # 8 pictures each: minibatches 11 to 20 took 2 s, 21 to 25 took 3 s; the first ten, and those after a start at 25, are
  # taken to be as fast as all 20 that were timed in 11 s.
  arm = drawn.arm('a', _distances(1.0), speeds=[(10, None), (20, 40.0), (25, 40 / 3), (35, None), (40, 40 / 6)])
  assert arm.secs(25) == pytest.approx(25 / 15 * 5.0)
  assert arm.secs(40) == pytest.approx(40 / 20 * 11.0)
  assert arm.secs(10) is None


def test_a_checkpoint_is_the_last_one_up_to_a_minibatch():
  arm = drawn.arm('a', _distances(3.0, 2.0, 1.0))
  assert [arm.at(step).step for step in (10, 25, 74, 75, 1000)] == [25, 25, 50, 75, 75]
  assert arm.points('sliced_wasserstein') == [(25, 3.0), (50, 2.0), (75, 1.0)]


def test_claims_are_judged_at_the_moment_and_at_the_end_by_medians():
  pairs = [_pair([300.0, 1.5, 1.2], [60.0, 40.0, 30.0, 20.0], of_reals={'clean_rate': 0.5}) for _ in range(2)]
  findings = arms.judge(pairs)
  # Both have as many faces as the photos, so the person is not told by them.
  assert [finding.word for finding in findings] == ['does not agree', 'agrees', 'agrees', 'does not agree']
  assert '100 % of what the photos have from the model and 100 % from scratch' in findings[0].sentence
  assert 'the photos is 1.5 and 40.0' in findings[0].sentence and 'more than 2.0 times' in findings[1].sentence
  assert 'has 40.0 times' in findings[2].sentence and '20.0 and 1.2 times in the end' in findings[2].sentence
  assert arms.judge([_pair([2.0, 1.0], [2.0, 1.0])])[0].agrees is None


def test_a_pair_is_told_as_json():
  told = json.loads(json.dumps(_pair([300.0, 100.0], [500.0, 50.0]).as_json()))
  assert told['reached_at'] == pytest.approx(25 + 25 * 400 / 450) and told['is_reached'] is True
  assert told['ufm']['name'] == 'ufm-seed0' and told['scratch']['secs'] is None
  assert [(point['step'], point['measures']['sliced_wasserstein']) for point in told['scratch']['checkpoints']] == [
      (25, 500.0), (50, 50.0)]


@pytest.mark.slow
def test_both_runs_are_measured_at_each_checkpoint_at_the_same_points_of_z(tmp_path):
  prefix = str(tmp_path / 'person')
  conftest.make_set(prefix, 11)
  donor, = training.train([training.make_variant(prefix, training.Scale(40, 4, 8), 7, 4)], tmp_path / 'faces')
  variants = training.make_arms(prefix, training.Scale(2, long_minibatches=4), str(donor))
  measured = []
  for variant, run in zip(variants, training.train(variants, tmp_path / 'out')):
    measured.append(arms.measure(variant.name, run, history.statistics(run), 64))
    assert [one.step for one in measured[-1].evaluated] == [1, 2, 3, 4]
    for one in measured[-1].evaluated:  # what the run itself drew at that minibatch, perhaps in a lower precision
      grid = iio.imread(run / f'samples_{one.step:06d}.png').astype(int)
      np.testing.assert_allclose(grid[2:10, 2:10], one.samples[0], atol=3)
    np.testing.assert_array_equal(measured[-1].start, iio.imread(run / 'samples_000000.png'))
  ufm, scratch = measured
  assert [arm.name for arm in measured] == ['ufm-seed0', 'scratch-seed0']
  assert np.ptp(ufm.start) > np.ptp(scratch.start)  # a model's pictures, and nearly grey
  assert ufm.secs(4) > 0
