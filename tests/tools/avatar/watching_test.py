"""Tests of tools.avatar.watching."""

import numpy as np
import pytest

from dcgan.control import names
from tools.avatar import watching
from tools.demo import clip as demo_clip
from tools.material import films
from tools.material import videos


def test_faces_from_the_side_and_glimpses_are_no_expressions():
  times_secs = np.arange(60) / 20
  raw = np.zeros([60, len(names.MEASURED)], np.float32)
  raw[5:20] = np.nan
  raw[10:13] = 0  # a glimpse of 0.15 s
  raw[30:33, names.MEASURED.index('headYaw')] = -70  # the side
  raw[40:44, names.MEASURED.index('headPitch')] = 50
  raw[58:] = np.nan
  expected = np.ones(60, bool)
  for start, stop in ((5, 20), (30, 33), (40, 44), (58, 60)):
    expected[start:stop] = False
  np.testing.assert_array_equal(watching.is_plain(times_secs, raw), expected)


def test_a_film_of_few_frames_is_seen():
  assert watching.is_plain(np.array([0.0]), np.zeros([1, len(names.MEASURED)])).all()


@pytest.mark.slow
def test_of_people_who_come_one_after_another_the_most_present_one_is_followed(tmp_path, somebody_else, caplog):
  one = [image for _, image in videos.Video(demo_clip.make_clip(tmp_path / 'a.mp4', 3.0, 10.0, 1, 384)).frames()]
  frames = one[:10] + [somebody_else] * 14 + one[10:]
  films.save_film(tmp_path / 'both.mp4', ((number / 10, image) for number, image in enumerate(frames)), fps=10)
  with caplog.at_level('INFO'):
    watched = watching.watch(tmp_path / 'both.mp4')
  assert '2 people are in the film: the most present one is followed.' in caplog.text
  np.testing.assert_array_equal(watched.is_seen, [True] * 10 + [False] * 14 + [True] * 20)
