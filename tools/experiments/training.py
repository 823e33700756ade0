"""Trains the runs of an experiment; what was trained already is kept, what was stopped goes on."""

import dataclasses
import glob
import pathlib

from absl import logging

from dcgan.common import devices
from dcgan.common import entry
from dcgan.common import errors
from dcgan.data import records as record_sets
from dcgan.options import config
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import transfers

_PRESET, _PERSON, _PLAIN = 'report', 'person', 'ufm'  # the last ties no picture to a point of Z
_NUM_GRIDS = 10  # of samples, at least, however short a run is
_LONGER = 8  # times as many minibatches, in experiment 5
_MOST_KEPT = 24  # checkpoints of a run that are compared: with 64 channels each takes 0.2 GB
# How the numbers are computed may differ from machine to machine; what is computed may not.
# The set is compared by itself, which tells its alignment too; older runs say nothing of that or of the transfer.
_MAY_DIFFER = ('records_digest', 'precision', 'xla', 'align', 'transfer', *config.FREE_ON_RESUME)


@dataclasses.dataclass(frozen=True)
class Scale:
  """How large an experiment is.

  Attributes:
    num_minibatches: int, of each run.
    channels: int, filters next to the picture; the report's code had 64.
    image_size_px: int, of a generated picture.
    seeds: tuple of int; everything is trained once with each.
    long_minibatches: int, for experiment 5: where its runs end, which are compared at `num_minibatches`; None for eight
      times as many.
  """

  num_minibatches: int
  channels: int = 64
  image_size_px: int = 64
  seeds: tuple = (0,)
  long_minibatches: int | None = None


@dataclasses.dataclass(frozen=True)
class Variant:
  """One run of an experiment.

  Attributes:
    name: str, of its folder after the number and the set, as in 'batch9-shuffled-seed0'.
    options: `config.Config`.
    preset: str, what the options were made from.
    init_from: str or None, the model that it starts from.
    moment: int or None, a minibatch whose checkpoint is needed, besides the last one's.
  """

  name: str
  options: config.Config
  preset: str = _PRESET
  init_from: str | None = None
  moment: int | None = None


def make_variant(records, scale, seed, global_batch_size=64, minibatches='shuffled'):
  """Returns the `Variant` that is trained with the report's parameters, warned of a collapse but never stopped by it.

  Args:
    records: str, the set.
    scale: `Scale`.
    seed: int.
    global_batch_size: int.
    minibatches: a name from `config.MINIBATCHES`.

  Raises:
    errors.InputError: a value breaks its rule.
  """
  usual = presets.PRESETS[_PRESET].periods.samples_every_steps
  options = presets.PRESETS[_PRESET].replace(
      'networks', channels=scale.channels, image_size_px=scale.image_size_px).replace(
          'data', records=str(records), global_batch_size=global_batch_size, minibatches=minibatches).replace(
              'training', num_minibatches=scale.num_minibatches, seed=seed).replace(
                  'periods', samples_every_steps=min(usual, max(1, scale.num_minibatches // _NUM_GRIDS))).replace(
                      'health', on_collapse='warn')
  return Variant(f'batch{global_batch_size}-{minibatches}-seed{seed}', options.validate())


def make_placed(records, scale, seed, init_from):
  """Returns the `Variant` of experiment 4 in which each frame has its place in Z, as the preset `person` learns it.

  Args:
    records: str, the set.
    scale: `Scale`; its channels and size of pictures do not count.
    seed: int.
    init_from: str, the model of many faces that it starts from, whose networks and crop it has.

  Raises:
    errors.InputError: there is no such model, or a value breaks its rule.
  """
  donor = transfers.load_donor(init_from).model.options
  options = dataclasses.replace(presets.PRESETS[_PERSON], networks=donor.networks).replace(
      'data', records=str(records), crop_px=donor.data.crop_px, holdout_fraction=0.0).replace(
          'training', num_minibatches=scale.num_minibatches, seed=seed, transfer='full').replace(
              'health', on_collapse='warn')
  return Variant(f'places-seed{seed}', options.validate(), _PERSON, init_from)


def make_arms(records, scale, init_from):
  """Returns the runs of experiment 5, list of `Variant`: of each seed one from a model of many faces, one from scratch.

  Nothing else differs: both have the networks and the crop of that model, the recipe of the preset `ufm`, the
  report's minibatches of 64 and the same points of Z, and are warned of a collapse but never stopped by it. They keep a
  checkpoint every so often, and at `scale.num_minibatches`.

  Args:
    records: str, the set.
    scale: `Scale`; its channels and size of pictures do not count.
    init_from: str, the model, as `session.start` takes it.

  Raises:
    errors.InputError: there is no such model, or a value breaks its rule.
  """
  moment = scale.num_minibatches
  donor = transfers.load_donor(init_from).model.options
  options = dataclasses.replace(presets.PRESETS[_PLAIN], networks=donor.networks, health=config.Health(),
                                periods=config.Periods())
  options = options.replace('data', records=str(records), crop_px=donor.data.crop_px, holdout_fraction=0.1).replace(
      'training', num_minibatches=moment, transfer='full').validate()
  end = _LONGER * moment if scale.long_minibatches is None else scale.long_minibatches
  if not moment <= end <= _MOST_KEPT * moment:
    raise errors.InputError(f'`long_minibatches` ({end}) must lie between `num_minibatches` ({moment}) and '
                            f'{_MOST_KEPT} times that. Use {_LONGER * moment}.')
  every = next(number for number in range(1, moment + 1) if moment % number == 0 and end <= _MOST_KEPT * number)
  options = options.replace('training', num_minibatches=end).replace(
      'periods', samples_every_steps=every, checkpoint_every_steps=every, keep_every_steps=every)
  arms = []
  for seed in scale.seeds:
    seeded = options.replace('training', seed=seed).validate()
    arms += [Variant(f'ufm-seed{seed}', seeded, _PLAIN, init_from, moment),
             Variant(f'scratch-seed{seed}', seeded, _PLAIN, None, moment)]
  return arms


def train(variants, out):
  """Yields the folder of the run of each variant, trained to its end.

  A finished run in `out` is taken as it is, and so is one that diverged; one that was stopped goes on exactly, one that
  is shorter than wanted is trained on. With other options a new run is made beside those that are there.

  Args:
    variants: iterable of `Variant`.
    out: path of the folder that the runs stand in.

  Yields:
    `pathlib.Path`, in the order of the variants.

  Raises:
    entry.Stopped: a signal ended a run.
    errors.InputError: a set cannot be used, a run is damaged or being trained by another process, or one diverged
      before its first checkpoint.
  """
  strategy = devices.build_strategy()
  precision = devices.choose_precision()
  for variant in variants:
    run = find_run(variant, out)
    if run and (_has_diverged(run) or checkpoints.steps(run)[-1] == variant.options.training.num_minibatches):
      logging.info('%s is trained already.', run)
      yield run
      continue
    try:
      if run:
        result = session.resume(run, _going_on(runs.load_options(run), variant.options), strategy)
      else:
        options = variant.options.replace('training', precision=precision)
        options = options.replace('training', xla=devices.choose_xla(options, strategy))
        result = session.start(options, str(out), variant.name, variant.init_from, _flagfile(variant, options),
                               strategy)
    except health.Diverged as error:  # a result like others, as long as there is something to measure
      run = find_run(variant, out)
      if not run:
        raise
      logging.warning('%s It is measured at its last checkpoint.', error)
      yield run
      continue
    if result.signal:
      raise entry.Stopped(result.run, result.signal)
    yield result.run


def find_run(variant, out):
  """Returns the newest run (`pathlib.Path`) of a variant in the folder `out` that has a checkpoint, or None.

  Raises:
    errors.InputError: there is no such set, or the options of a run of that name are damaged.
  """
  manifest = record_sets.load_manifest(variant.options.data.records)
  wanted = variant.options
  digest = transfers.load_donor(variant.init_from).model.digest if variant.init_from else None
  for run in sorted(pathlib.Path(out).glob(f'[0-9]*-{glob.escape(variant.name)}'), reverse=True):
    options = runs.load_options(run)
    differences = {name for name, _, _ in config.differences(options, wanted)}
    steps = checkpoints.steps(run)
    if (steps and steps[-1] <= wanted.training.num_minibatches and differences <= set(_MAY_DIFFER)
        and manifest.has_digest(options.data.records_digest)
        and transfers.donor_digest(run) == digest
        and (variant.moment is None or variant.moment in steps or variant.moment > steps[-1])):
      return run
  return None


def _has_diverged(run):
  return any(line.get('kind') == 'diverged' for line in health.load_verdicts(run))


def _going_on(options, wanted):
  """Returns the options of a run with those that may change set as they are wanted."""
  for group in dataclasses.fields(config.Config):
    fields = {field.name for field in dataclasses.fields(group.default)} & set(config.FREE_ON_RESUME)
    options = options.replace(group.name, **{name: getattr(getattr(wanted, group.name), name) for name in fields})
  return options


def _flagfile(variant, options):
  """Returns the flags of `dcgan.train` that repeat a run, one a line."""
  lines = [f'--preset={variant.preset}']
  if variant.init_from:
    lines += [f'--init_from={variant.init_from}']
  for name, _, value in config.differences(presets.PRESETS[variant.preset], options):
    lines.append(f'--{name}={("off", "on")[value] if isinstance(value, bool) else value}')
  return '\n'.join(lines) + '\n'
