"""Containers and codecs, each pair written here by FFmpeg: read with all frames, times and colours."""

import fractions

import av
import numpy as np
import pytest

from tools.material import videos

_BT709 = 1
_WIDTH, _HEIGHT, _NUM_FRAMES, _FPS = 128, 96, 10, 25
_PROFILE = {'profile': 'dnxhr_hq'}
_X265 = {'x265-params': 'pools=none:frame-threads=1:log-level=none', 'crf': '12'}
_GOOD = {'b': '2M', 'qmin': '2', 'qmax': '6'}

_FORMATS = {'y4m': 'yuv4mpegpipe'}  # where the ending does not say
# Ending, encoder, pixel format, options.
_PAIRS = [
    ('mp4', 'libx264', 'yuv420p', {}), ('mov', 'libx264', 'yuv420p', {}), ('mkv', 'libx264', 'yuv420p', {}),
    ('avi', 'libx264', 'yuv420p', {}), ('ts', 'libx264', 'yuv420p', {}), ('m2ts', 'libx264', 'yuv420p', {}),
    ('flv', 'libx264', 'yuv420p', {}), ('3gp', 'libx264', 'yuv420p', {}), ('asf', 'libx264', 'yuv420p', {}),
    ('h264', 'libx264', 'yuv420p', {}), ('mp4', 'libx264', 'yuv444p', {}), ('mkv', 'libx264', 'yuv422p10le', {}),
    ('mp4', 'libx265', 'yuv420p', _X265), ('mkv', 'libx265', 'yuv420p10le', _X265),
    ('mov', 'libx265', 'yuv420p10le', _X265 | {'tag': 'hvc1'}), ('ts', 'libx265', 'yuv420p', _X265),
    ('mp4', 'mpeg4', 'yuv420p', _GOOD), ('avi', 'mpeg4', 'yuv420p', _GOOD | {'bf': '2'}),
    ('mkv', 'mpeg4', 'yuv420p', _GOOD), ('mov', 'mpeg4', 'yuv420p', _GOOD), ('3gp', 'h263', 'yuv420p', _GOOD),
    ('mpg', 'mpeg2video', 'yuv420p', _GOOD | {'bf': '2'}), ('ts', 'mpeg2video', 'yuv420p', _GOOD),
    ('vob', 'mpeg2video', 'yuv420p', _GOOD), ('mpg', 'mpeg1video', 'yuv420p', _GOOD),
    ('m2v', 'mpeg2video', 'yuv420p', _GOOD), ('mxf', 'mpeg2video', 'yuv422p', _GOOD),
    ('webm', 'libvpx', 'yuv420p', _GOOD), ('webm', 'libvpx-vp9', 'yuv420p', _GOOD),
    ('mkv', 'libvpx-vp9', 'yuv420p', _GOOD), ('ivf', 'libvpx', 'yuv420p', _GOOD),
    ('mp4', 'libsvtav1', 'yuv420p', {'crf': '15', 'preset': '10'}),
    ('webm', 'libsvtav1', 'yuv420p10le', {'crf': '15', 'preset': '10'}), ('mov', 'prores_ks', 'yuv422p10le', {}),
    ('mkv', 'prores_ks', 'yuv444p10le', {}), ('mov', 'dnxhd', 'yuv422p', _PROFILE),
    ('mxf', 'dnxhd', 'yuv422p', _PROFILE), ('mkv', 'ffv1', 'yuv420p', {}), ('avi', 'ffv1', 'yuv444p', {}),
    ('mkv', 'ffv1', 'gbrp10le', {}), ('avi', 'mjpeg', 'yuvj420p', {'q': '2'}),
    ('mov', 'mjpeg', 'yuvj422p', {'q': '2'}), ('mkv', 'mjpeg', 'yuvj444p', {'q': '2'}),
    ('avi', 'huffyuv', 'yuv422p', {}), ('avi', 'huffyuv', 'rgb24', {}), ('avi', 'utvideo', 'gbrp', {}),
    ('avi', 'rawvideo', 'bgr24', {}), ('mkv', 'rawvideo', 'yuv420p', {}), ('nut', 'rawvideo', 'rgb24', {}),
    ('mov', 'qtrle', 'rgb24', {}), ('mov', 'png', 'rgb24', {}), ('mov', 'cinepak', 'rgb24', {}),
    ('wmv', 'wmv2', 'yuv420p', _GOOD), ('wmv', 'wmv1', 'yuv420p', _GOOD), ('avi', 'wmv2', 'yuv420p', _GOOD),
    ('avi', 'msmpeg4', 'yuv420p', _GOOD), ('flv', 'flv', 'yuv420p', _GOOD), ('ogv', 'libtheora', 'yuv420p', {}),
    ('gif', 'gif', 'rgb8', {}), ('apng', 'apng', 'rgb24', {}), ('y4m', 'wrapped_avframe', 'yuv420p', {}),
    ('y4m', 'rawvideo', 'yuv444p', {})]
_ROUGH = {'gif': 70, 'cinepak': 24}  # 256 fixed colours, of which 4 levels of blue; 1990
_ALLOWED = 10


def _picture(number, height, width):
  """Returns four coloured fields and a bright bar that moves with the number, uint8 [height, width, 3]."""
  image = np.zeros([height, width, 3], np.uint8)
  image[:height // 2, :width // 2], image[:height // 2, width // 2:] = (200, 60, 40), (40, 120, 60)
  image[height // 2:, :width // 2], image[height // 2:, width // 2:] = (50, 70, 170), (224, 172, 138)
  start = width // 16 * (number + 1)
  image[height * 3 // 8:height * 5 // 8, start:start + width // 8] = 235
  return image


def _write(path, codec, pixel_format, options, height, width):
  matrix = _BT709 if codec == 'dnxhd' else None  # it is BT.709 whatever the size, and says so
  with av.open(str(path), 'w', format=_FORMATS.get(path.suffix[1:])) as container:
    stream = container.add_stream(codec, rate=fractions.Fraction(_FPS), options=dict(options))
    stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
    for i in range(_NUM_FRAMES):
      container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(i, height, width), format='rgb24').reformat(
          format=pixel_format, dst_colorspace=matrix)))
    container.mux(stream.encode(None))


def _check(path, height, width, allowed):
  video = videos.Video(path)
  read = list(video.frames_at([(k + 0.5) / _FPS for k in range(_NUM_FRAMES)]))
  assert [index for index, _, _ in read] == list(range(_NUM_FRAMES)) and video.damage is None
  np.testing.assert_allclose([secs for _, secs, _ in read], np.arange(_NUM_FRAMES) / _FPS, atol=0.011)
  assert video.duration_secs == pytest.approx(_NUM_FRAMES / _FPS, abs=1.1 / _FPS)
  for i, (_, _, image) in enumerate(read):
    expected = _picture(i, height, width).astype(int)
    if image.shape[1] != width:  # H.263's pixels are 12:11
      assert image.shape[1] == round(width * 12 / 11)
      image = image[:, np.arange(width) * image.shape[1] // width]
    assert image.shape == expected.shape
    middle = expected[height // 2, :, 0] == 235  # the bar tells which frame it is
    assert image[height // 2, middle].mean() > 200 > image[height // 2, ~middle].mean(0).max(), i
    for rows, columns in ((0, 0), (0, 1), (1, 0), (1, 1)):
      at = (height // 8 + rows * height * 3 // 4, width // 4 + columns * width // 2)
      near = image[at[0] - 4:at[0] + 4, at[1] - 8:at[1] + 8].reshape(-1, 3).mean(0)
      np.testing.assert_allclose(near, expected[at], atol=allowed, err_msg=f'frame {i} at {at}')


@pytest.mark.slow
@pytest.mark.parametrize('ending, codec, pixel_format, options', _PAIRS, ids=[
    '-'.join(pair[:3]) for pair in _PAIRS])
def test_a_container_with_a_codec_is_read(tmp_path, ending, codec, pixel_format, options):
  path = tmp_path / f'v.{ending}'
  height, width = (288, 352) if codec == 'h263' else (272, 480) if codec == 'dnxhd' else (_HEIGHT, _WIDTH)
  try:
    _write(path, codec, pixel_format, options, height, width)
  except (av.error.FFmpegError, av.codec.codec.UnknownCodecError, ValueError) as error:
    pytest.skip(f'FFmpeg as PyAV brings it cannot write {codec} in {ending}: {error}')
  _check(path, height, width, _ROUGH.get(codec, _ALLOWED))


@pytest.mark.slow
@pytest.mark.parametrize('ending', ['dv', 'avi', 'mov'])
def test_dv_is_read(tmp_path, ending):
  try:
    _write(tmp_path / f'v.{ending}', 'dvvideo', 'yuv420p', {}, 576, 720)
  except av.error.FFmpegError as error:
    pytest.skip(f'FFmpeg as PyAV brings it cannot write DV in {ending}: {error}')
  video = videos.Video(tmp_path / f'v.{ending}')
  read = list(video.frames_at([(k + 0.5) / _FPS for k in range(_NUM_FRAMES)]))
  assert len(read) == _NUM_FRAMES and video.damage is None
  assert {image.shape for _, _, image in read} == {(576, round(720 * 16 / 15), 3)}  # of 4:3
  np.testing.assert_allclose(read[3][2][80:90, 180:190].mean((0, 1)), (200, 60, 40), atol=_ALLOWED)
  assert 'interlaced' in video.notes[0]
