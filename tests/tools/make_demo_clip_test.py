"""Tests of the command that makes the demo clip."""

import pytest

from tests import commands
from tools.demo import clip as demo_clip


def test_a_bad_flag_ends_with_one_line_and_exit_code_1():
  done = commands.run('tools.make_demo_clip', '--fps=-3')
  assert done.returncode == 1
  assert done.stderr == 'error: `fps` (-3.0) must be above 0 and at most 120. Use 12.\n'
  assert not done.stdout


@pytest.mark.slow
def test_the_clip_is_the_one_that_the_flags_describe_and_its_path_the_last_line(tmp_path):
  done = commands.run('tools.make_demo_clip', f'--out={tmp_path}/command.mp4', '--duration_secs=0.5', '--fps=4',
                      '--seed=5', '--size_px=64')
  assert done.returncode == 0 and done.stdout.splitlines() == [f'{tmp_path}/command.mp4'], done.stderr
  called = demo_clip.make_clip(tmp_path / 'called.mp4', 0.5, 4.0, 5, 64)
  assert (tmp_path / 'command.mp4').read_bytes() == called.read_bytes()
