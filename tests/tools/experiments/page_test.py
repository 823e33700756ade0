"""Tests of what every experiment's page says, and that it is one file."""

import re

import imageio.v3 as iio
import numpy as np

from tests.tools.experiments import drawn
from tools.experiments import experiment2_tiny_set
from tools.experiments import page


def test_the_page_holds_claims_pictures_and_numbers_and_needs_no_other_file(tmp_path):
  outcomes = [drawn.outcome(0, 9, minibatches, values={'found_rate': 0.25}, of_reals={'found_rate': 0.75},
                            verdicts=[drawn.verdict('symptom_b', 3)]) for minibatches in ('shuffled', 'overlapping')]
  text = drawn.page_text(tmp_path, drawn.make(experiment2_tiny_set.TinySet), outcomes)
  assert 'Claim &lt;one&gt;' in text and 'It is &amp; so.' in text and 'symptom_b at 3 &amp; on.' in text
  assert [word for word in re.findall(r'<strong class="\w+">([\w ]+)</strong>', text)] == [
      'agrees', 'cannot be told', 'does not agree']
  assert text.count('alt="samples of') == 2 and text.count('alt="photos"') == 1
  assert '25 %' in text and '75 %' in text and 'Symptom B at 3' in text and '45' in text
  assert 'needs &lt;more&gt; than clean_rate' in text and 'How often each symptom came' in text
  assert not re.search(r'(src|href)="(?!data:|#)', text) and '<script' not in text


def test_the_samples_of_a_run_are_those_of_a_minibatch_or_its_last(tmp_path):
  for step in (0, 5):
    iio.imwrite(tmp_path / f'samples_{step:06d}.png', np.full([20, 20, 3], step, np.uint8))
  first, last = page.kept_grid(tmp_path, 0), page.kept_grid(tmp_path)
  assert first != last and page.kept_grid(tmp_path, 5) == last and last.startswith('data:image/png;base64,')
  assert page.kept_grid(tmp_path, 3) is None and page.kept_grid(tmp_path / 'nowhere') is None


def test_a_chart_without_a_value_is_left_out():
  drawn_charts = page.charts([('a', {'run': [(1, 2.0), (2, 3.0)]}, False), ('b', {'run': [(1, None)]}, False)])
  assert [title for title, _ in drawn_charts] == ['a']


def test_numbers_are_told_without_decimals():
  assert [page.counted(number) for number in (1_500, 9.6, None)] == ['1,500', '10', '–']
