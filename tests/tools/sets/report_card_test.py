"""Tests of a set's report and of its card."""

import dataclasses
import io

import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from tools.faces import alignment
from tools.sets import report_card

_EYES = np.array([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], np.float32)


def _face(order, eyes=_EYES, landmarks=None, identity=None):
  encoded = io.BytesIO()
  Image.new('RGB', (178, 218), (0, 0, min(255, 4 * order))).save(encoded, 'PNG')
  return records.Face(
      encoded=encoded.getvalue(), key=f'{order}.png', order=order, eyes=np.asarray(eyes, np.float32),
      landmarks=landmarks, sharpness=1.0, descriptor=np.zeros(256, np.float32), identity=identity)


def _landmarks(order):
  return np.random.default_rng(order).uniform(0, 178, [478, 3]).astype(np.float32)


def _make_set(tmp_path, num_images, num_shards=1, kind='photos', make_face=_face):
  prefix = str(tmp_path / 'set')
  shards = []
  for i in range(num_shards):
    orders = range(num_images * i // num_shards, num_images * (i + 1) // num_shards)
    shards.append(records.write_shard(manifests.shard_path(prefix, i, num_shards), map(make_face, orders)))
  manifest = manifests.Manifest(
      kind=kind, num_images=num_images, num_inputs=num_images + 2, shards=tuple(shards),
      rejected=tuple(manifests.Rejection(f'x{i}.png', manifests.Reason('no_face')) for i in range(2)),
      settings={'source': 'me', 'fps': None})
  manifests.save(prefix, manifest)
  return prefix, manifest


def test_summary_says_what_is_in_and_what_was_left_out(tmp_path):
  prefix, manifest = _make_set(tmp_path, 5)
  assert report_card.summary(prefix, manifest).splitlines() == [
      f'{prefix}: 5 faces of 7 pictures (photos), 1 shard, schema {manifests.SCHEMA_VERSION}',
      '  left out: 2 × no face found']


def test_showing_a_set_prints_its_report_and_writes_its_card(tmp_path, capsys):
  prefix, manifest = _make_set(tmp_path, 9, 2, make_face=lambda order: _face(order, landmarks=_landmarks(order)))
  assert report_card.show(prefix, tmp_path / 'card.png', 64) == tmp_path / 'card.png'
  card = Image.open(tmp_path / 'card.png')
  assert card.width == 8 * 180 + 2 and 2 * 220 + 300 < card.height < 2 * 220 + 700
  printed = capsys.readouterr().out.splitlines()
  assert printed[:3] == [*report_card.summary(prefix, manifest).splitlines(), '']
  assert printed[3].startswith('9 usable faces: under 20') and printed[-1] == 'Made with source=me'


def test_card_of_few_faces_without_landmarks_is_as_wide_and_white_beside_them(tmp_path):
  prefix, _ = _make_set(tmp_path, 2, kind='celeba')
  report_card.make(prefix, tmp_path / 'card.png', prefix)
  card = np.asarray(Image.open(tmp_path / 'card.png'))
  assert card.shape[1] == 1442 and (card[-220:, 2 * 180 + 4:] == 255).all() and (card[-100, 10] < 255).any()
  assert (card[:40] < 100).any()  # the title


def test_all_faces_are_measured_and_some_are_shown(tmp_path):
  def make_face(order):
    landmarks = None if order == 3 else _landmarks(order)
    return _face(order, landmarks=landmarks, identity=order // 2)
  prefix, manifest = _make_set(tmp_path, 5, make_face=make_face)
  numbers, sheet = report_card.look(prefix, manifest, 2)
  assert sheet.shape == (222, 2 * 180 + 2, 3) and numbers.num_people == 3
  for values in (numbers.yaw_deg, numbers.pitch_deg, numbers.mouth_opening, numbers.eye_opening, numbers.brightness):
    np.testing.assert_array_equal(np.isnan(values), [False, False, False, True, False])
  np.testing.assert_array_equal(numbers.sharpness, np.ones(5))
  brighter = numbers.brightness[[0, 1, 2, 4]]
  np.testing.assert_allclose(brighter, 0.114 * 4 * np.array([0, 1, 2, 4]), atol=0.01)  # blue, by ITU-R BT.601


def test_faces_are_spread_evenly_from_the_first_to_the_last(tmp_path):
  prefix, manifest = _make_set(tmp_path, 61, num_shards=3)
  _, sheet = report_card.look(prefix, manifest, 4)
  blues = [int(sheet[2 + 210, 2 + 180 * i + 5, 2]) for i in range(4)]
  assert blues == [0, 80, 160, 240]  # faces 0, 20, 40 and 60


def test_lines_cross_where_eyes_belong_and_rings_lie_where_they_are():
  image = report_card.marked(_face(0, eyes=[[40.5, 60.5], [150.5, 190.5]]), 0).astype(int)
  assert (image[111, [10, 30, 120, 170], 2] > 60).all()  # the level through both eyes, y = 111.7
  assert (image[[30, 90, 150, 210], 69, 2] > 60).all() and (image[[30, 90, 150, 210], 108, 2] > 60).all()
  yellow = (image[..., 0] > 200) & (image[..., 1] > 180) & (image[..., 2] < 90)
  y, x = np.nonzero(yellow)
  for eye_x, eye_y in ((40.5, 60.5), (150.5, 190.5)):
    is_near = np.hypot(x + 0.5 - eye_x, y + 0.5 - eye_y) < 8
    assert is_near.sum() >= 12
    np.testing.assert_allclose([x[is_near].mean() + 0.5, y[is_near].mean() + 0.5], [eye_x, eye_y], atol=0.5)


def test_faces_carry_different_numbers():
  assert (report_card.marked(_face(0), 1)[:30, :30] != report_card.marked(_face(0), 7)[:30, :30]).any()


def test_set_that_does_not_exist_is_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'absent\.json: no manifest'):
    report_card.show(str(tmp_path / 'absent'), tmp_path / 'absent.png', 64)


def test_empty_set_is_refused(tmp_path):
  prefix, _ = _make_set(tmp_path, 0)
  with pytest.raises(errors.InputError, match='holds 0 faces'):
    report_card.make(prefix, tmp_path / 'card.png', prefix, 4)


def test_set_that_is_not_aligned_says_so_and_shows_no_lines(tmp_path):
  prefix, manifest = _make_set(tmp_path, 3)
  aligned = report_card.look(prefix, manifest, 3)[1]
  unaligned = dataclasses.replace(manifest, settings={'align': 'off'})
  assert report_card.summary(prefix, unaligned).splitlines()[0].endswith(', not aligned')
  by_eyes = dataclasses.replace(manifest, settings={'align': 'eyes'})
  assert report_card.summary(prefix, by_eyes) == report_card.summary(prefix, manifest)
  cropped = report_card.look(prefix, unaligned, 3)[1]
  level = 2 + int(alignment.IMAGE_LEFT_EYE[1])
  assert (aligned[level, 2 + 20] != cropped[level, 2 + 20]).any() and (cropped[level, 2 + 20] == 0).all()


def test_yellow_rings_are_drawn_without_lines():
  image = report_card.marked(_face(0, eyes=[[40.5, 60.5], [150.5, 190.5]]), 0, is_aligned=False).astype(int)
  y, x = np.nonzero((image[..., 0] > 200) & (image[..., 1] > 180) & (image[..., 2] < 90))
  assert (np.hypot(x + 0.5 - 40.5, y + 0.5 - 60.5) < 8).sum() >= 12
  assert (image[30:, :30] == 0).all()
