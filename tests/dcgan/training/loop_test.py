"""Tests of dcgan.training.loop, with a learner that only counts."""

import os
import signal
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.training import loop


class Counter:
  """Stands where a learner would; counts minibatches and how many it was asked for at a time."""

  def __init__(self, step=0):
    self.step = step
    self.asked = []

  def train(self, iterator, num_steps):
    del iterator
    self.asked.append(int(num_steps))
    return {'loss/generator': tf.zeros(num_steps)}


class Recorder:
  """An action, or a log, that notes when it was called and with what."""

  def __init__(self, every_steps, on_call=lambda step: None):
    self.every_steps = every_steps
    self.steps = []
    self.given = []
    self._on_call = on_call

  def __call__(self, step, given):
    self.steps.append(step)
    self.given.append(given)
    return self._on_call(step)

  @property
  def lengths(self):
    return [len(history['loss/generator']) for history in self.given]


def alone(values):
  """Agrees as a single worker does."""
  return np.asarray(values, np.float64)


def test_the_device_comes_back_exactly_when_something_is_due():
  learner, log, action = Counter(), Recorder(10), Recorder(25)
  assert loop.run(learner, None, log, [action], 60, alone) is None
  assert log.steps == [10, 20, 25, 30, 40, 50, 60] and log.lengths == [10, 10, 5, 5, 10, 10, 10]
  assert action.steps == [25, 50, 60] and sum(learner.asked) == 60


def test_only_the_end_is_the_last():
  action, rare = Recorder(10), Recorder(1000)
  loop.run(Counter(), None, Recorder(7), [action, rare], 25, alone)
  assert list(zip(action.steps, action.given)) == [(10, False), (20, False), (25, True)]
  assert list(zip(rare.steps, rare.given)) == [(25, True)]


def test_training_goes_on_from_the_global_step():
  learner, log, action = Counter(step=7), Recorder(5), Recorder(4)
  loop.run(learner, None, log, [action], 10, alone)
  assert sum(learner.asked) == 3 and log.steps == [8, 10] and action.steps == [8, 10]


def test_a_trainer_at_its_end_is_left_alone():
  learner, log, action = Counter(step=10), Recorder(5), Recorder(5)
  assert loop.run(learner, None, log, [action], 10, alone) is None
  assert learner.asked == log.steps == action.steps == []


def test_a_slow_device_is_asked_for_little_at_a_time_and_a_fast_one_for_more(monkeypatch):
  now = [0.0]
  monkeypatch.setattr(loop.time, 'monotonic', lambda: now[0])

  class Timed(Counter):
    secs_per_step = 0.0

    def train(self, iterator, num_steps):
      now[0] += self.secs_per_step * int(num_steps)
      return super().train(iterator, num_steps)

  learner = Timed()
  learner.secs_per_step = 0.8
  loop.run(learner, None, Recorder(10), [], 20, alone)
  assert learner.asked == [1] * 20
  learner = Timed()
  learner.secs_per_step = 0.01
  loop.run(learner, None, Recorder(40), [], 80, alone)
  assert learner.asked == [1, 2, 4, 8, 16, 9, 18, 22]


@pytest.fixture(name='not_by_nohup')
def fixture_not_by_nohup():
  """The tests may be started by nohup themselves."""
  before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
  yield
  signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize('where', ['log', 'action'])
def test_a_signal_at_any_moment_is_followed_by_a_last_action(number, where, not_by_nohup):
  del not_by_nohup
  send = lambda step: os.kill(os.getpid(), number) if step == 20 else None
  log = Recorder(10, send if where == 'log' else lambda step: None)
  action = Recorder(20, send if where == 'action' else lambda step: None)
  before = signal.getsignal(number)
  assert loop.run(Counter(), None, log, [action], 1000, alone) is number
  assert action.steps[-1] == log.steps[-1] < 1000
  assert action.given[-1] and not any(action.given[:-1])
  assert signal.getsignal(number) is before


def test_a_closed_terminal_does_not_end_what_was_started_to_outlive_it():
  before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
  try:
    log = Recorder(10, lambda step: os.kill(os.getpid(), signal.SIGHUP))
    assert loop.run(Counter(), None, log, [], 50, alone) is None and log.steps[-1] == 50
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
  finally:
    signal.signal(signal.SIGHUP, before)


def test_a_signal_to_another_worker_ends_training_here_too():
  learner, log, action = Counter(), Recorder(100), Recorder(1000)
  asked = []

  def agree(values):  # three workers, of which another one is stopped in the fourth round
    asked.append(values)
    return np.array([(values[0] + (len(asked) == 4)) / 3, values[1]])

  assert loop.run(learner, None, log, [action], 5000, agree) is signal.SIGTERM
  assert len(asked) == len(learner.asked) == 4 and not any(stopped for stopped, _ in asked)
  assert log.steps == action.steps == [sum(learner.asked)] and action.given == [True]


def test_a_signal_here_is_told_to_the_others():
  told = []

  def agree(values):
    told.append(bool(values[0]))
    return np.array(values, float)

  log = Recorder(10, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 30 else None)
  assert loop.run(Counter(), None, log, [], 1000, agree) is signal.SIGTERM
  assert told[-1] and not any(told[:-1])


def test_a_signal_in_the_last_minibatches_is_no_early_end():
  log = Recorder(10, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 20 else None)
  assert loop.run(Counter(), None, log, [], 20, alone) is None


def test_all_workers_train_as_many_minibatches_alone_as_they_agreed_on():
  # The clocks of workers differ; what each trains before the next agreement must not.
  learner = Counter()
  loop.run(learner, None, Recorder(100), [], 20, lambda values: np.array([0.0, 3.7]))
  assert learner.asked == [1, 3, 3, 3, 3, 3, 3, 1]
  learner = Counter()
  loop.run(learner, None, Recorder(100), [], 5, lambda values: np.array([0.0, 0.0]))
  assert learner.asked == [1] * 5


def decision(action):
  return types.SimpleNamespace(action=action)


@pytest.mark.parametrize('what', ['rollback', 'stop'])
def test_a_decision_ends_training_at_once_and_without_the_actions_behind_it(what):
  made = decision(what)
  learner, before, behind = Counter(), Recorder(10), Recorder(10)
  deciding = Recorder(10, lambda step: made if step == 30 else None)
  assert loop.run(learner, None, Recorder(10), [before, deciding, behind], 100, alone) is made
  assert sum(learner.asked) == 30
  assert before.steps == deciding.steps == [10, 20, 30] and behind.steps == [10, 20]
  assert not any(before.given + deciding.given + behind.given)


def test_where_it_is_enough_the_actions_behind_it_act_a_last_time():
  made = decision('enough')
  learner, due, rare = Counter(), Recorder(10), Recorder(1000)
  deciding = Recorder(10, lambda step: made if step == 30 else None)
  assert loop.run(learner, None, Recorder(10), [deciding, due, rare], 100, alone) is made
  assert sum(learner.asked) == 30
  assert list(zip(due.steps, due.given)) == [(10, False), (20, False), (30, True)]
  assert list(zip(rare.steps, rare.given)) == [(30, True)]


def test_a_collapse_that_is_seen_where_it_is_enough_counts_more():
  made = decision('rollback')
  behind = Recorder(10)
  assert loop.run(Counter(), None, Recorder(10), [Recorder(10, lambda step: decision('enough')), Recorder(
      10, lambda step: made), behind], 100, alone) is made
  assert behind.steps == []


def test_a_signal_where_it_is_enough_is_a_signal():
  log = Recorder(10, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 20 else None)
  enough = Recorder(1, lambda step: decision('enough') if step > 20 else None)
  behind = Recorder(1000)
  assert loop.run(Counter(), None, log, [enough, behind], 1000, alone) is signal.SIGTERM
  assert behind.given == [True]


def test_who_is_told_to_stop_where_a_collapse_is_seen_stops_and_saves_no_collapse():
  log = Recorder(10, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 20 else None)
  deciding, saving = Recorder(1000, lambda step: decision('rollback')), Recorder(1000)
  assert loop.run(Counter(), None, log, [deciding, saving], 5000, alone) is signal.SIGTERM
  assert len(deciding.steps) == 1 and saving.steps == []
