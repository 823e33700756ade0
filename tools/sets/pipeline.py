"""From a source to a set of records: both passes, the folder they work in, and how the set takes its place.

All is written to a hidden folder beside the set, `records/.adele.unfinished`: a file for each slice that was looked
through, then the shards. A run that was killed goes on with what is missing. When all is whole it is moved in place; a
set of that name stays as it was until then.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil

from absl import logging
import numpy as np

import dcgan
from dcgan.common import errors
from dcgan.common import files
from dcgan.common import images
from dcgan.common import names
from dcgan.common import progress
from dcgan.control import calibration
from dcgan.data import manifests
from dcgan.data import records
from tools.faces import alignment as face_alignment
from tools.faces import controls
from tools.material import downloads
from tools.material import sources
from tools.sets import choice
from tools.sets import convert
from tools.sets import reasons
from tools.sets import report_card
from tools.sets import scan

INPUTS_PER_SLICE = 1000
_MOST_INPUTS_PER_SLICE = 10_000
# A run is hopeless, or not, once so many inputs were looked at: a quarter of them, but not fewer or more than these.
_FEWEST_TO_JUDGE, _MOST_TO_JUDGE = 100, 2000
_NUM_REASONS_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class _Work:
  """Where the pieces of a set lie until it is whole.

  The names of the folders hold digests of all that their files depend on: what a killed run with the same inputs and
  settings left can be used, and anything else is in the way.
  """

  folder: pathlib.Path
  name: str
  num_slices: int
  scan_digest: str
  shard_digest: str = ''

  @property
  def scan_folder(self):
    return self.folder / f'scan-{self.scan_digest}'

  @property
  def shard_folder(self):
    return self.folder / f'shards-{self.shard_digest}'

  def scan_path(self, i):
    return self.scan_folder / f'{i:05d}.npz'

  def shard_path(self, i):
    return manifests.shard_path(self.shard_folder / self.name, i, self.num_slices)

  def shard_done_path(self, i):
    return self.shard_folder / f'{i:05d}.json'


@dataclasses.dataclass(frozen=True, eq=False)
class _ScanJob:
  source: object
  slices: list
  search: scan.Search
  work: _Work

  def __call__(self, i, on_event):
    scan.save(self.work.scan_path(i), scan.scan(self.source, *self.slices[i], self.search, on_event))


@dataclasses.dataclass(frozen=True, eq=False)
class _ConvertJob:
  source: object
  slices: list
  kept: list
  has_pictures: bool
  finish: convert.Finish
  work: _Work

  def __call__(self, i, on_event):
    beside = 1 if self.finish.is_steady else 0
    near = range(max(0, i - beside), min(len(self.slices), i + beside + 1))
    bulk = ('appearance',) if self.has_pictures else ('appearance', 'pictures')
    scans = [scan.load(self.work.scan_path(k), without=bulk) for k in near]
    shard, lost = convert.convert(self.source, *self.slices[i], self.work.shard_path(i), scans,
                                  [self.kept[k] for k in near], near.index(i), self.has_pictures, self.finish, on_event)
    files.write_text(self.work.shard_done_path(i), json.dumps(
        {'shard': dataclasses.asdict(shard), 'lost': [rejection.to_json() for rejection in lost]}))


def make_records(kind, paths, wanted, *, source_options, name=None, records_dir='records', overwrite=False,
                 settings, **options):
  """Makes a set of records, and prints its report.

  Args:
    kind: 'video', 'photos' or 'celeba'.
    paths: list of str: videos or their addresses, folders, or one zip.
    wanted: `choice.Wanted`.
    source_options: dict, of `sources.open_source`.
    name: str, the set's; None names it after the first path.
    records_dir: str or `pathlib.Path`, the folder that it stands in.
    overwrite: bool, whether a set of that name is replaced, once the new one is whole.
    settings: dict of JSON values for the manifest.
    **options: of `make_set`.

  Returns:
    str, the set's prefix, as in `records/adele`.

  Raises:
    errors.InputError: an argument breaks its rule, the set is there already, the input cannot be read, or no picture
      gave a face.
  """
  check_name(name)
  _check_writable(records_dir)
  given = paths
  paths = [downloads.fetch(path, os.path.join(records_dir, 'clips')) if downloads.is_url(path) else path
           for path in paths]
  prefix = os.path.join(records_dir, name or default_name(kind, paths[0]))
  source = sources.open_source(kind, paths, **source_options)
  if manifests.path_of(prefix).exists() and not overwrite:
    raise errors.InputError(f'`{prefix}` is a set of records already. Choose another --name, or give --overwrite to '
                            'replace it.')
  _, report = make_set(source, prefix, wanted, settings=settings | {'source': given}, **options)
  print(report)
  return prefix


def check_name(name):
  """Raises `errors.InputError` where the name of a set, str, cannot be one; None is none yet."""
  if name is not None and not re.fullmatch(r'\w[\w.-]*', name):
    raise errors.InputError(f'`name` ({name!r}) must be letters, digits, dots, _ and -, and start with a letter '
                            'or digit. Use --name=me.')
  names.check('name', name or '', names.SET_BYTES)


def default_name(kind, path):
  """Returns the name (str) of a set made from `path`, as `sources.default_name`, at most `names.SET_BYTES` long."""
  return names.shortened(sources.default_name(kind, path), names.SET_BYTES)


def _check_writable(folder):
  try:
    os.makedirs(folder, exist_ok=True)
  except OSError as error:
    reason = 'it is a file' if os.path.isfile(folder) else error.strerror
    raise errors.InputError(f'`records_dir` ({folder}) must be a folder that can be written to, but cannot be made '
                            f'({reason}). Choose another one.') from error
  if not os.access(folder, os.W_OK | os.X_OK):
    raise errors.InputError(f'`records_dir` ({folder}) must be a folder that can be written to. Choose another one.')


def make_set(source, prefix, wanted, *, alignment=face_alignment.EYES, background='keep', match_colour=False,
             is_steady=True, num_shards=0, max_reject_fraction=1.0, settings, run):
  """Writes the set of records of a source.

  Args:
    source: a source of `sources`.
    prefix: str, the set's path without ending, as in `records/adele`.
    wanted: `choice.Wanted`.
    alignment: str of `alignment.ALIGNMENTS`; it is also told in the manifest's settings, as `align`.
    background: str of `background.BACKGROUNDS`.
    match_colour: bool, whether every skin is brought to the median one.
    is_steady: bool, whether a video's landmarks are smoothed over time.
    num_shards: int, or 0 for one per 1,000 inputs; no more are made than there are inputs.
    max_reject_fraction: float in [0, 1], of the inputs that may be left out; where more are, it ends early.
    settings: dict of JSON values for the manifest.
    run: callable as `workers.run` without `num_workers`.

  Returns:
    (`manifests.Manifest`, str): the second is the report of `report_card`, whose picture is `NAME.png` beside the set.

  Raises:
    errors.InputError: no input gave a face that is kept, too many were left out, the same set is being made, or
      CelebA's faces, of which lists tell the eyes only, are not to be aligned by them.
  """
  if not 0 <= max_reject_fraction <= 1:
    raise errors.InputError(f'`max_reject_fraction` ({max_reject_fraction}) must be within 0 and 1. Use 0.98.')
  if alignment != face_alignment.EYES and source.kind == 'celeba':
    raise errors.InputError(f"`align` ({alignment}) must be eyes for CelebA: its lists tell where eyes are, and its "
                            'pictures are aligned already. Name other pictures by --photos, or leave it out.')
  num_slices = min(num_shards or -(-source.num_inputs // INPUTS_PER_SLICE), source.num_inputs)
  if source.num_inputs > num_slices * _MOST_INPUTS_PER_SLICE:
    fewest = -(-source.num_inputs // INPUTS_PER_SLICE)
    raise errors.InputError(f'`num_shards` ({num_shards}) must be at least {fewest:,} for {source.num_inputs:,} '
                            'pictures: a shard is made in memory. Leave it out.')
  slices = [tuple(source.num_inputs * k // num_slices for k in (i, i + 1)) for i in range(num_slices)]
  prefix = pathlib.Path(prefix)
  search = wanted.search(source.kind, background == 'keep' and not match_colour, alignment)
  work = _Work(prefix.with_name(f'.{prefix.name}.unfinished'), prefix.name, num_slices,
               _digest(dcgan.__version__, manifests.SCHEMA_VERSION, source.fingerprint, slices, search.who,
                       search.keeps_pictures, search.alignment))
  with _alone_in(work.folder):
    _clear(work.folder, work.scan_folder, *work.folder.glob('shards-*'))
    seen = _seen(source, slices, search, work, max_reject_fraction, run)
    chosen = choice.choose(seen, source.kind, wanted)
    why = {key: reason for each, its in zip(seen, chosen.reasons) for key, reason in zip(each.keys, its)}
    has_people = chosen.people is not None and len(chosen.people)
    sheet = choice.draw_people(seen, chosen, work.scan_path) if has_people else None
    if has_people and chosen.person not in chosen.people:
      images.save_picture(_sheet_path(prefix), sheet)
      raise errors.InputError(f'`person` ({chosen.person}) must be at most {chosen.people.max()}, the people found. '
                              f'{_sheet_path(prefix)} shows them with their numbers.')
    _check(seen, chosen, why, max_reject_fraction, work.folder)
    finish = convert.Finish(is_steady and source.kind == 'video', background,
                            chosen.target_lab if match_colour else None, alignment)
    work = dataclasses.replace(work, shard_digest=_digest(
        work.scan_digest, work.name, *chosen.kept, finish.is_steady, finish.background, finish.target_lab))
    _clear(work.folder, work.scan_folder, work.shard_folder)
    shards, lost = _written(_ConvertJob(source, slices, chosen.kept, search.keeps_pictures, finish, work), run)
    manifest = _manifest(source, seen, shards, _in_order(why, lost), settings)
    if not manifest.num_images:
      shutil.rmtree(work.shard_folder)
      raise errors.InputError(f'none of the {len(lost):,} pictures with a face could be read a second time, as if they '
                              'had been moved away. Bring them back, and give the same command again.')
    made = work.shard_folder / prefix.name
    manifest = dataclasses.replace(manifest, controls=_calibrated(made, manifest))
    manifests.save(made, manifest)
    report = report_card.make(made, report_card.card_path(made), prefix)
    report += f'\nLook at {report_card.card_path(prefix)} for the faces.'
    if has_people and chosen.people.max() > 1:
      report += (f'\nThere are {chosen.people.max()} people; look at {_sheet_path(prefix)} for who was taken. '
                 '--person=2 --overwrite takes another one.')
    if has_people:
      images.save_picture(_sheet_path(made), sheet)
    _publish(work, prefix, manifest)
  return manifest, report


def _digest(*values):
  """Returns 16 hexadecimal digits that differ where any of the values, arrays among them, does."""
  digest = hashlib.sha256()
  for value in values:
    if isinstance(value, np.ndarray):
      value = (str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value)).hexdigest())
    digest.update(repr(value).encode('utf-8', 'surrogateescape') + b'\0')
  return digest.hexdigest()[:16]


@contextlib.contextmanager
def _alone_in(folder):
  """Makes the folder, and holds it against another process that makes the same set."""
  folder.mkdir(parents=True, exist_ok=True)
  with open(folder / 'lock', 'w', encoding='utf-8') as lock:
    if not files.lock(lock.fileno(), folder):
      raise errors.InputError(f'`{folder}` is in use: another make_records is making this set. Wait for it, or choose '
                              'another --name.')
    try:
      yield
    except KeyboardInterrupt:
      num_slices = len([path for path in folder.glob('*/*') if path.suffix in ('.npz', '.json')])
      if num_slices:
        logging.info('What was finished, %d parts, is kept in %s: the same command goes on with it.', num_slices,
                     folder)
      raise


def _clear(folder, *kept):
  """Removes all from a work folder but its lock and what is named."""
  kept = {pathlib.Path(path).name for path in kept} | {'lock'}
  for path in folder.iterdir():
    if path.name not in kept:
      shutil.rmtree(path) if path.is_dir() else path.unlink()


def _seen(source, slices, search, work, max_reject_fraction, run):
  """Looks through the slices that no earlier run has looked through; returns the scans without their bulk."""
  work.scan_folder.mkdir(exist_ok=True)
  missing = [i for i in range(len(slices)) if not work.scan_path(i).exists()]
  num_done = source.num_inputs - sum(stop - start for start, stop in (slices[i] for i in missing))
  if num_done:
    logging.info('Going on with what an earlier run has looked through: %s of %s pictures.', f'{num_done:,}',
                 f'{source.num_inputs:,}')
  enough = min(max(_FEWEST_TO_JUDGE, source.num_inputs // 4), _MOST_TO_JUDGE)
  counts = {True: 0, False: 0}
  with progress.Progress(source.num_inputs, 'looking for faces', 'pictures', num_done) as bar:

    def on_event(has_face):
      counts[has_face] += 1
      bar.update()
      num_looked_at = sum(counts.values())
      if num_looked_at >= enough and counts[False] > max_reject_fraction * num_looked_at:
        raise errors.InputError(
            f'{counts[False]:,} of {num_looked_at:,} pictures looked at gave no face, over --max_reject_fraction='
            f'{max_reject_fraction:g}. Use other material, or raise it.')

    run(_ScanJob(source, slices, search, work), missing, on_event=on_event)
  for i in range(len(slices)):  # written by other processes, or machines
    files.wait_until_seen(work.scan_path(i))
  return [scan.load(work.scan_path(i), without=('landmarks', 'pictures')) for i in range(len(slices))]


def _written(job, run):
  """Writes the shards that no earlier run has written; returns all `manifests.Shard`s, and the rejections met."""
  work, num_inputs = job.work, job.source.num_inputs
  work.shard_folder.mkdir(exist_ok=True)
  indices = range(len(job.slices))
  missing = [i for i in indices if not (work.shard_done_path(i).exists() and work.shard_path(i).exists())]
  num_done = num_inputs - sum(stop - start for start, stop in (job.slices[i] for i in missing))
  with progress.Progress(num_inputs, 'aligning faces', 'pictures', num_done) as bar:
    run(job, missing, on_event=lambda is_kept: bar.update())
  for i in indices:  # written by other processes, or machines
    files.wait_until_seen(work.shard_done_path(i))
  done = [json.loads(work.shard_done_path(i).read_text(encoding='utf-8')) for i in indices]
  return (tuple(manifests.Shard(**each['shard']) for each in done),
          [manifests.Rejection.from_json(rejection) for each in done for rejection in each['lost']])


def _check(seen, chosen, why, max_reject_fraction, folder):
  """Ends a set in which nothing, or too little, is left.

  What was looked through stays for another try, unless there is no face in it.
  """
  num_inputs, num_kept = len(why), sum(len(rows) for rows in chosen.kept)
  counts = reasons.count(_in_order(why, ()))[:_NUM_REASONS_SHOWN]
  told = ', '.join(f'{each.count:,} × {each.sentence}' for each in counts)
  if not any(len(each.faces['input']) for each in seen):
    shutil.rmtree(folder, ignore_errors=True)
    raise errors.InputError(f'none of the {num_inputs:,} pictures gave a face, but at least one is needed: {told}. Use '
                            'pictures in which a face is large, lit and turned to the camera.')
  if not num_kept:
    raise errors.InputError(f'all of the {num_inputs:,} pictures are left out, but at least one is needed: {told}. '
                            'Change the limits named here, or use --nocurate to keep every face.')
  if num_inputs - num_kept > max_reject_fraction * num_inputs:
    raise errors.InputError(f'{num_inputs - num_kept:,} of {num_inputs:,} pictures are left out, over '
                            f'--max_reject_fraction={max_reject_fraction:g}: {told}. Use other material, or raise it.')


def _in_order(why, lost):
  """Returns the `manifests.Rejection`s of a set in the order of its inputs."""
  why = why | {rejection.key: rejection.reason for rejection in lost}
  return tuple(manifests.Rejection(key, reason) for key, reason in why.items() if reason)


def _manifest(source, seen, shards, rejected, settings):
  num_inputs = sum(len(each.keys) for each in seen)
  if source.num_inputs > num_inputs:
    logging.info('%d of %d times show the same frame as the one before.', source.num_inputs - num_inputs,
                 source.num_inputs)
  return manifests.Manifest(
      kind=source.kind, num_images=sum(shard.num_records for shard in shards), num_inputs=num_inputs, shards=shards,
      rejected=rejected + source.left_out, settings=settings, notes=source.notes)


def _calibrated(prefix, manifest):
  """Returns the ranges of what the faces of a set do, for its manifest; empty where no face has landmarks."""
  if manifest.kind == 'celeba':  # a list gave the eyes
    return {}
  _, raw = records.read_controls(prefix, manifest)
  if not np.isfinite(raw).any():
    return {}
  return calibration.calibrate(raw, controls.NOISE).to_json()


def _publish(work, prefix, manifest):
  """Puts the whole set in its place; only renames, so no disk is full.

  The manifest goes first and comes last, so that old and new shards never count as one set.
  """
  _remove_set(prefix)
  pictures = (report_card.card_path(prefix).name, _sheet_path(prefix).name)
  for name in (*(shard.file for shard in manifest.shards), *pictures):
    if name not in pictures or (work.shard_folder / name).exists():
      files.replace(work.shard_folder / name, prefix.with_name(name))
  files.replace(manifests.path_of(work.shard_folder / prefix.name), manifests.path_of(prefix))
  shutil.rmtree(work.folder, ignore_errors=True)


def _remove_set(prefix):
  """Removes the manifest of the set `prefix`, a `pathlib.Path`, then its shards and pictures, and no other file."""
  manifests.path_of(prefix).unlink(missing_ok=True)
  its_own = [*manifests.shards_there(prefix), report_card.card_path(prefix), _sheet_path(prefix)]
  other = f'{prefix}-people'
  if not manifests.path_of(other).exists():
    its_own.append(report_card.card_path(other))  # the sheet of before, unless it is the card of a set of that name
  for path in its_own:
    path.unlink(missing_ok=True)


def _sheet_path(prefix):
  """Returns the path of the sheet of people of the set `prefix`: no set's name has a plus, so it is no other's card."""
  return prefix.with_name(f'{prefix.name}+people.png')
