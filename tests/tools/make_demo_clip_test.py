"""Tests of the command that makes the demo clip."""

import json
import pathlib
import subprocess
import sys

from absl.testing import flagsaver
import imageio.v3 as iio
import numpy as np
import pytest

from tools import demo_clip
from tools import demo_portrait
from tools import make_demo_clip

_ROOT = pathlib.Path(__file__).parents[2]


def _make(folder, seed):
  out = str(folder / f'{seed}' / 'clip.mp4')
  with flagsaver.flagsaver(out=out, duration_secs=1.5, fps=4.0, seed=seed, size_px=128):
    return pathlib.Path(make_demo_clip.main())


@pytest.fixture(scope='module', name='clip')
def _clip(tmp_path_factory):
  return _make(tmp_path_factory.mktemp('clip'), 5)


def test_the_video_has_duration_times_fps_frames(clip):
  assert clip.name == 'clip.mp4'
  assert iio.imread(clip, plugin='pyav').shape == (6, 128, 128, 3)


def test_the_truth_has_an_entry_for_each_frame(clip):
  truth = json.loads(demo_clip.truth_path(clip).read_text())
  assert (truth['version'], truth['seed'], truth['fps'], truth['size_px']) == (1, 5, 4.0, 128)
  assert [frame['index'] for frame in truth['frames']] == list(range(6))
  assert [frame['time_secs'] for frame in truth['frames']] == [0, 0.25, 0.5, 0.75, 1.0, 1.25]
  for frame in truth['frames']:
    assert tuple(frame['controls']) == demo_portrait.CONTROLS
    assert np.shape(frame['transform']) == (2, 3)
    assert 0 < frame['image_left_eye'][0] < frame['image_right_eye'][0] < 128


def test_nothing_but_the_video_and_its_truth_is_left(clip):
  assert sorted(path.name for path in clip.parent.iterdir()) == ['clip.mp4', 'clip.truth.json']


def test_the_same_seed_makes_the_same_clip_and_another_seed_another(clip, tmp_path):
  again, other = _make(tmp_path, 5), _make(tmp_path, 6)
  assert demo_clip.truth_path(again).read_bytes() == demo_clip.truth_path(clip).read_bytes()
  assert again.read_bytes() == clip.read_bytes()
  assert demo_clip.truth_path(other).read_bytes() != demo_clip.truth_path(clip).read_bytes()


def test_a_bad_flag_ends_with_one_line_and_exit_code_1():
  done = subprocess.run([sys.executable, '-m', 'tools.make_demo_clip', '--fps=-3'], cwd=_ROOT, text=True,
                        capture_output=True, check=False)
  assert done.returncode == 1
  assert done.stderr == 'error: `fps` (-3.0) must be above 0 and at most 120. Use 12.\n'
  assert not done.stdout
