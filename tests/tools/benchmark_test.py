"""Tests of the benchmark's command, with tiny settings."""

import json
import pathlib

import pytest

from tests import commands

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize('given, message', [
    ('--image_sizes=64,big', '--image_sizes (big) must be sizes in px, as in --image_sizes=64,128.'),
    ('--image_sizes=50', 'error: `image_size` (50) must be a power of two'),
    ('--steps=1', '--steps=1'),
    ('--preset=lunch', '--preset=lunch'),
])
def test_wrong_flags_are_told(given, message):
  made = commands.run('tools.benchmark', 'train', given)
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr


@pytest.mark.slow
def test_training_is_measured_as_a_table_and_ratios_and_written(tmp_path):
  made = commands.run(
      'tools.benchmark', 'train', '--image_sizes=8', '--global_batch_size=2', '--rounds=2', '--bare_steps=1',
      '--steps=20', '--run_rounds=1', f'--out={tmp_path}/train.json')
  assert made.returncode == 0, made.stderr
  lines = made.stdout.splitlines()
  assert lines[-1] == f'{tmp_path}/train.json' and made.stderr == ''
  results = json.loads((tmp_path / 'train.json').read_text(encoding='utf-8'))
  assert '\n'.join(result['text'] for result in results).splitlines() == lines[:-1]
  table = results[0]
  assert [(row['image_size_px'], row['precision']) for row in table['rows']] == [(8, 'float32'), (8, 'bfloat16')]
  for row, line in zip(table['rows'], lines[1:]):
    assert line.split()[:3] == ['8', row['precision'], f'{row["images_per_sec"]:.1f}']
    assert len(row['images_per_sec_by_round']) == 2 and row['peak_mib'] > 0
    assert row['ms_per_step'] == pytest.approx(2000 / row['images_per_sec'])
    assert row['gflop_per_sec'] == pytest.approx(row['gflop_per_image'] * row['images_per_sec'])
    assert 0 < row['discriminator_share'] and 0 < row['averaging_share']
  # PyTorch is no requirement: it has a line for each precision, or one that says how to get it.
  ratios = [result for result in results if 'ratios' in result and 'PyTorch' not in result['text']]
  assert [result['names'] for result in ratios] == [
      ['bfloat16', 'float32'], ['legacy', 'new'], ['whole', 'alone'], ['whole', 'without encoder'],
      ['whole', 'not arranged'], ['whole', 'without places'], ['whole loop', 'bare step'],
      ["step with the preset's options", 'bare step']]
  assert [len(result['ratios']) for result in ratios] == [2, 2, 2, 2, 2, 2, 1, 1]
  frame = next(result for result in results if result.get('title') == 'frame of the generator')
  assert 0 < frame['median_ms'] <= frame['p99_ms'] and frame['image_size_px'] == 8
  assert any('PyTorch' in result['text'] for result in results)
  assert results[-2]['text'].startswith('share of the whole loop that waits for its minibatches: ')
  assert results[-1]['text'].startswith('share of the whole loop that looks at its health: ')
  assert not list((ROOT / 'checkpoints').glob('*drawn8*'))
