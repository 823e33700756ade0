"""Work in a process of its own, which nothing that was measured before has made larger."""

import importlib

from tools.sets import workers


def call(module, function, *arguments):
  """Returns what a function returns, called in a new process that has loaded nothing but its module.

  Args:
    module: str, as in 'tools.benchmarks.whole_loop'.
    function: str, its name.
    *arguments: what it is given. They and what it returns can be pickled.
  """
  told = []
  workers.run_spawned(_call, [(module, function, arguments)], 1, told.append)
  return told[0]


def _call(task, on_event):
  module, function, arguments = task
  on_event(getattr(importlib.import_module(module), function)(*arguments))
