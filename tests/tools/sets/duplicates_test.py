"""Tests of which pictures are the same picture again."""

import cv2
import numpy as np

from tools.faces import measures
from tools.sets import duplicates


def _descriptors(num_faces):
  """Returns those of faces that are all different."""
  return np.random.default_rng(0).normal(0, 0.2, [num_faces, 256]).astype(np.float16)


def _photos(astronaut):
  """Five pictures: a face; it recompressed; moved by 9 px; at half its size; of less contrast, brighter."""
  face = np.ascontiguousarray(astronaut[:218, 130:308])
  _, code = cv2.imencode('.jpg', face, [cv2.IMWRITE_JPEG_QUALITY, 40])
  half = cv2.resize(cv2.resize(face, (89, 109), interpolation=cv2.INTER_AREA), (178, 218))
  return [face, cv2.imdecode(code, cv2.IMREAD_COLOR), np.roll(face, 9, axis=1), half, face // 2 + 90]


def test_copies_are_the_same_and_moved_or_changed_faces_are_not(astronaut):
  descriptors = np.stack([measures.descriptor(image) for image in _photos(astronaut)])
  np.testing.assert_array_equal(duplicates.find(descriptors), [-1, 0, -1, 0, -1])


def test_clearly_larger_copy_stays_in_the_place_of_the_first():
  descriptors = np.repeat(_descriptors(1), 4, axis=0)
  np.testing.assert_array_equal(duplicates.find(descriptors, np.array([40, 42, 80, 79])), [2, 2, -1, 2])
  np.testing.assert_array_equal(duplicates.find(descriptors, np.array([40, 42, 43, np.nan])), [-1, 0, 0, 0])


def test_blink_and_word_on_a_tripod_are_not_the_same_picture():
  descriptors = np.repeat(_descriptors(1), 3, axis=0)
  eyes, mouth = np.array([[0.3, 0.3], [0.05, 0.3], [0.32, 0.28]]), np.array([0.1, 0.1, 0.3])
  np.testing.assert_array_equal(duplicates.find(descriptors, eye_openings=eyes), [-1, -1, 0])
  np.testing.assert_array_equal(duplicates.find(descriptors, mouth_opening=mouth), [-1, 0, -1])


def test_slow_change_keeps_pictures_along_its_way():
  # Steps of 0.2 along one axis of a face of contrast 3: neighbours are the same, the third one is not.
  descriptors = np.zeros([10, 256], np.float32)
  descriptors[:, 0], descriptors[:, 1] = 3, 0.2 * np.arange(10)
  np.testing.assert_array_equal(duplicates.find(descriptors), [-1, 0, 0, -1, 3, 3, -1, 6, 6, -1])


def test_faint_pictures_need_to_be_nearer():
  descriptors = np.zeros([4, 256], np.float32)
  descriptors[:2, 0], descriptors[2:, 1], descriptors[1, 2], descriptors[3, 2] = 1, 4, 0.4, 0.4
  np.testing.assert_array_equal(duplicates.find(descriptors), [-1, -1, -1, 2])


def test_duplicates_are_those_that_comparing_all_with_all_finds():
  rng = np.random.default_rng(3)
  descriptors = (rng.normal(0, 1, [600, 5]) @ rng.normal(0, 0.12, [5, 256])).astype(np.float32)
  descriptors[300:] = descriptors[rng.permutation(300)] + rng.normal(0, 0.025, [300, 256])
  distances = np.linalg.norm(descriptors[:, np.newaxis] - descriptors, axis=2)
  contrast = np.linalg.norm(descriptors, axis=1)
  limit = np.minimum(0.5, 0.25 * np.minimum(contrast[:, np.newaxis], contrast))
  expected = np.full(600, -1)
  for j in range(600):
    same = [i for i in range(j) if expected[i] < 0 and distances[i, j] <= limit[i, j]]
    expected[j] = same[0] if same else -1
  assert 100 < (expected >= 0).sum() < 400
  np.testing.assert_array_equal(duplicates.find(descriptors), expected)
