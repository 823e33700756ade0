"""Tests of what tells mangled faces from whole ones: a portrait that moves, and the same put out of shape."""

import json
import pathlib

import cv2
import numpy as np
import pytest

from dcgan.common import images
from tools.evaluation import meshes
from tools.evaluation import wholeness

_CROP_PX = 140
_LABELS = json.loads((pathlib.Path(__file__).parent / 'eye_labels.json').read_text())


@pytest.fixture(name='measure', scope='module')
def _measure(frames):
  return wholeness.Wholeness(images.resize(frames[::2], 64), _CROP_PX)


def _warped(image, seed):
  """Returns a picture whose points are moved by 5 % of its side, near ones alike."""
  size_px = len(image)
  field = np.random.default_rng(seed).standard_normal([size_px, size_px, 2]).astype(np.float32)
  field = cv2.GaussianBlur(field, (0, 0), size_px / 12)
  field *= 0.05 * size_px / field.std()
  y, x = np.mgrid[:size_px, :size_px].astype(np.float32)
  return cv2.remap(image, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _smeared(image, seed):
  del seed
  length = len(image) // 6
  return cv2.blur(image, (length, 1))


def _doubled(image, seed):
  del seed
  return cv2.addWeighted(image, 0.5, np.roll(image, (len(image) // 10, len(image) // 8), (0, 1)), 0.5, 0)


def _half_another(image, seed):
  del seed
  centre = len(image) / 2
  turn = cv2.getRotationMatrix2D((centre, centre), 30, 1.2)
  other = cv2.warpAffine(image, turn, image.shape[:2], borderMode=cv2.BORDER_REPLICATE)
  return cv2.addWeighted(image, 0.5, other, 0.5, 0)


@pytest.mark.parametrize('size_px', [64, 128])
def test_frames_that_were_not_among_the_reals_are_clean_at_any_size(frames, measure, size_px):
  assert measure.clean_rate(images.resize(frames[1::2], size_px)) >= 0.95


@pytest.mark.parametrize('size_px', [64, 128])
@pytest.mark.parametrize('mangle', [_warped, _smeared, _doubled, _half_another])
def test_mangled_frames_are_not_clean(frames, measure, mangle, size_px):
  mangled = np.stack([mangle(image, seed) for seed, image in enumerate(images.resize(frames[1::2], size_px))])
  assert measure.clean_rate(mangled) <= 0.05
  assert np.median(measure.strangeness(mangled)) > measure.threshold


def test_face_out_of_its_place_is_not_clean_though_it_is_not_strange(frames, measure):
  moved = images.resize(np.roll(frames[1::2], (12, 8), (1, 2)), 64)
  assert np.median(measure.strangeness(moved)) < measure.threshold
  assert not measure.is_clean(moved).any()


def test_real_picture_is_at_no_distance_from_itself_and_near_its_mirror_image(frames, measure):
  reals = images.resize(frames[::2], 64)
  np.testing.assert_allclose(measure.strangeness(reals), 0, atol=2e-3)
  mirrored = measure.strangeness(np.ascontiguousarray(reals[:, :, ::-1]))
  assert mirrored.max() < measure.threshold / 2  # the mesh itself is not quite symmetrical


def test_mirrored_description_is_that_of_the_mirrored_patch():
  patch = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, [24, 24]).astype(np.float32), (0, 0), 2)
  parts = np.stack([wholeness._gradients(patch)] * 4)[np.newaxis]
  expected = wholeness._gradients(np.ascontiguousarray(patch[:, ::-1]))
  np.testing.assert_allclose(wholeness._mirrored(parts)[0, 2], expected, atol=1e-4)


def test_gradients_of_an_edge_all_point_across_it():
  patch = np.zeros([24, 24], np.float32)
  patch[:, 12:] = 100  # brighter to the right: direction 0
  shares = wholeness._gradients(patch).reshape(4, 4, 8)**2
  assert shares[..., 0].sum() == pytest.approx(1)
  assert shares[:, [0, 3]].sum() == 0  # the columns next to the edge alone see it


def test_patch_is_turned_and_scaled_by_its_points():
  y, x = np.mgrid[:64, :64].astype(np.float32) + 0.5
  ends = np.array([[20.0, 30.0], [36.0, 42.0]])  # 20 px apart, as 3:4:5
  patch = wholeness._patch(x + 100 * y, ends, 2.0)
  middle = ends.mean(axis=0) @ [1, 100]
  across = 10 * 40 / 24 * np.array([0.8, 0.6])  # in px of the picture, for ten steps to the right in the patch
  down = np.array([-across[1], across[0]])
  assert patch[11:13, 11:13].mean() == pytest.approx(middle, rel=1e-3)
  assert patch[11, 17] - patch[11, 7] == pytest.approx(across @ [1, 100], rel=1e-2)  # OpenCV rounds to 1/32 px
  assert patch[17, 11] - patch[7, 11] == pytest.approx(down @ [1, 100], rel=1e-2)


def test_pictures_without_a_face_are_infinitely_strange(measure):
  blank = np.full([2, 64, 64, 3], 128, np.uint8)
  np.testing.assert_array_equal(measure.strangeness(blank), [np.inf] * 2)
  assert measure.clean_rate(blank) == 0


def test_what_was_seen_before_is_not_looked_at_again(frames, measure, monkeypatch):
  reals, others = (images.resize(part, 64) for part in (frames[::2], frames[1::2]))
  seen = [meshes.look(part, _CROP_PX) for part in (reals, others)]
  expected = measure.strangeness(others)
  monkeypatch.setattr(meshes, 'look', lambda *_: pytest.fail('looked again'))
  again = wholeness.Wholeness(reals, _CROP_PX, seen[0])
  np.testing.assert_array_equal(again.strangeness(others, seen[1]), expected)
  assert again.clean_rate(others, seen[1]) == measure.is_clean(others, seen[1]).mean()


def test_too_few_faces_are_refused_with_the_number_needed(frames):
  reals = np.concatenate([images.resize(frames[:3], 64), np.zeros([4, 64, 64, 3], np.uint8)])
  with pytest.raises(ValueError, match='`real_images` show 3 faces, but .* needs 4 or more'):
    wholeness.Wholeness(reals, _CROP_PX)


def test_pictures_of_another_type_are_refused(measure):
  with pytest.raises(ValueError, match=r'`images` is float32 \[1, 64, 64, 3\]'):
    measure.is_clean(np.zeros([1, 64, 64, 3], np.float32))


def _area(clean, mangled):
  """Returns the area under the ROC curve: how often a mangled picture is stranger than a clean one."""
  return np.mean(mangled[:, np.newaxis] > clean)


def _labelled(names):
  """Returns (labels, strangeness, whether clean) of the judged pictures of some models; both looks as one word."""
  rows = [row for row in _LABELS['pictures'] if row[0] in names]
  strangeness = np.array([np.inf if row[5] is None else row[5] for row in rows])
  return np.array([row[3] + row[4] for row in rows]), strangeness, np.array([row[6] for row in rows])


def test_measure_agrees_with_the_eye():
  labels, strangeness, is_clean = _labelled(_LABELS['models'])
  first, second = (np.array([label[i] for label in labels]) for i in (0, 1))
  assert len(labels) == 282 and np.mean(first == second) == pytest.approx(0.89, abs=0.005)
  assert _area(strangeness[labels == 'CC'], strangeness[labels == 'MM']) == pytest.approx(0.994, abs=0.001)
  assert _area(strangeness[labels == 'FF'], strangeness[labels == 'MM']) == pytest.approx(0.943, abs=0.001)
  passing = [is_clean[labels == label].mean() for label in ('CC', 'FF', 'MM')]
  np.testing.assert_allclose(passing, [0.98, 0.83, 0.19], atol=0.005)


@pytest.mark.parametrize('names', [['ufm'], ['blair_adversarial'], ['blair_places'], ['powell_128'],
                                   ['woman_unparted', 'woman_looks', 'woman_alone']])
def test_measure_agrees_with_the_eye_within_each_model(names):
  labels, strangeness, _ = _labelled(names)
  assert _area(strangeness[labels == 'CC'], strangeness[labels == 'MM']) >= 0.95


def test_held_out_pictures_of_people_were_clean():
  for name, model in _LABELS['models'].items():
    assert model['num_held_out_clean'] >= (0.85 if name == 'ufm' else 0.95) * model['num_held_out'], name


def test_labels_and_thresholds_fit_together():
  for name, _, _, _, _, strangeness, is_clean in _LABELS['pictures']:
    assert not is_clean or strangeness <= _LABELS['models'][name]['threshold'] + 1e-4


def test_even_beside_another_face_what_the_eye_called_mangled_is_stranger(frames, ufm_pictures):
  """The pictures of the model that ships are made anew, so that the measure itself is held to the labels."""
  strangeness = wholeness.Wholeness(images.resize(frames, 64), _CROP_PX).strangeness(ufm_pictures)
  labels, _, _ = _labelled(['ufm'])
  assert _area(strangeness[labels == 'CC'], strangeness[labels == 'MM']) >= 0.95
