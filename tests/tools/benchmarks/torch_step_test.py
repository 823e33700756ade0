"""Tests of the comparison with PyTorch.

PyTorch is no requirement of the tests: what needs it is skipped unless TORCH_PYTHON names an interpreter that has it.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.model import networks
from tools.benchmarks import torch_step
from tools.benchmarks import training_step

_TORCH_PYTHON = os.environ.get('TORCH_PYTHON', sys.executable)


@pytest.fixture(scope='module', name='torch_python')
def fixture_torch_python():
  tried = subprocess.run([_TORCH_PYTHON, '-c', 'import torch'], capture_output=True, check=False)
  if tried.returncode:
    pytest.skip(f'{_TORCH_PYTHON} has no PyTorch')
  return _TORCH_PYTHON


def _options(precision='float32', preset='report', size=16, **options):
  made = training_step.bare_options(preset, size, 4, tf.distribute.OneDeviceStrategy('/cpu:0'), precision)
  return made.replace('networks', z_dims=4, channels=2, **options)


def _program(tmp_path, text):
  """Returns the path of a program that stands in for an interpreter."""
  path = pathlib.Path(tmp_path) / 'python'
  path.write_text(f'#!/bin/sh\n{text}\n', encoding='utf-8')
  path.chmod(0o755)
  return str(path)


def test_where_there_is_no_pytorch_one_line_says_how_to_get_it(tmp_path):
  python = _program(tmp_path, 'echo "ModuleNotFoundError: No module named \'torch\'" >&2; exit 1')
  results = list(torch_step.measure(1, 1, 2, [8], python))
  assert [result['text'] for result in results] == [
      f"PyTorch: not measured ({python}: ModuleNotFoundError: No module named 'torch'). Get it with: pip install "
      "'.[torch]'"]


def test_an_interpreter_that_is_none_is_told():
  with pytest.raises(errors.InputError, match=r'`torch_python` \(nowhere/python\) must be a Python interpreter: No'):
    list(torch_step.measure(1, 1, 2, [8], 'nowhere/python'))


def test_a_step_that_ends_is_told(tmp_path):
  with pytest.raises(errors.InputError, match='the step in PyTorch ended with exit code 3'):
    torch_step.TorchStep(_options(), _program(tmp_path, 'exit 3'))


def test_its_seconds_are_those_that_it_answers(tmp_path):
  python = _program(tmp_path, 'echo \'{"version": "9"}\'; while read steps; do echo "$steps.5"; done')
  with contextlib.closing(torch_step.TorchStep(_options(), python)) as step:
    assert step.facts == {'version': '9'}
    assert step.train(3) == 3.5 and step.train(7) == 7.5


@pytest.mark.slow
@pytest.mark.parametrize('options', [
    dict(kernel_size=3), dict(kernel_size=4), dict(kernel_size=5), dict(preset='person', size=64),
    dict(preset='person', size=128)], ids=str)
@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_its_networks_have_as_many_weights_as_ours_and_train(torch_python, precision, options):
  options = _options(precision, **options)
  ours = [sum(int(np.prod(variable.shape)) for variable in build(options.networks, 'float32').trainable_variables)
          for build in (networks.build_generator, networks.build_discriminator)]
  with contextlib.closing(torch_step.TorchStep(options, torch_python)) as step:
    assert step.facts['num_weights'] == ours
    assert step.train(2) > 0


@pytest.mark.slow
def test_our_step_and_its_are_compared_in_each_precision(torch_python):
  results = list(torch_step.measure(1, 1, 2, [8], torch_python))
  assert [result['title'] for result in results] == [
      f'{step}, 8 px, {precision}, images/s' for step in ('bare step', "bare step of a person's networks")
      for precision in ('float32', 'bfloat16')]
  assert all(result['names'][0] == 'ours' and result['names'][1].startswith('PyTorch ') for result in results)
  assert all(ratio > 0 for result in results for ratio in result['ratios'])
