"""Tests of what somebody looks like; a hand-worked pattern, a slow second implementation and mirrors are the oracle."""

# pylint: disable=protected-access

import cv2
import numpy as np
import pytest

from tools.faces import alignment
from tools.faces import appearance


def _noise(seed, blur_px=1.0):
  """Returns a random aligned picture, uint8 [218, 178, 3], in which each seed has its own lasting pattern."""
  picture = np.random.default_rng(seed).normal(128, 90, [218, 178, 3])
  return np.clip(cv2.GaussianBlur(picture, (0, 0), blur_px), 0, 255).astype(np.uint8)


def _aligned(astronaut, degrees=0.0, scale=1.0):
  """Returns the astronaut's aligned face, its eyes found by hand, a little misplaced on wish."""
  eyes = np.array([[205.0, 113.0], [247.0, 111.0]])
  turn = scale * np.exp(1j * np.radians(degrees))
  centre = eyes.mean(0)
  turned = (eyes - centre) @ np.array([[turn.real, turn.imag], [-turn.imag, turn.real]]) + centre
  return alignment.align(astronaut, np.zeros([1, 3], np.float32), turned).image


def _shares(values):
  """Returns the pattern shares of `describe`'s cells, float [9, 5, 59]."""
  return (values[:-3].astype(np.float64) / 255).reshape(9, 5, 59)**2


def _uniform_codes():
  return [code for code in range(256) if bin(code ^ (code >> 1 | (code & 1) << 7)).count('1') <= 2]


def test_vector_is_small_and_of_bytes():
  values = appearance.describe(_noise(0))
  assert values.dtype == np.uint8 and values.shape == (appearance.NUM_VALUES,) and values.nbytes < 4096


def test_there_are_58_uniform_patterns_and_their_mirror_images_are_uniform():
  assert len(_uniform_codes()) == 58
  mirror = appearance._MIRROR
  assert sorted(mirror) == list(range(59)) and mirror[58] == 58


def test_shares_of_each_cell_sum_to_one():
  np.testing.assert_allclose(_shares(appearance.describe(_noise(1))).sum(-1), 1, atol=0.02)


def test_flat_picture_is_one_pattern_and_its_colour():
  # All neighbours are as bright as the centre: code 255, the last uniform one. Grey 128 has L* 53.6: 137 of 255.
  values = appearance.describe(np.full([218, 178, 3], 128, np.uint8))
  np.testing.assert_array_equal(_shares(values)[..., 57], 1)
  np.testing.assert_allclose(values[-3:], [137, 128, 128], atol=1)


def test_patterns_are_those_of_a_loop_over_the_pixels():
  image = _noise(2)
  grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)
  codes = {code: i for i, code in enumerate(_uniform_codes())}

  def histogram(picture, row, column):
    counts = np.zeros(59)
    for y in range(55 + 12 * row, 67 + 12 * row):
      for x in range(35 + 12 * column, 47 + 12 * column):
        ring = [(-2, -2), (-2, 0), (-2, 2), (0, 2), (2, 2), (2, 0), (2, -2), (0, -2)]
        code = sum(int(picture[y + dy, x + dx] >= picture[y, x]) << i for i, (dy, dx) in enumerate(ring))
        counts[codes.get(code, 58)] += 1
    return counts / 144

  found = _shares(appearance.describe(image))
  for row, column in ((0, 0), (4, 4), (8, 2)):
    expected = (histogram(grey, row, column) + histogram(grey[:, ::-1], row, column)) / 2
    np.testing.assert_allclose(found[row, column], expected, atol=0.005)


def test_mirrored_face_is_described_alike(astronaut):
  image = _aligned(astronaut)
  np.testing.assert_array_equal(appearance.describe(np.ascontiguousarray(image[:, ::-1])), appearance.describe(image))


def test_exposure_changes_the_skin_only():
  dark = _noise(3) // 2
  values, brighter = appearance.describe(dark), appearance.describe(dark * 2)
  np.testing.assert_allclose(_shares(values), _shares(brighter), atol=0.05)
  assert values[-3] < brighter[-3]


def test_distance_of_hand_worked_histograms():
  # One pattern in all cells of both, another one in all of c: coefficient 1 and 0. Skins 30 and 40 apart: 50.
  a = np.zeros([3, appearance.NUM_VALUES], np.uint8)
  a[:2, :-3].reshape(2, 45, 59)[..., 7] = 255
  a[2, :-3].reshape(45, 59)[..., 8] = 255
  a[1, -3:] = 30, 40, 0
  found = appearance.distances(a[:1], a)
  assert found.dtype == np.float32
  np.testing.assert_allclose(found, [[0, 0.035, 1]], atol=1e-4)


def test_distance_from_means_is_the_mean_of_distances():
  a, b = (np.stack([appearance.describe(_noise(seed)) for seed in seeds]) for seeds in (range(4), range(4, 7)))
  a[:, -3:] = b[:, -3:] = 0
  found = appearance.distances(a.mean(0)[None], b.mean(0)[None])
  assert found.item() == pytest.approx(appearance.distances(a, b).mean(), abs=1e-5)


def test_face_is_nearest_to_itself_when_misplaced_a_little(astronaut):
  face = appearance.describe(_aligned(astronaut))
  moved = appearance.describe(_aligned(astronaut, degrees=3, scale=1.04))
  other = appearance.describe(_noise(5, blur_px=3.0))
  to_moved, to_other = appearance.distances(face[None], np.stack([moved, other]))[0]
  assert to_moved < 0.5 * to_other


def test_nearest_takes_one_face_of_each_input():
  faces = np.stack([appearance.describe(_noise(seed)) for seed in (0, 1, 2, 0, 3, 0)])
  np.testing.assert_array_equal(appearance.nearest(faces[0], [4, 4, 2, 2, 9, 7], faces), [3, 0, 5, 4])


def test_nearest_learns_from_the_faces_that_it_is_sure_of():
  # The person has skin of L 130 in six photos, and in the last one 140 beside a stranger of 100; the reference has 118.
  # So the stranger is nearer to it, 18 to 22; but the person is nearer to the mean of 118 and four of 130, 12 to 28.
  faces = np.repeat(appearance.describe(_noise(0))[None], 8, axis=0)
  faces[:, -3:] = 128
  faces[:, -3] = [130] * 6 + [140, 100]
  reference = faces[0].copy()
  reference[-3] = 118
  inputs = np.array([0, 1, 2, 3, 4, 5, 6, 6])
  to_reference = appearance.distances(reference[None], faces)[0]
  assert to_reference[7] < to_reference[6]
  np.testing.assert_array_equal(appearance.nearest(reference, inputs, faces), range(7))
