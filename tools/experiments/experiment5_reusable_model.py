"""Experiment 5: a person from the Universal Face Model and from scratch, and what longer training does to both."""

import dataclasses
import statistics

from dcgan.common import errors
from dcgan.common import wording
from dcgan.options import config
from dcgan.options import presets
from tools.experiments import experiment
from tools.experiments import findings
from tools.experiments import pairs
from tools.experiments import variants

_PLAIN = 'report'  # the preset that ties no picture to a point of Z
_EMA_HALF_LIFE_IMAGES = 10_000  # which that preset has not
_PERSON = 'person'  # the preset for sets of few pictures
_LONGER = 8  # times as many minibatches as those after which the two runs are compared
_MOST_KEPT = 24  # checkpoints of a run that are compared: with 64 channels each takes 0.2 GB
_WAYS = {'ufm': 'From the Universal Face Model', 'scratch': 'From scratch'}
_OVER_CHECKPOINTS = ('clean_rate', 'diversity', 'sliced_wasserstein', 'geometry_distance', 'noise_texture')
_NEARLY_ALL = 0.8  # of the photos' rate of faces
_SEVERAL = 2.0  # times
_WORSE = 1.1  # times the least distance: more than it wanders from one checkpoint to the next


class ReusableModel(experiment.Experiment):
  """A person's set, of each seed once from a model of many faces and once from scratch.

  `beside` is a list of `pairs.Pair`, one for each seed.
  """

  number = 5
  title = 'Experiment 5: a person from the Universal Face Model and from scratch'
  did = ('The report trained on 178 aligned photos of one person for 75 minibatches of 64, once from the model of '
         'experiment 1 as its Universal Face Model (298 s), once from scratch (3 minutes), and showed both at the same '
         '64 points of Z.')
  differs = ('Both runs have the networks of a model of many faces of this project, with spectral normalization, and '
             'averaging. Both are trained on, to see what further training does.')
  kinds = ('photos', 'video', 'celeba')
  make = 'python -m tools.make_records --photos=FOLDER --name=NAME'
  num_minibatches = 75
  flags = ('init_from', 'long_minibatches')
  looks_back = True
  template = 'experiments/experiment5_reusable_model.html'

  @property
  def starts_from(self):
    return self.material.init_from or experiment.UFM_WITHOUT_PLACES

  def variants(self, donor):
    """Returns of each seed one run from the model and one from scratch, list of `variants.Variant`.

    Nothing else differs: both have the networks and the crop of the model, the report's recipe and its minibatches of
    64, averaging, and the same points of Z, and are warned of a collapse but never stopped by it. They keep a
    checkpoint every so often, and at the moment at which they are compared.
    """
    moment = self.scale.num_minibatches
    options = dataclasses.replace(presets.PRESETS[_PLAIN], networks=donor.networks, health=config.Health(),
                                  periods=config.Periods())
    options = options.replace('data', records=str(self.material.records), crop=donor.data.crop,
                              holdout_fraction=0.1).replace(
                                  'training', num_minibatches=moment, transfer='full',
                                  ema_half_life_images=_EMA_HALF_LIFE_IMAGES)
    options = _kept(options.validate(), moment, self.scale.long_minibatches)
    made = []
    for seed in self.scale.seeds:
      seeded = options.replace('training', seed=seed).validate()
      made += [variants.Variant(f'ufm-seed{seed}', seeded, _PLAIN, self.starts_from, moment),
               variants.Variant(f'scratch-seed{seed}', seeded, _PLAIN, None, moment)]
    return made

  def check(self, manifest):
    super().check(manifest)
    if presets.choose(manifest.kind, manifest.num_images) != _PERSON:
      raise errors.InputError(f'`records` ({self.material.records}) must hold few pictures, of one person, for '
                              f'experiment {self.number}, but holds {manifest.num_images:,}. Make such a set with '
                              f'`{self.make}`.')

  def as_trained(self, made):
    options = made[0].options
    return dataclasses.replace(
        self.scale, channels=options.networks.channels, image_size_px=options.networks.image_size,
        long_minibatches=options.training.num_minibatches)

  def measure(self, outcomes):
    return [pairs.Pair(*two) for two in zip(outcomes[::2], outcomes[1::2])]

  def judge(self, outcomes, beside):
    moment = beside[0].moment

    def medians(number):
      """Returns the medians over the seeds of a number of each run, [from the model, from scratch]."""
      columns = zip(*[(number(pair.ufm), number(pair.scratch)) for pair in beside])
      return [None if None in column else findings.median(column) for column in columns]

    shares = medians(lambda run: run.share('clean_rate', moment))
    distances = medians(lambda run: run.at(moment).measures['sliced_wasserstein'])
    noise = medians(lambda run: run.at(moment).measures['noise_texture'])
    noise_at_end = medians(lambda run: run.evaluated.measures['noise_texture'])
    return [person_is_there(*zip(shares, distances), moment),
            training_is_faster([pair.times_more for pair in beside], moment),
            noise_from_scratch_only(*zip(noise, noise_at_end), moment),
            longer_is_not_always_better({run.variant.name: run.points('sliced_wasserstein') for run in outcomes},
                                        moment)]

  def numbers(self, beside):
    return dict(init_from=self.starts_from, pairs=[pair.as_json() for pair in beside])

  def drawn(self, outcomes, beside):
    return dict(pairs=[_drawn(pair) for pair in beside], over_checkpoints=_over_checkpoints(outcomes))


def person_is_there(ufm, scratch, num_minibatches):
  """Returns the `Finding` on likeness after the report's few minibatches (figures 6b and 7b).

  Args:
    ufm: (float, float) of the run from a model of many faces: the share of its samples that are clean faces over that
      of the photos, or None, and its samples' sliced Wasserstein distance to the photos.
    scratch: likewise, of the run from scratch.
    num_minibatches: int.
  """
  claim = 'From the Universal Face Model the person is there after 75 minibatches, from scratch not yet.'
  (clean_share, distance), (scratch_clean_share, scratch_distance) = ufm, scratch
  if clean_share is None or scratch_clean_share is None:
    return findings.Finding(claim, None, findings.NO_FACE)
  return findings.Finding(
      claim, clean_share >= _NEARLY_ALL > scratch_clean_share and distance < scratch_distance,
      f'After {num_minibatches:,} minibatches clean faces are {wording.percent(clean_share)} of what the photos have '
      f'from the model and {wording.percent(scratch_clean_share)} from scratch; the sliced Wasserstein distance to '
      f'the photos is {distance:.1f} and {scratch_distance:.1f}.')


def training_is_faster(times_more, num_minibatches):
  """Returns the `Finding` on the time that a model of many faces saves.

  Args:
    times_more: list of (float, bool), for each seed how many times more minibatches it took from scratch to come as
      near to the photos, and whether it came there; where it did not, it takes more than that.
    num_minibatches: int, after which the distance of the run from the model is taken.
  """
  claim = 'Training from the Universal Face Model is several times faster.'
  factor, is_reached = statistics.median_low(times_more)
  more = '' if is_reached else 'more than '
  numbers = (f'To come as near to the photos as from the model after {num_minibatches:,} minibatches (sliced '
             f'Wasserstein distance), training from scratch takes {more}{factor:.1f} times as many')
  numbers += f' (median over {len(times_more)} seeds)' if len(times_more) > 1 else ''
  if factor < _SEVERAL and not is_reached:
    return findings.Finding(claim, None, f'{numbers}: it ended too early to tell. More --long_minibatches would.')
  return findings.Finding(claim, factor >= _SEVERAL, f'{numbers}.')


def noise_from_scratch_only(ufm, scratch, num_minibatches):
  """Returns the `Finding` on noise texture (figure 8).

  Args:
    ufm: (float, float), the noise texture of the run from a model of many faces, times that of the photos, after
      `num_minibatches` and after the longer training.
    scratch: likewise, of the run from scratch.
    num_minibatches: int.
  """
  from tools.evaluation import verdict  # pylint: disable=import-outside-toplevel  (TensorFlow)
  claim = ('Noise texture comes up from scratch, and no further training mends it; from the Universal Face Model there '
           'is none.')
  return findings.Finding(
      claim, min(scratch) > verdict.NOISY >= max(ufm),
      f"The fine structure has {scratch[0]:.1f} times the power of the photos' from scratch and {ufm[0]:.1f} times "
      f'from the model after {num_minibatches:,} minibatches, {scratch[1]:.1f} and {ufm[1]:.1f} times in the end; over '
      f'{verdict.NOISY:g} times it is seen as grain.')


def longer_is_not_always_better(distances, num_minibatches):
  """Returns the `Finding` on further training ("Degradation from further training").

  Args:
    distances: dict from the names of runs to their (minibatch, sliced Wasserstein distance to the photos), ascending.
    num_minibatches: int, after which training counts as further.
  """
  claim = 'Training for longer does not always create better results.'
  longer = {name: points for name, points in distances.items() if points[-1][0] > num_minibatches}
  if not longer:
    return findings.Finding(claim, None, f'No run was trained for longer than {num_minibatches:,} minibatches.')
  told, num_worse = [], 0
  for name, points in longer.items():
    (step, best), (last_step, last) = min(points, key=lambda point: point[1]), points[-1]
    num_worse += last >= _WORSE * best
    ended = f', and ended at {last_step:,} with {last:.1f}' if step < last_step else ', its end'
    told.append(f'{name} was nearest to the photos at minibatch {step:,} ({best:.1f}){ended}')
  return findings.Finding(claim, num_worse > 0, f'{num_worse} of {wording.counted(len(longer), "run")} ended worse '
                          f'than at its best by a tenth or more: {"; ".join(told)}.')


def _kept(options, moment, end):
  """Returns options that end at a minibatch and keep checkpoints up to it, one of them at `moment`.

  Args:
    options: `config.Config`.
    moment: int, the minibatch at which the two runs are compared.
    end: int, or None for the usual one.

  Raises:
    errors.InputError: the end comes before the moment, or there would be too many checkpoints.
  """
  end = _LONGER * moment if end is None else end
  if not moment <= end <= _MOST_KEPT * moment:
    raise errors.InputError(f'`long_minibatches` ({end}) must lie between `num_minibatches` ({moment}) and '
                            f'{_MOST_KEPT} times that. Use {_LONGER * moment}.')
  every = next(number for number in range(1, moment + 1) if moment % number == 0 and end <= _MOST_KEPT * number)
  return options.replace('training', num_minibatches=end).replace(
      'periods', samples_every_steps=every, checkpoint_every_steps=every, keep_every_steps=every)


def _drawn(pair):
  """Returns what is shown of the two runs of a seed, dict; a checkpoint stands with the seconds that it took."""
  times_more, is_reached = pair.times_more
  ways = [(_WAYS[way], run, {one.step: one for one in (run.at(pair.moment), run.evaluated)}.values())
          for way, run in pair.runs.items()]
  return dict(
      moment=pair.moment, names=[run.variant.name for _, run, _ in ways], reached_at=pair.reached_at,
      times_more=times_more, is_reached=is_reached, photos=pair.ufm.evaluated.reals,
      of_photos=pair.ufm.evaluated.of_reals,
      ways=[(way, run.evaluated.run, [(one, run.secs(one.step)) for one in shown]) for way, run, shown in ways],
      rows=[(way, one, run.secs(one.step)) for way, run, _ in ways for one in _told_of(run, pair.moment)])


def _told_of(run, moment):
  """Returns the checkpoints that stand in the table: the first, then ever twice as many minibatches, then the last."""
  last = run.evaluated.step
  wanted = {run.checkpoints[0].step, last} | {moment * 2**i for i in range(last.bit_length())}
  return [one for one in run.checkpoints if one.step in wanted]


def _over_checkpoints(outcomes):
  """Returns measures over the checkpoints of the first runs, list of (name, lines, whether on a logarithmic axis)."""
  runs = outcomes[:experiment.MOST_LINES]
  ends = min(run.checkpoints[0].step for run in runs), max(run.evaluated.step for run in runs)
  of_photos = runs[0].checkpoints[0].of_reals
  return [(name, {run.variant.name: run.points(name) for run in runs} | {
      'photos': [(step, of_photos[name]) for step in ends]}, name == 'noise_texture') for name in _OVER_CHECKPOINTS]
