"""Tests of where irises are put behind closed lids; heads that move by known amounts are the oracle."""

import numpy as np
import pytest

from tools.faces import closed_eyes
from tools.faces import landmarks

_IRIS_POINTS = np.s_[468:478]
_UPPER_LIDS, _LOWER_LIDS = [160, 159, 158, 385, 386, 387], [144, 145, 153, 380, 374, 373]


def _film(astronaut, num_frames=90, fps=30.0):
  """Returns a real face's landmarks that turn in the picture, come nearer and wander, and their times."""
  points = landmarks.FaceFinder().find_all(astronaut)[0].landmarks.astype(np.float64)
  times = np.arange(num_frames) / fps
  flat = points[:, 0] + 1j * points[:, 1]
  secs = times[:, np.newaxis]
  moved = (1 + 0.1 * secs) * np.exp(0.3j * np.sin(secs)) * flat + 40 * secs
  return np.stack([moved.real, moved.imag, np.repeat(points[np.newaxis, :, 2], num_frames, axis=0)], axis=2), times


def _shut(film, frames):
  """Closes the eyes in some frames, and moves the irises there to a wrong place."""
  film = film.copy()
  upper, lower = film[frames][:, _UPPER_LIDS], film[frames][:, _LOWER_LIDS]
  film[frames, _UPPER_LIDS] = upper + 0.9 * (lower - upper)
  film[frames, 468:478, :2] += [2.0, 5.0]
  return film


@pytest.mark.parametrize('frames', [slice(20, 26), slice(0, 6), slice(60, 90)], ids=['middle', 'start', 'end'])
def test_irises_behind_lids_go_where_the_head_has_them(astronaut, frames):
  film, times = _film(astronaut)
  placed = closed_eyes.place(_shut(film, frames), times)
  np.testing.assert_allclose(placed[:, _IRIS_POINTS, :2], film[:, _IRIS_POINTS, :2], atol=0.05)


def test_gaze_of_open_eyes_is_kept_and_goes_straight_over_a_blink(astronaut):
  film, times = _film(astronaut)
  film = np.repeat(film[:1], len(film), axis=0)
  film[:, _IRIS_POINTS, 0] += np.linspace(0, 9, len(film))[:, np.newaxis]  # slowly looks to the right
  placed = closed_eyes.place(_shut(film, slice(40, 46)), times)
  np.testing.assert_allclose(placed[:, _IRIS_POINTS, :2], film[:, _IRIS_POINTS, :2], atol=0.05)


def test_nothing_but_the_irises_of_closed_eyes_is_moved(astronaut):
  film, times = _film(astronaut)
  wrong = _shut(film, slice(20, 26))
  placed = closed_eyes.place(wrong, times)
  np.testing.assert_array_equal(placed[:, :468], wrong[:, :468])
  np.testing.assert_array_equal(np.delete(placed, range(20, 26), axis=0), np.delete(wrong, range(20, 26), axis=0))
  np.testing.assert_array_equal(placed[..., 2], wrong[..., 2])


def test_too_few_open_eyes_teach_nothing(astronaut):
  film, times = _film(astronaut, num_frames=20)
  wrong = _shut(film, slice(15, 20))
  np.testing.assert_array_equal(closed_eyes.place(wrong, times), wrong)
