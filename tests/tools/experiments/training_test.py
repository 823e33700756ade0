"""Tests of an experiment's runs: the report's options, kept when finished, gone on with when stopped."""

import dataclasses
import json
import os
import shutil
import signal
import threading
import time

import pytest

from dcgan.common import entry
from dcgan.common import errors
from dcgan.data import records
from dcgan.options import config
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan import conftest
from tools.experiments import training

_SCALE = training.Scale(num_minibatches=4, channels=2, image_size_px=8)


@pytest.fixture(scope='module', name='prefix')
def _prefix(tmp_path_factory):
  prefix = str(tmp_path_factory.mktemp('records') / 'drawn')
  conftest.make_set(prefix, 13)
  return prefix


@pytest.fixture(scope='module', name='trained')
def _trained(prefix, tmp_path_factory):
  """Folder of the runs, and the run of 4 minibatches in it. Shared: copy it to change it."""
  out = tmp_path_factory.mktemp('out')
  return out, next(training.train([training.make_variant(prefix, _SCALE, 0, 9, 'overlapping')], out))


@pytest.fixture(scope='module', name='donor')
def _donor(trained):
  """Path (str) of the run, as a model to start from."""
  return str(trained[1])


@pytest.fixture(name='copy')
def _copy(trained, tmp_path):
  return shutil.copytree(trained[0], tmp_path / 'out')


def _steps(run, tag):
  lines = map(json.loads, (run / 'stats.jsonl').read_text(encoding='utf-8').splitlines())
  return [line['global_step'] for line in lines if tag in line]


def test_a_variant_has_the_parameters_of_the_report_and_is_only_warned():
  variant = training.make_variant('records/a', training.Scale(700), 3, 9, 'overlapping')
  options = variant.options
  assert variant.name == 'batch9-overlapping-seed3'
  assert (options.training.learning_rate, options.training.beta1, options.training.loss) == (
      2e-4, 0.5, 'nonsaturating')
  assert (options.networks.channels, options.networks.image_size, options.data.crop) == (64, 64, 108)
  assert (options.data.global_batch_size, options.data.minibatches, options.training.seed) == (9, 'overlapping', 3)
  assert (options.training.num_minibatches, options.training.ema_half_life_images) == (700, 0)
  assert options.augmentation == config.Augmentation() and options.regularization == config.Regularization()
  assert options.health.on_collapse == 'warn'


def test_the_arms_differ_in_where_they_start_only(donor):
  variants = training.make_arms('records/a', training.Scale(75, seeds=(0, 5)), donor)
  assert [variant.name for variant in variants] == ['ufm-seed0', 'scratch-seed0', 'ufm-seed5', 'scratch-seed5']
  assert [variant.init_from for variant in variants] == [donor, None] * 2
  ufm, scratch, other, _ = variants
  assert ufm.options == scratch.options and other.options == ufm.options.replace('training', seed=5)
  plain = presets.PRESETS['ufm']
  assert ufm.options.networks == runs.load_options(donor).networks != plain.networks
  assert (ufm.options.augmentation, ufm.options.training.learning_rate) == (
      plain.augmentation, plain.training.learning_rate)
  assert (ufm.options.data.global_batch_size, ufm.options.data.crop) == (64, 108)  # as the model, not as the preset
  assert ufm.options.training.transfer == 'full' and ufm.options.health.on_collapse == 'warn'


@pytest.mark.parametrize('num_minibatches, long_minibatches, every', [
    (75, None, 25), (75, 75, 5), (75, 150, 15), (10, 20, 1), (79, None, 79), (1, 24, 1), (6, 144, 6)])
def test_arms_keep_24_checkpoints_at_most_one_at_the_moment(donor, num_minibatches, long_minibatches, every):
  scale = training.Scale(num_minibatches, long_minibatches=long_minibatches)
  variant, _ = training.make_arms('records/a', scale, donor)
  periods, end = variant.options.periods, variant.options.training.num_minibatches
  assert variant.moment == num_minibatches and end == (long_minibatches or 8 * num_minibatches)
  assert (periods.keep_every_steps, periods.checkpoint_every_steps, periods.samples_every_steps) == (every,) * 3
  assert num_minibatches % every == 0 and end / every <= 24


@pytest.mark.parametrize('num_minibatches, long_minibatches, message', [
    (75, 74, r'`long_minibatches` \(74\) must lie between `num_minibatches` \(75\) and 24 times that. Use 600.'),
    (2, 49, r'`long_minibatches` \(49\) must lie between `num_minibatches` \(2\)'),
    (2, 0, r'`long_minibatches` \(0\)'), (0, 5, r'`num_minibatches` \(0\) must be 1 or more')])
def test_arms_that_end_too_early_or_too_late_are_refused(donor, num_minibatches, long_minibatches, message):
  with pytest.raises(errors.InputError, match=message):
    training.make_arms('records/a', training.Scale(num_minibatches, long_minibatches=long_minibatches), donor)


def test_arms_from_a_model_that_is_not_there_are_refused(tmp_path):
  with pytest.raises(errors.InputError, match=r'`init_from` \(.*nowhere\): no such run'):
    training.make_arms('records/a', training.Scale(75), str(tmp_path / 'nowhere'))


def test_arms_are_found_by_their_model_and_by_the_checkpoint_at_the_moment(donor, prefix, tmp_path):
  ufm, scratch = training.make_arms(prefix, training.Scale(1, long_minibatches=2), donor)
  run, = training.train([ufm], tmp_path)
  assert run.name == '00000-drawn8-from-drawn8-batch9-overlapping-seed0-ufm-seed0'
  assert checkpoints.steps(run) == [1, 2]
  flags = (run / 'flags.txt').read_text(encoding='utf-8').splitlines()
  assert flags[:2] == ['--preset=ufm', f'--init_from={donor}'] and '--transfer=full' in flags
  assert training.find_run(ufm, tmp_path) == run and training.find_run(scratch, tmp_path) is None
  other = session.start(runs.load_options(donor).replace('training', seed=8), tmp_path / 'other').run
  assert training.find_run(dataclasses.replace(ufm, init_from=str(other)), tmp_path) is None
  assert training.find_run(dataclasses.replace(ufm, init_from=None), tmp_path) is None
  for path in run.glob('ckpt-1.*'):
    path.unlink()
  assert training.find_run(ufm, tmp_path) is None
  later = dataclasses.replace(ufm, moment=3, options=ufm.options.replace('training', num_minibatches=3))
  assert training.find_run(later, tmp_path) == run  # it has yet to come there


def test_a_set_that_was_not_aligned_is_found_again(tmp_path):
  manifest = conftest.make_set(str(tmp_path / 'drawn'), 5)
  records.save_manifest(str(tmp_path / 'drawn'), dataclasses.replace(manifest, settings={'align': 'off'}))
  variant = training.make_variant(str(tmp_path / 'drawn'), training.Scale(1, 2, 8), 0, 4)
  run, = training.train([variant], tmp_path / 'out')
  assert training.find_run(variant, tmp_path / 'out') == run


def test_a_short_run_is_shown_ten_times_and_a_long_one_as_any_other():
  periods = lambda num_minibatches: training.make_variant(
      'records/a', training.Scale(num_minibatches), 0).options.periods
  assert [periods(number).samples_every_steps for number in (3, 40, 5000)] == [1, 4, 100]
  # The rules of health count looks that are so far apart.
  assert periods(40).health_every_steps == config.Periods().health_every_steps


@pytest.mark.parametrize('scale, size, message', [
    (training.Scale(0), 64, r'`num_minibatches` \(0\)'), (training.Scale(9, channels=0), 64, r'`channels` \(0\)'),
    (training.Scale(9, image_size_px=50), 64, r'`image_size` \(50\)'),
    (training.Scale(9), 0, r'`global_batch_size` \(0\)')])
def test_an_option_out_of_range_is_named(scale, size, message):
  with pytest.raises(errors.InputError, match=message):
    training.make_variant('records/a', scale, 0, size)


def test_a_run_is_trained_to_its_end_under_the_name_of_its_variant(trained, prefix):
  out, run = trained
  assert run == out / '00000-drawn8-batch9-overlapping-seed0'
  assert checkpoints.steps(run)[-1] == 4
  flags = (run / 'flags.txt').read_text(encoding='utf-8').splitlines()
  assert flags[0] == '--preset=report'
  assert {'--minibatches=overlapping', '--global_batch_size=9', f'--records={prefix}', '--channels=2',
          '--image_size=8', '--num_minibatches=4'} <= set(flags)


def test_a_finished_run_is_taken_as_it_is(copy, prefix):
  variant = training.make_variant(prefix, _SCALE, 0, 9, 'overlapping')
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  before = {path: path.stat().st_mtime_ns for path in run.iterdir()}
  assert list(training.train([variant], copy)) == [run]
  assert {path: path.stat().st_mtime_ns for path in run.iterdir()} == before and len(list(copy.iterdir())) == 1


def test_a_shorter_run_goes_on_with_what_it_had(copy, prefix):
  variant = training.make_variant(prefix, training.Scale(6, 2, 8), 0, 9, 'overlapping')
  run, = training.train([variant], copy)
  assert run == copy / '00000-drawn8-batch9-overlapping-seed0'
  assert checkpoints.steps(run)[-1] == 6 and runs.load_options(run).training.num_minibatches == 6
  steps = _steps(run, 'loss/generator')
  assert steps[-1] == 6 and steps == sorted(set(steps))


@pytest.mark.parametrize('scale', [training.Scale(4, 3, 8), training.Scale(3, 2, 8)])
def test_other_options_or_fewer_minibatches_are_another_run(trained, prefix, scale):
  assert training.find_run(training.make_variant(prefix, scale, 0, 9, 'overlapping'), trained[0]) is None


def test_another_set_under_the_same_name_is_another_run(trained, tmp_path):
  conftest.make_set(str(tmp_path / 'drawn'), 12)
  variant = training.make_variant(str(tmp_path / 'drawn'), _SCALE, 0, 9, 'overlapping')
  assert training.find_run(variant, trained[0]) is None


def test_a_set_that_was_moved_is_the_same_set(trained, prefix, tmp_path):
  for path in os.scandir(os.path.dirname(prefix)):
    shutil.copy(path.path, tmp_path)
  variant = training.make_variant(str(tmp_path / 'drawn'), _SCALE, 0, 9, 'overlapping')
  assert training.find_run(variant, trained[0]) == trained[1]


def test_a_run_without_checkpoint_is_left_alone(copy, prefix):
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  for path in run.glob('ckpt-*'):
    path.unlink()
  assert training.find_run(training.make_variant(prefix, _SCALE, 0, 9, 'overlapping'), copy) is None


@pytest.mark.slow
def test_a_signal_ends_the_experiment_and_the_next_one_goes_on(prefix, tmp_path):
  variants = lambda num_minibatches: [training.make_variant(prefix, _SCALE, 0, 4), training.make_variant(
      prefix, training.Scale(num_minibatches, 2, 8), 1, 4)]
  runs_of = [tmp_path / f'0000{seed}-drawn8-batch4-shuffled-seed{seed}' for seed in (0, 1)]

  def terminate_once_the_second_trains():
    while not (runs_of[1] / 'stats.jsonl').is_file():
      time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

  threading.Thread(target=terminate_once_the_second_trains, daemon=True).start()
  with pytest.raises(entry.Stopped, match='stopped by SIGTERM') as stopped:
    list(training.train(variants(100_000), tmp_path))
  assert stopped.value.signal is signal.SIGTERM
  step = checkpoints.steps(runs_of[1])[-1]
  assert 0 < step < 100_000
  assert list(training.train(variants(step + 2), tmp_path)) == runs_of
  assert checkpoints.steps(runs_of[1])[-1] == step + 2


def test_a_run_that_diverged_is_taken_as_it_is(copy, prefix):
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  health.write_verdict(run, 5, health.Verdict('diverged', 5, 'A loss is no number.'), 'warn')
  assert list(training.train([training.make_variant(prefix, training.Scale(9, 2, 8), 0, 9, 'overlapping')], copy)) == [
      run]
  assert checkpoints.steps(run)[-1] == 4


@pytest.mark.slow
def test_the_flags_of_a_run_from_an_adapted_model_can_be_loaded(donor, prefix, tmp_path):
  adapted = session.start(runs.load_options(donor).replace('networks', z_map=True).replace(
      'training', num_minibatches=1), tmp_path / 'models', init_from=donor).run
  assert runs.load_options(adapted).networks.z_map
  run, = training.train([training.make_placed(prefix, training.Scale(1), 0, str(adapted))], tmp_path)
  loaded = conftest.load_flags(run / 'flags.txt')
  assert (loaded['preset'], loaded['init_from'], loaded['records']) == ('person', str(adapted), prefix)
  assert (loaded['num_minibatches'], loaded['channels']) == (1, 2)


def test_with_places_a_frame_has_its_place_and_nothing_is_held_out(donor):
  variant = training.make_placed('records/a', training.Scale(50), 3, donor)
  options = variant.options
  assert (variant.name, variant.preset, variant.init_from) == ('places-seed3', 'person', donor)
  assert options.training.learner == 'places' and options.data.holdout_fraction == 0.0
  assert options.networks == runs.load_options(donor).networks and options.data.crop == 108
  assert (options.training.num_minibatches, options.training.seed, options.health.on_collapse) == (50, 3, 'warn')
