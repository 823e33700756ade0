"""The report's experiments 1 to 5: what each trains, which claims it is held against, its page and its numbers."""

import dataclasses
import json
import pathlib

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.data import records as record_sets
from dcgan.options import presets
from dcgan.training import health
from tools.evaluation import evaluator
from tools.evaluation import history
from tools.experiments import arms
from tools.experiments import between as between_frames
from tools.experiments import claims
from tools.experiments import page
from tools.experiments import tasks
from tools.experiments import training

_VARIED = 0.5  # of the photos' diversity: no symptom
_SHUFFLED, _OVERLAPPING = 'shuffled', 'overlapping'
_PERSON = 'person'


@dataclasses.dataclass(frozen=True)
class Material:
  """What an experiment is done on.

  Attributes:
    records: str, the set that is trained on.
    between_records: str or None, for experiment 4: the same video at more frames a second.
    beside: str or None, for experiment 3: the folder of experiment 2.
    batch_sizes: tuple of int, pictures in a minibatch, for experiments 2 and 3.
    init_from: str, for experiment 5, and 4 with places: the model of many faces, as `session.start` takes it.
    with_places: bool, for experiment 4: whether each frame has its place in Z, which the report's had not.
  """

  records: str
  between_records: str | None = None
  beside: str | None = None
  batch_sizes: tuple = (1, 9, 64)
  init_from: str = tasks.INIT_FROM
  with_places: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
  """A run of an experiment, measured.

  Attributes:
    variant: `training.Variant`.
    evaluated: `evaluator.Evaluated`, of its last checkpoint.
    statistics: dict from tags to (minibatch, value) pairs, as `history.statistics` returns it.
    verdicts: list of dict, on its health, as `history.health_verdicts` returns it.
  """

  variant: training.Variant
  evaluated: evaluator.Evaluated
  statistics: dict
  verdicts: list

  @property
  def symptoms(self):
    """dict from each kind of verdict to the minibatch that it was first spoken at."""
    first = {}
    for line in sorted(self.verdicts, key=lambda line: line['global_step']):
      first.setdefault(line.get('kind', 'verdict'), line['global_step'])
    return first

  @property
  def collapsed(self):
    """bool, whether it collapsed; None where it was too short to tell.

    In the beginning all samples are one picture, so a symptom is told only when it has lasted. A run that was too short
    for that has not collapsed if its samples differ in the end.
    """
    if set(self.symptoms) & set(health.COLLAPSES):
      return True
    num_looks = max(health.RULES[kind].num_looks for kind in health.COLLAPSES if kind in health.RULES)
    diversity = self.evaluated.measures['diversity']
    is_known = len(self.statistics.get('health/diversity', ())) >= num_looks or (
        diversity is not None and diversity >= _VARIED)
    return False if is_known else None

  @property
  def images_seen(self):
    """int, counting a picture each time."""
    return self.evaluated.step * self.variant.options.data.global_batch_size

  @property
  def loss_ratios(self):
    """list of float, the moving average of gLoss/dLoss in order."""
    return [value for _, value in self.statistics.get('health/loss_ratio', ())]

  def share(self, name):
    """Returns a rate of the samples over that of the photos, float, or None where either is not known."""
    return arms.share(self.evaluated, name)

  def as_json(self):
    """Returns its numbers as JSON values."""
    data = self.variant.options.data
    return dict(
        name=self.variant.name, run=str(self.evaluated.run), step=self.evaluated.step,
        global_batch_size=data.global_batch_size, minibatches=data.minibatches,
        seed=self.variant.options.training.seed, images_seen=self.images_seen, collapsed=self.collapsed,
        symptoms=self.symptoms, loss_ratio=self.loss_ratios[-1] if self.loss_ratios else None,
        found_share=self.share('found_rate'), clean_share=self.share('clean_rate'), measures=self.evaluated.measures,
        of_reals=self.evaluated.of_reals, reasons=self.evaluated.reasons)


def check(number, material):
  """Checks what an experiment is to be done on, before anything is trained.

  Args:
    number: int, of the experiment.
    material: `Material`.

  Raises:
    errors.InputError: a set is missing, of another kind, aligned otherwise or not of one person, or what stands beside
      cannot be read.
  """
  task, records = tasks.TASKS[number], material.records
  manifest = record_sets.load_manifest(records)
  if manifest.kind not in task.kinds:
    raise errors.InputError(f'`records` ({records}) must be of kind {" or ".join(task.kinds)} for experiment {number}, '
                            f'but is of kind {manifest.kind}. Make such a set with `{task.make}`.')
  if manifest.align != task.align:
    raise errors.InputError(f'`records` ({records}) must be made with --align={task.align} for experiment {number}, '
                            f'but was made with --align={manifest.align}. Make such a set with `{task.make}`.')
  if number == 4:
    between_frames.check(records, material.between_records)
  if number == 5 and presets.choose(manifest.num_images) != _PERSON:
    raise errors.InputError(f'`records` ({records}) must hold few pictures, of one person, for experiment 5, but holds '
                            f'{manifest.num_images:,}. Make such a set with `{task.make}`.')
  if material.beside:
    load_results(material.beside)


def reproduce(number, material, scale, out, num_samples=256):
  """Does an experiment: trains what is not trained yet, measures it, and writes the page and its numbers.

  Args:
    number: int, of the experiment.
    material: `Material`.
    scale: `training.Scale`.
    out: str, the folder of its runs and its page.
    num_samples: int, pictures that each run is measured on.

  Returns:
    `pathlib.Path` of the page; the numbers stand beside it, with the ending .json.

  Raises:
    entry.Stopped: a signal ended a run, which was saved.
    errors.InputError: a set cannot be used, or an option breaks its rule.
  """
  variants = make_variants(number, material, scale)
  check(number, material)
  folders = list(training.train(variants, out))
  statistics = [history.statistics(run) for run in folders]
  pairs = None
  if number == 5:
    scale = _done(scale, variants[0].options)
    measured = [arms.measure(variant.name, run, curves, num_samples)
                for variant, run, curves in zip(variants, folders, statistics)]
    pairs = [arms.Pair(*two, scale.num_minibatches) for two in zip(measured[::2], measured[1::2])]
    last = [arm.evaluated[-1] for arm in measured]
  else:
    last = [evaluator.measure_run(run, num_samples=num_samples) for run in folders]
  outcomes = [Outcome(variant, evaluated, curves, history.health_verdicts(run))
              for variant, evaluated, curves, run in zip(variants, last, statistics, folders)]
  beside = load_results(material.beside) if material.beside else None
  between = None
  if number == 4:
    logging.info('Searching the model for frames in between.')
    between = [between_frames.measure(outcome.evaluated.run, material.records, material.between_records,
                                      outcome.variant.options.training.seed) for outcome in outcomes]
  findings = judge(number, outcomes, beside, between, pairs)
  path = pathlib.Path(out) / f'experiment{number}.html'
  results = dict(
      experiment=number, records=material.records, scale=dataclasses.asdict(scale), num_samples=num_samples,
      runs=[outcome.as_json() for outcome in outcomes], counts=count_symptoms(outcomes),
      findings=[dataclasses.asdict(finding) for finding in findings])
  if between:
    results['between'] = [page.between_numbers(each) for each in between]
  if pairs:
    results |= dict(init_from=material.init_from, pairs=[pair.as_json() for pair in pairs])
  files.write_text(path.with_suffix('.json'), json.dumps(results, indent=1) + '\n')
  for finding in findings:
    print(f'{finding.claim}\n  {finding.word}: {finding.sentence}')
  page.save(path, tasks.TASKS[number], results, outcomes, findings, beside, between, pairs)
  return path


def make_variants(number, material, scale):
  """Returns the runs of an experiment, list of `training.Variant`; raises `errors.InputError` at a wrong option."""
  if number == 1:
    return [training.make_variant(material.records, scale, seed) for seed in scale.seeds]
  if number == 4 and material.with_places:
    return [training.make_placed(material.records, scale, seed, material.init_from) for seed in scale.seeds]
  if number == 4:  # in the order of the video
    return [training.make_variant(material.records, scale, seed, minibatches=_OVERLAPPING) for seed in scale.seeds]
  if number == 5:
    return training.make_arms(material.records, scale, material.init_from)
  return [training.make_variant(material.records, scale, seed, size, minibatches) for seed in scale.seeds
          for size in material.batch_sizes for minibatches in (_SHUFFLED, _OVERLAPPING)]


def judge(number, outcomes, beside=None, between=None, pairs=None):
  """Returns what became of an experiment's claims, list of `claims.Finding`.

  Args:
    number: int, of the experiment.
    outcomes: list of `Outcome`.
    beside: dict, the results of experiment 2, or None; for experiment 3.
    between: list of `between.Between`, one for each run; for experiment 4.
    pairs: list of `arms.Pair`, for experiment 5.
  """
  if number == 5:
    return arms.judge(pairs)
  if number == 1:
    first = outcomes[0]
    rate = _median(outcome.evaluated.measures['clean_rate'] for outcome in outcomes)
    # Of several seeds the one whose average went farthest.
    ratios = max((outcome.loss_ratios for outcome in outcomes), key=lambda values: max(values, default=0.0))
    return [claims.faces_appear(rate, first.evaluated.of_reals['clean_rate'], first.evaluated.step),
            claims.losses_stay_stable(ratios),
            claims.no_collapse([(outcome.collapsed, ' '.join(line['sentence'] for line in outcome.verdicts
                                                             if line.get('kind') in health.COLLAPSES))
                                for outcome in outcomes])]
  if number == 2:
    of_kind = {kind: [outcome for outcome in outcomes if outcome.variant.options.data.minibatches == kind]
               for kind in (_SHUFFLED, _OVERLAPPING)}
    # Where the two ways to choose a minibatch make different ones.
    told_apart = {kind: [outcome.collapsed for outcome in group if outcome.collapsed is not None and
                         1 < outcome.variant.options.data.global_batch_size < len(outcome.evaluated.reals)]
                  for kind, group in of_kind.items()}
    return [claims.collapse_is_usual([outcome.collapsed for outcome in outcomes]),
            claims.discriminator_wins([outcome.loss_ratios[-1] for outcome in outcomes
                                       if outcome.collapsed and outcome.loss_ratios]),
            claims.overlapping_collapses_less(told_apart[_SHUFFLED], told_apart[_OVERLAPPING]),
            claims.faces_stay_mangled([outcome.share('found_rate') for outcome in of_kind[_OVERLAPPING]])]
  if number == 3:
    return [claims.alignment_cures(
        {outcome.variant.name: outcome.share('found_rate') for outcome in outcomes},
        {row['name']: row['found_share'] for row in beside['runs']} if beside else {}),
            claims.usable_images({outcome.variant.name: outcome.share('clean_rate') for outcome in outcomes})]
  measured = lambda name: _median(outcome.evaluated.measures[name] for outcome in outcomes)
  return [claims.many_expressions(measured('diversity'), measured('geometry_distance'), between[0].geometry_distance),
          claims.reasonable_interpolation(
              float(np.median([each.between.inversion_errors for each in between])),
              float(np.median([each.trained.inversion_errors for each in between])),
              float(np.median(between[0].mean_errors)), float(np.mean([each.share_nearer for each in between])),
              _median(outcome.share('clean_rate') for outcome in outcomes))]


def count_symptoms(outcomes):
  """Returns how often each symptom came, list of dict, one for each size of minibatches and way to choose them."""
  groups = {}
  for outcome in outcomes:
    data = outcome.variant.options.data
    groups.setdefault((data.global_batch_size, data.minibatches), []).append(outcome)
  return [dict(global_batch_size=size, minibatches=minibatches, num_runs=len(group),
               **{f'num_{kind}': sum(kind in outcome.symptoms for outcome in group) for kind in health.COLLAPSES},
               num_without=sum(outcome.collapsed is False for outcome in group),
               num_unknown=sum(outcome.collapsed is None for outcome in group))
          for (size, minibatches), group in groups.items()]


def load_results(folder, number=2):
  """Returns the results (dict) that an experiment left in its folder.

  Raises:
    errors.InputError: there are none, or they are not of that experiment.
  """
  path = pathlib.Path(folder) / f'experiment{number}.json'
  try:
    results = json.loads(path.read_text(encoding='utf-8'))
    if results['experiment'] == number and all('found_share' in row and 'name' in row for row in results['runs']):
      return results
    reason = 'these are others'
  except OSError as error:
    reason = error.strerror
  except (ValueError, KeyError, TypeError) as error:
    reason = f'{type(error).__name__}: {error}'
  raise errors.InputError(f'`beside` ({folder}): {path.name} in it must hold the results of experiment {number}, but: '
                          f'{reason}. Make them with `python -m tools.reproduce --experiment={number} --out={folder}`.')


def _done(scale, options):
  """Returns the `training.Scale` of experiment 5 as it was trained: its networks come from a model."""
  return dataclasses.replace(scale, channels=options.networks.channels, image_size_px=options.networks.image_size_px,
                             long_minibatches=options.training.num_minibatches)


def _median(values):
  """Returns the median of those that are known, or None."""
  known = [value for value in values if value is not None]
  return float(np.median(known)) if known else None
