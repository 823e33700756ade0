"""What is heard in a recording, 50 times a second: how strong each band of the mel scale is, and whether one speaks.

Log-mel energies by `tf.signal`, made independent of the microphone: loudness and colour of the whole recording are taken
out. One speaks where the sound rises over the recording's own noise.
"""

import dataclasses

import numpy as np
from scipy import ndimage
import tensorflow as tf

from dcgan.common import errors

RATE_HZ = 16_000
FPS = 50  # moments a second
NUM_BANDS = 40
NUM_INPUTS = NUM_BANDS + 1

_HOP, _WINDOW = RATE_HZ // FPS, 512  # samples: 20 and 32 ms
_LOW_HZ, _HIGH_HZ = 60.0, 7_600.0
_BLOCK = 2_000  # moments at a time
_LEAST_POWER = 1e-11  # 110 dB below full scale
_VOICE_BANDS = slice(3, 32)  # about 200 to 4,500 Hz: rumble and hiss are no voice
_DEPTH_DB = 50.0  # what is quieter than a loud voice by more is nothing

_SILENT_DB = -75.0  # of full scale: the loudest moments of a recording of nothing
_LEAST_RANGE_DB = 9.0  # from noise to voice: even noise varies by 4, a tone by less
_FAINT_RANGE_DB = 15.0
_NOISE_PERCENT, _VOICE_PERCENT = 8.0, 95.0
_ABOVE_NOISE, _ABOVE_NOISE_DB = 0.3, (4.0, 15.0)  # of the way from noise to voice; at least, and at most
_GAP_SECS, _BLIP_SECS = 0.25, 0.06  # shorter pauses are stops in words; shorter sounds are clicks
_AHEAD_SECS, _BEHIND_SECS = 0.10, 0.14  # a mouth opens before it sounds, and closes after
_EDGE_SECS = 0.05  # sigma of its way


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
  """What is heard in a recording.

  Attributes:
    bands: float32 [num_moments, 40], each band beside its mean where one speaks, in units of 10 dB.
    speaking: float32 [num_moments] in [0, 1], 0 in silence.
    loudness_db: float32 [num_moments], of the voice's bands, of full scale.
    noise_db: float, loudness of the recording's noise.
    voice_db: float, of its loud moments.
  """

  bands: np.ndarray
  speaking: np.ndarray
  loudness_db: np.ndarray
  noise_db: float
  voice_db: float

  @property
  def times_secs(self):
    """float64 [num_moments], the middle of each."""
    return np.arange(len(self.bands)) / FPS

  @property
  def is_faint(self):
    """bool, whether the voice hardly rises over the noise."""
    return self.voice_db - self.noise_db < _FAINT_RANGE_DB


def listen(blocks, where):
  """Returns what is `Heard` in a recording.

  Args:
    blocks: iterable of float32 [num_samples, 1], samples at `RATE_HZ` as `sounds.Sound.blocks` yields them. Of an hour
      the result takes 30 MB.
    where: str, what an error's message begins with.

  Raises:
    errors.InputError: it is silent, shorter than 0.2 s, or nothing in it varies as a voice does.
  """
  power = np.concatenate([np.zeros([0, NUM_BANDS], np.float32), *_powers(blocks)])
  if len(power) < FPS // 5:
    raise errors.InputError(f'{where}: its sound ({len(power) / FPS:.2f} s) must be 0.2 s or longer. Name another '
                            'recording.')
  loudness_db = _decibels(power[:, _VOICE_BANDS].sum(axis=1))
  smoothed = ndimage.uniform_filter1d(loudness_db, 3)
  noise_db, voice_db = np.percentile(smoothed, (_NOISE_PERCENT, _VOICE_PERCENT))
  if smoothed.max() < _SILENT_DB:
    raise errors.InputError(f'{where}: is silent (its loudest moments are at {smoothed.max():.0f} dB of full scale). '
                            'Name a recording of a voice.')
  # Digital silence around a voice is no noise: what is heard counts from where sound is.
  noise_db = max(noise_db, voice_db - _DEPTH_DB)
  if voice_db - noise_db < _LEAST_RANGE_DB:
    raise errors.InputError(f'{where}: nothing in it rises and falls as a voice does: its loudness varies by '
                            f'{voice_db - noise_db:.1f} dB, a voice by {_LEAST_RANGE_DB:g} or more. Name a recording of '
                            'a voice, with less noise.')
  is_voice = _is_voice(smoothed, noise_db, voice_db)
  if not is_voice.any():
    raise errors.InputError(f'{where}: holds clicks, but no voice. Name a recording of a voice.')
  bands_db = _decibels(power)
  loud = bands_db[is_voice & (smoothed > (noise_db + voice_db) / 2)]
  usual = (loud if len(loud) else bands_db[is_voice]).mean(axis=0)
  bands = np.maximum(bands_db - usual, -_DEPTH_DB) / 10
  return Heard(bands.astype(np.float32), _speaking(is_voice), loudness_db.astype(np.float32), float(noise_db),
               float(voice_db))


def _powers(blocks):
  """Yields the power of each band, float32 [num_moments, 40], a stretch at a time; moment 0 is the first sample."""
  mel = tf.signal.linear_to_mel_weight_matrix(NUM_BANDS, _WINDOW // 2 + 1, RATE_HZ, _LOW_HZ, _HIGH_HZ).numpy()

  def of(samples):
    frames = tf.signal.stft(samples, _WINDOW, _HOP, _WINDOW)
    return np.square(np.abs(frames.numpy()) / (_WINDOW / 4)) @ mel  # a whole sine is 0 dB

  waiting, num_samples = [np.zeros(_WINDOW // 2, np.float32)], _WINDOW // 2
  for block in blocks:
    waiting.append(block[:, 0])
    num_samples += len(block)
    if num_samples >= _BLOCK * _HOP + _WINDOW:
      samples = np.concatenate(waiting)
      num_moments = (len(samples) - _WINDOW) // _HOP + 1
      yield of(samples)
      waiting = [samples[num_moments * _HOP:]]
      num_samples = len(waiting[0])
  samples = np.concatenate([*waiting, np.zeros(_WINDOW // 2, np.float32)])
  if len(samples) >= _WINDOW:
    yield of(samples)


def _decibels(power):
  return 10 * np.log10(np.maximum(power, _LEAST_POWER))


def _is_voice(loudness_db, noise_db, voice_db):
  """Returns bool [num_moments], where the sound stands over the noise; pauses between words too."""
  above = np.clip(_ABOVE_NOISE * (voice_db - noise_db), *_ABOVE_NOISE_DB)
  is_loud = loudness_db > noise_db + above
  is_loud = ndimage.binary_closing(np.pad(is_loud, FPS), np.ones(round(_GAP_SECS * FPS)))[FPS:-FPS]
  return ndimage.binary_opening(is_loud, np.ones(round(_BLIP_SECS * FPS)))


def _speaking(is_voice):
  """Returns where a mouth may be open, float32 [num_moments] in [0, 1], with a smooth way up before and down after."""
  ahead, behind = round(_AHEAD_SECS * FPS), round(_BEHIND_SECS * FPS)
  reach = np.zeros(2 * max(ahead, behind) + 1)
  middle = len(reach) // 2
  reach[middle - ahead:middle + behind + 1] = 1
  widened = ndimage.binary_dilation(is_voice, reach)
  return ndimage.gaussian_filter1d(widened.astype(np.float32), _EDGE_SECS * FPS)


def inputs(heard):
  """Returns what the network is given, float32 [num_moments, 41]: the bands, and whether one speaks."""
  return np.concatenate([heard.bands, heard.speaking[:, np.newaxis]], axis=1).astype(np.float32)
