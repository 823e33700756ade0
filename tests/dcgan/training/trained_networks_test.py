"""Tests of dcgan.training.trained_networks."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.training import checkpoints
from dcgan.training import runs
from dcgan.training import trained_networks
from tests.dcgan.training import checkpoints_test
from tests.dcgan.training import run_contents


def test_a_generator_is_loaded_as_it_was_saved(finished_run, tiny_config):
  generator, options, step = trained_networks.load_generator(finished_run)
  assert step == 4 and options.training == tiny_config.training
  saved = run_contents.variables(finished_run)
  np.testing.assert_array_equal(generator.get_layer('4x4_dense').kernel,
                                saved['generator_ema/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE'])
  np.testing.assert_array_equal(generator.get_layer('4x4_norm').moving_variance,
                                saved['generator_ema/layer_with_weights-1/moving_variance/.ATTRIBUTES/VARIABLE_VALUE'])


@pytest.mark.parametrize('damage,part', checkpoints_test.DAMAGES)
def test_of_a_damaged_checkpoint_the_generator_before_is_loaded(run_copy, damage, part, caplog):
  damage(run_copy / f'ckpt-4.{part}')
  generator, _, step = trained_networks.load_generator(run_copy)
  assert step == 2 and f'{run_copy}/ckpt-4: cannot be restored (' in caplog.text
  before = tf.train.load_checkpoint(str(run_copy / 'ckpt-2'))
  np.testing.assert_array_equal(
      generator.get_layer('4x4_dense').kernel,
      before.get_tensor('generator_ema/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE'))
  damage(run_copy / f'ckpt-2.{part}')
  with pytest.raises(errors.InputError, match=r'ckpt-2: cannot be restored'):
    trained_networks.load_generator(run_copy)


def test_a_run_without_checkpoint_and_a_folder_that_is_no_run_are_told_apart(tiny_config, tmp_path):
  (tmp_path / 'plain').mkdir()
  with pytest.raises(errors.InputError, match=r'plain: not a run: it has no options.json'):
    trained_networks.load_generator(tmp_path / 'plain')
  runs.save_options(tmp_path / 'plain', tiny_config)
  with pytest.raises(errors.InputError, match=r'plain: this run has no checkpoint yet'):
    trained_networks.load_generator(tmp_path / 'plain')


def test_a_run_that_was_moved_is_found_by_its_own_folder(run_copy, tmp_path):
  moved = shutil.move(run_copy, tmp_path / 'moved')
  assert checkpoints.latest(moved) == f'{tmp_path}/moved/ckpt-4'
  assert trained_networks.load_generator(moved)[2] == 4


def test_a_checkpoint_that_there_is_not_is_told_with_those_that_there_are(finished_run, tmp_path):
  with pytest.raises(errors.InputError, match=rf'`checkpoint` \(3\): {finished_run} has none of that minibatch\. It '
                                              r'has 2, 4;'):
    trained_networks.load_generator(finished_run, 3)
  with pytest.raises(errors.InputError, match=r'not a run'):
    checkpoints.steps(tmp_path)


@pytest.mark.parametrize('load', [trained_networks.load_generator, trained_networks.load, trained_networks.load_model])
def test_options_of_other_networks_than_the_checkpoint_has_are_told_before_any_is_built(run_copy, load):
  runs.save_options(run_copy, runs.load_options(run_copy).replace('networks', channels=10**7))
  with pytest.raises(errors.InputError, match=r'options\.json: `channels` \(10000000\) must be 4, as in .*ckpt-4'):
    load(run_copy)
