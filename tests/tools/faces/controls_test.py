"""Tests of what faces do: meshes moved by hand, turned heads, and the demo portrait whose amounts are known."""

import dataclasses

import numpy as np
import pytest

from dcgan.control import calibration
from dcgan.control import names
from tests.dcgan import conftest
from tools.demo import portrait as demo_portrait
from tools.faces import controls
from tools.faces import landmarks
from tools.faces import measures
from tools.faces import smoothing

_EXPRESSION = [name not in names.HEAD for name in names.MEASURED]
# Face Mesh's points, moved by hand; image left to image right.
_UPPER_LIDS = {'Right': (161, 160, 159, 158, 157), 'Left': (384, 385, 386, 387, 388)}
_LOWER_LIDS = {'Right': (163, 144, 145, 153, 154), 'Left': (381, 380, 374, 373, 390)}
_IRISES = {'Right': range(468, 473), 'Left': range(473, 478)}
_BROWS = {'Right': (70, 63, 105, 66, 107, 46, 53, 52, 65, 55), 'Left': (336, 296, 334, 293, 300, 285, 295, 282, 283, 276)}
_CORNERS = {'Right': (61, 78), 'Left': (291, 308)}
_LOWER_LIP = (14, 17, 87, 178, 84, 181, 317, 402, 314, 405)
_UPPER_LIP = (13, 0, 82, 81, 37, 39, 312, 311, 267, 269)
_CHIN = (148, 152, 377, 175)


def _column(name):
  return names.MEASURED.index(name)


@pytest.fixture(scope='module', name='finder')
def _finder():
  return landmarks.FaceFinder()


@pytest.fixture(scope='module', name='found')
def _found(finder, astronaut):
  return finder.find_all(astronaut)[0].landmarks


@pytest.fixture(scope='module', name='face')
def _face(found):
  """float64 [478, 3]: the portrait's mesh as if its head looked ahead, 100 px between the outer eye corners."""
  return 100 * measures.looking_ahead(found)[0] + [200, 200, 0]


def _shifts(face, moved):
  """Returns by how many times its noise each control changed, by name."""
  change = (controls.measure(moved) - controls.measure(face)) / controls.NOISE
  return dict(zip(names.MEASURED, change))


def _moved(face, *moves):
  moved = face.copy()
  for points, by in moves:
    moved[list(points)] += by
  return moved


def _rotation(yaw, pitch, roll):
  p, y, r = np.radians([pitch, yaw, roll])
  nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
  turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
  tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
  return tilt @ turn @ nod


def test_each_face_has_all_that_is_measured(found):
  raw = controls.measure(found)
  assert raw.dtype == np.float32 and raw.shape == (len(names.MEASURED),) and np.isfinite(raw).all()
  assert controls.NOISE.shape == raw.shape and (controls.NOISE > 0).all()


@pytest.mark.parametrize('angles', [(30, 0, 0), (-30, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 30), (25, -20, 15)])
def test_a_turned_head_does_nothing_but_turn(face, angles):
  turned = 1.7 * (face - face.mean(axis=0)) @ _rotation(*angles).T + [900, 30, -4]
  ahead, found = controls.measure(face), controls.measure(turned)
  np.testing.assert_allclose(found[_EXPRESSION], ahead[_EXPRESSION], atol=1e-4)
  np.testing.assert_allclose([found[_column(name)] for name in names.HEAD], angles, atol=0.01)


@pytest.mark.parametrize('angles', [(20, 0, 0), (0, -15, 0), (12, 8, 25)])
def test_angles_come_back_within_2_degrees_where_every_point_trembles(face, angles):
  rng = np.random.default_rng(0)
  turned = (face - face.mean(axis=0)) @ _rotation(*angles).T + rng.normal(0, 0.7, face.shape)
  found = controls.measure(turned)
  np.testing.assert_allclose([found[_column(name)] for name in names.HEAD], angles, atol=2)


def test_many_faces_at_once_give_what_each_gives_alone(face):
  faces = face + np.random.default_rng(1).normal(0, 1, [4, *face.shape])
  np.testing.assert_allclose(controls.measure(faces), [controls.measure(each) for each in faces], atol=1e-5)


def test_a_mirrored_face_does_with_the_left_what_it_did_with_the_right(face):
  face = face + np.random.default_rng(2).normal(0, 2, face.shape)
  # pylint: disable=protected-access
  pairs = [pair for sides in controls._MIRRORED.values() for pair in zip(*sides)]
  pairs += [row[:2] for row in measures._PAIRS] + [(row[0],) * 2 for row in measures._MIDDLE]
  mirrored = face * [-1, 1, 1]
  for one, other in pairs:
    mirrored[[one, other]] = face[[other, one]] * [-1, 1, 1]
  original = dict(zip(names.MEASURED, controls.measure(face)))
  for name, value in zip(names.MEASURED, controls.measure(mirrored)):
    swapped = name.replace('Left', '?').replace('Right', 'Left').replace('?', 'Right')
    assert value == pytest.approx(original[swapped] * (-1 if name in ('headYaw', 'headRoll') else 1), abs=1e-4)


@pytest.mark.parametrize('side, other', [('Left', 'Right'), ('Right', 'Left')])
def test_a_wink_is_the_persons(face, side, other):
  # The person's left eye is on the right of the image.
  assert (face[_UPPER_LIDS['Left'], 0].mean() > 200) and (face[_UPPER_LIDS['Right'], 0].mean() < 200)
  winking = face.copy()
  winking[list(_UPPER_LIDS[side])] = face[list(_LOWER_LIDS[side])]
  shifts = _shifts(face, winking)
  assert shifts[f'eyeBlink{side}'] > 10 > -10 > shifts[f'eyeWide{side}']
  assert max(abs(shifts[name]) for name in names.MEASURED if name not in (f'eyeBlink{side}', f'eyeWide{side}')) < 0.5
  assert abs(shifts[f'eyeBlink{other}']) < 0.01


def _is_largest(shifts, name, *also):
  """Whether a control moved by more noises than all but those that `also` begin with."""
  others = [value for each, value in shifts.items() if each != name and not each.startswith(also)]
  return shifts[name] > max(4, max(others, key=abs))


def test_a_jaw_that_drops_opens(face):
  shifts = _shifts(face, _moved(face, (_CHIN + _LOWER_LIP, [0, 12, 0])))
  assert _is_largest(shifts, 'jawOpen', 'mouthFunnel', 'mouthPress')
  assert abs(shifts['eyeBlinkLeft']) < 0.1 and abs(shifts['browInnerUp']) < 0.1 and abs(shifts['jawLeft']) < 0.1


@pytest.mark.parametrize('side, outwards', [('Left', 1), ('Right', -1)])
def test_a_corner_that_rises_smiles(face, side, outwards):
  shifts = _shifts(face, _moved(face, (_CORNERS[side], [6 * outwards, -6, 0])))
  other = 'Right' if side == 'Left' else 'Left'
  assert shifts[f'mouthSmile{side}'] > 8 and abs(shifts[f'mouthSmile{other}']) < 0.1
  assert shifts[f'mouthFrown{side}'] < -8
  sunk = _shifts(face, _moved(face, (_CORNERS[side], [0, 6, 0])))
  assert sunk[f'mouthFrown{side}'] > 8 and sunk[f'mouthSmile{side}'] < -6


@pytest.mark.parametrize('by, rising', [
    ([4, 0, 0], ('eyeLookOutLeft', 'eyeLookInRight')), ([-4, 0, 0], ('eyeLookInLeft', 'eyeLookOutRight')),
    ([0, -3, 0], ('eyeLookUpLeft', 'eyeLookUpRight')), ([0, 3, 0], ('eyeLookDownLeft', 'eyeLookDownRight'))])
def test_gaze_follows_the_irises(face, by, rising):
  shifts = _shifts(face, _moved(face, (_IRISES['Left'], by), (_IRISES['Right'], by)))
  assert {name for name, value in shifts.items() if value > 3} == set(rising)


@pytest.mark.parametrize('moves, name', [
    (((_BROWS['Left'] + _BROWS['Right'], [0, -5, 0]),), 'browInnerUp'),
    (((_BROWS['Left'], [0, -5, 0]),), 'browOuterUpLeft'),
    (((_BROWS['Right'], [2, 5, 0]),), 'browDownRight'),
    (((_CHIN, [8, 0, 0]),), 'jawLeft'), (((_CHIN, [-8, 0, 0]),), 'jawRight'),
    (((_UPPER_LIP + _LOWER_LIP + _CORNERS['Left'] + _CORNERS['Right'], [8, 0, 0]),), 'mouthLeft'),
    (((_CORNERS['Left'], [-7, 0, 0]), (_CORNERS['Right'], [7, 0, 0])), 'mouthPucker'),
    (((_CORNERS['Right'], [-7, 0, 0]),), 'mouthStretchRight'),
    ((((312, 311, 267, 269), [0, -5, 0]),), 'mouthUpperUpLeft'),
    ((((317, 402, 314, 405), [0, 5, 0]),), 'mouthLowerDownLeft'),
    ((((0,), [0, 3, 0]),), 'mouthRollUpper'),
    ((((17,), [0, -3, 0]),), 'mouthRollLower'),
    ((((450, 347, 280), [0, -3, 0]),), 'cheekSquintLeft'),
    (((_LOWER_LIDS['Right'], [0, -3, 0]),), 'eyeSquintRight')])
def test_moving_the_points_of_a_control_by_hand_raises_it(face, moves, name):
  shifts = _shifts(face, _moved(face, *moves))
  assert shifts[name] > 3
  mirrored = name.replace('Left', '?').replace('Right', 'Left').replace('?', 'Right')
  if mirrored != name and not name.startswith(('jaw', 'mouthLeft', 'mouthRight')):
    assert abs(shifts[mirrored]) < 0.5


def test_records_of_before_are_measured_by_their_landmarks(found):
  face = dataclasses.replace(conftest.draw_face(0, np.random.default_rng(0)), landmarks=found)
  raw = controls.measure(found)
  old, new, blind = controls.of_faces([face, dataclasses.replace(face, controls=2 * raw),
                                       dataclasses.replace(face, landmarks=None)])
  np.testing.assert_array_equal(old[:-1], raw[:-1])
  assert names.MEASURED[-1] == 'headRoll' and np.isnan(old[-1])
  np.testing.assert_array_equal(new, 2 * raw)
  assert np.isnan(blind).all()


def test_steadied_both_ways_a_film_trembles_less_and_comes_at_its_time(face):
  rng = np.random.default_rng(3)
  times_secs = np.arange(90) / 30
  jaw = np.interp(times_secs, [0, 1.0, 1.4, 2.0, 2.4, 3], [0, 0, 12, 12, 0, 0])
  film = np.repeat(face[np.newaxis], 90, axis=0)
  film[:, list(_CHIN + _LOWER_LIP), 1] += jaw[:, np.newaxis]
  trembling = film + rng.normal(0, 0.25, film.shape)
  column = _column('jawOpen')
  true, before, after = (controls.measure(each)[:, column] for each in (
      film, trembling, smoothing.smooth(trembling, times_secs)))
  assert np.std(after[:28]) < 0.5 * np.std(before[:28])
  delays = np.arange(-0.2, 0.2, 0.005)
  off = [np.square(np.interp(times_secs - delay, times_secs, true) - after).mean() for delay in delays]
  assert abs(delays[np.argmin(off)]) <= 0.01


_REST = {'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0}
# Of each amount of the demo portrait: from where to where it goes, and what follows it.
_SWEEPS = {
    'jawOpen': ((0, 1), ('jawOpen', 'mouthFunnel')),
    'mouthSmileLeft': ((-1, 1), ('mouthSmileLeft',)),
    'mouthSmileRight': ((-1, 1), ('mouthSmileRight',)),
    'browInnerUp': ((0, 1), ('browInnerUp', 'browOuterUpLeft', 'browOuterUpRight')),
    'eyeBlinkLeft': ((0, 1), ('eyeBlinkLeft',)), 'eyeBlinkRight': ((0, 1), ('eyeBlinkRight',)),
    'headYaw': ((-17, 17), ('headYaw',)), 'headPitch': ((-10, 10), ('headPitch',)),
    'headRoll': ((-12, 12), ('headRoll',))}
_NUM_STEPS = 7
_CROSS_TALK = 0.4  # of its own range: what another amount may move of a control


@pytest.fixture(scope='module', name='sweeps')
def _sweeps(finder, astronaut, found):
  """float32 [9, 7, 45]: the raw measures while each amount of the portrait goes its way, and all else rests."""
  portrait = demo_portrait.Portrait(astronaut, found, 256)
  raw = []
  for name, (ends, _) in _SWEEPS.items():
    poses = [demo_portrait.Pose({**_REST, name: amount}) for amount in np.linspace(*ends, _NUM_STEPS)]
    raw.append([controls.measure(finder.find_all(portrait.draw(pose))[0].landmarks) for pose in poses])
  return np.array(raw)


@pytest.mark.slow
def test_each_amount_of_the_portrait_is_followed_by_its_controls(sweeps):
  for raw, (name, (ends, followers)) in zip(sweeps, _SWEEPS.items()):
    for follower in followers:
      correlation = np.corrcoef(np.linspace(*ends, _NUM_STEPS), raw[:, _column(follower)])[0, 1]
      assert correlation > 0.95, f'{follower} follows {name} by {correlation:.3f}'


@pytest.mark.slow
def test_an_amount_hardly_moves_the_controls_of_others(sweeps):
  own = {name: abs(raw[-1, _column(name)] - raw[0, _column(name)]) for raw, name in zip(sweeps, _SWEEPS)}
  for raw, name in zip(sweeps, _SWEEPS):
    for other, full in own.items():
      moved = abs(raw[-1, _column(other)] - raw[0, _column(other)]) / full
      assert other == name or moved < _CROSS_TALK, f'{name} moves {other} by {moved:.2f} of its range'


@pytest.mark.slow
def test_a_wink_in_a_picture_is_the_persons(sweeps):
  # The portrait's left lid is the one on the right of the image.
  raw = sweeps[list(_SWEEPS).index('eyeBlinkLeft')]
  left, right = ((raw[-1] - raw[0])[_column(f'eyeBlink{side}')] for side in ('Left', 'Right'))
  assert left > 0.15 and abs(right) < 0.2 * left


@pytest.mark.slow
def test_the_portraits_amounts_have_a_range_and_what_it_cannot_do_has_none(sweeps):
  found = calibration.calibrate(sweeps.reshape(-1, len(names.MEASURED)), controls.NOISE)
  assert not set(_SWEEPS) & set(found.absent)
  assert {'jawLeft', 'jawRight', 'eyeLookOutLeft', 'mouthLeft', 'mouthRight'} <= set(found.absent)
