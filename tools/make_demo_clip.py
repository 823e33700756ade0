"""Makes the demo clip, for a try of everything without a camera: 20 seconds of a face that smiles, blinks and turns.

  python -m tools.make_demo_clip
  python -m tools.make_demo_clip --out=clip.mp4 --duration_secs=5 --seed=7

A public-domain portrait is moved by known amounts, so the clip also shows whether what is measured on it is true: these
amounts, and where the eyes are in each frame, stand beside it as .truth.json. The last line on standard output is the
clip's path; go on with `python -m tools.make_records --video=records/clips/demo.mp4 --fps=12`.
"""

from absl import flags

from dcgan.common import entry

_OUT = entry.define_path('out', 'records/clips/demo.mp4', 'The MP4 to write; the truth goes beside it.')
_DURATION_SECS = flags.DEFINE_float('duration_secs', 20.0, 'How long the clip is.')
_FPS = flags.DEFINE_float('fps', 12.0, 'Frames per second.')
_SEED = flags.DEFINE_integer('seed', 0, 'Of the expressions and their order; the same seed makes the same clip.')
_SIZE_PX = flags.DEFINE_integer('size_px', 384, 'Side of the square frames; even.')


def main():
  """Writes the clip and its truth; returns the clip's path."""
  from tools.demo import clip as demo_clip  # pylint: disable=import-outside-toplevel  (OpenCV)
  return demo_clip.make_clip(_OUT.value, _DURATION_SECS.value, _FPS.value, _SEED.value, _SIZE_PX.value)


if __name__ == '__main__':
  entry.run(main)
