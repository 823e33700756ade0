"""Tests of the likeness by appearance: a portrait that moves, and faces of nobody."""

import cv2
import numpy as np
import pytest

from dcgan.common import images
from tools.evaluation import likeness

_CROP_PX = 140


@pytest.fixture(name='measure', scope='module')
def _measure(frames):
  return likeness.Likeness(images.resize(frames[::2], 64), _CROP_PX)


@pytest.mark.parametrize('size_px', [64, 128])
def test_other_frames_are_as_alike_as_the_reals_are_at_any_size(frames, measure, size_px):
  others = images.resize(frames[1::2], size_px)
  assert measure.likeness(others) > 0.5  # each lies between two of the reals


def test_strangers_are_not_alike(frames, measure, ufm_pictures):
  assert measure.likeness(ufm_pictures) < 0.02
  assert measure.distances(ufm_pictures).min() > measure.distances(images.resize(frames[1::2], 64)).max()


def test_soft_pictures_stay_alike(frames, measure):
  soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in images.resize(frames[1::2], 64)])
  assert measure.likeness(soft) > 0.3


def test_the_other_half_of_reals_in_any_order_is_as_near_as_the_first(frames):
  order = np.random.default_rng(0).permutation(len(frames))
  halves = images.resize(frames[order[:20]], 64), images.resize(frames[order[20:]], 64)
  assert likeness.Likeness(halves[0], _CROP_PX).likeness(halves[1]) == pytest.approx(0.5, abs=0.15)


def test_reals_are_nearest_to_themselves_and_a_copy_of_one_is_no_person():
  noise = np.random.default_rng(0).integers(0, 256, [6, 64, 64, 3], np.uint8)
  same = np.repeat(noise[:1], 8, axis=0)
  measure = likeness.Likeness(same, _CROP_PX)
  np.testing.assert_allclose(measure.distances(noise[:1]), 0, atol=1e-3)
  assert (measure.distances(noise[1:]) > 0.05).all()


def test_mean_of_the_five_nearest_counts(monkeypatch):
  monkeypatch.setattr(likeness, '_describe', lambda pictures, _: pictures[:, 0, 0, :1].astype(np.float32))
  monkeypatch.setattr(likeness.appearance, 'distances', lambda a, b: np.abs(a - b.T))
  pictures = np.zeros([8, 4, 4, 3], np.uint8)
  pictures[:, 0, 0, 0] = [10, 20, 30, 40, 50, 60, 70, 80]
  measure = likeness.Likeness(pictures, _CROP_PX)
  np.testing.assert_allclose(measure.distances(pictures[[0, 4]]), [20, 12])  # 0 to 40; twice 10, twice 20 and itself
  # Each real to the five nearest others: 30, 22, 18, 18, and back.
  assert measure.likeness(pictures[:1]) == pytest.approx(4 / 8)


@pytest.mark.parametrize('crop_px', [108, 140, 178])
def test_any_crop_is_put_where_it_belongs(frames, crop_px):
  left = (140 - min(crop_px, 140)) // 2
  pictures = images.resize(frames[:8, left:140 - left, left:140 - left], 64)
  assert likeness.Likeness(pictures[:6], crop_px).distances(pictures).shape == (8,)


def test_too_few_pictures_are_refused_with_the_number_needed():
  with pytest.raises(ValueError, match='`real_images` holds 3 pictures, but likeness needs 4 or more'):
    likeness.Likeness(np.zeros([3, 64, 64, 3], np.uint8), _CROP_PX)


def test_pictures_of_another_type_are_refused(measure):
  with pytest.raises(ValueError, match=r'`images` is float32 \[1, 64, 64, 3\]'):
    measure.likeness(np.zeros([1, 64, 64, 3], np.float32))
