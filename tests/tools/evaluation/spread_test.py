"""Tests of the spread of expressions: points that are moved by known amounts."""

import numpy as np
import pytest

from tools.evaluation import spread
from tools.faces import landmarks
from tools.faces import measures

_LOWER_LIPS = [87, 14, 317]
_BROWS = [105, 334]
_IRISES = list(landmarks.IRISES)


def _face():
  """Returns float32 [478, 3]: a face that looks ahead, with level eyes 60 px apart, eye corners 100 px, lips shut."""
  points = np.random.default_rng(9).uniform(50, 250, [478, 3])
  points[measures._POSE_POINTS] = 150 + measures._NEUTRAL_SHAPE
  for point, x, y in ((33, 100, 150), (133, 130, 150), (362, 170, 150), (263, 200, 150), (468, 120, 150),
                      (473, 180, 150), (105, 115, 120), (334, 185, 120)):
    points[point, :2] = x, y
  points[[87, 14, 317]] = points[[82, 13, 312]] = [[140, 220, 0], [150, 220, 0], [160, 220, 0]]
  return points


def _faces(amounts, move):
  """Returns float64 [num_faces, 478, 3], a face for each amount, which `move(points, amount)` gives it."""
  made = []
  for amount in amounts:
    points = _face()
    move(points, amount)
    made.append(points)
  return np.stack(made)


def _open_mouth(points, amount):
  points[_LOWER_LIPS, 1] += amount


def _raise_brows(points, amount):
  points[_BROWS, 1] -= amount


def _look(points, amount):
  points[_IRISES, 0] += amount


_MOVES = {'mouth': (_open_mouth, 100), 'brows': (_raise_brows, 60), 'gaze': (_look, 30)}  # and what 1 of it is, in px
_AMOUNTS = np.linspace(0, 20, 41)


@pytest.mark.parametrize('name', _MOVES)
def test_movement_is_measured_and_nothing_else_moves(name):
  move, unit_px = _MOVES[name]
  measured = spread.measure(_faces(_AMOUNTS, move))
  np.testing.assert_allclose(np.diff(measured[name]), np.diff(_AMOUNTS) / unit_px, rtol=1e-9)
  assert tuple(measured) == tuple(spread.MEASURES)
  for other, values in measured.items():
    if other != name:
      np.testing.assert_allclose(values, values[0], atol=1e-9)


@pytest.mark.parametrize('name', _MOVES)
def test_half_of_the_movement_is_half_of_the_spread_and_what_does_not_move_is_left_out(name):
  move, _ = _MOVES[name]
  mean, ratios = spread.spread(_faces(_AMOUNTS, move), _faces(_AMOUNTS / 2, move))
  assert mean == pytest.approx(0.5) and ratios[name] == pytest.approx(0.5)
  assert all(np.isnan(ratio) for other, ratio in ratios.items() if other != name)


def test_range_leaves_out_a_tenth_at_either_end():
  broken = _AMOUNTS.copy()
  broken[-4:] = 90
  mean, _ = spread.spread(_faces(_AMOUNTS, _open_mouth), _faces(broken, _open_mouth))
  assert mean == pytest.approx(1.0)


def test_what_is_overdone_makes_up_for_nothing_that_is_missing():
  def both(points, amounts):
    _open_mouth(points, amounts[0])
    _raise_brows(points, amounts[1])

  reals = _faces(np.stack([_AMOUNTS, _AMOUNTS], axis=1), both)
  fakes = _faces(np.stack([2 * _AMOUNTS, 0 * _AMOUNTS], axis=1), both)
  mean, ratios = spread.spread(reals, fakes)
  assert mean == pytest.approx(0.5)
  assert ratios['mouth'] == pytest.approx(2.0) and ratios['brows'] == pytest.approx(0.0)


def test_reals_that_do_nothing_have_no_spread():
  still = _faces(0 * _AMOUNTS, _open_mouth)
  mean, ratios = spread.spread(still, _faces(_AMOUNTS, _open_mouth))
  assert np.isnan(mean) and all(np.isnan(ratio) for ratio in ratios.values())


def test_pictures_without_a_face_are_left_out():
  reals, fakes = _faces(_AMOUNTS, _open_mouth), _faces(_AMOUNTS / 4, _open_mouth)
  gaps = np.concatenate([fakes, np.full([5, 478, 3], np.nan)])
  assert spread.spread(reals, gaps)[0] == spread.spread(reals, fakes)[0] == pytest.approx(0.25)


def test_too_few_faces_are_refused_with_the_number_needed():
  reals = _faces(_AMOUNTS, _open_mouth)
  with pytest.raises(ValueError, match='`fake_landmarks` holds 9 faces, but a spread needs 10 or more'):
    spread.spread(reals, reals[:9])
  with pytest.raises(ValueError, match='`real_landmarks` holds 1 face, but a spread needs 10 or more'):
    spread.spread(reals[:1], reals)
