"""Tests of dcgan.session, and with it of checkpoints, actions, loop and runs, on whole tiny runs."""

import json
import os
import pathlib
import signal
import threading
import time

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan import actions
from dcgan import checkpoints
from dcgan import devices
from dcgan import errors
from dcgan import runs
from dcgan import session
from tests.dcgan import conftest


def stats(run):
  return [json.loads(line) for line in (run / 'stats.jsonl').read_text(encoding='utf-8').splitlines()]


def variables(run):
  """Returns every array in a run's latest checkpoint, by key."""
  reader = tf.train.load_checkpoint(checkpoints.latest(run))
  return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()
          if not key.startswith(('_CHECKPOINTABLE', 'save_counter'))}


def without_time(lines):
  return [{key: value for key, value in line.items() if not key.startswith('time/')} for line in lines]


def test_a_run_leaves_everything_that_it_promises(tiny_config, tmp_path):
  result = session.start(tiny_config, tmp_path, note='try', flagfile='--seed=0\n')
  assert result.run == tmp_path / '00000-drawn8-try' and result.global_step == 4 and result.signal is None
  names = {path.name for path in result.run.iterdir() if not path.name.startswith('events.')}
  assert names == {'gallery.npz', 'gallery.png',
                   'options.json', 'flags.txt', 'log.txt', 'stats.jsonl', 'reals.png', 'samples_000000.png',
                   'samples_000003.png', 'samples_000004.png', 'checkpoint', 'ckpt-2.index', 'ckpt-4.index',
                   'ckpt-2.data-00000-of-00001', 'ckpt-4.data-00000-of-00001'}
  assert [line['global_step'] for line in stats(result.run)] == [2, 3, 4]
  assert {'loss/generator', 'loss/discriminator', 'health/loss_ratio',
          'time/images_per_sec'} <= set(stats(result.run)[-1])
  assert iio.imread(result.run / 'samples_000004.png').shape == (8 * 10 + 2, 8 * 10 + 2, 3)
  assert '13 faces at 8×8, 4 shuffled minibatches of 4, float32' in (result.run / 'log.txt').read_text(encoding='utf-8')
  assert any(path.name.startswith('events.') for path in result.run.iterdir())


def test_a_resumed_run_equals_an_undisturbed_one_bit_for_bit(tiny_config, tmp_path, replace):
  options = replace(tiny_config, 'data', minibatches='overlapping')
  whole = session.start(replace(options, 'training', num_minibatches=8), tmp_path).run
  half = session.start(replace(options, 'training', num_minibatches=5), tmp_path).run
  session.resume(half, replace(runs.load_options(half), 'training', num_minibatches=8))
  left, right = variables(whole), variables(half)
  assert left.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(left[key], right[key], err_msg=key)
  whole_lines = {line['global_step']: line for line in without_time(stats(whole))}
  for line in without_time(stats(half)):
    if line['global_step'] in (2, 4, 8):
      assert line == whole_lines[line['global_step']]


def test_two_replicas_train_resume_and_transfer_as_one_does(tiny_config, tmp_path, replace, monkeypatch, two_replicas):
  one = session.start(tiny_config, tmp_path / 'one').run
  monkeypatch.setattr(devices, 'build_strategy', lambda: two_replicas)
  whole = session.start(tiny_config, tmp_path / 'two').run
  half = session.start(replace(tiny_config, 'training', num_minibatches=2), tmp_path / 'two').run
  session.resume(half, replace(runs.load_options(half), 'training', num_minibatches=4))
  left, middle, right = variables(one), variables(whole), variables(half)
  assert left.keys() == middle.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(right[key], middle[key], err_msg=key)
    if 'generator/' in key and 'OPTIMIZER_SLOT' not in key and 'moving_variance' not in key:
      np.testing.assert_allclose(middle[key], left[key], rtol=1e-2, atol=2e-3, err_msg=key)
  session.start(replace(tiny_config, 'training', num_minibatches=1), tmp_path / 'two', init_from=str(one))


def test_statistics_after_the_checkpoint_are_dropped_on_resume(tiny_config, tmp_path, replace):
  run = session.start(tiny_config, tmp_path).run
  with open(run / 'stats.jsonl', 'a', encoding='utf-8') as file:
    file.write('{"global_step": 6, "loss/generator": 1.0}\n{"global_st')  # as a kill leaves it
  session.resume(run, replace(runs.load_options(run), 'training', num_minibatches=6))
  assert [line['global_step'] for line in stats(run)] == [2, 3, 4, 6]
  assert 'health/loss_ratio' in stats(run)[-1]


def test_a_signal_saves_first_and_the_run_goes_on(tiny_config, tmp_path, replace):
  options = replace(tiny_config, 'training', num_minibatches=100_000)
  options = replace(options, 'periods', checkpoint_every_steps=100_000)

  def terminate_once_it_trains():
    while not list(tmp_path.glob('*/stats.jsonl')):
      time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

  threading.Thread(target=terminate_once_it_trains, daemon=True).start()
  result = session.start(options, tmp_path)
  assert result.signal is signal.SIGTERM and 0 < result.global_step < 100_000
  assert checkpoints.latest(result.run).endswith(f'ckpt-{result.global_step}')
  assert 'SIGTERM at minibatch' in (result.run / 'log.txt').read_text(encoding='utf-8')
  resumed = session.resume(result.run, replace(runs.load_options(result.run), 'training',
                                               num_minibatches=result.global_step + 2))
  assert resumed.global_step == result.global_step + 2


def test_transfer_takes_the_weights_and_starts_the_count_anew(tiny_config, tmp_path, replace):
  donor = session.start(tiny_config, tmp_path).run
  few = replace(replace(tiny_config, 'training', num_minibatches=1, learning_rate=1e-9, seed=9), 'data',
                minibatches='overlapping')
  result = session.start(few, tmp_path, init_from=str(donor))
  assert result.run.name == '00001-drawn8-from-drawn8' and result.global_step == 1
  left, right = variables(donor), variables(result.run)
  key = 'generator/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE'
  np.testing.assert_allclose(left[key], right[key], atol=1e-6)
  log = (result.run / 'log.txt').read_text(encoding='utf-8')
  assert 'Took 18 of 18 variables from' in log and 'ckpt-4, with fresh optimizers.' in log


def test_transfer_from_another_crop_warns(tiny_config, tmp_path, replace, caplog):
  donor = session.start(tiny_config, tmp_path).run
  session.start(replace(tiny_config, 'data', crop_px=140), tmp_path, init_from=str(donor))
  assert 'was trained with --crop=108 and this run has --crop=140' in caplog.text


def test_transfer_from_a_named_checkpoint_and_to_other_networks(tiny_config, tmp_path, replace):
  donor = session.start(tiny_config, tmp_path).run
  wider = replace(tiny_config, 'networks', kernel_size_px=4)
  result = session.start(wider, tmp_path, init_from=str(donor / 'ckpt-2'))
  log = (result.run / 'log.txt').read_text(encoding='utf-8')
  assert ('Took 15 of 18 variables from' in log and 'ckpt-2, with fresh optimizers; left at their start: '
          'generator/8x8_rgb/kernel, discriminator/4x4_conv/kernel, generator_ema/8x8_rgb/kernel.' in log)


@pytest.mark.parametrize('source', ['nowhere', 'donor/ckpt-99'])
def test_transfer_from_nowhere_names_the_source_and_leaves_no_run(tiny_config, tmp_path, source):
  with pytest.raises(errors.InputError, match=rf'`init_from` \({source}\): no such run or checkpoint'):
    session.start(tiny_config, tmp_path / 'checkpoints', init_from=source)
  assert not (tmp_path / 'checkpoints').exists()


def test_transfer_from_networks_of_which_nothing_fits_is_refused(tiny_config, tmp_path, replace):
  donor = session.start(tiny_config, tmp_path).run
  with pytest.raises(errors.InputError, match=r'none of its layers fits'):
    session.start(replace(tiny_config, 'networks', channels=5, z_dims=3, image_size_px=16, kernel_size_px=4), tmp_path,
                  init_from=str(donor))


def test_resuming_a_finished_run_says_how_to_go_on(tiny_config, tmp_path):
  run = session.start(tiny_config, tmp_path).run
  with pytest.raises(errors.InputError, match=r'`num_minibatches` \(4\): .* is at minibatch 4 already\. Use more'):
    session.resume(run, runs.load_options(run))


def test_resuming_on_another_set_is_refused(tiny_config, tmp_path, replace):
  run = session.start(tiny_config, tmp_path).run
  conftest.make_set(tmp_path / 'other', 5)
  options = replace(runs.load_options(run), 'data', records=str(tmp_path / 'other'))
  with pytest.raises(errors.InputError, match=r'`records` \(.*other\): not the set that'):
    session.resume(run, options)


def test_an_empty_set_is_refused(tiny_config, tmp_path, replace):
  conftest.make_set(tmp_path / 'empty', 0, num_shards=1)
  with pytest.raises(errors.InputError, match=r'`records` \(.*empty\) holds no face'):
    session.start(replace(tiny_config, 'data', records=str(tmp_path / 'empty')), tmp_path)


def test_a_truncated_shard_is_named_before_a_run_is_made(tiny_config, tmp_path, replace):
  conftest.make_set(tmp_path / 'cut', 6)
  shard = tmp_path / 'cut.tfrecord-00001-of-00002'
  shard.write_bytes(shard.read_bytes()[:-9])
  with pytest.raises(errors.InputError, match=r'00001-of-00002: record 2: truncated'):
    session.start(replace(tiny_config, 'data', records=str(tmp_path / 'cut')), tmp_path / 'checkpoints')
  assert not (tmp_path / 'checkpoints').exists()


def test_a_damaged_checkpoint_is_named(tiny_config, tmp_path):
  run = session.start(tiny_config, tmp_path).run
  data = run / 'ckpt-4.data-00000-of-00001'
  data.write_bytes(data.read_bytes()[:100])
  with pytest.raises(errors.InputError, match=r'ckpt-4: cannot be restored'):
    checkpoints.load_generator(run)


def test_a_run_without_checkpoint_and_a_folder_that_is_no_run_are_told_apart(tiny_config, tmp_path):
  (tmp_path / 'plain').mkdir()
  with pytest.raises(errors.InputError, match=r'plain: not a run: it has no options.json'):
    checkpoints.load_generator(tmp_path / 'plain')
  runs.save_options(tmp_path / 'plain', tiny_config)
  with pytest.raises(errors.InputError, match=r'plain: this run has no checkpoint yet'):
    checkpoints.load_generator(tmp_path / 'plain')


def test_a_lost_newest_checkpoint_gives_the_one_before(tiny_config, tmp_path):
  run = session.start(tiny_config, tmp_path).run
  (run / 'ckpt-4.index').unlink()
  assert checkpoints.latest(run).endswith('ckpt-2')


def test_what_a_kill_in_mid_save_left_is_cleaned_up(tiny_config, tmp_path, replace):
  run = session.start(tiny_config, tmp_path).run
  (run / 'ckpt-5_temp').mkdir()
  (run / 'ckpt-5_temp' / 'part-00000').write_bytes(b'half')
  session.resume(run, replace(runs.load_options(run), 'training', num_minibatches=5))
  assert not (run / 'ckpt-5_temp').exists()


def test_damaged_options_are_named(tiny_config, tmp_path):
  run = session.start(tiny_config, tmp_path).run
  (run / 'options.json').write_text('{"networks"', encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'options\.json: not the options of a run'):
    runs.load_options(run)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
  log = actions.Log(tmp_path, None, None, None, 4, 2)
  with pytest.raises(errors.InputError, match=r'`loss/generator` \(nan\) is no longer a number at minibatch 7'):
    log(7, {'loss/generator': np.float32([1.0, np.nan])})


def test_run_numbers_count_on_and_never_collide(tmp_path):
  assert [runs.make_run(tmp_path, 'a').name, runs.make_run(tmp_path, 'b').name] == ['00000-a', '00001-b']
  (tmp_path / '00007-x').mkdir()
  assert runs.make_run(tmp_path, 'c').name == '00008-c'
  assert runs.short_name(pathlib.Path('checkpoints/00008-c')) == 'c'
