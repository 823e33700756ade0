"""The outer loop: lets the device run until the next action is due, acts, and stops when asked to."""

import contextlib
import signal
import time

from absl import logging
import numpy as np
import tensorflow as tf

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_SECS_ALONE = 1.0  # how long the device runs alone; a signal waits so long


def run(learner, iterator, log, actions, num_minibatches, agree):
  """Trains up to `num_minibatches`, or until SIGINT, SIGTERM or SIGHUP, and acts a last time.

  Args:
    learner: `learner.Learner`; its `step` tells where training stands.
    iterator: over the distributed minibatches that are left.
    log: callable with an attribute `every_steps`, called as `log(step, history)` at its multiples and before any
      action; `history` holds each minibatch since the last call, as `learner.Learner.train` returns it.
    actions: list of callables with an attribute `every_steps`, called as `action(step, is_last)` at its multiples and
      where training ends, after `log`. One that returns something true ends training: at once and without the others,
      or where its attribute `action` is 'enough' with them.
    num_minibatches: int, the global step to end at.
    agree: callable of a list of numbers that returns their means over all workers, so that all do the same next.

  Returns:
    What ended training early: a `signal.Signals`, what an action returned, or None.
  """
  step = learner.step
  is_last = step >= num_minibatches
  is_stopped, num_alone = False, 1
  with _caught_signals() as caught:
    while not is_last:
      target = min([num_minibatches] + [_next_multiple(step, action.every_steps) for action in [log] + actions])
      parts = []
      while step < target and not (parts and is_stopped):
        num_steps = min(num_alone, target - step)
        start = time.monotonic()
        parts.append({name: values.numpy() for name, values in
                      learner.train(iterator, tf.constant(num_steps, tf.int64)).items()})
        step += num_steps
        # Decided once: a signal after this waits for the next round.
        stopped, paced = agree([bool(caught), _paced(num_steps, time.monotonic() - start)])
        is_stopped, num_alone = stopped > 0, max(1, int(paced))
      log(step, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
      is_last = step >= num_minibatches or is_stopped
      decision = None
      for action in actions:
        if is_last or step % action.every_steps == 0:
          decision = action(step, is_last) or decision
          if decision and decision.action != 'enough':
            # Who was told to stop does: resumed from the last checkpoint, the run comes to the same decision.
            return decision if not is_stopped else _signal(caught)
          is_last = is_last or bool(decision)
      if decision and not is_stopped:
        return decision
  if step >= num_minibatches or not is_stopped:
    return None
  return _signal(caught)


def _signal(caught):
  return caught[0] if caught else signal.SIGTERM  # another worker's


def _paced(num_steps, secs):
  """Returns how many minibatches the device may train alone next, after `num_steps` took `secs`; doubles at most."""
  return max(1, min(2 * num_steps, int(num_steps * _MOST_SECS_ALONE / max(secs, 1e-9))))


def _next_multiple(step, period):
  return (step // period + 1) * period


@contextlib.contextmanager
def _caught_signals():
  """Yields a list that receives the first signal; a second one has its usual effect."""
  caught = []

  def restore():
    for number, handler in previous.items():
      signal.signal(number, handler)

  def handle(number, frame):
    del frame
    caught.append(signal.Signals(number))
    restore()
    logging.info('Stopping: saving first, which takes some seconds. Once more stops at once.')

  # A process that was started with nohup lives on without its terminal.
  is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
  previous = {number: signal.signal(number, handle) for number in _SIGNALS
              if number != signal.SIGHUP or not is_nohup}
  try:
    yield caught
  finally:
    restore()
