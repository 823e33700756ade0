"""One face, followed through the frames of a film."""

import dataclasses

import cv2
import numpy as np

from tools.faces import alignment
from tools.faces import appearance
from tools.faces import landmarks as face_landmarks
from tools.faces import models
from tools.faces import smoothing

# The tracker sees a window around the face that stands still, because it looks where the face was in its picture.
_WINDOW = 2.2  # sides of the face's box
_MOST_PX = 480  # of the window: the mesh sees the face at 192 px
_MARGIN = 0.04  # of the window: nearer to its edge, or
_MOST_GROWN = 1.5  # so much larger or smaller than at first, the face gets a new window
_JUMP = 0.6  # of the face's size, from one frame to the next: the tracker went astray
# Grey values, by which a frame made tiny differs from the one before on the mean: a cut. In ten films without any it was
# 13 at most, at the three cuts of another 26 and more, and between two films 46.
_CUT, _TINY_PX = 20.0, 32
_LOOK_AGAIN_SECS = 0.15  # where there is no face, all of a frame is looked at so often
_CHECK_SECS = 1.0  # and so often whether what is followed is a face, and the right one
# Where the person was a moment ago, another one must be nearer by this to be taken for it: hands and light change looks.
_MARGIN_OF_LOOKS = 0.04

_CHUNK = 256  # frames steadied at a time
_AROUND_SECS = 0.5  # that are known before and after these


@dataclasses.dataclass(frozen=True, eq=False)
class Looks:
  """What the people in a film look like.

  Attributes:
    means: float [num_people, 2658], means of `appearance.describe`; the one to follow is the first.
  """

  means: np.ndarray

  def is_first(self, aligned_image, margin=0.0):
    """Returns whether an aligned face, uint8 [218, 178, 3], looks like the first: no other is nearer by `margin`."""
    told = appearance.distances(appearance.describe(aligned_image)[np.newaxis], self.means)[0]
    return bool(told[0] <= told.min() + margin)


class Follower:
  """Follows one person's face from frame to frame.

  Face Mesh tracks it in a window around it, twice as fast as it is found anew; where that is lost, at a cut, and once a
  second to be sure, the whole frame is searched. Not to be used in a forked process (`models`).

  Args:
    looks: `Looks`, or None of a film with one person; then the most central large face is followed.
  """

  def __init__(self, looks=None):
    self._looks = looks
    self._finder = face_landmarks.FaceFinder()
    self._tracker = models.FaceMesh(1, is_tracking=True)
    self._window = self._last = self._latest = self._tiny = None
    self._size = 0.0
    self._checked_secs = self._looked_secs = self._latest_secs = -np.inf

  def follow(self, image, time_secs):
    """Returns the landmarks of the face, float32 [478, 3] in px of the frame; None where the person is not seen.

    Args:
      image: uint8 RGB [height, width, 3], the next frame.
      time_secs: float, its time, after the one before.
    """
    if self._is_cut(image):
      self._window = self._last = None
      self._looked_secs = self._latest_secs = -np.inf  # who is where the person was may be another one
    points = None if self._window is None else self._tracked(image)
    if points is not None and time_secs - self._checked_secs >= _CHECK_SECS:
      points = self._checked(image, points, time_secs)
    if points is None:
      was_followed, self._window = self._window is not None, None
      if was_followed or time_secs - self._looked_secs >= _LOOK_AGAIN_SECS:
        points = self._found(image, time_secs)
    self._last = points
    if points is not None:
      self._latest, self._latest_secs = points, time_secs
    return points

  def _is_cut(self, image):
    """Whether a frame is of another take than the one before."""
    tiny = cv2.resize(image, (_TINY_PX, _TINY_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    before, self._tiny = self._tiny, tiny
    return before is not None and float(np.abs(tiny - before).mean()) > _CUT

  def _tracked(self, image):
    x0, y0, x1, y1 = self._window
    seen = image[y0:y1, x0:x1]
    shrink = min(1.0, _MOST_PX / max(seen.shape[:2]))
    if shrink < 1:
      seen = cv2.resize(seen, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    faces, _, _ = self._tracker.process(seen)
    if not len(faces):
      return None
    scale = (x1 - x0) / seen.shape[1]
    points = faces[0] * np.float32(scale) + np.float32([x0, y0, 0])
    centre, size = _centre_and_size(points)
    if self._last is not None:
      moved = np.linalg.norm(centre - _centre_and_size(self._last)[0])
      if moved > _JUMP * size:
        return None
    if not 1 / _MOST_GROWN < size / self._size < _MOST_GROWN or self._is_at_edge(points, image.shape):
      self._look_around(points, image.shape)
    return points

  def _is_at_edge(self, points, shape):
    """Whether a face comes near an edge of the window that is none of the picture."""
    x0, y0, x1, y1 = self._window
    margin = _MARGIN * max(x1 - x0, y1 - y0)
    left, top = points[:, :2].min(axis=0)
    right, bottom = points[:, :2].max(axis=0)
    return bool((x0 > 0 and left < x0 + margin) or (y0 > 0 and top < y0 + margin)
                or (x1 < shape[1] and right > x1 - margin) or (y1 < shape[0] and bottom > y1 - margin))

  def _checked(self, image, points, time_secs):
    """Returns points if a detector sees the face there too, and it is the right one, else None."""
    x0, y0, x1, y1 = self._window
    self._checked_secs = time_secs
    centre, size = _centre_and_size(points)
    for face in self._finder.find_all(image[y0:y1, x0:x1]):
      at, _ = _centre_and_size(face.landmarks)
      if np.linalg.norm(at + [x0, y0] - centre) < size / 3:
        return points if self._is_right(image, points, time_secs) else None
    return None

  def _is_right(self, image, points, time_secs):
    if self._looks is None:
      return True
    is_near = False
    if time_secs - self._latest_secs <= _CHECK_SECS:
      (before, size), (now, _) = _centre_and_size(self._latest), _centre_and_size(points)
      is_near = np.linalg.norm(now - before) < _JUMP * size
    eyes = points[list(face_landmarks.IRISES), :2]
    return self._looks.is_first(alignment.align(image, points, eyes).image, _MARGIN_OF_LOOKS if is_near else 0.0)

  def _found(self, image, time_secs):
    """Returns the points of the person's face anywhere in the frame, or None."""
    self._looked_secs = time_secs
    for face in self._finder.find_all(image):
      if self._is_right(image, face.landmarks, time_secs):
        self._checked_secs = time_secs
        self._look_around(face.landmarks, image.shape)
        return face.landmarks
    return None

  def _look_around(self, points, shape):
    """Lays the window around a face."""
    centre, self._size = _centre_and_size(points)
    low = np.maximum(np.rint(centre - _WINDOW / 2 * self._size), 0).astype(int)
    high = np.minimum(np.rint(centre + _WINDOW / 2 * self._size), [shape[1], shape[0]]).astype(int)
    self._window = None
    if (high - low > 1).all():
      self._window = (*low.tolist(), *high.tolist())
      self._tracker.forget()


def steadied(frames):
  """Yields the frames of a film with landmarks that do not tremble, as sets of records have them; without delay.

  Args:
    frames: iterable of (time_secs, landmarks): float, rising; float32 [478, 3], or None where no face is seen.

  Yields:
    (time_secs, landmarks), likewise; in constant memory.
  """
  waiting, start = [], 0  # the frames before `start` were yielded
  for frame in frames:
    waiting.append(frame)
    if len(waiting) - start >= _CHUNK and frame[0] - waiting[start + _CHUNK // 2][0] > _AROUND_SECS:
      stop = max(i for i in range(start, len(waiting)) if frame[0] - waiting[i][0] > _AROUND_SECS)
      yield from _steadied(waiting, start, stop)
      first = min(i for i in range(stop + 1) if waiting[stop][0] - waiting[i][0] <= _AROUND_SECS)
      waiting, start = waiting[first:], stop - first
  yield from _steadied(waiting, start, len(waiting))


def _steadied(frames, start, stop):
  """Yields frames `start` to `stop` (exclusive) of a list of them, steadied by those around."""
  seen = [i for i, (_, points) in enumerate(frames) if points is not None]
  points = dict(zip(seen, smoothing.smooth(np.array([frames[i][1] for i in seen]).reshape(len(seen), -1, 3),
                                           [frames[i][0] for i in seen]) if seen else ()))
  for i in range(start, stop):
    yield frames[i][0], points.get(i)


def _centre_and_size(points):
  """Returns the centre, float [2], and the longer side of the box around a face's points, in px."""
  low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
  return (low + high) / 2, float((high - low).max())
