"""Whether a generator copies the pictures it was trained on: a test, and the nearest picture of each. NumPy, SciPy."""

import numpy as np
from scipy import stats
from scipy.cluster import vq

from dcgan.common import features

COPIES_BELOW = -3.0  # standard deviations, of `copying_test`: an honest generator falls below once in 700 times
# With 5 and 10 pictures the test can just reach -3.06; with fewer it could not tell a copy, however near.
FEWEST_HELD_OUT = 5
FEWEST_GENERATED = 10

_PICTURES_PER_CELL = 50  # of each set, on average, where the number of cells is not given
_NEAREST_PX = 32
_BLOCK = 4096  # training pictures at a time, so that a large set is never held in floats


def copying_test(training, held_out, generated, num_cells=None, seed=0):
  """Returns C_T of the three-sample test for data copying (Meehan, Chaudhuri and Dasgupta 2020, arXiv:2004.05675).

  Generated pictures should come as near to the training pictures as held-out ones do. C_T is the z-score of the
  Mann-Whitney U of both kinds of distances to the nearest training picture. Below -3 (`COPIES_BELOW`) the generated
  ones are so much nearer that they are copies; about 0 they are as near as strangers from the same source; far above
  0 the generator does not fit its set. In space divided into cells, so that copying at one place is not hidden by
  blur at another, it is the mean over cells, weighted by their share of the training pictures.

  It is relative to the held-out pictures. If they are like their neighbours in training, as random frames of a video
  are, copies look honest. Frames of a stretch are no independent draws: between stretches of two videos, all real, the
  z-score spread by 2.4, not 1, and 4 of 40 fell below -3. So look at the pictures of `nearest`, too. And
  blur comes near to everything: on varied photos of one person, the mean face alone scored -5 and -7. A low C_T tells
  of copying only where the generated pictures are varied and sharp.

  Differs from the paper: distances are of thumbnails of 16 px, where the paper takes pixels or a network's features;
  cells are weighted by training pictures, as few are held out; ties count half, and narrow the deviation.

  Args:
    training: uint8 [num_training, size, size, 3].
    held_out: uint8 [num_held_out, size, size, 3], of the same source and not trained on; 5 or more.
    generated: uint8 [num_generated, size, size, 3], drawn at random; 10 or more.
    num_cells: int, of the k-means that divides the training pictures, or None for one for each 50 pictures of the
      smallest set: a single one where fewer than 100 are held out. Cells with fewer than 5 held-out or 10 generated
      pictures do not count.
    seed: int, of the k-means.

  Returns:
    float, or NaN where no cell holds enough of both, that is, where the generated pictures are not where the set is.

  Raises:
    ValueError: a set has another type, shape or size, or holds too few; or `num_cells` is less than 1 or more than the
      training pictures.
  """
  purpose = 'the test for copying'
  for name, images, at_least in (('training', training, 1), ('held_out', held_out, FEWEST_HELD_OUT),
                                 ('generated', generated, FEWEST_GENERATED)):
    features.check(name, images, at_least, purpose)
    _check_size(name, images, training)
  if num_cells is None:
    num_cells = max(1, min(len(training), len(held_out), len(generated)) // _PICTURES_PER_CELL)
  if not 1 <= num_cells <= len(training):
    raise ValueError(f'`num_cells` ({num_cells}) must be from 1 to the number of training pictures, {len(training)}.')
  thumbnails = [features.thumbnails(images) for images in (training, held_out, generated)]
  cells = _cells(thumbnails, num_cells, seed)
  scores, shares = [], []
  for cell in range(num_cells):
    trained, strangers, fakes = (values[cell == of] for values, of in zip(thumbnails, cells))
    if len(trained) and len(strangers) >= FEWEST_HELD_OUT and len(fakes) >= FEWEST_GENERATED:
      scores.append(_z_score(_nearest(fakes, trained)[1], _nearest(strangers, trained)[1]))
      shares.append(len(trained))
  return float(np.average(scores, weights=shares)) if scores else float('nan')


def nearest(generated, training):
  """Returns the training picture that is most like each generated one, and how far it is.

  A distance is the root mean square of the difference of the two thumbnails of 32 px, in grey values.

  Args:
    generated: uint8 [num_generated, size, size, 3].
    training: uint8 [num_training, size, size, 3].

  Returns:
    indices: int64 [num_generated], of `training`.
    distances: float32 [num_generated], in [0, 255].

  Raises:
    ValueError: a set has another type, shape or size, or holds no picture.
  """
  features.check('generated', generated)
  features.check('training', training)
  _check_size('generated', generated, training)
  thumbnails = features.thumbnails(generated, _NEAREST_PX)
  indices = np.zeros(len(generated), np.int64)
  distances = np.full(len(generated), np.inf, np.float32)
  for start in range(0, len(training), _BLOCK):
    found, found_distances = _nearest(thumbnails, features.thumbnails(training[start:start + _BLOCK], _NEAREST_PX))
    closer = found_distances < distances
    indices[closer], distances[closer] = start + found[closer], found_distances[closer]
  return indices, distances


def _check_size(name, images, training):
  if images.shape != (len(images), *training.shape[1:]):
    raise ValueError(f'`{name}` ({images.shape[1]} px) must be as large as `training` ({training.shape[1]} px).')


def _cells(thumbnails, num_cells, seed):
  """Returns the cell of each picture of each set: list of int [num_images], in [0, num_cells)."""
  if num_cells == 1:
    return [np.zeros(len(values), np.int64) for values in thumbnails]
  centres, _ = vq.kmeans2(thumbnails[0], num_cells, minit='++', seed=seed)
  return [np.argmin(features.squared_distances(values, centres), axis=1) for values in thumbnails]


def _nearest(left, right):
  """Returns index and root mean square distance of the row of `right` that is nearest to each row of `left`."""
  indices = np.argmin(features.squared_distances(left, right), axis=1)
  # Anew, because the short cut of `squared_distances` does not give 0 for what is equal.
  return indices, np.sqrt(np.mean((left - right[indices])**2, axis=1))


def _z_score(left, right):
  """Returns the z-score of the Mann-Whitney U: below 0 where `left` is mostly the smaller; 0 where all are equal."""
  num_left, num_right = len(left), len(right)
  num_all = num_left + num_right
  ranks = stats.rankdata(np.concatenate([left, right]))
  u = ranks[:num_left].sum() - num_left * (num_left + 1) / 2
  # The variance of the ranks is num_all (num_all + 1) / 12, and less where there are ties.
  deviation = np.sqrt(num_left * num_right * np.var(ranks, ddof=1) / num_all)
  return (u - num_left * num_right / 2) / deviation if deviation > 0 else 0.0
