"""Tests of tools.material.sounds: recordings that are written here, sample by sample."""

import fractions
import wave

import av
import numpy as np
import pytest

from dcgan.common import errors
from tools.material import animations
from tools.material import sounds

_RATE_HZ = 16_000


def click_at(secs, duration_secs, rate_hz=_RATE_HZ, num_channels=1):
  """Returns silence with a short tone at a time, float32 [num_samples, num_channels]."""
  samples = np.zeros([int(duration_secs * rate_hz), num_channels], np.float32)
  start, length = int(secs * rate_hz), rate_hz // 50
  samples[start:start + length] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(length) / rate_hz)[:, np.newaxis]
  return samples


def write_wav(path, samples, rate_hz=_RATE_HZ):
  with wave.open(str(path), 'wb') as file:
    file.setnchannels(samples.shape[1])
    file.setsampwidth(2)
    file.setframerate(rate_hz)
    file.writeframes(np.round(samples * 32767).astype('<i2').tobytes())
  return path


def read(path, rate_hz=_RATE_HZ, num_channels=1, **options):
  return np.concatenate(list(sounds.Sound(path, **options).blocks(rate_hz, num_channels)))


def loudest_secs(samples, rate_hz=_RATE_HZ):
  """Returns the middle of the tone, from its energy."""
  power = np.square(samples).sum(axis=1)
  return float((power * np.arange(len(power))).sum() / power.sum() / rate_hz)


def write_film(path, samples, fps=25, num_frames=50):
  animations.save_animation(path, (np.full([32, 32, 3], 5 * i, np.uint8) for i in range(num_frames)), fps,
                            sound=(_RATE_HZ, 1, np.array_split(samples, 11)))
  return path


def test_a_recording_is_read_sample_by_sample(tmp_path):
  rng = np.random.default_rng(0)
  samples = rng.uniform(-0.9, 0.9, [5000, 1]).astype(np.float32)
  path = write_wav(tmp_path / 'noise.wav', samples)
  np.testing.assert_allclose(read(path), samples, atol=1e-4)
  sound = sounds.Sound(path)
  assert (sound.rate_hz, sound.num_channels) == (_RATE_HZ, 1)
  assert sound.duration_secs == pytest.approx(5000 / _RATE_HZ)


@pytest.mark.parametrize('rate_hz, num_channels', [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_any_rate_becomes_the_wanted_one_in_time(tmp_path, rate_hz, num_channels):
  path = write_wav(tmp_path / 'click.wav', click_at(0.7, 1.5, rate_hz, num_channels), rate_hz)
  samples = read(path)
  assert len(samples) == pytest.approx(1.5 * _RATE_HZ, abs=64)
  assert loudest_secs(samples) == pytest.approx(0.71, abs=0.003)


@pytest.mark.parametrize('ending', ['flac', 'mp3', 'm4a', 'ogg', 'mka'])
def test_what_ffmpeg_reads_is_read_in_time(tmp_path, ending):
  codec = {'flac': 'flac', 'mp3': 'libmp3lame', 'm4a': 'aac', 'ogg': 'libopus', 'mka': 'pcm_s16le'}[ending]
  rate_hz, path = 48_000, tmp_path / f'click.{ending}'
  if codec not in av.codecs_available:
    pytest.skip(f'FFmpeg has no {codec} here')
  with av.open(str(path), 'w') as container:
    stream = container.add_stream(codec, rate=rate_hz, layout='mono')
    samples = click_at(1.0, 2.0, rate_hz)
    for start in range(0, len(samples), 4800):
      frame = av.AudioFrame.from_ndarray(
          np.round(samples[start:start + 4800] * 32767).astype(np.int16).reshape(1, -1), format='s16', layout='mono')
      frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, fractions.Fraction(1, rate_hz)
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  assert loudest_secs(read(path)) == pytest.approx(1.01, abs=0.03)


def test_the_sound_of_a_film_that_was_written_is_in_step_with_its_pictures(tmp_path):
  path = write_film(tmp_path / 'film.mp4', click_at(1.2, 3.0))
  with av.open(str(path)) as container:
    assert [stream.codec_context.name for stream in container.streams] == ['h264', 'aac']
    assert float(container.streams.audio[0].duration * container.streams.audio[0].time_base) == pytest.approx(2, abs=.1)
  samples = read(path, with_pictures=True)
  assert loudest_secs(samples) == pytest.approx(1.21, abs=0.01)
  assert len(samples) == pytest.approx(2.0 * _RATE_HZ, abs=2048)  # as long as the pictures


def test_where_the_pictures_begin_later_time_is_counted_from_them(tmp_path):
  path, late = tmp_path / 'late.mkv', 0.4
  with av.open(str(path), 'w') as container:
    pictures = container.add_stream('libx264', rate=25)
    pictures.width = pictures.height = 32
    pictures.pix_fmt = 'yuv420p'
    track = container.add_stream('pcm_s16le', rate=_RATE_HZ, layout='mono')
    frame = av.AudioFrame.from_ndarray(
        np.round(click_at(1.0, 2.0) * 32767).astype(np.int16).reshape(1, -1), format='s16', layout='mono')
    frame.sample_rate, frame.pts, frame.time_base = _RATE_HZ, 0, fractions.Fraction(1, _RATE_HZ)
    container.mux(track.encode(frame))
    for i in range(30):
      picture = av.VideoFrame.from_ndarray(np.zeros([32, 32, 3], np.uint8), format='rgb24')
      picture.pts, picture.time_base = round(late * 25) + i, fractions.Fraction(1, 25)
      container.mux(pictures.encode(picture))
    container.mux(pictures.encode(None))
  assert loudest_secs(read(path, with_pictures=True)) == pytest.approx(1.01 - late, abs=0.02)
  assert loudest_secs(read(path)) == pytest.approx(1.01, abs=0.02)


def test_a_recording_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path):
  path = write_film(tmp_path / 'film.mp4', click_at(0.5, 2.0))
  content = path.read_bytes()
  path.write_bytes(content[:len(content) * 3 // 4])
  assert 0 < len(read(path)) <= 2.1 * _RATE_HZ


def test_a_recording_whose_title_is_no_text_is_read(tmp_path):
  path = tmp_path / 'a.mka'
  with av.open(str(path), 'w', format='matroska') as container:
    container.metadata['title'] = 'a title'
    stream = container.add_stream('pcm_s16le', rate=_RATE_HZ, layout='mono')
    stream.metadata['title'] = 'its sound'
    frame = av.AudioFrame.from_ndarray(np.full([1, 800], 8192, np.int16), format='s16', layout='mono')
    frame.sample_rate, frame.pts = _RATE_HZ, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  content = path.read_bytes()
  assert b'a title' in content and b'its sound' in content
  path.write_bytes(content.replace(b'a title', b'\xe4 title').replace(b'its sound', b'\xbe' * 9))
  np.testing.assert_allclose(read(path)[:800], 0.25, atol=1e-3)


def test_what_holds_no_sound_is_told(tmp_path):
  silent = tmp_path / 'silent.mp4'
  animations.save_animation(silent, [np.zeros([32, 32, 3], np.uint8)] * 3, 25)
  text = tmp_path / 'text.wav'
  text.write_text('no sound')
  for path, message in ((silent, 'must hold sound, but holds none'), (text, 'cannot be read as sound'),
                        (tmp_path / 'none.wav', 'there is no such file'), (tmp_path, 'but is a folder')):
    with pytest.raises(errors.InputError, match=message):
      sounds.Sound(path)


def test_a_gif_holds_no_sound(tmp_path):
  with pytest.raises(errors.InputError, match='holds no sound. Use .*film.mp4'):
    animations.save_animation(tmp_path / 'film.gif', [np.zeros([8, 8, 3], np.uint8)], 10, sound=(_RATE_HZ, 1, []))
  assert not (tmp_path / 'film.gif').exists()
