"""A person's region of Z: the places of the pictures that were learnt, their neighbours, and what lies between.

A GAN of one person makes that person near the places of the pictures that it was trained on, and nothing of use
elsewhere (Nitzan et al. 2022, MyStyle, arXiv:2203.17272). So what is drawn, or gone through, stays between neighbours.
Points lie on the sphere, each of root mean square 1, and lines are arcs on it. NumPy and SciPy only.
"""

import dataclasses
import functools

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from dcgan.common import features
from dcgan.data import admission
from dcgan.data import batch_plan
from dcgan.model import latents

# Of 64 pictures drawn from a place and two of its seven nearest, 1 to 6 were flawed; from any three places 7 to 21.
_NUM_NEIGHBOURS, _NUM_CORNERS = 7, 3
_CONCENTRATION = 0.8  # of the Dirichlet distribution: a little more near corners and edges than in the middle
_NUM_STEPS_OF_WAYS = 6  # neighbours that a way may go to from a place
_STREAM = 0x4E6


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
  """The places of a person's pictures.

  Attributes:
    places: float32 [num_places, z_dims], on the sphere, one or more.
    keys: tuple of str, the pictures' keys in their set, in the order of `places`.
    times_secs: float64 [num_places], of a video's frames; NaN where there is none.
  """

  places: np.ndarray
  keys: tuple
  times_secs: np.ndarray

  def sample(self, num_points, seed):
    """Returns points between neighbours: fewer are a prefix of more, and the same seed gives the same ones of the same
    places.

    Each is a mixture of a place and two of its nearest, and the places come round before one comes again.

    Args:
      num_points: int.
      seed: int, 0 or more.

    Returns:
      float32 [num_points, z_dims], on the sphere.
    """
    rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    num_rounds = -(-num_points // len(self.places))
    centres = np.concatenate([np.empty(0, np.int64), *(rng.permutation(len(self.places)) for _ in range(num_rounds))])
    return self._between(centres[:num_points], np.random.Generator(np.random.PCG64([seed, _STREAM, 1])))

  def gallery(self, num_points, seed):
    """Returns points as `sample` does, but spread over the places, rare ones too, and in an order of neighbours."""
    order = admission.spread_order(self.places, seed)
    rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    points = self._between(np.resize(order, num_points), rng, least=0.5)
    return points[batch_plan.similarity_order(points)]

  def _between(self, centres, rng, least=0.0):
    """Returns mixtures of places, int [num_points], of `least` (float) or more, each with two of its nearest."""
    nearest = self._nearest(_NUM_NEIGHBOURS)
    points = []
    for centre in centres:
      corners = self.places[np.concatenate([[centre], rng.permutation(nearest[centre])[:_NUM_CORNERS - 1]])]
      shares = (1.0 - least) * rng.dirichlet(np.full(len(corners), _CONCENTRATION))
      shares[0] += least
      points.append(shares @ corners)
    return latents.to_sphere(np.array(points, np.float32).reshape(len(centres), -1))

  def find(self, wanted, clip=None):
    """Returns the place (int) of a picture's key, or of the frame nearest to a time.

    Args:
      wanted: str, a key, or float, seconds from the start of a video.
      clip: str, the video whose frames count, as `clip_of` names it; None for those of all.

    Returns:
      int, or None where there is no such key, or no frame has a time.
    """
    if isinstance(wanted, str):
      return self.keys.index(wanted) if wanted in self.keys else None
    counts = np.array([clip is None or clip_of(key) == clip for key in self.keys])
    distances = np.where(counts, np.abs(self.times_secs - wanted), np.nan)
    return None if np.isnan(distances).all() else int(np.nanargmin(distances))

  def of_places(self, keys, values):
    """Returns the rows of what is known of pictures in the order of the places, float [num_places, num_values]; NaN of
    those that nothing is known of.

    Args:
      keys: sequence of str, of the pictures.
      values: float [num_pictures, num_values].
    """
    row = dict(zip(keys, values))
    unknown = np.full(values.shape[1], np.nan, values.dtype)
    return np.array([row.get(key, unknown) for key in self.keys])

  def clips(self):
    """Returns the `Region` of each video that the pictures are frames of, list, in the order of their first frames."""
    names = np.array([clip_of(key) for key in self.keys])
    firsts = [names[i] for i in sorted(np.unique(names, return_index=True)[1])]
    return [Region(self.places[names == name], tuple(np.array(self.keys, object)[names == name]),
                   self.times_secs[names == name]) for name in firsts]

  def nearest(self, z, num_places):
    """Returns the places nearest to points, the nearest first.

    Args:
      z: float32 [num_points, z_dims].
      num_places: int; fewer where there are fewer.

    Returns:
      int64 [num_points, num_places].
    """
    squares = features.squared_distances(latents.to_sphere(z), self.places)
    return np.argsort(squares, axis=1, kind='stable')[:, :num_places]

  def way(self, start, end):
    """Returns the points of a way between two points that stays in the region: from neighbour to neighbour.

    The way is the one with the least sum of squared steps, so that many small ones are preferred to a large one
    between which nothing was learnt. It is a straight arc where the two are neighbours.

    Args:
      start: float32 [z_dims].
      end: float32 [z_dims].

    Returns:
      float32 [num_corners, z_dims], two or more, from `start` to `end`, both on the sphere.
    """
    ends = latents.to_sphere(np.stack([start, end]))
    num_places = len(self.places)
    nodes = np.concatenate([self.places, ends])
    rows, columns, costs = (list(part) for part in self._edges)
    for number, point in enumerate(ends):
      squares = features.squared_distances(point[np.newaxis], nodes)[0]
      for other in np.argsort(squares[:num_places], kind='stable')[:_NUM_STEPS_OF_WAYS]:
        rows.append(num_places + number)
        columns.append(other)
        costs.append(squares[other] + 1e-9)
    straight = features.squared_distances(ends[:1], ends[1:])[0, 0]
    rows.append(num_places)
    columns.append(num_places + 1)
    costs.append(straight + 1e-9)
    graph = sparse.csr_matrix((costs, (rows, columns)), shape=[len(nodes)] * 2)
    _, before = csgraph.dijkstra(graph, directed=False, indices=num_places, return_predecessors=True)
    way = [num_places + 1]
    while way[-1] != num_places:
      way.append(before[way[-1]])
    corners = nodes[way[::-1]]
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    corners = corners[np.concatenate([[True], steps > 1e-4])]  # an end that is a place stands in the graph twice
    return corners if len(corners) > 1 else np.repeat(corners, 2, axis=0)

  @functools.cached_property
  def _squares(self):
    return features.squared_distances(self.places, self.places)

  @functools.lru_cache(maxsize=4)  # pylint: disable=method-cache-max-size-none
  def _nearest(self, num_neighbours):
    """Returns the nearest other places of each, int64 [num_places, min(num_neighbours, num_places - 1)]."""
    squares = self._squares.copy()
    np.fill_diagonal(squares, np.inf)
    return np.argsort(squares, axis=1, kind='stable')[:, :min(num_neighbours, len(self.places) - 1)]

  @functools.cached_property
  def _edges(self):
    """(rows, columns, costs) of the graph of neighbours, joined into one piece by its shortest spanning tree."""
    nearest = self._nearest(_NUM_STEPS_OF_WAYS)
    rows = np.repeat(np.arange(len(nearest)), nearest.shape[1])
    columns = nearest.ravel()
    tree = csgraph.minimum_spanning_tree(self._squares + 1e-9 * (1 - np.eye(len(self.places)))).tocoo()
    rows, columns = np.concatenate([rows, tree.row]), np.concatenate([columns, tree.col])
    pairs = np.unique(np.sort(np.stack([rows, columns]), axis=0), axis=1)
    return pairs[0], pairs[1], self._squares[pairs[0], pairs[1]] + 1e-9


def clip_of(key):
  """Returns which video a picture is a frame of, by its key, as 'talk.mp4' of 'talk.mp4@3.167s'; '' for photos."""
  return key.rpartition('@')[0]
