"""Tests of how units of work are spread over processes."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from dcgan.common import errors
from tools.sets import beam
from tools.sets import workers

ROOT = pathlib.Path(__file__).parents[3]


@dataclasses.dataclass(frozen=True)
class _Job:
  """Writes the square of its task, and who wrote it, to a file; dies at the task `fatal`, fails at `wrong`."""
  folder: str
  fatal: int = -1
  wrong: int = -1

  def __call__(self, task, on_event):
    if task == self.fatal:
      os.kill(os.getpid(), signal.SIGKILL)
    if task == self.wrong:
      raise errors.InputError(f'`task` ({task}) is wrong')
    for i in range(task):
      on_event(i)
    (pathlib.Path(self.folder) / str(task)).write_text(f'{task ** 2} {os.getpid()}', encoding='utf-8')


def _results(folder):
  return {int(path.name): int(path.read_text(encoding='utf-8').split()[0]) for path in folder.iterdir()}


def _processes(folder):
  return {int(path.read_text(encoding='utf-8').split()[1]) for path in folder.iterdir()}


def test_one_worker_is_this_process(tmp_path):
  events = []
  workers.run(_Job(tmp_path), [3, 1, 2], 1, events.append)
  assert _results(tmp_path) == {1: 1, 2: 4, 3: 9} and events == [0, 1, 2, 0, 0, 1]
  assert _processes(tmp_path) == {os.getpid()}


@pytest.mark.slow
def test_several_workers_are_other_processes_and_report_every_event(tmp_path):
  events = []
  workers.run(_Job(tmp_path), [3, 20, 2, 11], 2, events.append)
  assert _results(tmp_path) == {2: 4, 3: 9, 11: 121, 20: 400}
  assert sorted(events) == sorted([*range(3), *range(20), *range(2), *range(11)])
  assert os.getpid() not in _processes(tmp_path)


@pytest.mark.slow
def test_wrong_input_in_a_worker_is_told_here(tmp_path):
  with pytest.raises(errors.InputError, match=r'`task` \(2\) is wrong'):
    workers.run(_Job(tmp_path, wrong=2), [1, 2, 3], 2, lambda event: None)


@pytest.mark.slow
def test_a_worker_that_dies_is_told_with_a_way_on(tmp_path):
  with pytest.raises(errors.InputError, match=r'one of 2 worker processes died.*smaller --num_workers'):
    workers.run(_Job(tmp_path, fatal=2), [1, 2, 3], 2, lambda event: None)


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path):
  script = ('from tests.tools.sets import workers_test\nfrom tools.sets import workers\n'
            f'workers.run(workers_test.Sleeper({str(tmp_path)!r}), [1, 2], 2, lambda event: None)\n')
  parent = subprocess.Popen([sys.executable, '-c', script], cwd=ROOT)
  deadline = time.monotonic() + 60
  while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
    time.sleep(0.1)
  children = [int(path.name) for path in tmp_path.iterdir()]
  assert len(children) == 2
  parent.kill()
  parent.wait()
  while any(_is_alive(child) for child in children) and time.monotonic() < deadline:
    time.sleep(0.1)
  assert not any(_is_alive(child) for child in children)


@dataclasses.dataclass(frozen=True)
class Sleeper:
  """Leaves a file named after its process, and then works for long."""
  folder: str

  def __call__(self, task, on_event):
    (pathlib.Path(self.folder) / str(os.getpid())).touch()
    time.sleep(300)


def _is_alive(process_id):
  try:
    state = pathlib.Path(f'/proc/{process_id}/stat').read_text(encoding='utf-8').rsplit(')', 1)[1].split()[0]
  except FileNotFoundError:
    return False
  return state != 'Z'


@pytest.mark.slow
def test_beam_runs_every_task_in_processes_of_its_own(tmp_path):
  options = ['--direct_running_mode=multi_processing', '--direct_num_workers=2']
  beam.run(_Job(str(tmp_path)), [3, 1, 2, 7], lambda event: None, options)
  assert _results(tmp_path) == {1: 1, 2: 4, 3: 9, 7: 49}
  assert os.getpid() not in _processes(tmp_path)


@pytest.mark.slow
def test_beam_tells_wrong_input_in_one_line(tmp_path):
  with pytest.raises(errors.InputError, match=r'`task` \(2\) is wrong'):
    beam.run(_Job(str(tmp_path), wrong=2), [1, 2], lambda event: None, ['--direct_running_mode=multi_processing'])


def test_beam_that_is_not_installed_names_the_extra(monkeypatch):
  monkeypatch.setitem(sys.modules, 'apache_beam', None)
  with pytest.raises(errors.InputError, match=r"`runner` \('beam'\).*not installed.*pip install '\.\[beam\]'"):
    beam.run(_Job('.'), [1], lambda event: None, [])
