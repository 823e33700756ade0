"""What a face does beside speaking: it blinks, and the head sways a little, as this person does or as people do."""

import dataclasses

import numpy as np
from scipy import ndimage

# People at rest or in talk blink 4 to 40 times a minute, 17 or 26 of them on average (Bentivoglio et al. 1997).
_BLINKS_PER_MIN, _BLINKS_LIMITS = 17.0, (4.0, 40.0)
_BLINK_SECS, _BLINK_LIMITS_SECS = 0.25, (0.15, 0.45)
_SHUT = 0.6  # of the way, on both sides
_LONGEST_BLINK_SECS = 0.7  # eyes that are shut for longer rest
_SHUT_SECS = 0.13  # of a blink, that lids are over `_SHUT`: pictures farther apart see only a part of the blinks
_FEWEST_SECS, _FEWEST_BLINKS = 10.0, 2
_CLOSE_SHARE, _HOLD_SHARE = 0.3, 0.15  # of a blink
_FIRST_BLINK_SECS = 0.5

_HEAD_SPREAD = (1.8, 1.2)  # degrees of yaw and pitch
_SPREAD_LIMITS = (0.4, 4.0)  # who turns farther shows something, and does not talk
_SWAY_SECS, _SWAY_LIMITS_SECS = 0.8, (0.4, 2.0)


@dataclasses.dataclass(frozen=True)
class Habits:
  """How somebody blinks and sways.

  Attributes:
    blinks_per_min: float.
    blink_secs: float, from open to open.
    head_spread: (float, float), standard deviations of yaw and pitch in degrees.
    sway_secs: float, how long the head takes from one side towards the other: its spread over its speed.
  """

  blinks_per_min: float = _BLINKS_PER_MIN
  blink_secs: float = _BLINK_SECS
  head_spread: tuple = _HEAD_SPREAD
  sway_secs: float = _SWAY_SECS


def of_film(times_secs, blinks, heads):
  """Returns the `Habits` that a person's film shows; of what it does not show, people's usual ones.

  Args:
    times_secs: float [num_pictures], rising; NaN of photos.
    blinks: float [num_pictures], how far the lids are closed that are closed less, in [0, 1]; NaN is not known.
    heads: float [num_pictures, 2], yaw and pitch in degrees; NaN is not known.
  """
  is_film = np.isfinite(times_secs)
  times_secs, blinks, heads = times_secs[is_film], blinks[is_film], heads[is_film]
  if len(times_secs) < 3:
    return Habits()
  apart_secs = np.diff(times_secs)
  step_secs = float(np.median(apart_secs[apart_secs > 0])) if (apart_secs > 0).any() else np.inf
  is_next = (apart_secs > 0) & (apart_secs < 1.6 * step_secs)
  secs = float(apart_secs[is_next].sum())
  if secs < _FEWEST_SECS:
    return Habits()
  return Habits(*_blinking(blinks, is_next, step_secs, secs), *_swaying(heads, is_next, apart_secs))


def _blinking(blinks, is_next, step_secs, secs):
  """Returns blinks a minute and seconds a blink."""
  lengths, length = [], 0
  for is_shut, goes_on in zip(blinks > _SHUT, np.append(is_next, False)):
    length = length + 1 if is_shut else 0
    is_last = is_shut and not goes_on
    if length:
      lengths = lengths[:-1] + [length] if length > 1 else lengths + [length]
    length = 0 if is_last else length
  lengths = [each for each in lengths if each * step_secs <= _LONGEST_BLINK_SECS]
  if len(lengths) < _FEWEST_BLINKS:
    return _BLINKS_PER_MIN, _BLINK_SECS
  seen_share = min(1.0, _SHUT_SECS / step_secs)
  blink_secs = _BLINK_SECS
  if step_secs < _SHUT_SECS:
    blink_secs = float(np.clip(np.median(lengths) * step_secs * _BLINK_SECS / _SHUT_SECS, *_BLINK_LIMITS_SECS))
  return float(np.clip(60 * len(lengths) / seen_share / secs, *_BLINKS_LIMITS)), blink_secs


def _swaying(heads, is_next, apart_secs):
  """Returns the head's spread (yaw, pitch) and the seconds of its swaying."""
  is_known = np.isfinite(heads).all(axis=1)
  if is_known.sum() < 3:
    return _HEAD_SPREAD, _SWAY_SECS
  usual = np.median(heads[is_known], axis=0)
  spread = 1.4826 * np.median(np.abs(heads[is_known] - usual), axis=0)  # of a Gaussian
  speeds = np.abs(np.diff(heads, axis=0))[is_next] / apart_secs[is_next, np.newaxis]
  speed = 1.4826 * np.nanmedian(speeds, axis=0)
  sway_secs = float(np.clip(np.mean(spread / np.maximum(np.sqrt(2) * speed, 1e-6)), *_SWAY_LIMITS_SECS))
  return tuple(np.clip(spread, *_SPREAD_LIMITS).tolist()), sway_secs


def live(habits, num_moments, fps, seed):
  """Returns blinks and sways over some time; the same seed gives the same ones.

  Args:
    habits: `Habits`.
    num_moments: int.
    fps: float > 0, moments a second.
    seed: int >= 0.

  Returns:
    (blinks, heads): float64 [num_moments] in [0, 1], 1 is shut; float64 [num_moments, 2], degrees of yaw and pitch
    beside how the head is held.
  """
  rng = np.random.default_rng(seed)
  return _blinks(habits, num_moments, fps, rng), _sways(habits, num_moments, fps, rng)


def _blinks(habits, num_moments, fps, rng):
  times_secs = np.arange(num_moments) / fps
  shut, start_secs, every_secs = np.zeros(num_moments), _FIRST_BLINK_SECS, 60.0 / habits.blinks_per_min
  while True:
    start_secs += rng.gamma(3.0, max(every_secs - habits.blink_secs, 0.1) / 3.0)
    if start_secs * fps >= num_moments:
      return shut
    first, last = int(start_secs * fps), int((start_secs + habits.blink_secs) * fps) + 2
    share = (times_secs[first:last] - start_secs) / habits.blink_secs
    down = np.clip(share / _CLOSE_SHARE, 0, 1)
    up = np.clip((1 - share) / (1 - _CLOSE_SHARE - _HOLD_SHARE), 0, 1)
    way = np.minimum(down, up)
    shut[first:last] = np.maximum(shut[first:last], way * way * (3 - 2 * way))
    start_secs += habits.blink_secs


def _sways(habits, num_moments, fps, rng):
  """Returns Gaussian noise whose speed is its spread over `sway_secs` and the root of 2."""
  sigma = habits.sway_secs * fps
  edge = int(4 * sigma) + 1
  noise = ndimage.gaussian_filter1d(rng.normal(size=[num_moments + 2 * edge, 2]), sigma, axis=0)[edge:edge + num_moments]
  noise *= np.sqrt(2 * np.sqrt(np.pi) * sigma)  # a Gaussian of that width leaves so much less of white noise
  return np.clip(noise, -2, 2) * habits.head_spread
