"""Tests of dcgan.common.files."""

import errno
import os
import pathlib
import subprocess

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


@pytest.fixture(name='tiny_disk')
def fixture_tiny_disk(tmp_path):
  """Path of a file system of 64 KiB, or a skip where none may be mounted."""
  disk = tmp_path / 'disk'
  disk.mkdir()
  if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], capture_output=True,
                    check=False).returncode:
    pytest.skip('no file system may be mounted here')
  yield disk
  subprocess.run(['umount', '-l', disk], check=True)


def test_a_disk_that_is_full_is_one_line_and_what_was_there_stays(tiny_disk):
  path = tiny_disk / 'a.jsonl'
  files.write_text(path, 'old')
  with pytest.raises(errors.InputError, match=r'a\.jsonl: cannot be written \(No space left on device\)\. Make room'):
    files.write_text(path, 'x' * 100_000)
  (tiny_disk / 'filled').write_bytes(b'x' * (os.statvfs(tiny_disk).f_bavail * 4096))
  with pytest.raises(errors.InputError, match=r'a\.jsonl: cannot be written \(No space left on device\)\. Make room'):
    files.append_text(path, 'x' * 10_000)
  assert path.read_bytes()[:3] == b'old' and {each.name for each in tiny_disk.iterdir()} == {'a.jsonl', 'filled'}


def test_a_disk_that_is_read_only_is_one_line(tiny_disk):
  files.write_text(tiny_disk / 'a.txt', 'old')
  subprocess.run(['mount', '-o', 'remount,ro', tiny_disk], check=True)
  for write in (files.write_text, files.append_text):
    with pytest.raises(errors.InputError, match=r'a\.txt: cannot be written \(Read-only file system\)\. .* choose'):
      write(tiny_disk / 'a.txt', 'x')
    with pytest.raises(errors.InputError, match=r'b\.txt: cannot be written \(Read-only file system\)'):
      write(tiny_disk / 'b.txt', 'x')


@pytest.mark.parametrize('name', ['a' * 255, 'ü' * 127, 'a' * 200 + '.tfrecord-00000-of-00099', f'a.{"b" * 253}'])
def test_the_longest_name_that_a_file_system_takes_can_be_written(tmp_path, name):
  files.write_text(tmp_path / name, 'x')
  assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize('number', [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF])
def test_without_locks_the_work_goes_on_and_is_told_so_once(tmp_path, monkeypatch, caplog, number):
  def refuse(*_):
    raise OSError(number, os.strerror(number))

  monkeypatch.setattr(files.fcntl, 'flock', refuse)
  files._tell_without_locks.cache_clear()  # pylint: disable=protected-access
  with open(tmp_path / 'lock', 'w', encoding='utf-8') as lock:
    assert files.lock(lock.fileno(), tmp_path) and files.lock(lock.fileno(), tmp_path)
  assert caplog.text.count('this file system has no locks') == 1 and os.strerror(number) in caplog.text


def test_a_lock_that_another_one_holds_is_told_from_one_that_cannot_be(tmp_path):
  with open(tmp_path / 'lock', 'w', encoding='utf-8') as one, open(tmp_path / 'lock', 'w', encoding='utf-8') as other:
    assert files.lock(one.fileno(), tmp_path) and not files.lock(other.fileno(), tmp_path)


def test_a_file_that_is_seen_a_moment_after_it_was_renamed_is_waited_for(tmp_path, monkeypatch):
  exists, asked = os.path.exists, []

  def late(path):
    asked.append(pathlib.Path(path).name)
    return asked.count(asked[-1]) > 3 and exists(path)

  monkeypatch.setattr(os.path, 'exists', late)
  (tmp_path / 'a').write_text('x', encoding='utf-8')
  files.replace(tmp_path / 'a', tmp_path / 'b')
  assert asked == ['a'] * 4 + ['b'] * 4 and (tmp_path / 'b').read_text(encoding='utf-8') == 'x'
  monkeypatch.setattr(files, '_SEEN_WITHIN_SECS', 0.1)
  assert not files.wait_until_seen(tmp_path / 'never')
