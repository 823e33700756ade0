"""Tests of tools.speech.made_up: the sound tells of the mouth as acoustics says."""

import numpy as np

from tools.speech import made_up


def test_the_same_seed_says_the_same():
  one, same, other = made_up.speak(3, 7), made_up.speak(3, 7), made_up.speak(3, 8)
  np.testing.assert_array_equal(one.samples, same.samples)
  assert not np.array_equal(one.samples, other.samples)
  assert one.samples.shape == (3 * made_up.RATE_HZ, 1) and one.mouth.shape == (3 * made_up.FPS, 4)
  assert np.abs(one.samples).max() <= 1 and one.mouth.min() >= 0 and one.mouth.max() <= 1


def test_an_open_jaw_raises_the_first_resonance():
  spoken = made_up.speak(20, 3)
  hop = made_up.RATE_HZ // made_up.FPS
  middles, jaws = [], []
  for moment in range(4, len(spoken.mouth) - 4):
    if spoken.mouth[moment, 3] < 0.1 and not spoken.is_silent[moment]:
      piece = spoken.samples[(moment - 2) * hop:(moment + 2) * hop, 0] * np.hanning(4 * hop)
      power = np.abs(np.fft.rfft(piece))**2
      hertz = np.fft.rfftfreq(4 * hop, 1 / made_up.RATE_HZ)
      is_low = (hertz > 150) & (hertz < 1100)
      if power[is_low].sum() > 0.01:
        middles.append((hertz * power)[is_low].sum() / power[is_low].sum())
        jaws.append(spoken.mouth[moment, 0])
  assert np.corrcoef(middles, jaws)[0, 1] > 0.6


def test_a_pause_is_silent_and_its_mouth_shut():
  spoken = made_up.speak(10, 4)
  inner = np.convolve(spoken.is_silent, np.ones(31), 'same') == 31
  assert spoken.is_silent[0] and spoken.is_silent[-1] and inner.any()
  assert spoken.mouth[inner, 0].max() < 0.02
  loudness = np.abs(spoken.samples[:, 0]).reshape(len(spoken.mouth), -1).max(axis=1)
  assert loudness[inner].max() < 0.01 < np.median(loudness[~spoken.is_silent])
