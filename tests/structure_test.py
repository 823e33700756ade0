"""Tests of the house: data flows one way, flags and heavy libraries stay in their rooms."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MODULES = sorted(path for folder in ('dcgan', 'tools') for path in (ROOT / folder).rglob('*.py'))


def imports(path):
  """Returns every module that a file imports, as in {'absl.flags', 'numpy'}."""
  found = set()
  for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
    if isinstance(node, ast.Import):
      found |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      found |= {f'{node.module}.{alias.name}' for alias in node.names}
  return found


def name(path):
  return path.relative_to(ROOT).as_posix()


def is_entry(path):
  return "if __name__ == '__main__':" in path.read_text(encoding='utf-8')


def test_data_flows_one_way_and_libraries_have_one_door():
  linted = subprocess.run([pathlib.Path(sys.executable).with_name('lint-imports'), '--no-cache'], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)
  assert linted.returncode == 0, linted.stdout
  assert '0 broken' in linted.stdout


def test_every_package_says_what_it_knows_and_what_it_must_not_know():
  told = [ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) for path in MODULES
          if path.name == '__init__.py' and path.parent.parent != ROOT]
  assert len(told) > 12 and all('\n\nKnows ' in text for text in told)


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_a_path_in_a_command_to_give_next_is_quoted(path):
  told = re.findall(r'--(?:run|records|resume|init_from|out|video|photos?|name|beside|\w+_dir)=(?:%s|{[^}]*})',
                    path.read_text(encoding='utf-8'))
  assert set(told) <= {'--init_from={transfers.SHIPPED}'}  # a word


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_flags_are_read_only_in_entries(path):
  # The kinds of flags that commands share are defined there, and none is read.
  is_shared = name(path) == 'dcgan/common/entry.py'
  assert is_entry(path) or is_shared or not {module for module in imports(path) if module.startswith('absl.flags')}


@pytest.mark.parametrize('path', [path for path in MODULES if is_entry(path)], ids=name)
def test_entries_import_nothing_slow_before_the_flags_are_parsed(path):
  slow = {'tensorflow', 'mediapipe', 'cv2', 'numpy', 'imageio', 'av', 'PIL'}
  top_level = ast.Module([node for node in ast.parse(path.read_text(encoding='utf-8')).body
                          if isinstance(node, (ast.Import, ast.ImportFrom))], [])
  found = set()
  for node in top_level.body:
    if isinstance(node, ast.Import):
      found |= {alias.name for alias in node.names}
    else:
      found |= {f'{node.module}.{alias.name}' for alias in node.names}
  assert not {module.split('.')[0] for module in found} & slow
  assert {module for module in found if module.startswith('dcgan.')} <= {
      'dcgan.common.entry', 'dcgan.common.errors', 'dcgan.common.files', 'dcgan.common.names', 'dcgan.common.wording',
      'dcgan.options.config',
      'dcgan.options.presets'}
