"""Tests of dcgan.training.session, on whole tiny runs."""

import dataclasses
import json
import os
import resource
import signal
import threading
import time

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from dcgan.metrics import sliced_wasserstein
from dcgan.training import actions
from dcgan.training import assembly
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import loop
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import signals
from dcgan.training import trained_networks
from tests import killed
from tests.dcgan import conftest
from tests.dcgan.training import run_contents


def test_a_run_leaves_everything_that_it_promises(finished_run):
  assert finished_run.name == '00000-drawn8-try'
  made = {path.name for path in finished_run.iterdir() if not path.name.startswith('events.')}
  assert made == {'gallery.npz', 'gallery.png',
                   'options.json', 'flags.txt', 'log.txt', 'stats.jsonl', 'reals.png', 'samples_000000.png',
                   'samples_000003.png', 'samples_000004.png', 'checkpoint', 'ckpt-2.index', 'ckpt-4.index',
                   'ckpt-2.data-00000-of-00001', 'ckpt-4.data-00000-of-00001'}
  assert [(line['global_step'], 'metric/sliced_wasserstein' in line) for line in run_contents.stats(finished_run)] == [
      (2, False), (2, True), (3, False), (4, False), (4, True)]
  assert {'loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake', 'logits/real_sign',
          'gradients/generator', 'gradients/discriminator', 'augment/probability', 'health/loss_ratio',
          'time/images_per_sec', 'time/input_fraction', 'global_step'} == set(run_contents.stats(finished_run)[-2])
  assert iio.imread(finished_run / 'samples_000004.png').shape == (8 * 10 + 2, 8 * 10 + 2, 3)
  log = (finished_run / 'log.txt').read_text(encoding='utf-8')
  assert '13 faces at 8×8 in memory, 4 shuffled minibatches of 4, float32 on 1 × CPU.' in log
  assert (finished_run / 'flags.txt').read_text(encoding='utf-8') == '--seed=0\n'
  assert any(path.name.startswith('events.') for path in finished_run.iterdir())


@pytest.mark.slow
def test_a_run_that_is_streamed_and_resumed_equals_an_undisturbed_one_in_memory_bit_for_bit(
    everything_config, tmp_path):
  whole = session.start(everything_config.replace('training', num_minibatches=8), tmp_path, storage='memory').run
  half = session.start(everything_config, tmp_path, storage='stream').run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=8), storage='stream')
  run_contents.assert_same(half, whole)
  last = run_contents.stats(half)[-2]
  assert last['augment/probability'] != 0.5 and last['penalty/r1'] > 0.0  # so that both had something to go on with
  assert '13 faces at 8×8 streamed from their shards' in (half / 'log.txt').read_text(encoding='utf-8')


@pytest.mark.slow
def test_a_float16_run_goes_on_with_its_loss_scale(tiny_config, tmp_path):
  # At 16×16 the loss scale of the start is too large for some gradients.
  options = tiny_config.replace('training', precision='float16').replace('networks', image_size=16)
  whole = session.start(options.replace('training', num_minibatches=6), tmp_path).run
  half = session.start(options, tmp_path).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=6))
  left, right = run_contents.variables(half), run_contents.variables(whole)
  scales = [key for key in left if 'current_loss_scale' in key]
  assert len(scales) == 2 and min(left[key] for key in scales) < 2.0**15  # it was halved on the way
  assert left.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(left[key], right[key], err_msg=key)


@pytest.mark.slow
def test_two_replicas_train_resume_and_transfer_as_one_does(tiny_config, finished_run, tmp_path, two_replicas):
  whole = session.start(tiny_config, tmp_path, strategy=two_replicas).run
  half = session.start(tiny_config.replace('training', num_minibatches=2), tmp_path, strategy=two_replicas).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=4), strategy=two_replicas)
  left, middle, right = run_contents.variables(finished_run), run_contents.variables(whole), run_contents.variables(half)
  assert left.keys() == middle.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(right[key], middle[key], err_msg=key)
    if 'generator/' in key and 'OPTIMIZER_SLOT' not in key and 'moving_variance' not in key:
      np.testing.assert_allclose(middle[key], left[key], rtol=1e-2, atol=2e-3, err_msg=key)
  assert '2 × CPU' in (half / 'log.txt').read_text(encoding='utf-8')
  session.start(tiny_config.replace('training', num_minibatches=1), tmp_path, init_from=str(finished_run),
                strategy=two_replicas)
  # What two replicas saved, one goes on with.
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=5))
  assert run_contents.stats(half)[-1]['global_step'] == 5


def test_statistics_after_the_checkpoint_are_dropped_on_resume(run_copy, longer_run):
  with open(run_copy / 'stats.jsonl', 'a', encoding='utf-8') as file:
    file.write('{"global_step": 6, "loss/generator": 1.0}\n{"global_st')  # as a kill leaves it
  session.resume(run_copy, runs.load_options(run_copy).replace('training', num_minibatches=6))
  run_contents.assert_same(run_copy, longer_run)


@pytest.mark.slow
@pytest.mark.parametrize('every, told_at', [(1, 52), (10, 70), (40, 160)])
def test_a_generator_that_dies_is_told_of_at_the_third_look(tiny_config, tmp_path, monkeypatch, every, told_at):
  look = signals.Signals.look

  def die(self):  # at minibatch 50 every ReLU of G is shut for good, as a learning rate of 0.5 did it
    generator = self._learner.generator  # pylint: disable=protected-access
    if self._learner.step >= 50:  # pylint: disable=protected-access
      for variable in generator.trainable_variables:
        if 'beta' in variable.name:
          variable.assign(tf.fill(variable.shape, -100.0))
    return look(self)

  monkeypatch.setattr(signals.Signals, 'look', die)
  options = tiny_config.replace('training', num_minibatches=told_at).replace(
      'periods', health_every_steps=every, best_by='none', checkpoint_every_steps=50)
  run = session.start(options, tmp_path).run
  assert [(line['kind'], line['global_step']) for line in health.load_verdicts(run)
          if line['kind'] == 'symptom_b'] == [('symptom_b', told_at)]
  diversity = {line['global_step']: line['health/diversity'] for line in run_contents.stats(run) if 'health/diversity' in line}
  assert diversity[told_at] < 0.002


@pytest.mark.slow
def test_without_a_measure_nothing_is_measured(tiny_config, tmp_path):
  options = tiny_config.replace('periods', best_by='none', checkpoint_every_steps=1)
  run = session.start(options, tmp_path).run
  assert {path.name for path in run.glob('ckpt-*.index')} == {'ckpt-3.index', 'ckpt-4.index'}
  assert not any('metric/sliced_wasserstein' in line for line in run_contents.stats(run))
  best = tf.train.load_checkpoint(str(run / 'ckpt-4')).get_tensor('best/_step/.ATTRIBUTES/VARIABLE_VALUE')
  assert best == -1
  assert checkpoints.best_step(run) is None and trained_networks.load_generator(run, 'best')[2] == 4


@pytest.mark.slow
def test_the_best_checkpoint_is_that_of_the_least_distance(tiny_config, tmp_path):
  run = session.start(tiny_config.replace('periods', checkpoint_every_steps=1).replace(
      'training', num_minibatches=5), tmp_path).run
  scores = {line['global_step']: line['metric/sliced_wasserstein'] for line in run_contents.stats(run)
            if 'metric/sliced_wasserstein' in line}
  best = min(scores, key=scores.get)
  assert scores.keys() == {1, 2, 3, 4, 5} and len(set(scores.values())) == 5
  assert {path.name for path in run.glob('ckpt-*.index')} == {f'ckpt-{step}.index' for step in {4, 5, best}}
  assert run_contents.variables(run)['best/_step/.ATTRIBUTES/VARIABLE_VALUE'] == best
  assert checkpoints.best_step(run) == best and checkpoints.steps(run) == sorted({best, 4, 5})
  assert [trained_networks.load_generator(run, which)[2] for which in ('best', 'latest', 4)] == [best, 5, 4]


def test_a_training_that_explodes_stops_before_anything_is_saved(tiny_config, tmp_path):
  options = tiny_config.replace('regularization', r1_gamma=1e30, r1_every_steps=100_000_000)
  with pytest.raises(errors.InputError, match=r'`[a-z/]*` \((nan|inf)\) is no longer a number at minibatch 1, seen in '
                                              r'minibatches 1 to 2'):
    session.start(options, tmp_path)
  assert not list(tmp_path.glob('*/ckpt-*'))


def test_a_device_without_memory_is_told_with_what_to_lower(tiny_config, tmp_path, monkeypatch):
  def fail(*_):
    raise tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating tensor\nHint: none')

  monkeypatch.setattr(loop, 'run', fail)
  with pytest.raises(errors.InputError, match=r'out of memory on 1 × CPU \(OOM when allocating tensor\)\. Lower '
                                              r'`--global_batch_size`, .*--precision=bfloat16'):
    session.start(tiny_config, tmp_path)
  assert 'error: out of memory' in (tmp_path / '00000-drawn8' / 'log.txt').read_text(encoding='utf-8')


@pytest.mark.slow
def test_a_full_disk_ends_the_run_with_what_to_do_even_where_the_log_cannot_be_written(
    tiny_config, longer_run, tmp_path, monkeypatch):
  save = actions.Save.__call__
  limits = resource.getrlimit(resource.RLIMIT_FSIZE)

  def fill(action, step, is_last):
    if step == 4:  # from here on no file grows; see checkpoints_test
      resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    save(action, step, is_last)

  monkeypatch.setattr(actions.Save, '__call__', fill)
  try:
    with pytest.raises(errors.InputError, match=r'ckpt-4: cannot be saved \(.*File too large\)'):
      session.start(tiny_config, tmp_path)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
  monkeypatch.undo()
  run = tmp_path / '00000-drawn8'
  assert checkpoints.latest(run).endswith('ckpt-2')
  session.resume(run, runs.load_options(run).replace('training', num_minibatches=6))
  run_contents.assert_same(run, longer_run)


def test_an_error_inside_tensorflow_is_laid_on_other_workers_only_where_there_are_some(
    tiny_config, tmp_path, monkeypatch):
  def fail(*_):
    raise tf.errors.InternalError(None, None, 'broken')

  monkeypatch.setattr(loop, 'run', fail)
  with pytest.raises(tf.errors.InternalError):
    session.start(tiny_config, tmp_path)


@pytest.mark.slow
def test_a_signal_saves_first_and_the_run_goes_on(tiny_config, tmp_path):
  options = tiny_config.replace('training', num_minibatches=100_000)
  options = options.replace('periods', checkpoint_every_steps=100_000)

  def terminate_once_it_trains():
    while not list(tmp_path.glob('*/stats.jsonl')):
      time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

  threading.Thread(target=terminate_once_it_trains, daemon=True).start()
  result = session.start(options, tmp_path)
  assert result.signal is signal.SIGTERM and 0 < result.global_step < 100_000
  assert checkpoints.latest(result.run).endswith(f'ckpt-{result.global_step}')
  assert 'SIGTERM at minibatch' in (result.run / 'log.txt').read_text(encoding='utf-8')
  resumed = session.resume(result.run, runs.load_options(result.run).replace(
      'training', num_minibatches=result.global_step + 2))
  assert resumed.global_step == result.global_step + 2


def test_resuming_a_finished_run_says_how_to_go_on(finished_run):
  with pytest.raises(errors.InputError, match=r'`num_minibatches` \(4\): .* is at minibatch 4 already\. Use more'):
    session.resume(finished_run, runs.load_options(finished_run))


def test_resuming_on_another_set_is_refused(finished_run, tmp_path):
  conftest.make_set(tmp_path / 'other', 5)
  options = runs.load_options(finished_run).replace('data', records=str(tmp_path / 'other'))
  with pytest.raises(errors.InputError, match=r'`records` \(.*other\): not the set that'):
    session.resume(finished_run, options)


def test_a_run_that_is_resumed_in_another_folder_says_that_its_set_was_not_found_and_where(
    finished_run, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  options = runs.load_options(finished_run).replace('data', records='records/me').replace(
      'training', num_minibatches=6)
  with pytest.raises(errors.InputError, match=rf'`records` \(records/me\): the set that .* was not found: {tmp_path}/'
                                              r'records/me\.json is not there\. Give its place with --records=.*, or'):
    session.resume(finished_run, options)


@pytest.mark.parametrize('is_of_schema_1, num_shards', [(True, 2), (False, 3)])
def test_a_run_goes_on_when_its_set_was_made_again_of_the_same_records(
    tiny_config, tmp_path, is_of_schema_1, num_shards):
  manifest = conftest.make_set(tmp_path / 'set', 5)
  if is_of_schema_1:
    manifests.save(tmp_path / 'set', dataclasses.replace(
        manifest, shards=tuple(dataclasses.replace(shard, digest='') for shard in manifest.shards)))
  run = session.start(tiny_config.replace('data', records=str(tmp_path / 'set')).replace(
      'training', num_minibatches=1), tmp_path).run
  conftest.make_set(tmp_path / 'set', 5, num_shards)
  options = runs.load_options(run).replace('training', num_minibatches=2)
  assert session.resume(run, options).global_step == 2


def test_resuming_with_options_that_were_edited_is_refused_and_changes_nothing(run_copy):
  path = run_copy / 'options.json'
  path.write_text(path.read_text(encoding='utf-8').replace('"beta1": 0.5', '"beta1": 0.9').replace(
      '"num_minibatches": 4', '"num_minibatches": 9'), encoding='utf-8')
  before = {path.name: path.read_bytes() for path in run_copy.iterdir() if path.name != 'log.txt'}
  with pytest.raises(errors.InputError, match=r'`beta1` \(0.9\): .*ckpt-4 was made with 0.5, and a run'):
    session.resume(run_copy, runs.load_options(run_copy))
  assert {path.name: path.read_bytes() for path in run_copy.iterdir() if path.name != 'log.txt'} == before


def test_a_run_that_was_trained_with_what_is_gone_can_be_shown_but_does_not_go_on(run_copy):
  path = run_copy / 'options.json'
  options = json.loads(path.read_text(encoding='utf-8'))
  del options['version']
  options['training']['loss'] = 'hinge'
  path.write_text(json.dumps(options), encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'`loss` \(hinge\): .*run was trained with it, and this version'):
    session.resume(run_copy, runs.load_options(run_copy).replace('training', num_minibatches=9))
  assert trained_networks.load_generator(run_copy)[2] == 4


def test_an_empty_set_is_refused(tiny_config, tmp_path):
  conftest.make_set(tmp_path / 'empty', 0, num_shards=1)
  with pytest.raises(errors.InputError, match=r'`records` \(.*empty\) holds no face'):
    session.start(tiny_config.replace('data', records=str(tmp_path / 'empty')), tmp_path)


def test_a_truncated_shard_is_named_before_a_run_is_made(tiny_config, tmp_path):
  conftest.make_set(tmp_path / 'cut', 6)
  shard = tmp_path / 'cut.tfrecord-00001-of-00002'
  shard.write_bytes(shard.read_bytes()[:-9])
  with pytest.raises(errors.InputError, match=r'00001-of-00002: record 2: truncated'):
    session.start(tiny_config.replace('data', records=str(tmp_path / 'cut')), tmp_path / 'checkpoints')
  assert not (tmp_path / 'checkpoints').exists()


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
  whole, disturbed = (killed.make_job('train', tmp_path, name) for name in ('whole', 'killed'))
  secs = killed.run_alone(whole)
  # How long it takes varies with what runs beside it: early enough that one kill at least comes before its end.
  assert killed.disturb(disturbed, 3, secs / 3, np.random.default_rng(4))
  killed.assert_same(disturbed, whole)
  if disturbed.run.name == whole.run.name:  # else it was killed before its first checkpoint, and began anew
    assert run_contents.without_time(run_contents.stats(disturbed.run)) == run_contents.without_time(run_contents.stats(whole.run))
  alone = [line['loss/discriminator'] == 0 for line in run_contents.stats(disturbed.run) if 'loss/discriminator' in line]
  assert alone[0] and not alone[-1]  # both kinds of steps were taken


def test_a_run_that_was_killed_before_its_first_grid_draws_it_when_it_is_resumed(tiny_config, tmp_path, monkeypatch):
  def kill(*_):
    raise KeyboardInterrupt

  options = tiny_config.replace('health', on_collapse='rollback')  # which saves a checkpoint at the start
  with monkeypatch.context() as patch:
    patch.setattr(actions.Samples, '__call__', kill)
    with pytest.raises(KeyboardInterrupt):
      session.start(options, tmp_path)
  run = tmp_path / '00000-drawn8'
  session.resume(run, runs.load_options(run))
  whole = session.start(options, tmp_path).run
  assert run_contents.names(run, '*.png') == run_contents.names(whole, '*.png')
  assert (run / 'samples_000000.png').read_bytes() == (whole / 'samples_000000.png').read_bytes()


def test_a_run_that_was_killed_before_its_gallery_draws_it_when_it_is_resumed(run_copy, finished_run):
  for name in ('gallery.png', 'gallery.npz'):
    (run_copy / name).unlink()
  (run_copy / '.stats.jsonl.123.tmp.jsonl').write_text('half', encoding='utf-8')
  assert session.resume(run_copy, runs.load_options(run_copy)).global_step == 4
  assert (run_copy / 'gallery.png').read_bytes() == (finished_run / 'gallery.png').read_bytes()
  assert not list(run_copy.glob('.*'))
  with pytest.raises(errors.InputError, match='at minibatch 4 already'):
    session.resume(run_copy, runs.load_options(run_copy))


@pytest.mark.slow
def test_two_processes_do_not_train_in_one_folder(run_copy):
  options = runs.load_options(run_copy).replace('training', num_minibatches=6)
  with runs.locked(run_copy):
    with pytest.raises(errors.InputError, match=r'run: another process trains in it\. .*--init_from='):
      session.resume(run_copy, options)
  assert session.resume(run_copy, options).global_step == 6


def test_a_device_without_memory_for_the_networks_is_told(tiny_config, tmp_path, monkeypatch):
  def fail(*_):
    raise tf.errors.ResourceExhaustedError(None, None, '{{node x}} OOM when allocating tensor\nmore')

  monkeypatch.setattr(assembly.adversarial, 'AdversarialLearner', fail)
  with pytest.raises(errors.InputError, match=r'out of memory on 1 × CPU \(OOM when allocating tensor\)\. Lower'):
    session.start(tiny_config, tmp_path)
  assert not list(tmp_path.iterdir())


def test_workers_that_do_not_start_alike_are_told():
  check = assembly._check_alike  # pylint: disable=protected-access
  check(lambda values: np.float32(values), {'minibatch': 123_456, 'precision': 1})
  # Of three workers the others are 500 behind and ahead, so the mean is this one's.
  told = iter([np.float32([100_500, 1]), np.float32([1000 / 3, 0])])
  with pytest.raises(errors.InputError, match=r'do not start alike: minibatch \(100500 here\) differs'):
    check(lambda values: next(told), {'minibatch': 100_500, 'precision': 1})


def test_a_streamed_picture_that_cannot_be_decoded_is_told(tiny_config, tmp_path):
  prefix = tmp_path / 'set'
  conftest.make_set(prefix, 12, num_shards=1)
  manifest = manifests.load(prefix)
  faces = list(records.read_faces(prefix, manifest))
  faces[5] = dataclasses.replace(faces[5], encoded=b'nothing')
  shard = records.write_shard(manifests.shard_path(prefix, 0, 1), faces)
  manifests.save(prefix, dataclasses.replace(manifest, shards=(shard,)))
  with pytest.raises(errors.InputError, match='a record cannot be decoded .*show_records --verify'):
    session.start(tiny_config.replace('data', records=str(prefix)), tmp_path / 'runs', storage='stream')


@pytest.mark.slow
def test_a_run_that_did_not_better_its_best_in_time_ends_saved(tiny_config, tmp_path, monkeypatch):
  scores = iter([5.0, 3.0, 4.0, 3.5])
  monkeypatch.setattr(sliced_wasserstein.SlicedWasserstein, 'distance', lambda *_: next(scores))
  options = tiny_config.replace('training', num_minibatches=1000).replace(
      'periods', checkpoint_every_steps=2, samples_every_steps=100).replace('health', stop_when='best+4')
  result = session.start(options, tmp_path)
  assert (result.global_step, result.signal, next(scores, None)) == (8, None, None)
  assert checkpoints.best_step(result.run) == 4 and checkpoints.steps(result.run) == [4, 6, 8]
  assert (result.run / 'samples_000008.png').is_file() and (result.run / 'gallery.npz').is_file()
  assert 'Nothing was better than minibatch 4 in 4 minibatches: enough.' in (result.run / 'log.txt').read_text(
      encoding='utf-8')


@pytest.mark.slow
def test_pictures_that_are_held_out_are_told_and_judged_by_and_not_trained_on(everything_config, tmp_path):
  options = everything_config.replace('data', holdout_fraction=0.46).replace(
      'periods', health_every_steps=2, best_by='none')
  run = session.start(options, tmp_path).run
  assert '13 faces (6 held out) at 8×8' in (run / 'log.txt').read_text(encoding='utf-8')
  looks = [line for line in run_contents.stats(run) if 'health/diversity' in line]
  assert [line['global_step'] for line in looks] == [2, 4]
  # A look lies in the file where it was taken, and goes on bit for bit.
  half = session.start(options.replace('training', num_minibatches=2), tmp_path).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=4))
  run_contents.assert_same(half, run)
