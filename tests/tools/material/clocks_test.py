"""Tests of films whose times jump, are missing or belong to other streams."""

import fractions
import types

import av
import numpy as np
import pytest

from dcgan.data import manifests
from tests.tools.material import films
from tools.material import clocks
from tools.material import sources
from tools.material import videos

_REORDERED = {'bf': '3', 'g': '12', 'x264-params': 'b-adapt=0:b-pyramid=normal:scenecut=0'}


def _joined(tmp_path, ending, codec, num_frames=20, options=None):
  """Writes a film, and one that is that film twice; returns the second one's path."""
  film = films.encode(tmp_path / f'a{ending}', films.greys(num_frames), codec, fps=25, options=options)
  joined = tmp_path / f'joined{ending}'
  joined.write_bytes(film.read_bytes() * 2)
  return joined


def test_a_clock_that_goes_straight_is_left_alone():
  clock = clocks.Clock(fractions.Fraction(1, 1000), 40, True)
  assert [clock.place(pts, 40) for pts in (500, 540, 580, 9000)] == [500, 540, 580, 9000]
  assert not clock.breaks and clock.end == 9040


@pytest.mark.parametrize('jump', [-500, 20_000, 10**9])
def test_time_runs_on_across_a_break(jump):
  clock = clocks.Clock(fractions.Fraction(1, 1000), 40, True)
  assert [clock.place(pts, 0) for pts in (500, 540, 580 + jump, 620 + jump)] == [500, 540, 580, 620]
  assert clock.breaks == [580]


def test_a_clock_that_trembles_does_not_break_and_a_picture_may_stand_for_long():
  clock = clocks.Clock(fractions.Fraction(1, 1000), 40, False)
  assert [clock.place(pts, 40) for pts in (0, 40, 40, 30, 80, 60_000)] == [0, 40, 41, 42, 80, 60_000]
  assert not clock.breaks


def test_frames_without_a_time_follow_the_one_before():
  clock = clocks.Clock(fractions.Fraction(1, 1000), 40, True)
  assert [clock.place(pts, None) for pts in (None, None, 90_000, None, 90_080)] == [0, 40, 80, 120, 160]
  assert not clock.breaks


@pytest.mark.parametrize('ending', ['.avi', '.asf', '.h264', '.mkv'])
def test_reordered_frames_come_in_the_order_of_display_with_the_times_of_the_rate(tmp_path, ending):
  film = films.encode(tmp_path / f'v{ending}', films.greys(48), fps=25, options=_REORDERED)
  video = videos.Video(film)
  assert video.duration_secs == pytest.approx(48 / 25, abs=0.01) and not video.notes
  read = list(video.frames_at([(k + 0.1) / 25 for k in range(48)]))
  assert [round(image.mean() / 5) for _, _, image in read] == list(range(48))
  np.testing.assert_allclose([secs for _, secs, _ in read], np.arange(48) / 25, atol=2e-3)
  assert video.damage is None


def test_reordered_frames_of_an_avi_are_found_by_seeking(tmp_path):
  film = films.encode(tmp_path / 'v.avi', films.greys(50), fps=5, options=_REORDERED)
  assert films.numbers(film, [k / 5 for k in range(33, 50)])[1] == list(range(33, 50))


def test_pictures_of_an_avi_that_were_dropped_leave_their_time(tmp_path):
  with av.open(str(tmp_path / 'v.avi'), 'w') as container:
    stream = container.add_stream('mjpeg', rate=10)
    stream.width, stream.height, stream.pix_fmt = films.WIDTH, films.HEIGHT, 'yuvj420p'
    for i in (0, 1, 2, 8, 9):
      frame = av.VideoFrame.from_ndarray(films.grey(5 * i), format='rgb24')
      frame.pts = i
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  assert [round(secs * 10) for _, secs, _ in videos.Video(tmp_path / 'v.avi').frames_at(np.arange(10) / 10)] == [
      0, 1, 2, 8, 9]


@pytest.mark.parametrize('ending, codec', [('.ts', 'libx264'), ('.ts', 'mpeg2video'), ('.mpg', 'mpeg2video'),
                                           ('.mkv', 'libx264')])
def test_time_runs_on_where_two_films_are_joined_and_that_is_told(tmp_path, ending, codec):
  video, read = films.numbers(_joined(tmp_path, ending, codec), fps=25)
  assert video.duration_secs == pytest.approx(40 / 25, abs=0.05)
  assert np.abs(np.array(read) - [*range(20), *range(20)]).max() <= 1 and len(read) == 40
  (note,) = video.notes
  assert 'clock that jumps' in note and 'at 0.8 s:' in note


def test_time_runs_on_where_a_broadcasts_clock_leaps_forward(tmp_path):
  def write(path, first_secs):
    with av.open(str(path), 'w', options={'muxdelay': '0'}) as container:
      stream = container.add_stream('mpeg2video', rate=25)
      stream.width, stream.height, stream.pix_fmt = films.WIDTH, films.HEIGHT, 'yuv420p'
      for i, picture in enumerate(films.greys(20)):
        frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
        frame.pts, frame.time_base = first_secs * 25 + i, fractions.Fraction(1, 25)
        container.mux(stream.encode(frame))
      container.mux(stream.encode(None))
    return path.read_bytes()
  (tmp_path / 'v.ts').write_bytes(write(tmp_path / 'a.ts', 10) + write(tmp_path / 'b.ts', 3000))
  video, read = films.numbers(tmp_path / 'v.ts', fps=25)
  assert video.duration_secs == pytest.approx(40 / 25, abs=0.05) and len(read) == 40
  assert 'clock that jumps' in video.notes[0]


def test_any_slice_of_a_joined_film_gives_the_frames_of_the_whole_and_its_note_names_it(tmp_path):
  source = sources.VideoSource(_joined(tmp_path, '.ts', 'mpeg2video'), 25)
  whole = [item.key for item in source.read(0, 99)]
  sliced = [item.key for start in range(0, 40, 7) for item in source.read(start, start + 7)]
  assert whole == sliced and len(whole) == source.num_inputs == 40
  assert source.notes[0].startswith('`joined.ts` has a clock that jumps')


@pytest.mark.parametrize('ending', ['.mkv', '.mov'])
def test_sound_that_is_longer_than_the_pictures_is_no_damage(tmp_path, ending):
  film = films.encode(tmp_path / f'v{ending}', films.greys(20), sound_secs=6)
  with av.open(str(film)) as container:
    assert container.duration == pytest.approx(6e6, abs=1e5)
  video, read = films.numbers(film)
  assert (video.duration_secs, read, video.damage) == (pytest.approx(2.0, abs=0.01), list(range(20)), None)


def test_an_mkv_that_is_cut_off_is_told(tmp_path):
  rng = np.random.default_rng(0)
  noise = [rng.integers(0, 255, [films.HEIGHT, films.WIDTH, 3], np.uint8) for _ in range(40)]
  film = films.encode(tmp_path / 'v.mkv', noise, sound_secs=4)
  content = film.read_bytes()
  film.write_bytes(content[:len(content) // 2])
  source = sources.VideoSource(film, 10)
  items = list(source.read(0, 99))
  assert source.num_inputs == 40 and len(items) == 40
  rejected = [item for item in items if isinstance(item, manifests.Rejection)]
  assert 5 < len(rejected) < 35 and rejected[-1].reason.kind == 'damaged_video'


def test_a_film_whose_pictures_stand_for_long_is_whole(tmp_path):
  film = films.encode(tmp_path / 'v.mkv', films.greys(5), fps=0.05)
  video, read = films.numbers(film, [10.0, 30.0, 50.0, 70.0, 90.0])
  assert video.duration_secs == pytest.approx(100, abs=0.1) and read == [0, 1, 2, 3, 4]
  assert video.damage is None and not video.notes


def test_times_that_are_all_one_tell_nothing():
  def packet(pts):
    return types.SimpleNamespace(pts=pts, dts=pts, duration=0, stream_index=0, time_base=fractions.Fraction(1, 25))
  assert clocks.look_through([packet(7)] * 3, 0, 1, False, True).is_still
  assert not clocks.look_through([packet(7), packet(8)], 0, 1, False, True).is_still
