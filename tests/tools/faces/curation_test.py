"""Tests of what is kept, and of the measures against hand-worked numbers."""

import numpy as np
import pytest

from dcgan import errors
from dcgan import records
from tools.faces import alignment
from tools.faces import curation


def _aligned(outside_fraction):
  return alignment.AlignedFace(np.zeros([218, 178, 3], np.uint8), np.zeros([478, 3], np.float32), outside_fraction)


def test_near_eyes_are_rejected_with_their_distance():
  limits = curation.Limits(min_eye_distance_px=12)
  assert curation.reason_against_eyes([[0, 0], [3, 4]], limits) == 'eyes 5.0 px apart, under --min_eye_distance_px=12'
  assert curation.reason_against_eyes([[0, 0], [12, 0]], limits) is None


def test_crop_that_lies_outside_is_rejected_with_its_share():
  limits = curation.Limits(max_outside_fraction=0.2)
  assert curation.reason_against_crop(_aligned(0.345), limits) == (
      '34 % of the crop lies outside the picture, over --max_outside_fraction=0.2')
  assert curation.reason_against_crop(_aligned(0.2), limits) is None


@pytest.mark.parametrize('value', [0, -1, float('nan')])
def test_limit_of_eye_distance_out_of_range(value):
  with pytest.raises(errors.InputError, match=rf'`min_eye_distance_px` \({value}\)'):
    curation.Limits(min_eye_distance_px=value)


@pytest.mark.parametrize('value', [-0.1, 1.5])
def test_limit_of_outside_share_out_of_range(value):
  with pytest.raises(errors.InputError, match=rf'`max_outside_fraction` \({value}\)'):
    curation.Limits(max_outside_fraction=value)


def test_sharpness_of_a_hand_worked_checkerboard():
  # On a board of 0 and 255 the Laplacian (neighbours less 4 times the centre) is ±1020 everywhere.
  y, x = np.mgrid[:218, :178]
  board = np.repeat(((x + y) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
  assert curation.sharpness(board) == pytest.approx(1020**2, rel=1e-6)
  assert curation.sharpness(np.full([218, 178, 3], 7, np.uint8)) == 0


def test_sharpness_looks_at_the_central_crop_only(astronaut):
  face = np.ascontiguousarray(astronaut[:218, 130:308])
  other = face.copy()
  other[:40] = 255
  assert curation.sharpness(other) == curation.sharpness(face)


def test_descriptor_is_the_mean_of_blocks_less_their_mean():
  # 108 px in 16 blocks of 6.75 px: a left half of 0 and a right half of 255 split between blocks 7 and 8.
  face = np.zeros([218, 178, 3], np.uint8)
  face[:, 35 + 54:] = 255
  values = curation.descriptor(face)
  assert values.dtype == np.float32 and values.shape == (records.NUM_DESCRIPTOR_VALUES,)
  np.testing.assert_allclose(values.reshape(16, 16), np.tile(np.repeat([-0.5, 0.5], 8), (16, 1)), atol=1e-6)


def test_descriptor_does_not_see_exposure_but_sees_the_face(astronaut):
  face = np.ascontiguousarray(astronaut[:218, 130:308]) // 2
  brighter, moved = face + 40, np.roll(face, 8, axis=1)
  difference = np.linalg.norm(curation.descriptor(brighter) - curation.descriptor(face))
  assert difference < 0.01
  assert np.linalg.norm(curation.descriptor(moved) - curation.descriptor(face)) > 50 * difference


def test_reasons_that_differ_in_numbers_are_counted_together():
  reasons = ['no face found', 'eyes 5.0 px apart, under --min_eye_distance_px=12', 'no face found', 'no face found',
             'eyes 7.5 px apart, under --min_eye_distance_px=12', 'unreadable: image file is truncated (8 bytes)']
  counts = curation.count_kinds([records.Rejection(str(i), reason) for i, reason in enumerate(reasons)])
  assert list(counts.items()) == [
      ('no face found', 3), ('eyes N px apart, under --min_eye_distance_px=12', 2),
      ('unreadable: image file is truncated (8 bytes)', 1)]
