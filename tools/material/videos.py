"""Reads videos by their timestamps."""

import math
import os
import pathlib

import av
import numpy as np

from dcgan.common import errors
from tools.material import pictures

_SEEK_AHEAD_SECS = 2.0  # nearer than this, decoding on is as fast as seeking
_TIME_TOLERANCE_SECS = 1e-3
_MAX_MISSING_SECS = 0.5  # headers count up to a few frames more than there are
_MAX_PIXELS = 8192 * 8192  # 200 MB as RGB, and a multiple of that while FFmpeg decodes; 8K video has half of it
_DECODER_OPTIONS = {'max_pixels': str(_MAX_PIXELS)}


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
