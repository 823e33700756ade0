"""Tests of dcgan.training.checkpoints."""

import contextlib
import os
import resource
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.options import config
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan.options import versions_test
from tests.dcgan.training import run_contents


class Saved:
  """A learner of a few numbers, and its checkpoints in a run's folder."""

  def __init__(self, folder, options, num_values=10):
    folder.mkdir(exist_ok=True)
    runs.save_options(folder, options)
    self.folder = folder
    self.best = checkpoints.Best()
    self.monitor = health.Monitor()
    self.loss_ratio = health.LossRatio()
    variable = lambda: tf.Variable(tf.zeros(num_values))
    state = {name: variable() for name in ('generator', 'discriminator', 'generator_ema', 'generator_optimizer')}
    state['global_step'] = tf.Variable(0, dtype=tf.int64)
    self.learner = types.SimpleNamespace(options=options, state=state, texts={}, settle=lambda: None, **state)
    self.checkpoints = checkpoints.Checkpoints(
        folder, self.learner, self.best, self.monitor, loss_ratio=self.loss_ratio)

  def save(self, step):
    for value in (self.learner.generator, self.learner.generator_optimizer):
      value.assign(tf.fill(value.shape, float(step)))
    self.learner.global_step.assign(step)
    self.checkpoints.save(step)

  def restored_step(self):
    """Restores the latest; returns its step, and has looked that its numbers are whole."""
    self.checkpoints.restore_latest(self.folder)
    step = int(self.learner.global_step)
    for value in (self.learner.generator, self.learner.generator_optimizer):
      np.testing.assert_array_equal(value, float(step))
    return step


@pytest.fixture(name='saved')
def fixture_saved(tmp_path, tiny_config):
  return Saved(tmp_path / 'run', tiny_config)


def steps_in(folder):
  """Returns the steps of the checkpoints in a folder, having looked that nothing of others is left."""
  names = {path.name for path in folder.iterdir()} - {'options.json'}
  steps = sorted(int(name[5:-6]) for name in names if name.endswith('.index'))
  assert names == {'checkpoint'} | {f'ckpt-{step}{end}' for step in steps for end in ('.index', '.data-00000-of-00001')}
  return steps


def flip(path):
  """Changes one byte in every 16."""
  content = bytearray(path.read_bytes())
  for i in range(0, len(content), 16):
    content[i] ^= 0xff
  path.write_bytes(content)


def cut(path):
  path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def empty(path):
  path.write_bytes(b'')


DATA, INDEX = 'data-00000-of-00001', 'index'
DAMAGES = [pytest.param(damage, part, id=f'{damage.__name__}-{part.partition("-")[0]}')
           for damage, part in ((flip, DATA), (cut, DATA), (empty, DATA), (os.remove, DATA), (flip, INDEX),
                                (cut, INDEX), (empty, INDEX))]


def test_the_latest_two_the_best_and_every_nth_are_kept_and_nothing_else(tmp_path, tiny_config):
  saved = Saved(tmp_path / 'run', tiny_config.replace('periods', keep_every_steps=6))
  kept = {}
  for step, score in zip(range(2, 22, 2), (9, 8, 7, 3, 4, 3, 5, 6, 7, 8)):
    saved.best.update(step, score)
    saved.save(step)
    kept[step] = steps_in(saved.folder)
  assert kept[2] == [2] and kept[6] == [4, 6] and kept[8] == [6, 8] and kept[10] == [6, 8, 10]
  assert kept[20] == [6, 8, 12, 18, 20]  # 8 was the best; 12 as good, but later
  told = tf.train.get_checkpoint_state(str(saved.folder))
  assert told.model_checkpoint_path == str(saved.folder / 'ckpt-20')
  assert list(told.all_model_checkpoint_paths) == [str(saved.folder / f'ckpt-{step}') for step in kept[20]]


def test_without_a_measure_and_a_period_the_latest_two_are_kept(saved):
  for step in (2, 3, 7, 12):
    saved.save(step)
  assert steps_in(saved.folder) == [7, 12]


def test_the_best_so_far_is_the_same_after_a_resume(saved, tiny_config):
  for step, score in ((2, 5.0), (4, 3.0), (6, 4.0)):
    saved.best.update(step, score)
    saved.save(step)
  other = Saved(saved.folder, tiny_config)
  assert other.best.step == -1 and other.restored_step() == 6 and other.best.step == 4
  other.best.update(8, 3.5)
  assert other.best.step == 4
  other.save(8)
  assert steps_in(saved.folder) == [4, 6, 8]
  other.best.update(10, 2.5)
  assert other.best.step == 10


def test_a_score_that_is_no_number_is_never_the_best():
  best = checkpoints.Best()
  best.update(2, float('nan'))
  assert best.step == -1
  best.update(4, 7.0)
  best.update(6, float('nan'))
  assert best.step == 4


@pytest.mark.parametrize('damage,part', DAMAGES)
def test_of_a_damaged_latest_checkpoint_the_one_before_is_taken_with_a_warning(saved, damage, part, caplog):
  for step in (2, 4):
    saved.save(step)
  damage(saved.folder / f'ckpt-4.{part}')
  assert saved.restored_step() == 2
  warning, = [record.message for record in caplog.records if record.levelname == 'WARNING']
  assert warning.startswith(f'{saved.folder}/ckpt-4: cannot be restored (')
  assert warning.endswith('). The one before it is taken.')


def test_of_a_damaged_checkpoint_after_a_rollback_the_one_of_the_older_recipe_is_taken(saved, tiny_config):
  saved.save(2)
  later = Saved(saved.folder, tiny_config.replace('regularization', r1_gamma=1.0))
  later.save(4)
  empty(saved.folder / f'ckpt-4.{DATA}')
  with pytest.raises(errors.InputError, match=r'`r1_gamma` \(1.0\): .*ckpt-2 was made with 0.0'):
    later.checkpoints.restore_latest(saved.folder)
  later.checkpoints.restore_latest(saved.folder, changed_at=2)
  assert int(later.learner.global_step) == 2
  with pytest.raises(errors.InputError, match='r1_gamma'):  # one from behind the change has the options of now
    later.checkpoints.restore_latest(saved.folder, changed_at=1)


def test_a_checkpoint_without_index_is_none(saved, caplog):
  for step in (2, 4):
    saved.save(step)
  (saved.folder / 'ckpt-4.index').unlink()
  assert checkpoints.latest(saved.folder) == str(saved.folder / 'ckpt-2') and saved.restored_step() == 2
  assert not caplog.records


@pytest.mark.parametrize('damage,part', DAMAGES)
def test_all_checkpoints_damaged_is_an_error_that_names_the_last_tried(saved, damage, part):
  for step in (2, 4):
    saved.save(step)
    damage(saved.folder / f'ckpt-{step}.{part}')
  with pytest.raises(errors.InputError, match=r'run/ckpt-2: cannot be restored \(.*\)\. Use another checkpoint'):
    saved.restored_step()


def test_what_is_newer_than_the_minibatch_saved_is_deleted(saved, tiny_config):
  # After a damaged checkpoint 6 the run went on from 4, and was stopped at 5: the best one, 6, is of another past.
  for step in (2, 4, 6):
    saved.save(step)
  empty(saved.folder / f'ckpt-6.{DATA}')
  other = Saved(saved.folder, tiny_config)
  assert other.restored_step() == 4
  other.save(5)
  assert steps_in(saved.folder) == [4, 5] and Saved(saved.folder, tiny_config).restored_step() == 5


def test_a_damaged_checkpoint_is_written_anew(saved):
  for step in (2, 4):
    saved.save(step)
  flip(saved.folder / f'ckpt-4.{DATA}')
  assert saved.restored_step() == 2
  saved.save(4)
  assert saved.restored_step() == 4 and steps_in(saved.folder) == [2, 4]


def test_what_a_kill_in_mid_save_left_is_cleaned_up(saved, tiny_config):
  saved.save(2)
  (saved.folder / 'ckpt-5_temp').mkdir()
  (saved.folder / 'ckpt-5_temp' / 'part-00000').write_bytes(b'half')
  Saved(saved.folder, tiny_config)
  assert steps_in(saved.folder) == [2]


@contextlib.contextmanager
def largest_file(num_bytes):
  """Lets no file grow over a size, as a full disk does. (Python ignores SIGXFSZ, so that writing fails with EFBIG.)"""
  limits = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, limits[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize('num_bytes', [0, 100_000])
def test_a_full_disk_is_told_and_the_checkpoint_before_is_whole(tmp_path, tiny_config, num_bytes):
  saved = Saved(tmp_path / 'run', tiny_config, num_values=100_000)
  for step in (2, 4):
    saved.save(step)
  with pytest.raises(errors.InputError, match=r'run/ckpt-6: cannot be saved \(/\S*ckpt-6\S*; File too large\)\. Make '
                                              r'room there, and go on .*--resume=.*run\.'):
    with largest_file(num_bytes):
      saved.save(6)
  other = Saved(tmp_path / 'run', tiny_config, num_values=100_000)
  assert other.restored_step() == 4
  other.save(6)
  assert steps_in(saved.folder) == [4, 6] and other.restored_step() == 6


@pytest.mark.parametrize('group,changes,name,then,now', [
    ('training', dict(beta1=0.9), 'beta1', '0.5', '0.9'),
    ('training', dict(learning_rate=0.5), 'learning_rate', '0.01', '0.5'),
    ('regularization', dict(r1_gamma=1.0), 'r1_gamma', '0.0', '1.0'),
    ('augmentation', dict(augment_mode='adaptive'), 'augment_mode', 'fixed', 'adaptive'),
    ('networks', dict(channels=5), 'channels', '4', '5'),
    ('data', dict(global_batch_size=2), 'global_batch_size', '4', '2')])
def test_options_that_were_changed_in_between_are_named_with_both_values(
    saved, tiny_config, group, changes, name, then, now):
  for step in (2, 4):
    saved.save(step)
  other = Saved(saved.folder, tiny_config.replace(group, **changes))
  with pytest.raises(errors.InputError, match=rf'`{name}` \({now}\): .*ckpt-4 was made with {then}, .*options\.json'):
    other.restored_step()


def test_the_end_and_the_periods_may_change(saved, tiny_config):
  saved.save(2)
  other = Saved(saved.folder, tiny_config.replace('training', num_minibatches=99).replace(
      'periods', log_every_steps=7, samples_every_steps=7, checkpoint_every_steps=7, keep_every_steps=14,
      best_by='none').replace('data', records='elsewhere'))
  assert other.restored_step() == 2


def test_a_checkpoint_of_an_earlier_version_is_restored_and_compared_under_the_names_of_today(tmp_path, monkeypatch):
  of_before = config.from_json(versions_test.OLD)
  with monkeypatch.context() as before:
    before.setattr(config.Config, 'to_json', lambda options: versions_test.OLD)
    Saved(tmp_path / 'run', of_before).save(2)
  assert runs.load_options(tmp_path / 'run') == of_before
  assert Saved(tmp_path / 'run', of_before).restored_step() == 2
  with pytest.raises(errors.InputError, match=r'`crop` \(108\): .*ckpt-2 was made with 140, '):
    Saved(tmp_path / 'run', of_before.replace('data', crop=108)).restored_step()


def test_a_checkpoint_of_something_else_cannot_be_restored(saved):
  tf.train.Checkpoint(a=tf.Variable(1.0)).write(str(saved.folder / 'ckpt-7'))
  with pytest.raises(errors.InputError, match=r'ckpt-7: cannot be restored'):
    saved.restored_step()


@pytest.mark.slow
@pytest.mark.parametrize('damage,part', [(flip, DATA), (os.remove, DATA)])
def test_a_run_that_goes_on_from_the_checkpoint_before_equals_an_undisturbed_one(
    run_copy, longer_run, damage, part, caplog):
  damage(run_copy / f'ckpt-4.{part}')
  session.resume(run_copy, runs.load_options(run_copy).replace('training', num_minibatches=6))
  assert f'{run_copy}/ckpt-4: cannot be restored (' in caplog.text and 'goes on at minibatch 2' in caplog.text
  run_contents.assert_same(run_copy, longer_run)


def suspect(monitor, step):
  """Lets a monitor suspect a collapse since minibatch `step`."""
  rule = health.RULES['symptom_b']
  monitor.judge(step, {name: least for name, (least, _) in rule.limits.items()})
  assert monitor.suspected_since == step


def test_while_a_collapse_is_suspected_the_checkpoint_before_it_is_kept(saved):
  for step in (2, 4):
    saved.save(step)
  suspect(saved.monitor, 5)
  for step in (6, 8, 10, 12):
    saved.save(step)
  assert steps_in(saved.folder) == [4, 10, 12]
  saved.monitor.judge(13, {name: most + 1 for name, (_, most) in health.RULES['symptom_b'].limits.items()})
  saved.save(14)
  assert steps_in(saved.folder) == [12, 14]


def test_a_checkpoint_of_the_minibatch_that_raised_the_suspicion_is_none_to_go_back_to(saved):
  for step in (2, 4):
    saved.save(step)
  suspect(saved.monitor, 6)
  for step in (6, 8, 10):
    saved.save(step)
  assert steps_in(saved.folder) == [4, 8, 10]
  assert checkpoints.step_before(saved.folder, 6) == 4 and checkpoints.step_before(saved.folder, 4) is None


def test_going_back_puts_back_an_earlier_checkpoint_and_deletes_the_later_ones(saved, tiny_config):
  for step in (2, 4):
    saved.save(step)
  suspect(saved.monitor, 5)
  for step in (6, 8):
    saved.save(step)
  other = Saved(saved.folder, tiny_config.replace('training', learning_rate=0.5))
  other.checkpoints.go_back(saved.folder, 4)
  assert int(other.learner.global_step) == 4 and other.monitor.suspected_since is None
  np.testing.assert_array_equal(other.learner.generator, 4.0)
  other.save(4)  # under the changed options
  assert steps_in(saved.folder) == [4] and other.restored_step() == 4
  with pytest.raises(errors.InputError, match=r'`learning_rate` \(0\.01\): .*ckpt-4 was made with 0\.5'):
    saved.restored_step()


def test_going_back_to_a_damaged_checkpoint_names_it_and_deletes_nothing(saved):
  for step in (2, 4):
    saved.save(step)
  cut(saved.folder / f'ckpt-2.{DATA}')
  with pytest.raises(errors.InputError, match=r'run/ckpt-2: cannot be restored \('):
    saved.checkpoints.go_back(saved.folder, 2)
  assert steps_in(saved.folder) == [2, 4]


def test_going_back_keeps_the_best_one_where_it_is_left_and_forgets_it_where_it_is_not(saved, tiny_config):
  for step, score in ((2, 5.0), (4, 6.0)):
    saved.best.update(step, score)
    saved.save(step)
  suspect(saved.monitor, 5)
  saved.best.update(6, 7.0)
  for step in (6, 8):
    saved.save(step)
  assert steps_in(saved.folder) == [2, 4, 6, 8]
  kept = Saved(saved.folder, tiny_config)
  kept.checkpoints.go_back(saved.folder, 4)
  assert (kept.best.step, kept.best.score) == (2, 5.0)
  # Now 6 is better for a while, takes the place of 2, and is of another past once the run went back to 4.
  suspect(kept.monitor, 5)
  kept.best.update(6, 1.0)
  for step in (6, 8):
    kept.save(step)
  assert steps_in(saved.folder) == [4, 6, 8]
  kept.checkpoints.go_back(saved.folder, 4)
  assert kept.best.step == -1 and kept.best.score == np.inf
  kept.best.update(6, 9.0)
  assert kept.best.step == 6


def test_a_damaged_checkpoint_is_not_counted_as_one_to_go_back_to(saved):
  for step in (2, 4, 6):
    saved.save(step)
  data = saved.folder / 'ckpt-6.data-00000-of-00001'
  data.write_bytes(data.read_bytes()[:50])
  assert saved.restored_step() == 4
  saved.save(7)
  assert steps_in(saved.folder) == [4, 7]
