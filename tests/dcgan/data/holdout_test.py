"""Tests of dcgan.data.holdout."""

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import holdout


@pytest.mark.parametrize('is_video', [True, False])
@pytest.mark.parametrize('num_images', [2, 7, 100, 1003])
@pytest.mark.parametrize('fraction', [0.0, 0.01, 0.1, 0.3, 0.49])
def test_each_picture_is_trained_on_or_held_out_once_in_order(num_images, fraction, is_video):
  trained_on, held_out = holdout.split(num_images, fraction, is_video)
  assert trained_on.dtype == held_out.dtype == np.int64
  assert sorted([*trained_on, *held_out]) == list(range(num_images))
  assert (np.diff(trained_on) > 0).all() and (np.diff(held_out) > 0).all() and len(trained_on)


@pytest.mark.parametrize('is_video', [True, False])
@pytest.mark.parametrize('num_images, fraction, num_held_out', [
    (100, 0.1, 10), (1003, 0.1, 100), (64, 0.1, 6), (13, 0.2, 3), (10, 0.9, 9), (5, 0.01, 1), (2, 0.5, 1), (9, 0.0, 0)])
def test_as_many_are_held_out_as_the_fraction_says_and_one_at_least(num_images, fraction, num_held_out, is_video):
  assert len(holdout.split(num_images, fraction, is_video)[1]) == num_held_out


def test_of_a_video_stretches_in_the_middle_of_equal_parts_are_held_out():
  # 40 of 200 frames are five stretches of 8, each in the middle of 40.
  _, held_out = holdout.split(200, 0.2, is_video=True)
  np.testing.assert_array_equal(held_out, np.concatenate([np.arange(16, 24) + 40 * part for part in range(5)]))
  # 4 frames make no second stretch.
  np.testing.assert_array_equal(holdout.split(20, 0.2, is_video=True)[1], [8, 9, 10, 11])


@pytest.mark.parametrize('num_images, fraction, num_stretches', [(1000, 0.1, 5), (240, 0.1, 3), (101, 0.15, 1)])
def test_stretches_of_a_video_are_at_most_five_and_long_enough_to_have_a_middle(num_images, fraction, num_stretches):
  _, held_out = holdout.split(num_images, fraction, is_video=True)
  lengths = [len(part) for part in np.split(held_out, np.flatnonzero(np.diff(held_out) > 1) + 1)]
  assert len(lengths) == num_stretches and min(lengths) >= 8 and max(lengths) - min(lengths) <= 1


def test_photos_that_are_held_out_come_from_all_over_the_set_and_are_always_the_same():
  _, held_out = holdout.split(1000, 0.2, is_video=False)
  # Of each hundred 20 are expected, with a standard deviation of 3.8.
  counts = np.histogram(held_out, 10, (0, 1000))[0]
  assert counts.min() >= 5 and counts.max() <= 35 and len(set(np.diff(held_out))) > 5
  np.random.seed(7)
  np.testing.assert_array_equal(holdout.split(1000, 0.2, is_video=False)[1], held_out)


@pytest.mark.parametrize('is_video', [True, False])
@pytest.mark.parametrize('num_images, fraction, num_held_out', [(1, 0.1, 1), (10, 0.97, 10), (3, 0.9, 3)])
def test_nothing_left_to_train_on_is_an_error_with_the_numbers(num_images, fraction, num_held_out, is_video):
  with pytest.raises(errors.InputError, match=rf'`holdout_fraction` \({fraction}\) must leave pictures to train on, '
                                              rf'but holds out {num_held_out} of {num_images}\. Use a smaller one,'):
    holdout.split(num_images, fraction, is_video)


def test_a_set_of_one_picture_can_be_trained_on():
  trained_on, held_out = holdout.split(1, 0.0, is_video=False)
  assert list(trained_on) == [0] and not len(held_out)
