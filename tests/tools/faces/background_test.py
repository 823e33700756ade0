"""Tests of changing what stands behind a person; drawings with a known mask are the oracle."""

import cv2
import numpy as np
import pytest

from dcgan.common import errors
from tools.faces import alignment
from tools.faces import background
from tools.faces import landmarks

_GREEN = (0, 177, 64)
_SKIN, _WALL = np.float32([200, 140, 110]), np.float32([40, 70, 160])


@pytest.fixture(scope='module', name='face')
def _face(astronaut):
  points = landmarks.FaceFinder().find_all(astronaut)[0].landmarks
  return alignment.align(astronaut, points, points[[468, 473], :2]).image


def _disk(softness_px):
  """Returns a mask of a disk in the middle of the frame, float32 [218, 178]."""
  y, x = np.mgrid[:218, :178] + 0.5
  return np.clip((60 - np.hypot(x - 89, y - 109)) / softness_px + 0.5, 0, 1).astype(np.float32)


def _picture(mask):
  return np.rint(mask[..., np.newaxis] * _SKIN + (1 - mask[..., np.newaxis]) * _WALL).astype(np.uint8)


@pytest.mark.parametrize('kind', ['White', '', 'red'])
def test_unknown_kind_is_told_with_the_choices(kind):
  with pytest.raises(errors.InputError, match=f'`background` .{kind}. must be one of keep, blur, white, green'):
    background.Remover(kind)


def test_keep_gives_the_picture_itself():
  picture = np.zeros([218, 178, 3], np.uint8)
  assert background.Remover('keep').apply(picture) is picture


@pytest.mark.parametrize('kind, colour', [('white', (255, 255, 255)), ('green', _GREEN)])
def test_soft_edge_mixes_the_person_alone_with_the_new_colour(kind, colour):
  mask = _disk(softness_px=6)
  shown = background.composed(_picture(mask), mask, kind)
  expected = mask[..., np.newaxis] * _SKIN + (1 - mask[..., np.newaxis]) * np.float32(colour)
  np.testing.assert_allclose(shown, expected, atol=4)  # nothing of the blue wall is left


@pytest.mark.parametrize('kind', ['blur', 'white', 'green'])
def test_what_surely_is_the_person_stays_as_it_is(kind):
  picture = np.random.default_rng(0).integers(0, 256, [218, 178, 3], np.uint8)
  mask = _disk(softness_px=4)
  shown = background.composed(picture, mask, kind)
  np.testing.assert_array_equal(shown[mask == 1], picture[mask == 1])


def test_blur_takes_the_detail_of_the_background_and_nothing_of_the_person():
  y, x = np.mgrid[:218, :178]
  mask = _disk(softness_px=2)
  picture = _picture(mask)
  picture[mask == 0] = (100 + 50 * ((x // 4 + y // 4) % 2))[mask == 0][:, np.newaxis]  # a grey checkerboard: mean 125
  shown = background.composed(picture, mask, 'blur')[mask == 0].astype(float)
  assert picture[mask == 0].std() == pytest.approx(25, abs=1)
  np.testing.assert_allclose(shown, 125, atol=6)  # the reddish person would make it uneven
  assert np.ptp(shown.mean(axis=0)) < 1


def test_person_who_fills_the_picture_needs_no_background():
  picture = _picture(_disk(softness_px=2))
  np.testing.assert_array_equal(background.composed(picture, np.ones([218, 178], np.float32), 'blur'), picture)


def test_refined_edge_follows_the_pictures():
  true = _disk(softness_px=1)
  coarse = cv2.GaussianBlur(true, (0, 0), 2)
  refined = background.refined(_picture(true), coarse)
  assert np.abs(refined - true).mean() < 0.4 * np.abs(coarse - true).mean()


def test_somebody_else_at_the_border_is_background():
  mask = _disk(softness_px=1)
  mask[:60, 150:] = 1
  refined = background.refined(_picture(_disk(softness_px=1)), mask)
  assert refined[:50, 160:].max() == 0
  assert refined[109, 89] == 1


def test_where_nobody_is_seen_the_picture_stays():
  grey = np.full([218, 178, 3], 90, np.uint8)
  assert background.Remover('white').apply(grey) is grey


@pytest.mark.parametrize('kind, colour', [('white', (255, 255, 255)), ('green', _GREEN)])
def test_portrait_stands_before_one_flat_colour(face, kind, colour):
  shown = background.Remover(kind).apply(face)
  assert shown.dtype == np.uint8 and shown.shape == (218, 178, 3)
  for corner in (np.s_[:20, :20], np.s_[:20, -20:]):
    assert (shown[corner] == colour).all()
  np.testing.assert_array_equal(shown[80:150, 65:115], face[80:150, 65:115])  # eyes, nose, mouth


def test_same_picture_gives_the_same_result_whatever_came_before(face):
  remover = background.Remover('green')
  first = remover.apply(face)
  remover.apply(np.ascontiguousarray(face[::-1]))
  np.testing.assert_array_equal(remover.apply(face), first)
