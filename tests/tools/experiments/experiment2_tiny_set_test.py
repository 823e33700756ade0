"""Tests of experiment 2: what it trains, and its claims on numbers worked by hand."""

from tests.tools.experiments import drawn
from tools.experiments import experiment2_tiny_set


def test_each_size_of_minibatches_is_trained_shuffled_and_overlapping():
  names = lambda **more: [variant.name for variant in drawn.make(experiment2_tiny_set.TinySet, **more).variants(None)]
  assert names() == [
      'batch1-shuffled-seed0', 'batch1-overlapping-seed0', 'batch9-shuffled-seed0', 'batch9-overlapping-seed0',
      'batch64-shuffled-seed0', 'batch64-overlapping-seed0']
  assert len(set(names(seeds=(0, 1)))) == 12 and len(names(batch_sizes=(4,))) == 2


def test_the_two_ways_are_compared_only_where_they_differ():
  b = [drawn.verdict('symptom_b', 3)]
  mangled = dict(values={'found_rate': 0.1}, of_reals=drawn.ALL_FOUND, ratios=[9.0] * 4)
  # At 1 and 64 of 64 pictures all collapse, whatever the way; at 9 the shuffled ones alone do.
  outcomes = [drawn.outcome(seed, size, minibatches, verdicts=b if size != 9 or minibatches == 'shuffled' else (),
                            **mangled)
              for seed in (0, 1, 2) for size in (1, 9, 64) for minibatches in ('shuffled', 'overlapping')]
  findings = drawn.make(experiment2_tiny_set.TinySet).judge(outcomes, None)
  assert [finding.word for finding in findings] == ['agrees'] * 4
  assert findings[0].sentence == '15 of 18 runs collapsed.'
  assert findings[2].sentence.startswith('0 of 3 overlapping runs and 3 of 3 shuffled runs collapsed')
  assert 'in 90 % of the samples (median over 9 runs' in findings[3].sentence
  findings = drawn.make(experiment2_tiny_set.TinySet).judge(outcomes[:2], None)
  assert [finding.word for finding in findings] == ['agrees', 'agrees', 'cannot be told', 'agrees']


def test_collapse_is_usual_where_more_than_half_of_the_watched_runs_collapse():
  finding = experiment2_tiny_set.collapse_is_usual([True, True, False, None])
  assert finding.agrees is True and finding.sentence == '2 of 3 runs collapsed.'
  assert experiment2_tiny_set.collapse_is_usual([True, False]).agrees is False
  assert experiment2_tiny_set.collapse_is_usual([None]).agrees is None


def test_the_discriminator_wins_where_most_collapsed_runs_end_with_a_high_ratio():
  finding = experiment2_tiny_set.discriminator_wins([9.0, 30.0, 0.5])
  assert finding.agrees is True and '2 of 3 collapsed runs (median 9.00' in finding.sentence
  assert experiment2_tiny_set.discriminator_wins([0.5, 0.7, 8.0]).agrees is False
  assert experiment2_tiny_set.discriminator_wins([]).agrees is None


def test_overlapping_minibatches_are_told_from_chance():
  # Of 6 runs just those 3: one of the 20 ways to choose 3 of 6.
  finding = experiment2_tiny_set.overlapping_collapses_less([True] * 3, [False] * 3)
  assert finding.agrees is True and '0 of 3 overlapping runs and 3 of 3 shuffled runs' in finding.sentence
  assert 'chance alone does as much in 5 % of cases' in finding.sentence
  assert experiment2_tiny_set.overlapping_collapses_less([False] * 3, [True] * 3).agrees is False
  # One of one against none of one is one of two ways.
  alone = experiment2_tiny_set.overlapping_collapses_less([True], [False])
  assert alone.agrees is None and '50 % of cases' in alone.sentence
  assert experiment2_tiny_set.overlapping_collapses_less([True], [True]).agrees is None
  assert experiment2_tiny_set.overlapping_collapses_less([], [True]).agrees is None


def test_faces_stay_mangled_where_the_median_run_has_fewer_than_half_as_many_faces_as_the_photos():
  finding = experiment2_tiny_set.faces_stay_mangled([0.2, 0.3, 0.9, None])
  assert finding.agrees is True and 'in 70 % of the samples (median over 3 runs' in finding.sentence
  assert experiment2_tiny_set.faces_stay_mangled([0.9, 0.8, 0.1]).agrees is False
  assert experiment2_tiny_set.faces_stay_mangled([None]).agrees is None
