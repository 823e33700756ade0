"""Tests of the measures against turned solids, drawn faces and hand-worked numbers."""

import cv2
import numpy as np
import pytest

from dcgan.data import records
from tools.faces import landmarks
from tools.faces import measures


def _rotation(yaw, pitch, roll):
  """A nod, a turn, then a tilt, written out for x right, y down, z away; each sign as the docstring of `pose` says."""
  p, y, r = np.radians([pitch, yaw, roll])
  nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])  # takes -z, the nose, to -y: up
  turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])  # takes -z to +x: right
  tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])  # takes +x to +y: clockwise
  return tilt @ turn @ nod


def _ahead():
  """float64 [478, 3]: a face that looks ahead; points without a say stand anywhere."""
  points = np.random.default_rng(0).uniform(-50, 50, [records.NUM_LANDMARKS, 3])
  points[measures._POSE_POINTS] = measures._NEUTRAL_SHAPE  # pylint: disable=protected-access
  return points


@pytest.mark.parametrize('angles', [(0, 0, 0), (30, 0, 0), (0, 20, 0), (0, 0, 15), (-42, 17, -160), (75, -35, 100)])
def test_pose_of_a_turned_face_is_what_it_was_turned_by_wherever_and_however_large(angles):
  turned = 0.37 * _ahead() @ _rotation(*angles).T + [300, -20, 7]
  np.testing.assert_allclose(measures.pose(turned), angles, atol=1e-6)


def test_signs_of_pose_follow_the_nose():
  ahead = _ahead()
  nose, bridge = 4, 168
  for angles, axis, sign in (((20, 0, 0), 0, 1), ((0, 20, 0), 1, -1)):
    moved = ahead @ _rotation(*angles).T
    assert sign * ((moved - ahead)[nose] - (moved - ahead)[bridge])[axis] > 0  # to the right; up
    assert sum(measures.pose(moved)) > 19
  assert (ahead @ _rotation(0, 0, 20).T)[263, 1] > ahead[263, 1]  # the image's right eye sinks
  assert measures.pose(ahead @ _rotation(0, 0, 20).T)[2] > 19


def test_mirrored_face_has_the_opposite_yaw_and_roll_and_the_same_pitch():
  face = _ahead()[measures._POSE_POINTS] @ _rotation(25, -10, 8).T  # pylint: disable=protected-access
  face += np.random.default_rng(1).normal(0, 2, face.shape)
  num_paired = 2 * len(measures._PAIRS)  # pylint: disable=protected-access
  swapped = np.arange(len(face))
  swapped[:num_paired] ^= 1
  original, mirrored = np.zeros([2, records.NUM_LANDMARKS, 3])
  original[measures._POSE_POINTS] = face  # pylint: disable=protected-access
  mirrored[measures._POSE_POINTS] = (face * [-1, 1, 1])[swapped]  # pylint: disable=protected-access
  yaw, pitch, roll = measures.pose(original)
  np.testing.assert_allclose(measures.pose(mirrored), (-yaw, pitch, -roll), atol=1e-9)


def test_aligning_changes_nothing_but_roll():
  face = _ahead() @ _rotation(30, 10, 40).T
  np.testing.assert_allclose(measures.pose(face @ _rotation(0, 0, -40).T), (30, 10, 0), atol=1e-9)


def test_many_faces_at_once_give_what_each_gives_alone():
  faces = np.random.default_rng(2).uniform(0, 200, [5, records.NUM_LANDMARKS, 3]).astype(np.float32)
  for i in range(5):
    np.testing.assert_allclose([angle[i] for angle in measures.pose(faces)], measures.pose(faces[i]))
    np.testing.assert_allclose(measures.mouth_opening(faces)[i], measures.mouth_opening(faces[i]))
    np.testing.assert_allclose(measures.eye_openings(faces)[i], measures.eye_openings(faces[i]))


def _lips_and_eyes(gap=0.0, left=0.0, right=0.0):
  """float64 [478, 3]: eyes 30 wide whose outer corners are 100 apart, open by `left` and `right`; lips `gap` apart."""
  points = np.zeros([records.NUM_LANDMARKS, 3])
  for lower in (87, 14, 317):
    points[lower, 1] = gap
  for height, x, (p1, p2, p3, p4, p5, p6) in ((left, 0, (33, 160, 158, 133, 153, 144)),
                                              (right, 70, (362, 385, 387, 263, 373, 380))):
    points[[p1, p4], 0] = x, x + 30
    points[[p2, p6], 0], points[[p3, p5], 0] = x + 10, x + 20
    points[[p2, p3], 1], points[[p5, p6], 1] = -height / 2, height / 2
  return points


def test_openings_of_hand_worked_lips_and_lids():
  points = _lips_and_eyes(gap=25, left=9, right=3)
  assert measures.mouth_opening(points) == pytest.approx(0.25)
  np.testing.assert_allclose(measures.eye_openings(points), [0.3, 0.1])
  assert measures.mouth_opening(_lips_and_eyes()) == 0
  np.testing.assert_array_equal(measures.eye_openings(_lips_and_eyes()), [0, 0])


def test_openings_see_no_scale_and_no_turn():
  points = _lips_and_eyes(gap=25, left=9, right=3)
  turned = 3.1 * points @ _rotation(40, -20, 70).T + [5, 6, 7]
  assert measures.mouth_opening(turned) == pytest.approx(0.25)
  np.testing.assert_allclose(measures.eye_openings(turned), [0.3, 0.1])


def _drawn_face():
  """(uint8 [218, 178, 3], float64 [478, 3]): an oval of skin (200, 150, 120) with black features on white."""
  points = np.full([records.NUM_LANDMARKS, 3], 89.0)
  turn = np.linspace(0, 2 * np.pi, len(measures._FACE_OVAL), endpoint=False)  # pylint: disable=protected-access
  points[list(measures._FACE_OVAL), :2] = np.stack(  # pylint: disable=protected-access
      [89 + 60 * np.sin(turn), 115 - 80 * np.cos(turn)], axis=1)
  image = np.full([218, 178, 3], 255, np.uint8)
  cv2.ellipse(image, (89, 115), (62, 82), 0, 0, 360, (200, 150, 120), cv2.FILLED)
  for part, (x, y) in zip(measures._NO_SKIN,  # pylint: disable=protected-access
                          ((65, 100), (113, 100), (65, 80), (113, 80), (89, 160))):
    turn = np.linspace(0, 2 * np.pi, len(part), endpoint=False)
    points[list(part), :2] = np.stack([x + 14 * np.cos(turn), y + 7 * np.sin(turn)], axis=1)
    cv2.ellipse(image, (x, y), (10, 5), 0, 0, 360, (0, 0, 0), cv2.FILLED)
  return image, points


def test_skin_is_seen_without_background_eyes_brows_and_mouth():
  image, points = _drawn_face()
  skin = image[measures.skin_mask(image.shape, points) > 0]
  assert (skin == (200, 150, 120)).all()
  assert 0.6 < len(skin) / (np.pi * 60 * 80) < 0.95
  assert measures.brightness(image, points) == pytest.approx(0.299 * 200 + 0.587 * 150 + 0.114 * 120, abs=0.01)


def test_colour_of_the_skin_by_scikit_image():
  from skimage import color  # pylint: disable=import-outside-toplevel
  image, points = _drawn_face()
  image = image.copy()
  image[:, :89] = np.where(image[:, :89] == (200, 150, 120), (160, 110, 100), image[:, :89])
  image = image.astype(np.uint8)
  found = measures.skin_lab(image, points)
  assert found.dtype == np.float32 and found.shape == (2, 3)
  skin = color.rgb2lab(image[measures.skin_mask(image.shape, points) > 0][np.newaxis])[0]
  np.testing.assert_allclose(found, [skin.mean(axis=0), skin.std(axis=0)], atol=0.25)


def test_face_outside_the_picture_has_no_skin_in_it():
  image, points = _drawn_face()
  assert np.isnan(measures.brightness(image, points + 1e9))
  assert np.isnan(measures.skin_lab(image, points - 1e5)).all()


def test_sharpness_of_a_hand_worked_checkerboard():
  # On a board of 0 and 255 the Laplacian (neighbours less 4 times the centre) is ±1020 everywhere.
  y, x = np.mgrid[:218, :178]
  board = np.repeat(((x + y) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
  assert measures.sharpness(board) == pytest.approx(1020**2, rel=1e-6)
  assert measures.sharpness(np.full([218, 178, 3], 7, np.uint8)) == 0


def test_sharpness_looks_at_the_central_crop_only(astronaut):
  face = np.ascontiguousarray(astronaut[:218, 130:308])
  other = face.copy()
  other[:40] = 255
  assert measures.sharpness(other) == measures.sharpness(face)


def test_descriptor_is_the_mean_of_blocks_less_their_mean():
  # 108 px in 16 blocks of 6.75 px: a left half of 0 and a right half of 255 split between blocks 7 and 8.
  face = np.zeros([218, 178, 3], np.uint8)
  face[:, 35 + 54:] = 255
  values = measures.descriptor(face)
  assert values.dtype == np.float32 and values.shape == (records.NUM_DESCRIPTOR_VALUES,)
  np.testing.assert_allclose(values.reshape(16, 16), np.tile(np.repeat([-0.5, 0.5], 8), (16, 1)), atol=1e-6)


def test_descriptor_does_not_see_exposure_but_sees_the_face(astronaut):
  face = np.ascontiguousarray(astronaut[:218, 130:308]) // 2
  brighter, moved = face + 40, np.roll(face, 8, axis=1)
  difference = np.linalg.norm(measures.descriptor(brighter) - measures.descriptor(face))
  assert difference < 0.01
  assert np.linalg.norm(measures.descriptor(moved) - measures.descriptor(face)) > 50 * difference


@pytest.mark.slow
def test_astronaut_smiles_at_the_camera_and_her_mirror_image_looks_to_the_other_side(astronaut):
  finder = landmarks.FaceFinder()
  points, mirrored = (finder.find_all(np.ascontiguousarray(image))[0].landmarks
                      for image in (astronaut, astronaut[:, ::-1]))
  (yaw, pitch, roll), (other_yaw, other_pitch, other_roll) = measures.pose(points), measures.pose(mirrored)
  np.testing.assert_allclose([other_yaw, other_pitch, other_roll], [-yaw, pitch, -roll], atol=4)
  assert abs(yaw) < 25 and abs(pitch) < 15
  assert (measures.eye_openings(points) > 0.15).all()
