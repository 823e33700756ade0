"""A voice that is made up, and what its mouth truly does: syllables without sense, by source and filter.

A source (harmonics of a pitch, noise) goes through resonances that follow from the mouth (Fant 1960): an open jaw raises
the first one, rounded lips lower all. So the sound tells of the mouth as a real voice does, and the truth is known.
NumPy and SciPy only.
"""

import dataclasses

import numpy as np
from scipy import ndimage

RATE_HZ = 16_000
FPS = 100  # moments a second of the truth
MOUTH = ('jawOpen', 'mouthFunnel', 'mouthPucker', 'mouthPress')

# Resonances in Hz of men's vowels (Peterson and Barney 1952), and the mouth that makes them, as in `MOUTH`.
_VOWELS = (((270, 2290, 3010), (0.22, 0.0, 0.0, 0.0)), ((390, 1990, 2550), (0.32, 0.1, 0.0, 0.0)),
           ((530, 1840, 2480), (0.52, 0.2, 0.0, 0.0)), ((660, 1720, 2410), (0.80, 0.3, 0.0, 0.0)),
           ((730, 1090, 2440), (1.00, 0.5, 0.1, 0.0)), ((570, 840, 2410), (0.70, 0.9, 0.5, 0.0)),
           ((440, 1020, 2240), (0.35, 0.6, 0.5, 0.0)), ((300, 870, 2240), (0.25, 0.7, 1.0, 0.0)),
           ((640, 1190, 2390), (0.65, 0.3, 0.0, 0.0)), ((490, 1350, 1690), (0.35, 0.5, 0.4, 0.0)))
# How much of the pitch and of noise sounds, the noise's middle in Hz, the resonances, the mouth, seconds.
_CONSONANTS = (
    (0.03, 0.0, 1500, (230, 900, 2200), (0.06, 0.0, 0.2, 1.0), 0.09),  # b and p: lips shut
    (0.25, 0.0, 1500, (240, 1000, 2200), (0.06, 0.0, 0.2, 1.0), 0.08),  # m
    (0.22, 0.0, 1500, (270, 1700, 2600), (0.20, 0.0, 0.0, 0.1), 0.07),  # n
    (0.02, 0.25, 4000, (300, 1700, 2700), (0.18, 0.0, 0.0, 0.1), 0.07),  # t and d
    (0.02, 0.20, 1800, (300, 1800, 2300), (0.28, 0.1, 0.0, 0.0), 0.07),  # k and g
    (0.00, 0.45, 5800, (320, 1700, 2700), (0.10, 0.0, 0.0, 0.2), 0.11),  # s
    (0.00, 0.50, 3200, (320, 1700, 2500), (0.16, 0.5, 0.5, 0.0), 0.11),  # sh
    (0.00, 0.15, 6500, (320, 1100, 2300), (0.10, 0.0, 0.0, 0.5), 0.09),  # f
    (0.45, 0.0, 1500, (360, 1300, 2600), (0.30, 0.1, 0.0, 0.0), 0.06),  # l
    (0.45, 0.0, 1500, (310, 800, 2200), (0.18, 0.5, 0.9, 0.1), 0.07))  # w
_REST = (0.0, 0.0, 0.0, 0.3)

_VOWEL_SECS, _LONGER_LAST = (0.09, 0.19), 1.5
_NUM_SYLLABLES, _PAUSE_SECS = (4, 12), (0.3, 0.9)
_BANDWIDTHS_HZ = (80.0, 110.0, 160.0)
_MOST_HZ = 7_000.0
_MOUTH_SIGMA_SECS, _FORMANT_SIGMA_SECS, _LOUDNESS_SIGMA_SECS = 0.035, 0.022, 0.012
_EARLY_SECS = 0.02  # a mouth is on its way before it sounds
_ROOM_NOISE = 3e-4
_PEAK = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Spoken:
  """A voice and its mouth.

  Attributes:
    samples: float32 [num_samples, 1] in [-1, 1], `RATE_HZ` a second.
    mouth: float32 [num_moments, 4] in [0, 1], what each of `MOUTH` does, `FPS` a second; 0 is rest.
    is_silent: bool [num_moments], in a pause.
  """

  samples: np.ndarray
  mouth: np.ndarray
  is_silent: np.ndarray


def speak(duration_secs, seed):
  """Returns a voice that is `Spoken` for some seconds; the same seed says the same. It begins and ends with a pause."""
  rng = np.random.default_rng(seed)
  num_moments = round(duration_secs * FPS)
  segments, secs = [], 0.0

  def say(pitch, noise, noise_hz, formants, mouth, length_secs):
    nonlocal secs
    segments.append((length_secs, [pitch, noise, noise_hz, *formants, *mouth, float(pitch + noise == 0)]))
    secs += length_secs

  say(0, 0, 1500, (500, 1500, 2500), _REST, rng.uniform(*_PAUSE_SECS))
  while secs < duration_secs - 1.0:
    num_syllables = rng.integers(*_NUM_SYLLABLES)
    for number in range(num_syllables):
      say(*_CONSONANTS[rng.integers(len(_CONSONANTS))])
      formants, mouth = _VOWELS[rng.integers(len(_VOWELS))]
      stress = rng.uniform(0.75, 1.1)
      length = rng.uniform(*_VOWEL_SECS) * (_LONGER_LAST if number == num_syllables - 1 else 1)
      say(stress, 0, 1500, formants, np.minimum(np.array(mouth) * stress, 1), length)
    say(0, 0, 1500, (500, 1500, 2500), _REST, rng.uniform(*_PAUSE_SECS))
  say(0, 0, 1500, (500, 1500, 2500), _REST, max(0.1, duration_secs - secs))
  ends = np.cumsum([length for length, _ in segments])
  rows = np.array([values for _, values in segments])
  times = np.arange(num_moments) / FPS
  track = rows[np.minimum(np.searchsorted(ends, times, side='right'), len(rows) - 1)]
  early = rows[np.minimum(np.searchsorted(ends, times + _EARLY_SECS, side='right'), len(rows) - 1)]
  mouth = ndimage.gaussian_filter1d(early[:, 6:10], _MOUTH_SIGMA_SECS * FPS, axis=0)
  formants = ndimage.gaussian_filter1d(track[:, 3:6], _FORMANT_SIGMA_SECS * FPS, axis=0, mode='nearest')
  loud = ndimage.gaussian_filter1d(track[:, :2], _LOUDNESS_SIGMA_SECS * FPS, axis=0)
  pitch_hz = rng.uniform(95, 220) * 2 ** (0.25 * _wandering(num_moments, rng))
  tract = rng.uniform(0.95, 1.2)  # how much shorter than those men's
  samples = _voiced(formants * tract, loud[:, 0], pitch_hz) + _noise(track[:, 2], loud[:, 1], rng)
  samples = _PEAK * samples / max(np.abs(samples).max(), 1e-9) + _ROOM_NOISE * rng.normal(size=len(samples))
  return Spoken(samples.astype(np.float32)[:, np.newaxis], mouth.astype(np.float32), track[:, 10] > 0)


def _wandering(num_moments, rng):
  walk = ndimage.gaussian_filter1d(rng.normal(size=num_moments), 0.2 * FPS)
  return walk / max(walk.std(), 1e-9)


def _per_sample(track):
  """Returns a track of moments, float [num_moments], at each sample."""
  num_samples = len(track) * RATE_HZ // FPS
  return np.interp(np.arange(num_samples) / RATE_HZ, np.arange(len(track)) / FPS, track)


def _voiced(formants, loud, pitch_hz):
  """Returns harmonics of a pitch through resonances, float64 [num_samples]."""
  phase = 2 * np.pi * np.cumsum(_per_sample(pitch_hz)) / RATE_HZ
  samples = np.zeros(len(phase))
  for harmonic in range(1, int(_MOST_HZ / pitch_hz.min()) + 1):
    at_hz = harmonic * pitch_hz
    gain = loud * (at_hz < _MOST_HZ) / harmonic  # 12 dB an octave by the glottis, less 6 by the lips
    for column, width_hz in enumerate(_BANDWIDTHS_HZ):
      own = formants[:, column]
      gain = gain * own**2 / np.sqrt(np.square(own**2 - at_hz**2) + np.square(width_hz * at_hz))
    samples += _per_sample(gain) * np.sin(harmonic * phase)
  return samples


def _noise(middle_hz, loud, rng):
  """Returns noise around a frequency, float64 [num_samples]."""
  hop = RATE_HZ // FPS
  window = np.hanning(2 * hop + 1)[:-1]
  samples = np.zeros((len(loud) + 2) * hop)
  frequencies = np.fft.rfftfreq(2 * hop, 1 / RATE_HZ)
  for i in np.flatnonzero(loud > 1e-3):
    shape = np.exp(-0.5 * np.square((frequencies - middle_hz[i]) / 900))
    spectrum = shape * np.exp(2j * np.pi * rng.random(len(frequencies)))
    piece = np.fft.irfft(spectrum)
    samples[i * hop:(i + 2) * hop] += 3 * loud[i] * window * piece / max(piece.std(), 1e-9) / 10
  return samples[:len(loud) * hop]
