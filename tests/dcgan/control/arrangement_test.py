"""Tests of dcgan.control.arrangement."""

import dataclasses

import numpy as np
import pytest

from dcgan.control import arrangement
from dcgan.control import calibration
from dcgan.control import names
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.data import records
from tests.dcgan import conftest

_NUM_FACES = 40


def test_the_same_pictures_are_left_out_whichever_others_are_there():
  keys = [f'{number}.jpg' for number in range(800)]
  unknown = np.full(800, np.nan)
  found = arrangement.are_left_out(keys, unknown)
  assert 60 < found.sum() < 140
  np.testing.assert_array_equal(arrangement.are_left_out(keys[5::3], unknown[5::3]), found[5::3])


@pytest.mark.parametrize('name', ['IMG_{:04d}.jpg', 'me/{:05d}.jpg'])
def test_photos_whose_names_count_up_are_not_left_out_in_blocks(name):
  found = arrangement.are_left_out([name.format(number) for number in range(300)], np.full(300, np.nan))
  assert found[:40].sum() >= 3 and 25 < found.sum() < 50
  assert (found[1:] & found[:-1]).sum() < 0.35 * found.sum()


def test_frames_of_one_second_are_left_out_together():
  times_secs = np.arange(3000) / 10
  found = arrangement.are_left_out([f'a@{secs}' for secs in times_secs], times_secs).reshape(300, 10)
  assert (found == found[:, :1]).all() and 15 < found[:, 0].sum() < 60


def _load(prefix, raw):
  """Returns (manifest, training set) of a set of drawn faces that show raw measures, or none."""
  rng = np.random.default_rng(0)
  faces = [dataclasses.replace(conftest.draw_face(number, rng), controls=row) for number, row in enumerate(raw)]
  shard = records.write_shard(manifests.shard_path(prefix, 0, 1), faces)
  told = calibration.calibrate(raw, np.full(len(names.MEASURED), 0.01)).to_json() if raw[0] is not None else {}
  manifest = manifests.Manifest('photos', len(raw), len(raw), (shard,), (), {}, told)
  return manifest, input_pipeline.load_training_set(prefix, manifest, 8, 140, 'stream', 0.2)


def test_what_a_person_shows_is_told_in_spreads_but_not_of_pictures_that_are_left_out(tmp_path):
  rng = np.random.default_rng(1)
  raw = np.zeros([_NUM_FACES, len(names.MEASURED)], np.float32)
  for name, size in (('jawOpen', 1), ('headYaw', 20), ('headRoll', 20), ('browInnerUp', 0.005)):  # the last is noise
    raw[:, names.MEASURED.index(name)] = size * rng.uniform(size=_NUM_FACES)
  raw[3] = np.nan
  manifest, training_set = _load(tmp_path / 'a', raw)
  targets = arrangement.read_targets(tmp_path / 'a', manifest, training_set)
  assert targets.shape == (len(training_set.trained_on), 2) and len(training_set.trained_on) == 32
  keys = [training_set.keys[number] for number in training_set.trained_on]
  is_known = ~arrangement.are_left_out(keys, np.full(len(keys), np.nan)) & (training_set.trained_on != 3)
  assert 20 < is_known.sum() < 32
  np.testing.assert_array_equal(np.isfinite(targets), np.repeat(is_known[:, np.newaxis], 2, axis=1))
  np.testing.assert_allclose(targets[is_known].mean(axis=0), 0, atol=1e-5)
  np.testing.assert_allclose(targets[is_known].std(axis=0), 1, atol=1e-5)
  yaw = raw[training_set.trained_on[is_known], names.MEASURED.index('headYaw')]
  assert np.abs(np.corrcoef(targets[is_known].T, yaw)[2, :2]).max() > 0.999


def test_a_set_that_tells_no_controls_arranges_nothing(tmp_path):
  manifest, training_set = _load(tmp_path / 'a', [None] * 5)
  assert arrangement.read_targets(tmp_path / 'a', manifest, training_set) is None
  manifest, training_set = _load(tmp_path / 'b', np.zeros([5, len(names.MEASURED)], np.float32))  # all absent
  assert arrangement.read_targets(tmp_path / 'b', manifest, training_set) is None
