"""Makes the model of speech that comes with the project, from films of several people, and tells how good it is."""

import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from tools.speech import features
from tools.speech import films
from tools.speech import learning
from tools.speech import network

_STEPS_OF_VOICES = 0.5  # of the steps: with voices that are made up, before the films


def train(paths, out, *, num_voices, num_steps, seed=0, with_evaluation=False):
  """Writes a `network.Model` of films of people who speak.

  Args:
    paths: list of paths of films with sound.
    out: path of the .safetensors file.
    num_voices: int, voices that are made up; with none, films are taken as they are in step.
    num_steps: int.
    seed: int >= 0.
    with_evaluation: bool, whether each film is left out in turn, and what is heard then is told.

  Returns:
    `pathlib.Path` of the model.

  Raises:
    errors.InputError: a film cannot be read, has no sound, no voice or no face; or `out` cannot be written.
  """
  out = pathlib.Path(out)
  if out.suffix != '.safetensors':
    raise errors.InputError(f'`out` ({out}) must end in .safetensors. Use {out.with_suffix(".safetensors")}.')
  examples = [films.watch(path) for path in paths]
  voices, start = [], None
  if num_voices:
    voices = learning.made_up_voices(num_voices, seed=seed)
    start = learning.learn([], voices=voices, seed=seed, num_steps=max(1, round(_STEPS_OF_VOICES * num_steps)))
    examples = [learning.in_step(example, start) for example in examples]
  if with_evaluation and len(examples) > 1:
    for left_out in examples:
      _tell(left_out, learning.learn([example for example in examples if example is not left_out], start, voices, seed,
                                     num_steps))
  model = learning.learn(examples, start, voices, seed, num_steps)
  network.save(out, model)
  logging.info('Learnt from %.0f s of %d films.', sum(example.secs for example in examples), len(examples))
  return out


def _tell(example, model):
  """Tells how like the mouth of a film, `films.Example`, is to what a model hears that did not learn from it."""
  told, true = model.hear(example.heard), example.mouth
  likeness = [learning.lag(told[:, column], true[:, column], most=0)[1] for column in range(len(films.SPOKEN))]
  moments, best = learning.lag(told[:, 0], true[:, 0])
  is_silent = example.heard.speaking < 0.05
  silence = f'{told[is_silent, 0].mean():.2f}' if is_silent.any() else 'none'
  logging.info('%s left out: correlation of jawOpen %.2f; its lag %+.2f s (%.2f there); in silence %s; others %s.',
               example.name, likeness[0], moments / features.FPS, best, silence,
               ', '.join(f'{name} {each:.2f}' for name, each in zip(films.SPOKEN[1:], np.array(likeness[1:]))))
