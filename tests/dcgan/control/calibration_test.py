"""Tests of a person's ranges, on drawn measures whose rest and ends are known."""

import numpy as np
import pytest

from dcgan.control import calibration
from dcgan.control import names

_NAMES = ('eyeBlinkLeft', 'eyeLookUpLeft', 'jawOpen', 'mouthSmileLeft', 'mouthFrownLeft', 'browInnerUp', 'headYaw')
_NOISE = np.full(len(_NAMES), 0.01, np.float32)


def _film(num_pictures=1000, seed=0):
  """float64 [num_pictures, 7]: half at rest; a smile in a tenth, a frown in a twentieth, speech in a third."""
  rng = np.random.default_rng(seed)
  raw = rng.normal(0, 0.002, [num_pictures, len(_NAMES)]) + [-0.3, 0.0, 1.0, -0.2, 0.2, 0.25, 0.0]
  smile = np.zeros(num_pictures)
  smile[:num_pictures // 10] = 1
  smile[num_pictures // 10:num_pictures * 3 // 20] = -1
  raw[:, 3] += 0.15 * smile
  raw[:, 4] -= 0.15 * smile
  raw[num_pictures * 2 // 10:num_pictures // 2, 2] += rng.uniform(0, 0.4, num_pictures * 3 // 10)
  raw[num_pictures * 2 // 10:num_pictures // 4, 0] = -0.05  # blinks
  raw[num_pictures * 2 // 10:num_pictures // 4, 1] = 0.5  # what the mesh makes up behind them
  raw[:, 6] = rng.uniform(-20, 20, num_pictures)
  return raw


@pytest.fixture(scope='module', name='film')
def _film_fixture():
  return _film()


@pytest.fixture(scope='module', name='found')
def _found(film):
  return calibration.calibrate(film, _NOISE, _NAMES)


def test_rest_is_where_the_face_does_nothing_and_ends_are_where_it_goes(found):
  np.testing.assert_allclose(found.rest[:6], [-0.3, 0, 1, -0.2, 0.2, 0.25], atol=0.003)
  np.testing.assert_allclose(found.high[[0, 2, 3, 4]], [-0.05, 1.39, -0.05, 0.35], atol=0.015)
  assert -20 < found.low[6] < -19 and 19 < found.high[6] < 20


def test_ends_are_the_1st_and_the_99th_percentile():
  raw = np.repeat(np.arange(101.0)[:, np.newaxis], len(_NAMES), axis=1)
  found = calibration.calibrate(np.delete(raw, 0, axis=1), _NOISE[1:], _NAMES[1:])
  np.testing.assert_allclose(found.low, 1)
  np.testing.assert_allclose(found.high, 99)


def test_values_are_0_at_rest_1_at_the_end_and_degrees_of_the_head(found):
  raw = np.stack([found.rest, found.high, 2 * found.high - found.rest, found.rest - 1, (found.rest + found.high) / 2])
  raw[:, 6] = [0, 10, -10, 30, -50]
  values = found.values(raw)
  present = [i for i, name in enumerate(_NAMES) if name not in found.absent and name != 'headYaw']
  for i, expected in enumerate([0, 1, 1, 0, 0.5]):
    np.testing.assert_allclose(values[i, present], expected, atol=1e-5)
  np.testing.assert_array_equal(values[:, 6], raw[:, 6].astype(np.float32))


def test_raw_is_the_way_back(found):
  raw = found.rest + 0.3 * (found.high - found.rest)
  present = found.is_present
  np.testing.assert_allclose(found.raw(found.values(raw))[present], raw[present], atol=1e-5)


def test_what_moves_less_than_the_noise_is_absent(found):
  assert found.absent == ('eyeLookUpLeft', 'browInnerUp')
  assert np.isnan(found.values(found.rest)[[1, 5]]).all()
  assert np.isfinite(found.values(found.rest)[[0, 2, 3, 4, 6]]).all()


def test_gaze_behind_shut_lids_is_no_gaze(film, found):
  assert found.high[1] < 0.02 < 0.4 < np.percentile(film[:, 1], 99)


def test_a_smile_and_a_frown_are_two_ways_from_the_same_rest(found):
  values = found.values(_film()[[0, 120]])
  assert values[0, 3] > 0.95 and values[0, 4] == 0 and values[1, 3] == 0 and values[1, 4] > 0.95


def test_one_misread_picture_moves_no_end(film, found):
  wrong = film.copy()
  wrong[700] = 9.0
  np.testing.assert_allclose(calibration.calibrate(wrong, _NOISE, _NAMES).high[:6], found.high[:6], atol=0.01)


def test_pictures_without_landmarks_are_left_out(film, found):
  holes = np.concatenate([film, np.full([50, len(_NAMES)], np.nan)])
  np.testing.assert_array_equal(calibration.calibrate(holes, _NOISE, _NAMES).high, found.high)


@pytest.mark.parametrize('num_pictures', [0, 1])
def test_of_no_and_of_one_picture_all_is_absent(film, num_pictures):
  found = calibration.calibrate(film[:num_pictures], _NOISE, _NAMES)
  assert found.absent == _NAMES
  assert np.isnan(found.values(np.zeros(len(_NAMES)))[:6]).all()


def test_it_survives_json(film, found):
  back = calibration.Calibration.from_json(found.to_json())
  assert back.names == found.names
  for name in ('rest', 'low', 'high', 'noise'):
    np.testing.assert_allclose(getattr(back, name), getattr(found, name), atol=1e-6)
  assert calibration.Calibration.from_json({}) is None
  none = calibration.calibrate(film[:0], _NOISE, _NAMES)
  assert np.isnan(calibration.Calibration.from_json(none.to_json()).rest).all()


def test_all_that_is_measured_has_its_range():
  rng = np.random.default_rng(1)
  raw = rng.normal(0, 1, [200, len(names.MEASURED)])
  assert not calibration.calibrate(raw, np.full(len(names.MEASURED), 0.1)).absent
