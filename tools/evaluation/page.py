"""Pages that open from disk: pictures and curves inside one HTML file, without network and scripts."""

import base64
import io
import math
import pathlib

import imageio.v3 as iio
import jinja2
import markupsafe
import numpy as np

from dcgan.common import files
from dcgan.common import images

_TEMPLATES = pathlib.Path(__file__).parents[1]  # tools/, so that a template is named as in 'evaluation/page.html'
_COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9')  # Okabe and Ito 2008: told apart by all
_DASHES = ('', '7 3', '2 3', '8 3 2 3')  # where colours come again
_MOST_POINTS = 400  # of a line; more cannot be seen at this width
_TOP_PX, _RIGHT_PX, _BOTTOM_PX, _LEFT_PX = 10, 14, 34, 58
_MARK_ROW_PX, _LEGEND_ROW_PX, _LETTER_PX = 13, 18, 6.6
_NUM_TICKS = 5
_MOST_MARK_ROWS = 4


def picture(image):
  """Returns a picture, uint8 [height, width, 3], as a PNG in a data URI: the `src` of an `img`."""
  file = io.BytesIO()
  iio.imwrite(file, image, extension='.png')
  return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode('ascii')


def grid(pictures, num_columns=8):
  """Returns pictures, uint8 [num_images, height, width, 3], side by side in rows, as `picture` does."""
  return picture(images.make_grid(pictures, num_columns))


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
  chart = _Chart([point for _, points, _, _ in drawn for point in points if point[1] is not None], is_log, width_px,
                 height_px)
  parts = [*chart.axes(x_label), *chart.marks(marks)]
  for name, points, colour, dash in drawn:
    parts += chart.line(name, points, colour, dash)
  # A single line says nothing that the chart's title does not.
  legend, legend_px = chart.legend([(name, *style) for name, _, *style in drawn]) if len(lines) > 1 else ([], 0)
  whole = height_px + legend_px
  return markupsafe.Markup(
      f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width_px}" height="{whole}" viewBox="0 0 '
      f'{width_px} {whole}" font-family="system-ui, sans-serif" font-size="11" role="img">'
      + ''.join(parts + legend) + '</svg>')


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


class _Chart:
  """The frame of a chart: where a value stands in px.

  Args:
    points: list of (x, y), all that is drawn.
    is_log: bool, whether y is.
    width_px: int.
    height_px: int.
  """

  def __init__(self, points, is_log, width_px, height_px):
    self._is_log = is_log
    self._width_px, self._height_px = width_px, height_px
    xs, ys = [x for x, _ in points], [self._scaled(y) for _, y in points]
    self._x = _widened(min(xs), max(xs), 0.0)
    self._y = _widened(min(ys), max(ys), 0.05)

  def place(self, x, y):
    """Returns the place of a value, (px from the left, px from the top)."""
    (x_low, x_high), (y_low, y_high) = self._x, self._y
    return (_LEFT_PX + (x - x_low) / (x_high - x_low) * (self._width_px - _LEFT_PX - _RIGHT_PX),
            _TOP_PX + (y_high - self._scaled(y)) / (y_high - y_low) * (self._height_px - _TOP_PX - _BOTTOM_PX))

  def axes(self, x_label):
    """Returns the grid with its numbers, list of str."""
    parts = []
    bottom, right = self._height_px - _BOTTOM_PX, self._width_px - _RIGHT_PX
    for value in self._y_ticks():
      y = self.place(self._x[0], value)[1]
      parts.append(f'<line x1="{_LEFT_PX}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e4e6ea"/><text x="'
                   f'{_LEFT_PX - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#667">{_number(value)}</text>')
    for value in _ticks(*self._x):
      x = self.place(value, self._any_y())[0]
      parts.append(f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 4}" stroke="#99a"/><text x="{x:.1f}" '
                   f'y="{bottom + 15}" text-anchor="middle" fill="#667">{_number(value)}</text>')
    parts.append(f'<line x1="{_LEFT_PX}" y1="{bottom}" x2="{right}" y2="{bottom}" stroke="#99a"/><text x="{right}" y="'
                 f'{bottom + 29}" text-anchor="end" fill="#667">{markupsafe.escape(x_label)}</text>')
    return parts

  def marks(self, marks):
    """Returns vertical lines with their words, list of str; neighbours' words stand below each other."""
    parts, bottom = [], self._height_px - _BOTTOM_PX
    ends = [-math.inf] * _MOST_MARK_ROWS
    for at, text in sorted(marks):
      if not self._x[0] <= at <= self._x[1]:
        continue
      x = self.place(at, self._any_y())[0]
      width = _LETTER_PX * len(text)
      to_left = x + width > self._width_px - _RIGHT_PX
      start = x - width if to_left else x
      row = next((row for row, end in enumerate(ends) if end < start), None)
      parts.append(f'<line x1="{x:.1f}" y1="{_TOP_PX}" x2="{x:.1f}" y2="{bottom}" stroke="#b00020" stroke-dasharray='
                   f'"3 3"><title>{markupsafe.escape(text)}, {_number(at)}</title></line>')
      if row is not None:
        ends[row] = start + width
        parts.append(f'<text x="{x - 3 if to_left else x + 3:.1f}" y="{_TOP_PX + 9 + row * _MARK_ROW_PX}" text-anchor="'
                     f'{"end" if to_left else "start"}" fill="#b00020">{markupsafe.escape(text)}</text>')
    return parts

  def line(self, name, points, colour, dash):
    """Returns a line as list of str: each stretch without a gap, and a point where a stretch has no length."""
    title = f'<title>{markupsafe.escape(name)}</title>'
    parts, stretch = [], []
    for x, y in [*points, (0.0, None)]:
      if y is not None:
        stretch.append(self.place(x, y))
      elif stretch:
        places = ' '.join(f'{left:.1f},{top:.1f}' for left, top in stretch)
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6" stroke-dasharray="'
                     f'{dash}" stroke-linejoin="round">{title}</polyline>' if len(stretch) > 1 else
                     f'<circle cx="{stretch[0][0]:.1f}" cy="{stretch[0][1]:.1f}" r="2.5" fill="{colour}">{title}'
                     '</circle>')
        stretch = []
    return parts

  def legend(self, entries):
    """Returns (list of str, its height in px) of a legend of (name, colour, dash)."""
    parts, x, y = [], _LEFT_PX, self._height_px + 10
    for name, colour, dash in entries:
      width = 28 + _LETTER_PX * len(name)
      if x > _LEFT_PX and x + width > self._width_px:
        x, y = _LEFT_PX, y + _LEGEND_ROW_PX
      parts.append(f'<line x1="{x:.0f}" y1="{y - 4}" x2="{x + 18:.0f}" y2="{y - 4}" stroke="{colour}" '
                   f'stroke-dasharray="{dash}" stroke-width="2.5"/><text x="{x + 23:.0f}" y="{y}" fill="#333">'
                   f'{markupsafe.escape(name)}</text>')
      x += width + 12
    return parts, y + 8 - self._height_px

  def _scaled(self, y):
    return math.log10(y) if self._is_log else y

  def _any_y(self):
    return 10**self._y[0] if self._is_log else self._y[0]

  def _y_ticks(self):
    low, high = self._y
    if not self._is_log:
      return _ticks(low, high)
    values = [factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in (1, 2, 5)]
    values = [value for value in values if low <= math.log10(value) <= high]
    whole = [value for value in values if math.log10(value) % 1 == 0]
    if len(whole) >= 3:
      return whole
    return values if len(values) >= 3 else _ticks(10**low, 10**high)


def _widened(low, high, fraction):
  """Returns (low, high) with a margin of a fraction of their distance, never of no length."""
  margin = fraction * (high - low) or (0.0 if high > low else 0.5 * abs(low) or 0.5)
  return low - margin, high + margin


def _ticks(low, high):
  """Returns round numbers in [low, high], list of float."""
  rough = (high - low) / _NUM_TICKS
  power = 10.0**math.floor(math.log10(rough))
  step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
  return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _number(value):
  """Returns a number of an axis as text: no more digits than it needs."""
  text = f'{value:.4g}'
  return f'{value:,.0f}' if 'e' in text and abs(value) < 1e9 and value == round(value) else text
