"""Tests of the whole way, command by command as the pages show it, each taking what the one before printed last."""

import json
import pathlib
import re
import shlex

import imageio.v3 as iio
import numpy as np
import pytest

from tests import commands

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ('README.md', 'WORKSPACE.md', 'DECISIONS.md', 'MEASUREMENTS.md', 'records/README.md', 'checkpoints/README.md',
         'Makefile', 'dcgan/train.py', 'tools/animate.py', 'tools/drive.py', 'tools/export_model.py',
         'tools/find_expression.py', 'tools/fit_controls.py', 'tools/pose.py',
         'tools/make_avatar.py', 'tools/make_demo_clip.py', 'tools/make_gallery.py', 'tools/make_records.py',
         'tools/show_records.py', 'tools/evaluate.py', 'tools/reproduce.py', 'tools/benchmark.py', 'tools/speak.py',
         'tools/train_speech.py')


def documented_commands():
  """Returns every command `python -m module --flag=value ...` that a page shows, without what a shell fills in."""
  commands = set()
  for page in PAGES:
    text = (ROOT / page).read_text(encoding='utf-8')
    for match in re.finditer(r'(?:python -m|^  ?run|^run) ((?:dcgan|tools)\.\w+)((?: --?[\w=./,:]+|=?\$\$\w+)*)', text,
                             re.MULTILINE):
      commands.add((match[1],) + tuple(flag for flag in shlex.split(match[2]) if '$$' not in flag))
  return sorted(commands)


def last_line(*command):
  """Runs a command and returns the last line of its standard output."""
  made = commands.run(*command, is_fresh=True)
  assert made.returncode == 0, made.stderr
  return made.stdout.splitlines()[-1]


def test_the_pages_show_every_command():
  assert {command[0] for command in documented_commands()} >= {
      'dcgan.train', 'tools.animate', 'tools.evaluate', 'tools.export_model', 'tools.make_avatar',
      'tools.make_demo_clip', 'tools.make_gallery', 'tools.make_records', 'tools.reproduce', 'tools.show_records'}


@pytest.mark.parametrize('command', documented_commands(), ids=' '.join)
def test_every_documented_command_has_flags_that_exist(command):
  flags = [flag for flag in command[1:] if not flag.endswith('=') and not flag.startswith('--flagfile')]
  made = commands.run(command[0], *flags, '--only_check_args')
  assert made.returncode == 0, made.stderr


def test_the_benchmarks_that_pages_name_exist():
  named = {word for page in PAGES for word in re.findall(
      r'python -m tools\.benchmark (\w+)', (ROOT / page).read_text(encoding='utf-8'))}
  told = commands.run('tools.benchmark', 'none').stderr
  assert named == set(re.search(r"Unknown subject 'none': choose one of ([\w, ]+)\.", told)[1].split(', '))


@pytest.mark.slow
def test_a_video_becomes_a_model_and_an_animation(tmp_path):
  clip = last_line('tools.make_demo_clip', f'--out={tmp_path}/clip.mp4', '--duration_secs=2', '--fps=6')
  assert len(json.loads(pathlib.Path(clip).with_suffix('.truth.json').read_text(encoding='utf-8'))['frames']) == 12
  records = last_line('tools.make_records', f'--video={clip}', '--fps=6', f'--records_dir={tmp_path}/records')
  assert records == f'{tmp_path}/records/clip'
  assert json.loads(pathlib.Path(f'{records}.json').read_text(encoding='utf-8'))['num_images'] == 12
  sheet = last_line('tools.show_records', f'--records={records}')
  assert iio.imread(sheet).shape[2] == 3
  run = last_line('dcgan.train', f'--records={records}', f'--checkpoints_dir={tmp_path}/runs', '--image_size=64',
                  '--channels=8', '--global_batch_size=8', '--num_minibatches=30', '--minibatches=overlapping', '--crop=140',
                  '--augment=colour,translation,cutout')
  assert run == f'{tmp_path}/runs/00000-clip64'
  first, last = (iio.imread(pathlib.Path(run) / f'samples_{step:06d}.png').astype(float) for step in (0, 30))
  reals = iio.imread(pathlib.Path(run) / 'reals.png')[2:66, 2:66].astype(float)
  # Thirty minibatches make no face, but the samples move toward the colours of the pictures.
  error = lambda grid: np.abs(grid[2:66, 2:66].mean(axis=(0, 1)) - reals.mean(axis=(0, 1))).mean()
  assert error(last) < error(first)
  animation = last_line('tools.animate', f'--run={run}', '--source=3', '--target=17')
  assert iio.imread(animation).shape == (40, 256, 256, 3)
  more = last_line('dcgan.train', f'--records={records}', f'--checkpoints_dir={tmp_path}/runs', '--image_size=64',
                   '--channels=8', '--global_batch_size=8', '--num_minibatches=2', '--crop=140', f'--init_from={run}')
  assert more == f'{tmp_path}/runs/00001-clip64-from-clip64'
