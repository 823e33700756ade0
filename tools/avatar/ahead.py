"""Work done ahead in a thread, while what came before is still being used."""

import queue
import threading

_NUM_AHEAD = 4


def prepared(items, num_ahead=_NUM_AHEAD):
  """Yields items, each made in a thread of its own while those before are used, `num_ahead` at most.

  What is raised while making one is raised here. Leaving off early ends the thread after the item that it makes.

  Args:
    items: iterable.
    num_ahead: int.
  """
  made, is_over = queue.Queue(num_ahead), threading.Event()

  def put(kind, value):
    while not is_over.is_set():
      try:
        made.put((kind, value), timeout=0.1)
        return
      except queue.Full:
        continue

  def make():
    try:
      for item in items:
        put('item', item)
        if is_over.is_set():
          return
      put('end', None)
    except BaseException as error:  # pylint: disable=broad-exception-caught
      put('error', error)

  thread = threading.Thread(target=make, daemon=True)
  thread.start()
  try:
    while True:
      kind, value = made.get()
      if kind == 'error':
        raise value
      if kind == 'end':
        return
      yield value
  finally:
    is_over.set()
    thread.join()
