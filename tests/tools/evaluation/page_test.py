"""Tests of the pages: pictures survive, curves stand where they should, nothing is taken for markup."""

import base64
import io
import math
import re
import xml.etree.ElementTree as ElementTree

import imageio.v3 as iio
import jinja2
import numpy as np
import pytest

from tools.evaluation import page

_SVG = '{http://www.w3.org/2000/svg}'
# The values of the page of an evaluation, of nothing.
EMPTY = dict(title='', num_checkpoints=1, num_samples=64, size_px=8, notes=[], verdicts=[], comparison='', headings=[],
             rows=[], missing=[], against=[], checkpoint_charts=[], progress=[], shown=[], charts=[], health=[],
             options=[])


def decoded(uri):
  kind, _, content = uri.partition(',')
  assert kind == 'data:image/png;base64'
  return iio.imread(io.BytesIO(base64.b64decode(content)))


def styled(svg, tag, style):
  """Returns the elements of a chart with a tag whose style holds some text, list."""
  return [element for element in ElementTree.fromstring(svg).iter(f'{_SVG}{tag}') if style in element.get('style', '')]


def polylines(svg):
  """Returns the places of each stretch of the lines of a chart, list of float [num_points, 2]."""
  stretches = [stretch for path in styled(svg, 'path', 'stroke-width: 1.6') for stretch in path.get('d').split('M')[1:]]
  return [np.array([place.split() for place in stretch.split('L')], float) for stretch in stretches]


def texts(svg):
  return [element.text for element in ElementTree.fromstring(svg).iter(f'{_SVG}text')]


def test_a_picture_survives_byte_for_byte():
  image = np.random.default_rng(0).integers(0, 256, [5, 7, 3], np.uint8)
  np.testing.assert_array_equal(decoded(page.picture(image)), image)


def test_a_grid_holds_its_pictures_row_after_row():
  pictures = np.stack([np.full([4, 4, 3], value, np.uint8) for value in (10, 20, 30)])
  shown = decoded(page.grid(pictures, num_columns=2))
  assert [int(shown[y, x, 0]) for y, x in ((4, 4), (4, 10), (10, 4), (10, 10))] == [10, 20, 30, 255]


def test_a_straight_line_is_drawn_straight_and_upwards():
  line, = polylines(page.curves({'loss': [(0, 1.0), (10, 2.0), (40, 5.0)]}))
  x, y = line.T
  assert np.all(np.diff(x) > 0) and np.all(np.diff(y) < 0)  # y of an SVG grows downwards
  assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(0.25, abs=0.01)
  assert (y[1] - y[0]) / (y[2] - y[0]) == pytest.approx(0.25, abs=0.01)


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
  line, = polylines(page.curves({'ratio': [(0, 1.0), (1, 10.0), (2, 100.0)]}, is_log=True))
  assert line[1, 1] - line[0, 1] == pytest.approx(line[2, 1] - line[1, 1], abs=0.2)


@pytest.mark.parametrize('value, is_log', [(None, False), (math.nan, False), (math.inf, False), (0.0, True),
                                           (-1.0, True)])
def test_what_cannot_be_drawn_leaves_a_gap(value, is_log):
  points = [(0, 1.0), (1, 2.0), (2, value), (3, 2.0), (4, 3.0)]
  assert [len(line) for line in polylines(page.curves({'a': points}, is_log=is_log))] == [2, 2]


def test_a_lonely_value_is_a_dot():
  svg = page.curves({'a': [(5, 1.5)]})
  assert len(styled(svg, 'use', 'fill: #0072b2')) == 1 and not polylines(svg)
  svg = page.curves({'a': [(0, 1.0), (1, None), (2, 1.0), (3, None), (4, 1.0), (5, 2.0)]})
  assert len(styled(svg, 'use', 'fill: #0072b2')) == 2 and [len(line) for line in polylines(svg)] == [2]


def test_lines_without_any_value_give_no_chart():
  assert page.curves({}) == '' and page.curves({'a': [(1, None), (2, math.nan)]}) == ''


def test_many_points_are_drawn_as_means_of_neighbours():
  points = [(x, float(x % 2)) for x in range(100_000)]
  line, = polylines(page.curves({'a': points}))
  assert len(line) == 400 and np.ptp(line[:, 1]) < 1e-6  # each mean is over 250 values, half of them 1


def test_marks_stand_at_their_place_and_outside_the_axis_nowhere():
  svg = page.curves({'a': [(0, 0.0), (100, 1.0)]}, marks=[(50, 'noise'), (300, 'later')])
  dashed, = styled(svg, 'path', 'stroke: #b00020')
  line, = polylines(svg)
  assert float(dashed.get('d').split()[1]) == pytest.approx(line[:, 0].mean(), abs=0.1)
  assert 'noise' in texts(svg) and 'later' not in texts(svg)


def test_marks_close_together_stand_below_each_other():
  svg = page.curves({'a': [(0, 0.0), (100, 1.0)]}, marks=[(50, 'noise'), (51, 'diverged')])
  rows = {element.text: float(element.get('y')) for element in ElementTree.fromstring(svg).iter(f'{_SVG}text')}
  assert rows['diverged'] > rows['noise']


def test_a_mark_without_room_for_its_word_tells_it_where_the_pointer_rests():
  svg = page.curves({'a': [(0, 0.0), (100, 1.0)]}, marks=[(50 + i, f'noise {i}') for i in range(6)])
  titles = [element.text for element in ElementTree.fromstring(svg).iter(f'{_SVG}title')]
  assert 'noise 5' not in texts(svg) and 'noise 5, 55' in titles and 'a' in titles


def test_the_same_curves_are_the_same_bytes_without_a_date():
  first, again = (page.curves({'a': [(0, 1.0), (1, 2.0)]}, marks=[(0.5, 'noise')]) for _ in range(2))
  assert first == again and '<metadata' not in first and not re.search(r'20\d\d-\d\d-\d\d', first)


def test_charts_on_one_page_share_no_name_of_different_things():
  svgs = [page.curves({'a': [(0, 1.0), (1, 2.0)], 'b': [(3, 1.0)]}, marks=[(0.5, 'noise')], height_px=height)
          for height in (200, 300)]
  named = [{element.get('id'): ElementTree.tostring(element) for element in ElementTree.fromstring(svg).iter()
            if element.get('id')} for svg in svgs]
  assert all(named[0][name] == named[1][name] for name in set(named[0]) & set(named[1]))
  assert not re.findall(r'<g id=', svgs[0])


def test_several_lines_have_a_legend_and_names_are_no_markup():
  svg = page.curves({'<b>me</b>': [(0, 1.0), (1, 2.0)], 'you & me': [(0, 2.0), (1, 1.0)]}, x_label='<i>')
  assert {'<b>me</b>', 'you & me', '<i>'} <= set(texts(svg))
  assert '<b>' not in svg and '<i>' not in svg
  assert {'_me', r'$\alpha$'} <= set(texts(page.curves({'_me': [(0, 1.0)], r'$\alpha$': [(0, 2.0)]})))


def test_a_line_keeps_its_colour_and_its_name_where_another_has_no_value():
  def colour(svg, name):
    group = next(group for group in ElementTree.fromstring(svg).iter(f'{_SVG}g')
                 if group.findtext(f'{_SVG}title') == name)
    return re.search('stroke: (#......)', group.find(f'{_SVG}path').get('style'))[1]

  both = page.curves({'a': [(0, 1.0), (1, 2.0)], 'b': [(0, 2.0), (1, 1.0)]})
  alone = page.curves({'a': [], 'b': [(0, 2.0), (1, 1.0)]})
  assert colour(alone, 'b') == colour(both, 'b') != colour(both, 'a')
  assert 'b' in texts(alone) and 'a' not in texts(alone)


def test_all_that_is_drawn_lies_in_the_chart():
  lines = {f'a line with a long name {i}': [(x, math.sin(x + i)) for x in range(20)] for i in range(9)}
  root = ElementTree.fromstring(page.curves(lines, width_px=300, height_px=150))
  width, height = map(float, root.get('viewBox').split()[2:])
  places = [(float(element.get('x')), float(element.get('y'))) for element in root.iter(f'{_SVG}text')]
  assert all(0 <= x <= width and 0 <= y <= height for x, y in places)


@pytest.mark.parametrize('low, high, expected', [
    (0, 1500, [0, 500, 1000, 1500]), (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3, 4, [-2, 0, 2, 4]),
    (1e-5, 3e-5, [1e-5, 1.5e-5, 2e-5, 2.5e-5, 3e-5])])
def test_ticks_are_round_numbers(low, high, expected):
  svg = page.curves({'a': [(low, 0.0), (high, 1.0)]})
  shown = [float(element.text.replace(',', '')) for element in styled(svg, 'text', 'text-anchor: middle')]
  assert shown == pytest.approx(expected)


@pytest.mark.parametrize('low, high, expected', [
    (1, 100, [1, 2, 5, 10, 20, 50, 100]), (1e-3, 1e3, [1e-3, 1e-2, 0.1, 1, 10, 100, 1000]),
    (2, 2.4, [2, 2.1, 2.2, 2.3, 2.4])])
def test_ticks_of_a_logarithmic_axis_are_round_numbers(low, high, expected):
  svg = page.curves({'a': [(0, low), (1, high)]}, is_log=True)
  shown = [float(element.text.replace(',', '')) for element in styled(svg, 'text', 'text-anchor: end')
           if element.text != 'minibatch']
  assert shown == pytest.approx(expected)


def test_long_whole_numbers_of_an_axis_are_written_out_in_threes():
  assert {'0', '10,000', '20,000'} <= set(texts(page.curves({'a': [(0, 0.0), (20_000, 1.0)]})))
  assert {'2000', '4000'} <= set(texts(page.curves({'a': [(0, 0.0), (8000, 1.0)]})))


def test_templates_escape_their_values_but_not_charts():
  chart = page.curves({'a': [(0, 1.0), (1, 2.0)]})
  html = page.render('evaluation/page.html', **EMPTY | dict(
      title='<script>alert(1)</script>', verdicts=[('me & you', ['<b>Good</b>'])], charts=[('Losses', chart)]))
  assert '<script' not in html and '<b>' not in html
  assert '&lt;script&gt;' in html and 'me &amp; you' in html and chart in html


def test_a_page_needs_nothing_from_elsewhere():
  html = page.render('evaluation/page.html', **EMPTY)
  assert not re.findall(r'(?:src|href)="(?!data:)', html) and 'http' not in html and '@import' not in html


def test_a_template_without_all_its_values_is_an_error():
  with pytest.raises(jinja2.UndefinedError, match='title'):
    page.render('evaluation/page.html')


def test_a_page_is_written_as_a_whole(tmp_path):
  page.save(tmp_path / 'page.html', 'evaluation/page.html', **EMPTY)
  assert (tmp_path / 'page.html').read_text(encoding='utf-8') == page.render('evaluation/page.html', **EMPTY)
  assert [path.name for path in tmp_path.iterdir()] == ['page.html']
