"""Tests of lips and lids on a drawn face: level slits whose edges are parabolas, with an eye distance of 100 px."""

import numpy as np
import pytest

from tools.demo import portrait as demo_portrait
from tools.demo import tears as demo_tears

Pose = demo_portrait.Pose

# pylint: disable=protected-access
_UNIT = 100.0
_MOUTH = (200.0, 240.0)  # x and y of its middle; 80 px long, its edges 10 px above and below
_EYES = {'eyeBlinkRight': (150.0, 150.0), 'eyeBlinkLeft': (250.0, 150.0)}  # 40 px long, 8 px above and below


def _edges(ids_of_edges, center, half, height):
  for sign, ids in zip((-1, 1), ids_of_edges):
    along = np.linspace(-1, 1, len(ids))
    yield list(ids), np.stack([center[0] + half * along, center[1] + sign * height * (1 - along**2)], -1)


@pytest.fixture(scope='module', name='tears')
def _tears():
  points = np.zeros([478, 3], np.float32)
  for name, center in _EYES.items():
    for ids, places in _edges(demo_tears._EYES[name], center, 20, 8):
      points[ids, :2] = places
  for ids, places in _edges(demo_tears._INNER_LIPS, _MOUTH, 40, 10):
    points[ids, :2] = places
  points[demo_tears._CHIN, :2] = _MOUTH[0], _MOUTH[1] + 70
  return demo_tears.tears(points, _UNIT)


@pytest.fixture(scope='module', name='grid')
def _grid():
  return np.meshgrid(np.arange(400, dtype=np.float32), np.arange(400, dtype=np.float32))


def test_smoothstep_of_hand_worked_values():
  np.testing.assert_allclose(demo_tears.smoothstep(np.array([1.0, 2.0, 3.0, 4.0, 6.0, 7.0]), 2, 6),
                             [0, 0, 0.15625, 0.5, 1, 1])


@pytest.mark.parametrize('controls, moved', [
    ({}, []), ({'headYaw': 9.0, 'browInnerUp': 1.0, 'mouthSmileLeft': 1.0}, []), ({'jawOpen': 0.1}, [0]),
    ({'mouthSmileLeft': -1.0}, [0]), ({'mouthSmileLeft': -0.5, 'mouthSmileRight': 0.5}, []),
    ({'eyeBlinkRight': 0.2}, [1]), ({'eyeBlinkLeft': 1.0}, [2])])
def test_what_tears_in_a_pose(tears, controls, moved):
  assert [i for i, tear in enumerate(tears) if tear.moves(Pose(controls))] == moved


def test_box_holds_the_reach_and_is_none_where_the_slit_is_out_of_sight(tears, grid):
  assert tears[1].box(*grid) == (slice(101, 200), slice(101, 200))  # less than 50 px around (150, 150)
  assert tears[1].box(grid[0] + 1000, grid[1]) is None


def test_skin_beyond_the_box_stays(tears, grid):
  for tear in tears:
    box = np.zeros([400, 400], bool)
    box[tear.box(*grid)] = True
    pose = Pose({'jawOpen': 1.0, 'mouthSmileLeft': -1.0, 'eyeBlinkLeft': 1.0, 'eyeBlinkRight': 1.0})
    shift_x, shift_y, hole, _, _, lash = tear.move(pose, *grid)
    assert max(np.abs(field[~box]).max() for field in (shift_x, shift_y, hole, lash)) < 0.05


def test_a_blink_leaves_no_gap_and_half_a_blink_half_of_it(tears, grid):
  gaps = [float(tears[1].move(Pose({'eyeBlinkRight': blink}), *grid)[2][:, 150].sum()) for blink in (0.01, 0.5, 1.0)]
  np.testing.assert_allclose(gaps, [14.8 * 0.99, 7.4, 0], atol=0.1)  # 16 px high in the middle, less 1.2 of lashes


def test_the_upper_lid_brings_its_skin_down(tears, grid):
  _, shift_y, *_ = tears[1].move(Pose({'eyeBlinkRight': 1.0}), *grid)
  assert 120 < 150 + shift_y[150, 150] < 142  # what is now on the iris was above the upper edge


def test_an_open_jaw_widens_the_gap_by_its_drop_and_darkens_it(tears, grid):
  photo, open_ = (tears[0].move(Pose({'jawOpen': jaw}), *grid) for jaw in (1e-6, 1.0))
  assert open_[2][:, 200].sum() - photo[2][:, 200].sum() == pytest.approx(34, abs=0.1)  # 0.34 of the eye distance
  assert open_[4][270, 200] == pytest.approx(1) and open_[3][270, 200].max() < 128


def test_lips_at_rest_meet(tears, grid):
  closed = tears[0].move(Pose({'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0}), *grid)
  assert closed[2][:, 200].sum() < 0.5
