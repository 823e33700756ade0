"""Tests of tools.avatar.posing: a person whose pictures tell by their colours what they show."""

import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.control import names
from dcgan.model import latents
from dcgan.model import region
from dcgan.options import config
from tools.avatar import posing
from tools.avatar import run_folder

_SHOWN = ('jawOpen', 'browInnerUp', 'headYaw')  # red, green and blue
_COLUMNS = [names.MEASURED.index(name) for name in _SHOWN]


@pytest.fixture(name='run')
def fixture_run(monkeypatch):
  """A run whose generator bends Z a little, so that what is proposed at first is not what is shown."""
  rng = np.random.default_rng(0)
  mean, *mixing = 4 * np.linalg.qr(rng.normal(size=[16, 16]))[0][:6]
  mixing = 0.15 * np.array(mixing)
  places = latents.to_sphere((mean + rng.normal(size=[200, 5]) @ mixing).astype(np.float32))
  back = np.linalg.pinv(mixing)[:, :3]

  def generator(z, training):
    del training
    causes = (np.asarray(z) - latents.to_sphere(mean.astype(np.float32))) @ back
    shown = np.clip(0.4 + 0.15 * causes + 0.05 * causes**2, 0, 1)
    return tf.constant(np.tile(2 * shown[:, np.newaxis, np.newaxis] - 1, [1, 8, 8, 1]).astype(np.float32))

  def shown_in(images):
    raw = np.zeros([len(images), len(names.MEASURED)], np.float32)
    raw[:, _COLUMNS] = images.mean(axis=(1, 2)) / 255 * [1, 1, 40] - [0, 0, 20]
    return raw

  keys = tuple(f'{number}.png' for number in range(200))
  raw = shown_in(((generator(places, False).numpy() + 1) * 127.5).round())
  monkeypatch.setattr(posing, 'read_raw', lambda prefix: (keys, raw))
  monkeypatch.setattr(posing.meshes, 'look', lambda images, crop_px: types.SimpleNamespace(landmarks=images))
  monkeypatch.setattr(posing.controls, 'measure', shown_in)
  space = region.Region(places, keys, np.full(200, np.nan))
  return run_folder.RunFolder('run', None, generator, None, config.Config(), space, 1)


def test_what_is_asked_for_is_shown_once_it_was_measured_and_corrected(run):
  poser = posing.Poser(run)
  assert set(poser.controller.names) == set(_SHOWN) and (poser.controller.sureness > 0.6).all()
  for asked in ({'jawOpen': 0.6}, {'browInnerUp': 0.9, 'jawOpen': 0.2}, {'headYaw': 3.0}):
    pose = poser.pose(asked)
    for name, value in asked.items():
      assert pose.measured[name] == pytest.approx(value, abs=1.0 if name == 'headYaw' else 0.08), asked
    assert pose.image.shape == (8, 8, 3) and np.mean(pose.z**2) == pytest.approx(1, rel=1e-4)


def test_what_is_not_asked_for_stays_near_rest(run):
  poser = posing.Poser(run)
  rest = dict(zip(poser.controller.names, poser.at_rest()))
  shown = poser.pose({'jawOpen': 0.7}).measured
  assert shown['browInnerUp'] == pytest.approx(rest['browInnerUp'], abs=0.35)


def test_a_control_that_the_pictures_never_show_is_told_with_what_to_film(run):
  poser = posing.Poser(run)
  with pytest.raises(errors.InputError, match='mouthPucker hardly moves in these pictures. For it, film yourself: pout'):
    poser.pose({'mouthPucker': 1.0})
  with pytest.raises(errors.InputError, match='`tongueOut` is not measured'):
    poser.pose({'tongueOut': 1.0})
  with pytest.raises(errors.InputError, match='`smile` is no control'):
    poser.pose({'smile': 1.0})


def test_a_run_without_places_is_told(run):
  plain = run_folder.RunFolder('run', None, run.generator, None, run.options, latents.Normal(16), 1)
  with pytest.raises(errors.InputError, match='run: its pictures have no places in Z, which controls need'):
    posing.Poser(plain)
