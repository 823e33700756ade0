"""Work in a process of its own, which nothing that was measured before has made larger."""

import concurrent.futures
import importlib
import multiprocessing

from dcgan.common import entry


def call(module, function, *arguments):
  """Returns what a function returns, called in a new process that has loaded nothing but its module.

  Args:
    module: str, as in 'tools.benchmarks.whole_loop'.
    function: str, its name.
    *arguments: what it is given. They and what it returns can be pickled.
  """
  spawned = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(1, spawned, entry.prepare_libraries) as pool:
    return pool.submit(_call, module, function, arguments).result()


def _call(module, function, arguments):
  return getattr(importlib.import_module(module), function)(*arguments)
