"""Tests of the table and the page: every number is in its column, and what cannot be compared is not."""

import dataclasses
import pathlib

import numpy as np
import pytest

from dcgan.options import config
from tools.evaluation import evaluator
from tools.evaluation import measures
from tools.evaluation import report

_PAIR = 2  # pictures: a sample and its nearest real one


def evaluated(label='00000-me', step=100, digest='a', **changes):
  """Returns an `Evaluated` with numbers made up, of 70 grey samples and two reals."""
  values = dict.fromkeys(measures.MEASURES) | dict(
      clean_rate=0.9, found_rate=0.95, diversity=0.8, sliced_wasserstein=30.0, noise_texture=1.2, stair_step=1.3,
      nearest=12.0)
  of_reals = dict.fromkeys(measures.MEASURES) | dict(clean_rate=0.99, diversity=1.0)
  reasons = {name: f'needs more than {name}' for name, value in values.items() if value is None}
  return evaluator.Evaluated(
      values | changes, of_reals, reasons, np.full([70, 8, 8, 3], step % 256, np.uint8), np.zeros([2, 8, 8, 3], np.uint8),
      np.arange(70) % 2, np.linspace(9, 1, 70, dtype=np.float32), pathlib.Path('nowhere') / label, label, step,
      config.Config(), (), digest)


def cells(table, label):
  """Returns the values of a line of the table."""
  line = next(line for line in table.splitlines() if line.startswith(f'{measures.MEASURES[label].label}  '))
  return line.removeprefix(measures.MEASURES[label].label).split()


def test_a_column_for_each_checkpoint_and_one_for_the_photos():
  table = report.table([evaluated(step=100), evaluated(step=200, sliced_wasserstein=20.0)])
  assert table.splitlines()[0].split('  ')[-3:] == ['00000-me at 100', '00000-me at 200', 'photos']
  assert cells(table, 'sliced_wasserstein') == ['30.0', '20.0', '–']
  assert cells(table, 'clean_rate') == ['90', '%', '90', '%', '99', '%']


def test_photos_of_different_sets_have_columns_of_their_own():
  other = dataclasses.replace(evaluated('00001-you', digest='b'), of_reals=dict.fromkeys(measures.MEASURES) | dict(
      clean_rate=0.5))
  table = report.table([evaluated(), other])
  assert 'photos of 00000-me' in table and 'photos of 00001-you' in table
  assert cells(table, 'clean_rate') == ['90', '%', '90', '%', '99', '%', '50', '%']


def test_what_was_not_measured_is_told_once_with_its_reason():
  table = report.table([evaluated(), evaluated(step=200)])
  assert table.count('FID: needs more than fid.') == 1
  assert not any(line.startswith('FID  ') for line in table.splitlines())


@pytest.mark.parametrize('digest, is_compared', [('a', True), ('b', False)])
def test_distances_are_compared_only_against_the_same_pictures(digest, is_compared):
  table = report.table([evaluated(), evaluated('00001-you', sliced_wasserstein=10.0, digest=digest)])
  assert ('Nearest to the photos is 00001-you at 100' in table) == is_compared
  assert ('compare their rates, not their distances' in table) != is_compared


def test_of_many_checkpoints_the_nearest_and_the_one_of_most_faces_are_shown(tmp_path):
  several = [evaluated(step=100, sliced_wasserstein=40.0), evaluated(step=200, sliced_wasserstein=20.0),
             evaluated(step=300, clean_rate=0.97)]
  report.save(tmp_path / 'page.html', several)
  html = (tmp_path / 'page.html').read_text(encoding='utf-8')
  assert [f'Samples of 00000-me at {step}<' in html for step in (100, 200, 300)] == [False, True, True]
  assert html.count('<img') == 3 + 2 * _PAIR * (64 + 16)  # a row of each checkpoint; fixed points and nearest of two


def test_nearest_samples_stand_in_order_of_their_distance(tmp_path):
  report.save(tmp_path / 'page.html', [evaluated()])
  html = (tmp_path / 'page.html').read_text(encoding='utf-8')
  captions = [part.split('</figcaption>')[0].strip() for part in html.split('<figcaption>')[1:]]
  assert captions[:2] == ['69 · 1.0', '68 · 1.1'] and captions[16] == '0 · 9.0' and len(captions) == 16 + 64


def test_the_table_of_one_checkpoint_has_no_curves_over_checkpoints(tmp_path):
  report.save(tmp_path / 'one.html', [evaluated()])
  report.save(tmp_path / 'two.html', [evaluated(), evaluated(step=200)])
  assert 'Over the checkpoints' not in (tmp_path / 'one.html').read_text(encoding='utf-8')
  assert 'Over the checkpoints' in (tmp_path / 'two.html').read_text(encoding='utf-8')


def test_large_pictures_are_made_small(tmp_path):
  samples = np.random.default_rng(0).integers(0, 256, [2, 512, 512, 3], np.uint8)
  large = dataclasses.replace(evaluated(), samples=samples, reals=np.zeros_like(samples),
                              nearest_distances=np.float32([1, 2]))
  report.save(tmp_path / 'page.html', [large])
  assert (tmp_path / 'page.html').stat().st_size < 4 * 1.4 * 128 * 128 * 3 * 1.1  # four times a sample, in base 64
