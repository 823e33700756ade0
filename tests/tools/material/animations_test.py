"""Tests of moving pictures that are written."""

import fractions

import av
import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from tests.tools.material import videos_test
from tools.material import animations
from tools.material import videos


def _delays_ms(path):
  with Image.open(path) as picture:
    delays = []
    for i in range(picture.n_frames):
      picture.seek(i)
      picture.load()
      delays.append(picture.info['duration'])
    return delays


def _psnr(one, other):
  return 10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float))**2))


@pytest.mark.parametrize('fps', [10, 7, 12, 24, 29.97, 3.3, 50])
def test_gif_lasts_as_long_as_its_frames_to_a_hundredth_of_a_second(tmp_path, fps):
  animations.save_animation(tmp_path / 'a.gif', videos_test.moving(23), fps)
  delays_ms = _delays_ms(tmp_path / 'a.gif')
  assert len(delays_ms) == 23
  assert abs(sum(delays_ms) - 23_000 / fps) <= 5
  assert max(delays_ms) - min(delays_ms) <= 10


@pytest.mark.parametrize('fps', [10, 7, 29.97, 60])
def test_webp_lasts_as_long_as_its_frames_to_a_thousandth_of_a_second(tmp_path, fps):
  animations.save_animation(tmp_path / 'a.webp', videos_test.moving(23), fps)
  assert abs(sum(_delays_ms(tmp_path / 'a.webp')) - 23_000 / fps) <= 0.5


@pytest.mark.parametrize('ending', ['.gif', '.webp'])
def test_animation_loops_for_ever_and_keeps_its_pictures(tmp_path, ending, astronaut):
  frames = [astronaut[i:i + 96, 180:276] for i in range(40, 60, 4)]
  animations.save_animation(tmp_path / f'a{ending}', iter(frames), 10)
  with Image.open(tmp_path / f'a{ending}') as picture:
    assert picture.info['loop'] == 0
    for i, frame in enumerate(frames):
      picture.seek(i)
      assert _psnr(np.asarray(picture.convert('RGB')), frame) > 30


def test_still_frames_keep_their_time_in_a_gif(tmp_path):
  animations.save_animation(tmp_path / 'a.gif', [videos_test.grey(9)] * 7 + [videos_test.grey(99)] * 3, 10)
  assert sum(_delays_ms(tmp_path / 'a.gif')) == 1000


@pytest.mark.parametrize('ending', ['.gif', '.webp'])
def test_an_array_that_comes_again_is_shown_again(tmp_path, ending):
  dark, bright = videos_test.grey(20), videos_test.grey(200)
  assert animations.save_animation(tmp_path / f'a{ending}', iter([dark] * 3 + [bright] * 2 + [dark]), 10) == 6
  assert _delays_ms(tmp_path / f'a{ending}') == [300, 200, 100]
  with Image.open(tmp_path / f'a{ending}') as picture:
    for i, value in enumerate((20, 200, 20)):
      picture.seek(i)
      np.testing.assert_allclose(np.asarray(picture.convert('RGB')), value, atol=2)


def test_mp4_is_h264_of_even_size_at_a_fractional_rate(tmp_path):
  num_frames = animations.save_animation(tmp_path / 'a.mp4', videos_test.moving(30, height=33, width=49), 29.97)
  assert num_frames == 30
  with av.open(str(tmp_path / 'a.mp4')) as container:
    stream = container.streams.video[0]
    assert (stream.codec_context.name, stream.pix_fmt) == ('h264', 'yuv420p')
    assert (stream.width, stream.height) == (50, 34)
    assert float(stream.duration * stream.time_base) == pytest.approx(30 / 29.97, abs=1e-3)


def test_mp4_keeps_colours(tmp_path):
  frame = np.zeros([32, 48, 3], np.uint8) + np.array([200, 60, 40], np.uint8)
  animations.save_animation(tmp_path / 'a.mp4', [frame] * 3, 10)
  (_, _, image), = videos.Video(tmp_path / 'a.mp4').frames_at([0.0])
  np.testing.assert_allclose(image.astype(int), frame.astype(int), atol=3)


def test_another_ending_names_those_that_can_be_written(tmp_path):
  with pytest.raises(errors.InputError, match=r"a\.avi.*'\.avi'.*\.gif, \.mp4, \.webp"):
    animations.save_animation(tmp_path / 'a.avi', videos_test.moving(2), 10)


@pytest.mark.parametrize('fps', [0, -3, float('nan'), float('inf')])
def test_fps_must_be_a_number_above_0(tmp_path, fps):
  with pytest.raises(errors.InputError, match=rf'`fps` \({fps}\) must be'):
    animations.save_animation(tmp_path / 'a.mp4', videos_test.moving(2), fps)


def test_gif_faster_than_50_fps_is_refused(tmp_path):
  for fps in (60, fractions.Fraction(60)):
    with pytest.raises(errors.InputError, match=r'`fps` \(60\) must be at most 50'):
      animations.save_animation(tmp_path / 'a.gif', videos_test.moving(2), fps)


def test_an_mp4_of_one_picture_an_hour_lasts_as_long(tmp_path):
  animations.save_animation(tmp_path / 'a.mp4', videos_test.moving(2), fractions.Fraction(1, 3600))
  assert videos.Video(tmp_path / 'a.mp4').duration_secs == pytest.approx(7200)


@pytest.mark.parametrize('ending', ['.gif', '.webp', '.mp4'])
def test_no_frames_and_failing_frames_leave_no_file(tmp_path, ending):
  with pytest.raises(errors.InputError, match='0 frames'):
    animations.save_animation(tmp_path / f'a{ending}', [], 10)
  with pytest.raises(ValueError, match=r'`frames\[1\]` is uint8 \[16, 16, 3\]'):
    animations.save_animation(tmp_path / f'a{ending}', [videos_test.grey(0), videos_test.grey(0, 16, 16)], 10)
  assert not list(tmp_path.iterdir())
