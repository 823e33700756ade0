"""Learns from films of people who speak how mouths move with a voice: the model that tools.speak begins with.

  python -m tools.train_speech --video=talk1.mp4 --video=talk2.mp4 --video=talk3.mp4

Each film shows one person who speaks into the camera, with sound. Voices that are made up, with mouths that are known, are
learnt beside them (--made_up=0 leaves them out). Films whose sound is not in step with their pictures are put in step,
which is told. --evaluate leaves each film out in turn, and tells how like its mouth is to what was heard. The last line on
standard output is the path of the model.
"""

from absl import app
from absl import flags

from dcgan.common import entry

_VIDEO = entry.define_paths('video', None, 'A film of one person who speaks, with sound; give it for each film.')
_OUT = entry.define_path('out', 'checkpoints/speech/speech.safetensors', 'The model to write.')
_MADE_UP = flags.DEFINE_integer('made_up', 12, 'Voices of 15 s that are made up; films are put in step by them.',
                                lower_bound=0, upper_bound=1000)
_NUM_STEPS = flags.DEFINE_integer('num_steps', 500, 'Minibatches of 16 stretches.', lower_bound=1, upper_bound=100_000)
_SEED = flags.DEFINE_integer('seed', 0, 'Of the weights and of what is drawn.', lower_bound=0, upper_bound=2**31 - 1)
_EVALUATE = flags.DEFINE_bool('evaluate', False, 'Whether to tell how good it is, by leaving each film out in turn.')


def main():
  """Writes the model; returns its path."""
  if not _VIDEO.value:
    raise app.UsageError('--video is needed: a film of a person who speaks, as in --video=talk.mp4.')
  from tools.speech import training  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return training.train(_VIDEO.value, _OUT.value, num_voices=_MADE_UP.value, num_steps=_NUM_STEPS.value,
                        seed=_SEED.value, with_evaluation=_EVALUATE.value)


if __name__ == '__main__':
  entry.run(main)
