"""Tests of what is seen in pictures: a real face, put where it belongs or beside it, is the oracle."""

import cv2
import numpy as np
import pytest

from dcgan.common import images
from tools.evaluation import meshes
from tools.faces import alignment
from tools.faces import landmarks

_IRISES = list(landmarks.IRISES)
_CROP_PX = 140


@pytest.fixture(name='place', scope='module')
def _place(astronaut):
  """A function that returns the aligned frame of the astronaut, turned before, moved by whole px after, as crops."""
  finder = landmarks.FaceFinder()

  def place(degrees=(0,), shift_px=(0, 0), crop_px=_CROP_PX, size_px=64):
    pictures = []
    for each in degrees:
      turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((225, 110), each, 1), (512, 512),
                              borderMode=cv2.BORDER_REPLICATE)
      found = finder.find_all(turned)[0]
      frame = np.roll(alignment.align(turned, found.landmarks, found.eyes).image, shift_px, axis=(1, 0))
      x, y = (178 - crop_px) // 2, (218 - crop_px) // 2
      pictures.append(frame[y:y + crop_px, x:x + crop_px])
    return images.resize(np.stack(pictures), size_px)

  return place


@pytest.mark.parametrize('crop_px, size_px', [(140, 64), (108, 64), (140, 128), (140, 256)])
def test_aligned_face_is_in_its_place_however_it_was_turned_before(place, crop_px, size_px):
  seen = meshes.look(place((-25, 0, 25), crop_px=crop_px, size_px=size_px), crop_px)
  np.testing.assert_array_equal(seen.num_faces, [1, 1, 1])
  np.testing.assert_allclose(
      seen.landmarks[:, _IRISES, :2], [[alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE]] * 3, atol=1.5)
  assert meshes.found_rate(seen) == meshes.in_place(seen).mean() == 1


def test_depth_is_in_the_scale_of_the_aligned_frame(place, astronaut):
  found = landmarks.FaceFinder().find_all(astronaut)[0]
  depth = np.ptp(alignment.align(astronaut, found.landmarks, found.eyes).landmarks[:, 2])
  assert np.ptp(meshes.look(place(), _CROP_PX).landmarks[0, :, 2]) == pytest.approx(depth, rel=0.2)


def test_shifted_face_is_found_but_not_in_its_place(place):
  seen = meshes.look(np.concatenate([place(), place(shift_px=(12, 0)), place(shift_px=(0, -9))]), _CROP_PX)
  assert meshes.found_rate(seen) == 1 and meshes.in_place(seen).mean() == pytest.approx(1 / 3)
  moved = seen.landmarks[1:, _IRISES, :2].mean(axis=1) - seen.landmarks[0, _IRISES, :2].mean(axis=0)
  np.testing.assert_allclose(moved, [[12, 0], [0, -9]], atol=1)


def test_blank_and_noisy_pictures_show_no_face(place):
  noise = np.random.default_rng(0).integers(0, 256, [4, 64, 64, 3], np.uint8)
  seen = meshes.look(np.concatenate([np.zeros_like(noise), np.full_like(noise, 255), noise, place()]), _CROP_PX)
  np.testing.assert_array_equal(seen.num_faces, [0] * 12 + [1])
  assert np.isnan(seen.landmarks[:12]).all() and np.isfinite(seen.landmarks[12]).all()
  assert meshes.found_rate(seen) == meshes.in_place(seen).mean() == pytest.approx(1 / 13)


def test_two_faces_are_counted_and_a_small_one_in_the_background_is_not(place, astronaut):
  face = astronaut[20:220, 130:320]
  beside = np.full([400, 400, 3], 90, np.uint8)
  beside[100:300, :190] = face
  beside[100:300, 205:395] = face
  behind = np.full([400, 400, 3], 90, np.uint8)
  behind[40:400, :342] = cv2.resize(face, (342, 360))
  behind[:70, 334:] = cv2.resize(face, (66, 70))
  seen = meshes.look(np.stack([beside, behind]), _CROP_PX)
  np.testing.assert_array_equal(seen.num_faces, [2, 1])
  assert np.isnan(seen.landmarks[0]).all() and meshes.found_rate(seen) == 0.5


@pytest.mark.parametrize('crop_px', [0, 179])
def test_crop_beyond_the_frame_is_refused(crop_px):
  with pytest.raises(ValueError, match=rf'`crop_px` \({crop_px}\) must lie between 1 and 178 px'):
    meshes.look(np.zeros([1, 64, 64, 3], np.uint8), crop_px)


def test_pictures_of_another_type_are_refused():
  with pytest.raises(ValueError, match=r'`images` is float32 \[1, 64, 64, 3\]'):
    meshes.look(np.zeros([1, 64, 64, 3], np.float32), 140)


def _drawn_faces(num_faces, opening=1.0, seed=0):
  """Returns landmarks [num_faces, 478, 3] with fixed eyes, whose lower half moves down by an opening of its own."""
  rng = np.random.default_rng(seed)
  points = np.tile(np.random.default_rng(9).uniform(40, 140, [478, 3]), [num_faces, 1, 1])
  points[:, _IRISES, :2] = [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE]
  points[:, :200, 1] += opening * rng.standard_normal([num_faces, 1])
  return points.astype(np.float32)


def test_same_faces_have_no_distance_however_large_or_moved():
  reals = _drawn_faces(30)
  assert meshes.geometry_distance(reals, reals) == pytest.approx(0, abs=1e-6)
  assert meshes.geometry_distance(reals, 1.7 * reals + 30) == pytest.approx(0, abs=1e-6)


def test_distance_of_hand_worked_movements():
  # One movement: 200 of 478 points move by s px, s normal with some deviation. In eye distances (39 px) s/39, so along
  # its component 100·s·√(200/478)/39. Two normal distributions are (m - m')² + (d - d')² apart.
  reals, fakes = _drawn_faces(40, 2.0), _drawn_faces(60, 5.0, seed=1)
  fakes[:, :200, 1] += 3
  unit = 100 * np.sqrt(200 / 478) / 39
  moved = [points[:, 0, 1] - _drawn_faces(1, 0)[0, 0, 1] for points in (reals, fakes)]
  means, deviations = (np.array([function(values) for values in moved]) for function in (
      np.mean, lambda values: np.std(values, ddof=1)))
  expected = unit**2 * (np.diff(means)[0]**2 + np.diff(deviations)[0]**2)
  assert meshes.geometry_distance(reals, fakes) == pytest.approx(expected, rel=1e-3)


def test_one_pose_in_all_fakes_is_as_far_as_the_reals_vary():
  reals = _drawn_faces(50, 2.0)
  same = np.repeat(_drawn_faces(1, 0), 20, axis=0)
  unit = 100 * np.sqrt(200 / 478) / 39
  moved = reals[:, 0, 1] - same[0, 0, 1]
  assert meshes.geometry_distance(reals, same) == pytest.approx(
      unit**2 * (moved.mean()**2 + moved.var(ddof=1)), rel=1e-3)


def test_what_no_real_face_does_counts_nothing():
  reals = _drawn_faces(30)
  fakes = reals.copy()
  fakes[:, 200:460, 0] += 20
  assert meshes.geometry_distance(reals, fakes) == pytest.approx(0, abs=1e-6)


def test_pictures_without_a_face_are_left_out_of_the_distance():
  reals, fakes = _drawn_faces(30), _drawn_faces(30, seed=1)
  gaps = np.concatenate([fakes, np.full([5, 478, 3], np.nan, np.float32)])
  assert meshes.geometry_distance(reals, gaps) == meshes.geometry_distance(reals, fakes)


def test_too_few_faces_for_a_distance_are_refused_with_the_number_needed():
  reals = _drawn_faces(10)
  with pytest.raises(ValueError, match='`fake_landmarks` holds 9 faces, but .* needs 10 or more'):
    meshes.geometry_distance(reals, reals[1:])
  with pytest.raises(ValueError, match='`real_landmarks` holds 1 face, but .* needs 10 or more'):
    meshes.geometry_distance(np.where(np.arange(10)[:, None, None] == 3, reals, np.nan), reals)
