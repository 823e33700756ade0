"""What small pictures of a face show, told as its large ones would tell it.

A model's pictures are small and end at the chin, so that what a mesh reads in them is off: a jaw that opens takes the
chin out of the picture. How it is off is learnt of one person from pictures of which both are known. NumPy only.
"""

import dataclasses
import functools

import numpy as np

FEWEST_PICTURES = 12
_NUM_FOLDS = 6
_RIDGES = (0.01, 0.1, 1.0)  # of measures scaled to a variance of 1
_BETTER = 0.02  # of R²: by less the plainer way is kept


@dataclasses.dataclass(frozen=True, eq=False)
class Reader:
  """A linear function from the raw measures of small pictures to those of large ones.

  Attributes:
    weights: float64 [num_measures, num_measures], a row for each that is told.
    offset: float64 [num_measures].
  """

  weights: np.ndarray
  offset: np.ndarray

  def __call__(self, raw):
    """Returns raw measures as large pictures would tell them.

    Args:
      raw: float [..., num_measures], of small ones; all NaN where there is no face.

    Returns:
      float32 [..., num_measures]; NaN where there is no face.
    """
    raw = np.asarray(raw, np.float64)
    told = np.nan_to_num(raw) @ self.weights.T + self.offset
    return np.where(np.isnan(raw).all(axis=-1, keepdims=True), np.nan, told).astype(np.float32)


def fit(seen, told, numbers):
  """Returns the `Reader` of one person.

  Each measure is taken as it is, or as a line of itself, or by ridge regression on all of them: whichever tells best
  those of pictures that were left out.

  Args:
    seen: float [num_pictures, num_measures], raw, in small pictures; NaN where there is no face.
    told: float [num_pictures, num_measures], raw, in large ones; columns of NaN are not known.
    numbers: int [num_pictures], of which frame each is a picture: those of a stretch of frames are left out together.

  Returns:
    `Reader`; it takes what is not known as it is.

  Raises:
    ValueError: fewer than 12 of the pictures show a face and are told of.
  """
  seen, told = np.asarray(seen, np.float64), np.asarray(told, np.float64)
  columns = np.flatnonzero(np.isfinite(seen).any(axis=0) & np.isfinite(told).any(axis=0))
  is_known = np.isfinite(seen[:, columns]).all(axis=1) & np.isfinite(told[:, columns]).all(axis=1)
  if is_known.sum() < FEWEST_PICTURES or not len(columns):
    raise ValueError(f'`seen` and `told` must know {FEWEST_PICTURES} pictures or more, but know {is_known.sum()}.')
  given, wanted = seen[is_known][:, columns], told[is_known][:, columns]
  _, ranks = np.unique(np.asarray(numbers)[is_known], return_inverse=True)
  fold = ranks * _NUM_FOLDS // (ranks.max() + 1)
  best, least = None, np.full(len(columns), np.inf)
  for fitted in (_as_it_is, _line, *(functools.partial(_ridge, ridge=ridge) for ridge in _RIDGES)):
    off = np.zeros(len(columns))
    for number in np.unique(fold):
      is_out = fold == number
      weights, offset = fitted(given[~is_out], wanted[~is_out])
      off += np.square(given[is_out] @ weights.T + offset - wanted[is_out]).sum(axis=0)
    parts = fitted(given, wanted)
    is_better = off < least - _BETTER * np.square(wanted - wanted.mean(axis=0)).sum(axis=0) if best else (
        np.ones(len(columns), bool))
    least = np.where(is_better, off, least)
    best = [np.where(is_better.reshape(-1, *[1] * (part.ndim - 1)), part, kept)
            for part, kept in zip(parts, best or parts)]
  weights, offset = np.eye(seen.shape[1]), np.zeros(seen.shape[1])
  weights[np.ix_(columns, columns)], offset[columns] = best
  return Reader(weights, offset)


def _as_it_is(given, wanted):
  del wanted
  return np.eye(given.shape[1]), np.zeros(given.shape[1])


def _line(given, wanted):
  """Returns (weights, offset) of a line for each measure by least squares."""
  usual, mean = given.mean(axis=0), wanted.mean(axis=0)
  slopes = ((given - usual) * (wanted - mean)).mean(axis=0) / np.maximum(given.var(axis=0), 1e-12)
  return np.diag(slopes), mean - slopes * usual


def _ridge(given, wanted, ridge):
  """Returns (weights, offset) of ridge regression on all measures."""
  usual, mean, spread = given.mean(axis=0), wanted.mean(axis=0), np.maximum(given.std(axis=0), 1e-9)
  scaled = (given - usual) / spread
  slopes = np.linalg.solve(scaled.T @ scaled / len(scaled) + ridge * np.eye(len(spread)),
                           scaled.T @ (wanted - mean) / len(scaled)).T / spread
  return slopes, mean - slopes @ usual
