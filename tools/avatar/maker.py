"""From a video or photos of a person to an animated face: a set, a run, its gallery and a way through expressions."""

import dataclasses
import functools
import os
import pathlib
import time

from absl import logging

from dcgan.common import devices
from dcgan.common import entry
from dcgan.common import errors
from dcgan.data import records
from dcgan.options import config
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import transfers
from tools.avatar import animation
from tools.faces import alignment
from tools.material import downloads
from tools.material import sources
from tools.sets import choice
from tools.sets import pipeline
from tools.sets import workers

_NUM_FRAMES = 300  # wanted of a video
_MOST_FPS = 15.0  # nearer frames hardly differ
_LONG_SECS = 600  # of a video, which is read as a whole however few frames are taken
_MAX_REJECT_FRACTION = 0.98
_PRESET = 'person'
_NUM_MINIBATCHES = 100_000  # more than any time allows
_SAMPLES_EVERY_STEPS, _CHECKPOINT_EVERY_STEPS = 25, 100
# After training began, when a minute is not over yet; or after a third of the time, where that is less.
_PREVIEW_SECS = 20.0
_PREVIEW_EVERY_STEPS, _PREVIEW_AGAIN_SECS = 5, 30.0
_PREVIEW = 'preview.png'
_LARGE_PX, _SMALL_PX = 128, 64
_NUM_EXPRESSIONS = 5
_FEW_FACES = 20  # of which none is held out
_NOTE, _AVATAR = 'avatar', 'avatar.gif'
_FINGERPRINT = 'fingerprint'  # in the manifest: which pictures the set was made from


def make_avatar(kind, paths, *, name=None, person=None, minutes=6.5, image_size=None, init_from=transfers.SHIPPED,
                records_dir='records', checkpoints_dir='checkpoints', overwrite=False):
  """Makes a set, trains a run on it, and animates a way through several of its expressions.

  A set that was made from the same pictures is kept, and a run on it that was stopped goes on; one that is done is taken
  as it is.

  Args:
    kind: 'video' or 'photos'.
    paths: list of str: videos or their addresses, or one folder.
    name: str, the set's; None names it after the first path.
    person: str, whose face, as `choice.Wanted` takes it; None for the most present person, or the most central one.
    minutes: float, how long to train at most.
    image_size: int, of the pictures, in px; None for 128, or that of `init_from` on machines that are too slow for it.
    init_from: str, the model to start from, as for `transfers.load_donor`; its networks and crop are kept.
    records_dir: str, the folder of all sets.
    checkpoints_dir: str, the folder of all runs.
    overwrite: bool, whether all is made anew, a set of that name replaced.

  Returns:
    `pathlib.Path` of the GIF.

  Raises:
    entry.Stopped: a signal ended the training.
    errors.InputError: an argument breaks its rule, the input, the set or `init_from` cannot be used, there are too few
      faces, or training diverged.
  """
  model = transfers.load_donor(init_from).model
  prefix = _make_set(kind, paths, name, person, records_dir, overwrite)
  result = _train(prefix, model, image_size, init_from, checkpoints_dir, minutes, overwrite)
  if result.signal:
    logging.info('The avatar is not done. The same command goes on where it stopped.')
    raise entry.Stopped(result.run, result.signal)
  path = result.run / _AVATAR
  if path.is_file():
    logging.info('%s is done already. --overwrite makes all anew; to train it further: python -m dcgan.train '
                 '--resume=%s --num_minibatches=%d', path, result.run, 2 * result.global_step)
    return path
  logging.info('Animating expressions that are far apart.')
  animation.save(result.run, path=path, through=_NUM_EXPRESSIONS, there_and_back=False)
  return path


def frames_per_sec(secs):
  """Returns how many frames a second to take from `secs` (float) seconds of video: about 300 in all, 15 at most."""
  return round(min(_MOST_FPS, _NUM_FRAMES / secs), 2)


class Deadline:
  """Ends training when its time is over.

  Args:
    minutes: float, from now on.
    every_steps: int, minibatches between two looks at the clock.
  """

  def __init__(self, minutes, every_steps):
    self.every_steps = every_steps
    self._minutes = minutes
    self._ends_at = time.monotonic() + 60 * minutes

  def secs_left(self):
    """Returns how many seconds are left, float."""
    return self._ends_at - time.monotonic()

  def __call__(self, step, is_last=False):
    """Returns `health.Decision` that it is enough, or None."""
    if is_last or self.secs_left() > 0:
      return None
    logging.info('The %g minutes for training are over at minibatch %d.', self._minutes, step)
    return health.Decision('enough')


class Preview:
  """Draws pictures of the person beside what the model makes of them: once soon after the start, then anew now and then.

  Args:
    path: path of the picture.
    draw: callable of the path, which draws it.
    secs: float, from now on, after which it is drawn for the first time.
  """

  every_steps = _PREVIEW_EVERY_STEPS

  def __init__(self, path, draw, secs):
    self._path = path
    self._draw = draw
    self._due_at = time.monotonic() + secs
    self._is_told = False

  def __call__(self, step, is_last=False):
    """Draws it where it is due, and logs its path the first time."""
    if time.monotonic() < self._due_at and not is_last:
      return
    self._draw(self._path)
    self._due_at = time.monotonic() + _PREVIEW_AGAIN_SECS
    if not self._is_told:
      self._is_told = True
      logging.info('Preview: %s shows pictures of the set, and under each what the model makes of it at minibatch %d. It '
                   'is drawn anew every half minute.', self._path, step)


def _make_set(kind, paths, name, person, records_dir, overwrite):
  """Makes the set, unless it was made from the same pictures; returns its prefix."""
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
  prefix = os.path.join(records_dir, name or sources.default_name(kind, paths[0]))
  if records.manifest_path(prefix).exists() and not overwrite:
    settings = records.load_manifest(prefix).settings
    if settings.get(_FINGERPRINT) == fingerprint and settings.get('person') == person:
      logging.info('%s is there already, made from the same pictures.', prefix)
      return _checked(prefix)
  if kind == 'video':
    logging.info('Taking %g frames a second.', source_options['fps'])
  settings = source_options | dict(align=alignment.EYES, person=person, fingerprint=fingerprint)
  return _checked(pipeline.make_records(
      kind, paths, choice.Wanted(person=person), source_options=source_options, name=name, records_dir=records_dir,
      overwrite=overwrite, settings=settings, max_reject_fraction=_MAX_REJECT_FRACTION,
      run=functools.partial(workers.run, num_workers=0)))


def _checked(prefix):
  """Returns the prefix of a set that holds a face or more; raises `errors.InputError` else, and warns of few."""
  num_images = records.load_manifest(prefix).num_images
  if not num_images:
    raise errors.InputError(f'{prefix}: no face in any picture. Take pictures in which the face is larger, upright and '
                            f'lit; the report above, and {prefix}.json, say why each was left out.')
  if num_images < _FEW_FACES:
    logging.warning('Only %d face%s of one person: it will show %s, and little between. 30 and more are better; best is '
                    'half a minute of video.', num_images, 's' * (num_images != 1),
                    'those expressions' if num_images > 1 else 'that one expression')
  return prefix


def _sizes(donor_px):
  """Returns the widths of pictures, in px, the largest first, that a run may have from a model of `donor_px` px."""
  return (_LARGE_PX, _SMALL_PX) if donor_px == _SMALL_PX else (donor_px,)


def _choose_size(sizes):
  """Returns the one of `_sizes` that this machine can learn in a few minutes."""
  if len(sizes) == 1 or devices.is_fast():
    return sizes[0]
  logging.info('This machine is too slow to learn %d px in a few minutes: making %d px. --image_size=%d makes it all the '
               'same, with more --minutes.', _LARGE_PX, _SMALL_PX, _LARGE_PX)
  return sizes[-1]


def _options(prefix, donor, image_size):
  """Returns the `config.Config` of a run on a set, with the networks and the crop of the model that it starts from."""
  options = dataclasses.replace(presets.PRESETS[_PRESET], networks=donor.networks)
  is_small = records.load_manifest(prefix).num_images < _FEW_FACES
  return options.replace('networks', image_size_px=image_size).replace(
      'data', records=prefix, crop_px=donor.data.crop_px,
      holdout_fraction=0.0 if is_small else options.data.holdout_fraction).replace(
          'training', num_minibatches=_NUM_MINIBATCHES).replace(
              'periods', samples_every_steps=_SAMPLES_EVERY_STEPS, checkpoint_every_steps=_CHECKPOINT_EVERY_STEPS,
              best_by='none').validate()


def _train(prefix, model, image_size, init_from, checkpoints_dir, minutes, overwrite):
  """Trains a run, or goes on with one of any size where none is given; returns the `session.Result`."""
  sizes = (image_size,) if image_size else _sizes(model.options.networks.image_size_px)
  flags = {size: _flags(_options(prefix, model.options, size), init_from) for size in sizes}
  run = None if overwrite else _earlier_run(prefix, flags.values(), model.digest, checkpoints_dir)
  if run and (run / _AVATAR).is_file():
    return session.Result(run, checkpoints.steps(run)[-1], None)
  size = None if run else _choose_size(sizes)
  deadline = Deadline(minutes, _SAMPLES_EVERY_STEPS)
  first_secs = min(_PREVIEW_SECS, 60 * minutes / 3)
  also_due = lambda folder, parts: [
      Preview(pathlib.Path(folder) / _PREVIEW, parts.save_reconstructions, first_secs), deadline]
  logging.info('Learning the face, for %g minutes at most.', minutes)
  strategy = devices.build_strategy()
  if run:
    return session.resume(run, runs.load_options(run), strategy, also_due=also_due)
  options = _options(prefix, model.options, size)
  num_replicas = strategy.num_replicas_in_sync
  options = options.replace('data', global_batch_size=-(-options.data.global_batch_size // num_replicas) * num_replicas)
  options = options.replace('training', precision=devices.choose_precision())
  options = options.replace('training', xla=devices.choose_xla(options, strategy))
  return session.start(options, checkpoints_dir, _NOTE, init_from, flags[size], strategy, also_due=also_due)


def _flags(options, init_from):
  """Returns the flags with which dcgan.train makes the same run, by which a run is found again."""
  return f'--preset={_PRESET}\n--init_from={init_from}\n--note={_NOTE}\n' + ''.join(
      f'--{name}={value}\n' for name, _, value in config.differences(presets.PRESETS[_PRESET], options))


def _earlier_run(prefix, flags, digest, checkpoints_dir):
  """Returns the newest run of one of some flags, the same model and pictures that has a checkpoint, or None."""
  manifest = records.load_manifest(prefix)
  for path in sorted(pathlib.Path(checkpoints_dir).glob(f'*-{_NOTE}/flags.txt'), reverse=True):
    run = path.parent
    if (path.read_text(encoding='utf-8') in flags and transfers.donor_digest(run) == digest
        and manifest.has_digest(runs.load_options(run).data.records_digest) and checkpoints.steps(run)):
      return run
  return None
