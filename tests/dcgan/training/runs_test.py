"""Tests of dcgan.training.runs."""

import errno
import pathlib

import pytest

from dcgan.common import errors
from dcgan.common import files
from dcgan.training import runs


def test_damaged_options_are_named(run_copy):
  (run_copy / 'options.json').write_text('{"networks"', encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'options\.json: not the options of a run'):
    runs.load_options(run_copy)


def test_a_place_in_which_no_run_can_be_made_is_told(tmp_path):
  (tmp_path / 'file').write_text('', encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'`checkpoints_dir` \(.*file/runs\) must be a folder that can be written '
                                              r'to, but .* cannot be made \(Not a directory\)\. Choose another one\.'):
    runs.make_run(tmp_path / 'file' / 'runs', 'a')


def test_a_run_is_named_after_its_set_model_and_note_within_what_disks_hold():
  assert runs.name_of('records/me', 128, 'ufm128', 'avatar') == 'me128-from-ufm128-avatar'
  assert runs.name_of('records/me', 64) == 'me64' and runs.name_of('me', 64, note='x') == 'me64-x'
  name = runs.name_of('records/' + '漢' * 73, 128, 'd' * 250, 'avatar')
  assert name == '漢' * 40 + '128-from-' + 'd' * 60 + '-avatar'


def test_without_locks_a_run_is_trained_all_the_same(tmp_path, monkeypatch):
  def refuse(*_):
    raise OSError(errno.ENOSYS, 'Function not implemented')

  monkeypatch.setattr(files.fcntl, 'flock', refuse)
  with runs.locked(tmp_path):
    pass


def test_run_numbers_count_on_and_never_collide(tmp_path):
  assert [runs.make_run(tmp_path, 'a').name, runs.make_run(tmp_path, 'b').name] == ['00000-a', '00001-b']
  (tmp_path / '00007-x').mkdir()
  assert runs.make_run(tmp_path, 'c').name == '00008-c'
  assert runs.short_name(pathlib.Path('checkpoints/00008-c')) == 'c'
