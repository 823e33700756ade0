"""Tests of the time that a training may take."""

import time

from tools.avatar import deadline


def test_the_deadline_ends_training_when_its_time_is_over_and_not_before(caplog):
  clock = deadline.Deadline(minutes=0.2 / 60, every_steps=20)
  assert clock.every_steps == 20 and clock(20) is None
  time.sleep(0.25)
  with caplog.at_level('INFO'):
    assert clock(40).action == 'enough'
  assert 'over at minibatch 40' in caplog.text
  assert clock(60, is_last=True) is None  # it ends anyway
