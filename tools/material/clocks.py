"""The times of a film's frames, brought onto one line that never goes back.

Recordings that were joined, or whose clock was set anew, tell times that jump. Times here are ticks of the stream.
"""

import dataclasses
import math

_BACK_SECS = 0.1  # less than that is a clock that trembles
_FORWARD_SECS = 10.0  # of broadcasts, whose clock may break; FFmpeg's own limits (dts_delta_threshold)
_FORWARD_SECS_ELSEWHERE = 3600.0  # beyond what the frame before lasts


class Clock:
  """Places frames, one after the other in the order of display, on one line of time.

  Args:
    time_base: `fractions.Fraction`, seconds per tick.
    step: int >= 1, the ticks of a frame that does not say how long it lasts.
    may_break: bool, whether the format is one whose clock may break, so that a gap of 10 s is no long frame.

  Attributes:
    breaks: list of int, the ticks on the line at which a break was closed.
    end: int, the tick at which the last frame ends, or None before the first one.
  """

  def __init__(self, time_base, step, may_break):
    self.breaks = []
    self.end = None
    self._step = step
    self._back = math.ceil(_BACK_SECS / time_base)
    self._forward = math.ceil((_FORWARD_SECS if may_break else _FORWARD_SECS_ELSEWHERE) / time_base)
    self._offset = 0
    self._last = None
    self._has_time = False

  def place(self, pts, duration):
    """Returns the tick of the next frame.

    Behind a break it follows the frame before at once, and so does a frame without a time.

    Args:
      pts: int, as the file says, or None.
      duration: int, likewise; 0 or None where it is not known.
    """
    if pts is None:
      tick = self.end or 0
    else:
      tick = pts + self._offset
      if self._last is not None and not self._last - self._back < tick < self.end + self._forward:
        self._offset += self.end - tick
        tick = self.end
        if self._has_time:  # else frames without a time came before the first one with one
          self.breaks.append(tick)
      self._has_time = True
    if self._last is not None:
      tick = max(tick, self._last + 1)
    self._last = tick
    self.end = tick + (duration or self._step)
    return tick


@dataclasses.dataclass(frozen=True)
class Extent:
  """What the packets of a file tell.

  Attributes:
    end: int, the tick at which the last frame of the pictures ends, or None where no packet has a time.
    end_of_all_secs: float, when the last stream of any kind ends, or None likewise.
    is_straight: bool, whether the times of the pictures go on without a jump, so that `end` is right and frames can be
      found by their times.
    is_still: bool, whether all times are one, and tell nothing.
  """

  end: int | None
  end_of_all_secs: float | None
  is_straight: bool
  is_still: bool


def look_through(packets, stream_index, step, may_break, has_pts):
  """Returns the `Extent` of a file; nothing is decoded.

  Args:
    packets: iterable of the `av.Packet`s of all streams.
    stream_index: int, that of the pictures.
    step: int >= 1, ticks of a frame that does not say how long it lasts.
    may_break: bool, as of `Clock`.
    has_pts: bool, whether the format tells when pictures are shown, and not only when they are decoded.
  """
  forward_secs = _FORWARD_SECS if may_break else _FORWARD_SECS_ELSEWHERE
  end = end_of_all_secs = last_dts = None
  stamps, is_straight = set(), True
  for packet in packets:
    pts = packet.pts if has_pts and packet.pts is not None else packet.dts
    if pts is None:
      continue
    is_picture = packet.stream_index == stream_index
    packet_end = pts + (packet.duration or (step if is_picture else 0))
    end_secs = float(packet_end * packet.time_base)
    end_of_all_secs = end_secs if end_of_all_secs is None else max(end_of_all_secs, end_secs)
    if is_picture:
      end = packet_end if end is None else max(end, packet_end)
      if len(stamps) < 2:
        stamps.add(pts)
      if packet.dts is not None:
        if last_dts is not None:
          gap = packet.dts - last_dts
          is_straight &= 0 <= gap and float((gap - (packet.duration or 0)) * packet.time_base) < forward_secs
        last_dts = packet.dts
  return Extent(end, end_of_all_secs, is_straight, len(stamps) == 1)
