"""From a source to a set of records: find, judge and align each face; write shards, then the manifest."""

import dataclasses
import os
import pathlib
import re
import shutil

from absl import logging
import cv2

from dcgan import errors
from dcgan import progress
from dcgan import records
from tools.faces import alignment
from tools.faces import curation
from tools.faces import landmarks
from tools.faces import sources

INPUTS_PER_SHARD = 2000
FEWEST_FACES = 64  # what the report trained usable models on

_JPEG_OPTIONS = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
_NUM_REASONS_SHOWN = 3


def make_records(kind, path, *, fps=1.0, name=None, records_dir='records', num_shards=0, overwrite=False,
                 min_eye_distance_px=12.0, max_outside_fraction=0.2):
  """Makes a set of records from a video or a folder of pictures, and logs what was left out of it.

  Args:
    kind: 'video', 'photos' or 'celeba'.
    path: str, the video or the folder.
    fps: float > 0, pictures per second of a video.
    name: str, the set's; None names it after `path`.
    records_dir: str or `pathlib.Path`, the folder that it stands in.
    num_shards: int, or 0 for one per 2,000 inputs.
    overwrite: bool, whether a set of that name is replaced, once the new one is whole.
    min_eye_distance_px: float, as in `curation.Limits`.
    max_outside_fraction: float, likewise.

  Returns:
    str, the set's prefix, as in `records/adele`.

  Raises:
    errors.InputError: an argument breaks its rule, the set is there already, the input cannot be read, or no picture
      gave a face.
  """
  name = sources.default_name(kind, path) if name is None else name
  if not re.fullmatch(r'\w[\w.-]*', name):
    raise errors.InputError(f'`name` ({name!r}) must be letters, digits, dots, _ and -, and start with a letter '
                            'or digit. Use --name=me.')
  prefix = os.path.join(records_dir, name)
  if records.manifest_path(prefix).exists() and not overwrite:
    raise errors.InputError(f'`{prefix}` is a set of records already. Choose another --name, or give --overwrite to '
                            'replace it.')
  _check_writable(records_dir)
  limits = curation.Limits(min_eye_distance_px, max_outside_fraction)
  source = sources.open_source(kind, path, fps)
  settings = {'source': path, 'fps': fps if kind == 'video' else None, **dataclasses.asdict(limits)}
  manifest = write_set(source, prefix, landmarks.FaceFinder(), limits, settings, num_shards)
  logging.info('%d faces of %d pictures in %s', manifest.num_images, manifest.num_inputs, prefix)
  for reason, count in curation.count_kinds(manifest.rejected).items():
    logging.info('%d left out: %s', count, reason)
  if manifest.num_images < FEWEST_FACES:
    logging.info('%d faces are few: under %d a model is seldom usable. Take more pictures a second (--fps), a longer '
                 'video or more photos.', manifest.num_images, FEWEST_FACES)
  return prefix


def _check_writable(folder):
  try:
    os.makedirs(folder, exist_ok=True)
  except OSError as error:
    reason = 'it is a file' if os.path.isfile(folder) else error.strerror
    raise errors.InputError(f'`records_dir` ({folder}) must be a folder that can be written to, but cannot be made '
                            f'({reason}). Choose another one.') from error
  if not os.access(folder, os.W_OK | os.X_OK):
    raise errors.InputError(f'`records_dir` ({folder}) must be a folder that can be written to. Choose another one.')


def make_face(frame, finder, limits):
  """Returns a frame's `records.Face`, or the `records.Rejection` that says why there is none.

  Args:
    frame: `sources.Frame`.
    finder: `landmarks.FaceFinder`.
    limits: `curation.Limits`.
  """
  points = finder.find(frame.image)
  if points is None:
    return records.Rejection(frame.key, curation.NO_FACE)
  eyes = points[[landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS], :2]
  reason = curation.reason_against_eyes(eyes, limits)
  if reason is None:
    aligned = alignment.align(frame.image, points, eyes)
    reason = curation.reason_against_crop(aligned, limits)
  if reason is not None:
    return records.Rejection(frame.key, reason)
  return records.Face(
      encoded=_jpeg(aligned.image), key=frame.key, order=frame.order, time_secs=frame.time_secs,
      eyes=aligned.landmarks[[landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS], :2],
      landmarks=aligned.landmarks, sharpness=curation.sharpness(aligned.image),
      descriptor=curation.descriptor(aligned.image))


def convert_shard(source, start, stop, path, finder, limits, on_input=lambda: None):
  """Writes the faces of the inputs `start` to `stop` (exclusive) of a source to one shard; depends on nothing else.

  Args:
    source: a source of `sources`.
    start: int, the first input.
    stop: int, behind the last input.
    path: str or `pathlib.Path` of the shard.
    finder: `landmarks.FaceFinder`.
    limits: `curation.Limits`.
    on_input: callable without arguments, called after each input.

  Returns:
    (`records.Shard`, list of `records.Rejection`).
  """
  rejected = []

  def faces():
    for item in source.read(start, stop):
      if isinstance(item, sources.Frame):
        item = make_face(item, finder, limits)
      if isinstance(item, records.Rejection):
        rejected.append(item)
      else:
        yield item
      on_input()

  return records.write_shard(path, faces()), rejected


def write_set(source, prefix, finder, limits, settings, num_shards=0):
  """Writes the set of records of a source and returns its manifest.

  All is written to a hidden folder beside the set, `records/.adele.unfinished`, and moved in place when it is whole: a
  set of that name stays as it was until then. Memory does not grow with the pictures, only with the list of the
  rejected ones.

  Args:
    source: a source of `sources`.
    prefix: str, the set's path without ending, as in `records/adele`.
    finder: `landmarks.FaceFinder`.
    limits: `curation.Limits`.
    settings: dict of JSON values for the manifest.
    num_shards: int, or 0 for one per 2,000 inputs; no more are made than there are inputs.

  Returns:
    `records.Manifest`.

  Raises:
    errors.InputError: no input gave a face; nothing is left behind then.
  """
  num_shards = min(num_shards or -(-source.num_inputs // INPUTS_PER_SHARD), source.num_inputs)
  prefix = pathlib.Path(prefix)
  unfinished = prefix.with_name(f'.{prefix.name}.unfinished')
  shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
  shards, rejected = [], []
  try:
    unfinished.mkdir(parents=True)
    with progress.Progress(source.num_inputs, 'looking for faces', 'pictures') as bar:
      for i in range(num_shards):
        start, stop = (source.num_inputs * k // num_shards for k in (i, i + 1))
        shard, rejected_here = convert_shard(
            source, start, stop, records.shard_path(unfinished / prefix.name, i, num_shards), finder, limits,
            bar.update)
        shards.append(shard)
        rejected.extend(rejected_here)
    manifest = _manifest(source, shards, rejected, settings)
    records.save_manifest(unfinished / prefix.name, manifest)
  except BaseException:  # Ctrl-C too
    shutil.rmtree(unfinished, ignore_errors=True)
    raise
  _publish(unfinished, prefix, manifest)
  return manifest


def _publish(unfinished, prefix, manifest):
  """Puts the whole set in the folder `unfinished` in the place of the set `prefix`; only renames, so no disk is full.

  The manifest goes first and comes last, so that old and new shards never count as one set.
  """
  _remove_set(prefix)
  for shard in manifest.shards:
    os.replace(unfinished / shard.file, prefix.with_name(shard.file))
  os.replace(records.manifest_path(unfinished / prefix.name), records.manifest_path(prefix))
  shutil.rmtree(unfinished, ignore_errors=True)


def _remove_set(prefix):
  """Removes the manifest of the set `prefix`, a `pathlib.Path`, then its shards, and no other file."""
  records.manifest_path(prefix).unlink(missing_ok=True)
  shard_name = re.compile(re.escape(prefix.name) + r'\.tfrecord-\d{5}-of-\d{5}')
  for path in sorted(prefix.parent.iterdir()):
    if shard_name.fullmatch(path.name):
      path.unlink()


def _manifest(source, shards, rejected, settings):
  num_images = sum(shard.num_records for shard in shards)
  if not num_images:
    kinds = list(curation.count_kinds(rejected).items())[:_NUM_REASONS_SHOWN]
    reasons = ', '.join(f'{count} × {kind}' for kind, count in kinds)
    raise errors.InputError(f'`{settings.get("source")}`: none of the {len(rejected)} pictures gave a face, but at '
                            f'least one is needed: {reasons}. Use pictures in which a face is large, lit and turned to '
                            'the camera.')
  if source.num_inputs > num_images + len(rejected):
    logging.info('%d of %d times show the same frame as the one before.',
                 source.num_inputs - num_images - len(rejected), source.num_inputs)
  return records.Manifest(
      kind=source.kind, num_images=num_images, num_inputs=num_images + len(rejected), shards=tuple(shards),
      rejected=tuple(rejected), settings=settings)


def _jpeg(image):
  """Returns uint8 RGB [height, width, 3] as JPEG bytes of quality 95 with full colour resolution."""
  _, encoded = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPEG_OPTIONS)
  return encoded.tobytes()
