"""Tests of tools.avatar.control_fitting: of a run without places, and of a set whose pictures are of one colour each."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import latents
from dcgan.training import kept_controls
from tests.dcgan import conftest as drawn
from tests.tools.avatar import conftest
from tools.avatar import control_fitting
from tools.avatar import posing


def test_a_run_without_places_is_fitted_to_what_it_makes_and_poses_then(person):
  plain = dataclasses.replace(person, space=latents.Normal(16))
  # Random points of all Z are far from where the generator's colours change: move it there.
  mean, back = (variable.numpy() for variable in plain.generator.weights)
  plain.generator.weights[0].assign(np.full(len(mean), 1e-9))
  plain.generator.weights[1].assign(back / 2)
  known = control_fitting.keep(plain)
  assert set(known.controller.names) == set(conftest.SHOWN) and not len(known.controller.places)
  pose = posing.Poser(plain).pose({'jawOpen': 0.7, 'headYaw': 2.0})
  assert pose.measured['jawOpen'] == pytest.approx(0.7, abs=0.08) and pose.measured['headYaw'] == pytest.approx(2, abs=1)


def test_too_few_faces_are_told(person, monkeypatch):
  monkeypatch.setattr(posing, 'measure_pictures', lambda images, crop_px: np.full([len(images), 45], np.nan, np.float32))
  with pytest.raises(errors.InputError, match='of 1,000 pictures that it made 0 show a face, and controls need 12'):
    control_fitting.keep(dataclasses.replace(person, space=latents.Normal(16)))


def test_how_the_pictures_are_read_is_learnt_where_records_tell_more(person, monkeypatch):
  keys, told = posing.read_raw('')
  told = told.copy()
  told[:, 0] = 0.5 + 2 * told[:, posing.control_names.MEASURED.index('jawOpen')]  # in all pictures, as records tell it
  pictures = drawn.memory_set(
      np.round((person.generator(person.space.places, False).numpy() + 1) * 127.5).astype(np.uint8), np.arange(200))
  reader = control_fitting._reader(person, pictures, keys, told)
  read = reader(posing.measure_pictures(pictures.images, 140))
  np.testing.assert_allclose(read[:, 0], told[:, 0], atol=0.05)
  assert kept_controls.fit(person.space, keys, told, posing.Poser(person).calibration, reader).reader is reader


def test_another_set_than_the_run_s_is_told(person, tmp_path):
  drawn.make_set(tmp_path / 'other', 13)
  moved = dataclasses.replace(person, options=person.options.replace('data', records=str(tmp_path / 'other')))
  with pytest.raises(errors.InputError, match='other.: not the set that .* was trained on. Bring that one back'):
    control_fitting.keep(moved)
