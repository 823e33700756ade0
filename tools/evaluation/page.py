"""Pages that open from disk: pictures and curves inside one HTML file, without network and scripts."""

import base64
import io
import math
import pathlib
import re

import imageio.v3 as iio
import jinja2
import markupsafe
import matplotlib
from matplotlib import figure
from matplotlib import lines as chart_lines
from matplotlib import ticker
import numpy as np

from dcgan.common import files
from dcgan.common import images

_TEMPLATES = pathlib.Path(__file__).parents[1]  # tools/, so that a template is named as in 'evaluation/page.html'
_MOST_SHOWN_PX = 128  # of a picture
_COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9')  # Okabe and Ito 2008: told apart by all
_DASHES = ('-', (0, (5, 2)), (0, (1.5, 2)), (0, (6, 2, 1.5, 2)))  # where colours come again
_INK, _SOFT, _AXIS, _GRID, _MARK = '#333333', '#666677', '#9999aa', '#e4e6ea', '#b00020'
_FONT_PX = 11.0
# Letters stay letters, in the page's own font (layout.html); a name with two $ is no formula; the same curves give the
# same bytes; and every point that is handed over is drawn.
_STYLE = {'svg.fonttype': 'none', 'text.parse_math': False, 'svg.hashsalt': 'dcgan-avatar', 'path.simplify': False,
          'font.family': 'DejaVu Sans', 'font.size': _FONT_PX, 'legend.fontsize': _FONT_PX}
_NO_METADATA = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
_MOST_POINTS = 400  # of a line; more cannot be seen at this width
_DPI = 72.0  # an SVG's points are then the chart's pixels
_TOP_PX, _RIGHT_PX, _BOTTOM_PX, _LEFT_PX = 10, 14, 34, 58
_MARK_ROW_PX, _LEGEND_ROW_PX, _LETTER_PX, _HANDLE_PX = 13, 18, 6.6, 36
_NUM_TICKS = 5
_LONG, _TOO_LONG = 1e4, 1e9  # a whole number between is written out, in threes
_MANY_TIMES = 1000.0  # from foot to top of a logarithmic axis, whose ticks are then powers of ten alone
_MOST_MARK_ROWS = 4


def picture(image):
  """Returns a picture, uint8 [height, width, 3], as a PNG in a data URI: the `src` of an `img`."""
  file = io.BytesIO()
  iio.imwrite(file, image, extension='.png')
  return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode('ascii')


def grid(pictures, num_columns=8):
  """Returns pictures, uint8 [num_images, height, width, 3], side by side in rows, as `picture` does."""
  return picture(images.make_grid(pictures, num_columns))


def small(pictures):
  """Returns pictures, uint8 [num_images, size, size, 3], no larger than they are shown: else a page would be huge."""
  return images.resize(pictures, _MOST_SHOWN_PX) if pictures.shape[1] > _MOST_SHOWN_PX else pictures


def curves(lines, x_label='minibatch', marks=(), is_log=False, width_px=460, height_px=240):
  """Returns a chart of curves over a common axis.

  A line of more points than can be seen is drawn as the means of neighbours; a value that is None or not finite, or not
  over 0 on a logarithmic axis, leaves a gap.

  Args:
    lines: dict from each line's name to its (x, y) pairs, in order of x. One without any value is not drawn, but the
      others keep their colours.
    x_label: str.
    marks: iterable of (x, text): vertical lines with a word at their top.
    is_log: bool, whether the y axis is logarithmic.
    width_px: int.
    height_px: int, of the chart without its legend.

  Returns:
    `markupsafe.Markup` of an SVG element, all texts escaped; empty where no line has a value.
  """
  drawn = []
  for i, (name, points) in enumerate(lines.items()):
    points = _thinned([(float(x), _value(y, is_log)) for x, y in points])
    if any(y is not None for _, y in points):
      drawn.append((name, points, _COLOURS[i % len(_COLOURS)], _DASHES[i // len(_COLOURS) % len(_DASHES)]))
  if not drawn:
    return markupsafe.Markup('')
  with matplotlib.rc_context(_STYLE):
    # A single line says nothing that the chart's title does not.
    legend_px = _legend_px([name for name, *_ in drawn], width_px)[1] if len(lines) > 1 else 0
    chart = figure.Figure((width_px / _DPI, (height_px + legend_px) / _DPI), _DPI, facecolor='none')
    axes = _axes(chart, height_px, legend_px, x_label, is_log)
    titles = [title for i, line in enumerate(drawn) for title in _draw_line(axes, i, *line)]
    _set_ticks(axes, is_log)
    titles += _draw_marks(axes, marks)
    if legend_px:
      _draw_legend(chart, drawn)
    file = io.StringIO()
    chart.savefig(file, format='svg', metadata=_NO_METADATA)
  return _inlined(file.getvalue(), dict(titles))


def render(template, **values):
  """Returns a template of `tools/` with its values put in, all of them escaped but `markupsafe.Markup`.

  Args:
    template: str, its path below `tools/`, as in 'evaluation/page.html'; those that extend 'evaluation/layout.html' get
      its look.
    **values: what the template names; a name that is missing is an error.

  Returns:
    str, HTML.
  """
  environment = jinja2.Environment(
      loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
      lstrip_blocks=True)
  return environment.get_template(template).render(**values)


def save(path, template, **values):
  """Writes what `render` returns to `path`; raises `errors.InputError` where it cannot be written."""
  files.write_text(path, render(template, **values))


def _value(y, is_log):
  """Returns a float, or None for what cannot be drawn."""
  if y is None or not math.isfinite(y) or (is_log and y <= 0.0):
    return None
  return float(y)


def _thinned(points):
  """Returns (x, y) pairs, where they are many as means over neighbours of equal number."""
  if len(points) <= _MOST_POINTS:
    return points
  thinned = []
  for part in np.array_split(np.arange(len(points)), _MOST_POINTS):
    ys = [points[i][1] for i in part if points[i][1] is not None]
    thinned.append((float(np.mean([points[i][0] for i in part])), float(np.mean(ys)) if ys else None))
  return thinned


def _axes(chart, height_px, legend_px, x_label, is_log):
  """Returns the empty axes of a `figure.Figure`, above the room for its legend."""
  width, height = chart.get_size_inches() * _DPI
  axes = chart.add_axes((_LEFT_PX / width, (_BOTTOM_PX + legend_px) / height, (width - _LEFT_PX - _RIGHT_PX) / width,
                         (height_px - _TOP_PX - _BOTTOM_PX) / height), facecolor='none')
  axes.margins(x=0.0, y=0.05)
  axes.set_yscale('log' if is_log else 'linear')
  axes.minorticks_off()
  axes.spines[['left', 'top', 'right']].set_visible(False)
  axes.spines['bottom'].set_color(_AXIS)
  axes.tick_params('x', length=4, color=_AXIS, labelcolor=_SOFT)
  axes.tick_params('y', length=0, pad=6, labelcolor=_SOFT)
  axes.grid(axis='y', color=_GRID, linewidth=1)
  axes.set_axisbelow(True)
  axes.set_xlabel(x_label, loc='right', color=_SOFT, labelpad=1)
  return axes


def _draw_line(axes, number, name, points, colour, dash):
  """Draws a line: each stretch without a gap, and a dot where a stretch has no length; returns list of (gid, title)."""
  x = np.array([x for x, _ in points])
  y = np.array([math.nan if y is None else y for _, y in points])
  is_there = np.pad(np.isfinite(y), 1)
  is_lonely = is_there[1:-1] & ~is_there[:-2] & ~is_there[2:]
  line_gid, dots_gid = f'line{number}', f'dots{number}'
  if (is_there[1:-1] & ~is_lonely).any():
    axes.plot(x, np.where(is_lonely, math.nan, y), color=colour, linestyle=dash, linewidth=1.6, gid=line_gid)
  if is_lonely.any():
    axes.plot(x[is_lonely], y[is_lonely], 'o', color=colour, markersize=5, gid=dots_gid)
  return [(line_gid, name), (dots_gid, name)]


def _set_ticks(axes, is_log):
  """Puts ticks at round numbers within what is drawn."""
  axes.xaxis.set_major_locator(ticker.MaxNLocator(_NUM_TICKS, steps=(1, 2, 5, 10)))
  axes.yaxis.set_major_locator(ticker.MaxNLocator(_NUM_TICKS, steps=(1, 2, 5, 10)))
  low, high = axes.get_ylim()
  if is_log and high >= 10 * low:
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0,) if high >= _MANY_TIMES * low else (1.0, 2.0, 5.0)))
  for axis in (axes.xaxis, axes.yaxis):
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _number(value)))


def _draw_marks(axes, marks):
  """Draws vertical lines with their words, neighbours' below each other; returns list of (gid, title)."""
  titles, ends = [], [-math.inf] * _MOST_MARK_ROWS
  low, high = axes.get_xlim()
  right = axes.bbox.x1
  for at, text in sorted(marks):
    if not low <= at <= high:
      continue
    gid = f'mark{len(titles)}'
    titles.append((gid, f'{text}, {_number(at)}'))
    axes.axvline(at, color=_MARK, linestyle=(0, (3, 3)), linewidth=1, gid=gid)
    x, width = axes.transData.transform((at, axes.get_ylim()[1]))[0], _LETTER_PX * len(text)
    is_to_left = x + width > right
    start = x - width if is_to_left else x
    row = next((row for row, end in enumerate(ends) if end < start), None)
    if row is not None:  # else its title tells it
      ends[row] = start + width
      axes.annotate(text, (at, 1), (-3 if is_to_left else 3, -1 - row * _MARK_ROW_PX), ('data', 'axes fraction'),
                    'offset points', color=_MARK, ha='right' if is_to_left else 'left', va='top')
  return titles


def _legend_px(names, width_px):
  """Returns (columns, height in px) of the legend of some lines."""
  widest = _HANDLE_PX + _LETTER_PX * max(map(len, names))
  num_columns = max(1, min(len(names), int((width_px - _LEFT_PX) // widest)))
  return num_columns, 8 + _LEGEND_ROW_PX * -(-len(names) // num_columns)


def _draw_legend(chart, drawn):
  """Draws names beside pieces of their lines, list of (name, points, colour, dash), at the foot of a chart."""
  width, height = chart.get_size_inches() * _DPI
  names = [name for name, *_ in drawn]
  pieces = [chart_lines.Line2D([], [], color=colour, linestyle=dash, linewidth=2.5) for *_, colour, dash in drawn]
  chart.legend(pieces, names, loc='lower left', bbox_to_anchor=(_LEFT_PX / width, 4 / height),
               ncols=_legend_px(names, width)[0], frameon=False, labelcolor=_INK, borderpad=0, borderaxespad=0,
               handlelength=1.7, handletextpad=0.5, labelspacing=_LEGEND_ROW_PX / _FONT_PX - 1, columnspacing=1.2)


def _inlined(svg, titles):
  """Returns the SVG element of a file's text, as `markupsafe.Markup`, ready for a page that holds several.

  Args:
    svg: str, as matplotlib writes it; groups have names there that would come again in every chart.
    titles: dict from the names of groups to what is told where the pointer rests on them.
  """
  for name, title in titles.items():
    svg = svg.replace(f'<g id="{name}">', f'<g><title>{markupsafe.escape(title)}</title>')
  element = re.sub(r'<g id="[^"]*"', '<g', svg[svg.index('<svg '):])
  return markupsafe.Markup(element.replace('<svg ', '<svg class="chart" role="img" ', 1))


def _number(value):
  """Returns a number of an axis as text: no more digits than it needs."""
  is_long = _LONG <= abs(value) < _TOO_LONG and value == round(value)
  return f'{value:,.0f}' if is_long else f'{value:.4g}'
