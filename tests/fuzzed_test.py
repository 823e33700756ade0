"""Tests that damaged files and flags end in a line: some of the cases of tests/fuzzed.py, and those it once found."""

import subprocess
import sys

import pytest

from tests import damaged
from tests import entries_test
from tests import fuzzed

_CASES = {'manifest': 60, 'options': 60, 'controls': 40, 'jsonl': 40, 'csv': 40, 'model': 20, 'speech': 20, 'wav': 20,
          'jpg': 20, 'png': 20, 'gif': 20,
          'shard': 5, 'index': 3, 'data': 3}


@pytest.fixture(name='kinds', scope='module')
def fixture_kinds(tmp_path_factory):
  return damaged.make_kinds(tmp_path_factory.mktemp('fuzzed'), list(_CASES))


@pytest.mark.parametrize('name', _CASES)
def test_a_damaged_file_is_read_or_told_of_in_a_line(kinds, name):
  for number in range(_CASES[name]):
    found = fuzzed.find(name, kinds[name], 1_000_000 + number)
    assert not found, f'{name} {1_000_000 + number}: {found}'


def test_damaged_flags_are_told_of_in_a_line():
  made = subprocess.run([sys.executable, '-m', 'tests.fuzzed', '--kinds=flags', '--cases=100', '--first=1'],
                        cwd=entries_test.ROOT, capture_output=True, text=True, check=False)
  assert made.returncode == 0, made.stdout
