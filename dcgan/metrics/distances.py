"""Distances between two sets of features: Fréchet (FID) and kernel (KID). NumPy only."""

import numpy as np

from dcgan.common import wording

_FEWEST = 2  # a covariance, and an unbiased mean over pairs, need two


def frechet_distance(real_features, fake_features):
  """Returns the Fréchet distance between the normal distributions that fit two sets of features best.

  |m_r - m_f|² + tr(C_r + C_f - 2 (C_r C_f)^½), of means m and covariances C: Dowson and Landau 1982, J. Multivariate
  Analysis 12, 450–455. Of Inception's features it is the FID (Heusel et al. 2017, arXiv:1706.08500).

  No covariance is made and no root of a matrix taken. A covariance is XᵀX of the centred features, so the trace of the
  root is the sum of the singular values of X_r X_fᵀ, which is as exact where there are fewer pictures than values. But
  the distance is then too large by an amount that depends on the number of pictures (Chong and Forsyth 2020,
  arXiv:1911.07023): compare only distances from as many.

  Args:
    real_features: float [num_reals, num_values].
    fake_features: float [num_fakes, num_values].

  Returns:
    float, 0 or more.

  Raises:
    ValueError: a set has another shape or fewer than 2 rows, holds NaN or infinity, or the numbers of values differ.
  """
  reals, fakes = _checked(real_features, fake_features)
  real_mean, fake_mean = reals.mean(axis=0), fakes.mean(axis=0)
  real_root, fake_root = _covariance_root(reals - real_mean), _covariance_root(fakes - fake_mean)
  shared = np.linalg.svd(real_root @ fake_root.T, compute_uv=False).sum()
  distance = (np.sum((real_mean - fake_mean)**2) + np.sum(real_root**2) + np.sum(fake_root**2) - 2.0 * shared)
  return max(float(distance), 0.0)  # rounding may take it just below


def kernel_distance(real_features, fake_features):
  """Returns the squared maximum mean discrepancy with the kernel (x·y / num_values + 1)³, unbiased, over all pairs.

  Of Inception's features it is the KID (Bińkowski et al. 2018, arXiv:1801.01401). It does not depend on the number
  of pictures but for its spread, so a distance of few pictures may be compared with one of many.
  Differs from the paper: one estimate over all pictures, where the paper averages over random subsets.

  Args:
    real_features: float [num_reals, num_values].
    fake_features: float [num_fakes, num_values].

  Returns:
    float, about 0 for two samples of one distribution, and then as often below as above.

  Raises:
    ValueError: a set has another shape or fewer than 2 rows, holds NaN or infinity, or the numbers of values differ.
  """
  reals, fakes = _checked(real_features, fake_features)
  return float(_mean_of_other_pairs(reals) + _mean_of_other_pairs(fakes) - 2.0 * _kernel(reals, fakes).mean())


def _checked(real_features, fake_features):
  """Returns both as float64."""
  for name, values in (('real_features', real_features), ('fake_features', fake_features)):
    if values.ndim != 2 or not values.shape[1]:
      raise ValueError(f'`{name}` has the shape {list(values.shape)}, but must be [num_pictures, num_values].')
    if len(values) < _FEWEST:
      raise ValueError(f'`{name}` holds {wording.counted(len(values), "row")}, but a distance between '
                       f'distributions needs {_FEWEST} or more.')
    if not np.isfinite(values).all():
      raise ValueError(f'`{name}` holds NaN or infinity in {np.sum(~np.isfinite(values).all(axis=1))} of '
                       f'{len(values)} rows, but must be finite.')
  if real_features.shape[1] != fake_features.shape[1]:
    raise ValueError(f'`fake_features` ({fake_features.shape[1]} values a row) must have as many as `real_features` '
                     f'({real_features.shape[1]}).')
  return real_features.astype(np.float64), fake_features.astype(np.float64)


def _covariance_root(centred):
  """Returns a matrix R [at most num_values rows, num_values] whose RᵀR is the covariance."""
  root = centred / np.sqrt(len(centred) - 1)
  return np.linalg.qr(root, mode='r') if len(root) > root.shape[1] else root


def _kernel(left, right):
  return (left @ right.T / left.shape[1] + 1.0)**3


def _mean_of_other_pairs(values):
  """Returns the mean of the kernel over all pairs of two different rows."""
  kernel = _kernel(values, values)
  return (kernel.sum() - np.trace(kernel)) / (len(values) * (len(values) - 1))
