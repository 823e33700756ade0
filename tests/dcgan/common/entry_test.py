"""Tests of dcgan.common.entry: the kinds of flags that commands share."""

import json
import logging
import subprocess
import sys

from PIL import Image
import pytest

from dcgan.common import entry
from dcgan.common import errors
from dcgan.options import config
from tests import entries_test

# Flags that are text and name no file. A new one is a path (`entry.define_path`), or is named here.
_NO_PATHS = {
    'animate': {'source', 'target', 'keyframes'}, 'benchmark': {'image_sizes'}, 'drive': {'only', 'with'},
    'evaluate': {'checkpoint'},
    'export_model': {'checkpoint'}, 'make_avatar': {'name', 'person'}, 'make_gallery': {'checkpoint'},
    'make_records': {'name', 'person', 'beam_options'}, 'reproduce': {'seeds', 'minibatch_sizes'},
    'train': {'note', 'stop_when'}}
_PROGRAM = '''
import importlib, json, os, sys
from absl import flags
from dcgan.common import entry
told = {}
for module in sys.argv[1:]:
  its_own = flags.FLAGS.get_flags_for_module(importlib.import_module(module))
  for flag in its_own:
    kind = type(flag.parser).__name__
    values = []
    if kind == 'PathParser':
      for text in ('~/a b', 'x/~/y', '~nobody_here/x', 'https://a.org/~me/b.mp4'):
        flag.unparse()
        flag.parse(text)
        values.append(flag.value[-1] if isinstance(flag.value, list) else flag.value)
      flag.value = values[:1] if isinstance(flag.value, list) else values[0]
      values.append(flag.serialize())
    told.setdefault(module, {})[flag.name] = kind, values
  for flag in its_own:
    delattr(flags.FLAGS, flag.name)
print(json.dumps(told))
'''


@pytest.fixture(name='told', scope='module')
def fixture_told():
  """Every command's flags: dict from its module to a dict from a flag's name to its parser and values."""
  made = subprocess.run([sys.executable, '-c', _PROGRAM, *entries_test.ENTRIES], cwd=entries_test.ROOT,
                        capture_output=True, text=True, check=False, env={'HOME': '/home/me', 'PATH': ''})
  assert made.returncode == 0, made.stderr
  return json.loads(made.stdout)


@pytest.mark.parametrize('module', entries_test.ENTRIES)
def test_every_flag_that_names_a_file_or_folder_takes_the_tilde(told, module):
  texts = {name for name, (kind, _) in told[module].items() if kind in ('ArgumentParser', 'ListParser')}
  texts -= {name for name, option in config.OPTIONS.items() if option.words}
  assert texts == _NO_PATHS.get(module.rpartition('.')[2], set())
  paths = {name: values for name, (kind, values) in told[module].items() if kind == 'PathParser'}
  assert paths
  for name, (expanded, inside, nobody, address, serialized) in paths.items():
    assert expanded == '/home/me/a b' and serialized == f'--{name}=/home/me/a b'
    assert (inside, nobody, address) == ('x/~/y', '~nobody_here/x', 'https://a.org/~me/b.mp4')


def test_the_options_of_a_run_that_are_paths_are_among_them(told):
  assert {name for name, (kind, _) in told['dcgan.train'].items() if kind == 'PathParser'} == {
      'records', 'init_from', 'resume', 'checkpoints_dir'}


def test_of_a_damaged_checkpoint_tensorflow_lists_no_variables(caplog):
  logger = logging.getLogger('tensorflow')
  with caplog.at_level('WARNING', 'tensorflow'):
    logger.propagate = True
    logger.warning('Value in checkpoint could not be found in the restored object: %s', '(root).options')
    logger.warning('Detecting that an object is being deleted with unrestored values.')
    logger.warning('something else')
  assert [record.getMessage() for record in caplog.records] == ['something else']


def test_what_pillow_logs_of_a_damaged_picture_is_not_said_twice(caplog, tmp_path):
  (tmp_path / 'a.tif').write_bytes(b'II*\0\x08\0\0\0\x03\0' + b''.join(
      number.to_bytes(2, 'little') + b'\x03\0\x01\0\0\0' + value.to_bytes(4, 'little')
      for number, value in ((256, 8), (257, 8), (277, 2000))) + bytes(4))
  with pytest.raises((SyntaxError, OSError)):
    Image.open(tmp_path / 'a.tif')
  assert not caplog.records


def test_a_flag_that_is_far_too_long_is_told_at_once():
  entry.check_words(['--image_size=64', '--', 'x' * 500, '--note=' + 'x' * 500])
  with pytest.raises(errors.InputError, match=r"Unknown command line flag 'x{40}'\.\.\."):
    entry.check_words(['--seed=1', '--' + 'x' * 5000])
