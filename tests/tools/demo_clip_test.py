"""Tests of what the demo clip shows and when."""

import sys

import numpy as np
import pytest

from dcgan import errors
from tools import demo_clip
from tools import demo_portrait

_FPS = 12.0


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
  blind = type('Blind', (), {'find': lambda self, image: None})
  monkeypatch.setattr(demo_clip.landmarks, 'FaceFinder', blind)
  with pytest.raises(errors.InputError, match='`photo`.*must show a face'):
    demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 12.0, 0, 128)
  assert not list(tmp_path.iterdir())
