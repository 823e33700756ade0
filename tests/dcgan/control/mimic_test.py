"""Tests of dcgan.control.mimic: a person whose places bend with what their pictures show."""

import numpy as np
import pytest

from dcgan.control import controller
from dcgan.control import mimic
from dcgan.model import latents

_NAMES = ('jawOpen', 'mouthSmileLeft', 'browInnerUp')


def _place(values):
  """Returns the places of values, float [.., 3], by a bent map whose first direction is that of all places."""
  values = np.asarray(values)
  bent = np.stack([np.full(len(values), 4.0), values[:, 0], values[:, 1] + values[:, 0]**2, np.sin(2 * values[:, 2]),
                   values[:, 0] * values[:, 1], *np.zeros([11, len(values)])], axis=1)
  return latents.to_sphere(bent.astype(np.float32))


@pytest.fixture(name='person')
def fixture_person():
  values = np.random.default_rng(0).uniform(size=[150, 3])
  return mimic.fit(controller.fit(_place(values), values, _NAMES), values)


def test_what_was_not_learnt_is_found_nearer_than_by_a_line(person):
  values = np.random.default_rng(1).uniform(0.1, 0.9, size=[60, 3])
  off = lambda z: np.linalg.norm(z - _place(values), axis=1).mean()
  straight = np.array([person.controller.find(each) for each in values])
  assert off(person.find(values)) < 0.75 * off(straight)
  np.testing.assert_allclose(np.square(person.find(values)).mean(axis=1), 1, rtol=1e-4)


def test_what_changes_smoothly_moves_smoothly(person):
  steps = np.linspace([0.1, 0.2, 0.8], [0.9, 0.7, 0.1], 100)
  moves = np.linalg.norm(np.diff(person.find(steps), axis=0), axis=1)
  assert moves.max() < 3 * np.median(moves)


@pytest.mark.parametrize('values', [[9, 9, -9], [-5, 0, 0], [100, 100, 100]])
def test_what_no_picture_shows_is_led_back_to_the_edge(person, values):
  z, = person.find([values])
  inside = person.controller.lead_back(z)
  assert np.isfinite(z).all() and np.linalg.norm(z - inside) <= 0.32 * np.linalg.norm(z)


def test_pictures_without_controls_are_left_out():
  values = np.random.default_rng(0).uniform(size=[40, 3])
  places = _place(values)
  fitted = controller.fit(places, values, _NAMES)
  values[3] = np.nan
  assert mimic.fit(fitted, values).known.shape == (39, 3)
