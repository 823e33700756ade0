"""Tests of dcgan.loop, with a trainer that only counts."""

import os
import signal

import pytest
import tensorflow as tf

from dcgan import loop


class Counter:
  """Stands where a trainer would; counts minibatches and how many it was asked for at a time."""

  def __init__(self, step=0):
    self.step = step
    self.asked = []

  def train(self, iterator, num_steps):
    del iterator
    self.asked.append(int(num_steps))
    return {'loss/generator': tf.zeros(num_steps)}


class Recorder:
  """An action, or a log, that notes when it was called."""

  def __init__(self, every_steps, on_call=lambda step: None):
    self.every_steps = every_steps
    self.steps = []
    self.lengths = []
    self._on_call = on_call

  def __call__(self, step, history=None):
    self.steps.append(step)
    if history is not None:
      self.lengths.append(len(history['loss/generator']))
    self._on_call(step)


def test_the_device_comes_back_exactly_when_something_is_due():
  trainer, log, action = Counter(), Recorder(10), Recorder(25)
  assert loop.run(trainer, None, log, [action], 60) is None
  assert log.steps == [10, 20, 25, 30, 40, 50, 60] and log.lengths == [10, 10, 5, 5, 10, 10, 10]
  assert action.steps == [25, 50, 60] and sum(trainer.asked) == 60


def test_training_goes_on_from_the_global_step():
  trainer, log, action = Counter(step=7), Recorder(5), Recorder(4)
  loop.run(trainer, None, log, [action], 10)
  assert sum(trainer.asked) == 3 and log.steps == [8, 10] and action.steps == [8, 10]


def test_a_slow_device_is_asked_for_little_at_a_time_and_a_fast_one_for_more(monkeypatch):
  now = [0.0]
  monkeypatch.setattr(loop.time, 'monotonic', lambda: now[0])

  class Timed(Counter):
    secs_per_step = 0.0

    def train(self, iterator, num_steps):
      now[0] += self.secs_per_step * int(num_steps)
      return super().train(iterator, num_steps)

  trainer = Timed()
  trainer.secs_per_step = 0.8
  loop.run(trainer, None, Recorder(10), [], 20)
  assert trainer.asked == [1] * 20
  trainer = Timed()
  trainer.secs_per_step = 0.01
  loop.run(trainer, None, Recorder(40), [], 80)
  assert trainer.asked == [1, 2, 4, 8, 16, 9, 18, 22]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('where', ['log', 'action'])
def test_a_signal_at_any_moment_is_followed_by_a_last_action(number, where):
  send = lambda step: os.kill(os.getpid(), number) if step == 20 else None
  log = Recorder(10, send if where == 'log' else lambda step: None)
  action = Recorder(20, send if where == 'action' else lambda step: None)
  before = signal.getsignal(number)
  assert loop.run(Counter(), None, log, [action], 1000) is number
  assert action.steps[-1] == log.steps[-1] < 1000
  assert signal.getsignal(number) is before
