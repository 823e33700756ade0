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
_IRISES = list(landmarks.IRISES)
_MOUTH_CORNERS = [61, 291]


@pytest.fixture(scope='module')
def finder():
  return landmarks.FaceFinder()


def _first(finder, image):
  return finder.find_all(image)[0].landmarks


def test_irises_of_a_real_face_are_where_they_are_and_image_left_is_left(finder, astronaut):
  points = _first(finder, astronaut)
  assert points.shape == (478, 3) and points.dtype == np.float32
  np.testing.assert_allclose(points[_IRISES, :2], _ASTRONAUT_EYES, atol=2)


def test_mirrored_face_has_mirrored_irises(finder, astronaut):
  points = _first(finder, astronaut[:, ::-1])
  mirrored = np.array([[512 - x, y] for x, y in _ASTRONAUT_EYES[::-1]])
  np.testing.assert_allclose(points[_IRISES, :2], mirrored, atol=2)


def test_nose_is_nearer_than_the_ears(finder, astronaut):
  depth = _first(finder, astronaut)[:, 2]
  assert depth[1] < depth[234] - 20 and depth[1] < depth[454] - 20


@pytest.mark.parametrize('degrees', [0, 20, 45, 90, 135, 180, 250, 310])
def test_turned_and_scaled_face_is_aligned_to_the_same_place(finder, astronaut, degrees):
  scale = {0: 0.5, 90: 1.6, 180: 2.3, 250: 0.7}.get(degrees, 1.0)
  turn = cv2.getRotationMatrix2D((225, 110), degrees, scale)
  turn[:, 2] += [200, 260]
  picture = cv2.warpAffine(astronaut, turn, (800, 800), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
  points = _first(finder, picture)
  truth = _ASTRONAUT_EYES @ turn[:, :2].T + turn[:, 2]
  np.testing.assert_allclose(points[_IRISES, :2], truth, atol=1.5 + 1.5 * scale)
  aligned = alignment.align(picture, points, points[_IRISES, :2])
  np.testing.assert_allclose(
      aligned.landmarks[_IRISES, :2], [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], atol=0.01)
  mouth = aligned.landmarks[_MOUTH_CORNERS]
  assert mouth[0, 0] < mouth[1, 0] and (mouth[:, 1] > 145).all()  # upright: the mouth is below


def test_eyes_found_again_in_the_aligned_picture_are_at_celebas_places(finder, astronaut):
  points = _first(finder, astronaut)
  again = _first(finder, alignment.align(astronaut, points, points[_IRISES, :2]).image)
  np.testing.assert_allclose(
      again[_IRISES, :2], [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], atol=1.0)


def test_small_face_in_a_large_picture_and_tight_crop_are_found(finder, astronaut):
  large = np.full([720, 1280, 3], 120, np.uint8)
  large[150:662, 100:612] = astronaut  # a face of about 90 px
  np.testing.assert_allclose(_first(finder, large)[_IRISES, :2], _ASTRONAUT_EYES + [100, 150], atol=2)
  tight = astronaut[60:165, 180:270]
  np.testing.assert_allclose(_first(finder, tight)[_IRISES, :2], _ASTRONAUT_EYES - [180, 60], atol=2.5)


def test_most_central_large_face_is_chosen(finder, astronaut):
  face = astronaut[:220, 110:330]
  picture = np.full([440, 1000, 3], 120, np.uint8)
  picture[100:320, 10:230] = face
  picture[100:320, 420:640] = face
  tiny = cv2.resize(face, (70, 70), interpolation=cv2.INTER_AREA)
  picture[340:410, 465:535] = tiny  # nearer to the middle in x, but small
  np.testing.assert_allclose(_first(finder, picture)[_IRISES, 0], _ASTRONAUT_EYES[:, 0] - 110 + 420, atol=3)


def test_all_faces_of_a_picture_are_found_with_their_boxes_and_scores(finder, astronaut):
  face = astronaut[:220, 110:330]
  picture = np.full([360, 800, 3], 120, np.uint8)
  places = [(30, 20), (290, 70), (550, 120)]
  for x, y in places:
    picture[y:y + 220, x:x + 220] = face
  faces = finder.find_all(picture)
  assert len(faces) == 3 and all(0.5 < found.score <= 1 for found in faces)
  assert abs(faces[0].eyes[0, 0] - (_ASTRONAUT_EYES[0, 0] - 110 + 290)) < 3  # the central one first
  for found in faces:
    x0, y0, x1, y1 = found.box
    assert x0 < found.eyes[:, 0].min() and found.eyes[:, 0].max() < x1 and y0 < found.eyes[:, 1].min() < y1
  found_places = sorted((found.eyes[0] - _ASTRONAUT_EYES[0] + [110, 0]).round(-1).tolist() for found in faces)
  np.testing.assert_allclose(found_places, places, atol=10)


def test_faces_of_a_picture_that_lies_are_turned_back_together(finder, astronaut):
  picture = np.full([500, 900, 3], 120, np.uint8)
  picture[100:320, 100:320] = picture[100:320, 550:770] = astronaut[:220, 110:330]
  upright = finder.find_all(picture)
  lying = finder.find_all(np.ascontiguousarray(np.rot90(picture)))
  assert len(upright) == len(lying) == 2
  expected = sorted(900 - found.eyes[0, 0] for found in upright)
  np.testing.assert_allclose(sorted(found.eyes[0, 1] for found in lying), expected, atol=3)
  np.testing.assert_allclose([found.eyes[0, 0] for found in lying], [found.eyes[0, 1] for found in upright], atol=3)


@pytest.mark.parametrize('num_turns', [0, 2])
def test_a_dim_and_blurred_face_on_its_head_is_turned_upright(finder, astronaut, num_turns):
  # On its head it is misread: as a face upright with its eyes at the mouth, a whole distance of the eyes off.
  hard = (cv2.GaussianBlur(astronaut[:300, 100:400], (0, 0), 4) * 0.35).astype(np.uint8)
  points = _first(finder, np.ascontiguousarray(np.rot90(hard, num_turns)))
  eyes = _ASTRONAUT_EYES - [100, 0]
  np.testing.assert_allclose(points[_IRISES, :2], 300 - eyes if num_turns else eyes, atol=3)


class _Seen:
  """A mesh that sees one face in any picture, with the scores that it is told one after the other."""

  def __init__(self, scores):
    self._scores = list(scores)

  def process(self, image):
    score = self._scores.pop(0)
    points = np.zeros([478, 3], np.float32)
    points[_IRISES, :2] = alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE
    points[0, :2] = image.shape[1], image.shape[0]
    return points[np.newaxis], np.array([[0, 0, image.shape[1], image.shape[0]]]), np.array([score])


@pytest.mark.parametrize('scores, num_turns', [
    ([0.9], 0),  # plain
    ([0.83, 0.82], 0),  # less plain, and less so on its head
    ([0.82, 0.83, 0.5, 0.79, 0.5, 0.77, 0.83, 0.7, 0.9, 0.79, 0.7, 0.5, 0.9], 2),  # more like a face on its head: misread
    ([0.79, 0.5, 0.82, 0.5, 0.79, 0.7, 0.7, 0.9, 0.77, 0.83, 0.5, 0.9], 0),
    ([0.79, 0.82, 0.5, 0.5, 0.79, 0.7, 0.82, 0.7, 0.7, 0.9, 0.5, 0.9], 0),  # a lying reading must be clearly better
    ([0.79, 0.9, 0.5, 0.5, 0.79, 0.7, 0.85, 0.7, 0.7, 0.9, 0.5, 0.9], 1)])
def test_the_reading_is_taken_that_looks_least_like_a_face_on_its_head(finder, monkeypatch, scores, num_turns):
  # Of the upright one, where it is not plain, the aligned face turned; then of each reading as it is and turned.
  monkeypatch.setattr(finder, '_mesh', _Seen(scores))
  (found,) = finder.find_all(np.zeros([218, 178, 3], np.uint8))
  direction = found.eyes[1] - found.eyes[0]
  np.testing.assert_allclose(direction / 39, [(1, 0), (0, 1), (-1, 0)][num_turns], atol=0.02)
  assert not finder._mesh._scores  # pylint: disable=protected-access


def test_overlap_is_the_intersection_over_the_union():
  # pylint: disable=protected-access
  assert landmarks._overlap(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])) == pytest.approx(2 / 6)
  assert landmarks._overlap(np.array([0, 0, 2, 2]), np.array([2, 2, 3, 3])) == 0


def test_large_boxes_are_ranked_from_the_centre_outwards_and_small_ones_last():
  # pylint: disable=protected-access
  boxes = np.array([[0, 0, 40, 40], [48, 48, 52, 52], [30, 30, 60, 60]])
  assert landmarks._ranked(boxes, 100, 100).tolist() == [2, 0, 1]
  assert landmarks._ranked(np.zeros([0, 4]), 100, 100).tolist() == []


@pytest.mark.parametrize('shape', [(1, 1), (3, 200), (240, 320)])
def test_picture_without_a_face_gives_none(finder, shape):
  noise = np.random.default_rng(0).integers(0, 255, [*shape, 3], np.uint8)
  assert finder.find_all(noise) == []


@pytest.mark.slow
def test_nothing_is_written_to_standard_error(tmp_path):
  script = ('from dcgan.common import entry; entry.prepare_libraries()\n'
            'from skimage import data\nfrom tools.faces import landmarks\n'
            'assert landmarks.FaceFinder().find_all(data.astronaut())\n')
  done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True,
                        env=os.environ | {'TMPDIR': str(tmp_path)})
  assert (done.stdout, done.stderr) == ('', '')
