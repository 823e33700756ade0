"""Tests of an experiment's runs: kept when finished, gone on with when stopped."""

import dataclasses
import json
import os
import shutil
import signal
import threading
import time

import pytest

from dcgan.common import entry
from dcgan.data import manifests
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan import conftest
from tools.experiments import experiment
from tools.experiments import experiment5_reusable_model
from tools.experiments import training
from tools.experiments import variants

_SCALE = variants.Scale(num_minibatches=4, channels=2, image_size_px=8)


@pytest.fixture(scope='module', name='prefix')
def _prefix(tmp_path_factory):
  prefix = str(tmp_path_factory.mktemp('records') / 'drawn')
  conftest.make_set(prefix, 13)
  return prefix


@pytest.fixture(scope='module', name='trained')
def _trained(prefix, tmp_path_factory):
  """Folder of the runs, and the run of 4 minibatches in it. Shared: copy it to change it."""
  out = tmp_path_factory.mktemp('out')
  return out, next(training.train([variants.make_variant(prefix, _SCALE, 0, 9, 'overlapping')], out)).path


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


def test_runs_are_found_by_their_model_and_by_the_checkpoint_at_the_moment(donor, prefix, tmp_path):
  done = experiment5_reusable_model.ReusableModel(experiment.Material(prefix, init_from=donor),
                                                  variants.Scale(1, long_minibatches=2))
  ufm, scratch = done.variants(runs.load_options(donor))
  folder, = training.train([ufm], tmp_path)
  run = folder.path
  assert folder == training.RunFolder(ufm, run)
  assert run.name == '00000-drawn8-from-drawn8-batch9-overlapping-seed0-ufm-seed0'
  assert checkpoints.steps(run) == [1, 2]
  flags = (run / 'flags.txt').read_text(encoding='utf-8').splitlines()
  assert flags[:2] == ['--preset=report', f'--init_from={donor}'] and '--transfer=full' in flags
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
  manifests.save(str(tmp_path / 'drawn'), dataclasses.replace(manifest, settings={'align': 'off'}))
  variant = variants.make_variant(str(tmp_path / 'drawn'), variants.Scale(1, 2, 8), 0, 4)
  folder, = training.train([variant], tmp_path / 'out')
  assert training.find_run(variant, tmp_path / 'out') == folder.path


def test_a_run_is_trained_to_its_end_under_the_name_of_its_variant(trained, prefix):
  out, run = trained
  assert run == out / '00000-drawn8-batch9-overlapping-seed0'
  assert checkpoints.steps(run)[-1] == 4
  flags = (run / 'flags.txt').read_text(encoding='utf-8').splitlines()
  assert flags[0] == '--preset=report'
  assert {'--minibatches=overlapping', '--global_batch_size=9', f'--records={prefix}', '--channels=2',
          '--image_size=8', '--num_minibatches=4'} <= set(flags)


def test_a_finished_run_is_taken_as_it_is(copy, prefix):
  variant = variants.make_variant(prefix, _SCALE, 0, 9, 'overlapping')
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  before = {path: path.stat().st_mtime_ns for path in run.iterdir()}
  assert list(training.train([variant], copy)) == [training.RunFolder(variant, run)]
  assert {path: path.stat().st_mtime_ns for path in run.iterdir()} == before and len(list(copy.iterdir())) == 1


def test_a_shorter_run_goes_on_with_what_it_had(copy, prefix):
  variant = variants.make_variant(prefix, variants.Scale(6, 2, 8), 0, 9, 'overlapping')
  folder, = training.train([variant], copy)
  run = folder.path
  assert run == copy / '00000-drawn8-batch9-overlapping-seed0'
  assert checkpoints.steps(run)[-1] == 6 and runs.load_options(run).training.num_minibatches == 6
  steps = _steps(run, 'loss/generator')
  assert steps[-1] == 6 and steps == sorted(set(steps))


@pytest.mark.parametrize('scale', [variants.Scale(4, 3, 8), variants.Scale(3, 2, 8)])
def test_other_options_or_fewer_minibatches_are_another_run(trained, prefix, scale):
  assert training.find_run(variants.make_variant(prefix, scale, 0, 9, 'overlapping'), trained[0]) is None


def test_another_set_under_the_same_name_is_another_run(trained, tmp_path):
  conftest.make_set(str(tmp_path / 'drawn'), 12)
  variant = variants.make_variant(str(tmp_path / 'drawn'), _SCALE, 0, 9, 'overlapping')
  assert training.find_run(variant, trained[0]) is None


def test_a_set_that_was_moved_is_the_same_set(trained, prefix, tmp_path):
  for path in os.scandir(os.path.dirname(prefix)):
    shutil.copy(path.path, tmp_path)
  variant = variants.make_variant(str(tmp_path / 'drawn'), _SCALE, 0, 9, 'overlapping')
  assert training.find_run(variant, trained[0]) == trained[1]


def test_a_run_without_checkpoint_is_left_alone(copy, prefix):
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  for path in run.glob('ckpt-*'):
    path.unlink()
  assert training.find_run(variants.make_variant(prefix, _SCALE, 0, 9, 'overlapping'), copy) is None


@pytest.mark.slow
def test_a_signal_ends_the_experiment_and_the_next_one_goes_on(prefix, tmp_path):
  wanted = lambda num_minibatches: [variants.make_variant(prefix, _SCALE, 0, 4), variants.make_variant(
      prefix, variants.Scale(num_minibatches, 2, 8), 1, 4)]
  runs_of = [tmp_path / f'0000{seed}-drawn8-batch4-shuffled-seed{seed}' for seed in (0, 1)]

  def terminate_once_the_second_trains():
    while not (runs_of[1] / 'stats.jsonl').is_file():
      time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

  threading.Thread(target=terminate_once_the_second_trains, daemon=True).start()
  with pytest.raises(entry.Stopped, match='stopped by SIGTERM') as stopped:
    list(training.train(wanted(100_000), tmp_path))
  assert stopped.value.signal is signal.SIGTERM
  step = checkpoints.steps(runs_of[1])[-1]
  assert 0 < step < 100_000
  assert [folder.path for folder in training.train(wanted(step + 2), tmp_path)] == runs_of
  assert checkpoints.steps(runs_of[1])[-1] == step + 2


def test_a_run_that_diverged_is_taken_as_it_is(copy, prefix):
  run = copy / '00000-drawn8-batch9-overlapping-seed0'
  health.write_verdict(run, 5, health.Verdict('diverged', 5, 'A loss is no number.'), 'warn')
  variant = variants.make_variant(prefix, variants.Scale(9, 2, 8), 0, 9, 'overlapping')
  assert list(training.train([variant], copy)) == [training.RunFolder(variant, run)]
  assert checkpoints.steps(run)[-1] == 4


@pytest.mark.slow
def test_the_flags_of_a_run_from_an_adapted_model_can_be_loaded(donor, prefix, tmp_path):
  adapted = session.start(runs.load_options(donor).replace('networks', z_map=True).replace(
      'training', num_minibatches=1), tmp_path / 'models', init_from=donor).run
  done = experiment5_reusable_model.ReusableModel(experiment.Material(prefix, init_from=str(adapted)),
                                                  variants.Scale(1, long_minibatches=1))
  trained = next(training.train(done.variants(runs.load_options(adapted)), tmp_path))
  loaded = conftest.load_flags(trained.path / 'flags.txt')
  assert (loaded['init_from'], loaded['records'], loaded['num_minibatches']) == (str(adapted), prefix, 1)
