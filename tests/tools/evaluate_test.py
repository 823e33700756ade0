"""Tests of tools.evaluate: its last line is the page, and wrong flags are told in one line."""

import pytest

from dcgan.options import config
from dcgan.training import session
from tests import commands
from tests.dcgan import conftest


@pytest.mark.slow
def test_the_table_ends_with_the_path_of_the_page(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(tmp_path / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=1))
  run = session.start(options, tmp_path / 'checkpoints').run
  made = commands.run('tools.evaluate', f'--run={run}', '--num_samples=12')
  assert made.returncode == 0, made.stderr
  lines = made.stdout.splitlines()
  assert lines[-1] == str(run / 'evaluation.html') and (run / 'evaluation.html').is_file()
  assert lines[0].split() == [run.name, 'at', '1', 'photos'] and any(line.startswith('Diversity  ') for line in lines)
  damaged = run / 'weights.h5'
  damaged.write_text('no weights', encoding='utf-8')
  refused = commands.run('tools.evaluate', f'--run={run}', f'--inception_weights={damaged}')
  assert refused.returncode == 1 and refused.stderr.startswith('error: ') and str(damaged) in refused.stderr
  assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [
    ([], '--run is needed: the folder that dcgan.train printed'),
    (['--run=a', '--num_samples=0'], '--num_samples=0'),
    (['--run=nowhere'], 'error: nowhere: not a run'),
    (['--run=a', '--checkpoint=newest'], 'error: `checkpoint` (newest) must be best, latest, all or the minibatch'),
    (['--run=a', '--out=b.pdf'], "error: `out` (b.pdf) must end in .html. Use --out=b.html."),
])
def test_wrong_input_is_told_with_exit_code_1(arguments, message):
  made = commands.run('tools.evaluate', *arguments)
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr
