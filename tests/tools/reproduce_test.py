"""Tests of the reproduce command: its flags, a whole experiment, and how it is interrupted and goes on."""

import json
import signal

import pytest

from tests import commands
from tests.dcgan import conftest


@pytest.mark.parametrize('arguments, message', [
    ([], '--experiment is needed: 1, 2, 3, 4 or 5, as in'),
    (['--experiment=6', '--records=a'], '--experiment (6) must be 1, 2, 3, 4 or 5.'),
    (['--experiment=0'], '--experiment (0) must be 1, 2, 3, 4 or 5.'),
    (['--experiment=2'], '--records is needed: the set of experiment 2, as `python -m tools.make_records '
     '--photos=FOLDER --limit=64 --align=off'),
    (['--experiment=4', '--records=a'], '--between_records is needed: the video of --records at more frames a second'),
    (['--experiment=2', '--records=a', '--between_records=b'], '--between_records is of use with --experiment=4 only, '
     'not with 2'),
    (['--experiment=2', '--records=a', '--beside=b'], '--beside is of use with --experiment=3 only, not with 2'),
    (['--experiment=1', '--records=a', '--minibatch_sizes=9'], '--minibatch_sizes is of use with --experiment=2 or 3 '
     'only, not with 1'),
    (['--experiment=3', '--records=a', '--init_from=b'], '--init_from is of use with --experiment=4 or 5 only, not'),
    (['--experiment=4', '--records=a', '--long_minibatches=9'], '--long_minibatches is of use with --experiment=5'),
    (['--experiment=5', '--records=a', '--channels=32'], '--channels is of use with --experiment=1, 2, 3 or 4 only'),
    (['--experiment=5', '--records=a', '--image_size=32'], '--image_size is of use with --experiment=1, 2, 3 or 4'),
    (['--experiment=1', '--records=a', '--seeds=0,x'], '--seeds (x) must be whole numbers, as in --seeds=1,2.'),
    (['--experiment=1', '--records=a', '--seeds='], '--seeds (nothing) must be one number or more'),
    (['--experiment=1', '--records=a', '--num_samples=10'], '--num_samples=10'),
])
def test_wrong_flags_are_told(arguments, message):
  made = commands.run('tools.reproduce', *arguments)
  told = ' '.join((made.stderr + made.stdout).split())
  assert made.returncode == 1 and message in told and 'Traceback' not in told


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [
    (['--records=nowhere/a'], 'nowhere/a.json: no manifest'),
    (['--records=nowhere/a', '--num_minibatches=0'], '`num_minibatches` (0) must be 1 or more'),
])
def test_what_cannot_be_done_is_one_line(arguments, message):
  made = commands.run('tools.reproduce', '--experiment=1', *arguments)
  assert made.returncode == 1 and made.stderr.startswith('error: ') and message in made.stderr
  assert len(made.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_an_interrupted_experiment_goes_on_and_ends_with_its_page(tmp_path):
  conftest.make_set(str(tmp_path / 'drawn'), 9)
  out = tmp_path / 'out'
  flags = ['--experiment=1', f'--records={tmp_path / "drawn"}', '--channels=2', '--image_size=8', '--num_samples=64',
           f'--out={out}']
  process = commands.start('tools.reproduce', *flags, '--num_minibatches=100000')
  commands.wait_for(lambda: list(out.glob('*/stats.jsonl')), process)
  process.send_signal(signal.SIGINT)
  stdout, stderr = process.communicate(timeout=60)
  assert process.returncode == 130 and stdout.splitlines()[-1] == str(out), stderr
  assert 'Experiment 1 is not done. The same command goes on where it stopped.' in stderr
  run, = out.iterdir()
  step = int((run / 'checkpoint').read_text(encoding='utf-8').split('ckpt-')[1].split('"')[0])
  made = commands.run('tools.reproduce', *flags, f'--num_minibatches={step + 3}')
  assert made.returncode == 0 and made.stdout.splitlines()[-1] == f'{out}/experiment1.html', made.stderr
  results = json.loads((out / 'experiment1.json').read_text(encoding='utf-8'))
  assert results['runs'][0]['run'] == str(run) and results['runs'][0]['step'] == step + 3
  assert [path for path in out.iterdir() if path.is_dir()] == [run]
