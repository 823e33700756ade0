"""Tests of the command that shows a set of records."""

import pytest

from tests import commands
from tests.dcgan import conftest


@pytest.mark.slow
def test_the_card_is_written_beside_the_set_and_its_path_is_the_last_line(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  done = commands.run('tools.show_records', f'--records={tmp_path / "drawn"}')
  assert done.returncode == 0, done.stderr
  assert '5 faces of 6 pictures' in done.stdout.splitlines()[0]
  assert '5 usable faces: under 20, training will likely copy the pictures' in done.stdout
  assert done.stdout.splitlines()[-1] == f'{tmp_path}/drawn.png'
  assert done.stderr == ''
  assert (tmp_path / 'drawn.png').is_file()


@pytest.mark.slow
def test_verifying_says_how_many_were_checked_and_draws_nothing(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  done = commands.run('tools.show_records', f'--records={tmp_path / "drawn"}', '--verify')
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines() == ['5 records in 2 files checked: all whole.', f'{tmp_path}/drawn']
  assert not (tmp_path / 'drawn.png').exists()


@pytest.mark.slow
def test_verifying_a_damaged_set_names_the_record_and_fails(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  shard = tmp_path / 'drawn.tfrecord-00001-of-00002'
  shard.write_bytes(shard.read_bytes()[:-1])
  done = commands.run('tools.show_records', f'--records={tmp_path / "drawn"}', '--verify')
  assert done.returncode == 1 and done.stdout == ''
  assert done.stderr.startswith(f'error: {shard}: record 1: truncated or damaged') and done.stderr.count('\n') == 1
