"""When each picture of a set is first learnt, and from which others its place in Z begins. NumPy only.

A picture must be seen some dozens of times before it has its place. In six minutes on two cores that is true of a few
hundred, so a large set is not begun with at once: its pictures join one after the other, those that are unlike the
others first, each beginning between its neighbours. So more time means more pictures, and never worse ones.
"""

import dataclasses

import numpy as np

from dcgan.common import features

_EVERY_STEPS = 25  # minibatches between two times at which pictures join
_MOST_CHOSEN = 2048  # by how unlike the others they are; those behind them are not worth the time
# A place begins at one point for all, so that the person is there at once, and apart from the others, so that they are
# told apart; most of that follows the looks.
_TOGETHER, _APART, _LOOKS_SHARE = 0.7, 0.5, 0.8
_NUM_COMPONENTS = 32
_STREAM = 0xAD


@dataclasses.dataclass(frozen=True, eq=False)
class Admission:
  """When pictures join, and where they begin. A picture's number is its place among those that are trained on.

  Attributes:
    steps: int64 [num_pictures], the minibatch from which on a picture may be in a minibatch.
    parents: int64 [num_pictures, 2], pictures that are like it and were there before, of the first 2,048; itself for
      those of the start.
    shares: float32 [num_pictures, 2], of each parent in where it begins; their sum is 1.
  """

  steps: np.ndarray
  parents: np.ndarray
  shares: np.ndarray

  def stages(self, num_minibatches):
    """Yields a run's stages: (first minibatch, the one behind the last, int64 [num] pictures in them, ascending)."""
    firsts = [int(step) for step in np.unique(self.steps) if step < num_minibatches]
    for first, end in zip(firsts, firsts[1:] + [num_minibatches]):
      yield first, end, np.flatnonzero(self.steps <= first)


def admit(descriptors, batch_size, visits, num_first, seed):
  """Returns the `Admission` of a set; it does not depend on how long a run will be.

  Args:
    descriptors: float32 [num_pictures, num_values]; near pictures have a small Euclidean distance.
    batch_size: int, pictures in a minibatch.
    visits: int, how often the pictures are to be seen until as many new ones join.
    num_first: int, 2 or more, pictures that are there from the start, rounded up to as many as join at once.
    seed: int.
  """
  num_pictures = len(descriptors)
  numbers = np.arange(num_pictures)
  parents, shares = np.repeat(numbers[:, np.newaxis], 2, axis=1), np.full([num_pictures, 2], 0.5, np.float32)
  steps = np.zeros(num_pictures, np.int64)
  if num_pictures > num_first:
    order = spread_order(descriptors, seed)
    per_stage = max(1, _EVERY_STEPS * batch_size // visits)
    # At minibatch k there are k·batch_size/visits, and never fewer than the first ones.
    first_stage = -(-num_first // per_stage)
    stages = np.maximum(0, numbers // per_stage - first_stage + 1)
    steps[order] = stages * _EVERY_STEPS + np.where(stages > 0, (first_stage - 1) * _EVERY_STEPS, 0)
    starts = np.searchsorted(stages, np.arange(1, int(stages[-1]) + 2))
    for start, end in zip(starts[:-1], starts[1:]):
      young, old = order[start:end], order[:min(start, _MOST_CHOSEN)]
      squares = features.squared_distances(descriptors[young], descriptors[old])
      nearest = np.argpartition(squares, 1, axis=1)[:, :2]
      near = 1.0 / (np.take_along_axis(squares, nearest, axis=1) + 1e-6)
      parents[young], shares[young] = old[nearest], near / near.sum(axis=1, keepdims=True)
  return Admission(steps, parents, shares)


def spread_order(descriptors, seed):
  """Returns an order of pictures of which each beginning is spread over the whole set, int64 [num_pictures].

  The next one is drawn with a probability that grows with the square of its distance to those before it (Arthur and
  Vassilvitskii 2007, k-means++), so rare looks come early and single odd pictures not always. After 2,048 any order
  does.

  Args:
    descriptors: float32 [num_pictures, num_values].
    seed: int.
  """
  rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
  num_pictures = len(descriptors)
  order = [int(rng.integers(num_pictures))]
  squares = np.full(num_pictures, np.inf)
  for _ in range(min(num_pictures, _MOST_CHOSEN) - 1):
    last = descriptors[order[-1]]
    squares = np.minimum(squares, np.square(descriptors - last).sum(axis=1))
    squares[order[-1]] = 0.0
    total = squares.sum()
    if total <= 0:  # all others are the same as those
      break
    order.append(int(np.searchsorted(np.cumsum(squares), rng.random() * total, side='right').clip(0, num_pictures - 1)))
  is_left = np.ones(num_pictures, bool)
  is_left[order] = False
  return np.concatenate([np.array(order, np.int64), rng.permutation(np.flatnonzero(is_left))])


def start_places(descriptors, z_dims, seed):
  """Returns where the pictures of the start begin in Z: near each other, like ones nearer, float32 [num, z_dims].

  All share one point; what is added to it follows the looks, by their principal components, and a part is each one's
  own.

  Args:
    descriptors: float32 [num_pictures, num_values].
    z_dims: int.
    seed: int.
  """
  rng = np.random.Generator(np.random.PCG64([seed, _STREAM, 1]))
  common = rng.standard_normal(z_dims)
  own = rng.standard_normal([len(descriptors), z_dims])
  centred = descriptors - descriptors.mean(axis=0)
  left, spreads, _ = np.linalg.svd(centred, full_matrices=False)
  looks = (left * spreads)[:, :_NUM_COMPONENTS] @ rng.standard_normal([min(_NUM_COMPONENTS, len(spreads)), z_dims])
  looks /= max(float(np.sqrt(np.mean(np.square(looks)))), 1e-6)
  apart = np.sqrt(_LOOKS_SHARE) * looks + np.sqrt(1.0 - _LOOKS_SHARE) * own
  return (_TOGETHER * common + _APART * apart).astype(np.float32)
