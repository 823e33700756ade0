"""Tests of measuring in turn."""

import pytest

from tools.benchmarks import comparison


def test_works_are_measured_in_turn_and_may_tell_the_seconds_that_count():
  calls = []
  secs = {'a': iter([1.0, 2.0]), 'b': iter([4.0, 4.0])}

  def work(name):
    calls.append(name)
    return next(secs[name])

  rates = comparison.in_turn({'a': (lambda: work('a'), 10), 'b': (lambda: work('b'), 20)}, rounds=2)
  assert calls == ['a', 'b', 'a', 'b']
  assert rates == {'a': [10.0, 5.0], 'b': [5.0, 5.0]}


def test_seconds_are_measured_where_a_work_tells_none():
  rates = comparison.in_turn({'a': (lambda: None, 1)}, rounds=1)
  assert rates['a'][0] > 0


def test_a_ratio_is_the_median_over_the_rounds():
  result = comparison.ratio('works/s', {'a': [8.0, 2.0, 6.0], 'b': [2.0, 2.0, 2.0], 'c': [1.0] * 3}, 'a', 'b')
  assert result['ratios'] == [4.0, 1.0, 3.0]
  assert result['text'] == 'works/s: a 6.0, b 2.0, ratio 3.00 (1.00 to 4.00)'


def test_two_ways_are_compared():
  result = comparison.compare('works/s', lambda: 1.0, lambda: 2.0, 4, ('fast', 'slow'), rounds=2)
  assert result['names'] == ('fast', 'slow') and result['rates'] == ([4.0, 4.0], [2.0, 2.0])
  assert result['ratios'] == pytest.approx([2.0, 2.0])
