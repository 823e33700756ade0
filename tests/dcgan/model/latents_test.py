"""Tests of dcgan.model.latents."""

import numpy as np

from dcgan.model import latents


def test_points_come_from_the_seed_and_fewer_are_a_prefix():
  np.testing.assert_array_equal(latents.sample_z(64, 100, seed=3)[:10], latents.sample_z(10, 100, seed=3))
  assert (latents.sample_z(10, 100, seed=3) != latents.sample_z(10, 100, seed=4)).any()


def test_points_are_standard_normal():
  z = latents.sample_z(1000, 100, seed=0)
  assert z.dtype == np.float32 and abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01


def test_the_line_is_divided_into_equal_parts():
  line = latents.lerp(np.float32([0, 10]), np.float32([4, 2]), np.arange(5) / 4)
  np.testing.assert_allclose(line, [[0, 10], [1, 8], [2, 6], [3, 4], [4, 2]])


def test_a_line_of_20_parts_has_21_points_and_40_there_and_back():
  ends = np.float32([[0], [20]])
  np.testing.assert_allclose(latents.keyframe_path(ends, 20, there_and_back=False)[:, 0], np.arange(21))
  loop = latents.keyframe_path(ends, 20, there_and_back=True)[:, 0]
  np.testing.assert_allclose(loop, list(range(21)) + list(range(19, 0, -1)), atol=1e-5)


def test_chained_lines_pass_each_keyframe_once():
  path = latents.keyframe_path(np.float32([[0], [2], [10]]), 2, there_and_back=False)[:, 0]
  np.testing.assert_allclose(path, [0, 1, 2, 6, 10])


def test_a_gallery_begins_with_the_points_of_pictures():
  drawn = latents.sample_z(5, 3, seed=2)
  np.testing.assert_array_equal(latents.Normal(3).gallery(5, seed=2), drawn)
  np.testing.assert_array_equal(latents.Normal(3).sample(5, seed=2), drawn)
  pictures = np.arange(6, dtype=np.float32).reshape(2, 3)
  space = latents.Normal(3, pictures)
  np.testing.assert_array_equal(space.gallery(5, 2), np.concatenate([pictures, drawn[:3]]))
  np.testing.assert_array_equal(space.gallery(1, 2), pictures)


def test_the_sphere_keeps_directions_and_the_origin():
  z = latents.to_sphere(np.float32([[3, 4, 0], [0, 0, 0]]))
  np.testing.assert_allclose(z, [[0.6 * 3**0.5, 0.8 * 3**0.5, 0], [0, 0, 0]], rtol=1e-6)


def test_an_arc_turns_evenly_and_keeps_its_length():
  start, end = np.float32([2, 0, 0]), np.float32([0, 2, 0])
  path = latents.slerp(start, end, [0, 1 / 3, 1])
  np.testing.assert_allclose(path, [[2, 0, 0], [3**0.5, 1, 0], [0, 2, 0]], atol=1e-6)


def test_the_arc_between_opposite_points_goes_around_the_origin():
  path = latents.slerp(np.float32([1, 0]), np.float32([-1, 0]), np.linspace(0, 1, 5))
  np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1, rtol=1e-6)
  np.testing.assert_allclose(path[[0, -1]], [[1, 0], [-1, 0]], atol=1e-6)


def test_the_arc_to_the_same_point_stays():
  np.testing.assert_allclose(latents.slerp(np.float32([1, 2]), np.float32([1, 2]), [0, 0.5, 1]), [[1, 2]] * 3, rtol=1e-5)
