"""Tests of the choice of expressions: drawn points, turned by hand, and a portrait whose lower half moves."""

import cv2
import numpy as np
import pytest

from dcgan.common import errors
from dcgan.common import images
from dcgan.data import records
from dcgan.model import latents
from tools.avatar import expressions
from tools.faces import alignment
from tools.faces import landmarks as face_landmarks
from tools.faces import measures

_LOWER_LIP = list(range(400, 440))  # of no say in the pose
_IRISES = list(face_landmarks.IRISES)


def _face(opening=0.0, yaw=0.0, pitch=0.0, scale=1.0, shift=(0.0, 0.0, 0.0)):
  """float64 [478, 3]: a face, eyes 40 apart, whose mouth is `opening` low; turned, then scaled and moved."""
  points = np.random.default_rng(0).uniform(-50, 50, [records.NUM_LANDMARKS, 3])
  points[measures._POSE_POINTS] = measures._NEUTRAL_SHAPE  # pylint: disable=protected-access
  points[_IRISES] = [[-20, 0, 0], [20, 0, 0]]
  points[_LOWER_LIP, 1] += opening
  p, y = np.radians([pitch, yaw])
  nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
  turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
  return scale * points @ (turn @ nod).T + shift


def test_a_moved_and_enlarged_face_is_the_same():
  one, other = expressions.vectors([_face(5), _face(5, scale=1.7, shift=(30, -9, 4))])
  np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_mouth_that_opens_is_as_far_as_its_points_moved():
  # 40 of 478 points move down by 12 of the 40 px between the eyes, the mean of all by 12·40/478.
  closed, opened = expressions.vectors([_face(), _face(12)])
  share = 40 / 478
  assert np.linalg.norm(opened - closed) == pytest.approx(12 / 40 * np.sqrt(share * (1 - share)), rel=1e-6)


@pytest.mark.parametrize('yaw, pitch', [(20, 0), (0, -15), (-25, 10)])
def test_a_turn_counts_by_its_angle_and_moves_no_point(yaw, pitch):
  ahead, turned = expressions.vectors([_face(), _face(yaw=yaw, pitch=pitch)])
  np.testing.assert_allclose(turned[:-2], ahead[:-2], atol=1e-6)
  np.testing.assert_allclose((turned - ahead)[-2:], 0.1 * np.radians([yaw, pitch]), atol=1e-6)


def tour_of(faces, num_expressions, is_good_line=lambda one, other: True):
  yaw, _, _ = measures.pose(np.array(faces))
  return expressions.tour(expressions.vectors(faces), yaw, num_expressions, is_good_line)


def test_the_source_rests_and_the_target_is_farthest_even_from_turned_heads():
  faces = [_face(opening) for opening in (0, 1, 2, 30, 3)] + [_face(2, yaw=20), _face(40), _face(1, pitch=10)]
  assert tour_of(faces, 2) == ([2, 6], True)  # the median opening is 2


def test_a_turn_is_chosen_where_expressions_hardly_differ():
  faces = [_face(opening, yaw=yaw) for opening, yaw in ((0, 0), (0.2, 1), (0.1, -1), (0.3, 14), (0.1, 0))]
  assert tour_of(faces, 2)[0][1] == 3


def test_a_tour_goes_to_what_is_far_from_all_before_and_ends_at_rest():
  faces = [_face(opening) for opening in (0, 1, 2, 30, 3, 41, 40)] + [_face(2, yaw=45)]
  chosen, is_good = tour_of(faces, 4)
  assert is_good and chosen[0] == chosen[-1] and len(chosen) == 5 and len(set(chosen)) == 4
  assert {chosen[1], chosen[2], chosen[3]} >= {5} and 6 not in chosen  # 40 is near to 41, which is there already


def test_a_line_that_is_not_clean_is_gone_around_and_the_way_is_shorter_where_there_is_no_other():
  faces = [_face(opening) for opening in (0, 1, 2, 30, 3, 41)]
  assert tour_of(faces, 2, lambda one, other: 5 not in (one, other)) == ([2, 3], True)
  chosen, is_good = tour_of(faces, 4, lambda one, other: {one, other} == {2, 5})
  assert (chosen, is_good) == ([2, 5], True)
  assert tour_of(faces, 3, lambda one, other: False) == ([2, 5], False)


def turns_of(yaws, num_expressions):
  """Returns the yaws of a tour through heads that are turned, with mouths opened at random."""
  openings = np.random.default_rng(3).permutation(len(yaws))
  chosen, is_good = tour_of([_face(opening, yaw=yaw) for opening, yaw in zip(openings, yaws)], num_expressions)
  assert is_good
  return [yaws[i] for i in chosen]


def test_heads_of_a_tour_are_never_turned_far_from_one_to_the_next():
  turned = turns_of([-40, -34, -28, -20, -14, -6, 0, 0, 0, 7, 12, 22, 26, 33, 41], 7)
  assert len(turned) >= 8 and turned[0] == turned[-1] and np.abs(np.diff(turned)).max() <= 15
  assert np.ptp(turned) > 30  # over others between, heads are reached that are turned farther


def test_a_way_whose_end_is_not_joined_to_its_start_goes_back_as_it_came():
  faces = [_face(opening) for opening in (0, 1, 2, 30, 3, 41)]
  dead_end = lambda one, other: (one, other) in ((2, 5), (5, 3))  # home from neither
  assert tour_of(faces, 6, dead_end) == ([2, 5, 3, 5, 2], True)
  assert tour_of(faces, 6, lambda one, other: dead_end(one, other) or (one, other) == (3, 2)) == ([2, 5, 3, 2], True)


def test_a_head_that_is_turned_far_is_gone_to_only_where_there_is_no_other():
  assert 40 not in turns_of([0, 1, 0, 40, 2], 3)
  assert sorted(turns_of([0, 40], 2)) == [0, 40]


def test_of_two_points_one_is_gone_to():
  assert sorted(expressions.tour(np.array([[0.0], [1.0]]), np.zeros(2), 5, lambda one, other: True)[0]) == [0, 1]


def test_the_farthest_points_of_some():
  points = np.array([[0, 0], [3, 0], [0, 4], [1, 1]], float)
  assert expressions.farthest(points) == (1, 2)
  assert expressions.farthest(np.zeros([3, 2])) in ((0, 1), (0, 2), (1, 2))


def _expression(gap=0.0, eyes=0.0, yaw=0.0, pitch=0.0):
  """float64 [478, 3]: inner lips `gap` and lids `eyes` apart, as `measures` takes them, on a turned neutral face."""
  points = np.zeros([records.NUM_LANDMARKS, 3])
  points[measures._POSE_POINTS] = measures._NEUTRAL_SHAPE  # pylint: disable=protected-access
  for upper, lower in ((82, 87), (13, 14), (312, 317)):
    points[[upper, lower]] = [0, 50, -30], [0, 50 + gap, -30]
  for p1, p2, p3, p4, p5, p6 in ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380)):
    width = np.linalg.norm(points[p4] - points[p1])
    points[[p2, p3, p5, p6]] = points[p1]
    points[[p5, p6], 1] += eyes * width
  p, y = np.radians([pitch, yaw])
  nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
  turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
  return points @ (turn @ nod).T


@pytest.mark.parametrize('source, target, told', [
    (dict(gap=2), dict(gap=21), 'the mouth opens (0.02 to 0.21)'),
    (dict(gap=21), dict(gap=2), 'the mouth closes (0.21 to 0.02)'),
    (dict(eyes=0.31), dict(eyes=0.12), 'the eyes close (0.31 to 0.12)'),
    (dict(eyes=0.12), dict(eyes=0.31), 'the eyes open (0.12 to 0.31)'),
    (dict(), dict(yaw=8), 'the head turns 8° to the right'),
    (dict(yaw=4), dict(yaw=-4), 'the head turns 8° to the left'),
    (dict(), dict(pitch=10), 'the head rises 10°'),
    (dict(pitch=5), dict(pitch=-5), 'the head sinks 10°'),
    (dict(gap=2), dict(gap=3, yaw=2), 'small changes of the face'),
    (dict(gap=2), dict(gap=12, yaw=8), 'the mouth opens (0.02 to 0.12), the head turns 8° to the right'),
])
def test_what_a_face_does_is_told_in_words(source, target, told):
  assert expressions.describe(_expression(**source), _expression(**target)) == told


class _Portrait:
  """Stands for a generator: z of [lower, grey] gives the portrait with its lower half moved down, faded to grey."""

  def __init__(self, picture):
    self._picture = picture

  def __call__(self, z, training):
    del training
    made = []
    for lower, grey in np.asarray(z):
      rows, columns = np.mgrid[:64, :64].astype(np.float32)
      rows -= np.clip(rows - 36, 0, 12) / 12 * lower
      moved = cv2.remap(self._picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
      made.append((1 - np.clip(grey, 0, 1)) * moved + np.clip(grey, 0, 1) * 127)
    return np.float32(made) / 127.5 - 1


@pytest.fixture(name='portrait', scope='module')
def fixture_portrait(astronaut):
  found = face_landmarks.FaceFinder().find_all(astronaut)[0]
  frame = alignment.align(astronaut, found.landmarks, found.eyes).image
  return _Portrait(images.resize(frame[39:179, 19:159][np.newaxis], 64)[0])


def choose(generator, z, real_images=None):
  return expressions.choose(generator, np.float32(z), 140, latents.Normal(len(z[0])), 2, real_images)


@pytest.mark.slow
def test_faces_are_chosen_and_grey_pictures_are_not(portrait, caplog):
  with caplog.at_level('INFO'):
    source, target = choose(portrait, [[0, 0], [0.5, 0], [5, 0], [0.2, 0], [5, 1], [-0.3, 0]])
  assert target == 2 and source in (0, 1, 3, 5)
  assert f'Chose {source} to 2: ' in caplog.text


@pytest.mark.slow
def test_a_pair_with_frames_between_that_are_no_faces_is_not_taken(portrait):
  # The farthest is reached only through grey: by a line in a third dimension that is grey in its middle.
  through_grey = lambda z, training: portrait(
      np.stack([z[:, 0], np.where(np.abs(np.asarray(z)[:, 0] - 3.5) < 1.2, 1, 0)], axis=1), training)
  source, target = choose(through_grey, [[0, 0], [0.2, 0], [2.0, 0], [5, 0], [0.1, 0]])
  assert target == 2 and source in (0, 1, 4)


@pytest.mark.slow
def test_mangled_pictures_are_left_out_where_reals_are_known(portrait):
  def torn(z, training):
    """The lower half of the last pictures stands beside the upper one."""
    pictures = portrait(z, training)
    is_torn = (np.asarray(z)[:, 0] > 5)[:, np.newaxis, np.newaxis, np.newaxis]
    return np.where(is_torn & (np.arange(64) >= 34)[np.newaxis, :, np.newaxis, np.newaxis],
                    np.roll(pictures, 14, axis=2), pictures)

  z = np.zeros([9, 2], np.float32)
  z[:, 0] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 2, 6, 7]
  reals = images.to_uint8(portrait(np.linspace([0, 0], [3, 0], 16), False)).numpy()
  assert choose(torn, z, reals)[1] not in (7, 8)


@pytest.mark.slow
def test_without_two_faces_the_most_different_pictures_are_taken_with_a_warning(caplog):
  grey = lambda z, training: np.tile(np.float32(z)[:, :1, np.newaxis, np.newaxis], [1, 64, 64, 3])
  with caplog.at_level('WARNING'):
    chosen = choose(grey, [[0.1], [-0.9], [0.3], [0.8]])
  assert chosen == [1, 3]
  assert 'Only 0 of 4 pictures of the gallery look real' in caplog.text and 'chose 1 and 3' in caplog.text


def test_a_gallery_of_one_is_refused():
  with pytest.raises(errors.InputError, match=r'`num_images` \(1\) of the gallery must be 2 or more'):
    choose(None, [[0] * 4])


@pytest.mark.slow
def test_where_no_line_is_clean_the_best_pair_is_taken_with_a_warning(portrait, caplog):
  # Faces at whole numbers only.
  between_grey = lambda z, training: portrait(
      np.stack([z[:, 0], np.abs(z[:, 0] - np.round(z[:, 0])) > 0.1], axis=1).astype(np.float32), training)
  with caplog.at_level('WARNING'):
    source, target = choose(between_grey, [[0, 0], [1, 0], [4, 0]])
  assert {source, target} <= {0, 1, 2} and source != target
  assert 'Between all pairs of expressions that were tried some frame is not a clean face' in caplog.text
