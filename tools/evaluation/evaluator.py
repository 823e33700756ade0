"""Evaluates checkpoints of runs: numbers, a verdict in words, a table, JSON and a page that opens from disk."""

import dataclasses
import json
import pathlib

from absl import logging

from dcgan.common import errors
from dcgan.common import files
from dcgan.common import wording
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.metrics import inception as inception_features
from dcgan.options import config
from dcgan.training import checkpoints
from dcgan.training import runs as run_folders
from dcgan.training import trained_networks
from tools.evaluation import history
from tools.evaluation import measurer
from tools.evaluation import report
from tools.evaluation import verdict

CHECKPOINTS = ('best', 'latest', 'all')
# Of the most faces that any checkpoint has, and of the least distance of those with as many. By the distance alone
# mangled pictures were taken: their colours and edges were right. It wavers by a fifth while a person's likeness grows,
# so the last one of those that are near is taken: of 142 photos that was minibatch 500 instead of 200, where half of the
# faces were still somebody else's.
_AS_MANY_FACES, _AS_NEAR = 0.97, 1.25
_NUM_ATTEMPTS = 10  # a run that trains deletes checkpoints while they are read


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluated(measurer.Measured):
  """One checkpoint of a run, measured; `reals` are pictures that it was trained on.

  Attributes:
    run: `pathlib.Path` of the run's folder.
    label: str, what the run is called.
    step: int, its minibatch.
    options: the run's `config.Config`.
    notes: tuple of str, what the reader must know of the set.
    records_digest: str, `manifests.Manifest.digest` of the set that it was measured against.
  """

  run: pathlib.Path
  label: str
  step: int
  options: config.Config
  notes: tuple
  records_digest: str = ''

  @property
  def name(self):
    """str, as in '00007-adele64 at 1500'."""
    return f'{self.label} at {self.step}'

  @property
  def verdict(self):
    """list of str, sentences."""
    return verdict.verdict(self.measures, self.of_reals, self.reasons)


def measure_run(run, checkpoint='latest', records=None, num_samples=256, inception=None):
  """Returns the `Evaluated` of one checkpoint of a run, also while it trains.

  Args:
    run: path of the run's folder.
    checkpoint: 'latest', 'best' or the minibatch of one, int.
    records: str, the set to measure against; None for the one it was trained on.
    num_samples: int, 1 or more, pictures that are generated.
    inception: callable, uint8 pictures → float32 [num_images, 2048], as `inception.load` returns; None leaves out FID
      and KID.

  Raises:
    ValueError: more than one checkpoint is asked for.
    errors.InputError: there is no such run, checkpoint or set, or one of them is damaged.
  """
  if checkpoint == 'all':
    raise ValueError('`checkpoint` (all) must be one of them: latest, best or a minibatch.')
  return _Subject(run, history.labels([run])[0], records, num_samples, inception).evaluated(checkpoint)[0]


def measure_all(run, num_samples=256):
  """Returns the `Evaluated` of every checkpoint that a run kept, list, the earliest first.

  Args:
    run: path of the run's folder.
    num_samples: int, 1 or more, pictures that are generated from each.

  Raises:
    errors.InputError: there is no such run, checkpoint or set, or one of them is damaged.
  """
  return _Subject(run, history.labels([run])[0], None, num_samples, None).evaluated('all')


def choose_checkpoint(run, num_samples=256):
  """Returns the `Evaluated` of a run's best checkpoint: the last one with many faces and near to the photos.

  Args:
    run: path of the run's folder.
    num_samples: int, 1 or more, pictures that are generated from each.

  Raises:
    errors.InputError: there is no such run, checkpoint or set, or one of them is damaged.
  """
  evaluated = measure_all(run, num_samples)
  return evaluated[best([one.measures for one in evaluated])]


def best(measures):
  """Returns which of several generators of one set is the best (int).

  Args:
    measures: list of dict from the names in `measures.MEASURES` to float or None, one or more, the last one trained for
      longest.
  """
  most = max(map(verdict.clean_rate, measures))
  candidates = [i for i, one in enumerate(measures) if verdict.clean_rate(one) >= _AS_MANY_FACES * most]
  least = min(measures[i]['sliced_wasserstein'] for i in candidates)
  return max(i for i in candidates if measures[i]['sliced_wasserstein'] <= _AS_NEAR * least)


def as_json(one):
  """Returns an `Evaluated` as JSON values: its numbers, not its pictures."""
  return dict(run=str(one.run), step=one.step, num_samples=len(one.samples), measures=one.measures,
              of_reals=one.of_reals, reasons=one.reasons, verdict=one.verdict, notes=list(one.notes))


def evaluate(runs, checkpoint='latest', records=None, num_samples=256, inception_weights='none', out=None):
  """Evaluates runs, prints a table of their measures, and writes a page and its numbers as JSON beside it.

  Args:
    runs: list of str, folders of one run or more.
    checkpoint: 'best', 'latest', 'all' for every one that was kept, or the minibatch of one, as str or int.
    records: str, the set to measure against; None for that of each run.
    num_samples: int, 1 or more, pictures that are generated from each checkpoint.
    inception_weights: 'none' to leave out FID and KID, 'imagenet', or a file (`inception.load`).
    out: str, the page; None for `evaluation.html` in the folder of the first run.

  Returns:
    `pathlib.Path` of the page.

  Raises:
    errors.InputError: a run, checkpoint, set or file of weights is missing or damaged, or the runs' pictures are of
      different sizes.
  """
  checkpoint = _parsed(checkpoint)
  path = pathlib.Path(out or pathlib.Path(runs[0]) / 'evaluation.html')
  if path.suffix.lower() not in ('.html', '.htm'):
    raise errors.InputError(f'`out` ({out}) must end in .html. Use {wording.flag("out", path.with_suffix(".html"))}.')
  _check_alike(runs)
  inception = None if inception_weights == 'none' else inception_features.load(inception_weights)
  runs, evaluated = list(dict.fromkeys(runs)), []
  for run, label in zip(runs, history.labels(runs)):
    evaluated += _Subject(run, label, records, num_samples, inception).evaluated(checkpoint)
  print(report.table(evaluated))
  files.write_text(path.with_suffix('.json'), json.dumps([as_json(one) for one in evaluated], indent=1) + '\n')
  report.save(path, evaluated)
  return path


class _Subject:
  """A run and the set that it is measured against."""

  def __init__(self, run, label, records, num_samples, inception):
    self._run, self._label = pathlib.Path(run), label
    self._options = run_folders.load_options(run)
    checkpoints.latest(run)  # before the set is read: a run without any checkpoint is told of at once
    data = self._options.data
    prefix = records or data.records
    try:
      manifest = manifests.load(prefix)
    except errors.InputError as error:
      hint = '' if records else f' {run} was trained on it; give its new place with --records.'
      raise errors.InputError(f'{error}{hint}') from error
    self._records_digest = manifest.digest
    is_own_set = manifest.has_digest(data.records_digest)
    if not is_own_set and not records:
      raise errors.InputError(f'`records` ({prefix}): it is no longer the set that {run} was trained on. Bring that '
                              f'back, or measure against the new one with {wording.flag("records", prefix)}.')
    self._notes = [] if is_own_set else [f'{label} was not trained on {prefix}, so none of its pictures were '
                                         'held out from it, and whether it copies cannot be told.']
    for note in self._notes:
      logging.warning('%s', note)
    training_set = input_pipeline.load_training_set(
        prefix, manifest, self._options.networks.image_size, data.crop,
        holdout_fraction=data.holdout_fraction if is_own_set else 0.0)
    self._measurer = measurer.Measurer(training_set, self._options, num_samples, inception, is_own_set)

  def evaluated(self, checkpoint):
    """Returns list of `Evaluated`, one or more."""
    done = []
    for trained in _trained(self._run, checkpoint):
      logging.info('Measuring %s at minibatch %d.', self._run, trained.step)
      measured = self._measurer.measure(trained.generator, trained.space, trained.encoder)
      done.append(Evaluated(**vars(measured), run=self._run, label=self._label, step=trained.step,
                            options=self._options, notes=tuple(self._notes), records_digest=self._records_digest))
    return done


def _trained(run, checkpoint):
  """Yields the `trained_networks.Trained` of a checkpoint, or of 'all'; of a run that trains, of those there when read.

  Raises:
    errors.InputError: there is none, or it is damaged.
  """
  if checkpoint != 'all':
    yield _restored(run, checkpoint)
    return
  num_read = 0
  for step in checkpoints.steps(run):
    try:
      trained = trained_networks.load(run, step)
    except errors.InputError as error:
      is_gone = step not in checkpoints.steps(run)
      logging.warning('%s', f'{run}: checkpoint {step} was deleted by its training meanwhile, and is left out.'
                      if is_gone else f'{error} It is left out.')
      continue
    num_read += 1
    yield trained
  if not num_read:  # all were replaced, or are damaged
    yield _restored(run, 'latest')


def _restored(run, checkpoint, num_attempts=_NUM_ATTEMPTS):
  """Returns `trained_networks.Trained`; reads again where training replaced the checkpoints in this moment."""
  before = checkpoints.steps(run)
  try:
    return trained_networks.load(run, checkpoint)
  except errors.InputError:
    if num_attempts > 1 and checkpoints.steps(run) != before:
      return _restored(run, checkpoint, num_attempts - 1)
    raise


def _parsed(checkpoint):
  """Returns 'best', 'latest', 'all' or an int >= 0."""
  if checkpoint in CHECKPOINTS:
    return checkpoint
  if not str(checkpoint).isdecimal():
    raise errors.InputError(f'`checkpoint` ({checkpoint}) must be {", ".join(CHECKPOINTS)} or the minibatch of one. '
                            'Use latest.')
  return int(checkpoint)


def _check_alike(runs):
  """Raises `errors.InputError` where runs cannot stand side by side."""
  sizes_px = [run_folders.load_options(run).networks.image_size for run in runs]
  for run, size_px in zip(runs, sizes_px):
    if size_px != sizes_px[0]:
      raise errors.InputError(f'`image_size` ({size_px} px) of {run} must be that of {runs[0]} ({sizes_px[0]} px) to '
                              'compare them. Evaluate each with a command of its own.')
