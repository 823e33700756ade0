"""Tests of steadying landmarks; faces that move by known amounts are the oracle."""

import cv2
import numpy as np
import pytest

from tools.demo import portrait as demo_portrait
from tools.faces import alignment
from tools.faces import landmarks
from tools.faces import smoothing

_IRISES = [468, 473]
_EYE_DISTANCE_PX = 100.0
_ALIGNED = 39 / _EYE_DISTANCE_PX  # px of the aligned frame for one of the pictures here
_UPPER_LIDS = [159, 386]


def _face():
  """Returns float64 [478, 3]: points over an oval, with open eyes 100 px apart around (0, 0)."""
  rng = np.random.default_rng(5)
  points = rng.normal(size=[478, 3]) * [70, 90, 30]
  for centre, outer, inner, upper, lower, first in ((-50, 33, 133, 159, 145, 468), (50, 263, 362, 386, 374, 473)):
    side = np.sign(centre)
    points[outer], points[inner] = [centre + 20 * side, 0, 0], [centre - 20 * side, 0, 0]
    points[upper], points[lower] = [centre, -7, 0], [centre, 7, 0]
    points[first:first + 5] = [[centre, 0, 0], [centre + 5, 0, 0], [centre, -5, 0], [centre - 5, 0, 0], [centre, 5, 0]]
  return points


def _film(num_frames, fps=30.0):
  """Returns a still face, float64 [num_frames, 478, 3], and its times."""
  return np.repeat(_face()[np.newaxis] + [300, 300, 0], num_frames, axis=0), np.arange(num_frames) / fps


def _turned(points, degrees):
  turn = np.exp(1j * np.deg2rad(degrees))
  flat = (points[..., 0] + 1j * points[..., 1]) * turn
  return np.stack([flat.real, flat.imag, points[..., 2]], axis=-1)


@pytest.mark.parametrize('fps', [15, 30, 60])
def test_tremble_of_a_still_face_falls_to_less_than_half(fps):
  film, times = _film(4 * fps, fps)
  noisy = film + np.random.default_rng(0).normal(0, 0.3 / _ALIGNED / 2, film.shape)
  before, after = ((points - film)[fps // 2:-fps // 2, :, :2].std(axis=0).mean() * _ALIGNED
                   for points in (noisy, smoothing.smooth(noisy, times)))
  assert before == pytest.approx(0.15, rel=0.05)
  assert after < 0.07


def test_noiseless_still_face_stays_as_it_is():
  film, times = _film(50)
  np.testing.assert_allclose(smoothing.smooth(film, times), film, atol=1e-4)


def test_even_motion_passes_unchanged_at_irregular_times():
  rng = np.random.default_rng(1)
  film, _ = _film(60)
  times = np.cumsum(rng.uniform(1 / 60, 1 / 12, 60))
  film = film + times[:, np.newaxis, np.newaxis] * [150.0, -60.0, 20.0]  # 3 px a frame and more
  np.testing.assert_allclose(smoothing.smooth(film, times), film, atol=0.05)


def test_there_is_no_delay_so_time_may_run_backwards():
  rng = np.random.default_rng(2)
  film, times = _film(40)
  film = film + np.cumsum(rng.normal(0, 0.7, [40, 1, 3]), axis=0) + rng.normal(0, 0.3, film.shape)
  forwards = smoothing.smooth(film, times)
  backwards = smoothing.smooth(film[::-1], (times[-1] - times)[::-1])
  np.testing.assert_allclose(backwards[::-1], forwards, atol=1e-3)


@pytest.mark.parametrize('fps, num_frames', [(12, 1), (30, 3), (60, 7)])
def test_blink_closes_as_far_and_at_the_same_time(fps, num_frames):
  film, times = _film(3 * fps, fps)
  shut = np.zeros(len(film))
  middle = len(film) // 2
  shut[middle - num_frames // 2:middle + num_frames // 2 + 1] = np.hanning(num_frames + 2)[1:-1]
  film[:, _UPPER_LIDS, 1] += 13 * shut[:, np.newaxis]
  smoothed = smoothing.smooth(film + np.random.default_rng(3).normal(0, 0.2, film.shape), times)
  openings = smoothed[:, [145, 374], 1] - smoothed[:, _UPPER_LIDS, 1]
  assert (openings.argmin(axis=0) == middle).all()
  np.testing.assert_allclose(14 - openings[middle], 13, rtol=0.06)


def test_quick_turn_keeps_its_turning_point():
  film, times = _film(90)
  place = 60 * np.exp(-0.5 * np.square((times - 1.5) / 0.1))  # there and back in under half a second
  film[..., 0] += place[:, np.newaxis]
  smoothed = smoothing.smooth(film + np.random.default_rng(4).normal(0, 0.2, film.shape), times)
  moved = (smoothed - film)[..., 0].mean(axis=1) + place
  assert moved.argmax() == place.argmax()
  assert moved.max() == pytest.approx(60, rel=0.02)
  assert np.abs(moved - place).max() * _ALIGNED < 0.35


def test_a_cut_is_not_bridged():
  film, times = _film(40)
  film[20:] = film[20:] * 1.3 + 40
  np.testing.assert_allclose(smoothing.smooth(film, times), film, atol=1e-3)


def test_a_gap_is_not_bridged_even_where_little_has_moved():
  film, times = _film(40)
  film[20:] += 0.4
  times[20:] += 5
  np.testing.assert_allclose(smoothing.smooth(film, times), film, atol=1e-4)


def test_at_one_picture_a_second_only_what_has_not_moved_is_averaged():
  film, times = _film(12, fps=1)
  noisy = film + np.random.default_rng(6).normal(0, 0.15, film.shape)
  smoothed = smoothing.smooth(noisy, times)
  assert (smoothed - film)[1:-1].std() < 0.75 * (noisy - film)[1:-1].std()
  elsewhere = film + np.random.default_rng(7).uniform(-30, 30, [12, 1, 3])
  np.testing.assert_allclose(smoothing.smooth(elsewhere, times), elsewhere, atol=1e-3)


def test_gaze_of_open_eyes_is_kept():
  film, times = _film(60)
  film[20:40, 468:478, 0] += 6.0
  np.testing.assert_allclose(smoothing.smooth(film, times)[:, 468:478], film[:, 468:478], atol=0.2)


def test_larger_picture_gives_the_same_larger():
  film, times = _film(30)
  film = film + np.random.default_rng(8).normal(0, 0.3, film.shape)
  np.testing.assert_allclose(smoothing.smooth(4 * film, times), 4 * smoothing.smooth(film, times), atol=5e-3)


def test_pieces_that_it_works_in_leave_no_trace(monkeypatch):
  film, times = _film(50)
  film = film + np.random.default_rng(9).normal(0, 0.3, film.shape)
  film[10:14, _UPPER_LIDS, 1] += 13
  whole = smoothing.smooth(film, times)
  monkeypatch.setattr(smoothing, '_CHUNK', 7)
  np.testing.assert_allclose(smoothing.smooth(film, times), whole, atol=1e-4)


@pytest.mark.parametrize('num_frames', [0, 1, 2])
@pytest.mark.parametrize('num_points', [5, 478])
def test_short_films_and_other_meshes_pass(num_frames, num_points):
  film, times = _film(num_frames)
  smoothed = smoothing.smooth(film[:, :num_points], times)
  assert smoothed.dtype == np.float32
  np.testing.assert_allclose(smoothed, film[:, :num_points], atol=1e-4)


def test_input_is_left_alone():
  film, times = _film(30)
  film = film.astype(np.float32)
  film[10:14, _UPPER_LIDS, 1] += 13
  before = film.copy()
  smoothing.smooth(film, times)
  np.testing.assert_array_equal(film, before)


def test_wrong_shapes_and_times_are_told():
  film, times = _film(3)
  with pytest.raises(ValueError, match=r'\[3, 478, 2\].*\[num_frames, num_points, 3\]'):
    smoothing.smooth(film[..., :2], times)
  with pytest.raises(ValueError, match=r'`times_secs` \[2\]'):
    smoothing.smooth(film, times[:2])
  with pytest.raises(ValueError, match='must rise'):
    smoothing.smooth(film, times[[0, 2, 1]])


@pytest.mark.slow
def test_portrait_that_holds_still_and_blinks_stays_in_place_when_aligned(astronaut):
  finder = landmarks.FaceFinder()
  portrait = demo_portrait.Portrait(astronaut, finder.find_all(astronaut)[0].landmarks, 256)
  rng = np.random.default_rng(0)
  film, true = [], None
  for i in range(60):
    blink = float(np.clip(1.5 - abs(i - 40) / 3, 0, 1))
    pose = demo_portrait.Pose({'mouthSmileLeft': -0.5, 'mouthSmileRight': -0.5, 'eyeBlinkLeft': blink,
                               'eyeBlinkRight': blink})
    noisy = np.clip(portrait.draw(pose) + rng.normal(0, 6, [256, 256, 3]), 0, 255).astype(np.uint8)
    shown = cv2.imdecode(cv2.imencode('.jpg', noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1], 1)[..., ::-1]
    film.append(finder.find_all(np.ascontiguousarray(shown))[0].landmarks)
    true = portrait.eyes(pose)  # the same in all
  places = {}
  for name, points in (('raw', np.array(film)), ('smooth', smoothing.smooth(film, np.arange(60) / 30))):
    transforms = [alignment.similarity(frame[_IRISES, :2]) for frame in points]
    places[name] = np.array([true @ transform[:, :2].T + transform[:, 2] for transform in transforms])
  still = np.s_[:30]
  assert places['smooth'][still].std(axis=0).max() < 0.1
  steps = {name: np.abs(np.diff(place, axis=0)) for name, place in places.items()}
  assert steps['smooth'][still].mean() < 0.3 * steps['raw'][still].mean()
  away = {name: np.abs(place - np.median(place, axis=0)).max() for name, place in places.items()}
  assert away['smooth'] < 0.6 * away['raw']
