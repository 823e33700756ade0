"""Tests of dcgan.metrics.stair_step."""

import numpy as np
import pytest

from dcgan.metrics import stair_step


def grey_line(*values):
  """Returns uint8 [num_values, 4, 4, 3]: plain pictures of these greys."""
  return np.repeat(np.uint8(values), 4 * 4 * 3).reshape(-1, 4, 4, 3)


def test_a_cross_fade_of_two_pictures_is_perfectly_even():
  first = np.random.default_rng(0).integers(0, 60, [8, 8, 3])
  step = np.random.default_rng(1).integers(0, 20, [8, 8, 3])
  fade = np.stack([first + i * step for i in range(10)]).astype(np.uint8)
  assert stair_step.stair_step(fade[np.newaxis]) == pytest.approx(1)


@pytest.mark.parametrize('num_changes, jump', [(2, 1), (7, 3), (20, 20)])
def test_a_standstill_with_one_jump_gives_the_number_of_changes(num_changes, jump):
  values = [30] * jump + [200] * (num_changes + 1 - jump)
  assert stair_step.stair_step(grey_line(*values)[np.newaxis]) == pytest.approx(num_changes)


def test_the_largest_over_the_mean_change_worked_by_hand():
  # Changes by 10, 20, 60 and -30: 60 over a mean of 30.
  assert stair_step.stair_step(grey_line(50, 60, 80, 140, 110)[np.newaxis]) == pytest.approx(2)


def test_a_change_is_a_root_mean_square_over_the_picture():
  line = grey_line(0, 0, 0)
  line[1:, 0, 0, 0] = 48  # one value of 48: √(48² / 48)
  line[2, 0] += 24  # 12 of 48 values by 24: √(12 · 24² / 48) = 12
  assert stair_step.stair_step(line[np.newaxis]) == pytest.approx(12 / ((np.sqrt(48) + 12) / 2))


def test_lines_count_alike_however_far_they_move():
  lines = np.stack([grey_line(10, 20, 30), grey_line(0, 200, 200)])
  assert stair_step.stair_step(lines) == pytest.approx((1 + 2) / 2)


def test_lines_that_do_not_move_are_left_out():
  flicker = grey_line(50, 50, 50)
  flicker[1, 0, 0, 0] = 51  # there and back, √(1/48) each: less than one grey value
  lines = np.stack([grey_line(10, 110, 110), flicker, grey_line(7, 7, 7)])
  assert stair_step.stair_step(lines) == pytest.approx(2)


def test_where_no_line_moves_there_is_no_number():
  assert np.isnan(stair_step.stair_step(np.stack([grey_line(7, 7, 7)] * 3)))


@pytest.mark.parametrize('lines, what', [
    (np.zeros([2, 5, 8, 8, 3], np.float32), r'float32 \[2, 5, 8, 8, 3\]'),
    (np.zeros([5, 8, 8, 3], np.uint8), r'\[5, 8, 8, 3\]'), (np.zeros([2, 5, 8, 9, 3], np.uint8), r'\[2, 5, 8, 9, 3\]'),
    (np.zeros([0, 5, 8, 8, 3], np.uint8), r'\[0, 5, 8, 8, 3\]')])
def test_other_types_and_shapes_are_told_with_name_and_value(lines, what):
  with pytest.raises(ValueError, match=f'`lines` is .*{what}.*must be uint8'):
    stair_step.stair_step(lines)


@pytest.mark.parametrize('num_points', [1, 2])
def test_too_few_points_are_told_with_how_many_are_needed(num_points):
  with pytest.raises(ValueError, match=f'`lines` holds {num_points} point.* needs 3 or more'):
    stair_step.stair_step(np.zeros([2, num_points, 4, 4, 3], np.uint8))
