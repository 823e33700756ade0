"""What a run wrote while it trained: its statistics as curves, and the verdicts on its health."""

import pathlib

from dcgan.common import files
from dcgan.training import actions
from dcgan.training import health
from tools.evaluation import page

# Title, the tags of one chart, whether it is logarithmic; every other tag gets a chart of its own.
_CHARTS = (
    ('Losses', ('loss/generator', 'loss/discriminator'), False),
    ('gLoss/dLoss, moving average', ('health/loss_ratio',), True),
    ('Sliced Wasserstein distance to the photos', ('metric/sliced_wasserstein',), False),
    ('Diversity, of the photos\'', ('health/diversity',), False),
    ('Logits of the discriminator', ('logits/real', 'logits/fake'), False),
)
_LEFT_OUT = ('time/',)


def statistics(run):
  """Returns the statistics of a run, also while it writes them.

  Args:
    run: path of the run's folder.

  Returns:
    dict from each tag to its (minibatch, value) pairs, ascending; values are floats. Empty where nothing was written.
  """
  tags = {}
  for line in files.load_json_lines(pathlib.Path(run) / actions.STATS):
    for tag, value in line.items():
      if tag != 'global_step' and isinstance(value, (int, float)):
        tags.setdefault(tag, []).append((line['global_step'], float(value)))
  return {tag: sorted(points) for tag, points in tags.items()}


def health_verdicts(run):
  """Returns the verdicts on a run's health while it trained, list of dict, each with 'global_step' and 'sentence'."""
  return [line for line in health.load_verdicts(run) if 'sentence' in line]


def labels(folders):
  """Returns what runs are called beside each other, list of str: names, or whole paths where two have one name."""
  names = [pathlib.Path(run).name for run in folders]
  return names if len(set(names)) == len(names) else [str(run) for run in folders]


def charts(folders):
  """Returns the statistics of runs as charts, with the verdicts on their health as marks.

  Args:
    folders: list of paths of runs, which share each chart.

  Returns:
    list of (title, SVG as `page.curves` returns it).
  """
  found = {label: (statistics(run), health_verdicts(run)) for label, run in zip(labels(folders), folders)}
  marks = [(line['global_step'], str(line.get('kind', 'verdict')) + (f' in {label}' if len(found) > 1 else ''))
           for label, (_, verdicts) in found.items() for line in verdicts]
  known = {tag for _, tags, _ in _CHARTS for tag in tags}
  others = sorted({tag for tags, _ in found.values() for tag in tags
                   if tag not in known and not tag.startswith(_LEFT_OUT)})
  drawn = []
  for title, tags, is_log in (*_CHARTS, *((tag, (tag,), False) for tag in others)):
    lines = {_name(label if len(found) > 1 else '', tag if len(tags) > 1 else ''): columns.get(tag, ())
             for label, (columns, _) in found.items() for tag in tags}
    chart = page.curves(lines, marks=marks, is_log=is_log)
    if chart:
      drawn.append((title, chart))
  return drawn


def _name(label, tag):
  """Returns what a line is called, by its run and by the end of its tag: either, both or none."""
  return ' · '.join(filter(None, [label, tag.partition('/')[2]]))
