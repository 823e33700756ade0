"""Tests of the command that shows a set of records."""

import pytest

from tests import entries_test
from tests.dcgan import conftest


@pytest.mark.slow
def test_the_sheet_is_written_beside_the_set_and_its_path_is_the_last_line(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  done = entries_test.command('tools.show_records', f'--records={tmp_path / "drawn"}')
  assert done.returncode == 0, done.stderr
  assert '5 faces of 6 pictures' in done.stdout.splitlines()[0]
  assert done.stdout.splitlines()[-1] == f'{tmp_path}/drawn.png'
  assert (tmp_path / 'drawn.png').is_file()
