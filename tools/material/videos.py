"""Reads videos by their timestamps."""

import collections
import math
import os
import pathlib

import av
import av.filter
import numpy as np

from dcgan.common import errors
from tools.material import clocks
from tools.material import colour
from tools.material import fields
from tools.material import foreign
from tools.material import pictures

_SEEK_AHEAD_SECS = 2.0  # nearer than this, decoding on is as fast as seeking
_TIME_TOLERANCE_SECS = 1e-3
_MAX_MISSING_SECS = 0.5  # headers count up to a few frames more than there are
_MAX_PIXELS = 8192 * 8192  # 200 MB as RGB, and a multiple of that while FFmpeg decodes; 8K video has half of it
_DECODER_OPTIONS = {'max_pixels': str(_MAX_PIXELS)}
# Before PyAV 18 (the last for Python 3.10 is 17) they end the process where a format has no header, as MPEG-PS.
_OPENING_OPTIONS = _DECODER_OPTIONS if int(av.__version__.split('.', maxsplit=1)[0]) >= 18 else {}
_USUAL_FPS = 25  # where a file tells no rate

_WITH_TRUE_DURATIONS = ('mov,mp4,m4a,3gp,3g2,mj2', 'avi')  # of each stream; elsewhere all packets are looked through
# Their packets tell when they are decoded, not when they are shown; FFmpeg guesses wrong where frames are reordered.
_WITHOUT_PTS = ('avi', 'asf')
_MOST_BREAKS_TOLD = 5
_COVER = av.stream.Disposition.attached_pic  # of a song


class Video:
  """A video file, read by presentation timestamps.

  Time is in seconds from the first frame, whatever number the file gives that one, and runs on where the file's clock
  jumps. Frames come upright (the rotation and the mirror that phones store are applied), whole where they are
  interlaced, in sRGB and with square pixels.

  Args:
    path: str or `pathlib.Path` of the file.

  Attributes:
    duration_secs: float, from the first frame's start to the last one's end; where the file is cut off, as it says.
    first_secs: float, when the first frame starts by the file's own clock, which its sound goes by.
    num_frames: int, about so many it holds.
    notes: list of str, what was done to its pictures and times, each a sentence to go behind the file's name.
    damage: str, why frames are missing, or None; known once the frames were read.

  Raises:
    errors.InputError: there is no such file, no frame of it can be decoded, or its pictures have more than 8192×8192
      pixels.
  """

  def __init__(self, path):
    self._path = pathlib.Path(path)
    self.damage = None
    self.notes = []
    self._is_straight = True
    if self._path.is_dir():
      raise errors.InputError(f'`{path}` must be a video file, but is a folder. Name a file in it, or use --photos '
                              'for a folder of pictures.')
    if not self._path.is_file():
      raise errors.InputError(f'`{path}` must be a video file, but there is no such file. Check the path.')
    try:
      with self._open() as container:
        self._begin(container)
      self._end_pts = self._measure()
    except av.error.FFmpegError as error:
      raise errors.InputError(f'`{path}` {foreign.explain(path, error.strerror)}') from error
    self.duration_secs = self._secs(self._end_pts)
    self.first_secs = float(self._first_pts * self._time_base)
    self.num_frames = max(1, round(self.duration_secs / float(self._step * self._time_base)))
    self.damage = None

  def _begin(self, container):
    """Reads what the header and the first frame tell."""
    self._format = container.format.name
    foreign_told = foreign.unlike_video(self._path, self._format, bool(container.streams.video))
    if foreign_told:
      raise errors.InputError(f'`{self._path}` {foreign_told}')
    stream = self._stream(container)
    flags = av.format.Flags(container.format.flags)
    self._may_break = bool(flags & av.format.Flags.ts_discont) or self._format == 'flv'
    self._has_header = not flags & (av.format.Flags.ts_discont | av.format.Flags.no_timestamps)
    self._is_straight = not flags & av.format.Flags.no_timestamps
    self._is_still = False
    self._time_base = stream.time_base
    self._step = max(1, round(1 / (stream.average_rate or _USUAL_FPS) / self._time_base))
    self._pixel_aspect = stream.sample_aspect_ratio or 1
    self._check_size(stream)
    first = next(self._decode(container, stream), None)
    if first is None:
      raise errors.InputError(f'`{self._path}`: not one frame can be decoded ({self.damage or "it holds none"}). '
                              'Download or convert the video again.')
    self._first_pts = first.pts
    self._tags = colour.tags(first, stream.codec_context)
    if self._tags.unreadable:
      raise errors.InputError(f'`{self._path}` stores its colours as {self._tags.unreadable}, which cannot be read '
                              'here. Convert it to BT.709 first.')
    self.notes += [self._tags.note] if self._tags.note else []
    if first.interlaced_frame:
      self.notes.append('is interlaced: each picture was made whole of its two fields.')
    self._end_pts = (stream.start_time or 0) + stream.duration if stream.duration else None

  def _measure(self):
    """Returns the tick at which the pictures end, and learns whether the file's clock goes straight on."""
    if self._end_pts is not None and self._format in _WITH_TRUE_DURATIONS:
      return self._end_pts
    with self._open() as container:
      has_pts = self._format not in _WITHOUT_PTS
      seen = clocks.look_through(self._packets(container, ()), self._stream(container).index, self._step,
                                 self._may_break, has_pts)
      header_secs = (container.duration or 0) / av.time_base if self._has_header else 0
    self._is_still = seen.is_still
    self._is_straight &= seen.is_straight and not seen.is_still
    if seen.end is None or seen.is_still or not seen.is_straight:
      clock = self._clock()
      for _ in self._read(None, clock):
        pass
      if clock.breaks:
        times = ', '.join(f'{self._secs(tick):.1f} s' for tick in clock.breaks[:_MOST_BREAKS_TOLD])
        more = ' and more' if len(clock.breaks) > _MOST_BREAKS_TOLD else ''
        self.notes.append(f'has a clock that jumps, as where recordings were joined, at {times}{more}: its times were '
                          'made to run on there.')
      return clock.end or self._first_pts + 1
    if header_secs - seen.end_of_all_secs > _MAX_MISSING_SECS:  # no stream is as long as the header says: cut off
      return max(seen.end, round(header_secs / self._time_base))
    return seen.end

  def frames(self):
    """Yields every frame that can be read, in constant memory; `damage` tells of others.

    Yields:
      (time_secs, image): float, when the frame's display starts, rising; uint8 RGB [height, width, 3].
    """
    self.damage = None
    last_pts = -math.inf
    for frame in self._frames_from(self._first_pts):
      if frame.pts > last_pts:
        last_pts = frame.pts
        yield self._secs(frame.pts), self._picture(frame)

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
        yield index, self._secs(shown.pts), self._picture(shown)
      elif upcoming is not None and self.damage and self._is_stale(shown, tick):
        yield index, time_secs, None
      if upcoming is None:
        break
    if upcoming is None and shown is not None and not self.damage:
      missing_secs = self.duration_secs - self._secs(shown.pts + (shown.duration or self._step))
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
    if self._is_straight and (tick - self._first_pts) * self._time_base > _SEEK_AHEAD_SECS:
      frames = self._read(tick)
      first = next(frames, None)
      if first is not None and first.pts <= tick:
        yield first
        yield from frames
        return
    yield from self._read(None)  # near enough, or an index that leads too far or into a part that is missing

  def _read(self, seek_tick, clock=None):
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
      whole = fields.Deinterlacer(av.filter.Graph, self._time_base)
      for frame in self._decode(container, stream, clock):
        yield from whole.feed(frame)
      yield from whole.feed(None)

  def _open(self):
    # FFmpeg takes what stands before a colon for a protocol, but not in an absolute path.
    return av.open(os.path.abspath(self._path), options=_OPENING_OPTIONS, metadata_errors='replace')

  def _stream(self, container):
    stream = next((stream for stream in container.streams.video if not stream.disposition & _COVER), None)
    if stream is None and not container.streams:
      raise errors.InputError(f'`{self._path}` {foreign.explain(self._path, "it holds nothing")}')
    if stream is None:
      raise errors.InputError(f'`{self._path}` must be a video, but holds no pictures'
                              f'{", only sound" if container.streams.audio else ""}. Name another file.')
    if stream.codec_context is None:
      raise errors.InputError(f'`{self._path}` stores its pictures in a way that FFmpeg does not know. Convert it to '
                              'MP4 with a program that plays it.')
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

  def _clock(self):
    return clocks.Clock(self._time_base, self._step, self._may_break)

  def _packets(self, container, streams):
    """Yields packets until the end, or until nothing more can be read; notes that."""
    packets = container.demux(*streams)
    while True:
      try:
        packet = next(packets)
      except StopIteration:
        return
      except av.error.FFmpegError as error:  # once it has raised, a generator only ends
        self.damage = self.damage or error.strerror
        return
      yield packet

  def _decode(self, container, stream, clock=None):
    """Yields the frames that can be decoded, each with its `pts` on one line of time; notes damage, goes on behind it.

    Args:
      container: `av.container.InputContainer`.
      stream: its stream of pictures.
      clock: `clocks.Clock` to place them with, or None for one of its own.
    """
    clock = clock or self._clock()
    # Where packets tell only when they are decoded, the n-th frame to be shown has the time of the n-th packet.
    waiting = collections.deque() if self._format in _WITHOUT_PTS else None
    for packet in self._packets(container, [stream]):
      if waiting is not None and packet.size:
        waiting.append(packet.dts)
      try:
        frames = packet.decode()
      except av.error.FFmpegError as error:
        self.damage = self.damage or error.strerror
        continue
      for frame in frames:
        pts = frame.pts
        if waiting is not None:
          pts = waiting.popleft() if waiting else None
        if frame.is_corrupt:
          self.damage = self.damage or 'a damaged frame'
          continue
        if self._is_too_large(frame.width, frame.height):
          self.damage = self.damage or f'a frame of {frame.width}×{frame.height} px'
          continue
        frame.pts = clock.place(None if self._is_still else pts, frame.duration)
        yield frame

  def _picture(self, frame):
    """Returns a decoded frame as uint8 RGB [height, width, 3], upright, with square pixels."""
    width = max(1, round(frame.width * self._pixel_aspect))
    return _upright(colour.to_srgb(frame, width, colour.tags(frame, self._tags)), frame)


def _upright(image, frame):
  """Returns a picture turned and mirrored as the frame's display matrix says, to the nearest right angle."""
  matrix = frame.side_data.get('DISPLAYMATRIX')
  if matrix is None:
    return image
  # A pixel at (x, y) is shown at (a·x + c·y, b·x + d·y).
  a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
  if abs(a) + abs(d) < abs(b) + abs(c):
    image, a, d = image.transpose(1, 0, 2), c, b
  return np.ascontiguousarray(image[::-1 if d < 0 else 1, ::-1 if a < 0 else 1])
