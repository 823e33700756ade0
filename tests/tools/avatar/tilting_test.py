"""Tests of tools.avatar.tilting: where a dot goes, by geometry."""

import numpy as np

from tools.avatar import tilting


def test_a_dot_goes_round_the_middle_clockwise_and_the_edge_goes_on_at_the_corners():
  image = np.full([101, 101, 3], 40, np.uint8)
  image[18:23, 48:53] = 240  # 30 px above the middle
  for roll_deg in (0.0, 30.0, -45.0, 90.0):
    tilted = tilting.tilt(image, roll_deg)
    y, x = np.argwhere(tilted[..., 0] > 140).mean(axis=0) - 50
    wanted = 30 * np.sin(np.radians(roll_deg)), -30 * np.cos(np.radians(roll_deg))
    np.testing.assert_allclose((x, y), wanted, atol=0.7)
    assert tilted.shape == image.shape and np.median(tilted) == 40
    assert abs(int(tilted[1, 1, 0]) - 40) <= 1
