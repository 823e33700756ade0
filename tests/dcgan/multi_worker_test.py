"""Tests of training by several processes on loopback, as TF_CONFIG tells them."""

import json
import signal
import socket

import numpy as np
import pytest

from tests import commands
from tests.dcgan import conftest
from tests.dcgan.training import run_contents

FLAGS = ('--preset=person', '--image_size=8', '--channels=4', '--kernel_size=3', '--global_batch_size=16',
         '--checkpoint_every_steps=2', '--r1_every_steps=2', '--precision=float32', '--learning_rate=0.01',
         '--alone_visits=0')


def free_ports(count):
  sockets = [socket.socket() for _ in range(count)]
  for each in sockets:
    each.bind(('127.0.0.1', 0))
  ports = [each.getsockname()[1] for each in sockets]
  for each in sockets:
    each.close()
  return ports


def start(arguments, environment):
  # Each with a hash seed of its own: no order of a set may decide in which order workers meet.
  return commands.start('dcgan.train', *arguments, environment=environment, is_fresh=True)


def start_workers(*arguments):
  """Starts two workers that train together; returns their processes."""
  workers = [f'127.0.0.1:{port}' for port in free_ports(2)]
  return [start(arguments, {'TF_CONFIG': json.dumps({'cluster': {'worker': workers},
                                                     'task': {'type': 'worker', 'index': index}})})
          for index in range(2)]


def finish(*processes):
  """Waits for processes; returns (exit code, standard output, standard error) of each."""
  try:
    return [(process.returncode, *output) for process in processes for output in [process.communicate(timeout=240)]]
  finally:
    for process in processes:
      process.kill()


@pytest.fixture(name='drawn', scope='module')
def fixture_drawn(tmp_path_factory):
  prefix = tmp_path_factory.mktemp('records') / 'drawn'
  conftest.make_set(prefix, 40)
  return f'--records={prefix}'


@pytest.mark.slow
def test_two_workers_train_as_one_device_does(drawn, tmp_path):
  arguments = (drawn, *FLAGS, '--num_minibatches=4')
  (code, _, stderr), = finish(start((*arguments, f'--checkpoints_dir={tmp_path}/one'), {}))
  assert code == 0, stderr
  chief, other = finish(*start_workers(*arguments, f'--checkpoints_dir={tmp_path}/two'))
  assert chief[0] == other[0] == 0, chief[2] + other[2]
  assert [path.name for path in (tmp_path / 'two').iterdir()] == ['00000-drawn8']  # the chief's alone
  assert chief[1].splitlines()[-1] == f'{tmp_path}/two/00000-drawn8' and '2 × CPU on 2 workers' in chief[2]
  one, two = tmp_path / 'one' / '00000-drawn8', tmp_path / 'two' / '00000-drawn8'
  for left, right in zip(run_contents.stats(one), run_contents.stats(two), strict=True):
    assert left.keys() == right.keys() and left['global_step'] == right['global_step']
    for name in left.keys() & {'loss/generator', 'loss/discriminator', 'logits/real', 'penalty/r1'}:
      assert right[name] == pytest.approx(left[name], rel=1e-3, abs=1e-4), name
  left, right = run_contents.variables(one), run_contents.variables(two)
  assert left.keys() == right.keys()
  for key in left:
    if 'generator/' in key and 'OPTIMIZER_SLOT' not in key and 'moving_variance' not in key:
      # Adam moves a weight by its rate whichever way a gradient near 0 points: some go the other way.
      assert np.isclose(right[key], left[key], rtol=1e-2, atol=2e-3).mean() > 0.9, key


@pytest.mark.slow
def test_a_lost_worker_ends_the_others_with_a_line_and_a_signal_to_one_saves_for_all(drawn, tmp_path):
  arguments = (*FLAGS, '--checkpoint_every_steps=10', '--num_minibatches=1000000', '--best_by=none')
  run = tmp_path / '00000-drawn8'
  chief, other = start_workers(drawn, *arguments, f'--checkpoints_dir={tmp_path}')
  commands.wait_for((run / 'ckpt-10.index').exists, chief)
  other.kill()
  (code, stdout, stderr), _ = finish(chief, other)
  assert code == 1 and stdout == '' and 'Traceback' not in stderr
  last = stderr.splitlines()[-1]
  assert last.startswith('error: another worker was lost (') and '--resume' in last
  # Both resume from what is there; SIGTERM to the one that does not keep the run stops both, saved.
  before = {path.name for path in run.glob('ckpt-*.index')}
  chief, other = start_workers(f'--resume={run}')
  commands.wait_for(lambda: {path.name for path in run.glob('ckpt-*.index')} - before, chief)
  other.send_signal(signal.SIGTERM)
  for code, _, stderr in finish(chief, other):
    assert code == 128 + signal.SIGTERM and 'SIGTERM at minibatch' in stderr and 'Traceback' not in stderr, stderr
  assert 'the chief keeps the run' in stderr and 'dcgan-worker-' not in stderr  # the other's, which is the last
  steps = [line['global_step'] for line in run_contents.stats(run) if 'loss/generator' in line]
  assert steps == sorted(set(steps)) and (run / f'ckpt-{steps[-1]}.index').is_file()
