"""The first pass over the inputs: finds the faces in a slice of them and measures each; nothing is decided yet.

A slice depends on nothing but its inputs, so slices may be looked through in any order, by any process or machine. Only
`choice` sees them together.
"""

import dataclasses
import functools
import json
import math

import cv2
import numpy as np

from dcgan.common import files
from dcgan.data import manifests
from dcgan.data import records
from tools.faces import alignment
from tools.faces import appearance
from tools.faces import landmarks
from tools.faces import measures
from tools.sets import people_sheet
from tools.sets import reasons

EVERYBODY, CENTRAL, LARGEST = 'everybody', 'central', 'largest'

_JPEG_OPTIONS = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
_MIN_EYE_DISTANCE_PX = 1.0  # nearer eyes give no direction to turn the face by

_INPUT_COLUMNS = {'order': np.int64, 'clip': np.int64, 'time_secs': np.float64, 'identity': np.int64}
_FACE_COLUMNS = {
    'input': (np.int64, ()), 'landmarks': (np.float32, (records.NUM_LANDMARKS, 3)), 'eyes': (np.float64, (2, 2)),
    'score': (np.float32, ()), 'box': (np.float32, (4,)), 'eye_distance_px': (np.float32, ()),
    'outside_fraction': (np.float32, ()), 'sharpness': (np.float32, ()), 'brightness': (np.float32, ()),
    'skin_lab': (np.float32, (2, 3)),
    'pose_deg': (np.float32, (3,)), 'mouth_opening': (np.float32, ()), 'eye_openings': (np.float32, (2,)),
    'descriptor': (np.float16, (records.NUM_DESCRIPTOR_VALUES,))}
_APPEARANCE_COLUMN = {'appearance': (np.uint8, (appearance.NUM_VALUES,))}


@dataclasses.dataclass(frozen=True, eq=False)
class Search:
  """Which faces of a picture are looked at.

  Attributes:
    who: EVERYBODY, where the person is chosen once all pictures were seen; else one face a picture: CENTRAL (of the
      large ones) or LARGEST.
    keeps_pictures: bool, whether the aligned faces are kept: where nothing that is decided later changes them, no input
      need be read twice. Not with EVERYBODY.
    alignment: str of `alignment.ALIGNMENTS`.
  """

  who: str
  keeps_pictures: bool = False
  alignment: str = alignment.EYES


@dataclasses.dataclass(frozen=True, eq=False)
class Scan:
  """What was seen in a slice of the inputs.

  Attributes:
    keys: list of str, one an input that was read, in order.
    reasons: list of `manifests.Reason`, one an input: why it has no face; None where it has one.
    inputs: dict of arrays, one row an input: `order`, -1 where it could not be read; `clip`; `time_secs`, NaN for
      photos; `identity`, -1 where unknown.
    faces: dict of arrays, one row a face, in the order of the inputs: `input`, its row in `inputs`; `landmarks`
      [478, 3], `eyes` [2, 2] and `box` [4] in px of the picture; `score` of the detector; what is measured in the
      picture (`eye_distance_px`, `outside_fraction`) and in the aligned face (see `measures`; `pose_deg` is yaw, pitch,
      roll); with EVERYBODY also `appearance`. Where a list gave the eyes, what needs landmarks is NaN.
    pictures: list of JPEG bytes, one a face: with EVERYBODY a thumbnail, where the search keeps pictures the aligned
      face; else empty.
  """

  keys: list
  reasons: list
  inputs: dict
  faces: dict
  pictures: list


@dataclasses.dataclass(frozen=True, eq=False)
class _Candidate:
  eyes: np.ndarray
  found: landmarks.Found
  aligned: alignment.AlignedFace

  @property
  def eye_distance_px(self):
    return _distance(self.eyes)


def scan(source, start, stop, search, on_input=lambda has_face: None):
  """Returns the `Scan` of the inputs `start` to `stop` (exclusive) of a source.

  Args:
    source: a source of `sources`.
    start: int, the first input.
    stop: int, behind the last input.
    search: `Search`.
    on_input: callable, called after each input with whether it has a face.
  """
  keys, why, inputs, faces, encoded = [], [], [], [], []
  for item in source.read(start, stop):
    found = []
    if isinstance(item, manifests.Rejection):
      reason = item.reason
      inputs.append((-1, 0, math.nan, -1))
    else:
      found = _chosen(candidates(item, search.alignment), search)
      reason = None if found else manifests.Reason(reasons.NO_FACE)
      inputs.append((item.order, item.clip, math.nan if item.time_secs is None else item.time_secs,
                     -1 if item.identity is None else item.identity))
    for candidate in found:
      row = _measured(candidate) | {'input': len(keys)}
      if search.who == EVERYBODY:
        row['appearance'] = _looks(item.image, candidate, search)
        encoded.append(_thumbnail(candidate.aligned.image))
      elif search.keeps_pictures:
        encoded.append(encode(candidate.aligned.image))
      faces.append(row)
    keys.append(item.key)
    why.append(reason)
    on_input(bool(found))
  columns = _FACE_COLUMNS | (_APPEARANCE_COLUMN if search.who == EVERYBODY else {})
  return Scan(
      keys, why, pictures=encoded,
      inputs={name: np.array([row[i] for row in inputs], dtype)
              for i, (name, dtype) in enumerate(_INPUT_COLUMNS.items())},
      faces={name: np.array([row[name] for row in faces], dtype).reshape(-1, *shape)
             for name, (dtype, shape) in columns.items()})


def candidates(frame, how=alignment.EYES):
  """Returns the faces of a `sources.Frame`, the most central large one first, with their aligned pictures.

  Args:
    frame: `sources.Frame`.
    how: str of `alignment.ALIGNMENTS`.
  """
  if frame.eyes is not None:
    unknown = landmarks.Found(np.full([records.NUM_LANDMARKS, 3], np.nan, np.float32), math.nan)
    faces = [(np.asarray(frame.eyes, np.float64), unknown)]
  else:
    faces = [(found.eyes.astype(np.float64), found) for found in _finder().find_all(frame.image)]
  return [_Candidate(eyes, found, alignment.align(frame.image, found.landmarks, eyes, how)) for eyes, found in faces
          if _distance(eyes) >= _MIN_EYE_DISTANCE_PX]


def _looks(image, candidate, search):
  """Returns the looks of a candidate: always of the face with its eyes in place, or a tilt would make it another."""
  aligned = candidate.aligned
  if search.alignment != alignment.EYES:
    aligned = alignment.align(image, candidate.found.landmarks, candidate.eyes)
  return appearance.describe(aligned.image)


def _distance(eyes):
  return float(np.hypot(*(eyes[1] - eyes[0])))


@functools.cache
def _finder():
  return landmarks.FaceFinder()


def _chosen(found, search):
  """Returns the candidates to look at."""
  if search.who == LARGEST:
    found = sorted(found, key=lambda candidate: -candidate.eye_distance_px)
  return found if search.who == EVERYBODY else found[:1]


def _measured(candidate):
  """Returns the row of a candidate, but for its input."""
  found, image, points = candidate.found, candidate.aligned.image, candidate.aligned.landmarks
  has_mesh = bool(np.isfinite(points).all())
  return {
      'landmarks': found.landmarks, 'eyes': candidate.eyes, 'score': found.score, 'box': found.box,
      'eye_distance_px': candidate.eye_distance_px, 'outside_fraction': candidate.aligned.outside_fraction,
      'sharpness': measures.sharpness(image), 'descriptor': measures.descriptor(image),
      'brightness': measures.brightness(image, points) if has_mesh else math.nan,
      'skin_lab': measures.skin_lab(image, points) if has_mesh else np.full([2, 3], np.nan),
      'pose_deg': measures.pose(found.landmarks) if has_mesh else (math.nan,) * 3,
      'mouth_opening': measures.mouth_opening(points) if has_mesh else math.nan,
      'eye_openings': measures.eye_openings(points) if has_mesh else (math.nan,) * 2}


def _thumbnail(image):
  return encode(cv2.resize(image, people_sheet.FACE_SIZE_PX, interpolation=cv2.INTER_AREA))


def encode(image):
  """Returns uint8 RGB [height, width, 3] as JPEG bytes of quality 95 with full colour resolution."""
  return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPEG_OPTIONS)[1].tobytes()


def decode(encoded):
  """Returns one of a scan's pictures as uint8 RGB [height, width, 3]."""
  return cv2.cvtColor(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def save(path, made):
  """Writes a `Scan` to `path` (.npz), which appears whole or not at all."""
  why = [reason and dataclasses.astuple(reason) for reason in made.reasons]
  texts = np.frombuffer(json.dumps([made.keys, why]).encode(), np.uint8)  # ASCII, whatever a name holds
  lengths = np.array([len(encoded) for encoded in made.pictures], np.int64)
  with files.whole_file(path) as temporary:
    with open(temporary, 'wb') as file:
      np.savez(file, texts=texts, picture_lengths=lengths, pictures=np.frombuffer(b''.join(made.pictures), np.uint8),
               **{f'inputs/{name}': values for name, values in made.inputs.items()},
               **{f'faces/{name}': values for name, values in made.faces.items()})


def load(path, without=()):
  """Returns the `Scan` in a file.

  Args:
    path: str or `pathlib.Path`.
    without: names of columns of `faces`, or 'pictures', that are left out to save memory.
  """
  with np.load(path) as arrays:
    keys, why = json.loads(arrays['texts'].tobytes())
    pictures = []
    if 'pictures' not in without:
      lengths, data = arrays['picture_lengths'], arrays['pictures'].tobytes()
      pictures = [data[end - length:end] for end, length in zip(np.cumsum(lengths), lengths)]
    columns = {kind: {name.partition('/')[2]: arrays[name] for name in arrays.files
                      if name.startswith(f'{kind}/') and name.partition('/')[2] not in without}
               for kind in ('inputs', 'faces')}
  return Scan(keys, [reason and manifests.Reason(*reason) for reason in why], columns['inputs'], columns['faces'],
              pictures)
