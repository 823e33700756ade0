"""Trains a DCGAN on a set of aligned faces: from nothing, from another run, or on from where a run stopped.

  python -m dcgan.train --records=records/adele
  python -m dcgan.train --records=records/adele --init_from=ufm
  python -m dcgan.train --resume=checkpoints/00001-adele64 --num_minibatches=3000
  python -m dcgan.train --records=records/adele --preset=report --dry_run

A preset is a named set of options, and flags override it: `person` for a tiny set (the default under 2,000 images),
`ufm` for many faces, `report` for what was done in 2016. --dry_run shows all options.

The last line on standard output is the run's folder: options, log, statistics, sample grids, TensorBoard events and
checkpoints. Ctrl-C saves first; --resume goes on from there.
"""

import sys

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from dcgan.common import errors
from dcgan.options import config
from dcgan.options import presets

_RECORDS = flags.DEFINE_string('records', None, 'Set to train on, as in records/NAME (from tools.make_records).')
_PRESET = flags.DEFINE_enum('preset', 'auto', ('auto', *presets.PRESETS), 'Options to start from; auto takes person '
                            'for videos and sets under 2,000 images, else ufm. Other flags override it.')
_INIT_FROM = flags.DEFINE_string('init_from', None, 'Model to take the weights from, with fresh optimizers: ufm for '
                                 'the Universal Face Model that comes with the project, a run, a checkpoint in one, '
                                 'or a .safetensors file.')
_RESUME = flags.DEFINE_string('resume', None, 'Run to go on with. Only --num_minibatches, the periods, --strategy, '
                              '--storage and --records (if the set was moved) may be given with it.')
_CHECKPOINTS_DIR = flags.DEFINE_string('checkpoints_dir', 'checkpoints', 'Folder in which each run gets its own.')
_NOTE = flags.DEFINE_string('note', None, 'Added to the name of the run.')
_DRY_RUN = flags.DEFINE_bool('dry_run', False, 'Print the options, the size of the networks, an estimate of the memory '
                             'and the minibatches in a pass over the set, and stop.')
_STRATEGY = flags.DEFINE_enum('strategy', 'auto', ('auto', 'one', 'mirrored', 'multi_worker'), 'Train on one '
                              'device, on all GPUs of this machine, or on the machines that TF_CONFIG lists; auto '
                              'takes most.')
_STORAGE = flags.DEFINE_enum('storage', 'auto', config.STORAGES, 'Hold the decoded set in memory, or stream it from '
                             'its shards; auto streams what does not fit well.')
_PRECISION = flags.DEFINE_enum('precision', 'auto', ('auto',) + config.PRECISIONS,
                               'Of activations; auto takes float32 or bfloat16, whichever is faster here.')
_XLA = flags.DEFINE_enum('xla', 'auto', ('auto', 'on', 'off'), 'Compile the step with XLA; auto does on one GPU, where '
                         'everything compiles.')

# The other options: flag, group and field of `config.Config`, help. Their defaults are the preset's.
_OPTIONS = (
    (flags.DEFINE_integer, 'num_minibatches', 'training.num_minibatches',
     'Minibatches to train, counted from the start of the run.'),
    (flags.DEFINE_string, 'transfer', 'training.transfer', 'With --init_from, what is learnt: full: all weights; '
     'freeze_d: all but the lower half of the discriminator; bn_only: the scales and shifts of the generator\'s '
     'BatchNorm and a z for each picture, without a discriminator; auto: one of these, by the number of pictures.'),
    (flags.DEFINE_integer, 'global_batch_size', 'data.global_batch_size', 'Pictures in a minibatch, over all devices.'),
    (flags.DEFINE_string, 'minibatches', 'data.minibatches', 'Which pictures meet: shuffled, or overlapping, similar '
     'ones in staggered minibatches.'),
    (flags.DEFINE_float, 'overlap', 'data.overlap_fraction',
     'Share of an overlapping minibatch that stands in the next one too.'),
    (flags.DEFINE_integer, 'crop', 'data.crop_px',
     'Side in px of the central square of the 178x218 face that the networks see.'),
    (flags.DEFINE_float, 'holdout_fraction', 'data.holdout_fraction', 'Share of the set that is never trained on, to '
     'judge the run by: any photos, or some stretches of a video.'),
    (flags.DEFINE_integer, 'image_size', 'networks.image_size_px',
     'Size in px of a generated picture: 64, 128 or 256.'),
    (flags.DEFINE_integer, 'channels', 'networks.channels', 'Filters next to the picture.'),
    (flags.DEFINE_integer, 'kernel_size', 'networks.kernel_size_px', 'Of every convolution, in px: 5, or 4.'),
    (flags.DEFINE_string, 'discriminator_norm', 'networks.discriminator_norm',
     f'In the discriminator: {", ".join(config.DISCRIMINATOR_NORMS)}.'),
    (flags.DEFINE_string, 'minibatch_features', 'networks.minibatch_features', 'What the discriminator learns of other '
     f'pictures beside the one it judges: {", ".join(config.MINIBATCH_FEATURES)}.'),
    (flags.DEFINE_string, 'loss', 'training.loss', f'{", ".join(config.LOSSES)}.'),
    (flags.DEFINE_float, 'learning_rate', 'training.learning_rate', 'Of both Adam optimizers.'),
    (flags.DEFINE_float, 'beta1', 'training.beta1', 'Momentum of both Adam optimizers.'),
    (flags.DEFINE_float, 'beta2', 'training.beta2', 'How long both Adam optimizers remember the size of gradients.'),
    (flags.DEFINE_string, 'learner', 'training.learner', 'adversarial: the game of G and D alone, as in the report; '
     'places: each picture has its place in Z, learnt with G.'),
    (flags.DEFINE_float, 'places_rate', 'places.places_rate', 'How far a place moves along each axis of Z at a visit.'),
    (flags.DEFINE_float, 'places_noise', 'places.places_noise', 'How far places are shaken, in their own length.'),
    (flags.DEFINE_string, 'between', 'places.between', 'Where else the adversarial loss looks: between places of any '
     f'two pictures of a minibatch, or of neighbours: {", ".join(config.BETWEEN)}.'),
    (flags.DEFINE_float, 'between_fraction', 'places.between_fraction', 'Such points for each picture.'),
    (flags.DEFINE_float, 'pixels_weight', 'places.pixels_weight', 'Weight of pixels in the loss of a reconstruction.'),
    (flags.DEFINE_float, 'edges_weight', 'places.edges_weight', 'Weight of edges at three scales.'),
    (flags.DEFINE_float, 'features_weight', 'places.features_weight', "Weight of what D's layers see."),
    (flags.DEFINE_float, 'adversarial_weight', 'places.adversarial_weight', 'Weight of what D thinks.'),
    (flags.DEFINE_integer, 'alone_visits', 'places.alone_visits', 'How often each picture is seen at the start for '
     'its reconstruction alone, without the discriminator, in a quarter of the time.'),
    (flags.DEFINE_integer, 'visits', 'places.visits', 'How often a picture is seen until as many new ones join; 300 are '
     'there from the start.'),
    (flags.DEFINE_integer, 'ema_half_life_images', 'training.ema_half_life_images', 'Images seen until half of the '
     'averaged generator is new; early in a run fewer. 0 averages nothing.'),
    (flags.DEFINE_integer, 'seed', 'training.seed', 'Of weights, minibatches, z and the 64 fixed points.'),
    (flags.DEFINE_list, 'augment', 'augmentation.policies', 'What is done at random to each picture before the '
     'discriminator sees it, so that it cannot learn a tiny set by heart: '
     f'{", ".join(config.AUGMENTATIONS)}; empty for nothing.'),
    (flags.DEFINE_string, 'augment_mode', 'augmentation.mode',
     'fixed, or adaptive: as often as the discriminator needs.'),
    (flags.DEFINE_float, 'augment_probability', 'augmentation.probability', 'How often; where adaptive, at the start.'),
    (flags.DEFINE_float, 'augment_target', 'augmentation.target',
     'Adaptive: mean sign of the logits of reals to aim at.'),
    (flags.DEFINE_integer, 'augment_ramp_images', 'augmentation.ramp_images',
     'Adaptive: images seen in which the probability can go from 0 to 1.'),
    (flags.DEFINE_float, 'label_smoothing', 'regularization.label_smoothing', 'How far the label of reals is below 1.'),
    (flags.DEFINE_float, 'instance_noise', 'regularization.instance_noise',
     'Standard deviation of the noise on what the discriminator sees, at the start.'),
    (flags.DEFINE_integer, 'instance_noise_images', 'regularization.instance_noise_images',
     'Images seen until that noise is gone.'),
    (flags.DEFINE_float, 'r1_gamma', 'regularization.r1_gamma', 'Weight of the R1 gradient penalty; 0 for none.'),
    (flags.DEFINE_integer, 'r1_every_steps', 'regularization.r1_every_steps',
     'Minibatches from one R1 penalty to the next.'),
    (flags.DEFINE_integer, 'log_every_steps', 'periods.log_every_steps',
     'Minibatches between two lines of statistics.'),
    (flags.DEFINE_integer, 'samples_every_steps', 'periods.samples_every_steps',
     'Minibatches between two sample grids.'),
    (flags.DEFINE_integer, 'checkpoint_every_steps', 'periods.checkpoint_every_steps',
     'Minibatches between two checkpoints, of which the latest two and the best are kept.'),
    (flags.DEFINE_integer, 'keep_every_steps', 'periods.keep_every_steps',
     'Minibatches between two checkpoints that are kept for good; 0 for none.'),
    (flags.DEFINE_integer, 'health_every_steps', 'periods.health_every_steps',
     "Minibatches between two looks at the run's health."),
    (flags.DEFINE_string, 'on_collapse', 'health.on_collapse', 'When training goes wrong: warn, stop at the last good '
     'checkpoint, or rollback: go back there and train on with a changed recipe.'),
    (flags.DEFINE_integer, 'max_rollbacks', 'health.max_rollbacks', 'Rollbacks in a run; the next collapse stops it.'),
    (flags.DEFINE_string, 'stop_when', 'health.stop_when', 'end, or best+N: stop when the best checkpoint is N '
     'minibatches old.'),
    (flags.DEFINE_string, 'best_by', 'periods.best_by',
     f'Measure of the best checkpoint: {", ".join(config.BEST_BY)}.'),
)
_HOLDERS = {place: define(name, None, text) for define, name, place, text in _OPTIONS}

_FREE_ON_RESUME = ('resume', 'strategy', 'storage', *config.FREE_ON_RESUME)


def main():
  """Trains as the flags say; returns the run's folder."""
  if _RESUME.value:
    return _resume()
  if not _RECORDS.value:
    raise app.UsageError('--records is needed: the set to train on, as in --records=records/NAME.')
  _check_flags()
  from dcgan.common import devices  # pylint: disable=import-outside-toplevel
  from dcgan.data import records  # pylint: disable=import-outside-toplevel
  from dcgan.training import session  # pylint: disable=import-outside-toplevel
  manifest = records.load_manifest(_RECORDS.value)
  is_video = manifest.kind == 'video'
  preset = presets.choose(manifest.num_images, is_video) if _PRESET.value == 'auto' else _PRESET.value
  logging.info('Preset %s, for a set of %s faces.', preset, f'{manifest.num_images:,}')
  strategy = devices.build_strategy(_STRATEGY.value)
  options = _changed_by_flags(presets.PRESETS[preset]).validate().replace('data', records=_RECORDS.value)
  options = options.replace('training', precision=(
      devices.choose_precision() if _PRECISION.value == 'auto' else _PRECISION.value))
  options = options.replace('training', xla=(
      devices.choose_xla(options, strategy) if _XLA.value == 'auto' else _XLA.value == 'on'))
  if _DRY_RUN.value:
    return session.describe(options, _INIT_FROM.value, strategy, _STORAGE.value)
  return _ended(session.start(options, _CHECKPOINTS_DIR.value, _NOTE.value, _INIT_FROM.value, _flagfile(preset),
                              strategy, _STORAGE.value))


def _check_flags():
  """Tells of wrong values before TensorFlow loads: those that are wrong in every preset that it can come to.

  Raises:
    errors.InputError: names the first.
  """
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
  for flag in _key_flags():
    if flag.present and flag.name not in _FREE_ON_RESUME:
      raise app.UsageError(f'--{flag.name} ({flag.value}) cannot change with --resume, which goes on exactly. '
                           f'Leave it out, or start a new run with --init_from={_RESUME.value}.')
  from dcgan.common import devices  # pylint: disable=import-outside-toplevel
  from dcgan.training import runs  # pylint: disable=import-outside-toplevel
  from dcgan.training import session  # pylint: disable=import-outside-toplevel
  options = _changed_by_flags(runs.load_options(_RESUME.value))
  if _RECORDS.value:
    options = options.replace('data', records=_RECORDS.value)
  strategy = devices.build_strategy(_STRATEGY.value)
  return _ended(session.resume(_RESUME.value, options.validate(), strategy, _STORAGE.value))


def _ended(result):
  if result.signal:
    raise entry.Stopped(result.run, result.signal)
  return result.run


def _changed_by_flags(options):
  """Returns options with those replaced that flags were given for."""
  for place, holder in _HOLDERS.items():
    if holder.value is not None:
      group, field = place.split('.')
      value = tuple(filter(None, holder.value)) if isinstance(holder.value, list) else holder.value
      options = options.replace(group, **{field: value})
  return options


def _key_flags():
  return flags.FLAGS.get_key_flags_for_module(sys.argv[0])


def _flagfile(preset):
  """Returns the flags of this run, one a line, for --flagfile."""
  given = ''.join(f'{flag.serialize()}\n' for flag in _key_flags() if flag.value is not None and flag.name != 'preset')
  return f'--preset={preset}\n{given}'


if __name__ == '__main__':
  entry.run(main)
