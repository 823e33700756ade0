"""The second pass over the inputs: finishes the faces of a slice that are kept, and writes one shard.

Where something changes a face after the first pass (steadying, background, colour), its input is read again.
"""

import dataclasses

import numpy as np

from dcgan.data import manifests
from dcgan.data import records
from tools.faces import alignment
from tools.faces import background
from tools.faces import colour
from tools.faces import controls
from tools.faces import landmarks
from tools.faces import measures
from tools.faces import smoothing
from tools.sets import reasons
from tools.sets import scan


@dataclasses.dataclass(frozen=True, eq=False)
class Finish:
  """What is done to the faces that are kept.

  Attributes:
    is_steady: bool, whether landmarks are smoothed over time; for videos.
    background: str of `background.BACKGROUNDS`.
    target_lab: float32 [2, 3], the skin that `colour.match` brings every face to, or None.
    alignment: str of `alignment.ALIGNMENTS`, as in the first pass.
  """

  is_steady: bool = False
  background: str = 'keep'
  target_lab: np.ndarray | None = None
  alignment: str = alignment.EYES

  @property
  def changes_pictures(self):
    """bool, whether the faces are not just those of the first pass."""
    return self.is_steady or self.background != 'keep' or self.target_lab is not None


def convert(source, start, stop, path, scans, kept, here, has_pictures, finish, on_input=lambda has_face: None):
  """Writes the kept faces of the inputs `start` to `stop` (exclusive) of a source to one shard.

  Args:
    source: a source of `sources`.
    start: int, the first input.
    stop: int, behind the last input.
    path: str or `pathlib.Path` of the shard.
    scans: list of `scan.Scan`: of this slice and, where faces are steadied, of those beside it.
    kept: list of int64 arrays, one a scan: the rows of its `faces` that are kept, rising.
    here: int, which of `scans` is this slice's.
    has_pictures: bool, whether its pictures are the aligned faces, so that no input is read unless `finish` changes
      them.
    finish: `Finish`.
    on_input: callable, called after each input with whether it is kept.

  Returns:
    (`manifests.Shard`, list of `manifests.Rejection` of kept inputs that could not be read a second time).
  """
  lost = []
  if finish.changes_pictures or not has_pictures:
    faces = _faces_read_again(source, start, stop, places(scans, kept, here, finish.is_steady), finish, lost, on_input)
  else:
    faces = _faces_of_scan(scans[here], kept[here], finish, on_input)
  return records.write_shard(path, faces), lost


def _faces_of_scan(made, rows, finish, on_input):
  """Yields the `records.Face`s of a scan that kept its pictures."""
  kept = {made.faces['input'][row]: row for row in rows}
  raw = dict(zip(rows, _controls(made.faces['landmarks'][rows])))
  for i, key in enumerate(made.keys):
    on_input(i in kept)
    if i not in kept:
      continue
    face = {name: values[kept[i]] for name, values in made.faces.items()}
    at = {name: values[i] for name, values in made.inputs.items()}
    yield _face(key, int(at['order']), None if np.isnan(at['time_secs']) else float(at['time_secs']),
                None if at['identity'] < 0 else int(at['identity']), face['eyes'], face['landmarks'],
                made.pictures[kept[i]], float(face['sharpness']), face['descriptor'], finish.alignment, raw[kept[i]])


def _faces_read_again(source, start, stop, places, finish, lost, on_input):
  """Yields the `records.Face`s of `places`; what cannot be read any more is added to `lost`."""
  remover = background.Remover(finish.background)
  left = dict(places)
  raw = dict(zip(places, _controls(np.array([points for _, points, _ in places.values()]))))
  for item in source.read(start, stop):
    place = left.pop(item.key, None)
    on_input(place is not None)
    if place is None:
      continue
    if isinstance(item, manifests.Rejection):
      lost.append(item)
      continue
    eyes, points, skin_lab = place
    image = alignment.align(item.image, points, eyes, finish.alignment).image
    if finish.target_lab is not None and np.isfinite(skin_lab).all():
      image = colour.match(image, skin_lab, finish.target_lab)
    image = remover.apply(image)
    yield _face(item.key, item.order, item.time_secs, item.identity, eyes, points, scan.encode(image),
                measures.sharpness(image), measures.descriptor(image), finish.alignment, raw[item.key])
  lost += [manifests.Rejection(key, manifests.Reason(reasons.NOT_READ_AGAIN)) for key in left]


def places(scans, kept, here, is_steady):
  """Returns where the kept faces of a slice are at last.

  Args:
    scans: list of `scan.Scan`, as in `convert`.
    kept: list of int64 arrays, likewise.
    here: int, likewise.
    is_steady: bool, whether landmarks are smoothed over time.

  Returns:
    dict of input key to (eyes, landmarks, skin): float64 [2, 2] and float32 [478, 3] in px of the source, float32
    [2, 3].
  """
  faces = {name: np.concatenate([made.faces[name][rows] for made, rows in zip(scans, kept)])
           for name in ('landmarks', 'eyes', 'skin_lab')}
  eyes, points = faces['eyes'], faces['landmarks']
  if is_steady:
    inputs = [made.faces['input'][rows] for made, rows in zip(scans, kept)]
    clips, times_secs = (np.concatenate([made.inputs[name][rows] for made, rows in zip(scans, inputs)])
                         for name in ('clip', 'time_secs'))
    points = np.concatenate([smoothing.smooth(points[clips == clip], times_secs[clips == clip])
                             for clip in np.unique(clips)] or [points])
    eyes = points[:, list(landmarks.IRISES), :2].astype(np.float64)
  first = sum(len(rows) for rows in kept[:here])
  keys = [scans[here].keys[i] for i in scans[here].faces['input'][kept[here]]]
  return {key: (eyes[i], points[i], faces['skin_lab'][i]) for i, key in enumerate(keys, first)}


def _controls(points):
  """Returns what faces do, one of float32 [num_controls] or, without landmarks, None for each of [num_faces, 478, 3].

  All at once: one at a time takes fifty times as long.
  """
  if not len(points):
    return []
  has_mesh = np.isfinite(points).all(axis=(1, 2))
  measured = iter(controls.measure(points[has_mesh]))
  return [next(measured) if has else None for has in has_mesh]


def _face(key, order, time_secs, identity, eyes, points, encoded, sharpness, descriptor, how, raw):
  transform = alignment.place(points, eyes, how)
  return records.Face(
      encoded=encoded, key=key, order=order, time_secs=time_secs, identity=identity,
      eyes=(eyes @ transform[:, :2].T + transform[:, 2]).astype(np.float32),
      landmarks=alignment.align_points(points, transform) if np.isfinite(points).all() else None,
      controls=raw, sharpness=sharpness,
      descriptor=descriptor.astype(np.float16).astype(np.float32))  # as scans hold it
