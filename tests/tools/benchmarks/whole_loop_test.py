"""Tests of measuring whole runs, on statistics worked by hand."""

import json

import pytest

from dcgan.training import actions
from tools.benchmarks import whole_loop


def _write(folder, *lines):
  (folder / actions.STATS).write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')


def test_speed_counts_all_time_after_the_first_line_and_none_before(tmp_path):
  speed = lambda step, images_per_sec, fraction: {
      'global_step': step, 'time/images_per_sec': images_per_sec, 'time/input_fraction': fraction}
  # Of 4 pictures each: 10 steps nobody knows how long, 10 in 1 s, 10 in 4 s after a checkpoint, 5 in 1 s.
  _write(tmp_path, {'global_step': 10}, speed(20, 40.0, 0.5), {'global_step': 20, 'metric/sliced_wasserstein': 3.0},
         speed(30, 10.0, 0.25), {'global_step': 30, 'time/health_secs': 0.3}, speed(35, 20.0, 0.0))
  images_per_sec, input_fraction, health_fraction = whole_loop.read_speed(tmp_path, 4)
  assert images_per_sec == pytest.approx((10 + 10 + 5) * 4 / 6.0)
  assert input_fraction == pytest.approx((0.5 + 1.0) / 6.0) and health_fraction == pytest.approx(0.3 / 6.0)


def test_the_first_and_the_last_fifth_are_compared(monkeypatch):
  mib = 2**20
  monkeypatch.setattr(whole_loop.alone, 'call', lambda *_: ([0.001, 0.003, 9, 9, 9, 9, 9, 9, 0.004, 0.004],
                                                            [100 * mib, 9, 9, 9, 130 * mib]))
  result = whole_loop.measure_long(5000)
  assert result['ms_per_step'] == pytest.approx([2.0, 4.0]) and result['resident_mib'] == [100.0, 130.0]
  assert result['text'] == ('5,000 minibatches of a tiny network, first and last fifth: 2.00 and 4.00 ms/step (ratio '
                            '2.00), 100 and 130 MiB resident (+30 MiB)')


@pytest.mark.slow
def test_a_long_run_is_measured_in_a_process_of_its_own():
  result = whole_loop.measure_long(100)
  assert all(value > 0 for value in result['ms_per_step'] + result['resident_mib'])
