"""Tests of tools.speech.films: a drawn portrait whose jaw moves with a made-up voice, both known."""

import numpy as np
import pytest

from dcgan.common import errors
from tools.demo import clip
from tools.demo import portrait as demo_portrait
from tools.faces import landmarks
from tools.material import animations
from tools.speech import films
from tools.speech import learning
from tools.speech import made_up

_FPS, _SECS = 15, 6


def write_film(path, spoken, apart=0):
  """Writes a film of a portrait that speaks; its pictures come `apart` frames after the sound."""
  photo = clip.load_photo()
  face = demo_portrait.Portrait(photo, landmarks.FaceFinder().find_all(photo)[0].landmarks, 256)
  jaw = np.interp(np.arange(_FPS * _SECS) / _FPS, np.arange(len(spoken.mouth)) / made_up.FPS, spoken.mouth[:, 0])
  rest = {'mouthSmileLeft': -1.0, 'mouthSmileRight': -1.0}
  jaw = np.concatenate([np.zeros(apart), jaw])[:len(jaw)]
  frames = (face.draw(demo_portrait.Pose(rest | {'jawOpen': float(each)})) for each in jaw)
  animations.save_animation(path, frames, _FPS, sound=(made_up.RATE_HZ, 1, [spoken.samples]))
  return path


@pytest.mark.slow
def test_what_a_mouth_did_is_seen_beside_what_was_heard(tmp_path):
  spoken = made_up.speak(_SECS, 11)
  true = spoken.mouth[::2, 0]
  example = films.watch(write_film(tmp_path / 'talk.mp4', spoken))
  seen = example.mouth[:len(true), 0]
  moments, likeness = learning.lag(seen, true[:len(seen)])
  assert abs(moments) <= 1 and likeness > 0.9
  assert example.secs == pytest.approx(_SECS, abs=0.3) and example.name == 'talk.mp4'
  assert np.nanpercentile(seen, 5) == pytest.approx(0, abs=0.2) and np.nanmax(seen) == pytest.approx(1, abs=0.25)
  # Sound and pictures that are apart are seen to be.
  late = films.watch(write_film(tmp_path / 'late.mp4', spoken, apart=2)).mouth[:len(true), 0]
  assert learning.lag(late, true[:len(late)])[0] / 50 == pytest.approx(2 / _FPS, abs=0.03)


@pytest.mark.slow
def test_a_film_without_a_face_sound_or_voice_is_told(tmp_path):
  spoken = made_up.speak(4, 12)
  grey = [np.full([64, 64, 3], 128, np.uint8)] * 40
  animations.save_animation(tmp_path / 'none.mp4', grey, 10, sound=(made_up.RATE_HZ, 1, [spoken.samples]))
  animations.save_animation(tmp_path / 'mute.mp4', grey, 10)
  animations.save_animation(tmp_path / 'still.mp4', grey, 10, sound=(made_up.RATE_HZ, 1, [0 * spoken.samples]))
  for name, message in (('none', 'no face is seen in it'), ('mute', 'must hold sound, but holds none'),
                        ('still', 'is silent')):
    with pytest.raises(errors.InputError, match=message):
      films.watch(tmp_path / f'{name}.mp4')
