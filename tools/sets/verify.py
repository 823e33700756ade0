"""Checks that a set of records is what its manifest says, record by record."""

import dataclasses
import io

import numpy as np
from PIL import Image

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records

_AGAIN = 'Bring the file back, or make the set again with `python -m tools.make_records --overwrite`.'


def verify(prefix):
  """Reads every record of a set and checks it; the memory grows with the keys only.

  Every record must be whole and a face, its picture must decode to 178×218 px, eyes and landmarks must be finite,
  orders rise, no key come twice, and each file have the count and the SHA-256 of the manifest.

  Args:
    prefix: str, the set, as in `records/adele`.

  Returns:
    (int, int), the records and the files that were checked.

  Raises:
    errors.InputError: the first thing that is wrong: file, record, what.
  """
  manifest = manifests.load(prefix)
  paths = manifests.shard_paths(prefix, manifest)
  keys, last_order = set(), -1
  # Swapped or replaced files hold right records, so records are looked at first and the whole file then.
  for path, shard in zip(paths, manifest.shards):
    alone = dataclasses.replace(manifest, shards=(shard,))
    for index, face in enumerate(records.read_faces(prefix, alone)):
      wrong = _what_is_wrong(face, manifest.kind)
      if wrong is None and face.order <= last_order:
        wrong = f'order {face.order} after {last_order}, but orders must rise'
      if wrong is None and face.key in keys:
        wrong = f'a second record of {face.key!r}, but keys must be unique'
      if wrong is not None:
        raise errors.InputError(f'{path}: record {index}: {wrong}. {_AGAIN}')
      keys.add(face.key)
      last_order = face.order
    _check_digest(path, shard, manifest)
  return len(keys), len(paths)


def _what_is_wrong(face, kind):
  """Returns what is wrong with a `records.Face` of a kind of set, or None."""
  try:
    with Image.open(io.BytesIO(face.encoded)) as picture:
      picture.load()
      size, mode = picture.size, picture.mode
  except Exception as error:  # pylint: disable=broad-exception-caught  # Pillow's readers raise anything on bad bytes
    return f'its picture cannot be decoded ({(str(error).splitlines() or [type(error).__name__])[0]})'
  if size != (records.FACE_WIDTH_PX, records.FACE_HEIGHT_PX) or mode != 'RGB':
    return (f'its picture is {size[0]}×{size[1]} px in {mode}, but must be {records.FACE_WIDTH_PX}×'
            f'{records.FACE_HEIGHT_PX} in RGB')
  for name in ('eyes', 'landmarks', 'descriptor', 'sharpness'):
    values = getattr(face, name)
    if values is not None and not np.isfinite(values).all():
      return f'its {name} must be finite numbers'
  if face.landmarks is None and kind != 'celeba':
    return "its landmarks are missing or not finite, but only CelebA's lists stand in for them"
  return None


def _check_digest(path, shard, manifest):
  digest = manifests.sha256(path)
  if digest == shard.sha256:
    return
  other = next((each.file for each in manifest.shards if each.sha256 == digest), None)
  what = f'it holds what {other} should' if other else 'it was changed since the set was made'
  raise errors.InputError(f'{path}: its SHA-256 is {digest[:12]}…, but the manifest says {shard.sha256[:12]}…: {what}. '
                          f'{_AGAIN}')
