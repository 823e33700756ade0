"""Tests of tools.avatar.watching."""

import numpy as np

from dcgan.control import names
from tools.avatar import watching


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
