"""Trains a DCGAN on a set of aligned faces: from nothing, from another run, or on from where a run stopped.

  python -m dcgan.train --records=records/adele
  python -m dcgan.train --records=records/adele --init_from=checkpoints/00000-faces64 --num_minibatches=75
  python -m dcgan.train --resume=checkpoints/00001-adele64 --num_minibatches=3000

The last line on standard output is the run's folder: options, log, statistics, sample grids, TensorBoard events and
checkpoints. Ctrl-C saves first; --resume goes on from there.
"""

import dataclasses
import sys

from absl import app
from absl import flags

from dcgan import config
from dcgan import entry

_DEFAULTS = config.Config()

_RECORDS = flags.DEFINE_string('records', None, 'Set to train on, as in records/NAME (from tools.make_records).')
_INIT_FROM = flags.DEFINE_string('init_from', None,
                                 'Run or checkpoint to take the weights from, with fresh optimizers.')
_RESUME = flags.DEFINE_string('resume', None, 'Run to go on with. Only --num_minibatches, the --..._every_steps and '
                              '--records (if the set was moved) may be given with it.')
_CHECKPOINTS_DIR = flags.DEFINE_string('checkpoints_dir', 'checkpoints', 'Folder in which each run gets its own.')
_NOTE = flags.DEFINE_string('note', None, 'Added to the name of the run.')
_NUM_MINIBATCHES = flags.DEFINE_integer('num_minibatches', _DEFAULTS.training.num_minibatches,
                                        'Minibatches to train, counted from the start of the run.')
_GLOBAL_BATCH_SIZE = flags.DEFINE_integer('global_batch_size', _DEFAULTS.data.global_batch_size,
                                          'Pictures in a minibatch, over all devices.')
_MINIBATCHES = flags.DEFINE_enum('minibatches', _DEFAULTS.data.minibatches, config.MINIBATCHES,
                                 'Which pictures meet: any, or similar ones in staggered minibatches.')
_OVERLAP = flags.DEFINE_float('overlap', _DEFAULTS.data.overlap_fraction,
                              'Share of an overlapping minibatch that stands in the next one too.')
_CROP = flags.DEFINE_integer('crop', _DEFAULTS.data.crop_px,
                             'Side in px of the central square of the 178x218 face that the networks see.')
_IMAGE_SIZE = flags.DEFINE_integer('image_size', _DEFAULTS.networks.image_size_px,
                                   'Size in px of a generated picture.')
_CHANNELS = flags.DEFINE_integer('channels', _DEFAULTS.networks.channels, 'Filters next to the picture.')
_LEARNING_RATE = flags.DEFINE_float('learning_rate', _DEFAULTS.training.learning_rate, 'Of both Adam optimizers.')
_BETA1 = flags.DEFINE_float('beta1', _DEFAULTS.training.beta1, 'Momentum of both Adam optimizers.')
_EMA_HALF_LIFE_IMAGES = flags.DEFINE_integer('ema_half_life_images', _DEFAULTS.training.ema_half_life_images,
                                             'Images seen until half of the averaged generator is new.')
_AUGMENT = flags.DEFINE_list('augment', [], 'What is done at random to each picture before the discriminator sees it, '
                             f'so that it cannot learn a tiny set by heart: {", ".join(config.AUGMENTATIONS)}.')
_PRECISION = flags.DEFINE_enum('precision', 'auto', ('auto',) + config.PRECISIONS,
                               'Of activations; auto takes bfloat16 where the device is built for it.')
_SEED = flags.DEFINE_integer('seed', _DEFAULTS.training.seed, 'Of weights, minibatches, z and the 64 fixed points.')
_LOG_EVERY_STEPS = flags.DEFINE_integer('log_every_steps', _DEFAULTS.periods.log_every_steps,
                                        'Minibatches between two lines of statistics; Ctrl-C waits so long at most.')
_SAMPLES_EVERY_STEPS = flags.DEFINE_integer('samples_every_steps', _DEFAULTS.periods.samples_every_steps,
                                            'Minibatches between two sample grids.')
_CHECKPOINT_EVERY_STEPS = flags.DEFINE_integer('checkpoint_every_steps', _DEFAULTS.periods.checkpoint_every_steps,
                                               'Minibatches between two checkpoints.')

_PERIODS = ('log_every_steps', 'samples_every_steps', 'checkpoint_every_steps')
_FREE_ON_RESUME = ('resume', 'records', 'num_minibatches') + _PERIODS


def main():
  """Trains as the flags say; returns the run's folder."""
  if not _RECORDS.value and not _RESUME.value:
    raise app.UsageError('--records is needed: the set to train on, as in --records=records/NAME.')
  if _RESUME.value:
    _check_resume_flags()
  else:
    options = _options_from_flags('float32').validate()  # wrong values are told before TensorFlow loads
  from dcgan import devices  # pylint: disable=import-outside-toplevel
  from dcgan import runs  # pylint: disable=import-outside-toplevel
  from dcgan import session  # pylint: disable=import-outside-toplevel
  if _RESUME.value:
    options = _changed_by_flags(runs.load_options(_RESUME.value)).validate()
    result = session.resume(_RESUME.value, options)
  else:
    precision = devices.choose_precision() if _PRECISION.value == 'auto' else _PRECISION.value
    result = session.start(_options_from_flags(precision), _CHECKPOINTS_DIR.value, _NOTE.value, _INIT_FROM.value,
                           flagfile=_flagfile())
  if result.signal:
    print(result.run, flush=True)
    sys.exit(128 + result.signal)
  return result.run


def _options_from_flags(precision):
  return config.Config(
      networks=config.Networks(image_size_px=_IMAGE_SIZE.value, channels=_CHANNELS.value),
      data=config.Data(
          records=_RECORDS.value, crop_px=_CROP.value, minibatches=_MINIBATCHES.value,
          overlap_fraction=_OVERLAP.value, global_batch_size=_GLOBAL_BATCH_SIZE.value),
      training=config.Training(
          num_minibatches=_NUM_MINIBATCHES.value, learning_rate=_LEARNING_RATE.value, beta1=_BETA1.value,
          ema_half_life_images=_EMA_HALF_LIFE_IMAGES.value, augment=tuple(_AUGMENT.value), precision=precision,
          seed=_SEED.value),
      periods=config.Periods(
          log_every_steps=_LOG_EVERY_STEPS.value, samples_every_steps=_SAMPLES_EVERY_STEPS.value,
          checkpoint_every_steps=_CHECKPOINT_EVERY_STEPS.value))


def _key_flags():
  return flags.FLAGS.get_key_flags_for_module(sys.argv[0])


def _check_resume_flags():
  for flag in _key_flags():
    if flag.present and flag.name not in _FREE_ON_RESUME:
      raise app.UsageError(f'--{flag.name} ({flag.value}) cannot change with --resume, which goes on exactly. '
                           f'Leave it out, or start a new run with --init_from={_RESUME.value}.')


def _changed_by_flags(options):
  """Returns a run's options with those replaced that were given beside --resume."""
  given = {name: flags.FLAGS[name].value for name in _FREE_ON_RESUME if flags.FLAGS[name].present}
  replace = dataclasses.replace
  return replace(
      options,
      data=replace(options.data, **{name: given[name] for name in ('records',) if name in given}),
      training=replace(options.training, **{name: given[name] for name in ('num_minibatches',) if name in given}),
      periods=replace(options.periods, **{name: given[name] for name in _PERIODS if name in given}))


def _flagfile():
  """Returns the flags of this run, one a line, for --flagfile."""
  return ''.join(f'{flag.serialize()}\n' for flag in _key_flags() if flag.value is not None)


if __name__ == '__main__':
  entry.run(main)
