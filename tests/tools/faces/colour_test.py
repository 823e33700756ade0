"""Tests of evening the light; scikit-image's Lab and hand-worked medians are the oracle."""

import numpy as np
import pytest
from skimage import color

from tools.faces import colour


def _skin(light, a, b, spread=(6.0, 2.0, 3.0), size=64):
  """Returns a picture of spotted skin, uint8 [size, size, 3], and its statistics by scikit-image, float [2, 3]."""
  rng = np.random.default_rng(0)
  lab = np.array([light, a, b]) + np.array(spread) * rng.normal(size=[size, size, 3])
  picture = np.rint(255 * np.clip(color.lab2rgb(lab), 0, 1)).astype(np.uint8)
  return picture, _statistics(picture)


def _statistics(picture):
  lab = color.rgb2lab(picture).reshape(-1, 3)
  return np.stack([lab.mean(axis=0), lab.std(axis=0)])


def test_target_is_the_median_of_each_value_over_what_is_finite():
  skins = np.zeros([4, 2, 3])
  skins[:, 0, 0] = [40, 70, 50, np.nan]
  skins[:, 1, 2] = [5, 3, 9, 4]
  np.testing.assert_array_equal(colour.target(skins), [[50, 0, 0], [0, 0, 5]])
  assert colour.target(skins).dtype == np.float32


@pytest.mark.parametrize('skins', [np.zeros([0, 2, 3]), np.full([2, 2, 3], np.nan)])
def test_target_of_no_skin_is_told(skins):
  with pytest.raises(ValueError, match=f'{len(skins)} faces.*must hold'):
    colour.target(skins)


@pytest.mark.parametrize('light, a, b', [(45, 12, 12), (70, 10, 25), (60, 22, 15), (58, 14, 20)])
def test_skin_comes_to_the_target(light, a, b):
  wanted = np.array([[58, 15, 20], [6, 2.2, 3]])
  picture, skin = _skin(light, a, b)
  found = _statistics(colour.match(picture, skin, wanted))
  np.testing.assert_allclose(found[0], wanted[0], atol=1.0)
  np.testing.assert_allclose(found[1, 0], 6, atol=0.8)


def test_picture_that_is_the_target_stays():
  picture, skin = _skin(58, 15, 20)
  np.testing.assert_allclose(colour.match(picture, skin, skin), picture, atol=1)


@pytest.mark.parametrize('light', [25, 50, 75, 90])
@pytest.mark.parametrize('wanted', [30, 60, 85])
def test_black_and_white_stay_and_greys_keep_their_order(light, wanted):
  greys = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, axis=2)
  spreads = [[8, 2, 3], [12, 2, 3]]
  shown = colour.match(greys, np.array([[light, 14, 18], spreads[0]]), np.array([[wanted, 14, 18], spreads[1]]))
  lights = color.rgb2lab(shown)[0, :, 0]
  assert lights[0] == 0 and lights[-1] == pytest.approx(100, abs=0.5)
  assert (np.diff(lights) >= -0.3).all()
  assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 100  # no range of tones is flattened


def test_white_of_eyes_and_teeth_takes_less_tint_than_skin():
  patches = np.array([[[255, 255, 255], [225, 225, 225]]], np.uint8)
  shown = colour.match(patches, np.array([[55, 10, 10], [8, 2, 3]]), np.array([[55, 20, 20], [8, 2, 3]]))
  chroma = np.hypot(*np.moveaxis(color.rgb2lab(shown)[0, :, 1:], -1, 0))
  assert chroma[0] < 0.5
  assert chroma[1] < 0.7 * np.hypot(10, 10)


def test_dark_picture_becomes_lighter_but_its_noise_little_more():
  picture, skin = _skin(12, 4, 5, spread=(2.0, 1.0, 1.0))
  found = _statistics(colour.match(picture, skin, np.array([[60, 15, 20], [12, 4, 4]])))
  assert 20 < found[0, 0] < 40  # not all the way
  assert found[1, 0] < 3 * skin[1, 0]


def test_coloured_light_is_taken_back_in_part_only():
  picture, skin = _skin(50, 55, -25)
  found = _statistics(colour.match(picture, skin, np.array([[50, 15, 20], [6, 2, 3]])))
  moved = np.hypot(*(found[0, 1:] - skin[0, 1:]))
  assert moved == pytest.approx(20, abs=2)


def test_input_is_left_alone():
  picture, skin = _skin(45, 12, 12)
  before = picture.copy()
  colour.match(picture, skin, np.array([[58, 15, 20], [6, 2, 3]]))
  np.testing.assert_array_equal(picture, before)
