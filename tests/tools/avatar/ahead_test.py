"""Tests of tools.avatar.ahead."""

import threading

import pytest

from tools.avatar import ahead


def test_items_come_in_order_and_are_made_ahead_but_not_far():
  made = []

  def items():
    for i in range(50):
      made.append(i)
      yield i

  for i, item in enumerate(ahead.prepared(items(), 3)):
    assert item == i and len(made) - i <= 6
  assert len(made) == 50


def test_what_is_raised_while_making_is_raised_where_it_is_used():
  def items():
    yield 1
    raise ValueError('broken')

  prepared = ahead.prepared(items())
  assert next(prepared) == 1
  with pytest.raises(ValueError, match='broken'):
    next(prepared)


def test_leaving_off_ends_the_thread():
  num_threads = threading.active_count()
  prepared = ahead.prepared(iter(range(1000)))
  next(prepared)
  prepared.close()
  assert threading.active_count() == num_threads
