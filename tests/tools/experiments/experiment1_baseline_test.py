"""Tests of experiment 1: what it trains, and its claims on numbers worked by hand."""

import pytest

from tests.tools.experiments import drawn
from tools.experiments import experiment1_baseline


def test_the_baseline_trains_for_a_fifth_of_the_reports_epoch():
  assert experiment1_baseline.Baseline.num_minibatches == 342  # 109,631 / 5 / 64 = 342.6


def test_many_faces_are_trained_on_once_with_each_seed():
  variants = drawn.make(experiment1_baseline.Baseline, seeds=(0, 7)).variants(None)
  assert [variant.name for variant in variants] == ['batch64-shuffled-seed0', 'batch64-shuffled-seed7']


def test_it_agrees_with_faces_steady_losses_and_no_collapse():
  good = dict(values={'clean_rate': 0.7}, of_reals=drawn.ALL_FOUND, ratios=[1.0, 1.5, 2.0, 2.5])
  judge = drawn.make(experiment1_baseline.Baseline).judge
  words = lambda outcomes: [finding.word for finding in judge(outcomes, None)]
  assert words([drawn.outcome(**good)]) == ['agrees', 'agrees', 'agrees']
  bad = dict(values={'clean_rate': 0.1}, of_reals=drawn.ALL_FOUND, ratios=[1.0, 1.0, 1.0, 60.0],
             verdicts=[drawn.verdict('symptom_b', 3)])
  assert words([drawn.outcome(**bad)]) == ['does not agree'] * 3


def test_of_several_seeds_the_one_whose_losses_went_farthest_counts():
  steady, wild = (drawn.outcome(seed, ratios=ratios) for seed, ratios in ((0, [1.0] * 4), (1, [1.0, 1.0, 1.0, 60.0])))
  findings = drawn.make(experiment1_baseline.Baseline).judge([steady, wild], None)
  assert findings[1].agrees is False and '60.00 at its largest' in findings[1].sentence


@pytest.mark.parametrize('rate, of_reals, agrees', [
    (0.6, 0.98, True), (0.4, 0.98, False), (0.3, 0.5, True), (None, 0.98, None), (0.6, 0.0, None), (0.6, None, None)])
def test_faces_appear_where_most_samples_are_faces_as_the_photos_are(rate, of_reals, agrees):
  finding = experiment1_baseline.faces_appear(rate, of_reals, 342)
  assert finding.agrees is agrees
  if agrees is not None:
    assert f'{100 * rate:.0f} % of the samples' in finding.sentence and '342 minibatches' in finding.sentence


def test_losses_are_stable_up_to_five_times_their_median_after_the_start():
  steady = [90.0] + [1.0, 2.0, 3.0] * 3  # the first tenth does not count
  assert experiment1_baseline.losses_stay_stable(steady).agrees is True
  exploded = [2.0] * 9 + [11.0]
  finding = experiment1_baseline.losses_stay_stable(exploded)
  assert finding.agrees is False and '2.00 in the median and 11.00 at its largest' in finding.sentence
  assert experiment1_baseline.losses_stay_stable([1.0, 1.0]).agrees is None


def test_no_collapse_repeats_what_was_said_of_one():
  assert experiment1_baseline.no_collapse([(False, ''), (False, '')]).agrees is True
  finding = experiment1_baseline.no_collapse([(False, ''), (True, 'Symptom B since step 40.')])
  assert finding.agrees is False and finding.sentence == 'Symptom B since step 40.'
  assert experiment1_baseline.no_collapse([(None, '')]).agrees is None
