"""The page of an experiment: claims beside pictures and numbers, in one file that opens from disk."""

import pathlib

import imageio.v3 as iio
import numpy as np

from tools.evaluation import measures as measuring
from tools.evaluation import page

_TEMPLATE = 'experiments/experiment.html'
# Of each run, from the first fixed point on: all where there are few runs, three rows of eight where there are many.
_NUM_ALL, _NUM_SOME, _FEW_RUNS = 64, 24, 3
_NUM_FRAMES = 16  # frames in between that are shown
_MOST_LINES = 6  # in a chart: more cannot be told apart
_NUM_MAGNIFIED = 2  # samples whose middle is shown enlarged
# Of `measures.MEASURES`, with short names.
_COLUMNS = {'found_rate': 'with a face', 'clean_rate': 'clean faces', 'diversity': 'diversity',
            'geometry_distance': 'geometry distance', 'sliced_wasserstein': 'Wasserstein distance',
            'noise_texture': 'noise texture'}
_CHARTS = (('gLoss/dLoss, moving average', 'health/loss_ratio', True),
           ('Diversity, of the photos\'', 'health/diversity', False),
           ('Sliced Wasserstein distance to the photos', 'metric/sliced_wasserstein', False))
# Of `measures.MEASURES`, over the checkpoints of experiment 5.
_OVER_CHECKPOINTS = ('clean_rate', 'diversity', 'sliced_wasserstein', 'geometry_distance', 'noise_texture')
_WAYS = {'ufm': 'From the Universal Face Model', 'scratch': 'From scratch'}
_SYMPTOMS = {'symptom_a': 'Symptom A', 'symptom_b': 'Symptom B', 'overpowered': 'D overpowers G',
             'memorised': 'D knows its set by heart', 'noise': 'noise grows', 'degraded': 'best is long past',
             'diverged': 'diverged'}


def save(path, task, results, outcomes, findings, beside=None, between=None, pairs=None):
  """Writes the page of an experiment.

  Args:
    path: `pathlib.Path`.
    task: `tasks.Task`.
    results: dict, as it is written to JSON.
    outcomes: list of `experiments.Outcome`, one or more.
    findings: list of `claims.Finding`.
    beside: dict, the results of experiment 2, or None.
    between: list of `between.Between`, one for each run, or None.
    pairs: list of `arms.Pair`, or None.

  Raises:
    errors.InputError: the page cannot be written.
  """
  num_shown = _NUM_ALL if len(outcomes) <= _FEW_RUNS else _NUM_SOME
  page.save(
      path, _TEMPLATE, task=task, results=results, findings=findings,
      labels=list(_COLUMNS.values()), rows=[_row(row) for row in results['runs']],
      of_photos=_texts(results['runs'][0]['of_reals']), reals=_grid(outcomes[0].evaluated.reals[:num_shown]),
      shown=[(outcome.variant.name, _caption(outcome), _grid(outcome.evaluated.samples[:num_shown]))
             for outcome in outcomes],
      reasons=list(dict.fromkeys((_COLUMNS[name], row['reasons'][name]) for row in results['runs']
                                 for name in _COLUMNS if row['measures'][name] is None and name in row['reasons'])),
      charts=_charts(outcomes), beside=beside, beside_rows=[_row(row) for row in beside['runs']] if beside else [],
      beside_photos=_texts(beside['runs'][0]['of_reals']) if beside else [],
      beside_shown=_beside_pictures(beside['runs']) if beside else [],
      between=[dict(name=outcome.variant.name, frames=_frames(each), **between_numbers(each))
               for outcome, each in zip(outcomes, between or ())],
      pairs=[_pair(pair) for pair in pairs or ()], checkpoint_charts=_checkpoint_charts(pairs) if pairs else [])


def between_numbers(between):
  """Returns the numbers of a `between.Between` as JSON values: medians, in grey values.

  Frames in between are also told apart by their distance in time from the frames trained on, in tenths of a second.
  """
  tenths = np.round(10 * between.gaps_secs).astype(int)
  return dict(
      kinds=[dict(name=name, num_frames=len(frames.pictures), inversion_error=_median(frames.inversion_errors),
                  sample_error=_median(frames.sample_errors))
             for name, frames in (('trained on', between.trained), ('in between', between.between))],
      gaps=[dict(gap_secs=tenth / 10, num_frames=int(np.sum(tenths == tenth)),
                 inversion_error=_median(between.between.inversion_errors[tenths == tenth]),
                 sample_error=_median(between.between.sample_errors[tenths == tenth]),
                 nearest_error=_median(between.nearest_errors[tenths == tenth]))
            for tenth in np.unique(tenths).tolist()],
      nearest_error=_median(between.nearest_errors), mean_error=_median(between.mean_errors),
      share_nearer=between.share_nearer, geometry_distance=between.geometry_distance)


def _row(row):
  """Returns the cells of a run's line in the table, dict."""
  symptoms = ', '.join(f'{_SYMPTOMS.get(kind, kind)} at {step:,}' for kind, step in row['symptoms'].items())
  return dict(
      name=row['name'], step=f'{row["step"]:,}', images_seen=f'{row["images_seen"]:,}',
      symptoms=symptoms or ('too short to tell' if row['collapsed'] is None else 'none'),
      loss_ratio='–' if row['loss_ratio'] is None else f'{row["loss_ratio"]:.2f}', texts=_texts(row['measures']))


def _texts(numbers):
  return [measuring.MEASURES[name].text(numbers.get(name)) for name in _COLUMNS]


def _caption(outcome):
  """Returns what stands under the samples of a run."""
  verdicts = ' '.join(line['sentence'] for line in outcome.verdicts[:2])
  return f'{outcome.evaluated.step:,} minibatches, {outcome.images_seen:,} pictures seen. {verdicts}'.strip()


def _charts(outcomes):
  """Returns curves of the first runs, list of (title, SVG)."""
  drawn = [(title, page.curves({outcome.variant.name: outcome.statistics[tag] for outcome in outcomes[:_MOST_LINES]
                                if tag in outcome.statistics}, is_log=is_log)) for title, tag, is_log in _CHARTS]
  return [(title, chart) for title, chart in drawn if chart]


def _beside_pictures(rows):
  """Returns the last samples of another experiment's runs, those that are there, list of (name, picture)."""
  found = []
  for row in rows:
    paths = sorted(pathlib.Path(row['run']).glob('samples_*.png'))
    if paths:
      found.append((row['name'], page.picture(iio.imread(paths[-1]))))
  return found


def _frames(between):
  """Returns frames in between, what the model makes of them and the nearest frame trained on, list of dict."""
  indices = np.linspace(0, len(between.gaps_secs) - 1, min(len(between.gaps_secs), _NUM_FRAMES)).astype(int)
  picture = lambda pictures, i: page.picture(page.small(pictures[i:i + 1])[0])
  return [dict(real=picture(between.between.pictures, i), made=picture(between.between.made, i),
               nearest=picture(between.nearest, i), error=float(between.between.inversion_errors[i]),
               nearest_error=float(between.nearest_errors[i]), gap_secs=float(between.gaps_secs[i])) for i in indices]


def _pair(pair):
  """Returns what is shown of the two runs of experiment 5, dict."""
  moment = pair.num_minibatches
  galleries, magnified = [], [('Photos', _magnified(pair.ufm.evaluated[-1].reals))]
  for name, arm in pair.arms.items():
    ends = {one.step: one for one in (arm.at(moment), arm.evaluated[-1])}
    start = [('before the first minibatch', page.picture(arm.start))] if arm.start is not None else []
    galleries.append((_WAYS[name], start + [(f'after {step:,} minibatches{_took(arm.secs(step))}',
                                             _grid(one.samples[:_NUM_ALL])) for step, one in ends.items()]))
    magnified += [(f'{_WAYS[name]}, {step:,} minibatches: {one.measures["noise_texture"]:.1f}',
                   _magnified(one.samples)) for step, one in ends.items()]
  times_more, is_reached = pair.times_more
  return dict(moment=moment, galleries=galleries, magnified=magnified, rows=_checkpoint_rows(pair),
              names=[arm.name for arm in pair.arms.values()], is_reached=is_reached,
              of_photos=_texts(pair.ufm.evaluated[-1].of_reals), times_more=times_more, reached_at=pair.reached_at)


def _checkpoint_rows(pair):
  """Returns the lines of the table over the checkpoints: the first, then ever twice as many, then the last; dict."""
  rows = []
  for name, arm in pair.arms.items():
    steps, last = [one.step for one in arm.evaluated], arm.evaluated[-1].step
    wanted = {steps[0], last} | {pair.num_minibatches * 2**i for i in range(last.bit_length())}
    rows += [dict(way=_WAYS[name], step=f'{one.step:,}', secs=_number(arm.secs(one.step)), texts=_texts(one.measures))
             for one in arm.evaluated if one.step in wanted]
  return rows


def _checkpoint_charts(pairs):
  """Returns measures over the checkpoints of the first runs, list of (title, SVG)."""
  arms = [arm for pair in pairs for arm in pair.arms.values()][:_MOST_LINES]
  ends = min(arm.evaluated[0].step for arm in arms), max(arm.evaluated[-1].step for arm in arms)
  marks = [(pairs[0].num_minibatches, f'{pairs[0].num_minibatches:,}')]
  drawn = [(measuring.MEASURES[name].label, page.curves(
      {arm.name: arm.points(name) for arm in arms} | {
          'photos': [(step, arms[0].evaluated[0].of_reals[name]) for step in ends]}, marks=marks,
      is_log=name == 'noise_texture')) for name in _OVER_CHECKPOINTS]
  return [(title, chart) for title, chart in drawn if chart]


def _magnified(pictures):
  """Returns the middle of the first pictures, to be shown enlarged."""
  edge = pictures.shape[1] // 4
  return page.grid(pictures[:_NUM_MAGNIFIED, edge:-edge, edge:-edge], _NUM_MAGNIFIED)


def _took(secs):
  return '' if secs is None else f', {_number(secs)} s of training'


def _number(value):
  return '–' if value is None else f'{value:,.0f}'


def _grid(pictures):
  return page.grid(page.small(pictures), 8)


def _median(values):
  return float(np.median(values))
