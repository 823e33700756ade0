"""Trains the runs of an experiment; what was trained already is kept, what was stopped goes on."""

import dataclasses
import glob
import pathlib

from absl import logging

from dcgan.common import devices
from dcgan.common import entry
from dcgan.data import manifests
from dcgan.options import config
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import health
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import transfers
from tools.experiments import variants

# How the numbers are computed may differ from machine to machine; what is computed may not.
# The set is compared by itself, which tells its alignment too; older runs say nothing of that or of the transfer.
_MAY_DIFFER = ('records_digest', 'precision', 'xla', 'align', 'transfer', 'places_start', *config.FREE_ON_RESUME)


@dataclasses.dataclass(frozen=True)
class RunFolder:
  """A run that was trained.

  Attributes:
    variant: `variants.Variant`.
    path: `pathlib.Path` of its folder.
  """

  variant: variants.Variant
  path: pathlib.Path


def train(wanted, out):
  """Yields the `RunFolder` of each variant, trained to its end.

  A finished run in `out` is taken as it is, and so is one that diverged; one that was stopped goes on exactly, one that
  is shorter than wanted is trained on. With other options a new run is made beside those that are there.

  Args:
    wanted: iterable of `variants.Variant`.
    out: path of the folder that the runs stand in.

  Yields:
    `RunFolder`, in the order of the variants.

  Raises:
    entry.Stopped: a signal ended a run.
    errors.InputError: a set cannot be used, a run is damaged or being trained by another process, or one diverged
      before its first checkpoint.
  """
  strategy = devices.build_strategy()
  precision = devices.choose_precision()
  for variant in wanted:
    run = find_run(variant, out)
    if run and (_has_diverged(run) or checkpoints.steps(run)[-1] == variant.options.training.num_minibatches):
      logging.info('%s is trained already.', run)
    else:
      run = _trained(variant, run, out, strategy, precision)
    yield RunFolder(variant, run)


def find_run(variant, out):
  """Returns the newest run (`pathlib.Path`) of a variant in the folder `out` that has a checkpoint, or None.

  Raises:
    errors.InputError: there is no such set, or the options of a run of that name are damaged.
  """
  manifest = manifests.load(variant.options.data.records)
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


def _trained(variant, run, out, strategy, precision):
  """Returns the folder (`pathlib.Path`) of a variant's run, trained to its end or until it diverged.

  Args:
    variant: `variants.Variant`.
    run: `pathlib.Path` of the run that goes on, or None for a new one.
    out: path of the folder that the runs stand in.
    strategy: the `tf.distribute.Strategy`.
    precision: str, of a new run.

  Raises:
    entry.Stopped: a signal ended it.
    errors.InputError: it cannot be trained, or diverged before its first checkpoint.
  """
  try:
    if run:
      result = session.resume(run, _going_on(runs.load_options(run), variant.options), strategy)
    else:
      options = variant.options.replace('training', precision=precision)
      options = options.replace('training', xla=devices.choose_xla(options, strategy))
      result = session.start(options, str(out), variant.name, variant.init_from,
                             presets.flagfile(variant.preset, options, init_from=variant.init_from), strategy)
  except health.Diverged as error:  # a result like others, as long as there is something to measure
    run = find_run(variant, out)
    if not run:
      raise
    logging.warning('%s It is measured at its last checkpoint.', error)
    return run
  if result.signal:
    raise entry.Stopped(result.run, result.signal)
  return result.run


def _has_diverged(run):
  return any(line.get('kind') == 'diverged' for line in health.load_verdicts(run))


def _going_on(options, wanted):
  """Returns the options of a run with those that may change set as they are wanted."""
  for name in config.FREE_ON_RESUME:
    group = config.OPTIONS[name].group
    options = options.replace(group, **{name: getattr(getattr(wanted, group), name)})
  return options
