"""Interlaced video: whole pictures from those whose two fields were filmed one after the other."""

import fractions


class Deinterlacer:
  """Makes each interlaced frame whole, with FFmpeg's bwdif, one frame for one; what is not interlaced stays as it is.

  Args:
    make_graph: callable that returns an `av.filter.Graph`.
    time_base: `fractions.Fraction`, seconds per tick of the frames.
  """

  def __init__(self, make_graph, time_base):
    self._make_graph = make_graph
    self._time_base = fractions.Fraction(time_base)
    self._graph = None
    self._kind = None

  def feed(self, frame):
    """Yields the frames that are ready once another one came: it takes the one behind it to make one whole.

    Args:
      frame: `av.VideoFrame`, or None behind the last one.
    """
    kind = frame and (frame.width, frame.height, frame.format.name)
    if self._graph is not None and kind != self._kind:
      self._graph.push(None)
      yield from self._ready()
      self._graph = None
    if frame is None:
      return
    if self._graph is None:
      if not frame.interlaced_frame:
        yield frame
        return
      self._graph, self._kind = self._new_graph(frame), kind
    self._graph.push(frame)
    yield from self._ready()

  def _new_graph(self, frame):
    graph = self._make_graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base)
    bwdif = graph.add('bwdif', 'mode=send_frame:parity=auto:deint=interlaced')
    graph.link_nodes(source, bwdif, graph.add('buffersink')).configure()
    return graph

  def _ready(self):
    while True:
      try:
        frame = self._graph.pull()
      except (BlockingIOError, EOFError):  # it wants another one, or was told that there is none
        return
      ticks = frame.time_base / self._time_base  # bwdif counts in halves of a tick
      frame.pts, frame.duration = round(frame.pts * ticks), round(frame.duration * ticks)
      yield frame
