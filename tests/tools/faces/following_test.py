"""Tests of tools.faces.following, on the demo clip and on drawn courses."""

import numpy as np
import pytest

from tools.demo import clip as demo_clip
from tools.faces import alignment
from tools.faces import appearance
from tools.faces import following
from tools.faces import landmarks
from tools.faces import smoothing
from tools.material import videos


@pytest.fixture(name='frames', scope='module')
def fixture_frames(tmp_path_factory):
  """(times, images) of the demo clip, 2 s."""
  path = demo_clip.make_clip(tmp_path_factory.mktemp('following') / 'a.mp4', 2.0, 12.0, 1, 384)
  return list(videos.Video(path).frames())


def _eyes(points):
  return points[list(landmarks.IRISES), :2]


@pytest.mark.slow
def test_the_face_is_where_it_is_found_anew(frames):
  follower, finder = following.Follower(), landmarks.FaceFinder()
  for time_secs, image in frames:
    followed, found = follower.follow(image, time_secs), finder.find_all(image)[0].landmarks
    assert np.linalg.norm(_eyes(followed) - _eyes(found), axis=1).max() < 0.06 * np.ptp(_eyes(found)[:, 0])


@pytest.mark.slow
def test_a_face_that_leaves_and_comes_back_elsewhere_is_followed_again(frames):
  follower = following.Follower()
  seen = []
  for number in range(36):
    image = frames[number % len(frames)][1]
    shown = np.full([400, 900, 3], 90, np.uint8)
    if not 12 <= number < 24:
      x = 10 if number < 12 else 500
      shown[8:392, x:x + 384] = image
    points = follower.follow(shown, number / 12)
    seen.append(None if points is None else float(points[1, 0]))
  assert all(x is not None and x < 394 for x in seen[:12])
  assert seen[13:24] == [None] * 11
  assert all(x is not None and x > 500 for x in seen[26:])


@pytest.fixture(name='means', scope='module')
def fixture_means(frames, somebody_else):
  """What the one of the clip looks like, and the other one."""
  means = []
  for image in (frames[0][1], somebody_else):
    face = landmarks.FaceFinder().find_all(image)[0]
    means.append(appearance.describe(alignment.align(image, face.landmarks, face.eyes).image).astype(float))
  return means


@pytest.mark.slow
def test_the_right_one_of_two_is_followed(frames, somebody_else, means):
  for first in (0, 1):
    follower = following.Follower(following.Looks(np.array([means[first], means[1 - first]])))
    for time_secs, image in frames[:6]:
      points = follower.follow(np.concatenate([image, somebody_else], axis=1), time_secs)
      assert (points[1, 0] > 384) == (first == 1)


@pytest.mark.slow
def test_after_a_cut_to_somebody_else_in_the_same_place_nobody_is_seen(frames, somebody_else, means):
  follower = following.Follower(following.Looks(np.array(means)))
  shown = [image for _, image in frames[:6]] + [somebody_else] * 6 + [image for _, image in frames[6:12]]
  seen = [follower.follow(image, number / 12) is not None for number, image in enumerate(shown)]
  assert seen == [True] * 6 + [False] * 6 + [True] * 6
  # Of a film with one person all takes are seen.
  follower = following.Follower()
  assert all(follower.follow(image, number / 12) is not None for number, image in enumerate(shown))


def _course(num_frames, seed=0):
  """Returns drawn landmarks of a face that sways and trembles, [num_frames, 478, 3], and their times."""
  rng = np.random.default_rng(seed)
  face = rng.uniform(100, 200, size=[478, 3])
  times_secs = np.arange(num_frames) / 30
  sway = 10 * np.sin(times_secs)[:, np.newaxis, np.newaxis]
  return times_secs, (face + sway + rng.normal(scale=0.3, size=[num_frames, 478, 3])).astype(np.float32)


def test_short_films_are_steadied_as_sets_are():
  times_secs, points = _course(80)
  found = list(following.steadied(zip(times_secs, points)))
  np.testing.assert_allclose([each for _, each in found], smoothing.smooth(points, times_secs), atol=1e-3)


def test_long_films_are_steadied_in_parts_without_a_seam():
  times_secs, points = _course(700)
  given = []

  def frames():
    for i, frame in enumerate(zip(times_secs, points)):
      given.append(i)
      yield frame

  found = []
  for time_secs, each in following.steadied(frames()):
    assert len(given) - len(found) < 300  # in constant memory
    found.append((time_secs, each))
  assert [time for time, _ in found] == list(times_secs)
  trembles = lambda course: np.abs(np.diff(np.asarray(course), 2, axis=0)).mean(axis=(1, 2))
  shown = trembles([each for _, each in found])[2:-2]  # the ends know less
  assert shown.max() < 2 * np.median(shown) and np.median(shown) < 0.6 * np.median(trembles(points))


def test_frames_without_a_face_stay_so_at_their_times():
  times_secs, points = _course(60)
  frames = [(secs, None if 20 <= i < 30 else each) for i, (secs, each) in enumerate(zip(times_secs, points))]
  found = list(following.steadied(frames))
  assert [each is None for _, each in found] == [20 <= i < 30 for i in range(60)]
  assert list(following.steadied([(0.0, None), (0.1, None)])) == [(0.0, None), (0.1, None)]
