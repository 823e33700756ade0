"""Tests of dcgan.training.session, on whole tiny runs."""

import dataclasses
import json
import os
import resource
import shutil
import signal
import threading
import time

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.data import records
from dcgan.metrics import sliced_wasserstein
from dcgan.options import config
from dcgan.options import recipes
from dcgan.training import actions
from dcgan.training import assembly
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import loop
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import signals
from tests import killed
from tests.dcgan import conftest


def stats(run):
  return [json.loads(line) for line in (run / 'stats.jsonl').read_text(encoding='utf-8').splitlines()]


def variables(run):
  """Returns every array in a run's latest checkpoint, by key."""
  reader = tf.train.load_checkpoint(checkpoints.latest(run))
  return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()
          if not key.startswith(('_CHECKPOINTABLE', 'options/'))}


def without_time(lines):
  return [{key: value for key, value in line.items() if not key.startswith('time/')} for line in lines]


def assert_same_run(run, expected):
  """Asserts that two runs have the same latest checkpoint, bit for bit, and statistics."""
  left, right = variables(run), variables(expected)
  assert left.keys() == right.keys()
  for key in left:
    np.testing.assert_array_equal(left[key], right[key], err_msg=key)
  assert without_time(stats(run)) == without_time(stats(expected))


def test_a_run_leaves_everything_that_it_promises(finished_run):
  assert finished_run.name == '00000-drawn8-try'
  made = {path.name for path in finished_run.iterdir() if not path.name.startswith('events.')}
  assert made == {'gallery.npz', 'gallery.png',
                   'options.json', 'flags.txt', 'log.txt', 'stats.jsonl', 'reals.png', 'samples_000000.png',
                   'samples_000003.png', 'samples_000004.png', 'checkpoint', 'ckpt-2.index', 'ckpt-4.index',
                   'ckpt-2.data-00000-of-00001', 'ckpt-4.data-00000-of-00001'}
  assert [(line['global_step'], 'metric/sliced_wasserstein' in line) for line in stats(finished_run)] == [
      (2, False), (2, True), (3, False), (4, False), (4, True)]
  assert {'loss/generator', 'loss/discriminator', 'logits/real', 'logits/fake', 'logits/real_sign',
          'gradients/generator', 'gradients/discriminator', 'augment/probability', 'health/loss_ratio',
          'time/images_per_sec', 'time/input_fraction', 'global_step'} == set(stats(finished_run)[-2])
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
  assert_same_run(half, whole)
  last = stats(half)[-2]
  assert last['augment/probability'] != 0.5 and last['penalty/r1'] > 0.0  # so that both had something to go on with
  assert '13 faces at 8×8 streamed from their shards' in (half / 'log.txt').read_text(encoding='utf-8')


@pytest.mark.slow
def test_a_float16_run_goes_on_with_its_loss_scale(tiny_config, tmp_path):
  # At 16×16 the loss scale of the start is too large for some gradients.
  options = tiny_config.replace('training', precision='float16').replace('networks', image_size=16)
  whole = session.start(options.replace('training', num_minibatches=6), tmp_path).run
  half = session.start(options, tmp_path).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=6))
  left, right = variables(half), variables(whole)
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
  left, middle, right = variables(finished_run), variables(whole), variables(half)
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
  assert stats(half)[-1]['global_step'] == 5


def test_statistics_after_the_checkpoint_are_dropped_on_resume(run_copy, longer_run):
  with open(run_copy / 'stats.jsonl', 'a', encoding='utf-8') as file:
    file.write('{"global_step": 6, "loss/generator": 1.0}\n{"global_st')  # as a kill leaves it
  session.resume(run_copy, runs.load_options(run_copy).replace('training', num_minibatches=6))
  assert_same_run(run_copy, longer_run)


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
  diversity = {line['global_step']: line['health/diversity'] for line in stats(run) if 'health/diversity' in line}
  assert diversity[told_at] < 0.002


@pytest.mark.slow
def test_without_a_measure_nothing_is_measured(tiny_config, tmp_path):
  options = tiny_config.replace('periods', best_by='none', checkpoint_every_steps=1)
  run = session.start(options, tmp_path).run
  assert {path.name for path in run.glob('ckpt-*.index')} == {'ckpt-3.index', 'ckpt-4.index'}
  assert not any('metric/sliced_wasserstein' in line for line in stats(run))
  best = tf.train.load_checkpoint(str(run / 'ckpt-4')).get_tensor('best/_step/.ATTRIBUTES/VARIABLE_VALUE')
  assert best == -1
  assert checkpoints.best_step(run) is None and checkpoints.load_generator(run, 'best')[2] == 4


@pytest.mark.slow
def test_the_best_checkpoint_is_that_of_the_least_distance(tiny_config, tmp_path):
  run = session.start(tiny_config.replace('periods', checkpoint_every_steps=1).replace(
      'training', num_minibatches=5), tmp_path).run
  scores = {line['global_step']: line['metric/sliced_wasserstein'] for line in stats(run)
            if 'metric/sliced_wasserstein' in line}
  best = min(scores, key=scores.get)
  assert scores.keys() == {1, 2, 3, 4, 5} and len(set(scores.values())) == 5
  assert {path.name for path in run.glob('ckpt-*.index')} == {f'ckpt-{step}.index' for step in {4, 5, best}}
  assert variables(run)['best/_step/.ATTRIBUTES/VARIABLE_VALUE'] == best
  assert checkpoints.best_step(run) == best and checkpoints.steps(run) == sorted({best, 4, 5})
  assert [checkpoints.load_generator(run, which)[2] for which in ('best', 'latest', 4)] == [best, 5, 4]


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
  assert stats(run)[-1]['global_step'] == 4
  assert 'error: `loss/generator` (nan)' in (run / 'log.txt').read_text(encoding='utf-8')
  session.resume(run, runs.load_options(run))
  assert_same_run(run, longer_run)


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
  assert_same_run(run, longer_run)


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
    records.save_manifest(tmp_path / 'set', dataclasses.replace(
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
  assert checkpoints.load_generator(run_copy)[2] == 4


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
    assert without_time(stats(disturbed.run)) == without_time(stats(whole.run))
  alone = [line['loss/discriminator'] == 0 for line in stats(disturbed.run) if 'loss/discriminator' in line]
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
  assert names(run, '*.png') == names(whole, '*.png')
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
  manifest = records.load_manifest(prefix)
  faces = list(records.read_faces(prefix, manifest))
  faces[5] = dataclasses.replace(faces[5], encoded=b'nothing')
  shard = records.write_shard(records.shard_path(prefix, 0, 1), faces)
  records.save_manifest(prefix, dataclasses.replace(manifest, shards=(shard,)))
  with pytest.raises(errors.InputError, match='a record cannot be decoded .*show_records --verify'):
    session.start(tiny_config.replace('data', records=str(prefix)), tmp_path / 'runs', storage='stream')


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


def names(run, pattern):
  return sorted(path.name for path in run.glob(pattern))


def test_a_run_that_collapses_goes_back_and_trains_on_with_another_recipe(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, until_it_augments)
  run = shutil.copytree(rolled_back, tmp_path / 'run')
  # Seen at 5 and 6, so back to 4; what came after it is gone, but for the picture of the collapse and the verdict.
  assert health.load_verdicts(run) == [{
      'global_step': 6, 'kind': 'symptom_b', 'since_step': 5, 'sentence': 'Symptom B since minibatch 5: 0.',
      'action': 'rollback', 'to_step': 4, 'changes': 'stronger augmentation'}]
  assert names(run, 'collapse_*') == ['collapse_000006.png']
  assert names(run, 'ckpt-*.index') == ['ckpt-6.index', 'ckpt-8.index']
  assert names(run, 'samples_*') == [f'samples_{step:06d}.png' for step in range(9)]
  assert [line['global_step'] for line in stats(run) if 'loss/generator' in line] == list(range(1, 9))
  assert [line['health/diversity'] for line in stats(run) if 'health/diversity' in line] == [1.0] * 8
  # Only the recipe is another, and a run that goes on does so with it.
  assert config.differences(runs.load_options(run), watched_config.replace(
      'data', records_digest=runs.load_options(run).data.records_digest)) == [
          ('augment', recipes.STRONG_POLICIES, ())]
  log = (run / 'log.txt').read_text(encoding='utf-8')
  assert 'Symptom B since minibatch 5: 0. Rolling back to minibatch 4 with stronger augmentation.' in log
  session.resume(run, runs.load_options(run).replace('training', num_minibatches=9))
  assert stats(run)[-1]['global_step'] == 9 and len(health.load_verdicts(run)) == 1


@pytest.mark.slow
def test_a_run_that_went_back_and_is_resumed_equals_one_that_was_not_disturbed(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, until_it_augments)
  half = session.start(watched_config.replace('training', num_minibatches=6), tmp_path).run
  assert health.num_rollbacks(half) == 1 and checkpoints.latest(half).endswith('ckpt-6')
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=8))
  assert_same_run(half, rolled_back)
  for name in names(rolled_back, 'samples_*'):
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
  assert_same_run(run, rolled_back)
  assert runs.load_options(run) == runs.load_options(rolled_back)
  for pattern in ('*.png', 'ckpt-*'):
    assert names(run, pattern) == names(rolled_back, pattern)


@pytest.mark.slow
def test_a_run_goes_back_to_what_it_was_and_another_recipe_shows_only_behind_it(
    watched_config, rolled_back, tmp_path, monkeypatch):
  collapsing(monkeypatch, lambda trained: False)
  plain = session.start(watched_config, tmp_path).run
  for step in range(5):
    name = f'samples_{step:06d}.png'
    assert (rolled_back / name).read_bytes() == (plain / name).read_bytes()
  losses = [[line['loss/discriminator'] for line in stats(run) if 'loss/discriminator' in line]
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
  assert checkpoints.load_generator(result.run)[2] == 4
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
  assert names(result.run, 'collapse_*') == ['collapse_000006.png'] and not names(result.run, 'ckpt-0.*')
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
  left, right = variables(plain), variables(warned)
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
  assert names(result.run, 'collapse_*') == ['collapse_000002.png']


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
  rates = [value for key, value in variables(result.run).items() if 'optimizer/learning_rate' in key]
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
  assert np.isfinite(variables(result.run)['generator/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE']).all()


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
def test_two_replicas_go_back_too(watched_config, tmp_path, monkeypatch, two_replicas):
  collapsing(monkeypatch, until_it_augments)
  result = session.start(watched_config.replace('data', holdout_fraction=0.3), tmp_path, strategy=two_replicas)
  line, = health.load_verdicts(result.run)
  assert (line['action'], line['to_step'], result.global_step) == ('rollback', 4, 8)
  assert runs.load_options(result.run).augmentation.augment == recipes.STRONG_POLICIES
  assert names(result.run, 'ckpt-*.index') == ['ckpt-6.index', 'ckpt-8.index']


@pytest.mark.slow
def test_pictures_that_are_held_out_are_told_and_judged_by_and_not_trained_on(everything_config, tmp_path):
  options = everything_config.replace('data', holdout_fraction=0.46).replace(
      'periods', health_every_steps=2, best_by='none')
  run = session.start(options, tmp_path).run
  assert '13 faces (6 held out) at 8×8' in (run / 'log.txt').read_text(encoding='utf-8')
  looks = [line for line in stats(run) if 'health/diversity' in line]
  assert [line['global_step'] for line in looks] == [2, 4]
  # A look lies in the file where it was taken, and goes on bit for bit.
  half = session.start(options.replace('training', num_minibatches=2), tmp_path).run
  session.resume(half, runs.load_options(half).replace('training', num_minibatches=4))
  assert_same_run(half, run)
