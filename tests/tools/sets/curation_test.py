"""Tests of what is kept, and why the rest is not."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tools.sets import curation

_NO_LIMITS = curation.Limits(
    min_eye_distance_px=1, max_outside_fraction=1, max_yaw_deg=180, max_pitch_deg=180, max_roll_deg=180,
    min_sharpness=0, min_brightness=0, max_brightness=255, min_eye_opening=0, min_change=0)


def _measured(num_faces, **values):
  """`num_faces` good faces, all different, with some values replaced."""
  rng = np.random.default_rng(0)
  good = {
      'keys': [f'{i}.jpg' for i in range(num_faces)], 'clips': np.zeros(num_faces, np.int64),
      'eye_distance_px': np.full(num_faces, 40.0), 'outside_fraction': np.zeros(num_faces),
      'yaw_deg': np.zeros(num_faces), 'pitch_deg': np.zeros(num_faces), 'roll_deg': np.zeros(num_faces),
      'mouth_opening': np.full(num_faces, 0.1), 'eye_openings': np.full([num_faces, 2], 0.3),
      'brightness': np.full(num_faces, 130.0), 'sharpness': np.full(num_faces, 200.0),
      'descriptors': rng.normal(0, 0.2, [num_faces, 256]).astype(np.float16)}
  return curation.Measured(**good | values)


@pytest.mark.parametrize('name, good, bad, reason', [
    ('eye_distance_px', 12, 10.34, ('eyes_near', 10.34, 12)), ('outside_fraction', 0.2, 0.345, ('outside', 0.345, 0.2)),
    ('yaw_deg', -40, -52.2, ('turned_left', 52.2, 40)), ('yaw_deg', 40, 41, ('turned_right', 41, 40)),
    ('pitch_deg', 35, 36, ('looks_up', 36, 35)), ('pitch_deg', -35, -36, ('looks_down', 36, 35)),
    ('brightness', 30, 12, ('too_dark', 12, 30)), ('brightness', 235, 241, ('too_bright', 241, 235)),
    ('sharpness', 30, 22, ('blurred', 0.11, 0.15))])
def test_value_beyond_its_limit_is_a_reason_with_both(name, good, bad, reason):
  values = np.array(getattr(_measured(5), name))
  values[1], values[3] = good, bad
  assert curation.reasons_against(_measured(5, **{name: values}), curation.Limits(), False) == [
      None, None, None, manifests.Reason(*reason), None]


def test_tilted_heads_open_mouths_and_closed_eyes_are_kept_unless_asked():
  faces = _measured(3, roll_deg=np.array([0, -90.0, 60]), mouth_opening=np.array([0.1, 0.6, 0]),
                    eye_openings=np.array([[0.3, 0.3], [0.02, 0.3], [0.02, 0.05]]))
  assert curation.reasons_against(faces, curation.Limits(), False) == [None] * 3
  assert curation.reasons_against(faces, curation.Limits(max_roll_deg=70, min_eye_opening=0.1), False) == [
      None, manifests.Reason('tilted', 90, 70), manifests.Reason('eyes_closed', 0.05, 0.1)]


def test_what_was_not_measured_rejects_nothing():
  unknown = {field.name: np.full([4, 2] if field.name == 'eye_openings' else 4, np.nan)
             for field in dataclasses.fields(curation.Measured) if field.name not in ('keys', 'clips', 'descriptors')}
  strict = curation.Limits(100, 0, 1, 1, 1, 1, 255, 255, 1)
  assert curation.reasons_against(_measured(4, **unknown), strict, False) == [None] * 4


def test_first_reason_is_the_one_given():
  faces = _measured(1, eye_distance_px=np.array([2.0]), yaw_deg=np.array([80.0]))
  assert curation.reasons_against(faces, curation.Limits(), True) == [
      manifests.Reason('eyes_near', 2, 12)]


def test_sharpness_is_relative_to_the_median_of_its_video():
  relative = curation.relative_sharpness(np.array([10.0, 20, 60, 300, np.nan, 600, 0, 0]),
                                         np.array([0, 0, 0, 1, 1, 1, 2, 2]))
  np.testing.assert_allclose(relative, [0.5, 1, 3, 2 / 3, np.nan, 4 / 3, np.nan, np.nan])


def test_changes_are_counted_from_the_last_kept_frame():
  # Frames drift by 0.1 along one axis: with 0.25 every third is kept.
  frames = np.zeros([7, 256], np.float32)
  frames[:, 0] = np.arange(7) * 0.1
  np.testing.assert_allclose(curation.changes(frames, 0.25), [np.inf, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3], atol=1e-6)


def test_unchanged_frames_of_each_video_go_and_come_back_expressions_stay():
  a, b = np.random.default_rng(1).normal(0, 0.2, [2, 256])
  faces = _measured(6, clips=np.array([0, 0, 0, 0, 1, 1]), descriptors=np.array([a, a + 1e-4, b, a, a, a]))
  changes = [1e-4 * 16, 0]  # 256 values, each changed by 1e-4
  expected = [None, changes[0], None, None, None, changes[1]]
  for reason, change in zip(curation.reasons_against(faces, curation.Limits(), True), expected):
    assert reason is None if change is None else reason == manifests.Reason(
        'unchanged', pytest.approx(change, abs=1e-6), 0.03)
  assert curation.reasons_against(faces, curation.Limits(), True, keep_duplicates=True) == [None] * 6
  assert curation.reasons_against(faces, _NO_LIMITS, True) == [None] * 6


def test_same_picture_is_left_out_with_the_key_of_the_one_that_stays():
  descriptors = np.array(_measured(4).descriptors)
  descriptors[2] = descriptors[0]
  faces = _measured(4, descriptors=descriptors, keys=['a.jpg', 'b/2.jpg', 'c.jpg', 'd.jpg'])
  assert curation.reasons_against(faces, curation.Limits(), False) == [
      None, None, manifests.Reason('same_picture', 'a.jpg'), None]
  assert curation.reasons_against(faces, curation.Limits(), False, keep_duplicates=True) == [None] * 4


def test_rejected_picture_takes_no_good_copy_with_it():
  descriptors = np.repeat(_measured(1).descriptors, 2, axis=0)
  faces = _measured(2, descriptors=descriptors, brightness=np.array([5.0, 130]))
  assert curation.reasons_against(faces, curation.Limits(), False)[1] is None


@pytest.mark.parametrize('num_faces', [0, 1])
def test_set_too_small_for_copies(num_faces):
  assert curation.reasons_against(_measured(num_faces), curation.Limits(), False) == [None] * num_faces
  assert curation.reasons_against(_measured(num_faces), curation.Limits(), True) == [None] * num_faces


@pytest.mark.parametrize('name, value', [
    ('min_eye_distance_px', 0), ('min_eye_distance_px', -1), ('min_eye_distance_px', float('nan')),
    ('max_outside_fraction', -0.1), ('max_outside_fraction', 1.5), ('max_yaw_deg', 0), ('max_yaw_deg', 181),
    ('max_pitch_deg', -5), ('max_roll_deg', float('nan')), ('min_sharpness', -1), ('min_sharpness', float('inf')),
    ('min_brightness', 256), ('max_brightness', -1), ('min_eye_opening', -0.1), ('min_change', float('nan'))])
def test_limit_out_of_its_range_is_refused(name, value):
  with pytest.raises(errors.InputError, match=rf'`{name}` \({value}\) must be .*\. Use '):
    curation.Limits(**{name: value})


def test_limits_of_brightness_that_leave_nothing_are_refused():
  with pytest.raises(errors.InputError, match=r'`min_brightness` \(200\) must be at most `max_brightness` \(100\)'):
    curation.Limits(min_brightness=200, max_brightness=100)
