"""The set of an avatar: made from a video or photos, and kept where it was made from the same ones."""

import functools
import os

from absl import logging

from dcgan.common import errors
from dcgan.common import wording
from dcgan.data import manifests
from tools.faces import alignment
from tools.material import downloads
from tools.material import sources
from tools.sets import choice
from tools.sets import pipeline
from tools.sets import workers

FEW_FACES = 20  # of which none is held out

_NUM_FRAMES = 300  # wanted of a video
_MOST_FPS = 15.0  # nearer frames hardly differ
_LONG_SECS = 600  # of a video, which is read as a whole however few frames are taken
_MAX_REJECT_FRACTION = 0.98
_FINGERPRINT = 'fingerprint'  # in the manifest: which pictures the set was made from


def make(kind, paths, name, person, records_dir, overwrite):
  """Makes the set, unless it was made from the same pictures.

  Args:
    kind: 'video' or 'photos'.
    paths: list of str: videos or their addresses, or folders.
    name: str, the set's; None names it after the first path.
    person: str, whose face, as `choice.Wanted` takes it; None for the most present person, or the most central one.
    records_dir: str, the folder of all sets.
    overwrite: bool, whether a set of that name is replaced.

  Returns:
    str, its prefix.

  Raises:
    errors.InputError: an argument breaks its rule, the input or the set cannot be used, or there is no face.
  """
  pipeline.check_name(name)
  paths = [downloads.fetch(path, os.path.join(records_dir, 'clips')) if downloads.is_url(path) else path
           for path in paths]
  source_options = {}
  if kind == 'video':
    secs = sources.open_source(kind, paths, fps=1.0).num_inputs
    source_options = dict(fps=frames_per_sec(secs))
    if secs > _LONG_SECS:
      logging.info('%d minutes of video are read as a whole, which takes a while. tools.make_records takes a part of '
                   'it: --start_secs and --end_secs.', secs // 60)
  fingerprint = sources.open_source(kind, paths, **source_options).fingerprint
  prefix = os.path.join(records_dir, name or pipeline.default_name(kind, paths[0]))
  if manifests.path_of(prefix).exists() and not overwrite:
    settings = manifests.load(prefix).settings
    if settings.get(_FINGERPRINT) == fingerprint and settings.get('person') == person:
      logging.info('%s is there already, made from the same pictures.', prefix)
      return _checked(prefix)
  if kind == 'video':
    logging.info('Taking %g frames a second.', source_options['fps'])
  settings = source_options | {'align': alignment.EYES, 'person': person, _FINGERPRINT: fingerprint}
  return _checked(pipeline.make_records(
      kind, paths, choice.Wanted(person=person), source_options=source_options, name=name, records_dir=records_dir,
      overwrite=overwrite, settings=settings, max_reject_fraction=_MAX_REJECT_FRACTION,
      run=functools.partial(workers.run, num_workers=0)))


def frames_per_sec(secs):
  """Returns how many frames a second to take from `secs` (float) seconds of video: about 300 in all, 15 at most."""
  return round(min(_MOST_FPS, _NUM_FRAMES / secs), 2)


def _checked(prefix):
  """Returns the prefix of a set that holds a face or more; raises `errors.InputError` else, and warns of few."""
  num_images = manifests.load(prefix).num_images
  if not num_images:
    raise errors.InputError(f'{prefix}: no face in any picture. Take pictures in which the face is larger, upright and '
                            f'lit; the report above, and {prefix}.json, say why each was left out.')
  if num_images < FEW_FACES:
    logging.warning('Only %s of one person: it will show %s, and little between. 30 and more are better; best is half a '
                    'minute of video.', wording.counted(num_images, 'face'),
                    'those expressions' if num_images > 1 else 'that one expression')
  return prefix
