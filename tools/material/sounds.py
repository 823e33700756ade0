"""Reads the sound of files: of a recording, or of a film in step with its pictures."""

import fractions
import os
import pathlib

import av
import numpy as np

from dcgan.common import errors

_LARGEST_GAP_SECS = 600.0  # of silence that is filled in, where a file's clock jumps ahead
_LEAST_GAP_SECS = 0.05  # less is how files round their times
_FEWEST_HZ, _MOST_HZ = 1_000, 768_000


class Sound:
  """The sound of a file that FFmpeg reads, also that of a film: its first stream.

  Args:
    path: str or `pathlib.Path`.
    with_pictures: bool, whether time is counted from the first picture, so that sound and `videos.Video` are in step;
      else from the first sound.

  Attributes:
    rate_hz: int, samples a second in the file.
    num_channels: int, 1 or 2: of more, two are made.
    duration_secs: float, as the header says; None where it says nothing.
    damage: str, why sound is missing, or None; known once it was read.

  Raises:
    errors.InputError: there is no such file, it cannot be read, or it holds no sound.
  """

  def __init__(self, path, with_pictures=False):
    self._path = pathlib.Path(path)
    self._with_pictures = with_pictures
    self.damage = None
    if not self._path.is_file():
      what = 'but is a folder' if self._path.is_dir() else 'but there is no such file'
      raise errors.InputError(f'`{path}` must be a recording or a film with sound, {what}. Check the path.')
    try:
      with self._open() as container:
        stream = self._stream(container)
        self.rate_hz, self.num_channels = stream.rate, min(2, stream.channels)
        start = stream.start_time * stream.time_base if stream.start_time is not None else fractions.Fraction(0)
        pictures = [each for each in container.streams.video if each.start_time is not None] if with_pictures else []
        self._zero = pictures[0].start_time * pictures[0].time_base if pictures else start
        length = stream.duration * stream.time_base if stream.duration else (
            fractions.Fraction(container.duration, av.time_base) if container.duration else None)
        self.duration_secs = None if length is None else max(0.0, float(start + length - self._zero))
    except av.error.FFmpegError as error:
      raise errors.InputError(f'`{path}` cannot be read as sound ({error.strerror}). Check that it plays elsewhere, or '
                              'convert it to WAV.') from error

  def blocks(self, rate_hz, num_channels=1):
    """Yields the samples one block after the other, without gaps, from time 0 on; memory is constant.

    Where the file is cut off or damaged, what can be read comes, and `damage` tells.

    Args:
      rate_hz: int, samples a second that are wanted.
      num_channels: int, 1 or 2.

    Yields:
      float32 [num_samples, num_channels] in [-1, 1], one sample or more.
    """
    self.damage = None
    try:
      with self._open() as container:
        yield from _in_step(self._frames(container), self._zero, rate_hz, num_channels)
    except av.error.FFmpegError as error:
      self.damage = self.damage or error.strerror

  def _frames(self, container):
    """Yields decoded frames; notes damage, and goes on behind it."""
    packets = container.demux(self._stream(container))
    while True:
      try:
        packet = next(packets)
      except StopIteration:
        return
      except av.error.FFmpegError as error:
        self.damage = self.damage or error.strerror
        return
      try:
        yield from packet.decode()
      except av.error.FFmpegError as error:
        self.damage = self.damage or error.strerror

  def _open(self):
    # FFmpeg takes what stands before a colon for a protocol, but not in an absolute path.
    return av.open(os.path.abspath(self._path), metadata_errors='replace')

  def _stream(self, container):
    stream = next(iter(container.streams.audio), None)
    if stream is None:
      raise errors.InputError(f'`{self._path}` must hold sound, but holds none. Name a recording, or a film with sound.')
    if stream.codec_context is None or not _FEWEST_HZ <= (stream.rate or 0) <= _MOST_HZ or not stream.channels:
      raise errors.InputError(f'`{self._path}` stores its sound in a way that FFmpeg does not know. Convert it to WAV '
                              'with a program that plays it.')
    return stream


def _in_step(frames, zero, rate_hz, num_channels):
  """Yields the samples of frames as float32 [num_samples, num_channels], each at its time behind `zero`, in seconds."""
  layout = 'mono' if num_channels == 1 else 'stereo'
  resampler, kind = None, None
  num_done = 0  # samples that were yielded, or are yet in the resampler
  to_drop = 0
  for frame in frames:
    if kind != (frame.format.name, frame.layout.name, frame.sample_rate):
      if resampler is not None:
        yield from _samples(resampler.resample(None), num_channels)
      kind = (frame.format.name, frame.layout.name, frame.sample_rate)
      resampler = av.AudioResampler(format='flt', layout=layout, rate=rate_hz)
    num_samples = round(frame.samples * rate_hz / frame.sample_rate)
    if frame.pts is not None and frame.time_base:
      missing = round((frame.pts * frame.time_base - zero) * rate_hz) - num_done
      if num_done == 0 and missing < 0:
        to_drop, num_done = -missing, missing
      elif missing > (_LEAST_GAP_SECS if num_done else 0) * rate_hz:
        missing = min(missing, round(_LARGEST_GAP_SECS * rate_hz))
        yield np.zeros([missing, num_channels], np.float32)
        num_done += missing
    num_done += num_samples
    frame.pts = None  # the resampler would fill in gaps of its own
    for samples in _samples(resampler.resample(frame), num_channels):
      kept = samples[to_drop:]
      to_drop -= len(samples) - len(kept)
      if len(kept):
        yield kept
  if resampler is not None:
    yield from _samples(resampler.resample(None), num_channels)


def _samples(frames, num_channels):
  for frame in frames:
    if frame.samples:
      yield np.clip(np.nan_to_num(frame.to_ndarray().reshape(-1, num_channels)), -1, 1).astype(np.float32)
