"""Tests of every command's manners where its standard streams are closed, full, or read by nobody: real processes."""

import os
import subprocess
import sys

import pytest

from tests import entries_test

# A command, shorter than ours: it prints more than a pipe holds, makes a file, and returns its path.
_COMMAND = '''
import pathlib, sys
from absl import logging
from dcgan.common import entry, errors, progress

def main():
  logging.info('it begins')
  with progress.Progress(2, 'things', 'things') as bar:
    bar.update(2)
  if 'wrong' in sys.argv[1:]:
    print('a line')
    raise errors.InputError('`thing` (1) must be 2.')
  pathlib.Path('made').write_text('whole', encoding='utf-8')
  print('x\\n' * int(sys.argv[1]))
  return 'made'

entry.run(lambda _: main(), num_arguments=1)
'''
_ENVIRONMENT = os.environ | {'PYTHONPATH': str(entries_test.ROOT), 'PYTHONUNBUFFERED': ''}


def run_in_shell(folder, end, argument='100000'):
  """Runs the command with what stands behind it in a shell; returns its exit code, and what the shell printed."""
  script = f'"$1" -c "$2" {argument} {end}\necho "${{PIPESTATUS[0]}}" >code'
  made = subprocess.run(['bash', '-c', script, 'bash', sys.executable, _COMMAND], cwd=folder, capture_output=True,
                        text=True, env=_ENVIRONMENT, check=False, timeout=60)
  return int((folder / 'code').read_text(encoding='utf-8')), made


def is_whole(folder):
  return (folder / 'made').read_text(encoding='utf-8') == 'whole'


def test_behind_head_it_ends_without_a_word_as_other_tools_do(tmp_path):
  code, made = run_in_shell(tmp_path, '2>errors | head -1')
  assert code == 141 and made.stdout == 'x\n' and is_whole(tmp_path)
  told = (tmp_path / 'errors').read_text(encoding='utf-8')
  assert 'it begins' in told and 'rror' not in told and 'Broken' not in told and 'Exception' not in told


def test_where_nobody_reads_the_last_line_it_is_the_same(tmp_path):
  read, write = os.pipe()
  os.close(read)
  with os.fdopen(write, 'wb') as pipe:
    made = subprocess.run([sys.executable, '-c', _COMMAND, '1'], cwd=tmp_path, stdout=pipe, stderr=subprocess.PIPE,
                          text=True, env=_ENVIRONMENT, check=False, timeout=60)
    assert made.returncode == 141 and 'rror' not in made.stderr and is_whole(tmp_path)
    made = subprocess.run([sys.executable, '-c', _COMMAND, 'wrong'], cwd=tmp_path, stdout=pipe, stderr=subprocess.PIPE,
                          text=True, env=_ENVIRONMENT, check=False, timeout=60)
  assert made.returncode == 1 and made.stderr.splitlines()[-1] == 'error: `thing` (1) must be 2.'


@pytest.mark.parametrize('end, line', [
    ('>&-', 'error: standard output is closed, so that it cannot be told what was made: made'),
    ('>/dev/full', 'error: standard output cannot be written to (No space left on device). What was made is whole.')])
def test_an_output_that_cannot_be_written_to_is_told_in_a_line(tmp_path, end, line):
  code, made = run_in_shell(tmp_path, end)
  assert code == 1 and made.stderr.splitlines()[-1] == line and 'Traceback' not in made.stderr
  assert 'Exception' not in made.stderr and is_whole(tmp_path)


@pytest.mark.parametrize('end', ['2>&-', '2>/dev/full', '2>&- <&-', '2> >(exit)'])
def test_without_a_place_for_log_lines_the_work_is_done(tmp_path, end):
  code, made = run_in_shell(tmp_path, end, '1')
  assert code == 0 and made.stdout.splitlines()[-1] == 'made' and is_whole(tmp_path)


@pytest.mark.parametrize('module', ['dcgan.train', 'tools.animate'])
@pytest.mark.parametrize('end', ['| true', '>&-', '>/dev/full'])
def test_help_into_nothing_is_no_traceback(module, end):
  made = subprocess.run(['bash', '-c', f'"$0" -m {module} --help {end}', sys.executable], cwd=entries_test.ROOT,
                        capture_output=True, text=True, check=False, timeout=60)
  assert 'Traceback' not in made.stderr and 'Exception' not in made.stderr and made.stdout == ''
