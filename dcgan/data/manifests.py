"""A set of aligned faces: what its manifest tells of it, and the files that it is made of.

A set is named by its prefix, as in `records/adele`. It is made of shards `records/adele.tfrecord-00000-of-00004`, whose
records `dcgan.data.records` knows, and of the manifest `records/adele.json`, which is written last: a set without its
manifest is not a set.
"""

import dataclasses
import hashlib
import json
import pathlib
import re

from dcgan.common import errors
from dcgan.common import files

SCHEMA_VERSION = 3
TOLD = 'told'  # the kind of a reason of schema 1, whose value is a sentence

_SCHEMA_VERSIONS_READ = (1, 2, SCHEMA_VERSION)


@dataclasses.dataclass(frozen=True)
class Shard:
  """One shard in a manifest.

  Attributes:
    file: str, its name, without folder.
    num_records: int.
    sha256: str, of the file, in hexadecimal.
    digest: str, 64 hexadecimal digits: the sum of its records' SHA-256, modulo 2**256; '' in schema 1.
  """

  file: str
  num_records: int
  sha256: str
  digest: str = ''


@dataclasses.dataclass(frozen=True)
class Reason:
  """Why an input gave no record, as data; `tools.sets.reasons` says it in words.

  Attributes:
    kind: str, a short name, as in 'too_dark'.
    value: float, int or str, what was measured or met; None where the kind says all.
    limit: float or int, what the value is beyond; None where there is none.
  """

  kind: str
  value: float | int | str | None = None
  limit: float | int | None = None


@dataclasses.dataclass(frozen=True)
class Rejection:
  """An input that gave no record: its key, str, and the `Reason`."""

  key: str
  reason: Reason

  def to_json(self):
    """Returns it as a dict of JSON values."""
    given = {name: value for name, value in dataclasses.asdict(self.reason).items() if value is not None}
    return {'key': self.key} | given

  @classmethod
  def from_json(cls, fields):
    """Returns the `Rejection` of such a dict; in schema 1 it held the key and a sentence as `reason`."""
    fields = dict(fields)
    key, sentence = fields.pop('key'), fields.pop('reason', None)
    return cls(key, Reason(**fields) if sentence is None else Reason(TOLD, sentence))


@dataclasses.dataclass(frozen=True)
class Manifest:
  """What a set holds and what was left out of it.

  Attributes:
    kind: 'video', 'photos' or 'celeba'; the frames of a video are in the order of time.
    num_images: int, records in all shards.
    num_inputs: int, pictures looked at: `num_images` plus the rejected ones.
    shards: tuple of `Shard`, in order.
    rejected: tuple of `Rejection`, in the order of the inputs; behind them the files between the pictures that are no
      pictures to read, as raw photos and videos, which do not count among the inputs.
    settings: dict of JSON values, the flags that made the set.
    controls: dict of JSON values, the names of the controls that its records hold, in order, and the person's range of
      each (`dcgan.control.calibration`); empty where they hold none.
    schema_version: int, of the manifest as it was read; what is written is of `SCHEMA_VERSION`.
    notes: tuple of str, sentences on what was done to the inputs before anything was looked at, as to the colours of
      HDR videos.
  """

  kind: str
  num_images: int
  num_inputs: int
  shards: tuple
  rejected: tuple
  settings: dict
  controls: dict = dataclasses.field(default_factory=dict)
  schema_version: int = SCHEMA_VERSION
  notes: tuple = ()

  @property
  def digest(self):
    """str, the same for two sets exactly when their records are the same, however they are cut into shards.

    A sum of records tells no order, but each holds its own, in which they stand. In schema 1 it is that of the files.
    """
    if not all(shard.digest for shard in self.shards):
      return self._digest_of_files
    return in_hexadecimal(sum(int(shard.digest, 16) for shard in self.shards))

  @property
  def _digest_of_files(self):
    return hashlib.sha256(''.join(shard.sha256 for shard in self.shards).encode()).hexdigest()

  @property
  def align(self):
    """str, how the faces were brought to their places: by their 'eyes', or 'off' where they were only cropped."""
    return self.settings.get('align', 'eyes')

  def has_digest(self, digest):
    """Returns whether a digest, str, is the set's: `digest`, or that of its files, which runs hold from schema 1."""
    return digest in (self.digest, self._digest_of_files)


def shard_path(prefix, index, num_shards):
  """Returns the path of shard `index` (from 0) of the set `prefix`, as in `records/adele.tfrecord-00000-of-00004`."""
  return pathlib.Path(f'{prefix}.tfrecord-{index:05d}-of-{num_shards:05d}')


def path_of(prefix):
  """Returns the path of the manifest of the set `prefix`, as in `records/adele.json`."""
  return pathlib.Path(f'{prefix}.json')


def save(prefix, manifest):
  """Writes the manifest of the set `prefix`: the last thing that is written of a set."""
  fields = dataclasses.asdict(manifest) | {
      'schema_version': SCHEMA_VERSION, 'rejected': [rejection.to_json() for rejection in manifest.rejected]}
  if not manifest.notes:
    del fields['notes']  # programs from before read it then
  files.write_text(path_of(prefix), json.dumps(fields, indent=1) + '\n')


def load(prefix):
  """Returns the `Manifest` of the set `prefix`, after a look that every shard is there.

  Raises:
    errors.InputError: there is no such set, or it is unreadable, of another schema, or lacks shards.
  """
  path = path_of(prefix)
  if not path.is_file():
    stray = ' (it has shards, but no set is whole without its manifest)' if shards_there(prefix) else ''
    others = sorted({name.name.partition('.tfrecord-')[0] for name in path.parent.glob('*.tfrecord-*')})
    raise errors.InputError(
        f'{path}: no manifest, so `{prefix}` is not a set of records{stray}. Make one with '
        f'`python -m tools.make_records`, or name one of {path.parent} without an ending: '
        f'{", ".join(others) or "none"}.')
  try:
    fields = json.loads(path.read_text(encoding='utf-8'))
    version = fields['schema_version']
    manifest = Manifest(**fields | {
        'shards': tuple(Shard(**shard) for shard in fields['shards']),
        'rejected': tuple(map(Rejection.from_json, fields['rejected'])), 'notes': tuple(fields.get('notes', ()))})
    _check_kinds(manifest)
  except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
    raise errors.InputError(f'{path}: not a manifest ({error}). Make the set again with '
                            '`python -m tools.make_records --overwrite`.') from error
  if version not in _SCHEMA_VERSIONS_READ:
    raise errors.InputError(f'{path}: schema version {version}, but this program reads '
                            f'{", ".join(map(str, _SCHEMA_VERSIONS_READ))}. Make the set again with '
                            '`python -m tools.make_records --overwrite`.')
  num_records = sum(shard.num_records for shard in manifest.shards)
  if num_records != manifest.num_images:
    raise errors.InputError(f'{path}: `num_images` ({manifest.num_images}) must be what the shards hold together, '
                            f'{num_records}. Make the set again with `python -m tools.make_records --overwrite`.')
  for shard in manifest.shards:
    if not (path.parent / shard.file).is_file():
      raise errors.InputError(f'{path.parent / shard.file}: this shard is missing. Bring it back, or make the set '
                              'again with `python -m tools.make_records --overwrite`.')
  return manifest


def _check_kinds(manifest):
  """Raises `TypeError` or `ValueError` where a `Manifest` that JSON gave holds what it cannot."""
  counts = (manifest.num_images, manifest.num_inputs, manifest.schema_version,
            *(shard.num_records for shard in manifest.shards))
  texts = (manifest.kind, *(text for shard in manifest.shards for text in (shard.file, shard.sha256, shard.digest)))
  if not all(type(count) is int and count >= 0 for count in counts):  # no bool
    raise TypeError('a count is no whole number')
  if not all(isinstance(text, str) for text in texts) or not isinstance(manifest.settings, dict):
    raise TypeError('a name or digest is no text, or the settings have no names')
  for shard in manifest.shards:
    if pathlib.PurePath(shard.file).name != shard.file or '\0' in shard.file:
      raise ValueError(f'{shard.file!r} is no name of a shard')
    if shard.digest:
      int(shard.digest, 16)


def shard_paths(prefix, manifest):
  """Returns the paths (str) of the shards that `manifest` lists for the set `prefix`, in order."""
  folder = pathlib.Path(prefix).parent
  return [str(folder / shard.file) for shard in manifest.shards]


def shards_there(prefix):
  """Returns the paths of all files named like shards of the set `prefix`, sorted, whatever its manifest lists."""
  name = re.compile(re.escape(pathlib.Path(prefix).name) + r'\.tfrecord-\d{5}-of-\d{5}')
  return sorted(path for path in pathlib.Path(prefix).parent.glob('*.tfrecord-*') if name.fullmatch(path.name))


def sha256(path):
  """Returns the SHA-256 of a file in hexadecimal."""
  digest = hashlib.sha256()
  with open(path, 'rb') as file:
    while chunk := file.read(1 << 20):
      digest.update(chunk)
  return digest.hexdigest()


def in_hexadecimal(digest):
  return f'{digest % 2**256:064x}'
