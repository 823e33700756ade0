"""How varied generated pictures are, and how like any real one: by their thumbnails. NumPy only."""

import numpy as np

from dcgan.common import features

MIN_REALS = 4
_KEPT_FRACTION = 0.95  # of the reals' variance
_SIDE_PX = 16


class Variety:
  """The ways in which a set's pictures differ from each other, and how far fakes go along them.

  The thumbnails of the reals are taken apart into principal components (Pearson 1901), of which the first that hold
  95 % of the variance are kept: a person's poses, mouth and light. Grain and mangled features lie mostly across them.

  Attributes:
    num_components: int, components kept.
  """

  def __init__(self, real_images):
    """Takes the reals apart.

    Args:
      real_images: uint8 [num_images, size, size, 3], four or more.

    Raises:
      ValueError: `real_images` has another type or shape, or holds fewer.
    """
    features.check('real_images', real_images, MIN_REALS, 'their variety')
    thumbnails = features.thumbnails(real_images, _SIDE_PX)
    self._mean = thumbnails.mean(axis=0)
    _, deviations, components = np.linalg.svd(thumbnails - self._mean, full_matrices=False)
    shares = np.cumsum(deviations**2) / max(np.sum(deviations**2), 1e-12)
    self._components = components[:int(np.searchsorted(shares, _KEPT_FRACTION)) + 1]
    self.num_components = len(self._components)
    # Half a grey value at least: reals that are all the same vary by nothing.
    self._spread = max(_spread(self.coordinates(real_images)), 0.5)
    self._usual_rest = max(float(np.median(self._rests(real_images))), 0.5)

  def coordinates(self, images):
    """Returns where pictures lie along the kept components, float32 [num_images, num_components], in grey values.

    Args:
      images: uint8 [num_images, size, size, 3], as large as the reals.
    """
    return (features.thumbnails(images, _SIDE_PX) - self._mean) @ self._components.T

  def diversity(self, fake_images):
    """Returns the spread of fakes over that of the reals: 1 is as varied, 0 one and the same picture.

    Args:
      fake_images: uint8 [num_images, size, size, 3], two or more, as large as the reals.

    Returns:
      float, 0 or more: the ratio of the root mean square distances from the mean, along the kept components.

    Raises:
      ValueError: `fake_images` has another type or shape, or holds fewer.
    """
    features.check('fake_images', fake_images, 2, 'diversity')
    return _spread(self.coordinates(fake_images)) / self._spread

  def strangeness(self, fake_images):
    """Returns how much of each picture is none of the reals' ways to differ: 1 is usual, mangled faces show more.

    It is what the kept components cannot show of it, over what they cannot show of the median real.

    Args:
      fake_images: uint8 [num_images, size, size, 3], as large as the reals.

    Returns:
      float32 [num_images], 0 or more.

    Raises:
      ValueError: `fake_images` has another type or shape, or holds no picture.
    """
    return self._rests(fake_images) / self._usual_rest

  def _rests(self, images):
    """Returns the length of what the kept components leave of each thumbnail, float32 [num_images]."""
    from_mean = features.thumbnails(images, _SIDE_PX) - self._mean
    along = from_mean @ self._components.T
    return np.linalg.norm(from_mean - along @ self._components, axis=1)

  def movement(self, before, after):
    """Returns how far the mean of pictures moved between two looks, in the reals' spread.

    Args:
      before: float32 [num_images, num_components], from `coordinates`.
      after: likewise.

    Returns:
      float, 0 or more.
    """
    return float(np.linalg.norm(after.mean(axis=0) - before.mean(axis=0))) / self._spread


def _spread(coordinates):
  return float(np.sqrt(coordinates.var(axis=0, ddof=1).sum()))
