"""Tests of tools.avatar.control_report."""

import csv

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import latents
from dcgan.training import kept_controls
from tools.avatar import control_report
from tools.avatar import posing


def test_r2_and_slope_are_those_of_hand_worked_numbers():
  asked, shown = np.array([[0.0], [1.0], [2.0], [np.nan]]), np.array([[0.5], [1.0], [1.5], [9.0]])
  assert control_report._r2(asked, shown)[0] == pytest.approx(1 - 0.5 / 2)
  assert control_report._slope(asked[:, 0], shown[:, 0]) == pytest.approx(0.5)
  assert np.isnan(control_report._slope(np.ones(3), shown[:3, 0]))
  assert np.isnan(control_report._r2(asked[:1], shown[:1])[0])


def test_a_person_that_obeys_has_a_table_of_its_controls(person, monkeypatch):
  poser = posing.Poser(person)
  raw = posing.read_raw('')[1][:20]
  images = np.zeros([20, 8, 8, 3], np.uint8)
  monkeypatch.setattr(control_report, '_held_out', lambda run: (list(range(20)), raw, images))
  known = kept_controls.Kept(poser.calibration, poser.controller)
  path = control_report.save(person, known)
  rows = list(csv.DictReader(path.read_text().splitlines()))
  assert path == person.path / 'controls.csv' and {row['control'] for row in rows} == set(poser.controller.names)
  assert all(float(row['r2']) > 0.8 and float(row['slope']) == pytest.approx(1, abs=0.25) for row in rows)
  assert all(row['r2'] == row['r2_as_seen'] for row in rows)  # nothing is read otherwise
  assert all(0 <= float(row['crosstalk']) < 0.5 and row['takes_along'] != row['control'] for row in rows)


def test_a_run_without_places_is_told(person):
  with pytest.raises(errors.InputError, match='`report`: the pictures of .* have no places'):
    control_report._held_out(type('Run', (), dict(path='run', space=latents.Normal(4))))
