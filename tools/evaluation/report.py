"""What was measured, as a table in text and as a page."""

import numpy as np

from dcgan.model import latents
from tools.evaluation import history
from tools.evaluation import measures as measuring
from tools.evaluation import page
from tools.evaluation import verdict

_NUM_NEAREST = 16  # samples that are shown for being nearest to a training picture
_NUM_IN_PROGRESS = 12  # fixed points that are shown of every checkpoint


def table(evaluated):
  """Returns the measures as text, with the reasons of those that were left out and the verdicts.

  Args:
    evaluated: list of `evaluation.Evaluated`, one or more.
  """
  rows = [['', *(heading for heading, _ in _columns(evaluated))]]
  rows += [[measure.label, *texts] for _, measure, texts in _rows(evaluated)]
  widths = [max(map(len, column)) for column in zip(*rows)]
  lines = ['  '.join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))])
           for row in rows]
  lines += ['', *(f'{label}: {reason}.' for label, reason in _missing(evaluated)), '']
  lines += [f'{one.name}: {" ".join(one.verdict)}' for one in _shown(evaluated)]
  return '\n'.join([*lines, *filter(None, [_comparison(evaluated)]), *_notes(evaluated)])


def save(path, evaluated):
  """Writes the page of a list of `evaluation.Evaluated`; raises `errors.InputError` where it cannot be written."""
  page.save(path, 'evaluation/page.html', **_page_values(evaluated))


def _columns(evaluated):
  """Returns what stands side by side in a table, list of (heading, dict from names to float or None).

  The photos' own numbers come last: once, where they are the same for all.
  """
  of_photos = {one.label: one.of_reals for one in evaluated}
  is_same = all(numbers == evaluated[0].of_reals for numbers in of_photos.values())
  photos = [('photos', evaluated[0].of_reals)] if is_same else [
      (f'photos of {name}', numbers) for name, numbers in of_photos.items()]
  return [(one.name, one.measures) for one in evaluated] + photos


def _rows(evaluated):
  """Returns the measures that were taken of any, list of (name, `measures.Measure`, list of str, a value a column)."""
  return [(name, measure, [measure.text(numbers[name]) for _, numbers in _columns(evaluated)])
          for name, measure in measuring.MEASURES.items() if any(one.measures[name] is not None for one in evaluated)]


def _missing(evaluated):
  """Returns why measures were left out, list of (label, reason), each once."""
  return list(dict.fromkeys((measure.label, one.reasons[name]) for name, measure in measuring.MEASURES.items()
                            for one in evaluated if one.measures[name] is None))


def _saw_the_same(evaluated):
  """Returns whether all were measured against the same pictures, so that distances can be compared."""
  return len({(one.records_digest, one.options.data.crop) for one in evaluated}) == 1


def _notes(evaluated):
  """Returns what the reader must know, list of str."""
  notes = list(dict.fromkeys(note for one in evaluated for note in one.notes))
  return notes if _saw_the_same(evaluated) else notes + [
      'These runs were measured against different pictures: compare their rates, not their distances.']


def _comparison(evaluated):
  """Returns a sentence about the best of several, or '' where they cannot be compared."""
  return verdict.comparison([(one.name, one.measures) for one in evaluated]) if _saw_the_same(evaluated) else ''


def _by_run(evaluated):
  """Returns dict from each run's label to its `Evaluated`, list in order of their minibatches."""
  groups = {}
  for one in evaluated:
    groups.setdefault(one.label, []).append(one)
  return groups


def _shown(evaluated):
  """Returns the `Evaluated` that are shown one by one, list: of each run those that stand out."""
  shown = []
  for group in _by_run(evaluated).values():
    shown += [group[i] for i in verdict.outstanding([one.measures for one in group])]
  return shown


def _page_values(evaluated):
  """Returns what the page shows, dict by the names of its template."""
  groups, shown = _by_run(evaluated), _shown(evaluated)
  return dict(
      title=f'Evaluation of {", ".join(groups)}',
      num_checkpoints=len(evaluated), num_samples=len(evaluated[0].samples), size_px=evaluated[0].samples.shape[1],
      notes=_notes(evaluated), verdicts=[(one.name, one.verdict) for one in shown], comparison=_comparison(evaluated),
      headings=[heading for heading, _ in _columns(evaluated)], rows=_rows(evaluated), missing=_missing(evaluated),
      against=[f'{measuring.MEASURES[name].label} {text}.' for name, text in evaluated[0].reasons.items()
               if evaluated[0].measures[name] is not None],
      checkpoint_charts=_checkpoint_charts(evaluated), progress=_progress(evaluated),
      shown=[(one.name, _pairs(one, range(min(len(one.samples), latents.NUM_FIXED_POINTS))),
              _pairs(one, np.argsort(one.nearest_distances)[:_NUM_NEAREST])) for one in shown],
      charts=history.charts([group[0].run for group in groups.values()]),
      health=[(label, history.health_verdicts(group[0].run)) for label, group in groups.items()],
      options=[(label, group[0].options.to_json()) for label, group in groups.items()])


def _checkpoint_charts(evaluated):
  """Returns each measure over the checkpoints, list of (title, SVG); none where no run has two."""
  groups = _by_run(evaluated)
  if max(map(len, groups.values())) < 2:
    return []
  ends = min(one.step for one in evaluated), max(one.step for one in evaluated)
  photos = {heading: [(step, numbers) for step in ends] for heading, numbers in _columns(evaluated)[len(evaluated):]}
  lines = {label: [(one.step, one.measures) for one in group] for label, group in groups.items()} | photos
  charts = [(measure.label, page.curves({heading: [(step, numbers[name]) for step, numbers in points]
                                         for heading, points in lines.items()}))
            for name, measure in measuring.MEASURES.items() if any(one.measures[name] is not None for one in evaluated)]
  return [(label, chart) for label, chart in charts if chart]


def _progress(evaluated):
  """Returns the first fixed points over the checkpoints, list of (name, picture); none where no run has two."""
  if max(map(len, _by_run(evaluated).values())) < 2:
    return []
  return [(one.name, page.grid(page.small(one.samples[:_NUM_IN_PROGRESS]), _NUM_IN_PROGRESS)) for one in evaluated]


def _pairs(one, indices):
  """Returns samples with their nearest training pictures, list of (number, sample, training picture, distance)."""
  return [(int(i), page.picture(page.small(one.samples[i:i + 1])[0]),
           page.picture(page.small(one.reals[[one.nearest_indices[i]]])[0]), float(one.nearest_distances[i]))
          for i in indices]
