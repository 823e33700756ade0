"""Tests of the experiments that there are: each says all that is asked of it, and is listed without loading much."""

import pathlib
import re
import subprocess
import sys

import pytest

from tools import make_records
from tools.experiments import experiment
from tools.experiments import experiment4_video
from tools.experiments import registry

ROOT = pathlib.Path(__file__).parents[3]


def test_each_file_of_an_experiment_has_its_number_and_is_listed():
  listed = [pathlib.Path(sys.modules[one.__module__].__file__).stem for one in registry.EXPERIMENTS]
  there = sorted(path.stem for path in (ROOT / 'tools' / 'experiments').glob('experiment[0-9]*.py'))
  assert listed == there
  assert [one.number for one in registry.EXPERIMENTS] == [int(re.search(r'\d+', name)[0]) for name in there]


@pytest.mark.parametrize('one', registry.EXPERIMENTS, ids=lambda one: one.__name__)
def test_each_says_what_it_is(one):
  assert issubclass(one, experiment.Experiment) and one.title.startswith(f'Experiment {one.number}: ')
  assert all(getattr(one, name) for name in ('did', 'differs', 'kinds', 'make', 'flags')) and one.num_minibatches > 0
  assert (ROOT / 'tools' / one.template).is_file()


@pytest.mark.parametrize('one', registry.EXPERIMENTS, ids=lambda one: one.__name__)
def test_its_flags_are_flags_of_the_command(one):
  defined = re.findall(r"(?:flags\.DEFINE_\w+|entry\.define_paths?)\('(\w+)'", (ROOT / 'tools' / 'reproduce.py').read_text(encoding='utf-8'))
  assert set(one.flags) <= set(defined) and set(one.needed) <= set(one.flags)


def test_commands_that_make_sets_have_only_flags_that_there_are():
  flags = set(make_records.flags.FLAGS)
  for command in [one.make for one in registry.EXPERIMENTS] + [experiment4_video.MAKE_BETWEEN]:
    assert command.startswith('python -m tools.make_records --')
    assert set(re.findall(r'--(\w+)=', command)) <= flags


def test_wrong_flags_are_told_without_loading_anything_slow():
  program = 'from tools.experiments import registry; import sys; print(*sys.modules)'
  made = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True, check=True)
  assert not {'tensorflow', 'mediapipe', 'cv2', 'jax', 'imageio', 'av', 'scipy', 'PIL'} & set(made.stdout.split())
