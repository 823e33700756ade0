"""Tests of the demo clip: its files, and what it shows and when."""

import json
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from tools.demo import clip as demo_clip
from tools.demo import portrait as demo_portrait

_FPS = 12.0


def _make(folder, seed):
  return demo_clip.make_clip(folder / f'{seed}' / 'clip.mp4', 1.5, 4.0, seed, 128)


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


def _track(poses, name):
  return np.array([pose[name] for pose in poses])


def test_the_same_seed_gives_the_same_poses_and_another_seed_others():
  poses = demo_clip.make_poses(60, _FPS, 3)
  assert poses == demo_clip.make_poses(60, _FPS, 3)
  assert poses != demo_clip.make_poses(60, _FPS, 4)


@pytest.mark.parametrize('seed', range(5))
def test_twenty_seconds_show_every_expression_held_still(seed):
  poses = demo_clip.make_poses(240, _FPS, seed)
  for low, high, name in ((0, 1, 'jawOpen'), (-1, 1, 'mouthSmileLeft'), (-1, 1, 'mouthSmileRight'),
                          (0, 1, 'browInnerUp'), (0, 1, 'eyeBlinkLeft'), (0, 1, 'eyeBlinkRight')):
    amounts = _track(poses, name)
    assert low <= amounts.min() <= low + 0.01 and high - 0.2 <= amounts.max() <= high
    assert np.count_nonzero(amounts > high - 0.2) >= 10  # most of a second at its strongest
  for name in ('headYaw', 'headPitch', 'headRoll'):
    assert np.ptp(_track(poses, name)) > 10
    assert np.abs(np.diff(_track(poses, name))).max() < 4


def test_every_pose_names_every_control():
  for pose in demo_clip.make_poses(3, _FPS, 0):
    assert tuple(pose.controls) == demo_portrait.CONTROLS


def test_the_longest_and_the_shortest_clip_have_their_frames():
  assert len(demo_clip.make_poses(1, _FPS, 0)) == 1
  assert len(demo_clip.make_poses(1000, _FPS, 0)) == 1000


@pytest.mark.parametrize('change, message', [
    ({'out': 'clip.gif'}, r'`out` \(clip.gif\) must end with .mp4'),
    ({'duration_secs': 0.0}, r'`duration_secs` \(0.0\) must be above 0'),
    ({'duration_secs': -2.0}, r'`duration_secs` \(-2.0\) must be above 0'),
    ({'duration_secs': float('nan')}, r'`duration_secs` \(nan\) must be above 0'),
    ({'duration_secs': 0.01}, r'`duration_secs` \(0.01\) must hold at least one frame'),
    ({'fps': 0.0}, r'`fps` \(0.0\) must be above 0'),
    ({'fps': 1000.0}, r'`fps` \(1000.0\) must be .* at most 120'),
    ({'seed': -1}, r'`seed` \(-1\) must not be negative'),
    ({'size_px': 127}, r'`size_px` \(127\) must be even'),
    ({'size_px': 32}, r'`size_px` \(32\) must be .* from 64'),
])
def test_wrong_arguments_are_named_with_their_value(change, message):
  arguments = {'out': 'clip.mp4', 'duration_secs': 1.0, 'fps': 12.0, 'seed': 0, 'size_px': 128, **change}
  with pytest.raises(errors.InputError, match=message):
    demo_clip.make_clip(**arguments)


def test_without_scikit_image_the_error_names_the_extra(monkeypatch):
  monkeypatch.setitem(sys.modules, 'skimage', None)
  with pytest.raises(errors.InputError, match=r'scikit-image, which is not installed.*pip install \.\[demo\]'):
    demo_clip.load_photo()


def test_a_photo_without_a_face_is_an_error(monkeypatch, tmp_path):
  blind = type('Blind', (), {'find_all': lambda self, image: []})
  monkeypatch.setattr(demo_clip.landmarks, 'FaceFinder', blind)
  with pytest.raises(errors.InputError, match='`photo`.*must show a face'):
    demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 12.0, 0, 128)
  assert not list(tmp_path.iterdir())
