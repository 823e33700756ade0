"""Tests of the face finder on a real face, turned, scaled, mirrored and among others."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tools.faces import alignment
from tools.faces import landmarks

# The centres of the pupils of skimage's astronaut, read off the photograph by eye.
_ASTRONAUT_EYES = np.array([[203.5, 101.5], [246.5, 103.5]])
_IRISES = [landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS]
_MOUTH_CORNERS = [61, 291]


@pytest.fixture(scope='module')
def finder():
  return landmarks.FaceFinder()


def test_irises_of_a_real_face_are_where_they_are_and_image_left_is_left(finder, astronaut):
  points = finder.find(astronaut)
  assert points.shape == (478, 3) and points.dtype == np.float32
  np.testing.assert_allclose(points[_IRISES, :2], _ASTRONAUT_EYES, atol=2)


def test_mirrored_face_has_mirrored_irises(finder, astronaut):
  points = finder.find(astronaut[:, ::-1])
  mirrored = np.array([[512 - x, y] for x, y in _ASTRONAUT_EYES[::-1]])
  np.testing.assert_allclose(points[_IRISES, :2], mirrored, atol=2)


def test_nose_is_nearer_than_the_ears(finder, astronaut):
  depth = finder.find(astronaut)[:, 2]
  assert depth[1] < depth[234] - 20 and depth[1] < depth[454] - 20


@pytest.mark.parametrize('degrees', [0, 20, 45, 90, 135, 180, 250, 310])
def test_turned_and_scaled_face_is_aligned_to_the_same_place(finder, astronaut, degrees):
  scale = {0: 0.5, 90: 1.6, 180: 2.3, 250: 0.7}.get(degrees, 1.0)
  turn = cv2.getRotationMatrix2D((225, 110), degrees, scale)
  turn[:, 2] += [200, 260]
  picture = cv2.warpAffine(astronaut, turn, (800, 800), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
  points = finder.find(picture)
  truth = _ASTRONAUT_EYES @ turn[:, :2].T + turn[:, 2]
  np.testing.assert_allclose(points[_IRISES, :2], truth, atol=1.5 + 1.5 * scale)
  aligned = alignment.align(picture, points, points[_IRISES, :2])
  np.testing.assert_allclose(
      aligned.landmarks[_IRISES, :2], [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], atol=0.01)
  mouth = aligned.landmarks[_MOUTH_CORNERS]
  assert mouth[0, 0] < mouth[1, 0] and (mouth[:, 1] > 145).all()  # upright: the mouth is below


def test_eyes_found_again_in_the_aligned_picture_are_at_celebas_places(finder, astronaut):
  points = finder.find(astronaut)
  again = finder.find(alignment.align(astronaut, points, points[_IRISES, :2]).image)
  np.testing.assert_allclose(
      again[_IRISES, :2], [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], atol=1.0)


def test_small_face_in_a_large_picture_and_tight_crop_are_found(finder, astronaut):
  large = np.full([720, 1280, 3], 120, np.uint8)
  large[150:662, 100:612] = astronaut  # a face of about 90 px
  np.testing.assert_allclose(finder.find(large)[_IRISES, :2], _ASTRONAUT_EYES + [100, 150], atol=2)
  tight = astronaut[60:165, 180:270]
  np.testing.assert_allclose(finder.find(tight)[_IRISES, :2], _ASTRONAUT_EYES - [180, 60], atol=2.5)


def test_most_central_large_face_is_chosen(finder, astronaut):
  face = astronaut[:220, 110:330]
  picture = np.full([440, 1000, 3], 120, np.uint8)
  picture[100:320, 10:230] = face
  picture[100:320, 420:640] = face
  tiny = cv2.resize(face, (70, 70), interpolation=cv2.INTER_AREA)
  picture[340:410, 465:535] = tiny  # nearer to the middle in x, but small
  np.testing.assert_allclose(finder.find(picture)[_IRISES, 0], _ASTRONAUT_EYES[:, 0] - 110 + 420, atol=3)


def test_large_boxes_are_ranked_from_the_centre_outwards_and_small_ones_last():
  # pylint: disable=protected-access
  boxes = np.array([[0, 0, 40, 40], [48, 48, 52, 52], [30, 30, 60, 60]])
  assert landmarks._ranked(boxes, 100, 100).tolist() == [2, 0, 1]
  assert landmarks._ranked(np.zeros([0, 4]), 100, 100).tolist() == []


@pytest.mark.parametrize('shape', [(1, 1), (3, 200), (240, 320)])
def test_picture_without_a_face_gives_none(finder, shape):
  noise = np.random.default_rng(0).integers(0, 255, [*shape, 3], np.uint8)
  assert finder.find(noise) is None


@pytest.mark.slow
def test_nothing_is_written_to_standard_error(tmp_path):
  script = ('from dcgan import entry; entry.prepare_libraries()\n'
            'from skimage import data\nfrom tools.faces import landmarks\n'
            'assert landmarks.FaceFinder().find(data.astronaut()) is not None\n')
  done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True,
                        env=os.environ | {'TMPDIR': str(tmp_path)})
  assert (done.stdout, done.stderr) == ('', '')
