"""Which pictures meet in a minibatch: shuffled, or similar and overlapping. NumPy only.

A plan is int64 [num_batches, batch_size] of indices into a set. Row k depends only on the set, the settings, the seed
and k, so a longer plan begins with the shorter one and a resumed run goes on where it stopped.
"""

import numpy as np

# Groups of this many pictures are ordered exactly (nearest neighbour); larger ones are first cut in two.
_LEAF_SIZE = 256
# The streams of random numbers of the first passes are their numbers, up to the first one that something else uses.
_FIRST_OTHER_STREAM, _PASSES = 0x51, 2**40


def shuffled_plan(num_images, batch_size, num_batches, seed):
  """Returns minibatches from one long row of shuffled passes over the set, cut every `batch_size` pictures.

  Each pass holds every picture once, so after k whole passes each was seen k times; a set smaller than a minibatch
  stands in it several times.

  Args:
    num_images: int, size of the set.
    batch_size: int, pictures in a minibatch.
    num_batches: int, rows of the plan.
    seed: int.

  Returns:
    int64 [num_batches, batch_size].
  """
  num_passes = -(-num_batches * batch_size // num_images)
  passes = [_rng(seed, number).permutation(num_images) for number in range(num_passes)]
  return np.concatenate(passes)[:num_batches * batch_size].reshape(num_batches, batch_size)


def overlapping_plan(order, batch_size, overlap_fraction, num_batches, seed):
  """Returns staggered minibatches of neighbours, so that a picture belongs to two of them (report, experiment 2).

  In a pass, windows of `batch_size` neighbours start every `stride` pictures along `order`, closed to a ring, from a
  random place. Each window shares exactly `batch_size - stride` pictures with the next one. So that this holds where
  the ring closes too, a pass leaves out as many pictures as do not fill a stride, others in each pass; a set smaller
  than a minibatch is never cut. Windows come in random order: neighbours share pictures, not time.

  Args:
    order: int64 [num_images], neighbours side by side, as `similarity_order` gives it.
    batch_size: int, pictures in a minibatch.
    overlap_fraction: float in [0, 1), share of a window that stands in the next one too.
    num_batches: int, rows of the plan.
    seed: int.

  Returns:
    int64 [num_batches, batch_size].
  """
  num_images = len(order)
  stride = window_stride(batch_size, overlap_fraction)
  num_left_out = num_images % stride if num_images - num_images % stride >= batch_size else 0
  ring = num_images - num_left_out
  windows_per_pass = -(-ring // stride)
  num_passes = -(-num_batches // windows_per_pass)
  places = []
  for number in range(num_passes):
    rng = _rng(seed, number)
    first = rng.integers(num_images)
    windows = stride * rng.permutation(windows_per_pass)[:, np.newaxis] + np.arange(batch_size)
    places.append(first + windows % ring)
  return np.asarray(order, np.int64)[np.concatenate(places)[:num_batches] % num_images]


def window_stride(batch_size, overlap_fraction):
  """Returns how many pictures lie between the starts of two overlapping minibatches, int >= 1; the rest is shared."""
  return max(1, round(batch_size * (1.0 - overlap_fraction)))


def similarity_order(descriptors):
  """Returns an order in which similar pictures stand side by side.

  The set is cut in two along its direction of largest spread, again and again, down to groups in which the nearest
  neighbour is followed from picture to picture. The time grows as n log n and the memory as n.

  Args:
    descriptors: float32 [num_images, num_values]; near pictures have a small Euclidean distance.

  Returns:
    int64 [num_images], a permutation.
  """
  descriptors = np.asarray(descriptors, np.float32)
  order = []
  # The way starts at the picture farthest from the middle, an end of the set.
  last = descriptors[np.argmax(_squared_norms(descriptors - descriptors.mean(axis=0)))]
  pending = [np.arange(len(descriptors))]
  while pending:
    group = pending.pop()
    if len(group) <= _LEAF_SIZE:
      order.extend(_nearest_neighbour_chain(descriptors, group, last))
      last = descriptors[order[-1]]
      continue
    near, far = _halves(descriptors, group)
    if _distance(descriptors[far], last) < _distance(descriptors[near], last):
      near, far = far, near
    pending += [far, near]  # the last one is taken first
  return np.asarray(order, np.int64)


def _halves(descriptors, group):
  """Returns `group` cut at the median of its first principal component (power iteration, so the memory stays small)."""
  centred = descriptors[group] - descriptors[group].mean(axis=0)
  direction = centred[np.argmax(_squared_norms(centred))]
  for _ in range(8):
    direction = centred.T @ (centred @ direction)
    direction /= max(np.linalg.norm(direction), 1e-12)
  ranked = group[np.argsort(centred @ direction, kind='stable')]
  return ranked[:len(ranked) // 2], ranked[len(ranked) // 2:]


def _nearest_neighbour_chain(descriptors, group, last):
  """Returns the indices of `group`, each followed by its nearest unused one, from the one nearest to `last`."""
  values = descriptors[group]
  norms = _squared_norms(values)
  squared = norms[:, np.newaxis] + norms - 2.0 * values @ values.T
  current = np.argmin(_squared_norms(values - last))
  chain = []
  for _ in range(len(group)):
    chain.append(group[current])
    squared[:, current] = np.inf
    current = np.argmin(squared[current])
  return chain


def _squared_norms(values):
  return np.einsum('ij,ij->i', values, values)


def _distance(values, point):
  return np.linalg.norm(values.mean(axis=0) - point)


def _rng(seed, number):
  """Returns the random numbers of a pass; from some number on away from the streams of other uses of the seed."""
  return np.random.Generator(np.random.PCG64([seed, number if number < _FIRST_OTHER_STREAM else _PASSES + number]))
