"""Tests of work in a process of its own."""

import os
import subprocess
import sys

import pytest

from tools.benchmarks import alone


def test_what_is_returned_comes_back_from_another_process():
  assert alone.call('operator', 'add', 3, 4) == 7
  assert alone.call('os', 'getpid') != os.getpid()


def test_what_is_raised_comes_back_too():
  with pytest.raises(ZeroDivisionError):
    alone.call('operator', 'truediv', 1, 0)


def test_nothing_slow_is_loaded_for_it():
  made = subprocess.run([sys.executable, '-c', 'import sys; from tools.benchmarks import alone; print(*sys.modules)'],
                        capture_output=True, text=True, check=True)
  assert not {'tensorflow', 'numpy', 'mediapipe'} & set(made.stdout.split())
