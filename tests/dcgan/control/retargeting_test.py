"""Tests of dcgan.control.retargeting, by numbers worked by hand."""

import numpy as np
import pytest

from dcgan.control import calibration
from dcgan.control import retargeting

_NAMES = ('jawOpen', 'eyeBlinkLeft', 'headYaw')


def _person(rest, low, high, noise=(0.01, 0.01, 1.0)):
  return calibration.Calibration(_NAMES, *(np.array(each, np.float32) for each in (rest, low, high, noise)))


_SOURCE = _person([1.0, -0.3, 5.0], [0.9, -0.4, -10.0], [2.0, -0.1, 20.0])
_TARGET = _person([3.0, -0.5, 0.0], [2.9, -0.6, -8.0], [3.5, -0.2, 8.0])


def test_rest_becomes_rest_and_as_far_becomes_as_far():
  raw = [[1.0, -0.3, 5.0], [2.0, -0.1, 9.0], [1.5, -0.2, 1.0], [0.5, -0.9, 5.0]]
  np.testing.assert_allclose(retargeting.retarget(raw, _SOURCE, _TARGET),
                             [[0, 0, 0], [1, 1, 4], [0.5, 0.5, -4], [0, 0, 0]], atol=1e-6)


def test_heads_turn_as_far_as_the_person_does():
  np.testing.assert_allclose(retargeting.retarget([[1, -0.3, 50], [1, -0.3, -50]], _SOURCE, _TARGET)[:, 2], [8, -8])


def test_strength_multiplies_and_nothing_leaves_the_range():
  raw = [[1.25, -0.3, 7.0]]
  np.testing.assert_allclose(retargeting.retarget(raw, _SOURCE, _TARGET, strength=2)[0], [0.5, 0, 4], atol=1e-6)
  np.testing.assert_allclose(retargeting.retarget(raw, _SOURCE, _TARGET, strength=0)[0], [0, 0, 0], atol=1e-6)
  assert retargeting.retarget(raw, _SOURCE, _TARGET, strength=3).max() <= 8


def test_another_frame_counts_as_neutral():
  shown = retargeting.retarget([[1.5, -0.3, 8.0]], _SOURCE, _TARGET, neutral=[1.5, -0.3, 8.0])
  np.testing.assert_allclose(shown, 0, atol=1e-6)


def test_a_twitch_in_a_short_film_becomes_no_grimace():
  still = _person([1.0, -0.3, 5.0], [0.9, -0.31, 4.0], [1.01, -0.29, 6.0])
  shown = retargeting.retarget([[1.01, -0.3, 5.0]], still, _TARGET)[0, 0]
  assert shown == pytest.approx(0.01 / (0.6 * 0.5), rel=1e-3)  # 0.6 of the person's own reach of 0.5


def test_frames_without_a_face_and_absent_controls_are_not_given():
  absent = _person([3.0, -0.5, 0.0], [2.9, -0.6, -8.0], [3.01, -0.2, 8.0])  # a reach of one noise
  shown = retargeting.retarget([[1.5, -0.2, 5.0], [np.nan] * 3], _SOURCE, absent)
  assert np.isnan(shown[0, 0]) and np.isfinite(shown[0, 1:]).all() and np.isnan(shown[1]).all()


def test_a_gap_holds_then_fades_to_rest_and_meets_what_comes():
  times_secs = np.arange(0, 6, 0.1)
  values = np.full([60, 1], np.nan)
  values[:11], values[40:] = 1.0, 0.8  # seen up to 1.0 s and from 4.0 s on
  shown = retargeting.fill_gaps(times_secs, values, [0.2])[:, 0]
  np.testing.assert_allclose(shown[:11], 1)
  np.testing.assert_allclose(shown[11:14], 1, atol=1e-6)  # holds for 0.4 s
  assert shown[19] == pytest.approx(0.2 + 0.8 * 0.5, abs=0.01)  # 0.5 s into the fade of 1 s
  np.testing.assert_allclose(shown[24:37], 0.2, atol=1e-6)
  assert 0.2 < shown[38] < 0.8 and (np.diff(shown[37:41]) > 0).all()
  np.testing.assert_allclose(shown[40:], 0.8)
  assert np.abs(np.diff(shown)).max() < 0.4


def test_a_film_that_begins_without_a_face_begins_at_rest_and_one_that_ends_so_ends_there():
  values = np.full([80, 2], np.nan)
  values[30:40] = [1, 0.5]
  shown = retargeting.fill_gaps(np.arange(80) / 10, values, [0, 0])
  np.testing.assert_allclose(shown[:27], 0)
  np.testing.assert_allclose(shown[-10:], 0, atol=1e-6)
  assert np.isfinite(shown).all()


def test_a_short_gap_is_bridged():
  values = np.array([[0.0], [np.nan], [np.nan], [0.9]])
  shown = retargeting.fill_gaps([0.0, 0.1, 0.2, 0.3], values, [0.5])[:, 0]
  assert (np.diff(shown) > 0).all()


def test_parts_hold_what_they_name():
  names = ('headYaw', 'jawOpen', 'mouthSmileLeft', 'eyeBlinkLeft', 'browInnerUp', 'noseSneerLeft')
  of = lambda part: {name for name in names if retargeting.part_of(name, part)}
  assert of('head') == {'headYaw'}
  assert of('mouth') == {'jawOpen', 'mouthSmileLeft'}
  assert of('eyes') == {'eyeBlinkLeft', 'browInnerUp'}
  assert of('face') == {'jawOpen', 'mouthSmileLeft', 'eyeBlinkLeft', 'browInnerUp', 'noseSneerLeft'}
