"""Tests of dcgan.files."""

import pytest

from dcgan import files


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_other(tmp_path):
  path = tmp_path / 'a.txt'
  files.write_text(path, 'old')
  with pytest.raises(RuntimeError):
    with files.whole_file(path) as temporary:
      temporary.write_text('half', encoding='utf-8')
      raise RuntimeError
  assert path.read_text(encoding='utf-8') == 'old'
  assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


def test_the_temporary_name_keeps_the_ending_and_folders_are_made(tmp_path):
  with files.whole_file(tmp_path / 'new' / 'a.png') as temporary:
    assert temporary.suffix == '.png'
    temporary.write_bytes(b'x')
  assert (tmp_path / 'new' / 'a.png').read_bytes() == b'x'
