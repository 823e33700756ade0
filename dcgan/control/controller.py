"""A person's controls in Z: where a name and a number lie among the places of the person's pictures.

Places are taken as drawn from a Gaussian, of which controls are a linear function and noise, so that Z given some
controls is known in closed form: the conditional mean (Bishop 2006, section 2.3.3). It moves what was asked for, and of
the rest as little as the person's pictures let it. NumPy and SciPy only.
"""

import dataclasses
import functools

import numpy as np
from scipy import optimize

from dcgan.common import errors
from dcgan.common import features
from dcgan.model import latents

FEWEST_PICTURES = 12  # with controls; fewer tell nothing of held-out ones
_NUM_FOLDS = 6
_FEWEST_LEFT_OUT = 4
_SHARES_OF_VARIANCE = (0.7, 0.8, 0.9, 0.95, 0.98)  # that the axes hold, of which the best one is taken
_RIDGES = (0.003, 0.03, 0.3)  # in units of the mean variance along an axis
_LEAST_VARIANCE = 1e-6
_NUM_NEAREST = 16  # places whose hull a point is led back to
# How far out of that hull a point may stay: half of the way that it is out, and no farther than neighbours are apart. Of
# 41 controls of a woman, asked for as in pictures that were not trained on, 26 were shown with an R² over 0.6 then, 16
# where all was led back into the hull, 31 with 0.8 of the way, and faces began to smear.
_SHARE_BEYOND = 0.5
_NOISE_OF_MEASURED = 0.3  # of `noise`, where a picture was measured: what is not explained is known then
_SUM_WEIGHT = 100.0  # of shares that sum to 1, beside distances in Z


@dataclasses.dataclass(frozen=True, eq=False)
class Controller:
  """Where a person's controls lie in Z.

  Attributes:
    names: tuple of str, the controls that the person has.
    places: float32 [num_places, z_dims], on the sphere, of the person's pictures; none where all of Z will do.
    mean: float64 [z_dims], of the places.
    axes: float64 [num_axes, z_dims], orthonormal, along which they differ.
    variances: float64 [num_axes], along these.
    usual: float64 [num_names], the mean of each control.
    slopes: float64 [num_names, num_axes], how each control changes along the axes.
    noise: float64 [num_names], the variance of each that the axes leave unexplained.
    sureness: float64 [num_names], R² on pictures that were not fitted to: 1 is sure, 0 or less is a guess.
  """

  names: tuple
  places: np.ndarray
  mean: np.ndarray
  axes: np.ndarray
  variances: np.ndarray
  usual: np.ndarray
  slopes: np.ndarray
  noise: np.ndarray
  sureness: np.ndarray

  def predict(self, z):
    """Returns the controls that points are thought to show, float64 [num_points, num_names], of float [.., z_dims]."""
    return self.usual + (latents.to_sphere(z) - self.mean) @ self.axes.T @ self.slopes.T

  def find(self, values, slack=0.0):
    """Returns the point at which a face is thought to have some values.

    Args:
      values: float [num_names]; NaN for a control that may be anything.
      slack: float [num_names] or float, how far each may be off, in its own spread: a mouth that opens takes lips along.

    Returns:
      float32 [z_dims], on the sphere, near places of the person's pictures.
    """
    return self.lead_back(self.propose(values, slack))

  def propose(self, values, slack=0.0):
    """Returns the point of `find` before it is led back, float64 [z_dims]: a linear function of the values."""
    return self.mean + self._change(np.asarray(values, np.float64) - self.usual, slack) @ self.axes

  def correct(self, z, missing, slack=0.0):
    """Returns a point from which less is missing, float32 [z_dims], on the sphere, near places.

    Args:
      z: float32 [z_dims].
      missing: float [num_names], asked-for less measured values at `z`; NaN for a control that may be anything.
      slack: as for `find`.
    """
    return self.lead_back(z + self._change(missing, slack, _NOISE_OF_MEASURED) @ self.axes)

  @property
  def spread(self):
    """float64 [num_names], the standard deviation of each control in the person's pictures."""
    return np.sqrt(np.square(self.slopes) @ self.variances + self.noise)

  def lead_back(self, z):
    """Returns a point that is led back to the hull of the nearest places, float32 [z_dims], on the sphere.

    Far away are other people, and mangled faces. Half of the way out of the hull may stay, up to the distance of
    neighbours.
    """
    if not len(self.places):
      return self._to_sphere(np.asarray(z, np.float64))
    z = latents.to_sphere(np.asarray(z, np.float32))
    nearest = self.places[np.argsort(np.square(self.places - z).sum(axis=1), kind='stable')[:_NUM_NEAREST]]
    rows = np.concatenate([nearest.T, np.full([1, len(nearest)], _SUM_WEIGHT)]).astype(np.float64)
    shares, _ = optimize.nnls(rows, np.concatenate([z, [_SUM_WEIGHT]]))
    inside = latents.to_sphere((shares @ nearest / max(shares.sum(), 1e-9)).astype(np.float32))
    beyond = float(np.linalg.norm(z - inside))
    return latents.to_sphere(inside + min(_SHARE_BEYOND, self._apart / max(beyond, 1e-9)) * (z - inside))

  def _to_sphere(self, z):
    """Returns a point of all of Z brought to the sphere, float32 [z_dims], by what no control depends on."""
    along = (z - self.mean) @ self._span.T @ self._span
    rest = z - along
    length = np.sqrt(max(len(z) - np.square(along).sum(), 0.0))
    return latents.to_sphere(along + rest * length / max(np.linalg.norm(rest), 1e-9))

  @functools.cached_property
  def _span(self):
    """float64 [num, z_dims], orthonormal, the directions in which controls change."""
    _, sizes, directions = np.linalg.svd(self.slopes @ self.axes, full_matrices=False)
    return directions[sizes > 1e-6 * sizes.max(initial=0.0)]

  @functools.cached_property
  def _apart(self):
    """float, the usual distance of a place from its nearest."""
    squares = features.squared_distances(self.places, self.places)
    np.fill_diagonal(squares, np.inf)
    return float(np.sqrt(np.median(squares.min(axis=1)))) if len(squares) > 1 else 0.0

  def _change(self, wanted, slack, share_of_noise=1.0):
    """Returns the likeliest change along the axes that changes controls by float [num_names], NaN where by anything."""
    is_wanted = np.isfinite(wanted)
    slopes = self.slopes[is_wanted]
    spread = slopes * self.variances  # of axes with the wanted controls
    of_controls = spread @ slopes.T + np.diag((share_of_noise * self.noise + np.square(slack * self.spread))[is_wanted])
    return np.linalg.solve(of_controls, np.asarray(wanted, np.float64)[is_wanted]) @ spread


def fit(places, values, names, is_bounded=True, are_left_out=None):
  """Returns the `Controller` of a person's pictures.

  How many axes, and how much they are held back, is what tells best the controls of pictures that were left out.

  Args:
    places: float32 [num_pictures, z_dims], on the sphere, in the order of time where the pictures are a film's.
    values: float [num_pictures, num_names]; pictures with NaN are left out.
    names: tuple of str.
    is_bounded: bool, whether what is found must lie between the places; False where all of Z makes good faces.
    are_left_out: bool [num_pictures], those that are left out to tell how sure the fit is; None to leave out a sixth at
      a time.

  Raises:
    errors.InputError: fewer than 12 pictures have all of these controls.
  """
  is_known = np.isfinite(values).all(axis=1)
  known, values = np.asarray(places, np.float64)[is_known], np.asarray(values, np.float64)[is_known]
  if len(known) < FEWEST_PICTURES or not names:
    raise errors.InputError(f'controls need {FEWEST_PICTURES} pictures with a place in Z and with controls, and there '
                            f'are {len(known) if names else 0}. Train on more pictures of the person.')
  fold = np.arange(len(known)) * _NUM_FOLDS // len(known)  # stretches of a film: its neighbours are near copies
  folds = [fold == number for number in range(_NUM_FOLDS)]
  if are_left_out is not None and _FEWEST_LEFT_OUT <= are_left_out[is_known].sum() <= len(known) - FEWEST_PICTURES:
    folds = [are_left_out[is_known]]
  folds = [(is_out, _axes(known[~is_out])) for is_out in folds]
  best = max(((share, ridge) for share in _SHARES_OF_VARIANCE for ridge in _RIDGES),
             key=lambda each: np.mean(np.maximum(_sureness(known, values, folds, *each), 0)))
  mean, axes, variances, usual, slopes = _fit(known, values, _axes(known), *best)
  left = values - usual - (known - mean) @ axes.T @ slopes.T
  noise = np.maximum(left.var(axis=0), _LEAST_VARIANCE)
  fitted = Controller(tuple(names), np.asarray(places, np.float32), mean, axes, variances, usual, slopes, noise,
                      _sureness(known, values, folds, *best))
  return fitted if is_bounded else _unbounded(fitted, known[np.argmin(
      np.square((values - usual) / np.maximum(values.std(axis=0), 1e-9)).sum(axis=1))])


def _unbounded(fitted, home):
  """Returns a `Controller` of all of Z, which keeps the face of the point `home`, float64 [z_dims].

  The mean of all of Z is no face: there what no control depends on is nothing, and bringing it to the sphere would make
  much of little.
  """
  span = fitted._span  # pylint: disable=protected-access
  away = home - fitted.mean
  return dataclasses.replace(fitted, places=np.empty([0, len(home)], np.float32), mean=home - away @ span.T @ span)


def _sureness(places, values, folds, share, ridge):
  """Returns R² of each control, float64 [num_names], on pictures that were left out in turn."""
  told = np.full_like(values, np.nan)
  for is_out, axes_of_rest in folds:
    mean, axes, _, usual, slopes = _fit(places[~is_out], values[~is_out], axes_of_rest, share, ridge)
    told[is_out] = usual + (places[is_out] - mean) @ axes.T @ slopes.T
  # Beside the spread of all: the few that are left out may be one stretch of a film, in which little changes.
  off = np.square(values - told)[np.isfinite(told).all(axis=1)].mean(axis=0)
  return 1.0 - off / np.maximum(values.var(axis=0), 1e-12)


def _axes(places):
  """Returns (mean, axes, variances): float64 [z_dims], [num_axes, z_dims] and [num_axes], the largest first."""
  mean = places.mean(axis=0)
  _, sizes, axes = np.linalg.svd(places - mean, full_matrices=False)
  return mean, axes, np.square(sizes) / len(places)


def _fit(places, values, all_axes, share, ridge):
  """Returns (mean, axes, variances, usual, slopes) of ridge regression on principal axes."""
  mean, axes, variances = all_axes
  usual = values.mean(axis=0)
  num_axes = 1 + int(np.searchsorted(np.cumsum(variances) / max(variances.sum(), 1e-12), share))
  axes, variances = axes[:num_axes], np.maximum(variances[:num_axes], _LEAST_VARIANCE)
  along = (places - mean) @ axes.T
  slopes = (values - usual).T @ along / len(places) / (variances + ridge * variances.mean())
  return mean, axes, variances, usual, slopes
