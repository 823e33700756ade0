"""Tests of tools.speech.features: on sounds whose pitch, loudness and pauses are known."""

import numpy as np
import pytest

from dcgan.common import errors
from tools.speech import features
from tools.speech import made_up


def listen(samples, num_blocks=1):
  return features.listen(np.array_split(np.asarray(samples, np.float32)[:, np.newaxis], num_blocks), 'voice.wav')


def tone(secs, hertz, level=0.5):
  return level * np.sin(2 * np.pi * hertz * np.arange(int(secs * features.RATE_HZ)) / features.RATE_HZ)


def test_a_tone_is_heard_in_the_band_of_its_pitch_at_its_level():
  silence = np.zeros(features.RATE_HZ)
  heard = listen(np.concatenate([silence, tone(1, 1000, 1.0), silence]))
  # The mel scale of O'Shaughnessy 1987 that tf.signal takes, 40 bands from 60 to 7600 Hz.
  edges = np.linspace(*(1127 * np.log(1 + np.array([60, 7600]) / 700)), features.NUM_BANDS + 2)
  band = int(np.argmin(np.abs(edges[1:-1] - 1127 * np.log(1 + 1000 / 700))))
  sounding = heard.bands[60:90]
  assert heard.loudness_db[75] == pytest.approx(0, abs=2.5)  # a whole sine is full scale
  steady = listen(np.concatenate([silence, tone(1, 1000, 0.1), silence])).loudness_db[75]
  assert steady == pytest.approx(heard.loudness_db[75] - 20, abs=0.5)  # a tenth is 20 dB less
  low = listen(np.concatenate([silence, tone(0.5, 300), tone(0.5, 1000), silence])).bands
  assert low[90, band] - low[60, band] > 1.0 and np.isfinite(sounding).all()


def test_loudness_and_colour_of_a_recording_are_taken_out():
  spoken = made_up.speak(6, 1)
  heard, softer = listen(spoken.samples[:, 0]), listen(0.1 * spoken.samples[:, 0])
  np.testing.assert_allclose(np.maximum(heard.bands, -2.5), np.maximum(softer.bands, -2.5), atol=0.05)


def test_blocks_of_any_size_are_heard_as_the_whole():
  samples = made_up.speak(5, 2).samples[:, 0]
  whole, parts = listen(samples), listen(samples, 37)
  np.testing.assert_allclose(whole.bands, parts.bands, atol=1e-4)
  many = listen(np.tile(samples, 20))
  assert len(many.bands) == pytest.approx(100 * features.FPS, abs=2)


def test_nobody_speaks_in_the_pauses_and_somebody_does_between_them():
  for seed in range(4):
    spoken = made_up.speak(10, seed)
    speaking = listen(spoken.samples[:, 0]).speaking
    silent = spoken.is_silent[::2][:len(speaking)]
    inner = np.convolve(silent, np.ones(17), 'same') == 17  # but for 0.16 s at their ends, in which a mouth moves
    assert speaking[:len(silent)][~silent].mean() > 0.97
    assert speaking[:len(silent)][inner].mean() < 0.15


def test_noise_in_a_room_does_not_open_the_mouth():
  spoken = made_up.speak(10, 5)
  noisy = spoken.samples[:, 0] + 0.01 * np.random.default_rng(0).normal(size=len(spoken.samples))
  speaking = listen(noisy).speaking
  silent = spoken.is_silent[::2][:len(speaking)]
  inner = np.convolve(silent, np.ones(17), 'same') == 17
  assert speaking[:len(silent)][inner].mean() < 0.2 < 0.8 < speaking[:len(silent)][~silent].mean()


@pytest.mark.parametrize('samples, message', [
    (np.zeros(features.RATE_HZ), 'voice.wav: is silent'),
    (tone(3, 440), 'voice.wav: nothing in it rises and falls as a voice does'),
    (0.3 * np.random.default_rng(0).normal(size=3 * features.RATE_HZ), 'nothing in it rises and falls'),
    (tone(0.1, 440), r'voice.wav: its sound \(0.1\d s\) must be 0.2 s or longer'),
])
def test_what_is_no_voice_is_told(samples, message):
  with pytest.raises(errors.InputError, match=message):
    listen(samples)
