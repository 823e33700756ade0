"""Tests of dcgan.common.images."""

import numpy as np

from dcgan.common import images

ALL_VALUES = np.arange(256, dtype=np.uint8)


def test_all_256_values_survive_the_round_trip():
  np.testing.assert_array_equal(images.to_uint8(images.to_float(ALL_VALUES)).numpy(), ALL_VALUES)


def test_the_ends_are_minus_one_and_one_exactly():
  values = images.to_float(ALL_VALUES).numpy()
  assert values[0] == -1.0 and values[255] == 1.0 and values.dtype == np.float32


def test_values_outside_are_saturated_and_halves_do_not_wrap():
  np.testing.assert_array_equal(images.to_uint8(np.float32([-9.0, -1.001, 1.001, 9.0])).numpy(), [0, 0, 255, 255])


def test_a_fine_checkerboard_shrinks_to_grey():
  board = np.indices((64, 64)).sum(axis=0) % 2 * 255
  shrunk = images.resize(np.repeat(board[np.newaxis, ..., np.newaxis], 3, axis=-1).astype(np.uint8), 16)
  assert shrunk.shape == (1, 16, 16, 3)
  assert abs(shrunk.astype(int) - 127).max() <= 2


def test_a_grid_holds_each_picture_in_its_place():
  pictures = np.arange(5, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones([1, 4, 6, 3], np.uint8)
  grid = images.make_grid(pictures, num_columns=3)
  assert grid.shape == (2 * 6 + 2, 3 * 8 + 2, 3)
  assert (grid[2:6, 18:24] == 2).all() and (grid[8:12, 2:8] == 3).all()
  assert (grid[8:12, 18:24] == 255).all()  # no sixth picture


def test_numbers_are_drawn_into_each_picture():
  pictures = np.full([2, 64, 64, 3], 128, np.uint8)
  difference = images.make_grid(pictures, numbered=True) != images.make_grid(pictures)
  assert difference[2:66, 2:66].any() and difference[2:66, 68:132].any()
