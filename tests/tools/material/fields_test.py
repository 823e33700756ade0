"""Tests of interlaced films: each frame's two fields are moments of one thing that moves."""

import fractions

import av
import av.filter
import numpy as np
import pytest

from tests.tools.material import films
from tools.material import videos

_STEP_PX = 8  # from field to field


def _moment(number):
  """Returns a bright bar on grey as it stands at a field's moment, uint8 [96, 128, 3]."""
  image = np.full([96, 128, 3], 60, np.uint8)
  image[:, 8 + _STEP_PX * number:24 + _STEP_PX * number] = 220
  return image


def _interlaced(num_frames, is_top_first):
  frames = []
  for i in range(num_frames):
    first, second = _moment(2 * i % 12), _moment(2 * i % 12 + 1)
    frame = first.copy()
    frame[int(is_top_first)::2] = second[int(is_top_first)::2]
    frames.append(frame)
  return frames


def _marked(frames, is_top_first):
  """Yields pictures as frames that say that they are interlaced, and which field is the first."""
  graph = av.filter.Graph()
  height, width, _ = frames[0].shape
  source = graph.add_buffer(width=width, height=height, format=av.VideoFormat('rgb24'),
                            time_base=fractions.Fraction(1, 25))
  mark = graph.add('setfield', 'tff' if is_top_first else 'bff')
  graph.link_nodes(source, mark, graph.add('buffersink')).configure()
  for i, picture in enumerate(frames):
    frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
    frame.pts, frame.time_base = i, fractions.Fraction(1, 25)
    graph.push(frame)
    yield graph.pull()


def _combing(image):
  """Returns how much rows differ from those next to them and not from those after, in levels of 255."""
  rows = image[8:-8].astype(float).mean(2)
  return np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean() - np.abs(rows[2:] - rows[:-2]).mean() / 2


@pytest.mark.parametrize('ending, codec, pixel_format, options', [
    ('.mpg', 'mpeg2video', 'yuv420p', {'flags': '+ildct+ilme', 'b': '4M'}),
    ('.mkv', 'libx264', 'yuv420p', {'crf': '5'}),
    ('.mkv', 'mpeg2video', 'yuv422p', {'flags': '+ildct+ilme', 'b': '4M'})])
@pytest.mark.parametrize('is_top_first', [True, False])
def test_interlaced_frames_come_whole_one_for_one(tmp_path, ending, codec, pixel_format, options, is_top_first):
  if codec == 'libx264':
    options = options | {'x264-params': 'tff=1' if is_top_first else 'bff=1'}
  else:
    options = options | {'field_order': 'tt' if is_top_first else 'bb'}
  frames = _interlaced(12, is_top_first)
  film = films.encode(tmp_path / f'v{ending}', _marked(frames, is_top_first), codec, 25, pixel_format, options)
  with av.open(str(film)) as container:
    stored = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in stored)
    combed = np.mean([_combing(frame.to_ndarray(format='rgb24')) for frame in stored])
  video = videos.Video(film)
  read = list(video.frames_at([k / 25 for k in range(12)]))
  np.testing.assert_allclose([secs for _, secs, _ in read], np.arange(12) / 25, atol=1e-3)
  assert np.mean([_combing(image) for _, _, image in read]) < 0.15 * combed and combed > 5
  row = 48 if is_top_first else 49  # of the field that was filmed first, which stays as it is
  for i in range(12):
    np.testing.assert_allclose(read[i][2][row, :, 1].astype(int), frames[i][row, :, 1].astype(int), atol=25)
  assert video.notes == ['is interlaced: each picture was made whole of its two fields.'] and video.damage is None


def test_dv_is_made_whole(tmp_path):
  def picture(i):
    frame = np.full([576, 720, 3], 60, np.uint8)
    for field in range(2):  # DV shows the lower field first
      start = 100 + 20 * (2 * i + field)
      frame[1 - field::2, start:start + 100] = 220
    return frame
  film = films.encode(tmp_path / 'v.dv', [picture(i) for i in range(4)], 'dvvideo', 25)
  images = [image for _, _, image in videos.Video(film).frames_at([k / 25 for k in range(4)])]
  assert len(images) == 4 and max(_combing(image) for image in images) < 0.2 * _combing(picture(0))


def test_progressive_films_are_left_as_they_are(tmp_path):
  film = films.encode(tmp_path / 'v.mkv', [_moment(i) for i in range(8)], 'ffv1', 25, 'yuv444p')
  video = videos.Video(film)
  for i, (_, _, image) in enumerate(video.frames_at([k / 25 for k in range(8)])):
    np.testing.assert_allclose(image.astype(int), _moment(i).astype(int), atol=3)
  assert not video.notes


def test_an_interlaced_film_that_is_turned_comes_upright_with_its_colours(tmp_path):
  film = films.encode(tmp_path / 'v.mov', _interlaced(5, True), 'libx264', 25, options={'x264-params': 'tff=1'},
                      before=lambda stream: stream.set_display_rotation(90))
  read = list(videos.Video(film).frames_at([k / 25 for k in range(5)]))
  assert [image.shape for _, _, image in read] == [(128, 96, 3)] * 5
  assert all(abs(float(np.median(image)) - 60) < 5 for _, _, image in read)
