"""From a video or photos of a person to an animated face: a set, a run, its gallery and two of its expressions."""

import dataclasses
import functools
import os
import pathlib
import time

from absl import logging

from dcgan import checkpoints
from dcgan import config
from dcgan import devices
from dcgan import entry
from dcgan import errors
from dcgan import gallery
from dcgan import health
from dcgan import latents
from dcgan import presets
from dcgan import records
from dcgan import runs
from dcgan import session
from dcgan import transfers
from tools.avatar import animation
from tools.evaluation import evaluation
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
_NUM_MINIBATCHES = 600
_SAMPLES_EVERY_STEPS, _CHECKPOINT_EVERY_STEPS = 20, 50
_PREVIEW_STEP = 60  # from a model of many faces the person begins to be there, and a minute is not over
_KEEP_EVERY_STEPS = 200  # of which the best is chosen; 0.2 GB each
_NUM_SAMPLES = 128  # that each is judged by
_FEWEST_FACES = 10
_NOTE, _AVATAR = 'avatar', 'avatar.gif'
_FINGERPRINT = 'fingerprint'  # in the manifest: which pictures the set was made from


def make_avatar(kind, paths, *, name=None, person=None, minutes=6.0, init_from=transfers.SHIPPED, records_dir='records',
                checkpoints_dir='checkpoints', overwrite=False):
  """Makes a set, trains a run on it, and animates two expressions of its best checkpoint.

  A set that was made from the same pictures is kept, and a run on it that was stopped goes on; one that is done is taken
  as it is.

  Args:
    kind: 'video' or 'photos'.
    paths: list of str: videos or their addresses, or one folder.
    name: str, the set's; None names it after the first path.
    person: str, whose face, as `choice.Wanted` takes it; None for the most present person, or the most central one.
    minutes: float, how long to train at most.
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
  result = _train(_options(prefix, model.options), init_from, model.digest, checkpoints_dir, minutes, overwrite)
  if result.signal:
    logging.info('The avatar is not done. The same command goes on where it stopped.')
    raise entry.Stopped(result.run, result.signal)
  path = result.run / _AVATAR
  if path.is_file():
    logging.info('%s is done already. --overwrite makes all anew; to train it further: python -m dcgan.train '
                 '--resume=%s --num_minibatches=%d', path, result.run, 2 * result.global_step)
    return path
  step = evaluation.choose_checkpoint(result.run, _NUM_SAMPLES).step
  logging.info('The best of its checkpoints is that of minibatch %d. Drawing its gallery, and animating it.', step)
  generator, options, _ = checkpoints.load_generator(result.run, step)
  z = latents.gallery_points(latents.NUM_FIXED_POINTS, options.networks.z_dims, options.training.seed,
                             checkpoints.load_picture_z(result.run, step))
  gallery.save(gallery.default_path(result.run), generator, z, step)
  return animation.save(result.run, path=path)


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

  def __call__(self, step, is_last=False):
    """Returns `health.Decision` that it is enough, or None."""
    if is_last or time.monotonic() < self._ends_at:
      return None
    logging.info('The %g minutes for training are over at minibatch %d.', self._minutes, step)
    return health.Decision('enough')


class Preview:
  """Tells of the first grid of samples that shows the person.

  Args:
    run: path of the run's folder.
  """

  every_steps = _PREVIEW_STEP

  def __init__(self, run):
    self._run = pathlib.Path(run)

  def __call__(self, step, is_last=False):
    """Logs the path of the grid of minibatch `step`, where it is that one."""
    del is_last
    if step == _PREVIEW_STEP:
      logging.info('Preview: %s', self._run / f'samples_{step:06d}.png')


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
  """Returns the prefix of a set that holds faces enough; raises `errors.InputError` else."""
  num_images = records.load_manifest(prefix).num_images
  if num_images < _FEWEST_FACES:
    raise errors.InputError(f'{prefix}: only {num_images} face{"s" * (num_images != 1)} of one person, and '
                            f'{_FEWEST_FACES} are the least (30 and more are better). Take more pictures; the report '
                            f'above, and {prefix}.json, say why others were left out.')
  return prefix


def _options(prefix, donor):
  """Returns the `config.Config` of a run on a set, with the networks and the crop of the model that it starts from."""
  options = dataclasses.replace(presets.PRESETS[_PRESET], networks=donor.networks)
  return options.replace('data', records=prefix, crop_px=donor.data.crop_px).replace(
      'training', num_minibatches=_NUM_MINIBATCHES).replace(
          'periods', samples_every_steps=_SAMPLES_EVERY_STEPS, checkpoint_every_steps=_CHECKPOINT_EVERY_STEPS,
          keep_every_steps=_KEEP_EVERY_STEPS).validate()


def _train(options, init_from, digest, checkpoints_dir, minutes, overwrite):
  """Trains a run, or goes on with it; returns the `session.Result`, of a finished one at once."""
  flagfile = f'--preset={_PRESET}\n--init_from={init_from}\n--note={_NOTE}\n' + ''.join(
      f'--{name}={value}\n' for name, _, value in config.differences(presets.PRESETS[_PRESET], options))
  run = None if overwrite else _earlier_run(options, digest, checkpoints_dir, flagfile)
  if run:
    step = checkpoints.steps(run)[-1]
    if step >= options.training.num_minibatches or (run / _AVATAR).is_file():
      return session.Result(run, step, None)
  deadline = Deadline(minutes, _SAMPLES_EVERY_STEPS)
  also_due = lambda folder: [Preview(folder), deadline]
  logging.info('Learning the face, for %g minutes at most.', minutes)
  strategy = devices.build_strategy()
  if run:
    return session.resume(run, runs.load_options(run), strategy, also_due=also_due)
  options = options.replace('training', precision=devices.choose_precision())
  options = options.replace('training', xla=devices.choose_xla(options, strategy))
  return session.start(options, checkpoints_dir, _NOTE, init_from, flagfile, strategy, also_due=also_due)


def _earlier_run(options, digest, checkpoints_dir, flagfile):
  """Returns the newest run of the same flags, model and pictures that has a checkpoint, or None."""
  records_digest = records.load_manifest(options.data.records).digest
  for path in sorted(pathlib.Path(checkpoints_dir).glob(f'*-{_NOTE}/flags.txt'), reverse=True):
    run = path.parent
    if (path.read_text(encoding='utf-8') == flagfile and transfers.donor_digest(run) == digest
        and runs.load_options(run).data.records_digest == records_digest and checkpoints.steps(run)):
      return run
  return None
