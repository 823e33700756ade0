"""Tests of dcgan.actions."""

import errno
import json
import types

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan import actions
from dcgan import checkpoints
from dcgan import errors
from dcgan import health
from dcgan import latents
from dcgan import metrics
from dcgan import networks


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


@pytest.fixture(name='fake_trainer')
def fixture_fake_trainer(tiny_config):
  """What actions need of a trainer: options and an averaged generator."""
  return types.SimpleNamespace(
      options=tiny_config, generator_ema=networks.build_generator(tiny_config.networks, 'float32'))


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
                   'penalty/r1': 7.0, 'health/loss_ratio': 2.0}
  assert second == {'global_step': 5, 'loss/generator': 3.0, 'loss/discriminator': 1.0, 'gradients/generator': 1.0,
                    'penalty/r1': 9.0, 'health/loss_ratio': pytest.approx((1 + 3 + 2 + 2 + 5) / 5),
                    'time/images_per_sec': 3 * 4 / 4.0, 'time/input_fraction': 0.25}
  assert display.notes == [(2, 'gLoss 2.00 dLoss 1.00 ratio 2.00'),
                           (3, 'gLoss 3.00 dLoss 1.00 ratio 2.60 · 3 images/s')]


def test_without_r1_the_log_does_not_speak_of_it(tmp_path, stats, tiny_config):
  actions.Log(stats, health.LossRatio(), Display(), tiny_config)(1, history(1))
  assert 'penalty/r1' not in lines(tmp_path)[0]


@pytest.mark.parametrize('name', ['loss_generator', 'loss_discriminator', 'gradients_generator'])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_metric_that_is_no_number_is_named_with_its_minibatches(tmp_path, stats, tiny_config, name, value):
  ratio = health.LossRatio()
  log = actions.Log(stats, ratio, Display(), tiny_config)
  tag = name.replace('_', '/')
  with pytest.raises(errors.InputError, match=rf'`{tag}` \({value}\) is no longer a number at minibatch 7, seen in '
                                              r'minibatches 5 to 8: training has diverged\..*--learning_rate'):
    log(8, history(4, **{name: [1, 1, value, value]}))
  assert ratio.average == 0.0 and not (tmp_path / 'stats.jsonl').exists()


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
    tmp_path, fake_trainer, stats, monkeypatch):
  monkeypatch.setattr(actions, '_MOST_SAMPLES', 4)
  fake_trainer.options = fake_trainer.options.replace('periods', samples_every_steps=3)
  samples = actions.Samples(tmp_path, fake_trainer, stats)
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


def test_a_short_run_keeps_every_grid(tmp_path, fake_trainer, stats):
  samples = actions.Samples(tmp_path, fake_trainer, stats)
  for step in (0, 3, 6):
    samples(step)
  assert samples_of(tmp_path) == [0, 3, 6]
  grid = iio.imread(tmp_path / 'samples_000003.png')
  z = latents.sample_z(64, 4, fake_trainer.options.training.seed)
  np.testing.assert_array_equal(grid[2:10, 2:10], networks.generate(fake_trainer.generator_ema, z)[0])


def test_other_pictures_of_a_run_are_left_alone(tmp_path, fake_trainer, stats):
  for name in ('samples_mine.png', 'reals.png', 'samples_000001.txt'):
    (tmp_path / name).write_bytes(b'mine')
  actions.Samples(tmp_path, fake_trainer, stats)(3)
  assert {path.name for path in tmp_path.iterdir()} >= {'samples_mine.png', 'reals.png', 'samples_000001.txt'}


def test_large_grids_are_made_smaller_for_tensorboard_only(
    tmp_path, fake_trainer, stats, writer, monkeypatch):
  monkeypatch.setattr(actions, '_MOST_GRID_PX', 40)
  actions.Samples(tmp_path, fake_trainer, stats)(3)
  writer.close()
  assert iio.imread(tmp_path / 'samples_000003.png').shape == (82, 82, 3)
  path, = (tmp_path / 'events').iterdir()
  told = [value for event in tf.compat.v1.train.summary_iterator(str(path)) for value in event.summary.value]
  assert [value.tag for value in told] == ['samples']
  assert [int(side) for side in tf.make_ndarray(told[0].tensor)[:2]] == [40, 40]


def test_the_best_checkpoint_follows_the_score(tmp_path, fake_trainer, stats):
  generator, best = fake_trainer.generator_ema, checkpoints.Best()
  z = latents.sample_z(actions.NUM_SCORED, 4, fake_trainer.options.training.seed)
  reals = networks.generate(generator, z)
  score = actions.Score(fake_trainer, reals, best, stats)
  assert score.every_steps == fake_trainer.options.periods.checkpoint_every_steps
  weights, measured = generator.get_weights(), []
  for step, factor in ((2, 30.0), (4, 1.0), (6, 2.0)):
    generator.set_weights([factor * weight for weight in weights])
    score(step)
    measured.append(metrics.SlicedWasserstein(reals, fake_trainer.options.training.seed).distance(
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


def test_lines_after_the_checkpoint_and_what_a_kill_cut_short_are_dropped(tmp_path):
  path = tmp_path / 'stats.jsonl'
  path.write_text('{"global_step": 2, "a": 1.0}\n{"global_step": 4}\n{"global_step": 6}\n{"glob', encoding='utf-8')
  actions.drop_stats_after(tmp_path, 4)
  assert path.read_text(encoding='utf-8') == '{"global_step": 2, "a": 1.0}\n{"global_step": 4}\n'
  actions.drop_stats_after(tmp_path / 'nowhere', 4)
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


def test_a_run_that_goes_on_with_another_period_keeps_the_grids_that_it_has(tmp_path, fake_trainer, stats):
  samples = actions.Samples(tmp_path, fake_trainer, stats)
  for step in (0, 3, 6, 9):
    samples(step)
  samples(10, is_last=True)
  fake_trainer.options = fake_trainer.options.replace('periods', samples_every_steps=5)
  samples = actions.Samples(tmp_path, fake_trainer, stats)
  samples(15)
  assert samples_of(tmp_path) == [0, 3, 6, 9, 10, 15]
  samples(17, is_last=True)
  samples(20)  # the grid of the stop between two is dropped
  assert samples_of(tmp_path) == [0, 3, 6, 9, 10, 15, 20]


def test_a_run_that_is_stopped_between_two_scores_is_not_scored_there(tmp_path, fake_trainer, stats):
  reals = np.random.default_rng(0).integers(0, 256, [9, 8, 8, 3], np.uint8)
  fake_trainer.options = fake_trainer.options.replace('training', num_minibatches=7)
  score = actions.Score(fake_trainer, reals, checkpoints.Best(), stats)
  for step in (2, 3, 7):
    score(step, is_last=True)
  assert [line['global_step'] for line in lines(tmp_path)] == [2, 7]


def test_statistics_of_gradients_that_overflowed_are_numbers(tmp_path, stats, tiny_config):
  log = actions.Log(stats, health.LossRatio(), Display(), tiny_config.replace('training', precision='float16'))
  log(2, history(2, gradients_generator=[np.inf, 3.0]))
  log(3, history(1, gradients_generator=[np.inf]))
  assert lines(tmp_path)[0]['gradients/generator'] == 3.0 and 'gradients/generator' not in lines(tmp_path)[1]
