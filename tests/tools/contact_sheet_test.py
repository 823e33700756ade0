"""Tests of the summary and the contact sheet of a set."""

import io

import numpy as np
from PIL import Image
import pytest

from dcgan import errors
from dcgan import records
from tools import contact_sheet
from tools.faces import alignment

_EYES = np.array([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], np.float32)


def _face(order, eyes=_EYES):
  encoded = io.BytesIO()
  Image.new('RGB', (178, 218), (0, 0, min(255, 4 * order))).save(encoded, 'PNG')
  return records.Face(
      encoded=encoded.getvalue(), key=f'{order}.png', order=order, eyes=np.asarray(eyes, np.float32),
      landmarks=np.zeros([478, 3], np.float32), sharpness=1.0, descriptor=np.zeros(256, np.float32))


def _make_set(tmp_path, num_images, num_shards=1):
  prefix = str(tmp_path / 'set')
  shards = []
  for i in range(num_shards):
    orders = range(num_images * i // num_shards, num_images * (i + 1) // num_shards)
    shards.append(records.write_shard(records.shard_path(prefix, i, num_shards), map(_face, orders)))
  rejected = (records.Rejection('x.png', 'no face found'), records.Rejection('y.png', 'no face found'))
  manifest = records.Manifest(kind='photos', num_images=num_images, num_inputs=num_images + 2, shards=tuple(shards),
                              rejected=rejected, settings={'source': 'me', 'fps': None})
  records.save_manifest(prefix, manifest)
  return prefix, manifest


def test_summary_says_what_is_in_and_what_was_left_out(tmp_path):
  prefix, manifest = _make_set(tmp_path, 5)
  lines = contact_sheet.summary(prefix, manifest).splitlines()
  assert lines == [f'{prefix}: 5 faces of 7 pictures (photos), 1 shard, schema {records.SCHEMA_VERSION}',
                   '  left out: 2 × no face found', '  source: me']


def test_showing_a_set_prints_its_summary_and_writes_its_sheet(tmp_path, capsys):
  prefix, manifest = _make_set(tmp_path, 5, num_shards=2)
  assert contact_sheet.show(prefix, tmp_path / 'sheet.png', 64) == tmp_path / 'sheet.png'
  assert Image.open(tmp_path / 'sheet.png').size == (5 * 180 + 2, 220 + 2)
  assert capsys.readouterr().out == contact_sheet.summary(prefix, manifest) + '\n'


def test_faces_are_spread_evenly_from_the_first_to_the_last(tmp_path):
  prefix, manifest = _make_set(tmp_path, 61, num_shards=3)
  sheet = contact_sheet.draw(prefix, manifest, 4)
  blues = [int(sheet[2 + 210, 2 + 180 * i + 5, 2]) for i in range(4)]
  assert blues == [0, 80, 160, 240]  # faces 0, 20, 40 and 60


def test_lines_cross_where_eyes_belong_and_rings_lie_where_they_are():
  image = contact_sheet.marked(_face(0, eyes=[[40.5, 60.5], [150.5, 190.5]]), 0).astype(int)
  assert (image[111, [10, 30, 120, 170], 2] > 60).all()  # the level through both eyes, y = 111.7
  assert (image[[30, 90, 150, 210], 69, 2] > 60).all() and (image[[30, 90, 150, 210], 108, 2] > 60).all()
  yellow = (image[..., 0] > 200) & (image[..., 1] > 180) & (image[..., 2] < 90)
  y, x = np.nonzero(yellow)
  for eye_x, eye_y in ((40.5, 60.5), (150.5, 190.5)):
    is_near = np.hypot(x + 0.5 - eye_x, y + 0.5 - eye_y) < 8
    assert is_near.sum() >= 12
    np.testing.assert_allclose([x[is_near].mean() + 0.5, y[is_near].mean() + 0.5], [eye_x, eye_y], atol=0.5)


def test_faces_carry_different_numbers():
  assert (contact_sheet.marked(_face(0), 1)[:30, :30] != contact_sheet.marked(_face(0), 7)[:30, :30]).any()


def test_set_that_does_not_exist_is_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'absent\.json: no manifest'):
    contact_sheet.show(str(tmp_path / 'absent'), tmp_path / 'absent.png', 64)


def test_empty_set_is_refused(tmp_path):
  prefix, manifest = _make_set(tmp_path, 0)
  with pytest.raises(errors.InputError, match='holds 0 faces'):
    contact_sheet.draw(prefix, manifest, 4)
