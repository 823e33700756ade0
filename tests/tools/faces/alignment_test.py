"""Tests of the one similarity transform; dots whose places are known are the oracle."""

import math

import numpy as np
import pytest

from tools.faces import alignment

_EYE_PLACES = np.array([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE])


def _eyes(centre, distance, degrees):
  """Returns eyes [2, 2] around `centre`, `distance` px apart, the line between them turned clockwise."""
  half = distance / 2 * np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
  return np.array([centre - half, centre + half])


def _picture_of_dots(size_px, eyes, sigma_px):
  """Returns uint8 [size, size, 3] with a red Gaussian dot on the first eye and a green one on the second."""
  y, x = np.mgrid[:size_px, :size_px] + 0.5
  picture = np.zeros([size_px, size_px, 3])
  for channel, (eye_x, eye_y) in enumerate(eyes):
    picture[..., channel] = 255 * np.exp(-((x - eye_x)**2 + (y - eye_y)**2) / (2 * sigma_px**2))
  return picture.round().astype(np.uint8)


def _centroid(channel):
  weight = channel.astype(np.float64)
  y, x = np.mgrid[:channel.shape[0], :channel.shape[1]] + 0.5
  return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def _align(picture, eyes):
  return alignment.align(picture, np.concatenate([eyes, [[0.0], [1.0]]], axis=1).astype(np.float32), eyes)


def test_frame_is_178_by_218_px_and_the_central_crop_108_with_the_eyes_in_its_middle():
  assert _align(np.zeros([300, 300, 3], np.uint8), _EYE_PLACES).image.shape == (218, 178, 3)
  assert alignment.CENTRAL_CROP == (35, 55, 143, 163)
  np.testing.assert_allclose(_EYE_PLACES.mean(0), [35 + 54, 55 + 54], atol=3)


def test_similarity_of_hand_worked_eyes():
  # 19.5 px apart on a level line: scale 2; (30, 50) → (69.4, 111.7), so the shift is (9.4, 11.7).
  np.testing.assert_allclose(alignment.similarity([[30, 50], [49.5, 50]]), [[2, 0, 9.4], [0, 2, 11.7]], atol=1e-9)


def test_similarity_has_one_scale_and_no_mirror():
  transform = alignment.similarity([[10, 20], [-30, 47]])[:, :2]
  scale = np.linalg.det(transform)**0.5
  np.testing.assert_allclose(transform @ transform.T, scale**2 * np.eye(2), atol=1e-9)
  assert scale == pytest.approx(39 / math.hypot(40, 27))


@pytest.mark.parametrize('degrees', range(-180, 180, 45))
@pytest.mark.parametrize('distance', [13, 39, 61, 157, 400])
def test_eyes_land_within_half_a_pixel_for_any_rotation_and_scale(degrees, distance):
  size_px = 1000
  eyes = _eyes(np.array([510.3, 471.8]), distance, degrees + 7)
  aligned = _align(_picture_of_dots(size_px, eyes, sigma_px=max(1.5, distance / 16)), eyes)
  found = [_centroid(aligned.image[..., channel]) for channel in range(2)]
  np.testing.assert_allclose(found, _EYE_PLACES, atol=0.25)
  np.testing.assert_allclose(aligned.landmarks[:, :2], _EYE_PLACES, atol=1e-3)


def test_depth_of_landmarks_is_scaled_like_their_place():
  eyes = _eyes(np.array([200.0, 200.0]), 78, 30)
  landmarks = np.array([[200, 200, -50], [210, 200, 8]], np.float32)
  aligned = alignment.align(np.zeros([400, 400, 3], np.uint8), landmarks, eyes)
  np.testing.assert_allclose(aligned.landmarks[:, 2], [-25, 4], atol=1e-4)
  np.testing.assert_allclose(np.hypot(*(aligned.landmarks[1] - aligned.landmarks[0])[:2]), 5, atol=1e-4)


@pytest.mark.parametrize('distance', [100, 156, 390, 1000])
def test_fine_checkerboard_shrinks_to_grey(distance):
  y, x = np.mgrid[:1600, :1600]
  board = np.repeat(((x + y) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
  aligned = _align(board, _eyes(np.array([800.0, 800.0]), distance, 11))
  inner = aligned.image[70:150, 50:130].astype(float)
  assert inner.mean() == pytest.approx(127.5, abs=1.5)
  assert inner.std() < 10


def test_picture_already_in_place_comes_back_as_it_is(astronaut):
  picture = np.ascontiguousarray(astronaut[:218, 130:308])
  np.testing.assert_array_equal(_align(picture, _EYE_PLACES).image, picture)


def test_picture_turned_by_90_degrees_is_turned_back_exactly(astronaut):
  picture = np.ascontiguousarray(astronaut[:218, 130:308])
  turned = np.ascontiguousarray(np.rot90(picture, -1))  # clockwise: (x, y) → (218 - y, x)
  eyes = np.stack([218 - _EYE_PLACES[:, 1], _EYE_PLACES[:, 0]], axis=1)
  np.testing.assert_array_equal(_align(turned, eyes).image, picture)


def test_outside_fraction_of_hand_worked_rectangles():
  still = np.array([[1.0, 0, 0], [0, 1, 0]])
  assert alignment.outside_fraction(still, 100, 100, 0, 0, 100, 100) == 0
  assert alignment.outside_fraction(still, 100, 100, 75, 0, 125, 50) == pytest.approx(0.5)
  assert alignment.outside_fraction(still, 100, 100, -50, -50, 50, 50) == pytest.approx(0.75)
  assert alignment.outside_fraction(still, 100, 100, 200, 200, 300, 300) == pytest.approx(1)
  # A square turned by 45° about its centre covers 2(√2 − 1) = 0.828 of itself.
  turn = math.sqrt(0.5) * np.array([[1, -1], [1, 1]])
  shift = np.array([50, 50]) - turn @ [50, 50]
  turned = np.concatenate([turn, shift[:, None]], axis=1)
  assert alignment.outside_fraction(turned, 100, 100, 0, 0, 100, 100) == pytest.approx(3 - 2 * math.sqrt(2), abs=1e-6)
  # A small face at the corner of a large photo: the photo's far corner lies at 60,000 px.
  grown = np.array([[10.0, 0, 0], [0, 10, 0]])
  assert alignment.outside_fraction(grown, 6000, 6000, -50, -50, 50, 50) == pytest.approx(0.75, abs=1e-6)


def test_outside_share_is_that_of_the_central_crop():
  # At scale 1, a picture that ends 27 px from the left of the central crop (x 35 … 143) leaves 81 of 108 outside.
  aligned = _align(np.zeros([218, 62, 3], np.uint8), _EYE_PLACES)
  assert aligned.outside_fraction == pytest.approx(81 / 108)


def test_outside_is_filled_with_the_edge_softened_and_without_a_seam():
  rng = np.random.default_rng(0)
  picture = rng.integers(60, 200, [120, 178, 3], np.uint8)  # ends at y = 120, in noise
  filled = _align(picture, _EYE_PLACES).image
  np.testing.assert_array_equal(filled[:120], picture)
  assert filled[150:].std(axis=1).mean() < 0.5 * picture.std()
  assert filled[150:].mean() == pytest.approx(picture[-1].mean(), abs=10)
  grey = np.full([120, 178, 3], 77, np.uint8)
  np.testing.assert_array_equal(_align(grey, _EYE_PLACES).image, np.full([218, 178, 3], 77, np.uint8))


def test_very_large_picture_needs_little_memory_and_stays_exact():
  eyes = _eyes(np.array([1600.4, 1700.9]), 1500, 20)
  aligned = _align(_picture_of_dots(3400, eyes, sigma_px=90), eyes)
  np.testing.assert_allclose([_centroid(aligned.image[..., c]) for c in range(2)], _EYE_PLACES, atol=0.25)


def test_crop_of_a_hand_worked_box():
  # A box of 40×90 px has the geometric mean 60, so the scale is 97.4 / 60. Its centre (120, 145) goes to (88.9, 132.3).
  points = np.array([[100, 145, 5], [140, 150, 0], [110, 100, 0], [120, 190, 0]])
  scale = 97.4 / 60
  np.testing.assert_allclose(
      alignment.crop(points), [[scale, 0, 88.9 - 120 * scale], [0, scale, 132.3 - 145 * scale]], atol=1e-9)


@pytest.mark.parametrize('degrees', [-60, -7, 0, 25, 90])
def test_cropping_puts_the_box_in_its_place_and_leaves_the_tilt(degrees):
  eyes = _eyes(np.array([520.0, 480.0]), 120, degrees)
  around = np.random.default_rng(0).uniform([400, 400, 0], [660, 700, 9], [50, 3])
  points = np.concatenate([np.concatenate([eyes, [[0], [0]]], axis=1), around]).astype(np.float32)
  aligned = alignment.align(_picture_of_dots(1000, eyes, sigma_px=8), points, eyes, alignment.OFF)
  low, high = aligned.landmarks[:, :2].min(axis=0), aligned.landmarks[:, :2].max(axis=0)
  np.testing.assert_allclose((low + high) / 2, alignment.FACE_BOX_CENTRE, atol=1e-3)
  assert math.sqrt(np.prod(high - low)) == pytest.approx(alignment.FACE_BOX_SIDE_PX, abs=1e-3)
  left, right = (_centroid(aligned.image[..., channel]) for channel in range(2))
  assert math.degrees(math.atan2(*(right - left)[::-1])) == pytest.approx(degrees, abs=0.3)
  np.testing.assert_allclose([left, right], aligned.landmarks[:2, :2], atol=0.25)


def test_crop_without_landmarks_is_refused():
  with pytest.raises(ValueError, match='`landmarks` must be finite'):
    alignment.place(np.full([478, 3], np.nan), _EYE_PLACES, alignment.OFF)


def test_unknown_alignment_is_refused_with_the_choices():
  with pytest.raises(ValueError, match=r"`alignment` \('nose'\) must be one of eyes, off"):
    alignment.place(np.zeros([1, 3]), _EYE_PLACES, 'nose')
