"""Between the two passes: over all that was seen, whose face it is and which pictures are kept."""

import dataclasses

import numpy as np

from dcgan.common import errors
from dcgan.data import manifests
from tools.faces import alignment as face_alignment
from tools.faces import appearance
from tools.faces import colour
from tools.material import pictures
from tools.material import sources
from tools.sets import curation
from tools.sets import people_sheet
from tools.sets import reasons
from tools.sets import scan
from tools.sets import tracks

_WORDS = {'central': scan.CENTRAL, 'largest': scan.LARGEST}


@dataclasses.dataclass(frozen=True, eq=False)
class Wanted:
  """What is wanted of a set.

  Attributes:
    limits: `curation.Limits`, or None to keep every face, duplicates too.
    keeps_duplicates: bool, whether the same picture may come again.
    person: str: in photos 'central' or 'largest'; in a video these, or a number, 1 for the most present person.
    reference: `appearance.describe` of the person wanted, or None; it goes before `person`.

  Raises:
    errors.InputError: `person` is none of these.
  """

  limits: curation.Limits | None = curation.Limits()
  keeps_duplicates: bool = False
  person: str | None = None
  reference: np.ndarray | None = None

  def __post_init__(self):
    if self.person is None or self.person in _WORDS:
      return
    if not (self.person.isdecimal() and int(self.person) >= 1):
      raise errors.InputError(f'`person` ({self.person}) must be largest, central or, in a video, a number from 1, as '
                              'the people sheet shows them. Use --person=1 for the most present one.')

  def search(self, kind, keeps_pictures, alignment=face_alignment.EYES):
    """Returns the `scan.Search` for a kind of source.

    Args:
      kind: str, the source's.
      keeps_pictures: bool, of `scan.Search`.
      alignment: str, likewise.

    Raises:
      errors.InputError: a numbered person of photos.
    """
    if kind == 'video' or self.reference is not None:
      return scan.Search(scan.EVERYBODY, alignment=alignment)
    if self.person is not None and self.person not in _WORDS:
      raise errors.InputError(f'`person` ({self.person}) must be largest or central for photos: only in a video are '
                              'people numbered. Or show who it is with --reference=photo.jpg.')
    return scan.Search(_WORDS[self.person or 'central'], keeps_pictures, alignment)


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
  """What is kept.

  Attributes:
    kept: list of int64 arrays, one a scan: the rows of its `faces` that are kept, rising.
    reasons: list of lists of `manifests.Reason`, one a scan, one an input: why it is left out; None where it is kept.
    target_lab: float32 [2, 3], the usual skin of what is kept, or None where it is not known.
    people: int64, the person of each face of all scans, 1 the most present; None for photos.
    person: int, the one that is kept, who may not be among them; None for photos.
  """

  kept: list
  reasons: list
  target_lab: np.ndarray | None
  people: np.ndarray | None
  person: int | None


def choose(seen, kind, wanted):
  """Returns the `Choice` among all that was seen.

  Args:
    seen: list of `scan.Scan`, without landmarks and pictures.
    kind: str, the source's.
    wanted: `Wanted`.
  """
  num_inputs = np.cumsum([0] + [len(each.keys) for each in seen])
  faces = {name: np.concatenate([each.faces[name] for each in seen]) for name in seen[0].faces}
  faces['input'] = np.concatenate([each.faces['input'] + first for each, first in zip(seen, num_inputs)])
  inputs = {name: np.concatenate([each.inputs[name] for each in seen]) for name in seen[0].inputs}
  keys = [key for each in seen for key in each.keys]
  why = [reason for each in seen for reason in each.reasons]
  rows, people, person = np.arange(len(faces['input'])), None, None
  if kind == 'video':
    people = tracks.people(inputs['clip'][faces['input']], faces['input'], inputs['time_secs'][faces['input']],
                           faces['box'], faces['appearance'])
    person = _person(faces, people, wanted)
    rows = np.flatnonzero(people == person)
    for i in set(faces['input'].tolist()) - set(faces['input'][rows].tolist()):
      why[i] = manifests.Reason(reasons.SOMEBODY_ELSE, person)
  elif wanted.reference is not None:
    rows = appearance.nearest(wanted.reference, faces['input'], faces['appearance'])
  found = _reasons_against(rows, faces, inputs, keys, kind, wanted)
  for row, reason in zip(rows, found):
    why[faces['input'][row]] = reason
  kept = rows[[reason is None for reason in found]]
  ends = np.cumsum([len(each.faces['input']) for each in seen])
  skins = faces['skin_lab'][kept]
  return Choice(
      kept=[kept[(kept >= end - len(each.faces['input'])) & (kept < end)] - (end - len(each.faces['input']))
            for each, end in zip(seen, ends)],
      reasons=[why[start:stop] for start, stop in zip(num_inputs, num_inputs[1:])],
      target_lab=colour.target(skins) if np.isfinite(skins).all(axis=(1, 2)).any() else None, people=people,
      person=person)


def _person(faces, people, wanted):
  """Returns the number of the person wanted, who need not be there."""
  numbers = np.unique(people)
  if not len(numbers):
    return 1
  if wanted.reference is not None:
    distances = appearance.distances(faces['appearance'], wanted.reference[np.newaxis])[:, 0]
    return int(min(numbers, key=lambda number: np.median(distances[people == number])))
  if wanted.person == 'largest':
    return int(max(numbers, key=lambda number: np.median(faces['eye_distance_px'][people == number])))
  if wanted.person == 'central':
    # The finder ranks the most central large face of a picture first.
    is_first = np.diff(faces['input'], prepend=-1) > 0
    return int(max(numbers, key=lambda number: (is_first & (people == number)).sum()))
  return int(wanted.person or 1)


def load_reference(path):
  """Returns the looks of the person in a photo, its most central large face, for `Wanted`.

  Raises:
    errors.InputError: the photo cannot be read, or shows no face.
  """
  try:
    image = pictures.load_picture(path)
  except errors.InputError as error:
    raise errors.InputError(f'`reference` ({path}): {error}. Name a photo of a face.') from error
  found = scan.candidates(sources.Frame(path, 0, None, image))
  if not found:
    raise errors.InputError(f'`reference` ({path}) must be a photo of a face, but none was found in it. Use one that '
                            'shows the face large and from the front.')
  return appearance.describe(found[0].aligned.image)


def draw_people(seen, chosen, scan_path):
  """Returns the sheet of the people in a video.

  Args:
    seen: list of `scan.Scan`, without pictures.
    chosen: the `Choice` among them.
    scan_path: callable that gives the file of a scan by its index, where the thumbnails are.

  Returns:
    uint8 RGB [sheet_height, sheet_width, 3].
  """
  taken = chosen.person if chosen.person in chosen.people else None
  wanted = np.concatenate(list(people_sheet.shown_faces(chosen.people, taken).values()))
  thumbnails, start = {}, 0
  for i, each in enumerate(seen):
    stop = start + len(each.faces['input'])
    here = wanted[(wanted >= start) & (wanted < stop)]
    encoded = scan.load(scan_path(i), without=(*each.faces, 'landmarks')).pictures if len(here) else None
    thumbnails |= {face: scan.decode(encoded[face - start]) for face in here}
    start = stop
  times_secs, clips = (np.concatenate([each.inputs[name][each.faces['input']] for each in seen])
                       for name in ('time_secs', 'clip'))
  return people_sheet.draw(chosen.people, thumbnails, taken, times_secs, clips)


def _reasons_against(rows, faces, inputs, keys, kind, wanted):
  """Returns why each of the faces `rows` is left out, a list of `manifests.Reason`; None where it is kept."""
  if wanted.limits is None:
    return [None] * len(rows)
  yaw, pitch, roll = faces['pose_deg'][rows].T
  columns = {name: faces[name][rows] for name in ('eye_distance_px', 'outside_fraction', 'mouth_opening',
                                                  'eye_openings', 'brightness', 'sharpness')}
  measured = curation.Measured(
      keys=[keys[i] for i in faces['input'][rows]], clips=inputs['clip'][faces['input'][rows]], yaw_deg=yaw,
      pitch_deg=pitch, roll_deg=roll, descriptors=faces['descriptor'][rows], **columns)
  return curation.reasons_against(measured, wanted.limits, kind == 'video', wanted.keeps_duplicates)
