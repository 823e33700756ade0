"""Tests of tools.avatar.speaking: a person whose pictures tell by their colours how far a jaw is open."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.control import habits
from dcgan.control import names
from tests.tools.avatar import conftest
from tools.avatar import posing
from tools.avatar import speaking
from tools.avatar import speaking_face
from tools.speech import features
from tools.speech import learning
from tools.speech import network

@pytest.fixture(name='run')
def fixture_run(person, monkeypatch, tmp_path):
  """A run whose generator bends Z, so that what lies between two places does not show what lies between."""
  # The colours of these pictures are what the face does, and not the light.
  monkeypatch.setattr(speaking_face.Speaker, '_upper', lambda self, pictures: np.zeros([len(pictures), 1], np.float32))
  return dataclasses.replace(person, path=tmp_path, space=dataclasses.replace(
      person.space, times_secs=np.arange(200) / 6))


def shown(run, speaker, z):
  """Returns what is shown at points, [num_points, num_names]: read off the colours."""
  columns = [names.MEASURED.index(name) for name in speaker.poser.controller.names]
  return speaker.poser.calibration.values(conftest.shown_in((run.generator(z, False).numpy() + 1) * 127.5))[:, columns]


def test_a_jaw_opens_as_far_as_is_asked_for_and_what_is_not_asked_for_stays(run):
  speaker = speaking_face.Speaker(run)
  jaw, brow = (speaker.poser.controller.names.index(name) for name in ('jawOpen', 'browInnerUp'))
  asked = np.full([50, len(speaker.poser.controller.names)], np.nan)
  asked[:, jaw] = np.linspace(0, 0.8, 50)
  seen = shown(run, speaker, speaker.points(asked, 25.0))
  np.testing.assert_allclose(seen[3:-3, jaw], asked[3:-3, jaw], atol=0.12)
  assert np.abs(seen[:, brow] - speaker.rest[brow]).max() < 0.3


def test_near_values_have_near_points(run):
  speaker = speaking_face.Speaker(run)
  asked = np.full([200, len(speaker.poser.controller.names)], np.nan)
  asked[:, speaker.poser.controller.names.index('jawOpen')] = 0.4 - 0.4 * np.cos(np.linspace(0, 2 * np.pi, 200))
  z = speaker.points(asked, 100.0)
  steps = np.linalg.norm(np.diff(z, axis=0), axis=1)
  assert steps.max() < 6 * np.median(steps[steps > 1e-6]) + 0.02
  np.testing.assert_allclose(np.mean(np.square(z), axis=1), 1, rtol=1e-4)


@pytest.fixture(name='heard', scope='module')
def fixture_heard():
  example, = learning.made_up_voices(1, 8.0, seed=5)
  return example


def test_the_course_opens_with_the_voice_and_shuts_in_silence(run, heard):
  speaker = speaking_face.Speaker(run)
  course = speaking.course(heard.heard, network.load(network.SHIPPED_PATH), speaker, habits.Habits(), 25.0, 0)
  jaw = course.values[:, course.names.index('jawOpen')]
  true = np.interp(course.times_secs, heard.heard.times_secs, np.nan_to_num(heard.mouth[:, 0]))
  moments, likeness = learning.lag(jaw, true)
  assert likeness > 0.6 and abs(moments) / 25 <= 0.06
  silent = np.interp(course.times_secs, heard.heard.times_secs, heard.heard.speaking) < 0.05
  assert silent.any() and jaw[silent].mean() < 0.03 < 0.1 < jaw[~silent].mean()
  assert len(course.times_secs) == int(np.ceil(len(heard.heard.bands) / features.FPS * 25))
  again = speaking.course(heard.heard, network.load(network.SHIPPED_PATH), speaker, habits.Habits(), 25.0, 1)
  yaw = course.names.index('headYaw')
  np.testing.assert_array_equal(again.values[:, course.names.index('jawOpen')], jaw)
  assert not np.array_equal(again.values[:, yaw], course.values[:, yaw])


def test_a_person_whose_jaw_never_moves_is_told(run, monkeypatch):
  keys, raw = posing.read_raw('')
  still = raw.copy()
  still[:, names.MEASURED.index('jawOpen')] = 0.5
  monkeypatch.setattr(posing, 'read_raw', lambda prefix: (keys, still))
  with pytest.raises(errors.InputError, match='jawOpen hardly moves .* Without it nobody can speak'):
    speaking_face.Speaker(run)


def test_an_own_film_is_learnt_and_kept_and_a_short_one_is_not(run, heard, monkeypatch):
  usual = np.full(10, 0.1, np.float32)
  own = dataclasses.replace(heard, name='own.mp4', mouth=np.nan_to_num(heard.mouth), reach=usual)
  monkeypatch.setattr(speaking.films, 'watch', lambda path: own)
  monkeypatch.setattr(speaking.learning, '_NUM_STEPS', 3)
  shipped = network.load(network.SHIPPED_PATH)
  np.testing.assert_array_equal(speaking.model_of(run, 'own.mp4').reach, shipped.reach)  # 8 s
  assert not (run.path / speaking.LEARNT).exists()
  monkeypatch.setattr(speaking, '_LEAST_SECS', 5.0)
  learnt = speaking.model_of(run, 'own.mp4')
  np.testing.assert_array_equal(learnt.reach, usual)
  kept = speaking.model_of(run)
  np.testing.assert_allclose(kept.hear(heard.heard), learnt.hear(heard.heard), atol=0.02)
