"""Tests of the portrait that moves by known amounts; Face Mesh, run on what was drawn, is the oracle."""

import cv2
import numpy as np
import pytest

from tools.demo import portrait as demo_portrait
from tools.faces import landmarks

Pose = demo_portrait.Pose

_IRISES = [landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS]
_SMILE = ('mouthSmileLeft', 'mouthSmileRight')
_BLINK = ('eyeBlinkLeft', 'eyeBlinkRight')
_MIXED = Pose({'headYaw': 13.0, 'headPitch': -7.0, 'headRoll': 9.0, 'browInnerUp': 1.0, 'mouthSmileLeft': 0.8,
               'jawOpen': 0.6}, scale=1.08, shift=(0.05, -0.04))


@pytest.fixture(scope='module', name='finder')
def _finder():
  return landmarks.FaceFinder()


@pytest.fixture(scope='module', name='points')
def _points(finder, astronaut):
  return finder.find_all(astronaut)[0].landmarks


@pytest.fixture(scope='module', name='portrait')
def _portrait(astronaut, points):
  return demo_portrait.Portrait(astronaut, points, 256)


@pytest.fixture(scope='module', name='measure')
def _measure(finder, portrait):
  """Returns a function from amounts to Face Mesh's points on the frame, in eye distances."""
  def measure(**controls):
    found = finder.find_all(portrait.draw(Pose(controls)))[0].landmarks[:, :2]
    return found / _gap(found, *_IRISES)
  return measure


def _gap(points, first, second):
  return float(np.linalg.norm(points[first] - points[second]))


def test_zero_amounts_reproduce_the_photo(portrait, astronaut):
  transform = portrait.transform(Pose({}))
  np.testing.assert_array_equal(transform[:, :2], np.eye(2))
  x, y = np.int64(-transform[:, 2])
  np.testing.assert_array_equal(-transform[:, 2], (x, y))
  above = max(-y, 0)  # rows of made-up backdrop
  np.testing.assert_array_equal(portrait.draw(Pose({}))[above:], astronaut[y + above:y + 256, x:x + 256])


def test_the_same_pose_draws_the_same_frame(portrait, astronaut, points):
  again = demo_portrait.Portrait(astronaut, points, 256)
  np.testing.assert_array_equal(portrait.draw(_MIXED), again.draw(_MIXED))


@pytest.mark.parametrize('pose', [
    Pose({'headYaw': 17.0}), Pose({'headPitch': 10.0}), Pose({'browInnerUp': 1.0, 'mouthSmileRight': -1.0}),
    Pose({'headRoll': -12.0}, scale=0.9, shift=(-0.06, 0.05)), _MIXED], ids=str)
@pytest.mark.parametrize('iris', [0, 1])
def test_the_true_iris_centre_follows_a_mark_in_the_photo(portrait, astronaut, points, pose, iris):
  x, y = points[_IRISES[iris], :2] - 0.5
  columns, rows = np.meshgrid(np.arange(512), np.arange(512))
  mark = np.exp(-((columns - x)**2 + (rows - y)**2) / (2 * 1.2**2))[..., np.newaxis]
  marked = np.uint8(astronaut + mark * (255 - astronaut))
  difference = demo_portrait.Portrait(marked, points, 256).draw(pose).astype(float) - portrait.draw(pose)
  true = portrait.eyes(pose)[iris]
  near = np.hypot(columns[:256, :256] + 0.5 - true[0], rows[:256, :256] + 0.5 - true[1]) < 8
  contrast = 255 - cv2.GaussianBlur(portrait.draw(pose), (0, 0), 1).astype(float)
  weight = near * (difference / contrast).sum(-1)
  found = [(weight * (axis[:256, :256] + 0.5)).sum() / weight.sum() for axis in (columns, rows)]
  assert np.linalg.norm(found - true) < 0.5


def test_face_mesh_finds_the_irises_where_they_truly_are(astronaut, points, finder):
  portrait = demo_portrait.Portrait(astronaut, points, 384)
  rng = np.random.default_rng(0)
  errors_px = []
  for _ in range(6):
    controls = {'headYaw': rng.uniform(-15, 15), 'headPitch': rng.uniform(-9, 9), 'headRoll': rng.uniform(-12, 12),
                'jawOpen': rng.uniform(), 'browInnerUp': rng.uniform()}
    pose = Pose(controls, scale=rng.uniform(0.9, 1.1), shift=tuple(rng.uniform(-0.05, 0.05, 2)))
    found = finder.find_all(portrait.draw(pose))[0].landmarks[_IRISES, :2]
    errors_px.extend(np.linalg.norm(found - portrait.eyes(pose), axis=1))
  assert np.median(errors_px) < 1.0
  assert np.max(errors_px) < 2.5


def test_transform_alone_places_the_irises_when_the_head_is_still(portrait, points):
  pose = Pose({'headRoll': 30.0}, scale=1.5, shift=(0.1, -0.2))
  transform = portrait.transform(pose)
  np.testing.assert_allclose(portrait.eyes(pose), points[_IRISES, :2] @ transform[:, :2].T + transform[:, 2],
                             atol=1e-3)
  assert np.sqrt(np.linalg.det(transform[:, :2])) == pytest.approx(1.5)
  assert np.rad2deg(np.arctan2(transform[1, 0], transform[0, 0])) == pytest.approx(30.0)


def test_a_blink_leaves_the_true_iris_centres(portrait):
  np.testing.assert_array_equal(portrait.eyes(Pose(dict.fromkeys(_BLINK, 1.0))), portrait.eyes(Pose({})))


def test_jaw_open_lowers_the_chin_and_parts_the_lips(measure):
  still, moved = measure(), measure(jawOpen=1.0)
  assert _gap(moved, 13, 14) > _gap(still, 13, 14) + 0.2
  assert _gap(moved, 1, 152) > _gap(still, 1, 152) + 0.15


def test_jaw_open_shows_a_dark_mouth(portrait, points):
  x, y = (portrait.transform(Pose({})) @ [*points[14, :2], 1.0]).astype(int)
  drop = int(0.15 * _gap(points[:, :2], *_IRISES))
  place = np.s_[y + drop - 2:y + drop + 2, x - 5:x + 5]
  assert portrait.draw(Pose({'jawOpen': 1.0}))[place].mean() < 60 < 120 < portrait.draw(Pose({}))[place].mean()


def test_smile_widens_the_mouth_and_its_negative_closes_it(measure):
  rest, photo, smile = (measure(**dict.fromkeys(_SMILE, amount)) for amount in (-1.0, 0.0, 1.0))
  assert _gap(rest, 61, 291) + 0.05 < _gap(photo, 61, 291) < _gap(smile, 61, 291) - 0.05
  assert _gap(rest, 13, 14) < 0.04 < 0.1 < _gap(photo, 13, 14)


def test_brows_rise_from_the_eyes(measure):
  still, moved = measure(), measure(browInnerUp=1.0)
  for brow, eye in zip((105, 334), _IRISES):
    assert _gap(moved, brow, eye) > _gap(still, brow, eye) + 0.05


@pytest.mark.parametrize('name, shut, open_', [
    ('eyeBlinkLeft', (386, 374), (159, 145)), ('eyeBlinkRight', (159, 145), (386, 374))])
def test_left_and_right_are_the_subjects(measure, name, shut, open_):
  still, moved = measure(), measure(**{name: 1.0})
  assert _gap(moved, *shut) < 0.5 * _gap(still, *shut)
  assert _gap(moved, *open_) > 0.7 * _gap(still, *open_)


def test_head_turns_by_its_signs(measure):
  def nose(points):
    return points[1] - points[_IRISES].mean(0)
  assert nose(measure(headYaw=15.0))[0] > nose(measure())[0] + 0.05
  assert nose(measure(headYaw=-15.0))[0] < nose(measure())[0] - 0.05
  assert nose(measure(headPitch=10.0))[1] < nose(measure(headPitch=-10.0))[1] - 0.05
