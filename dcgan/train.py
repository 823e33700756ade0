"""Trains a DCGAN on a set of aligned faces: from nothing, from another run, or on from where a run stopped.

  python -m dcgan.train --records=records/adele
  python -m dcgan.train --records=records/adele --init_from=ufm
  python -m dcgan.train --resume=checkpoints/00001-adele64 --num_minibatches=3000
  python -m dcgan.train --records=records/adele --preset=report --dry_run

A preset is a named set of options, and flags override it: `person` for a video or a tiny set (the default under 2,000
images), `ufm` for many faces, `report` for what was done in 2016. --dry_run shows all options.

The last line on standard output is the run's folder: options, log, statistics, sample grids, TensorBoard events and
checkpoints. Ctrl-C saves first; --resume goes on from there.
"""

import pathlib
import sys

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import names
from dcgan.common import wording
from dcgan.options import config
from dcgan.options import presets

_PRESET = flags.DEFINE_enum('preset', 'auto', ('auto', *presets.PRESETS), 'Options to start from; auto takes person '
                            f'for videos and sets under {presets.FEW_IMAGES:,} images, else ufm. Other flags override '
                            'it.')
_INIT_FROM = entry.define_path('init_from', None, 'Model to take the weights from, with fresh optimizers: ufm for '
                               'the Universal Face Model that comes with the project, a run, a checkpoint in one, '
                               'or a .safetensors file.')
_CHECKPOINTS_DIR = entry.define_path('checkpoints_dir', 'checkpoints', 'Folder in which each run gets its own.')
_NOTE = flags.DEFINE_string('note', None, 'Added to the name of the run.')
_DRY_RUN = flags.DEFINE_bool('dry_run', False, 'Print the options, the size of the networks, an estimate of the memory '
                             'and the minibatches in a pass over the set, and stop.')
_STRATEGY = flags.DEFINE_enum('strategy', 'auto', ('auto', 'one', 'mirrored', 'multi_worker'), 'Train on one '
                              'device, on all GPUs of this machine, or on the machines that TF_CONFIG lists; auto '
                              'takes most.')
_STORAGE = flags.DEFINE_enum('storage', 'auto', config.STORAGES, 'Hold the decoded set in memory, or stream it from '
                             'its shards; auto streams what does not fit well.')
_MAY_CHANGE = (*config.FREE_ON_RESUME, _STRATEGY.name, _STORAGE.name)
_TOLD_MAY_CHANGE = ', '.join(f'--{name}' for name in _MAY_CHANGE)
_RESUME = entry.define_path('resume', None, 'Run to go on with. Only these may be given with it: '
                            f'{_TOLD_MAY_CHANGE}; --records where the set was moved, and --checkpoints_dir if it is '
                            'the folder that the run lies in.')

_DEFINE = {int: flags.DEFINE_integer, float: flags.DEFINE_float, str: flags.DEFINE_string, tuple: flags.DEFINE_list}


def _define(name, option):
  """Defines the flag of an option; what is not given is the preset's, or found out."""
  if option.is_automatic:
    return flags.DEFINE_enum(name, 'auto', ('auto', *option.words), option.help)
  if isinstance(option.default, bool):
    return flags.DEFINE_enum(name, None, option.words, option.help)
  if option.is_path:
    return entry.define_path(name, None, option.help)
  return _DEFINE[type(option.default)](name, None, option.help)


_OPTIONS = {name: _define(name, option) for name, option in config.OPTIONS.items() if option.is_flag}


def main():
  """Trains as the flags say; returns the run's folder."""
  if _RESUME.value:
    return _resume()
  prefix = _OPTIONS['records'].value
  if not prefix:
    raise app.UsageError('--records is needed: the set to train on, as in --records=records/NAME.')
  _check_flags()
  from dcgan.common import devices  # pylint: disable=import-outside-toplevel
  from dcgan.data import manifests  # pylint: disable=import-outside-toplevel
  from dcgan.training import session  # pylint: disable=import-outside-toplevel
  manifest = manifests.load(prefix)
  preset = presets.choose(manifest.kind, manifest.num_images) if _PRESET.value == 'auto' else _PRESET.value
  logging.info('Preset %s, for a set of %s faces.', preset, f'{manifest.num_images:,}')
  strategy = devices.build_strategy(_STRATEGY.value)
  options = _changed_by_flags(presets.PRESETS[preset]).validate()
  if _OPTIONS['precision'].value == 'auto':
    options = options.replace('training', precision=devices.choose_precision())
  if _OPTIONS['xla'].value == 'auto':
    options = options.replace('training', xla=devices.choose_xla(options, strategy))
  if _DRY_RUN.value:
    return session.describe(options, _INIT_FROM.value, strategy, _STORAGE.value)
  return _ended(session.start(options, _CHECKPOINTS_DIR.value, _NOTE.value, _INIT_FROM.value, _flagfile(preset),
                              strategy, _STORAGE.value), strategy)


def _check_flags():
  """Tells of wrong values before TensorFlow loads: those that are wrong in every preset that it can come to.

  Raises:
    errors.InputError: names the first.
  """
  names.check(_NOTE.name, _NOTE.value or '', names.NOTE_BYTES)
  told = []
  for preset in presets.CHOICES if _PRESET.value == 'auto' else [_PRESET.value]:
    try:
      _changed_by_flags(presets.PRESETS[preset]).validate()
      return
    except errors.InputError as error:
      told.append(error)
  raise told[0]


def _resume():
  """Goes on with a run; returns its folder."""
  _check_may_change()
  from dcgan.common import devices  # pylint: disable=import-outside-toplevel
  from dcgan.training import runs  # pylint: disable=import-outside-toplevel
  from dcgan.training import session  # pylint: disable=import-outside-toplevel
  options = _changed_by_flags(runs.load_options(_RESUME.value)).validate()
  strategy = devices.build_strategy(_STRATEGY.value)
  return _ended(session.resume(_RESUME.value, options, strategy, _STORAGE.value), strategy)


def _check_may_change():
  """Raises `app.UsageError` where a flag is given that may not change when a run goes on."""
  folder = pathlib.Path(_RESUME.value).absolute().parent
  for flag in _key_flags():
    if not flag.present or flag.name in (_RESUME.name, *_MAY_CHANGE):
      continue
    if flag.name != _CHECKPOINTS_DIR.name:
      raise app.UsageError(f'--{flag.name} ({flag.value}) cannot change with --resume, which goes on exactly. '
                           f'Leave it out, or start a new run with {wording.flag("init_from", _RESUME.value)}. What '
                           f'may change: {_TOLD_MAY_CHANGE}.')
    if pathlib.Path(flag.value).resolve() != folder.resolve():
      raise app.UsageError(f'--{flag.name} ({flag.value}) must be the folder that the run lies in, {folder}: with '
                           '--resume it goes on there. Leave it out.')


def _ended(result, strategy):
  """Keeps the controls of a person's run with it, where its set holds any; returns the run's folder."""
  if result.signal:
    raise entry.Stopped(result.run, result.signal)
  from dcgan.common import devices  # pylint: disable=import-outside-toplevel
  from dcgan.training import kept_controls  # pylint: disable=import-outside-toplevel
  if devices.is_chief(strategy):
    try:
      if kept_controls.keep(result.run):
        logging.info('Its controls are kept in %s. See what it does with: python -m tools.pose %s --card',
                     kept_controls.path_of(result.run), wording.flag('run', result.run))
    except errors.InputError as error:
      logging.info('No controls are kept: %s', error)
  return result.run


def _changed_by_flags(options):
  """Returns options with those replaced that flags were given for."""
  for name, holder in _OPTIONS.items():
    option = config.OPTIONS[name]
    if holder.value is not None and not (option.is_automatic and holder.value == 'auto'):
      options = options.replace(option.group, **{name: option.from_flag(holder.value)})
  return options


def _key_flags():
  return flags.FLAGS.get_key_flags_for_module(sys.argv[0])


def _flagfile(preset):
  """Returns the flags of this run, one a line, for --flagfile."""
  given = ''.join(f'{flag.serialize()}\n' for flag in _key_flags() if flag.value is not None and flag.name != 'preset')
  return f'--preset={preset}\n{given}'


if __name__ == '__main__':
  entry.run(main)
