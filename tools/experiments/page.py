"""The page of an experiment: claims beside pictures and numbers, in one file that opens from disk.

What all experiments show stands in `experiment.html`; the template of an experiment that shows more extends it, and
draws with the functions below.
"""

import pathlib

import imageio.v3 as iio

from tools.evaluation import measures as measuring
from tools.evaluation import page
from tools.experiments import experiment

# Of each run, from the first fixed point on: all where there are few runs, three rows of eight where there are many.
_NUM_ALL, _NUM_SOME, _FEW_RUNS = 64, 24, 3
_NUM_MAGNIFIED = 2  # samples whose middle is shown enlarged
# Of `measures.MEASURES`, with short names.
_COLUMNS = {'found_rate': 'with a face', 'clean_rate': 'clean faces', 'diversity': 'diversity',
            'geometry_distance': 'geometry distance', 'sliced_wasserstein': 'Wasserstein distance',
            'noise_texture': 'noise texture'}
_CHARTS = (('gLoss/dLoss, moving average', 'health/loss_ratio', True),
           ('Diversity, of the photos\'', 'health/diversity', False),
           ('Sliced Wasserstein distance to the photos', 'metric/sliced_wasserstein', False))
_SYMPTOMS = {'symptom_a': 'Symptom A', 'symptom_b': 'Symptom B', 'overpowered': 'D overpowers G',
             'memorised': 'D knows its set by heart', 'noise': 'noise grows', 'degraded': 'best is long past',
             'diverged': 'diverged'}


def save(path, experiment, results, outcomes, findings, beside=None):
  """Writes the page of an experiment.

  Args:
    path: `pathlib.Path`.
    experiment: `experiment.Experiment`.
    results: dict, as it is written to JSON.
    outcomes: list of `outcome.Outcome`, one or more.
    findings: list of `findings.Finding`.
    beside: what the experiment's `measure` returned.

  Raises:
    errors.InputError: the page cannot be written.
  """
  num_shown = _NUM_ALL if len(outcomes) <= _FEW_RUNS else _NUM_SOME
  page.save(
      path, experiment.template, experiment=experiment, results=results, findings=findings, outcomes=outcomes,
      num_shown=num_shown, labels=list(_COLUMNS.values()),
      reasons=list(dict.fromkeys((_COLUMNS[name], row['reasons'][name]) for row in results['runs']
                                 for name in _COLUMNS if row['measures'][name] is None and name in row['reasons'])),
      cells=cells, texts=texts, caption=caption, counted=counted, label=label, grid=grid, thumbnail=thumbnail,
      magnified=magnified, kept_grid=kept_grid, charts=charts, run_charts=_run_charts(outcomes),
      **experiment.drawn(outcomes, beside))


def cells(row):
  """Returns the cells of a run's line in the table (dict), from its numbers as `Outcome.as_json` returns them."""
  symptoms = ', '.join(f'{_SYMPTOMS.get(kind, kind)} at {step:,}' for kind, step in row['symptoms'].items())
  return dict(
      name=row['name'], step=f'{row["step"]:,}', images_seen=f'{row["images_seen"]:,}',
      symptoms=symptoms or ('too short to tell' if row['collapsed'] is None else 'none'),
      loss_ratio='–' if row['loss_ratio'] is None else f'{row["loss_ratio"]:.2f}', texts=texts(row['measures']))


def texts(numbers):
  """Returns the measures of a table's line as text, list of str, from dict."""
  return [measuring.MEASURES[name].text(numbers.get(name)) for name in _COLUMNS]


def caption(outcome):
  """Returns what stands under the samples of a run, str."""
  verdicts = ' '.join(line['sentence'] for line in outcome.verdicts[:2])
  seen = f'{counted(outcome.evaluated.step)} minibatches, {counted(outcome.images_seen)} pictures seen.'
  return f'{seen} {verdicts}'.strip()


def counted(number):
  """Returns a number as text without decimals, as in '1,000', or a dash where it is None."""
  return '–' if number is None else f'{number:,.0f}'


def label(name):
  """Returns what a measure is called, str."""
  return measuring.MEASURES[name].label


def grid(pictures):
  """Returns pictures, uint8 [num_images, height, width, 3], side by side in rows of eight, as an `img`'s `src`."""
  return page.grid(page.small(pictures), 8)


def thumbnail(picture):
  """Returns one picture, uint8 [height, width, 3], as an `img`'s `src`."""
  return page.picture(page.small(picture[None])[0])


def magnified(pictures):
  """Returns the middle of the first pictures, to be shown enlarged, as an `img`'s `src`."""
  edge = pictures.shape[1] // 4
  return page.grid(pictures[:_NUM_MAGNIFIED, edge:-edge, edge:-edge], _NUM_MAGNIFIED)


def kept_grid(run, step=None):
  """Returns the samples that a run drew while it trained as an `img`'s `src`, or None where they are gone.

  Args:
    run: path of its folder.
    step: int, after which minibatch; None for the last ones that are there.
  """
  paths = sorted(pathlib.Path(run).glob('samples_*.png' if step is None else f'samples_{step:06d}.png'))
  return page.picture(iio.imread(paths[-1])) if paths else None


def charts(entries, marks=()):
  """Returns those charts that have a line to show, list of (title, SVG).

  Args:
    entries: iterable of (title, lines, whether on a logarithmic axis), the lines as `page.curves` takes them.
    marks: as `page.curves` takes them.
  """
  drawn = [(title, page.curves(lines, marks=marks, is_log=is_log)) for title, lines, is_log in entries]
  return [(title, chart) for title, chart in drawn if chart]


def _run_charts(outcomes):
  """Returns curves of the first runs while they trained, list of (title, SVG)."""
  return charts((title, {outcome.variant.name: outcome.statistics[tag] for outcome in outcomes[:experiment.MOST_LINES]
                         if tag in outcome.statistics}, is_log) for title, tag, is_log in _CHARTS)
