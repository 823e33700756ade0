"""Tests of dcgan.control.controller: places whose controls are known functions of them."""

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.control import controller
from dcgan.model import latents

_NAMES = ('jawOpen', 'browInnerUp', 'headYaw')


def person(num_pictures=240, noise=0.0, seed=0):
  """Returns places near one point of the sphere, and controls: linear in three directions of it, and noise."""
  rng = np.random.default_rng(seed)
  mixing = rng.normal(size=[6, 32]) * np.float32([[0.3], [0.3], [0.3], [0.2], [0.1], [0.1]])
  causes = rng.normal(size=[num_pictures, 6])
  places = latents.to_sphere((rng.normal(size=32) + causes @ mixing).astype(np.float32))
  values = causes[:, :3] * [0.2, 0.2, 10] + [0.4, 0.5, 0] + noise * rng.normal(size=[num_pictures, 3]) * [0.2, 0.2, 10]
  return places, values


def test_controls_of_pictures_that_were_left_out_are_told_and_noise_lowers_how_sure_it_is():
  places, values = person()
  fitted = controller.fit(places, values, _NAMES)
  assert (fitted.sureness > 0.9).all()
  off = (fitted.predict(places) - values) / values.std(axis=0)
  assert np.sqrt(np.mean(off**2, axis=0)).max() < 0.25
  noisy = controller.fit(*person(noise=1.0), _NAMES)
  assert (noisy.sureness < 0.7).all() and (noisy.sureness > 0.2).all()


def test_pictures_that_are_left_out_for_it_alone_tell_how_sure_it_is():
  places, values = person()
  is_out = np.arange(240) % 5 == 0
  shuffled = values.copy()
  shuffled[is_out] = np.random.default_rng(1).permutation(values[is_out])
  assert (controller.fit(places, values, _NAMES, are_left_out=is_out).sureness > 0.9).all()
  assert (controller.fit(places, shuffled, _NAMES, are_left_out=is_out).sureness < 0.2).all()
  assert (controller.fit(places, shuffled, _NAMES, are_left_out=~is_out & False).sureness > 0.4).all()  # too few


def test_a_stretch_in_which_little_changes_does_not_make_a_control_seem_unsure():
  places, values = person()
  order = np.argsort(values[:, 0])  # the stretch that is left out has the same jaw throughout
  is_out = np.zeros(240, bool)
  is_out[110:130] = True
  assert controller.fit(places[order], values[order], _NAMES, are_left_out=is_out).sureness[0] > 0.9


def test_what_is_asked_for_is_found_and_the_rest_stays_as_usual():
  places, values = person()
  fitted = controller.fit(places, values, _NAMES)
  for wanted in ([0.6, np.nan, np.nan], [0.4, 0.7, 0.0], [np.nan, np.nan, 8.0]):
    told = fitted.predict(fitted.find(wanted)[np.newaxis])[0]
    is_wanted = np.isfinite(wanted)
    assert np.abs((told - wanted)[is_wanted] / values.std(axis=0)[is_wanted]).max() < 0.35, wanted
    assert np.abs((told - fitted.usual)[~is_wanted] / values.std(axis=0)[~is_wanted]).max(initial=0) < 0.5, wanted


def test_a_correction_goes_the_way_that_is_missing():
  places, values = person()
  fitted = controller.fit(places, values, _NAMES)
  z = fitted.find([0.4, 0.5, 0.0])
  moved = fitted.correct(z, [0.15, np.nan, np.nan])
  change = (fitted.predict(moved[np.newaxis]) - fitted.predict(z[np.newaxis]))[0] / values.std(axis=0)
  assert 0.3 < change[0] < 1.2 and np.abs(change[1:]).max() < 0.4


def test_whatever_is_asked_for_stays_between_the_places():
  places, values = person()
  fitted = controller.fit(places, values, _NAMES)
  distances = np.sort(np.linalg.norm(places[:, np.newaxis] - places, axis=-1), axis=1)
  farthest = distances[:, 1].max()  # of any place to its nearest
  for wanted in ([50.0, -50.0, 900.0], [-9.0, 9.0, 0.0]):
    z = fitted.find(wanted)
    assert np.mean(z**2) == pytest.approx(1, rel=1e-4)
    assert np.linalg.norm(places - z, axis=1).min() <= farthest * 1.5
  # A point of the hull stays where it is.
  inside = latents.to_sphere(places[:1] * 0.6 + places[np.argsort(np.linalg.norm(places - places[0], axis=1))[1]] * 0.4)
  np.testing.assert_allclose(fitted.lead_back(inside[0]), inside[0], atol=2e-2)


def test_pictures_without_controls_do_not_count_and_too_few_are_told():
  places, values = person(30)
  values[::2] = np.nan
  assert len(controller.fit(places, values, _NAMES).places) == 30
  with pytest.raises(errors.InputError, match='need 12 pictures .* and there are 5'):
    controller.fit(places[:10], values[:10], _NAMES)
