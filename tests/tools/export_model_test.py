"""Tests of tools.export_model."""

import hashlib
import json
import pathlib

import pytest

from dcgan.model import weights
from dcgan.options import config
from dcgan.training import checkpoints
from dcgan.training import runs
from dcgan.training import session
from tests import commands
from tests.dcgan import conftest
from tools.evaluation import evaluator

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(name='run')
def fixture_run(tmp_path):
  """Path of a run that kept its checkpoints of minibatches 2 and 4."""
  conftest.make_set(tmp_path / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(tmp_path / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=4),
                          periods=config.Periods(checkpoint_every_steps=2))
  return session.start(options, tmp_path / 'checkpoints').run


def export(*arguments):
  return commands.run('tools.export_model', *arguments)


@pytest.mark.slow
def test_the_best_by_evaluation_is_written_with_its_numbers_and_checksum(run, tmp_path):
  made = export(f'--run={run}', f'--out={tmp_path}/faces8.safetensors', '--num_samples=64')
  assert made.returncode == 0, made.stderr
  path = pathlib.Path(made.stdout.splitlines()[-1])
  assert path == tmp_path / 'faces8.safetensors'
  chosen = evaluator.choose_checkpoint(run, num_samples=64)
  model = weights.load(path)
  assert model.step == chosen.step and model.options.networks == runs.load_options(run).networks
  told = json.loads(path.with_suffix('.json').read_text(encoding='utf-8'))
  assert told['sha256'] == hashlib.sha256(path.read_bytes()).hexdigest()
  assert told['measures'] == chosen.measures and told['step'] == chosen.step


@pytest.mark.slow
def test_a_named_checkpoint_is_written_into_the_runs_folder(run):
  made = export(f'--run={run}', '--checkpoint=2', '--num_samples=64')
  assert made.returncode == 0, made.stderr
  path = pathlib.Path(made.stdout.splitlines()[-1])
  assert path.parent == run and weights.load(path).step == 2


@pytest.mark.slow
def test_another_ending_is_refused_and_nothing_written(run):
  made = export(f'--run={run}', '--out=faces.h5', '--checkpoint=latest', '--num_samples=64')
  assert made.returncode == 1 and 'must end in .safetensors' in made.stderr and 'Traceback' not in made.stderr
  assert checkpoints.steps(run) and not (ROOT / 'faces.h5').exists()
