"""Tests of tools.avatar.posing: a person whose pictures tell by their colours what they show."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import latents
from dcgan.training import kept_controls
from tests.tools.avatar import conftest
from tools.avatar import posing


def test_what_is_asked_for_is_shown_once_it_was_measured_and_corrected(person):
  poser = posing.Poser(person)
  assert set(poser.controller.names) == set(conftest.SHOWN) and (poser.controller.sureness > 0.6).all()
  for asked in ({'jawOpen': 0.6}, {'browInnerUp': 0.9, 'jawOpen': 0.2}, {'headYaw': 3.0}):
    pose = poser.pose(asked)
    for name, value in asked.items():
      assert pose.measured[name] == pytest.approx(value, abs=1.0 if name == 'headYaw' else 0.08), asked
    assert pose.image.shape == (8, 8, 3) and np.mean(pose.z**2) == pytest.approx(1, rel=1e-4)


def test_what_is_not_asked_for_stays_near_rest(person):
  poser = posing.Poser(person)
  rest = dict(zip(poser.controller.names, poser.at_rest()))
  shown = poser.pose({'jawOpen': 0.7}).measured
  assert shown['browInnerUp'] == pytest.approx(rest['browInnerUp'], abs=0.35)


def test_a_control_that_the_pictures_never_show_is_told_with_what_to_film(person):
  poser = posing.Poser(person)
  with pytest.raises(errors.InputError, match='mouthPucker hardly moves in these pictures. For it, film yourself: pout'):
    poser.pose({'mouthPucker': 1.0})
  with pytest.raises(errors.InputError, match='`tongueOut` is not measured'):
    poser.pose({'tongueOut': 1.0})
  with pytest.raises(errors.InputError, match='`smile` is no control'):
    poser.pose({'smile': 1.0})


def test_a_run_without_places_and_controls_is_told_how_to_fit_them(person):
  plain = dataclasses.replace(person, space=latents.Normal(16))
  with pytest.raises(errors.InputError, match='no places in Z, and no controls were fitted .*tools.fit_controls --run='):
    posing.Poser(plain)


def test_what_was_kept_poses_alike_without_the_set_and_without_it_a_line_tells_what_to_do(person, monkeypatch, caplog):
  with caplog.at_level('INFO'):
    fitted = posing.Poser(person)
  assert 'python -m tools.fit_controls --run=' in caplog.text
  known = kept_controls.fit(person.space, *posing.read_raw(''), fitted.calibration)
  kept_controls.save(person.path, person, known)

  def gone(prefix):
    raise errors.InputError(f'{prefix}.json: no manifest.')

  monkeypatch.setattr(posing, 'read_raw', gone)
  caplog.clear()
  pose = posing.Poser(person).pose({'jawOpen': 0.6})
  assert not caplog.text
  assert pose.measured == pytest.approx(fitted.pose({'jawOpen': 0.6}).measured, abs=0.02)
  kept_controls.path_of(person.path).unlink()
  with pytest.raises(errors.InputError, match='keeps no controls, and the set .* no manifest.* run `python -m tools'):
    posing.Poser(person)


def test_poses_of_many_at_once_are_those_of_one_after_the_other(person):
  poser = posing.Poser(person)
  asked = [poser.wanted({'jawOpen': value}) for value in (0.1, 0.5, 0.9)]
  for one, (wanted, slack) in zip(poser.meet_all(*map(list, zip(*asked))), asked):
    alone = poser.meet(wanted, slack)
    np.testing.assert_allclose(one.z, alone.z, atol=1e-5)
    assert one.measured == alone.measured
    np.testing.assert_array_equal(one.image, _image(person, one.z))


def _image(person, z):
  """Returns the picture at a point, uint8 [8, 8, 3]."""
  return np.round((person.generator(z[np.newaxis], False).numpy()[0] + 1) * 127.5).astype(np.uint8)


def test_the_head_is_tilted_by_turning_the_picture(person):
  poser = posing.Poser(person)
  plain, tilted = poser.pose({'jawOpen': 0.5}), poser.pose({'jawOpen': 0.5, 'headRoll': 20.0})
  np.testing.assert_array_equal(plain.z, tilted.z)
  assert tilted.measured['headRoll'] == 20.0 and poser.pose({'headRoll': 5.0}).measured['headRoll'] == 5.0


def test_a_picture_without_a_face_has_no_measures(person, monkeypatch):
  monkeypatch.setattr(posing.meshes, 'look', lambda images, crop_px, **_: type('Seen', (), dict(
      landmarks=np.full([len(images), 478, 3], np.nan, np.float32))))
  assert np.isnan(posing.measure_pictures(np.zeros([2, 8, 8, 3], np.uint8), 140)).all()
  pose = posing.Poser(person).pose({'jawOpen': 0.5})
  assert np.isnan(list(pose.measured.values())).all() and pose.image.shape == (8, 8, 3)
