"""Tests of tools.speech.learning and network: on made-up voices, whose mouths are known."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from tools.speech import films
from tools.speech import learning
from tools.speech import network


def test_lag_is_by_how_much_one_comes_after_the_other():
  true = np.random.default_rng(0).normal(size=200).cumsum()
  later = np.concatenate([np.zeros(4), true[:-4]])
  moments, likeness = learning.lag(later, true)
  assert moments == 4 and likeness == pytest.approx(1)
  assert learning.lag(true, later)[0] == -4
  true[50:80] = np.nan
  assert learning.lag(later, true)[0] == 4
  assert learning.lag(np.zeros(200), true)[1] == -1.0


@pytest.fixture(scope='module', name='learnt')
def fixture_learnt():
  return learning.learn([], voices=learning.made_up_voices(4, 10.0), num_steps=120)


@pytest.mark.slow
def test_the_mouth_of_a_voice_that_was_not_learnt_is_heard_in_time(learnt):
  held_out, = learning.made_up_voices(1, 10.0, seed=99)
  told = learnt.hear(held_out.heard)
  moments, likeness = learning.lag(told[:, 0], held_out.mouth[:, 0])
  assert abs(moments) <= 1 and likeness > 0.9
  silent = held_out.heard.speaking < 0.05
  assert silent.any() and np.abs(told[silent]).max() < 0.05


@pytest.mark.slow
def test_a_film_whose_sound_comes_late_is_put_in_step(learnt):
  example, = learning.made_up_voices(1, 10.0, seed=98)
  early = dataclasses.replace(example, mouth=np.concatenate([example.mouth[6:], np.full([6, 10], np.nan)]))
  moved = learning.in_step(early, learnt)
  assert abs(learning.lag(moved.mouth[:, 0], example.mouth[:, 0])[0]) <= 1
  assert learning.in_step(example, learnt) is example


@pytest.mark.slow
def test_a_saved_model_hears_the_same_and_a_damaged_one_is_told(learnt, tmp_path):
  path = tmp_path / 'speech.safetensors'
  network.save(path, learnt)
  example, = learning.made_up_voices(1, 5.0, seed=97)
  np.testing.assert_allclose(network.load(path).hear(example.heard), learnt.hear(example.heard), atol=0.02)
  content = path.read_bytes()
  for damaged in (b'', content[:100], content[:-8], content.replace(b'speech 1', b'speech 9')):
    path.write_bytes(damaged)
    with pytest.raises(errors.InputError, match='no whole model of speech'):
      network.load(path)
  with pytest.raises(errors.InputError, match='cannot be read'):
    network.load(tmp_path / 'none.safetensors')


def test_a_long_recording_is_heard_in_parts_as_in_one(monkeypatch):
  example, = learning.made_up_voices(1, 10.0, seed=96)
  made = network.build(3)
  rng = np.random.default_rng(0)
  made.set_weights([weight + 0.1 * rng.normal(size=weight.shape) for weight in made.get_weights()])
  model = network.Model(made, np.ones(10, np.float32), np.zeros(10, np.float32))
  whole = model.hear(example.heard)
  monkeypatch.setattr(network, '_BLOCK', 70)
  np.testing.assert_allclose(model.hear(example.heard), whole, atol=1e-4)


def test_the_model_that_comes_with_the_project_hears_a_made_up_voice():
  model = network.load(network.SHIPPED_PATH)
  example, = learning.made_up_voices(1, 10.0, seed=95)
  moments, likeness = learning.lag(model.hear(example.heard)[:, 0], example.mouth[:, 0])
  assert likeness > 0.6 and abs(moments) <= 2
  assert network.SHIPPED_PATH.stat().st_size < 1 << 20 and len(model.reach) == len(films.SPOKEN)
