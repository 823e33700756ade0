"""Writes moving pictures: GIF, WebP and MP4."""

import fractions
import math
import pathlib

import av
import numpy as np
from PIL import Image

from dcgan.common import errors
from dcgan.common import files

_MAX_GIF_FPS = 50  # players show delays under 2 hundredths of a second as 10
_WEBP_QUALITY = 95
_H264_CRF = '18'
_BT709 = 1  # ITU-T H.273's number of the matrix, of the primaries and of the transfer, and swscale's of the matrix
_LIMITED = 1  # FFmpeg's number of the range in which black is 16
_AAC_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_AAC_BITS_PER_SEC = 96_000  # of a channel


def sound_rate(rate_hz):
  """Returns the samples a second, int, at which an MP4 holds sound of `rate_hz`: no fewer, but 48,000 at most."""
  return next((each for each in _AAC_RATES_HZ if each >= rate_hz), _AAC_RATES_HZ[-1])


def save_animation(path, frames, fps, sound=None):
  """Writes frames as an endlessly looping GIF or WebP, or as an H.264 MP4; the file appears whole or not at all.

  The ending of `path` chooses: .gif with a palette of its own for each frame, .webp at quality 95, .mp4 at crf 18,
  yuv420p by the matrix of BT.709, odd sizes padded by one row or column. GIF stores whole hundredths and WebP whole
  thousandths of a second: the delays differ by one unit where needed, so that the total time is right.

  Args:
    path: str or `pathlib.Path` of the file.
    frames: iterable of uint8 RGB [height, width, 3], all of one shape. An array that comes several times in a row
      costs a GIF or WebP hardly more than once.
    fps: float > 0, frames per second; at most 50 in a GIF.
    sound: of an MP4, or None: (rate_hz, num_channels, blocks): int of `sound_rate`, 1 or 2, and an iterable of float32
      [num_samples, num_channels] in [-1, 1]. It is read as the pictures go on, and written as AAC.

  Returns:
    int, the number of frames written.

  Raises:
    errors.InputError: another ending, an `fps` that the format cannot hold, or no frames.
    ValueError: a frame is not uint8 RGB of the first one's shape.
  """
  path = pathlib.Path(path)
  ending = path.suffix.lower()
  if ending not in _WRITERS:
    raise errors.InputError(f'`{path}` ends in {ending or "nothing"!r}, but an animation must end in '
                            f'{", ".join(sorted(_WRITERS))}. Choose one of them.')
  if not 0 < fps < math.inf:
    raise errors.InputError(f'`fps` ({fps}) must be a number above 0, as in 10.')
  if ending == '.gif' and fps > _MAX_GIF_FPS:
    raise errors.InputError(f'`fps` ({float(fps):g}) must be at most {_MAX_GIF_FPS} in a GIF, whose delays are whole '
                            'hundredths of a second. Lower it, or write .webp or .mp4.')
  if sound is not None and ending != '.mp4':
    raise errors.InputError(f'`{path}` ends in {ending!r}, which holds no sound. Use {path.with_suffix(".mp4")}.')
  with files.whole_file(path) as temporary:
    num_frames = _WRITERS[ending](temporary, _checked(frames), fps, **({'sound': sound} if sound else {}))
    if not num_frames:
      raise errors.InputError(f'`{path}`: there are 0 frames to write, but an animation needs 1 or more.')
  return num_frames


def _checked(frames):
  shape = None
  for index, frame in enumerate(frames):
    frame = np.asarray(frame)
    shape = shape or frame.shape
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape != shape:
      raise ValueError(f'`frames[{index}]` is {frame.dtype} {list(frame.shape)}, but must be uint8 [height, width, 3] '
                       f'of the first one\'s shape {list(shape)}.')
    yield frame


def _delays(num_frames, fps, units_per_sec):
  """Returns whole delays, one a frame, whose every partial sum is the true time rounded to the unit."""
  ends = [math.floor(i * units_per_sec / fps + 0.5) for i in range(num_frames + 1)]
  return [end - start for start, end in zip(ends, ends[1:])]


def _write_gif(path, frames, fps):
  # Pillow takes GIF durations in milliseconds and keeps whole hundredths.
  pictures = _pictures(frames, lambda picture: picture.quantize(256))
  _write_by_pillow(path, pictures, [10 * delay for delay in _delays(len(pictures), fps, 100)], disposal=1)
  return len(pictures)


def _write_webp(path, frames, fps):
  pictures = _pictures(frames, lambda picture: picture)
  _write_by_pillow(path, pictures, _delays(len(pictures), fps, 1000), quality=_WEBP_QUALITY)
  return len(pictures)


def _pictures(frames, convert):
  """Returns frames as converted Pillow pictures, the same one where the same array comes again."""
  pictures, last = [], None
  for frame in frames:
    pictures.append(pictures[-1] if frame is last else convert(Image.fromarray(frame)))
    last = frame
  return pictures


def _write_by_pillow(path, pictures, durations, **options):
  if pictures:
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **options)


def add_pictures(container, fps, preset='medium'):
  """Adds H.264 at crf 18 to an `av` container that is written, and returns the stream, whose size is not set yet.

  Args:
    container: `av.container.OutputContainer`.
    fps: float > 0.
    preset: str, of x264: faster ones make larger files.
  """
  stream = container.add_stream('libx264', rate=_rate(fps), options={'crf': _H264_CRF, 'preset': preset})
  stream.pix_fmt = 'yuv420p'
  # BT.709 and not FFmpeg's default, BT.601: the one that players take for large pictures, and the tags say so.
  context = stream.codec_context
  context.colorspace, context.color_primaries, context.color_trc = _BT709, _BT709, _BT709
  context.color_range = _LIMITED
  return stream


def video_frame(image):
  """Returns uint8 RGB [height, width, 3] as the `av.VideoFrame` that such a stream takes, padded to even sizes."""
  height, width, _ = image.shape
  image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
  return av.VideoFrame.from_ndarray(image, format='rgb24').reformat(
      format='yuv420p', dst_colorspace=_BT709, dst_color_range=_LIMITED)


def _write_mp4(path, frames, fps, sound=None):
  num_frames = 0
  with av.open(str(path), 'w', options={'movflags': '+faststart'}) as container:
    stream = add_pictures(container, fps)
    track = _SoundTrack(container, *sound) if sound else None
    for frame in frames:
      picture = video_frame(frame)
      if num_frames == 0:
        stream.height, stream.width = picture.height, picture.width
      container.mux(stream.encode(picture))
      num_frames += 1
      if track:
        track.write_until(num_frames / fps)
    if num_frames:
      container.mux(stream.encode(None))
      if track:
        track.end(num_frames / fps)
  return num_frames


class _SoundTrack:
  """The sound of an MP4, written piece by piece beside the pictures."""

  def __init__(self, container, rate_hz, num_channels, blocks):
    self._container, self._rate_hz, self._blocks = container, rate_hz, iter(blocks)
    self._layout = 'mono' if num_channels == 1 else 'stereo'
    self._stream = container.add_stream('aac', rate=rate_hz, layout=self._layout)
    self._stream.bit_rate = min(num_channels * _AAC_BITS_PER_SEC, 6 * rate_hz)  # AAC's own limit
    self._num_samples, self._waiting = 0, ()

  def write_until(self, secs):
    """Writes up to a time, or the end of the sound."""
    while (left := math.ceil(secs * self._rate_hz) - self._num_samples) > 0:
      block = self._waiting if len(self._waiting) else next(self._blocks, None)
      if block is None:
        return
      self._waiting = block[left:]
      self._write(block[:left])

  def end(self, secs):
    """Writes what is left up to a time, and ends the track."""
    self.write_until(secs)
    self._container.mux(self._stream.encode(None))

  def _write(self, block):
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format='flt', layout=self._layout)
    frame.sample_rate, frame.pts = self._rate_hz, self._num_samples
    frame.time_base = fractions.Fraction(1, self._rate_hz)
    self._num_samples += len(block)
    self._container.mux(self._stream.encode(frame))


def _rate(fps):
  """Returns frames per second as a fraction that containers can hold, never 0."""
  return fractions.Fraction(fps).limit_denominator(1001) or fractions.Fraction(fps).limit_denominator(1_000_000)


_WRITERS = {'.gif': _write_gif, '.webp': _write_webp, '.mp4': _write_mp4}
