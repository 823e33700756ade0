"""Tests of dcgan.loop, with a trainer that only counts."""

import os
import signal

import numpy as np
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
  assert trainer.asked == [10, 10, 5, 5, 10, 10, 10]
  assert log.steps == list(np.cumsum(trainer.asked)) and log.lengths == trainer.asked
  assert action.steps == [25, 50, 60]


def test_training_goes_on_from_the_global_step():
  trainer, log, action = Counter(step=7), Recorder(5), Recorder(4)
  loop.run(trainer, None, log, [action], 10)
  assert trainer.asked == [1, 2] and log.steps == [8, 10] and action.steps == [8, 10]


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
