"""Pictures of nobody with known eyes, and a finder that knows them: for tests of what happens around the models."""

import numpy as np

from dcgan.data import manifests
from tools.faces import landmarks
from tools.material import sources
from tools.sets import choice

IRISES = list(landmarks.IRISES)
EVERYTHING = choice.Wanted(limits=None, keeps_duplicates=True)
NO_FACE, TORN = manifests.Reason('no_face'), manifests.Reason('unreadable', 'torn')


class Finder:
  """Finds a face whose eyes are `distance` px apart in the middle of each picture that is not black."""

  def __init__(self, distance=39.0):
    self._distance = distance

  def find_all(self, image):
    if not image.any():
      return []
    height, width, _ = image.shape
    points = np.random.default_rng(0).uniform(-80, 80, [478, 3]).astype(np.float32)
    points += np.float32([width / 2, height / 2, 0])
    points[IRISES] = [[(width - self._distance) / 2, height / 2, 0], [(width + self._distance) / 2, height / 2, 0]]
    return [landmarks.Found(points, 0.9)]


class Source:
  """Noise pictures; those in `faceless` are black, those in `broken` unreadable, those in `repeated` give nothing.

  Reading a picture in `errors_at` raises its error; `on_image` is called before each.
  """

  def __init__(self, num_inputs, faceless=(), broken=(), repeated=(), errors_at=None, on_image=lambda: None,
               kind='photos', left_out=()):
    self.kind, self.num_inputs, self.left_out, self.notes = kind, num_inputs, left_out, ()
    self.fingerprint = f'{num_inputs} {faceless} {broken} {repeated}'
    self._faceless, self._broken, self._repeated = faceless, broken, repeated
    self.errors_at, self._on_image = errors_at or {}, on_image
    self.slices = []

  def read(self, start, stop):
    self.slices.append((start, stop))
    for i in range(start, stop):
      if i in self._broken:
        yield manifests.Rejection(f'{i}.png', TORN)
      elif i not in self._repeated:
        self._on_image()
        if i in self.errors_at:
          raise self.errors_at[i]
        yield sources.Frame(f'{i}.png', i, i / 4 if self.kind == 'video' else None, self.image(i))

  def image(self, i):
    noise = np.random.default_rng(i).integers(1, 255, [300, 260, 3], np.uint8)
    return noise * np.uint8(i not in self._faceless)
