"""Learns from films with sound what a mouth does as one speaks.

A few films are too few to hear anybody by. So some voices that are made up (`made_up`), whose mouths are known, are
learnt beside them.
"""

import dataclasses

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan.common import progress
from tools.speech import features
from tools.speech import films
from tools.speech import made_up
from tools.speech import network

_NUM_STEPS = 500
_BATCH, _WINDOW = 16, 128  # stretches of 2.6 s
_LEARNING_RATE, _WEIGHT_DECAY = 2e-3, 1e-3
_AVERAGED = 0.99  # of the weights, a step
_JAW_WEIGHT = 3.0  # beside the other controls
_MOTION_WEIGHT = 4.0  # of differences over 0.04 s: that it moves when the mouth does
_USUAL_REACH = 0.1  # eye distances, of a model that saw nobody
_MADE_UP_SHARE = 0.4  # of what is learnt, where voices are made up
_NUM_MADE_UP, _MADE_UP_SECS = 12, 15.0
_CLIP = (-1.0, 1.5)  # beyond is misread

# How recordings differ that say the same.
_SPEEDS = (0.85, 1.15)
_BAND_STRETCH = (0.9, 1.1)  # lengths of vocal tracts (Jaitly and Hinton 2013)
_TILT, _GAIN, _NOISE_FLOOR = 0.3, 0.3, (-4.5, -1.5)  # in units of 10 dB

# Sound and pictures of a film may be apart by as much as players and cameras delay one of them.
_MOST_APART, _LEAST_APART = 10, 2  # moments of 0.02 s
_LEAST_LIKE = 0.3  # correlation with what a model hears, below which nothing is known of it


def made_up_voices(num_voices=_NUM_MADE_UP, secs=_MADE_UP_SECS, seed=0):
  """Returns `films.Example`s of voices that are made up, list; what these do not tell of a mouth is NaN."""
  examples = []
  with progress.Progress(num_voices, 'Making up voices', 'voices') as shown:
    for number in range(num_voices):
      spoken = made_up.speak(secs, [seed, number])
      heard = features.listen([spoken.samples], 'made-up voice')
      told = spoken.mouth[::made_up.FPS // features.FPS][:len(heard.bands)]
      mouth = np.full([len(heard.bands), len(films.SPOKEN)], np.nan, np.float32)
      mouth[:len(told), [films.SPOKEN.index(name) for name in made_up.MOUTH]] = told
      nothing = np.full(len(films.SPOKEN), np.nan, np.float32)
      examples.append(films.Example('', heard, mouth, nothing))
      shown.update()
  return examples


def lag(told, true, most=_MOST_APART):
  """Returns (moments, correlation): by how many moments `told` comes after `true` where they are most alike.

  Args:
    told: float [num_moments].
    true: float [num_moments], NaN where it is not known.
    most: int, moments at most, to either side.
  """
  found = []
  for moments in range(-most, most + 1):
    one, other = told[max(0, moments):len(told) + min(0, moments)], true[max(0, -moments):len(true) - max(0, moments)]
    is_known = np.isfinite(one) & np.isfinite(other)
    one, other = one[is_known], other[is_known]
    varies = len(one) > 2 and one.std() > 1e-6 and other.std() > 1e-6
    found.append(np.corrcoef(one, other)[0, 1] if varies else -1.0)
  return int(np.argmax(found)) - most, float(np.max(found))


def in_step(example, model):
  """Returns a `films.Example` with its mouth moved to its sound, by what a `network.Model` hears; tells of it."""
  moments, likeness = lag(model.hear(example.heard)[:, 0], example.mouth[:, 0])
  if abs(moments) < _LEAST_APART or abs(moments) == _MOST_APART or likeness < _LEAST_LIKE:
    return example
  logging.info('%s: its sound comes %.2f s %s its pictures; they were put in step.', example.name,
               abs(moments) / features.FPS, 'after' if moments > 0 else 'before')
  moved = np.full_like(example.mouth, np.nan)
  if moments > 0:
    moved[moments:] = example.mouth[:-moments]
  else:
    moved[:moments] = example.mouth[-moments:]
  return dataclasses.replace(example, mouth=moved)


def learn(examples, start=None, voices=(), seed=0, num_steps=None):
  """Returns the `network.Model` of films.

  Args:
    examples: list of `films.Example`; may be empty where there are `voices`.
    start: `network.Model` to start from, or None.
    voices: list of `films.Example` of `made_up_voices`, which are learnt beside them.
    seed: int, of the weights and of what is drawn.
    num_steps: int, or None for the usual number.
  """
  num_steps = _NUM_STEPS if num_steps is None else num_steps
  rng = np.random.default_rng(seed)
  tf.keras.utils.set_random_seed(seed)
  made = network.build(seed)
  if start is not None:
    made.set_weights(start.network.get_weights())
  optimizer = tf.keras.optimizers.AdamW(
      tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, num_steps), _WEIGHT_DECAY, use_ema=True,
      ema_momentum=_AVERAGED)
  weights = tf.constant([_JAW_WEIGHT] + [1.0] * (len(films.SPOKEN) - 1))

  @tf.function
  def step(heard, mouth, is_known):
    with tf.GradientTape() as tape:
      off = tf.where(is_known, made(heard, training=True) - mouth, 0.0)
      moved = off[:, 2:] - off[:, :-2]
      loss = tf.reduce_mean(weights * (tf.square(off))) + _MOTION_WEIGHT * tf.reduce_mean(weights * tf.square(moved))
    optimizer.apply_gradients(zip(tape.gradient(loss, made.trainable_variables), made.trainable_variables))
    return loss

  shares = _shares(examples, voices)
  with progress.Progress(num_steps, 'Learning to speak', 'steps') as shown:
    for number in range(num_steps):
      heard, mouth = zip(*(_stretch([*examples, *voices][i], rng) for i in rng.choice(len(shares), _BATCH, p=shares)))
      mouth = np.stack(mouth)
      loss = step(np.stack(heard), np.nan_to_num(mouth), np.isfinite(mouth))
      shown.update(note=f'loss {float(loss):.3f}' if number % 50 == 49 else None)
  optimizer.finalize_variable_values(made.trainable_variables)
  return network.Model(made, *_measures(examples))


def _measures(examples):
  """Returns (reach, spread), float32 [10] each, of the films; usual ones without any."""
  if not examples:
    return (np.full(len(films.SPOKEN), each, np.float32) for each in (_USUAL_REACH, 0.0))
  spreads = [np.nanstd(np.clip(each.mouth, *_CLIP)[each.heard.speaking > 0.5], axis=0) for each in examples]
  return (np.median(each, axis=0).astype(np.float32) for each in ([each.reach for each in examples], spreads))


def _shares(examples, voices):
  """Returns how often each example and voice is taken, float64: by the root of its length."""
  shares = [np.sqrt([len(each.mouth) for each in some]) for some in (examples, voices)]
  weights = [1.0 - _MADE_UP_SHARE if len(voices) else 1.0, _MADE_UP_SHARE]
  shares = np.concatenate([weight * share / max(share.sum(), 1e-9) for weight, share in zip(weights, shares)])
  return shares / shares.sum()


def _stretch(example, rng):
  """Returns a part of a film, heard otherwise: float32 [_WINDOW, 41] and float32 [_WINDOW, 10]."""
  bands, mouth = example.heard.bands, np.clip(example.mouth, *_CLIP)
  speed = rng.uniform(*_SPEEDS)
  start = rng.uniform(-0.1, max(0.1, len(bands) - 0.9 * _WINDOW * speed))
  at = start + speed * np.arange(_WINDOW)
  is_in = (at >= 0) & (at <= len(bands) - 1)
  at = np.clip(at, 0, len(bands) - 1)
  before = np.minimum(at.astype(int), len(bands) - 2)
  share = (at - before)[:, np.newaxis]
  heard = (1 - share) * bands[before] + share * bands[before + 1]
  speaking = np.interp(at, np.arange(len(bands)), example.heard.speaking)
  mouth = np.where(is_in[:, np.newaxis], (1 - share) * mouth[before] + share * mouth[before + 1], np.nan)
  places = np.clip(np.arange(features.NUM_BANDS) * rng.uniform(*_BAND_STRETCH), 0, features.NUM_BANDS - 1)
  low = np.minimum(places.astype(int), features.NUM_BANDS - 2)
  heard = heard[:, low] + (places - low) * (heard[:, low + 1] - heard[:, low])
  heard = heard + rng.normal(0, _GAIN) + rng.normal(0, _TILT) * np.linspace(-1, 1, features.NUM_BANDS)
  floor = rng.uniform(*_NOISE_FLOOR) + rng.normal(0, 0.2, heard.shape)
  heard = np.logaddexp(2.3 * heard, 2.3 * floor) / 2.3 if rng.random() < 0.5 else heard
  return np.concatenate([heard, speaking[:, np.newaxis]], axis=1).astype(np.float32), mouth.astype(np.float32)
