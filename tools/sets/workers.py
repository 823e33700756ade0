"""Runs independent units of work: in this process, or in several that are spawned (MediaPipe hangs in forked ones)."""

import concurrent.futures
from concurrent.futures import process
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading

from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import machine

_POLL_SECS = 0.2
_EVENTS_AT_ONCE = 8


def run(job, tasks, num_workers, on_event):
  """Calls `job(task, on_event)` for every task, and returns when all are done.

  What a task makes it leaves in files. The first error ends all; what other tasks finished stays.

  Args:
    job: callable that can be pickled; each process gets it once.
    tasks: list of values that can be pickled.
    num_workers: int, at most so many processes, or 0 for one a processor core; with 1, as with one task, everything
      happens in this process.
    on_event: callable, called in this process with each value that a task calls its own `on_event` with. What it raises
      ends all.

  Raises:
    errors.InputError: a worker process died.
  """
  num_workers = min(num_workers or machine.num_cores(), len(tasks))
  if num_workers > 1:
    run_spawned(job, tasks, num_workers, on_event)
    return
  for task in tasks:
    job(task, on_event)


def run_spawned(job, tasks, num_workers, on_event):
  """Does what `run` does, always in processes of their own."""
  context = multiprocessing.get_context('spawn')
  events = context.SimpleQueue()  # an event is in it before the result of its task is
  pool = concurrent.futures.ProcessPoolExecutor(num_workers, context, _start, (job, events))
  # Ctrl-C reaches all processes of a terminal; this one decides. The others inherit it from their first moment.
  ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
  try:
    try:
      pending = {pool.submit(_work, task) for task in tasks}
    finally:
      signal.signal(signal.SIGINT, ours)
    while pending:
      done, pending = concurrent.futures.wait(pending, _POLL_SECS, concurrent.futures.FIRST_COMPLETED)
      for event in _waiting(events):
        on_event(event)
      for future in done:
        future.result()
    for event in _waiting(events):
      on_event(event)
  except process.BrokenProcessPool as error:
    raise errors.InputError(
        f'one of {num_workers} worker processes died, likely for lack of memory. What was finished is kept: give the '
        'same command again with a smaller --num_workers.') from error
  finally:
    _stop(pool)


def _waiting(events):
  """Yields the events that workers have sent by now."""
  while not events.empty():
    yield from events.get()


def _stop(pool):
  """Ends the worker processes now, whatever they do: their files appear whole or not at all."""
  processes = list((pool._processes or {}).values())  # pylint: disable=protected-access  # no public way to end them
  for each in processes:
    each.terminate()
  pool.shutdown(wait=True, cancel_futures=True)


_worker = {}


def _start(job, events):
  """Prepares a worker process."""
  threading.Thread(target=_end_with_parent, daemon=True).start()
  entry.prepare_libraries()  # the environment came with the process, the filters of warnings did not
  _worker.update(job=job, events=events)


def _end_with_parent():
  """Ends this process when its parent was killed: it would wait for work for ever."""
  multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
  os._exit(1)  # pylint: disable=protected-access


def _work(task):
  gathered = []

  def on_event(event):
    gathered.append(event)
    if len(gathered) >= _EVENTS_AT_ONCE:
      _worker['events'].put(gathered.copy())
      gathered.clear()

  try:
    _worker['job'](task, on_event)
  finally:
    _worker['events'].put(gathered)
