"""Tests of films that are written with times and sound of their own."""

import fractions

import av
import numpy as np
import pytest

from dcgan.common import errors
from tests.tools.material import videos_test
from tools.material import films
from tools.material import videos

_RATE = 44100


def _with_sound(path, codec='aac', secs=2.0, first_secs=0.0):
  """Writes a film of grey pictures with a tone that begins after half a second; its clock starts at `first_secs`."""
  with av.open(str(path), 'w') as film:
    pictures = film.add_stream('libx264', rate=25)
    pictures.width = pictures.height = 32
    pictures.pix_fmt = 'yuv420p'
    sound = film.add_stream(codec, rate=_RATE)
    shift = fractions.Fraction(str(first_secs))
    for i in range(round(25 * secs)):
      frame = av.VideoFrame.from_ndarray(np.full([32, 32, 3], 100, np.uint8), format='rgb24')
      frame.pts, frame.time_base = i + int(25 * shift), fractions.Fraction(1, 25)
      film.mux(pictures.encode(frame))
    film.mux(pictures.encode(None))
    times = np.arange(round(secs * _RATE)) / _RATE
    tone = (0.5 * np.sin(2 * np.pi * 440 * times) * (times > 0.5)).astype(np.float32)
    kind = 's16' if codec == 'pcm_s16le' else 'fltp'
    for start in range(0, len(tone), 1024):
      part = tone[start:start + 1024]
      samples = (part * 32767).astype(np.int16) if kind == 's16' else part
      frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis]), format=kind, layout='mono')
      frame.sample_rate, frame.pts, frame.time_base = _RATE, start + int(_RATE * shift), fractions.Fraction(1, _RATE)
      film.mux(sound.encode(frame))
    film.mux(sound.encode(None))
  return path


def _loudness(path):
  """Returns (seconds, whether a tone is heard) of a film's sound, both by 0.1 s."""
  with av.open(str(path)) as film:
    parts = [(float(frame.pts * frame.time_base), frame.to_ndarray().astype(float), frame.sample_rate)
             for frame in film.decode(audio=0)]
  scale = max(np.abs(samples).max() for _, samples, _ in parts)
  heard = {}
  for secs, samples, rate in parts:
    for offset in range(0, samples.shape[-1], rate // 100):
      part = np.abs(samples[..., offset:offset + rate // 100])
      heard.setdefault(round((secs + offset / rate) * 10), []).append(part.max())
  return {tenth: np.median(values) > 0.1 * scale for tenth, values in heard.items()}


@pytest.mark.parametrize('codec, ending', [('aac', 'mp4'), ('pcm_s16le', 'mov')])
def test_sound_is_kept_at_its_time(tmp_path, codec, ending):
  source = _with_sound(tmp_path / f'a.{ending}', codec)
  frames = [(i / 25, image) for i, image in enumerate(videos_test.moving(50))]
  assert films.save_film(tmp_path / 'b.mp4', iter(frames), source, videos.Video(source).first_secs, 25) == 50
  heard = _loudness(tmp_path / 'b.mp4')
  assert not any(heard[tenth] for tenth in range(0, 4)) and all(heard[tenth] for tenth in range(6, 18))


def test_sound_that_players_know_is_copied_as_it_is(tmp_path):
  source = _with_sound(tmp_path / 'a.mp4')
  films.save_film(tmp_path / 'b.mp4', zip(np.arange(50) / 25, videos_test.moving(50)), source, 0, 25)
  packets = []
  for path in (source, tmp_path / 'b.mp4'):
    with av.open(str(path)) as film:
      packets.append([bytes(packet) for packet in film.demux(audio=0) if packet.size and packet.pts >= 0])
  assert len(packets[1]) > 80 and packets[1] == packets[0][:len(packets[1])]


def test_sound_of_a_film_whose_clock_starts_late_is_where_it_was(tmp_path):
  source = _with_sound(tmp_path / 'a.mkv', first_secs=3.0)
  first_secs = videos.Video(source).first_secs
  films.save_film(tmp_path / 'b.mp4', ((i / 25, image) for i, image in enumerate(videos_test.moving(50))), source,
                  first_secs, 25)
  heard = _loudness(tmp_path / 'b.mp4')
  assert first_secs == pytest.approx(3.0, abs=0.05)
  assert not heard[2] and heard[8]


def test_every_frame_is_shown_at_its_time(tmp_path):
  times_secs = np.cumsum([0, 0.04, 0.1, 0.02, 0.033, 0.5, 0.04])
  images = videos_test.moving(7)
  films.save_film(tmp_path / 'b.mp4', zip(times_secs, images))
  found = list(videos.Video(tmp_path / 'b.mp4').frames())
  np.testing.assert_allclose([secs for secs, _ in found], times_secs, atol=2e-3)
  for (_, image), given in zip(found, images):
    assert np.abs(image.astype(int) - given).mean() < 6


def test_a_film_without_sound_or_with_none_that_can_be_read_is_written(tmp_path, caplog):
  (tmp_path / 'a.mp4').write_bytes(b'no film')
  films.save_film(tmp_path / 'b.mp4', [(0.0, np.zeros([32, 33, 3], np.uint8))], tmp_path / 'a.mp4')
  assert videos.Video(tmp_path / 'b.mp4').duration_secs > 0
  assert 'its sound cannot be read' in caplog.text


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path):
  with pytest.raises(errors.InputError, match=r"b.gif` ends in '.gif', but a film with sound must end in .mp4"):
    films.save_film(tmp_path / 'b.gif', [])
  with pytest.raises(errors.InputError, match='there are 0 frames to write, but a film needs 1 or more'):
    films.save_film(tmp_path / 'b.mp4', [])

  def frames():
    yield 0.0, np.zeros([32, 32, 3], np.uint8)
    raise KeyboardInterrupt

  (tmp_path / 'c.mp4').write_bytes(b'before')
  with pytest.raises(KeyboardInterrupt):
    films.save_film(tmp_path / 'c.mp4', frames())
  assert (tmp_path / 'c.mp4').read_bytes() == b'before'
  assert [path.name for path in tmp_path.iterdir()] == ['c.mp4']
