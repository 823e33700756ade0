"""Tests of dcgan.training.runs."""

import pathlib

import pytest

from dcgan.common import errors
from dcgan.training import runs


def test_damaged_options_are_named(run_copy):
  (run_copy / 'options.json').write_text('{"networks"', encoding='utf-8')
  with pytest.raises(errors.InputError, match=r'options\.json: not the options of a run'):
    runs.load_options(run_copy)


def test_run_numbers_count_on_and_never_collide(tmp_path):
  assert [runs.make_run(tmp_path, 'a').name, runs.make_run(tmp_path, 'b').name] == ['00000-a', '00001-b']
  (tmp_path / '00007-x').mkdir()
  assert runs.make_run(tmp_path, 'c').name == '00008-c'
  assert runs.short_name(pathlib.Path('checkpoints/00008-c')) == 'c'
