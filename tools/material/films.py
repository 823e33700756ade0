"""Writes a film frame by frame, each at its own time, with the sound of another one."""

import fractions
import os
import pathlib

from absl import logging
import av

from dcgan.common import errors
from dcgan.common import files
from tools.material import animations

_TIME_BASE = fractions.Fraction(1, 90000)  # as MPEG has it: every usual rate and time is whole in it
_AS_THEY_ARE = ('aac', 'mp3', 'ac3', 'eac3', 'alac', 'mp2')  # sound that players know in an MP4; else it becomes AAC
_USUAL_RATE = 48000
_MOST_AHEAD_SECS = 1.0  # of the pictures, that sound is written: files play from start to end without searching


def check_path(path):
  """Raises an `errors.InputError` unless a path (str or `pathlib.Path`) ends as a film that can be written."""
  if pathlib.Path(path).suffix.lower() != '.mp4':
    raise errors.InputError(f'`{path}` ends in {pathlib.Path(path).suffix or "nothing"!r}, but a film with sound must '
                            'end in .mp4. Choose another name.')


def save_film(path, frames, sound_of=None, first_secs=0.0, fps=25.0):
  """Writes an MP4 of frames at any times, and sound; the file appears whole or not at all.

  Pictures are H.264 as `animations.save_animation` writes them. Sound that MP4 players know is copied, other becomes
  AAC; where it cannot be read, the film is without, which is told.

  Args:
    path: str or `pathlib.Path`, which ends in .mp4.
    frames: iterable of (time_secs, image): float, rising, from 0 on; uint8 RGB [height, width, 3], all of one shape.
    sound_of: path of the film whose sound is taken, or None.
    first_secs: float, the time of that film's sound at which the frames' time is 0.
    fps: float > 0, about how many frames a second there are.

  Returns:
    int, the number of frames written.

  Raises:
    errors.InputError: another ending, or no frames.
  """
  check_path(path)
  num_frames = 0
  with files.whole_file(path) as temporary, av.open(str(temporary), 'w', options={'movflags': '+faststart'}) as film:
    pictures, last = animations.add_pictures(film, fps, preset='fast'), -1
    pictures.codec_context.time_base = _TIME_BASE
    sound = _Sound(film, sound_of, first_secs) if sound_of else None
    for time_secs, image in frames:
      picture = animations.video_frame(image)
      if not num_frames:
        pictures.width, pictures.height = picture.width, picture.height
      picture.pts, picture.time_base = max(last + 1, round(time_secs / _TIME_BASE)), _TIME_BASE
      last = picture.pts
      film.mux(pictures.encode(picture))
      num_frames += 1
      if sound:
        sound.write_until(time_secs + _MOST_AHEAD_SECS)
    if not num_frames:
      raise errors.InputError(f'`{path}`: there are 0 frames to write, but a film needs 1 or more.')
    film.mux(pictures.encode(None))
    if sound:
      sound.write_until(last * _TIME_BASE + 1 / fps)
      sound.close()
  return num_frames


class _Sound:
  """The sound of a film, brought into another one bit by bit."""

  def __init__(self, film, path, first_secs):
    self._film, self._path, self._first_secs = film, path, first_secs
    self._source = self._packets = self._waiting = self._resampler = None
    try:
      self._source = av.open(os.path.abspath(path), metadata_errors='replace')
      self._begin()
    except av.error.FFmpegError as error:
      self._give_up(error)

  def _begin(self):
    streams = self._source.streams.audio
    if not streams:
      return
    stream = streams[0]
    self._step = float(stream.time_base)
    if stream.codec_context.name in _AS_THEY_ARE:
      self._out = self._film.add_stream_from_template(stream)
    else:
      rate = stream.rate if stream.rate in (32000, 44100, 48000) else _USUAL_RATE
      self._out = self._film.add_stream('aac', rate=rate)
      self._resampler = av.AudioResampler('fltp', 'stereo' if stream.channels > 1 else 'mono', rate)
      self._out.codec_context.layout = 'stereo' if stream.channels > 1 else 'mono'
    self._packets = self._source.demux(stream)

  def write_until(self, time_secs):
    """Writes what sounds before a time, float in seconds of the pictures."""
    while self._packets is not None:
      packet, self._waiting = self._waiting, None
      try:
        packet = packet or next(self._packets, None)
        if packet is None or packet.size == 0 and packet.dts is None:
          self._packets = None
          return
        if packet.pts is None:
          continue
        at_secs = packet.pts * self._step - self._first_secs
        if at_secs >= time_secs:
          self._waiting = packet
          return
        if at_secs >= 0:
          self._write(packet)
      except av.error.FFmpegError as error:
        self._give_up(error)

  def _write(self, packet):
    shift = round(self._first_secs / self._step)
    if self._resampler is None:
      packet.pts -= shift
      packet.dts = packet.pts
      packet.stream = self._out
      self._film.mux(packet)
      return
    for frame in packet.decode():
      frame.pts -= shift
      for part in self._resampler.resample(frame):
        self._film.mux(self._out.encode(part))

  def close(self):
    """Writes what is left of what was begun."""
    if self._resampler is not None:
      for part in self._resampler.resample(None):
        self._film.mux(self._out.encode(part))
      self._film.mux(self._out.encode(None))
    if self._source is not None:
      self._source.close()

  def _give_up(self, error):
    logging.warning('%s: its sound cannot be read on (%s): the film goes on without.', self._path, error.strerror)
    self._packets = None
