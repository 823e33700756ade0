"""Makes the demo clip: a moving portrait as an MP4, and its truth (amounts, placement, iris centres) as JSON beside it.

  python -m tools.make_demo_clip --out=records/clips/demo.mp4
"""

from absl import flags

from dcgan import entry

FLAGS = flags.FLAGS

flags.DEFINE_string('out', 'records/clips/demo.mp4', 'The MP4 to write; the truth goes beside it as .truth.json.')
flags.DEFINE_float('duration_secs', 20.0, 'How long the clip is.')
flags.DEFINE_float('fps', 12.0, 'Frames per second.')
flags.DEFINE_integer('seed', 0, 'The same seed makes the same clip.')
flags.DEFINE_integer('size_px', 384, 'Side of the square frames; even.')


def main():
  from tools import demo_clip  # pylint: disable=import-outside-toplevel
  return demo_clip.make_clip(FLAGS.out, FLAGS.duration_secs, FLAGS.fps, FLAGS.seed, FLAGS.size_px)


if __name__ == '__main__':
  entry.run(main)
