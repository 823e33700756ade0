"""The outer loop: lets the device run until the next action is due, acts, and stops when asked to."""

import contextlib
import signal

import tensorflow as tf

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(trainer, iterator, log, actions, num_minibatches):
  """Trains up to `num_minibatches`, or until SIGINT or SIGTERM, and acts a last time.

  Args:
    trainer: `trainer.Trainer`; its `step` tells where training stands.
    iterator: over the distributed minibatches that are left.
    log: callable with an attribute `every_steps`, called as `log(step, history)` whenever the device comes back;
      `history` holds each minibatch since the last call, as `trainer.Trainer.train` returns it.
    actions: list of callables with an attribute `every_steps`, called as `action(step)` at its multiples and where
      training ends, after `log`.
    num_minibatches: int, the global step to end at.

  Returns:
    The `signal.Signals` that ended training early, or None.
  """
  step = trainer.step
  is_last = step >= num_minibatches
  with _caught_signals() as caught:
    while not is_last:
      target = min([num_minibatches] + [_next_multiple(step, action.every_steps) for action in [log] + actions])
      history = trainer.train(iterator, tf.constant(target - step, tf.int64))
      step = target
      log(step, {name: values.numpy() for name, values in history.items()})
      is_last = step >= num_minibatches or bool(caught)  # read once: a signal after this waits for the next round
      for action in actions:
        if is_last or step % action.every_steps == 0:
          action(step)
  return caught[0] if caught and step < num_minibatches else None


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

  previous = {number: signal.signal(number, handle) for number in _SIGNALS}
  try:
    yield caught
  finally:
    restore()
