"""Tests of dcgan.common.files."""

import errno

import pytest

from dcgan.common import errors
from dcgan.common import files


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_other(tmp_path):
  path = tmp_path / 'a.txt'
  files.write_text(path, 'old')
  with pytest.raises(RuntimeError):
    with files.whole_file(path) as temporary:
      temporary.write_text('half', encoding='utf-8')
      raise RuntimeError
  assert path.read_text(encoding='utf-8') == 'old'
  assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


def test_a_place_that_cannot_be_written_is_named_without_the_temporary_name(tmp_path):
  (tmp_path / 'file').write_text('', encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'file/a\.txt: cannot be written \(.*file is a file\)\. Make room'):
    files.write_text(tmp_path / 'file' / 'a.txt', 'x')


def test_a_full_disk_is_told_and_an_error_of_something_else_is_not_blamed_on_the_file(tmp_path):
  with pytest.raises(errors.InputError, match=r'a\.txt: cannot be written \(No space left on device\)'):
    with files.whole_file(tmp_path / 'a.txt'):
      raise OSError(errno.ENOSPC, 'No space left on device')
  with pytest.raises(FileNotFoundError):
    with files.whole_file(tmp_path / 'a.txt'):
      (tmp_path / 'other').read_bytes()


def test_the_temporary_name_keeps_the_ending_and_folders_are_made(tmp_path):
  with files.whole_file(tmp_path / 'new' / 'a.png') as temporary:
    assert temporary.suffix == '.png'
    temporary.write_bytes(b'x')
  assert (tmp_path / 'new' / 'a.png').read_bytes() == b'x'


def test_lines_come_back_and_those_that_are_not_whole_are_left_out(tmp_path):
  path = tmp_path / 'stats.jsonl'
  assert files.load_json_lines(path) == []
  lines = [{'global_step': 1, 'loss': 0.1}, {'global_step': 2, 'sentence': 'Länger.'}]
  files.write_json_lines(path, lines)
  assert files.load_json_lines(path) == lines and len(path.read_text(encoding='utf-8').splitlines()) == 2
  with open(path, 'ab') as file:
    file.write(b'7\n{"loss": 3}\n{"global_step": "3"}\n{"global_step": 4, "lo\xff')
  assert files.load_json_lines(path) == lines
