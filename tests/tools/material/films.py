"""Short films made in code, whose frame i is grey of 5·i unless it is said otherwise."""

import fractions

import av
import numpy as np

from tools.material import videos

WIDTH, HEIGHT = 64, 48


def grey(value, height=HEIGHT, width=WIDTH):
  return np.full([height, width, 3], value, np.uint8)


def encode(path, frames, codec='libx264', fps=10, pixel_format='yuv420p', options=None, muxer_options=None, fmt=None,
           before=None, sound_secs=0):
  """Writes a film.

  Args:
    path: str or `pathlib.Path`.
    frames: iterable of uint8 RGB [height, width, 3] or of `av.VideoFrame`.
    codec: str.
    fps: number.
    pixel_format: str.
    options: dict of the encoder.
    muxer_options: dict of the container.
    fmt: str, the container where the path's ending does not say.
    before: callable that changes the stream before the first frame.
    sound_secs: float, how long there is silence beside the pictures.
  """
  with av.open(str(path), 'w', format=fmt, options=muxer_options or {}) as container:
    stream = container.add_stream(codec, rate=fractions.Fraction(fps).limit_denominator(1001), options=options or {})
    sound = container.add_stream('pcm_s16le', rate=8000, layout='mono') if sound_secs else None
    for i, frame in enumerate(frames):
      frame = frame if isinstance(frame, av.VideoFrame) else av.VideoFrame.from_ndarray(frame, format='rgb24')
      if i == 0:
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixel_format
        if before:
          before(stream)
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    for i in range(round(10 * sound_secs)):
      silence = av.AudioFrame.from_ndarray(np.zeros([1, 800], np.int16), format='s16', layout='mono')
      silence.sample_rate, silence.pts = 8000, 800 * i
      container.mux(sound.encode(silence))
  return path


def greys(num_frames):
  return [grey(5 * i) for i in range(num_frames)]


def numbers(path, times_secs=None, fps=10):
  """Returns (the `videos.Video`, the numbers of the frames of `greys` on display at its times)."""
  video = videos.Video(path)
  if times_secs is None:
    times_secs = [k / fps for k in range(round(video.duration_secs * fps))]
  read = list(video.frames_at(times_secs))
  return video, [round(image.mean() / 5) for _, _, image in read]
