"""Tests of dcgan.training.health. What a rule asks for is read from the rule, so that it can be calibrated anew."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from dcgan.options import config
from dcgan.training import health

KINDS = list(health.RULES)


def showing(kind):
  """Returns the least bad values that a rule holds at."""
  return {name: most if math.isinf(least) or least <= 0.0 else least
          for name, (least, most) in health.RULES[kind].limits.items()}


def well(kind):
  """Returns the same signals, the first of them on the good side of its limit by a hair."""
  values = showing(kind)
  name, (_, most) = next(iter(health.RULES[kind].limits.items()))
  return values | {name: np.nextafter(values[name], math.inf if values[name] == most else -math.inf)}


def told(monitor, kind, steps, values=None):
  """Returns (step, verdict) of one kind at looks that all show it, or other values."""
  return [(step, verdict) for step in steps for verdict in monitor.judge(step, values or showing(kind))
          if verdict.kind == kind]


def looks(kind, first=50):
  """Returns the minibatches of as many looks as a rule asks for."""
  return range(first, first + 50 * health.RULES[kind].num_looks, 50)


def test_before_the_first_minibatch_no_loss_outweighs_the_other():
  assert health.LossRatio().average == 1.0


def test_early_on_the_ratio_is_the_plain_geometric_mean():
  ratio = health.LossRatio()
  assert ratio.update([1.0, 4.0], [1.0, 2.0]) == pytest.approx(math.sqrt(1 * 2))
  assert ratio.update([6.0], [1.0]) == pytest.approx((1 * 2 * 6)**(1 / 3))
  assert ratio.average == pytest.approx(12**(1 / 3))


def test_later_it_forgets_with_a_decay_of_0_99():
  ratio = health.LossRatio()
  ratio.update(np.ones(500), np.ones(500))
  assert ratio.update([11.0], [1.0]) == pytest.approx(11**0.01)


def test_a_discriminator_or_generator_without_loss_gives_a_finite_ratio():
  assert np.isfinite(health.LossRatio().update([5.0], [0.0]))
  assert 0.0 < health.LossRatio().update([0.0], [5.0]) < 1e-6


def test_one_minibatch_without_loss_does_not_hide_a_thousand_others():
  ratio = health.LossRatio()
  ratio.update(np.full(500, 2.0), np.ones(500))
  assert ratio.update([5.0], [0.0]) < 3.0


def test_pieces_give_what_the_whole_gives():
  losses = np.random.default_rng(0).uniform(0.1, 3, (2, 60))
  whole, pieces = health.LossRatio(), health.LossRatio()
  whole.update(*losses)
  for start in range(0, 60, 7):
    pieces.update(*losses[:, start:start + 7])
  assert pieces.average == pytest.approx(whole.average, rel=1e-5)


def test_of_every_collapse_but_divergence_a_rule_tells_and_each_rule_can_be_shown():
  assert set(health.COLLAPSES) - {'diverged'} <= set(KINDS)
  for kind in KINDS:
    assert health.RULES[kind].holds(showing(kind)) and not health.RULES[kind].holds(well(kind))


@pytest.mark.parametrize('kind', KINDS)
def test_a_rule_speaks_after_its_looks_in_a_row_once_and_says_since_when(kind):
  monitor, steps = health.Monitor(), looks(kind, first=1400)
  (step, verdict), = told(monitor, kind, [*steps, *range(steps[-1] + 50, steps[-1] + 1000, 50)])
  assert step == steps[-1] and verdict.since_step == 1400
  assert 'since minibatch 1,400' in verdict.sentence and verdict.sentence.endswith('.')
  assert '{' not in verdict.sentence and 'nan' not in verdict.sentence
  assert verdict.is_collapse == (kind in health.COLLAPSES)


@pytest.mark.parametrize('kind', KINDS)
def test_a_rule_stays_quiet_on_values_that_are_good_by_a_hair(kind):
  assert not told(health.Monitor(), kind, range(50, 5000, 50), well(kind))


def test_nothing_is_told_of_a_run_that_is_well():
  monitor = health.Monitor()
  values = {'health/diversity': 0.95, 'health/movement': 0.1, 'health/strangeness': 1.1, 'health/noise_texture': 1.2,
            'health/memorised': 0.1, health.LOSS_RATIO: 1.5, health.BEHIND_BEST: 1.0}
  assert not any(monitor.judge(step, values) for step in range(50, 5000, 50)) and monitor.suspected_since is None


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('is_number', [True, False])
def test_one_good_look_or_one_that_shows_no_number_starts_the_count_anew(kind, is_number):
  monitor, steps = health.Monitor(), looks(kind)
  between = well(kind) if is_number else dict.fromkeys(showing(kind), math.nan)
  assert not told(monitor, kind, steps[:-1])
  assert not told(monitor, kind, [10_000], between)
  (step, verdict), = told(monitor, kind, looks(kind, first=20_000))
  assert step == looks(kind, first=20_000)[-1] and verdict.since_step == 20_000


@pytest.mark.parametrize('kind', KINDS)
def test_a_look_at_something_else_changes_nothing(kind):
  monitor, steps = health.Monitor(), looks(kind)
  result = []
  for step in steps:
    monitor.judge(step + 1, {'something/else': 0.0})
    result += told(monitor, kind, [step])
  (step, verdict), = result
  assert step == steps[-1] and verdict.since_step == steps[0]


@pytest.mark.parametrize('kind', KINDS)
def test_a_trouble_that_went_away_is_told_again_when_it_comes_back(kind):
  monitor = health.Monitor()
  assert len(told(monitor, kind, looks(kind))) == 1
  told(monitor, kind, [9_000], well(kind))
  (_, verdict), = told(monitor, kind, looks(kind, first=10_000))
  assert verdict.since_step == 10_000


@pytest.mark.parametrize('kind', KINDS)
def test_only_what_may_be_a_collapse_is_suspected_from_its_first_look_to_the_first_good_one(kind):
  # The others' signals are left out, so that this is of one rule.
  monitor = health.Monitor()
  assert monitor.suspected_since is None
  for step in (150, 200):
    monitor.judge(step, showing(kind))
  assert monitor.suspected_since == (150 if kind in health.COLLAPSES else None)
  monitor.judge(250, well(kind))
  assert monitor.suspected_since is None


@pytest.mark.parametrize('every', [1, 10, 50, 200])
def test_a_total_collapse_is_told_within_three_looks_however_often_is_looked(every):
  monitor, steps = health.Monitor(), range(every, 1000, every)
  fell_at = next(step for step in steps if step >= 50)
  at = [step for step in steps for verdict in monitor.judge(step, {
      'health/diversity': 0.4 if step < fell_at else 0.0002}) if verdict.kind == 'symptom_b']
  assert at == [fell_at + 2 * every]


@pytest.mark.parametrize('every', [1, 5, 50])
@pytest.mark.parametrize('at_start, growth', [(0.0003, 1.1), (0.00113, 1.056), (0.0012, 1.04)])  # as measured
def test_a_start_from_grey_is_no_collapse_however_often_is_looked(every, at_start, growth):
  monitor = health.Monitor()
  for step in range(every, 1000, every):
    assert not monitor.judge(step, {'health/diversity': min(0.9, at_start * growth**step)})


def test_what_is_nearly_total_or_comes_back_between_is_not_total():
  monitor = health.Monitor()
  for step, diversity in ((100, 0.0001), (150, 0.0001), (200, 0.01), (250, 0.0001), (300, 0.0001), (350, 0.5)):
    assert not monitor.judge(step, {'health/diversity': diversity})


def test_the_looks_at_a_total_collapse_go_on_with_a_checkpoint(tmp_path):
  first, second = health.Monitor(), health.Monitor()
  for step in (100, 150):
    assert not first.judge(step, {'health/diversity': 0.0})
  tf.train.Checkpoint(monitor=first).write(str(tmp_path / 'a'))
  tf.train.Checkpoint(monitor=second).read(str(tmp_path / 'a')).assert_consumed()
  verdict, = second.judge(200, {'health/diversity': 0.0})
  assert (verdict.kind, verdict.since_step, verdict.is_collapse) == ('symptom_b', 100, True)


def test_of_several_suspicions_the_oldest_counts():
  monitor = health.Monitor()
  monitor.judge(50, showing('symptom_b'))
  monitor.judge(100, showing('symptom_a') | showing('symptom_b'))
  assert monitor.suspected_since == 50
  monitor.judge(150, showing('symptom_a') | well('symptom_b'))
  assert monitor.suspected_since == 100


def test_collapses_are_told_first(monkeypatch):
  monkeypatch.setattr(health, 'RULES', {
      kind: health.Rule({'a': (1.0, 2.0)}, 1, f'{kind} since {{since}}.')
      for kind in ('noise', 'symptom_b', 'memorised')})
  assert [verdict.kind for verdict in health.Monitor().judge(7, {'a': 1.5})] == ['symptom_b', 'noise', 'memorised']


def test_limits_count_as_within():
  rule = health.Rule({'a': (1.0, 2.0), 'b': (0.0, math.inf)}, 1, '')
  assert rule.holds({'a': 1.0, 'b': 0.0, 'c': math.nan}) and rule.holds({'a': 2.0, 'b': 1e9})
  assert not rule.holds({'a': 2.001, 'b': 1.0}) and not rule.holds({'a': 1.5, 'b': math.nan})
  assert rule.holds({'a': 1.5}) is None


def test_what_it_counts_goes_on_with_a_checkpoint(tmp_path):
  kind = 'symptom_b'
  undisturbed, steps = health.Monitor(), looks(kind)
  assert not told(undisturbed, kind, steps[:-1])
  tf.train.Checkpoint(monitor=undisturbed).write(str(tmp_path / 'a'))
  resumed = health.Monitor()
  tf.train.Checkpoint(monitor=resumed).read(str(tmp_path / 'a')).assert_consumed()
  assert resumed.suspected_since == steps[0]
  assert told(resumed, kind, steps[-1:]) == told(undisturbed, kind, steps[-1:]) != []
  assert not told(resumed, kind, [steps[-1] + 50])


VERDICT = health.Verdict('symptom_b', 1400, 'Symptom B since minibatch 1,400.')


def test_verdicts_are_lines_of_json_that_can_be_read_back(tmp_path):
  assert health.load_verdicts(tmp_path) == [] and health.num_rollbacks(tmp_path) == 0
  health.write_verdict(tmp_path, 1750, VERDICT, 'rollback', to_step=1250, changes='stronger augmentation')
  health.write_verdict(tmp_path, 1800, health.Verdict('noise', 1500, 'Noise — much.'), 'warn')
  first, second = health.load_verdicts(tmp_path)
  assert first == {'global_step': 1750, 'kind': 'symptom_b', 'since_step': 1400, 'sentence': VERDICT.sentence,
                   'action': 'rollback', 'to_step': 1250, 'changes': 'stronger augmentation'}
  assert second == {'global_step': 1800, 'kind': 'noise', 'since_step': 1500, 'sentence': 'Noise — much.',
                    'action': 'warn'}
  assert health.num_rollbacks(tmp_path) == 1
  text = (tmp_path / health.VERDICTS).read_text(encoding='utf-8')
  assert [json.loads(line)['kind'] for line in text.splitlines()] == ['symptom_b', 'noise']


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path):
  health.write_verdict(tmp_path, 10, VERDICT, 'warn')
  with open(tmp_path / health.VERDICTS, 'a', encoding='utf-8') as file:
    file.write('{"global_step": 20, "ki')
  assert [line['global_step'] for line in health.load_verdicts(tmp_path)] == [10]


def test_what_was_told_after_the_checkpoint_is_dropped_but_rollbacks_have_happened(tmp_path):
  for step, action in ((10, 'warn'), (20, 'rollback'), (20, 'warn'), (30, 'warn'), (40, 'rollback'), (50, 'stop')):
    health.write_verdict(tmp_path, step, VERDICT, action)
  health.drop_verdicts_after(tmp_path, 20)
  lines = health.load_verdicts(tmp_path)
  assert [(line['global_step'], line['action']) for line in lines] == [
      (10, 'warn'), (20, 'rollback'), (20, 'warn'), (40, 'rollback')]
  assert health.num_rollbacks(tmp_path) == 2
  health.drop_verdicts_after(tmp_path / 'nowhere', 20)
  assert not (tmp_path / 'nowhere').exists()


def test_what_can_be_done_about_a_collapse_is_what_the_options_know():
  assert set(config.ON_COLLAPSE) == {'warn', 'stop', 'rollback'}
  assert not VERDICT.is_collapse or health.Decision('rollback', VERDICT, 1250).verdict.is_collapse
