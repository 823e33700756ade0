"""Tests of dcgan.common.progress."""

import logging

from dcgan.common import progress


def lines(caplog):
  return [record.getMessage() for record in caplog.records]


def test_off_a_terminal_lines_come_every_ten_seconds_and_at_the_end(caplog, monkeypatch):
  now = [100.0]
  monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
  with caplog.at_level(logging.INFO, logger='absl'), progress.Progress(40, 'training', 'faces', initial=10) as bar:
    for _ in range(3):
      now[0] += 4.0
      bar.update(10, note='gLoss 1.00')
  assert lines(caplog) == ['training: 40 of 40 faces, 2.5/s, 0 s left · gLoss 1.00']


def test_an_unknown_total_is_left_out(caplog, monkeypatch):
  now = [0.0]
  monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
  with caplog.at_level(logging.INFO, logger='absl'), progress.Progress(None, 'reading', 'frames') as bar:
    now[0] += 20.0
    bar.update(1234)
  assert lines(caplog) == ['reading: 1,234 frames, 61.7/s']


def test_work_that_the_clock_ends_tells_the_seconds_that_are_left(caplog, monkeypatch):
  now = [0.0]
  monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
  with caplog.at_level(logging.INFO, logger='absl'), progress.Progress(
      99, 'training', 'minibatches', secs_left=lambda: 60 - now[0]) as bar:
    now[0] += 20.0
    bar.update(10)
  assert lines(caplog) == ['training: 10 minibatches, 0.5/s, 40 s left']


def test_nothing_done_says_nothing(caplog):
  with caplog.at_level(logging.INFO, logger='absl'), progress.Progress(5, 'reading', 'frames'):
    pass
  assert not lines(caplog)
