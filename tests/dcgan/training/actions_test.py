"""Tests of dcgan.training.actions."""

import errno
import json
import types

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.metrics import sliced_wasserstein
from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import actions
from dcgan.training import checkpoints
from dcgan.training import health


VERDICT = health.Verdict('symptom_b', 3, 'Symptom B since minibatch 3.')
RULES = {  # a collapse, and a trouble that is none
    'symptom_b': health.Rule(
        {'health/diversity': (0.0, 0.3)}, 3, 'Symptom B since minibatch {since}: {diversity:.1f}.'),
    'overpowered': health.Rule(
        {health.LOSS_RATIO: (5.0, np.inf)}, 3, 'D overpowers G since {since}: {loss_ratio:.0f}.'),
    'degraded': health.Rule({health.BEHIND_BEST: (2.0, np.inf)}, 2, 'Degraded since {since}: {behind_best:.1f}.')}


class Display:
  """Stands where a progress line would."""

  def __init__(self):
    self.notes = []

  def update(self, amount, note):
    self.notes.append((amount, note))


@pytest.fixture(name='writer')
def fixture_writer(tmp_path):
  return tf.summary.create_file_writer(str(tmp_path / 'events'))


@pytest.fixture(name='stats')
def fixture_stats(tmp_path, writer):
  return actions.Stats(tmp_path, writer)


@pytest.fixture(name='fake_learner')
def fixture_fake_learner(tiny_config):
  """What actions need of a learner: options and an averaged generator."""
  return types.SimpleNamespace(
      options=tiny_config, generator_ema=networks.build_generator(tiny_config.networks, 'float32'),
      space=latents.Normal(tiny_config.networks.z_dims))


@pytest.fixture(name='look_after')
def fixture_look_after(tmp_path, stats, tiny_config, monkeypatch):
  """Returns a function that looks at a run each second minibatch; it gives the decisions by minibatch."""
  monkeypatch.setattr(health, 'RULES', RULES)

  def look_after(diversities, on_collapse='rollback', to_step=lambda since: since - 1, loss_ratio=1.0,
                 agree=np.asarray):
    ratio, values = health.LossRatio(), iter(diversities)
    ratio.update([loss_ratio], [1.0])
    options = tiny_config.replace('health', on_collapse=on_collapse).replace('periods', health_every_steps=2)
    action = actions.Health(tmp_path, lambda: {'health/diversity': next(values), 'health/movement': np.nan},
                            health.Monitor(), ratio, stats, options, to_step, agree)
    assert action.every_steps == 2
    decisions = {step: action(step) for step in range(2, 2 * len(diversities) + 1)}
    assert all(decisions[step] is None for step in decisions if step % 2) and next(values, None) is None
    return {step: decisions[step] for step in range(2, len(decisions) + 2, 2)}

  return look_after


def lines(folder):
  return [json.loads(line) for line in (folder / 'stats.jsonl').read_text(encoding='utf-8').splitlines()]


def history(num_steps, **changes):
  """Returns metrics of as many minibatches, all 1 but for those that are changed."""
  names = ('loss/generator', 'loss/discriminator', 'gradients/generator', 'penalty/r1', 'time/input_secs')
  return {name: np.float32(changes.get(name.replace('/', '_'), np.ones(num_steps))) for name in names}


def test_statistics_are_lines_of_json_and_events(tmp_path, stats, writer):
  stats.write(3, {'loss/generator': 0.5})
  stats.write(5, {'loss/generator': 0.25, 'b': 2.0})
  assert lines(tmp_path) == [{'global_step': 3, 'loss/generator': 0.5},
                             {'global_step': 5, 'loss/generator': 0.25, 'b': 2.0}]
  writer.close()
  path, = (tmp_path / 'events').iterdir()
  told = [(event.step, value.tag, float(tf.make_ndarray(value.tensor)))
          for event in tf.compat.v1.train.summary_iterator(str(path)) for value in event.summary.value]
  assert told == [(3, 'loss/generator', 0.5), (5, 'loss/generator', 0.25), (5, 'b', 2.0)]


def test_a_log_line_holds_means_the_latest_r1_the_ratio_and_the_speed(tmp_path, stats, tiny_config, monkeypatch):
  now = [100.0]
  monkeypatch.setattr(actions.time, 'monotonic', lambda: now[0])
  display = Display()
  log = actions.Log(stats, health.LossRatio(), display, tiny_config.replace('regularization', r1_gamma=1.0))
  log(2, history(2, loss_generator=[1, 3], penalty_r1=[7, 7]))
  now[0] += 4.0
  log(5, history(3, loss_generator=[2, 2, 5], penalty_r1=[7, 7, 9], time_input_secs=[0.5, 0.25, 0.25]))
  first, second = lines(tmp_path)
  assert first == {'global_step': 2, 'loss/generator': 2.0, 'loss/discriminator': 1.0, 'gradients/generator': 1.0,
                   'penalty/r1': 7.0, 'health/loss_ratio': pytest.approx(3**(1 / 2))}
  assert second == {'global_step': 5, 'loss/generator': 3.0, 'loss/discriminator': 1.0, 'gradients/generator': 1.0,
                    'penalty/r1': 9.0, 'health/loss_ratio': pytest.approx((1 * 3 * 2 * 2 * 5)**(1 / 5)),
                    'time/images_per_sec': 3 * 4 / 4.0, 'time/input_fraction': 0.25}
  assert display.notes == [(2, 'gLoss 2.00 dLoss 1.00 ratio 1.73'),
                           (3, 'gLoss 3.00 dLoss 1.00 ratio 2.27 · 3 images/s')]


def test_without_r1_the_log_does_not_speak_of_it(tmp_path, stats, tiny_config):
  actions.Log(stats, health.LossRatio(), Display(), tiny_config)(1, history(1))
  assert 'penalty/r1' not in lines(tmp_path)[0]


@pytest.mark.parametrize('name', ['loss_generator', 'loss_discriminator', 'gradients_generator'])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_metric_that_is_no_number_is_named_with_its_minibatches(tmp_path, stats, tiny_config, name, value):
  ratio = health.LossRatio()
  log = actions.Log(stats, ratio, Display(), tiny_config)
  tag = name.replace('_', '/')
  with pytest.raises(health.Diverged, match=rf'`{tag}` \({value}\) is no longer a number at minibatch 7, seen in '
                                            r'minibatches 5 to 8: training has diverged\..*--learning_rate.*--on_col'):
    log(8, history(4, **{name: [1, 1, value, value]}))
  assert ratio.average == 1.0 and not (tmp_path / 'stats.jsonl').exists()


def test_of_several_metrics_the_first_that_is_no_number_is_named(stats, tiny_config):
  with pytest.raises(errors.InputError, match=r'`gradients/generator` \(inf\) is no longer a number at minibatch 2, '):
    actions.Log(stats, health.LossRatio(), Display(), tiny_config)(4, history(
        4, loss_generator=[1, 1, 1, np.nan], gradients_generator=[1, np.inf, np.nan, 1], penalty_r1=[1, 1, 1, np.nan]))


def test_gradients_that_overflow_in_float16_are_no_reason_to_stop_but_losses_are(tmp_path, stats, tiny_config):
  log = actions.Log(stats, health.LossRatio(), Display(), tiny_config.replace('training', precision='float16'))
  log(2, history(2, gradients_generator=[np.inf, 1.0]))
  assert lines(tmp_path)[0]['global_step'] == 2
  with pytest.raises(errors.InputError, match=r'`loss/generator` \(nan\)'):
    log(4, history(2, loss_generator=[1.0, np.nan]))


def samples_of(folder):
  return sorted(int(path.stem.removeprefix('samples_')) for path in folder.glob('samples_*.png'))


def test_samples_of_a_long_run_are_few_and_evenly_spread_and_the_last_is_kept(
    tmp_path, fake_learner, stats, monkeypatch):
  monkeypatch.setattr(actions, '_MOST_SAMPLES', 4)
  fake_learner.options = fake_learner.options.replace('periods', samples_every_steps=3)
  samples = actions.Samples(tmp_path, fake_learner, stats)
  kept = {}
  for step in range(0, 100, 3):
    samples(step)
    kept[step] = samples_of(tmp_path)
  assert kept[12] == kept[15] == [0, 3, 6, 9, 12] and kept[18] == [0, 6, 12, 18] and kept[24] == [0, 6, 12, 18, 24]
  assert kept[36] == [0, 12, 24, 36] and kept[99] == [0, 24, 48, 72, 96]
  assert {len(kept[step]) for step in kept if step >= 12} == {4, 5}
  samples(100, is_last=True)
  assert samples_of(tmp_path) == [0, 48, 96, 100]
  # A run that goes on drops that one again, when the next one is due.
  for step in range(102, 146, 3):
    samples(step)
  assert samples_of(tmp_path) == [0, 48, 96, 144]


def test_a_short_run_keeps_every_grid(tmp_path, fake_learner, stats):
  samples = actions.Samples(tmp_path, fake_learner, stats)
  for step in (0, 3, 6):
    samples(step)
  assert samples_of(tmp_path) == [0, 3, 6]
  grid = iio.imread(tmp_path / 'samples_000003.png')
  z = latents.sample_z(64, 4, fake_learner.options.training.seed)
  np.testing.assert_array_equal(grid[2:10, 2:10], networks.generate(fake_learner.generator_ema, z)[0])


def test_other_pictures_of_a_run_are_left_alone(tmp_path, fake_learner, stats):
  for name in ('samples_mine.png', 'reals.png', 'samples_000001.txt'):
    (tmp_path / name).write_bytes(b'mine')
  actions.Samples(tmp_path, fake_learner, stats)(3)
  assert {path.name for path in tmp_path.iterdir()} >= {'samples_mine.png', 'reals.png', 'samples_000001.txt'}


def test_large_grids_are_made_smaller_for_tensorboard_only(
    tmp_path, fake_learner, stats, writer, monkeypatch):
  monkeypatch.setattr(actions, '_MOST_GRID_PX', 40)
  actions.Samples(tmp_path, fake_learner, stats)(3)
  writer.close()
  assert iio.imread(tmp_path / 'samples_000003.png').shape == (82, 82, 3)
  path, = (tmp_path / 'events').iterdir()
  told = [value for event in tf.compat.v1.train.summary_iterator(str(path)) for value in event.summary.value]
  assert [value.tag for value in told] == ['samples']
  assert [int(side) for side in tf.make_ndarray(told[0].tensor)[:2]] == [40, 40]


def test_the_best_checkpoint_follows_the_score(tmp_path, fake_learner, stats):
  generator, best = fake_learner.generator_ema, checkpoints.Best()
  z = latents.sample_z(actions.NUM_SCORED, 4, fake_learner.options.training.seed)
  reals = networks.generate(generator, z)
  score = actions.Score(tmp_path, fake_learner, reals, best, health.Monitor(), stats)
  assert score.every_steps == fake_learner.options.periods.checkpoint_every_steps
  weights, measured = generator.get_weights(), []
  for step, factor in ((2, 30.0), (4, 1.0), (6, 2.0)):
    generator.set_weights([factor * weight for weight in weights])
    score(step)
    measured.append(sliced_wasserstein.SlicedWasserstein(reals, fake_learner.options.training.seed).distance(
        networks.generate(generator, z)))
    assert best.step == min(step, 4)
  told = [line['metric/sliced_wasserstein'] for line in lines(tmp_path)]
  assert told == pytest.approx(measured) and told[1] == 0.0 and told[0] > 0.0 and told[2] > 0.0


def test_saving_flushes_the_events_first(tmp_path, stats, writer):
  with writer.as_default(step=1):
    tf.summary.scalar('a', 1.0)
  seen = []

  def save(step):
    path, = (tmp_path / 'events').iterdir()
    seen.append((step, [value.tag for event in tf.compat.v1.train.summary_iterator(str(path))
                        for value in event.summary.value]))

  action = actions.Save(types.SimpleNamespace(save=save), stats, every_steps=5)
  action(5, False)
  assert action.every_steps == 5 and seen == [(5, ['a'])]


def test_what_is_newer_than_the_checkpoint_and_lines_that_a_kill_cut_short_are_dropped(tmp_path):
  path = tmp_path / 'stats.jsonl'
  path.write_text('{"global_step": 2, "a": 1.0}\n{"global_step": 4}\n{"global_step": 6}\n{"glob', encoding='utf-8')
  for name in ('samples_000000', 'samples_000004', 'samples_000006', 'samples_000010', 'samples_mine',
               'collapse_000006'):
    (tmp_path / f'{name}.png').write_bytes(b'a picture')
  for step, action in ((4, 'warn'), (6, 'warn'), (6, 'rollback')):
    health.write_verdict(tmp_path, step, VERDICT, action)
  actions.drop_after(tmp_path, 4)
  assert path.read_text(encoding='utf-8') == '{"global_step": 2, "a": 1.0}\n{"global_step": 4}\n'
  assert sorted(path.stem for path in tmp_path.glob('*.png')) == [
      'collapse_000006', 'samples_000000', 'samples_000004', 'samples_mine']
  assert [(line['global_step'], line['action']) for line in health.load_verdicts(tmp_path)] == [
      (4, 'warn'), (6, 'rollback')]
  actions.drop_after(tmp_path / 'nowhere', 4)
  assert not (tmp_path / 'nowhere').exists()


@pytest.mark.parametrize('failing', ['stats.jsonl', 'events'])
def test_a_full_disk_names_the_file_and_the_way_on(tmp_path, stats, monkeypatch, failing):
  def fail(*_, **options):
    del options
    if failing == 'stats.jsonl':
      raise OSError(errno.ENOSPC, 'No space left on device')
    raise tf.errors.ResourceExhaustedError(None, None, '{{function_node x}} events; No space left on device [Op:Flush]')

  monkeypatch.setattr(*(('builtins.open', fail) if failing == 'stats.jsonl' else (tf.summary, 'scalar', fail)))
  message = (rf'{failing}.*: cannot be written \((events; )?No space left on device\)\. Make room there, '
             rf'.*--resume={tmp_path}')
  with pytest.raises(errors.InputError, match=message):
    stats.write(3, {'a': 1.0})


def test_a_run_that_goes_on_with_another_period_keeps_the_grids_that_it_has(tmp_path, fake_learner, stats):
  samples = actions.Samples(tmp_path, fake_learner, stats)
  for step in (0, 3, 6, 9):
    samples(step)
  samples(10, is_last=True)
  fake_learner.options = fake_learner.options.replace('periods', samples_every_steps=5)
  samples = actions.Samples(tmp_path, fake_learner, stats)
  samples(15)
  assert samples_of(tmp_path) == [0, 3, 6, 9, 10, 15]
  samples(17, is_last=True)
  samples(20)  # the grid of the stop between two is dropped
  assert samples_of(tmp_path) == [0, 3, 6, 9, 10, 15, 20]


def test_a_run_that_is_stopped_between_two_scores_is_not_scored_there(tmp_path, fake_learner, stats):
  reals = np.random.default_rng(0).integers(0, 256, [9, 8, 8, 3], np.uint8)
  fake_learner.options = fake_learner.options.replace('training', num_minibatches=7)
  score = actions.Score(tmp_path, fake_learner, reals, checkpoints.Best(), health.Monitor(), stats)
  for step in (2, 3, 7):
    score(step, is_last=True)
  assert [line['global_step'] for line in lines(tmp_path)] == [2, 7]


def test_statistics_of_gradients_that_overflowed_are_numbers(tmp_path, stats, tiny_config):
  log = actions.Log(stats, health.LossRatio(), Display(), tiny_config.replace('training', precision='float16'))
  log(2, history(2, gradients_generator=[np.inf, 3.0]))
  log(3, history(1, gradients_generator=[np.inf]))
  assert lines(tmp_path)[0]['gradients/generator'] == 3.0 and 'gradients/generator' not in lines(tmp_path)[1]


def test_a_look_is_written_without_what_is_no_number(tmp_path, look_after):
  assert set(look_after([0.75, 0.5]).values()) == {None}
  assert [{name: value for name, value in line.items() if name != 'time/health_secs'} for line in lines(tmp_path)] == [
      {'global_step': 2, 'health/diversity': 0.75}, {'global_step': 4, 'health/diversity': 0.5}]
  assert all(0.0 <= line['time/health_secs'] < 10.0 for line in lines(tmp_path))
  assert not (tmp_path / 'health.jsonl').exists()


@pytest.mark.parametrize('action', ['rollback', 'stop'])
def test_a_collapse_that_lasts_is_decided_on_with_the_checkpoint_before_its_first_look(tmp_path, look_after, action):
  decisions = look_after([0.9, 0.2, 0.1, 0.2, 0.2], action, to_step=lambda since: 10 * since)
  verdict = health.Verdict('symptom_b', 4, 'Symptom B since minibatch 4: 0.2.')
  assert decisions == {2: None, 4: None, 6: None, 8: health.Decision(action, verdict, to_step=40), 10: None}
  assert not health.load_verdicts(tmp_path)  # whoever goes back writes it


def test_where_it_is_only_to_be_told_it_is_told_once(tmp_path, look_after, caplog):
  assert set(look_after([0.2] * 6, 'warn').values()) == {None}
  assert health.load_verdicts(tmp_path) == [{
      'global_step': 6, 'kind': 'symptom_b', 'since_step': 2, 'sentence': 'Symptom B since minibatch 2: 0.2.',
      'action': 'warn'}]
  assert [record.message for record in caplog.records] == ['Symptom B since minibatch 2: 0.2.']


def test_without_a_checkpoint_before_a_collapse_there_is_nothing_to_go_back_to_and_it_is_told(tmp_path, look_after):
  assert set(look_after([0.2] * 4, 'rollback', to_step=lambda since: None).values()) == {None}
  assert [line['action'] for line in health.load_verdicts(tmp_path)] == ['warn']


def test_a_run_to_be_stopped_is_stopped_without_such_a_checkpoint_too(tmp_path, look_after):
  decisions = look_after([0.2] * 3, 'stop', to_step=lambda since: None)
  assert (decisions[6].action, decisions[6].to_step) == ('stop', None) and not health.load_verdicts(tmp_path)


def test_a_trouble_that_is_no_collapse_is_told_and_beside_a_collapse_too(tmp_path, look_after):
  assert set(look_after([0.9] * 4, loss_ratio=8.0).values()) == {None}
  assert [(line['kind'], line['sentence']) for line in health.load_verdicts(tmp_path)] == [
      ('overpowered', 'D overpowers G since 2: 8.')]
  (tmp_path / 'health.jsonl').unlink()
  decisions = look_after([0.2] * 3, loss_ratio=8.0)
  assert decisions[6].verdict.kind == 'symptom_b'
  assert [(line['kind'], line['action']) for line in health.load_verdicts(tmp_path)] == [('overpowered', 'warn')]


def test_all_workers_judge_by_the_mean_of_what_they_see(tmp_path, look_after):
  # The other of two workers sees a varied generator.
  decisions = look_after([0.2] * 4, agree=lambda values: (np.asarray(values) + [0.8, np.nan]) / 2)
  assert set(decisions.values()) == {None} and lines(tmp_path)[0]['health/diversity'] == 0.5
  # Here it sees less than this one does.
  assert look_after([0.5] * 3, agree=lambda values: np.asarray(values) / 5)[6].action == 'rollback'


@pytest.fixture(name='scored')
def fixture_scored(tmp_path, fake_learner, stats, monkeypatch):
  """Returns a function that gives a run some scores, one a minibatch, and returns (decisions, `checkpoints.Best`)."""
  monkeypatch.setattr(health, 'RULES', RULES)

  def scored(scores, stop_when='end'):
    given = iter(scores)
    monkeypatch.setattr(sliced_wasserstein.SlicedWasserstein, 'distance', lambda *_: next(given))
    fake_learner.options = fake_learner.options.replace('health', stop_when=stop_when).replace(
        'periods', checkpoint_every_steps=1)
    best = checkpoints.Best()
    score = actions.Score(tmp_path, fake_learner, np.zeros([9, 8, 8, 3], np.uint8), best, health.Monitor(), stats)
    return [score(step) for step in range(1, len(scores) + 1)], best

  return scored


def test_a_run_that_did_not_better_its_best_for_as_long_as_its_patience_has_enough(scored):
  enough = health.Decision('enough')
  decisions, best = scored([5.0, 3.0, 4.0, 3.0, 3.5], 'best+3')
  assert decisions == [None, None, None, None, enough] and best.step == 2
  assert scored([5.0, 3.0, 4.0, 2.0, 3.5, 3.5], 'best+3')[0] == [None] * 6
  assert scored([5.0] * 9, 'end')[0] == [None] * 9


def test_how_far_a_run_is_behind_its_best_is_written_and_told_when_it_lasts(tmp_path, scored):
  decisions, best = scored([8.0, 4.0, 8.0, 6.0, 10.0, 12.0, 12.0])
  assert decisions == [None] * 7 and best.step == 2
  assert [line[health.BEHIND_BEST] for line in lines(tmp_path)] == pytest.approx([1, 1, 2, 1.5, 2.5, 3, 3])
  assert [(line['global_step'], line['sentence'], line['action']) for line in health.load_verdicts(tmp_path)] == [
      (6, 'Degraded since 5: 3.0.', 'warn')]


def test_a_perfect_best_is_no_division_by_nothing(tmp_path, scored):
  scored([0.0, 1.0])
  assert all(np.isfinite(line[health.BEHIND_BEST]) for line in lines(tmp_path))
