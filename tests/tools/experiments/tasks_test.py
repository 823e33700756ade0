"""Tests of the experiments' words."""

import re

from tools.experiments import tasks
from tools import make_records


def test_commands_that_make_sets_have_only_flags_that_there_are():
  flags = set(make_records.flags.FLAGS)
  commands = [task.make for task in tasks.TASKS.values()] + [tasks.MAKE_BETWEEN]
  for command in commands:
    assert command.startswith('python -m tools.make_records --')
    assert set(re.findall(r'--(\w+)=', command)) <= flags


def test_experiment_5_compares_at_the_reports_minibatch():
  assert tasks.TASKS[5].num_minibatches == 75


def test_the_two_tiny_sets_differ_in_their_alignment_only():
  assert (tasks.TASKS[2].align, tasks.TASKS[3].align) == ('off', 'eyes')
  assert '--align=off' in tasks.TASKS[2].make and '--align' not in tasks.TASKS[3].make
