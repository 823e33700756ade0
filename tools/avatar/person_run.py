"""The run of an avatar: found again where it was begun, else trained at the size that the machine can learn."""

import dataclasses
import pathlib

from absl import logging

from dcgan.common import devices
from dcgan.common import files
from dcgan.data import manifests
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import transfers
from tools.avatar import deadline
from tools.avatar import person_set
from tools.avatar import preview

AVATAR = 'avatar.gif'  # in the folder of a run that is done

_MINUTES = 'minutes.txt'  # likewise: how long it was trained
_MINUTES_BEFORE = 6.5  # of runs of earlier versions, which did not keep it

_PRESET, _NOTE = 'person', 'avatar'
_NUM_MINIBATCHES = 100_000  # more than any time allows
_SAMPLES_EVERY_STEPS, _CHECKPOINT_EVERY_STEPS = 25, 100
_FEWEST_STEPS = 100  # of any run; before that it shows the model that it began from
# After training began, when a minute is not over yet; or after a third of the time, where that is less. Where an encoder
# has put the pictures in Z, what the model makes of them is like them before the first minibatch.
_PREVIEW_SECS = 20.0
_LARGE_PX, _SMALL_PX = 128, 64


def train(prefix, model, image_size, init_from, checkpoints_dir, minutes, overwrite):
  """Trains a run on a set, or goes on with one of any size where none is given.

  Args:
    prefix: str, the set.
    model: `weights.Model` to start from; its networks and crop are kept.
    image_size: int, of the pictures, in px; None for that of the model, or 128 where that is 64 and the machine fast.
    init_from: str, what the model was loaded from.
    checkpoints_dir: str, the folder of all runs.
    minutes: float, how long to train at most, with what a run that is done was trained before.
    overwrite: bool, whether a new run is made in any case.

  Returns:
    (`session.Result`, bool): of a run that is done already without any training, and whether it is one.

  Raises:
    errors.InputError: an option breaks its rule, a run is damaged, or training diverged.
  """
  sizes = (image_size,) if image_size else _sizes(model.options.networks.image_size)
  flags = {size: _flags(_options(prefix, model.options, size), init_from) for size in sizes}
  run = None if overwrite else _earlier_run(prefix, flags.values(), model.digest, checkpoints_dir)
  if run and (run / AVATAR).is_file():
    step, before = checkpoints.steps(run)[-1], _minutes_of(run)
    if step < fewest_steps(runs.load_options(run)):
      logging.info('%s was trained for %d minibatches only: it goes on.', run, step)
    elif minutes <= before:
      return session.Result(run, step, None), True
    else:
      logging.info('%s was trained for %g minutes: it goes on.', run, before)
      minutes -= before
  size = None if run else _choose_size(sizes)
  clock = deadline.Deadline(minutes, _SAMPLES_EVERY_STEPS)

  def also_due(folder, parts):
    is_alike = (parts.options.places.places_start == 'encoder'
                and parts.options.networks.image_size == model.options.networks.image_size)
    shown = preview.Preview(pathlib.Path(folder) / preview.FILE, parts.save_reconstructions,
                            0.0 if is_alike else min(_PREVIEW_SECS, 60 * minutes / 3))
    shown(parts.learner.step)
    return [shown, clock]

  logging.info('Learning the face, for %g minutes at most.', minutes)
  strategy = devices.build_strategy()
  if run:
    return session.resume(run, runs.load_options(run), strategy, also_due=also_due), False
  options = _options(prefix, model.options, size)
  num_replicas = strategy.num_replicas_in_sync
  options = options.replace('data', global_batch_size=-(-options.data.global_batch_size // num_replicas) * num_replicas)
  options = options.replace('training', precision=devices.choose_precision())
  options = options.replace('training', xla=devices.choose_xla(options, strategy))
  return session.start(options, checkpoints_dir, _NOTE, init_from, flags[size], strategy, also_due=also_due), False


def keep_minutes(run, minutes):
  """Keeps with a run that is done for how many minutes, float, it was trained at most."""
  files.write_text(run / _MINUTES, f'{minutes:g}\n')


def _minutes_of(run):
  """Returns for how many minutes, float, a run that is done was trained at most; of one from before those by default."""
  try:
    return float((run / _MINUTES).read_text(encoding='utf-8'))
  except (OSError, ValueError):
    return _MINUTES_BEFORE


def fewest_steps(options):
  """Returns the minibatches (int) that a run takes at least until it shows the person: until all were seen alone.

  Args:
    options: `config.Config` of the run, whose set is there.
  """
  num_first = min(manifests.load(options.data.records).num_images, options.places.first_images)
  return max(_FEWEST_STEPS, -(-options.places.alone_visits * num_first // options.data.global_batch_size))


def _sizes(donor_px):
  """Returns the widths of pictures, in px, the largest first, that a run may have from a model of `donor_px` px."""
  return (_LARGE_PX, _SMALL_PX) if donor_px == _SMALL_PX else (donor_px,)


def _choose_size(sizes):
  """Returns the one of `_sizes` that this machine can learn in a few minutes."""
  if len(sizes) == 1 or devices.is_fast():
    return sizes[0]
  logging.info('This machine is too slow to learn %d px in a few minutes: making %d px. --image_size=%d makes it all '
               'the same, with more --minutes.', _LARGE_PX, _SMALL_PX, _LARGE_PX)
  return sizes[-1]


def _options(prefix, donor, image_size):
  """Returns the `config.Config` of a run on a set, with the networks and the crop of the model that it starts from."""
  options = dataclasses.replace(presets.PRESETS[_PRESET], networks=donor.networks)
  is_small = manifests.load(prefix).num_images < person_set.FEW_FACES
  return options.replace('networks', image_size=image_size).replace(
      'data', records=prefix, crop=donor.data.crop,
      holdout_fraction=0.0 if is_small else options.data.holdout_fraction).replace(
          'training', num_minibatches=_NUM_MINIBATCHES).replace(
              'periods', samples_every_steps=_SAMPLES_EVERY_STEPS, checkpoint_every_steps=_CHECKPOINT_EVERY_STEPS,
              best_by='none').validate()


def _flags(options, init_from):
  """Returns the flags with which dcgan.train makes the same run, by which a run is found again."""
  return presets.flagfile(_PRESET, options, init_from=init_from, note=_NOTE)


def _earlier_run(prefix, flags, digest, checkpoints_dir):
  """Returns the newest run of one of some flags, the same model and pictures that has a checkpoint, or None."""
  manifest = manifests.load(prefix)
  for path in sorted(pathlib.Path(checkpoints_dir).glob(f'*-{_NOTE}/flags.txt'), reverse=True):
    run = path.parent
    told = path.read_text(encoding='utf-8').replace('--z_map=True\n', '')  # which stood there once, and is no flag
    if (told in flags and transfers.donor_digest(run) == digest
        and manifest.has_digest(runs.load_options(run).data.records_digest) and checkpoints.steps(run)):
      return run
  return None
