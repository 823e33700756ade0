"""Starts a run from another model: takes the weights that fit, and reports what was taken, is kept, and was left."""

import dataclasses
import json
import pathlib
import re

from absl import logging
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import names
from dcgan.common import wording
from dcgan.data import holdout
from dcgan.model import networks
from dcgan.model import weights
from dcgan.options import presets
from dcgan.training import checkpoints
from dcgan.training import runs
from dcgan.training import trained_networks

SHIPPED = 'ufm'  # the Universal Face Model that comes with the project
_FOLDER = pathlib.Path(__file__).parents[2] / 'checkpoints'
# The second one was learnt as in 2016, without places, for the report's experiment 5.
SHIPPED_PATHS = {SHIPPED: _FOLDER / 'ufm128' / f'ufm128{weights.SUFFIX}',
                 'ufm64': _FOLDER / 'ufm64' / f'ufm64{weights.SUFFIX}'}
_REPORT = 'transfer.json'
_CHECKPOINT = re.compile(r'ckpt-(\d+)(\.index|\.data-\d+-of-\d+)?')


@dataclasses.dataclass(frozen=True)
class Donor:
  """A model to start from.

  Attributes:
    name: str, of the runs that start from it, as in 'ufm64'.
    path: str, where it is.
    model: `weights.Model`.
  """

  name: str
  path: str
  model: weights.Model


@dataclasses.dataclass(frozen=True)
class Report:
  """What a run took from the model that it started from.

  Attributes:
    source: str, path of the model.
    digest: str, `weights.Model.digest` of it.
    step: int, minibatches that the model was trained for.
    transfer: a name from `config.TRANSFERS`.
    taken: tuple of str, the variables that have its values, as in 'generator/4x4_dense/kernel'.
    frozen: tuple of str, those that training leaves as they are.
    left: tuple of str, those for which it has none of that name and shape, with both shapes.
  """

  source: str
  digest: str
  step: int
  transfer: str
  taken: tuple
  frozen: tuple
  left: tuple

  @property
  def text(self):
    """One line for the log."""
    parts = [f'Took {len(self.taken)} of {len(self.taken) + len(self.left)} variables from {self.source} at minibatch '
             f'{self.step:,}, with fresh optimizers']
    if self.frozen:
      parts.append(f'frozen by --transfer={self.transfer}: {_layers(self.frozen)}')
    if self.left:
      parts.append(f'left at their start: {_layers(self.left)}')
    return '; '.join(parts) + '.'


def load_donor(source):
  """Reads a model to start from.

  Args:
    source: str: a name from `SHIPPED_PATHS`, as 'ufm' for the Universal Face Model, a run's folder (its latest
      checkpoint), a checkpoint in one, as in 'RUN/ckpt-1500', or a file as `tools.export_model` writes it, or its folder.

  Returns:
    `Donor`.

  Raises:
    errors.InputError: there is no such model, or it is damaged.
  """
  if source in SHIPPED_PATHS:
    path = SHIPPED_PATHS[source]
    if not path.is_file():
      raise errors.InputError(f'`init_from` ({source}): {path} is not there: it comes with the whole repository. Clone '
                              'that and install it with `pip install -e .`, or name the file.')
    return Donor(path.stem, str(path), weights.load(path))
  path = pathlib.Path(source)
  if path.is_dir():
    models = sorted(path.glob(f'*{weights.SUFFIX}'))
    is_of_a_model = len(models) == 1 and not any(path.glob('ckpt-*'))  # as checkpoints/ufm128
    path = models[0] if is_of_a_model else pathlib.Path(checkpoints.latest(path))  # that one: of a damaged one it is told
  match = _CHECKPOINT.fullmatch(path.name)
  if match and path.with_name(f'ckpt-{match[1]}.index').is_file():
    run = path.parent
    return Donor(runs.short_name(run), str(run / f'ckpt-{match[1]}'), trained_networks.load_model(run, int(match[1])))
  if path.is_file():
    return Donor(path.stem, str(path), weights.load(path))
  raise errors.InputError(f'`init_from` ({source}): no such run, checkpoint or file. Use {SHIPPED} for the Universal '
                          "Face Model that comes with the project, or name a run's folder, as in "
                          'checkpoints/00000-NAME, a checkpoint in it, as in checkpoints/00000-NAME/ckpt-1500, or a '
                          f'file, as in NAME{weights.SUFFIX}.')


def choose(donor, options, manifest):
  """Returns what a run learns that starts from a model, a name from `config.TRANSFERS`, by the number of its pictures.

  Args:
    donor: `Donor`.
    options: `config.Config` of the run.
    manifest: `manifests.Manifest` of its set.
  """
  theirs = dataclasses.replace(donor.model.options.networks, z_map=options.networks.z_map)
  if theirs != options.networks or options.training.learner != 'adversarial':  # what it does not lend has to be learnt
    return 'full'
  trained_on, _ = holdout.split(manifest.num_images, options.data.holdout_fraction, manifest.kind == 'video')
  return presets.choose_transfer(len(trained_on))


def transfer(donor, learner, manifest):
  """Copies the weights of a model into a new learner: the report's Universal Face Model (experiment 5).

  Its networks are taken, variable by variable, where name and shape agree: of a model of another resolution the layers
  up to the smaller one, and of a smaller one the whole discriminator, grown. The optimizers and the global step stay
  fresh, so the averaged generator follows the new pictures from the first minibatch on. A model that saw another crop of
  the face is taken with a warning. Where pictures have places, the generator too takes the averaged one's values, which
  are the better ones. A map of Z, which runs of earlier versions may have, was learnt by the averaged one alone, and is
  taken from there.

  Args:
    donor: `Donor`.
    learner: `learner.Learner`, at its start.
    manifest: `manifests.Manifest` of the set that it is to be trained on.

  Returns:
    `Report`.

  Raises:
    errors.InputError: its faces are aligned otherwise than those of the set, nothing in it fits, or layers that would
      stay as they are do not.
  """
  is_averaged = learner.options.training.learner != 'adversarial'
  lent_by = {'generator': 'generator_ema', 'encoder': weights.ENCODER} if is_averaged else {}
  _check_alike(donor, learner.options, manifest)
  taken, left = [], []
  for network, built in learner.networks.items():
    values = donor.model.values.get(lent_by.get(network, network), {})
    if network == 'discriminator':
      values = networks.grow_discriminator(values, donor.model.options.networks, learner.options.networks.image_size)
    for variable in built.variables:
      name = variable.name.removesuffix(':0')
      value = (donor.model.values['generator_ema'] if name.startswith('z_map/') else values).get(name)
      if value is not None and value.shape == tuple(variable.shape):
        variable.assign(value)
        taken.append((f'{network}/{name}', variable))
      else:
        there = 'none' if value is None else _shape(value.shape)
        left.append(f'{network}/{name} ({_shape(variable.shape)} here, {there} there)')
  if not any(variable.shape.rank > 1 for _, variable in taken):  # a bias or two fit anything
    theirs = donor.model.options.networks
    flags = [f'--{name}={getattr(theirs, name)}' for name in ('channels', 'image_size', 'kernel_size', 'z_dims')]
    raise errors.InputError(
        f'`init_from` ({donor.path}): none of its layers fits these networks: {_layers(left, with_shapes=True)}. Use '
        f'what it has: {" ".join(flags)}.')
  frozen = [f'discriminator/{variable.name.removesuffix(":0")}' for variable in learner.frozen]
  lacking = sorted({name.partition(' (')[0] for name in left} & set(frozen))
  if lacking:
    raise errors.InputError(
        f'`transfer` ({learner.options.training.transfer}) keeps {_layers(lacking)} as they are, but {donor.path} has '
        'none that fit. Use --transfer=full.')
  return Report(donor.path, donor.model.digest, donor.model.step, learner.options.training.transfer,
                tuple(name for name, _ in taken), tuple(frozen), tuple(left))


def choose_start(donor, options):
  """Returns where the pictures of a run begin that asks for 'auto', a name from `config.PLACES_STARTS`.

  Args:
    donor: `Donor`, or None.
    options: `config.Config` of the run.
  """
  return 'looks' if _why_no_encoder(donor, options) else 'encoder'


def check_start(donor, options):
  """Raises `errors.InputError` where pictures shall begin where an encoder puts them, and there is none that can."""
  reason = _why_no_encoder(donor, options)
  if options.places.places_start == 'encoder' and reason:
    raise errors.InputError(f'`places_start` (encoder): {reason}. Use --places_start=auto.')


def _why_no_encoder(donor, options):
  """Returns why no encoder can say where the pictures of a run begin, or None where one can."""
  if options.training.learner != 'places':
    return f'--learner={options.training.learner} has no places of its own to begin with'
  if not donor:
    return 'it comes with a model to start from, and there is no --init_from'
  if weights.ENCODER not in donor.model.values:
    return f'{donor.path} has no encoder'
  theirs = donor.model.options.networks.z_dims
  if theirs != options.networks.z_dims:
    return f'that of {donor.path} knows Z of {theirs} dimensions, and the run has {options.networks.z_dims}'
  return None


def encode(donor, pictures):
  """Returns where the encoder of a model puts pictures, float32 [num_pictures, z_dims], of any length.

  Args:
    donor: `Donor` with an encoder.
    pictures: uint8 [num_pictures, size, size, 3], of any size.
  """
  options = donor.model.options.networks
  encoder = networks.build_encoder(options, 'float32')
  for variable in encoder.variables:
    variable.assign(donor.model.values[weights.ENCODER][variable.name.removesuffix(':0')])
  if pictures.shape[1] != options.image_size:
    side = [options.image_size] * 2
    pictures = tf.cast(tf.round(tf.image.resize(pictures, side, 'area')), tf.uint8).numpy()
  return networks.encode(encoder, pictures)


def save_report(run, report):
  """Writes a `Report` into a run's folder."""
  files.write_text(pathlib.Path(run) / _REPORT, json.dumps(dataclasses.asdict(report), indent=1) + '\n')


def donor_digest(run):
  """Returns the digest (str) of the model that a run started from, or None where it started from none."""
  path = pathlib.Path(run) / _REPORT
  return json.loads(path.read_text(encoding='utf-8')).get('digest') if path.is_file() else None


def _check_alike(donor, options, manifest):
  """Raises `errors.InputError` where model and set are aligned otherwise; warns of another crop."""
  theirs = donor.model.options.data
  if theirs.align != options.data.align:
    source = manifest.settings.get('source') or ['SOURCE']
    inputs = ' '.join(wording.flag(manifest.kind, each) for each in source)
    aligned = '' if theirs.align == 'eyes' else f' --align={theirs.align}'
    name = names.shortened(pathlib.Path(options.data.records).name, names.SET_BYTES - len('_unaligned'))
    name += '_aligned' if theirs.align == 'eyes' else '_unaligned'
    raise errors.InputError(
        f'`init_from` ({donor.path}) was trained on faces with --align={theirs.align}, but {options.data.records} was '
        f'made with --align={options.data.align}, which puts them elsewhere. Make another set with `python -m '
        f'tools.make_records {inputs}{aligned} {wording.flag("name", name)}`, and the other flags of the first.')
  if theirs.crop != options.data.crop:
    logging.warning('%s was trained with --crop=%d and this run has --crop=%d: its eyes are in another place. Training '
                    'starts better with the same crop.', donor.path, theirs.crop, options.data.crop)


def _layers(names, with_shapes=False):
  """Returns variables by their layers, as in 'discriminator/32x32_conv, generator/64x64_rgb'."""
  if with_shapes:
    kernels = [name for name in names if '/kernel (' in name]
    return ', '.join(name.replace('/kernel', '') for name in kernels[:4]) + (', …' if len(kernels) > 4 else '')
  layers = dict.fromkeys('/'.join(name.partition(' (')[0].split('/')[:2]) for name in names)
  return ', '.join(layers)


def _shape(shape):
  return '×'.join(map(str, shape))
