"""Tests of dcgan.common.features."""

import cv2
import numpy as np
import pytest
from scipy.spatial import distance

from dcgan.common import features


def random_images(num_images, size_px, seed=0):
  return np.random.default_rng(seed).integers(0, 256, [num_images, size_px, size_px, 3], np.uint8)


@pytest.mark.parametrize('image_size_px, size_px', [(64, 16), (32, 32), (96, 32)])
def test_thumbnails_are_what_opencv_averages_over_areas(image_size_px, size_px):
  pictures = random_images(3, image_size_px)
  expected = [cv2.resize(picture.astype(np.float64), (size_px, size_px), interpolation=cv2.INTER_AREA)
              for picture in pictures]
  values = features.thumbnails(pictures, size_px)
  assert values.dtype == np.float32 and values.shape == (3, 3 * size_px**2)
  np.testing.assert_allclose(values, np.reshape(expected, [3, -1]), atol=1e-3)


def test_blocks_are_averaged_for_each_channel_by_hand():
  picture = np.zeros([1, 4, 4, 3], np.uint8)
  picture[0, :2, 2:] = [[[10, 0, 1], [20, 0, 1]], [[30, 0, 1], [40, 8, 5]]]
  # Row after row of blocks: only the upper right one is not black.
  assert features.thumbnails(picture, 2).tolist() == [[0, 0, 0, 25, 2, 2, 0, 0, 0, 0, 0, 0]]


def test_rows_and_columns_that_fill_no_block_are_left_out():
  pictures = random_images(2, 38)
  np.testing.assert_array_equal(features.thumbnails(pictures), features.thumbnails(pictures[:, :32, :32]))


def test_a_picture_smaller_than_its_thumbnail_stays_as_it_is():
  pictures = random_images(2, 8)
  np.testing.assert_array_equal(features.thumbnails(pictures), pictures.reshape(2, -1))


def test_squared_distances_are_those_of_scipy_also_far_from_zero():
  rng = np.random.default_rng(0)
  left, right = (rng.normal(1000, 1, [num_rows, 30]).astype(np.float32) for num_rows in (5, 7))
  expected = distance.cdist(left.astype(np.float64), right.astype(np.float64), 'sqeuclidean')
  np.testing.assert_allclose(features.squared_distances(left, right), expected, rtol=1e-3)


def test_squared_distances_of_equal_rows_are_never_negative():
  values = features.thumbnails(random_images(50, 16))
  distances = features.squared_distances(values, values)
  assert distances.min() >= 0
  assert np.diag(distances).max() < 1e-5 * np.median(distances)


@pytest.mark.parametrize('pictures, what', [
    (np.zeros([4, 8, 8, 3], np.float32), r'float32 \[4, 8, 8, 3\]'), (np.zeros([8, 8, 3], np.uint8), r'\[8, 8, 3\]'),
    (np.zeros([4, 8, 9, 3], np.uint8), r'\[4, 8, 9, 3\]'), (np.zeros([4, 8, 8, 1], np.uint8), r'\[4, 8, 8, 1\]'),
    (np.zeros([0, 8, 8, 3], np.uint8), r'\[0, 8, 8, 3\]')])
def test_what_are_no_pictures_is_told_with_name_and_value(pictures, what):
  with pytest.raises(ValueError, match=f'`images` is .*{what}.*must be uint8'):
    features.thumbnails(pictures)
  with pytest.raises(ValueError, match=f'`fake_images` is .*{what}.*must be uint8'):
    features.check('fake_images', pictures)


def test_too_few_pictures_are_told_with_what_needs_how_many():
  features.check('held_out', random_images(3, 8), 3, 'this test')
  with pytest.raises(ValueError, match='`held_out` holds 2 pictures, but this test needs 3 or more'):
    features.check('held_out', random_images(2, 8), 3, 'this test')
  with pytest.raises(ValueError, match='`held_out` holds 1 picture, but'):
    features.check('held_out', random_images(1, 8), 3, 'this test')
