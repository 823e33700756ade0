"""Tests of dcgan.training.session where a run collapses: it goes back, stops, or only tells."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.options import config
from dcgan.options import recipes
from dcgan.training import actions
from dcgan.training import assembly
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import signals
from dcgan.training import trained_networks
from tests.dcgan.training import run_contents


def collapsing(monkeypatch, is_bad):
  """Lets runs look as if all their pictures were one where `is_bad(learner)`, at two looks in a row a collapse."""
  look = signals.Signals.look

  def changed(self):
    # pylint: disable-next=protected-access
    return look(self) | {'health/diversity': 0.0 if is_bad(self._learner) else 1.0}

  monkeypatch.setattr(signals.Signals, 'look', changed)
  monkeypatch.setattr(health, 'RULES', {'symptom_b': health.Rule(
      {'health/diversity': (0.0, 0.5)}, 2, 'Symptom B since minibatch {since}: {diversity:.0f}.')})


def until_it_augments(trained):
  return trained.step >= 5 and not trained.options.augmentation.augment


@pytest.fixture(name='watched_config', scope='module')
def fixture_watched_config(tiny_config):
  """8 minibatches, looked at, logged and drawn one by one; checkpoints 2, 4, 6 and 8; a collapse rolls back."""
  return tiny_config.replace('training', num_minibatches=8).replace('health', on_collapse='rollback').replace(
      'periods', log_every_steps=1, samples_every_steps=1, health_every_steps=1, best_by='none')


@pytest.fixture(name='rolled_back', scope='module')
def fixture_rolled_back(watched_config, tmp_path_factory):
  """Path of an undisturbed run that collapsed at 5 and 6, went back to 4 and trained on to 8. Shared: only look."""
  with pytest.MonkeyPatch.context() as monkeypatch:
    collapsing(monkeypatch, until_it_augments)
    result = session.start(watched_config, tmp_path_factory.mktemp('rolled_back'))
  assert (result.global_step, result.signal) == (8, None)
  return result.run


def test_a_run_that_collapses_goes_back_and_trains_on_with_another_recipe(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, until_it_augments)
  run = shutil.copytree(rolled_back, tmp_path / 'run')
  # Seen at 5 and 6, so back to 4; what came after it is gone, but for the picture of the collapse and the verdict.
  assert health.load_verdicts(run) == [{
      'global_step': 6, 'kind': 'symptom_b', 'since_step': 5, 'sentence': 'Symptom B since minibatch 5: 0.',
      'action': 'rollback', 'to_step': 4, 'changes': 'stronger augmentation'}]
  assert run_contents.names(run, 'collapse_*') == ['collapse_000006.png']
  assert run_contents.names(run, 'ckpt-*.index') == ['ckpt-6.index', 'ckpt-8.index']
  assert run_contents.names(run, 'samples_*') == [f'samples_{step:06d}.png' for step in range(9)]
  assert [line['global_step'] for line in run_contents.stats(run) if 'loss/generator' in line] == list(range(1, 9))
  assert [line['health/diversity'] for line in run_contents.stats(run) if 'health/diversity' in line] == [1.0] * 8
  # Only the recipe is another, and a run that goes on does so with it.
  assert config.differences(runs.load_options(run), watched_config.replace(
      'data', records_digest=runs.load_options(run).data.records_digest)) == [
          ('augment', recipes.STRONG_POLICIES, ())]
  log = (run / 'log.txt').read_text(encoding='utf-8')
  assert 'Symptom B since minibatch 5: 0. Rolling back to minibatch 4 with stronger augmentation.' in log
  session.resume(run, runs.load_options(run).replace('training', num_minibatches=9))
  assert run_contents.stats(run)[-1]['global_step'] == 9 and len(health.load_verdicts(run)) == 1


@pytest.mark.slow
def test_a_run_that_went_back_and_is_resumed_equals_one_that_was_not_disturbed(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, until_it_augments)
  half = session.start(watched_config.replace('training', num_minibatches=6), tmp_path).run
  assert health.num_rollbacks(half) == 1 and checkpoints.latest(half).endswith('ckpt-6')
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=8))
  run_contents.assert_same(half, rolled_back)
  for name in run_contents.names(rolled_back, 'samples_*'):
    assert (half / name).read_bytes() == (rolled_back / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize('place, name', [
    (runs, 'save_options'), (health, 'write_verdict'), (checkpoints.Checkpoints, 'go_back'), (actions, 'drop_after')])
def test_a_run_that_is_killed_while_it_goes_back_does_so_when_it_is_resumed(
    watched_config, rolled_back, tmp_path, monkeypatch, place, name):
  collapsing(monkeypatch, until_it_augments)
  calls, whole_call = [], getattr(place, name)

  def kill(*arguments, **named):
    calls.append(arguments)
    if len(calls) == (2 if name == 'save_options' else 1):  # the first options are those of the start
      raise KeyboardInterrupt
    return whole_call(*arguments, **named)

  with monkeypatch.context() as patch:
    patch.setattr(place, name, kill)
    with pytest.raises(KeyboardInterrupt):
      session.start(watched_config, tmp_path)
  run = tmp_path / '00000-drawn8'
  session.resume(run, runs.load_options(run))
  run_contents.assert_same(run, rolled_back)
  assert runs.load_options(run) == runs.load_options(rolled_back)
  for pattern in ('*.png', 'ckpt-*'):
    assert run_contents.names(run, pattern) == run_contents.names(rolled_back, pattern)


@pytest.mark.slow
def test_a_run_goes_back_to_what_it_was_and_another_recipe_shows_only_behind_it(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  plain = session.start(watched_config, tmp_path).run
  for step in range(5):
    name = f'samples_{step:06d}.png'
    assert (rolled_back / name).read_bytes() == (plain / name).read_bytes()
  losses = [[line['loss/discriminator'] for line in run_contents.stats(run) if 'loss/discriminator' in line]
            for run in (plain, rolled_back)]
  assert losses[0][:4] == losses[1][:4] and all(left != right for left, right in zip(losses[0][4:], losses[1][4:]))


@pytest.mark.slow
@pytest.mark.parametrize('max_rollbacks, changes, policies', [
    (0, [], ()), (1, ['stronger augmentation'], recipes.STRONG_POLICIES),
    (2, ['stronger augmentation', 'an R1 penalty of 1'], recipes.STRONG_POLICIES)])
def test_after_the_last_rollback_a_collapse_stops_the_run_at_its_last_good_checkpoint(
    watched_config, tmp_path, monkeypatch, max_rollbacks, changes, policies):
  collapsing(monkeypatch, lambda trained: trained.step >= 5)
  result = session.start(watched_config.replace('health', max_rollbacks=max_rollbacks), tmp_path)
  assert (result.global_step, result.signal) == (4, None)
  told = health.load_verdicts(result.run)
  assert [line['action'] for line in told] == ['rollback'] * max_rollbacks + ['stop']
  assert [line['changes'] for line in told] == [*changes, None] and {line['to_step'] for line in told} == {4}
  assert trained_networks.load_generator(result.run)[2] == 4
  assert runs.load_options(result.run).augmentation.augment == policies
  assert (result.run / 'gallery.npz').is_file()
  log = (result.run / 'log.txt').read_text(encoding='utf-8')
  assert f'After {max_rollbacks} rollback{"s" * (max_rollbacks != 1)} it came again. Going back to minibatch 4' in log


@pytest.mark.slow
def test_where_a_collapse_stops_a_run_its_recipe_stays_and_it_can_go_on(watched_config, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: trained.step >= 5)
  options = watched_config.replace('health', on_collapse='stop')
  result = session.start(options, tmp_path)
  assert result.global_step == 4 and runs.load_options(result.run).augmentation == options.augmentation
  line, = health.load_verdicts(result.run)
  assert (line['action'], line['to_step'], line['changes']) == ('stop', 4, None)
  assert run_contents.names(result.run, 'collapse_*') == ['collapse_000006.png']
  assert not run_contents.names(result.run, 'ckpt-0.*')
  # Told to go on whatever happens, it does, and is only warned.
  resumed = session.resume(result.run, runs.load_options(result.run).replace('health', on_collapse='warn'))
  assert resumed.global_step == 8
  assert [line['action'] for line in health.load_verdicts(result.run)] == ['warn']


@pytest.mark.slow
def test_where_a_collapse_only_warns_nothing_else_happens(watched_config, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  plain = session.start(watched_config.replace('health', on_collapse='warn'), tmp_path).run
  monkeypatch.undo()
  collapsing(monkeypatch, lambda trained: trained.step >= 5)
  warned = session.start(watched_config.replace('health', on_collapse='warn'), tmp_path).run
  assert [line['action'] for line in health.load_verdicts(warned)] == ['warn']
  left, right = run_contents.variables(plain), run_contents.variables(warned)
  for key in left.keys() - {key for key in left if key.startswith('monitor/')}:
    np.testing.assert_array_equal(right[key], left[key], err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize('on_collapse, end', [('rollback', 8), ('stop', 0)])
def test_a_collapse_before_the_first_checkpoint_leads_back_to_the_start(
    watched_config, tmp_path, monkeypatch, on_collapse, end):
  collapsing(monkeypatch, lambda trained: not trained.options.augmentation.augment)
  result = session.start(watched_config.replace('health', on_collapse=on_collapse), tmp_path)
  line, = health.load_verdicts(result.run)
  assert (line['since_step'], line['to_step'], line['action'], result.global_step) == (1, 0, on_collapse, end)
  assert run_contents.names(result.run, 'collapse_*') == ['collapse_000002.png']


@pytest.mark.slow
def test_a_run_whose_collapse_was_only_told_stops_when_it_is_resumed_to_be_stopped(
    watched_config, tmp_path, monkeypatch, caplog):
  collapsing(monkeypatch, lambda trained: True)
  run = session.start(watched_config.replace('health', on_collapse='warn'), tmp_path).run
  assert [line['action'] for line in health.load_verdicts(run)] == ['warn']
  options = runs.load_options(run).replace('training', num_minibatches=12).replace('health', on_collapse='stop')
  for step in (9, 10):  # no good checkpoint is left: it stays where it is, saved, and stops again when it goes on
    assert session.resume(run, options).global_step == step
    line = health.load_verdicts(run)[-1]
    assert (line['action'], line['global_step'], line['since_step']) == ('stop', step, 1) and 'to_step' not in line
    assert checkpoints.latest(run).endswith(f'ckpt-{step}')
  assert 'no checkpoint from before it is there to go back to' in caplog.text


@pytest.mark.slow
def test_events_after_the_checkpoint_are_dropped_on_resume(watched_config, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  run = session.start(watched_config, tmp_path).run
  checkpoints._delete(run / 'ckpt-8')  # pylint: disable=protected-access
  session.resume(run, runs.load_options(run))
  told = [(event.step, value.tag) for path in run.glob('events.*')
          for event in tf.compat.v1.train.summary_iterator(str(path)) for value in event.summary.value]
  assert len(told) == len(set(told)) and {step for step, _ in told} == set(range(9))


def poisoned(monkeypatch, rate):
  """Lets every run with a learning rate over `rate` have weights that are no number from minibatch 5 on."""
  save = actions.Save.__call__
  learners = []

  def make(*arguments):
    learners.append(make_learner(*arguments))
    return learners[-1]

  def poison(action, step, is_last):
    save(action, step, is_last)
    if step == 4 and learners[-1].options.training.learning_rate > rate:
      learners[-1].generator.trainable_variables[0].assign_add(
          tf.fill(learners[-1].generator.trainable_variables[0].shape, np.nan))

  make_learner = assembly.adversarial.AdversarialLearner
  monkeypatch.setattr(assembly.adversarial, 'AdversarialLearner', make)
  monkeypatch.setattr(actions.Save, '__call__', poison)


@pytest.mark.slow
def test_a_run_whose_weights_turn_nan_stops_with_the_checkpoint_before(
    tiny_config, tmp_path, longer_run, monkeypatch):
  poisoned(monkeypatch, rate=0.0)
  options = tiny_config.replace('training', num_minibatches=6)
  with pytest.raises(errors.InputError, match=r'`loss/generator` \(nan\) is no longer a number at minibatch 5, seen in '
                                              r'minibatches 5 to 6'):
    session.start(options, tmp_path)
  monkeypatch.undo()
  run = tmp_path / '00000-drawn8'
  assert checkpoints.latest(run).endswith('ckpt-4') and not (run / 'samples_000006.png').exists()
  assert run_contents.stats(run)[-1]['global_step'] == 4
  assert 'error: `loss/generator` (nan)' in (run / 'log.txt').read_text(encoding='utf-8')
  session.resume(run, runs.load_options(run))
  run_contents.assert_same(run, longer_run)


@pytest.mark.slow
def test_numbers_that_run_away_go_back_with_half_the_learning_rate(watched_config, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  poisoned(monkeypatch, rate=0.006)
  result = session.start(watched_config, tmp_path)
  assert result.global_step == 8
  line, = health.load_verdicts(result.run)
  assert (line['kind'], line['action'], line['to_step']) == ('diverged', 'rollback', 4)
  assert line['changes'] == 'half the learning rate, 0.005'
  assert line['sentence'].startswith('`loss/generator` (nan) is no longer a number at minibatch 5')
  assert runs.load_options(result.run).training.learning_rate == 0.005
  rates = [value for key, value in run_contents.variables(result.run).items() if 'optimizer/learning_rate' in key]
  assert rates == pytest.approx([0.005, 0.005])


@pytest.mark.slow
def test_numbers_that_run_away_stop_a_run_that_is_to_be_stopped_at_its_last_checkpoint(
    watched_config, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  poisoned(monkeypatch, rate=0.0)
  result = session.start(watched_config.replace('health', on_collapse='stop'), tmp_path)
  assert result.global_step == 4 and result.signal is None
  line, = health.load_verdicts(result.run)
  assert (line['kind'], line['action'], line['to_step']) == ('diverged', 'stop', 4)
  assert np.isfinite(run_contents.variables(result.run)['generator/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE']).all()


@pytest.mark.slow
def test_two_replicas_go_back_too(watched_config, tmp_path, monkeypatch, two_replicas):
  collapsing(monkeypatch, until_it_augments)
  result = session.start(watched_config.replace('data', holdout_fraction=0.3), tmp_path, strategy=two_replicas)
  line, = health.load_verdicts(result.run)
  assert (line['action'], line['to_step'], result.global_step) == ('rollback', 4, 8)
  assert runs.load_options(result.run).augmentation.augment == recipes.STRONG_POLICIES
  assert run_contents.names(result.run, 'ckpt-*.index') == ['ckpt-6.index', 'ckpt-8.index']
