"""The one door for moving pictures: writes GIF, WebP and MP4, reads videos by their timestamps."""

import fractions
import math
import os
import pathlib

import av
import numpy as np
from PIL import Image

from dcgan.common import errors
from dcgan.common import files
from tools.material import pictures

_MAX_GIF_FPS = 50  # players show delays under 2 hundredths of a second as 10
_WEBP_QUALITY = 95
_H264_CRF = '18'
_SEEK_AHEAD_SECS = 2.0  # nearer than this, decoding on is as fast as seeking
_TIME_TOLERANCE_SECS = 1e-3
_MAX_MISSING_SECS = 0.5  # headers count up to a few frames more than there are
_MAX_PIXELS = 8192 * 8192  # 200 MB as RGB, and a multiple of that while FFmpeg decodes; 8K video has half of it
_DECODER_OPTIONS = {'max_pixels': str(_MAX_PIXELS)}


def save_animation(path, frames, fps):
  """Writes frames as an endlessly looping GIF or WebP, or as an H.264 MP4; the file appears whole or not at all.

  The ending of `path` chooses: .gif with a palette of its own for each frame, .webp at quality 95, .mp4 at crf 18,
  yuv420p, odd sizes padded by one row or column. GIF stores whole hundredths and WebP whole thousandths of a second:
  the delays differ by one unit where needed, so that the total time is right.

  Args:
    path: str or `pathlib.Path` of the file.
    frames: iterable of uint8 RGB [height, width, 3], all of one shape. An array that comes several times in a row
      costs a GIF or WebP hardly more than once.
    fps: float > 0, frames per second; at most 50 in a GIF.

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
  with files.whole_file(path) as temporary:
    num_frames = _WRITERS[ending](temporary, _checked(frames), fps)
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


def _write_mp4(path, frames, fps):
  num_frames = 0
  with av.open(str(path), 'w', options={'movflags': '+faststart'}) as container:
    stream = container.add_stream('libx264', rate=_rate(fps),
                                  options={'crf': _H264_CRF})
    stream.pix_fmt = 'yuv420p'
    for frame in frames:
      height, width, _ = frame.shape
      frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
      if num_frames == 0:
        stream.height, stream.width = frame.shape[:2]
      container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
      num_frames += 1
    if num_frames:
      container.mux(stream.encode(None))
  return num_frames


def _rate(fps):
  """Returns frames per second as a fraction that containers can hold, never 0."""
  return fractions.Fraction(fps).limit_denominator(1001) or fractions.Fraction(fps).limit_denominator(1_000_000)


_WRITERS = {'.gif': _write_gif, '.webp': _write_webp, '.mp4': _write_mp4}


class Video:
  """A video file, read by presentation timestamps.

  Time is in seconds from the first frame, whatever number the file gives that one. Frames come upright (the rotation
  that phones store is applied) and with square pixels.

  Args:
    path: str or `pathlib.Path` of the file.

  Attributes:
    duration_secs: float, from the first frame's start to the last one's end, as the file says.
    damage: str, why frames are missing, or None; known once the frames were read.

  Raises:
    errors.InputError: there is no such file, no frame of it can be decoded, or its pictures have more than 8192×8192
      pixels.
  """

  def __init__(self, path):
    self._path = pathlib.Path(path)
    self.damage = None
    if self._path.is_dir():
      raise errors.InputError(f'`{path}` must be a video file, but is a folder. Name a file in it, or use --photos '
                              'for a folder of pictures.')
    if not self._path.is_file():
      raise errors.InputError(f'`{path}` must be a video file, but there is no such file. Check the path.')
    try:
      with self._open() as container:
        stream = self._stream(container)
        self._time_base = stream.time_base
        self._pixel_aspect = stream.sample_aspect_ratio or 1
        self._check_size(stream)
        first = next(self._decode(container, stream), None)
        if first is None:
          raise errors.InputError(f'`{path}`: not one frame can be decoded ({self.damage or "it holds none"}). '
                                  'Download or convert the video again.')
        self._first_pts = first.pts
        self._end_pts = _end_pts(stream, container.duration, self._first_pts)
    except av.error.FFmpegError as error:
      raise errors.InputError(f'`{path}` must be a video, but cannot be read as one ({error.strerror}). Convert it to '
                              'MP4 first.') from error
    if self._end_pts is None:
      self._end_pts = max(frame.pts + (frame.duration or 0) for frame in self._read(None)) + 1
    self.duration_secs = self._secs(self._end_pts)
    self.damage = None

  def frames_at(self, times_secs, after_secs=-math.inf):
    """Yields the frame on display at each wanted time: the last one that started by then.

    A frame is yielded once, however many wanted times fall into its display. Memory is constant. Where the file is cut
    off or damaged, the frames that can be read come, and `damage` tells; a wanted time in a damaged stretch yields None
    for its image, and what lies behind the end of a cut-off file yields nothing.

    Args:
      times_secs: sequence of floats >= 0, the wanted times, rising.
      after_secs: float; a frame that was on display at this time already is not yielded.

    Yields:
      (index, time_secs, image): int, the place in `times_secs`; float, when the frame's display starts; uint8 RGB
      [height, width, 3], or None.
    """
    self.damage = None
    if not len(times_secs):
      return
    last_pts = self._tick(after_secs) if after_secs > -math.inf else -math.inf
    frames = self._frames_from(self._tick(times_secs[0]))
    shown, upcoming = None, next(frames, None)
    for index, time_secs in enumerate(times_secs):
      tick = self._tick(time_secs)
      while upcoming is not None and upcoming.pts <= tick:
        shown, upcoming = upcoming, next(frames, None)
      if shown is not None and shown.pts > last_pts:
        last_pts = shown.pts
        yield index, self._secs(shown.pts), _upright(shown, self._pixel_aspect)
      elif upcoming is not None and self.damage and self._is_stale(shown, tick):
        yield index, time_secs, None
      if upcoming is None:
        break
    if upcoming is None and shown is not None and not self.damage:
      missing_secs = self.duration_secs - self._secs(shown.pts + (shown.duration or 0))
      if missing_secs > _MAX_MISSING_SECS:
        self.damage = f'its last {missing_secs:.1f} s are missing'

  def _is_stale(self, shown, tick):
    """Whether the frame on display is long over, because the frames between it and the next one are damaged."""
    return shown is None or float((tick - shown.pts - (shown.duration or 0)) * self._time_base) > _MAX_MISSING_SECS

  def _tick(self, time_secs):
    # A file rounds its times to ticks, up or down: half a tick more finds the frame that is meant.
    # Where a tick is a whole frame, as in AVI, a thousandth of a second is enough.
    tick_secs = float(self._time_base)
    return self._first_pts + math.floor(time_secs / tick_secs + min(0.5, _TIME_TOLERANCE_SECS / tick_secs))

  def _secs(self, pts):
    return float((pts - self._first_pts) * self._time_base)

  def _frames_from(self, tick):
    """Yields frames in the order of time, from some frame that is on display by `tick` on."""
    if (tick - self._first_pts) * self._time_base > _SEEK_AHEAD_SECS:
      frames = self._read(tick)
      first = next(frames, None)
      if first is not None and first.pts <= tick:
        yield first
        yield from frames
        return
    yield from self._read(None)  # near enough, or an index that leads too far or into a part that is missing

  def _read(self, seek_tick):
    try:
      container = self._open()
    except av.error.FFmpegError as error:  # it was there when this object was made
      self.damage = error.strerror
      return
    with container:
      stream = self._stream(container)
      stream.thread_type = 'AUTO'
      if seek_tick is not None:
        try:
          container.seek(seek_tick, stream=stream, backward=True)
        except av.error.FFmpegError:
          return
      yield from self._decode(container, stream)

  def _open(self):
    # FFmpeg takes what stands before a colon for a protocol, but not in an absolute path.
    return av.open(os.path.abspath(self._path), options=_DECODER_OPTIONS)

  def _stream(self, container):
    if not container.streams.video:
      raise errors.InputError(f'`{self._path}` must be a video, but holds no pictures. Name another file.')
    stream = container.streams.video[0]
    stream.codec_context.options = _DECODER_OPTIONS
    return stream

  def _check_size(self, stream):
    if self._is_too_large(stream.width, stream.height):
      raise errors.InputError(
          f'`{self._path}` has pictures of {round(stream.width * self._pixel_aspect)}×{stream.height} px, but they may '
          f'have at most {_MAX_PIXELS:,} pixels and {pictures.MAX_SIDE_PX:,} px a side. Scale the video down.')

  def _is_too_large(self, width, height):
    width *= self._pixel_aspect
    return width * height > _MAX_PIXELS or max(width, height) > pictures.MAX_SIDE_PX

  def _decode(self, container, stream):
    """Yields the frames that can be decoded, each with its `pts`; notes damage and goes on behind it."""
    packets = container.demux(stream)
    last_pts = None
    while True:
      try:
        packet = next(packets)  # once it has raised, a generator only ends
        frames = packet.decode()
      except StopIteration:
        break
      except av.error.FFmpegError as error:
        self.damage = self.damage or error.strerror
        continue
      for frame in frames:
        if frame.is_corrupt:
          self.damage = self.damage or 'a damaged frame'
          continue
        if self._is_too_large(frame.width, frame.height):
          self.damage = self.damage or f'a frame of {frame.width}×{frame.height} px'
          continue
        if frame.pts is None:  # AVI and raw streams carry no presentation times
          frame.pts = frame.dts if frame.dts is not None else _next_pts(last_pts, stream)
        last_pts = frame.pts
        yield frame


def _end_pts(stream, container_duration, first_pts):
  """Returns the tick at which the stream ends as its header says, or None when no header says."""
  if stream.duration:
    return (stream.start_time or 0) + stream.duration
  if container_duration:
    return first_pts + round(container_duration / av.time_base / stream.time_base)
  return None


def _next_pts(last_pts, stream):
  return 0 if last_pts is None else last_pts + max(1, round(1 / (stream.average_rate or 25) / stream.time_base))


def _upright(frame, pixel_aspect):
  """Returns a decoded frame as uint8 RGB [height, width, 3], turned as its rotation says, with square pixels."""
  image = frame.reformat(width=max(1, round(frame.width * pixel_aspect)), format='rgb24').to_ndarray()
  return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))
