"""Tests of the house: data flows one way, flags and heavy libraries stay in their rooms, every module has its test."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MODULES = sorted(path for folder in ('dcgan', 'tools') for path in (ROOT / folder).rglob('*.py'))
# A module of dcgan/ imports only what stands above it.
ORDER = ('errors', 'entry', 'files', 'progress', 'config', 'recipes', 'presets', 'images', 'records', 'random_access',
         'batch_plan', 'holdout', 'latents', 'metrics/features', 'admission', 'region', 'losses', 'augment', 'networks',
         'motion', 'weights', 'gallery', 'input_pipeline', 'devices', 'trainer', 'adapter', 'places', 'estimate',
         'metrics/sliced_wasserstein',
         'metrics/distances', 'metrics/inception', 'metrics/variety', 'metrics/noise_texture', 'metrics/copying',
         'metrics/stair_step', 'signals', 'health', 'runs', 'checkpoints', 'transfers', 'actions', 'loop',
         'assembly', 'session', 'train')

# So do the rooms of tools/: what pictures come from and one face, then whole sets.
TOOLS_ORDER = ('material/pictures', 'material/folders', 'material/celeba', 'material/downloads', 'material/sources',
               'faces/models', 'faces/landmarks', 'faces/alignment', 'faces/measures', 'faces/appearance',
               'faces/closed_eyes', 'faces/smoothing', 'faces/background', 'faces/colour', 'sets/duplicates',
               'sets/curation', 'sets/tracks', 'sets/people_sheet', 'sets/scan', 'sets/choice', 'sets/convert',
               'sets/workers', 'sets/beam', 'sets/advice', 'sets/report_card', 'sets/pipeline', 'sets/verify',
               'evaluation/faces', 'evaluation/wholeness', 'evaluation/spread', 'evaluation/likeness',
               'evaluation/inversion', 'evaluation/measures', 'evaluation/verdict',
               'evaluation/page', 'evaluation/history', 'evaluation/report', 'evaluation/evaluation',
               'avatar/found', 'avatar/references', 'avatar/expressions', 'avatar/animation', 'avatar/finding', 'avatar/avatar',
               'experiments/tasks',
               'experiments/training', 'experiments/claims', 'experiments/between', 'experiments/arms',
               'experiments/page', 'experiments/experiments')
TOOLS_ROOMS = tuple(dict.fromkeys(place.split('/')[0] for place in TOOLS_ORDER))


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


def place(path, folder):
  """Returns the place of a file below a folder as the orders name it, as in 'faces/models'."""
  return name(path.with_suffix('')).removeprefix(f'{folder}/')


def above(path, folder, order):
  """Returns the modules that stand before a file in an order, as in {'tools.faces.models'}."""
  return {f'{folder}.{module.replace("/", ".")}' for module in order[:order.index(place(path, folder))]}


def is_entry(path):
  return "if __name__ == '__main__':" in path.read_text(encoding='utf-8')


def test_every_module_of_the_rooms_of_tools_has_its_place_in_the_order():
  assert sorted(TOOLS_ORDER) == sorted(f'{room}/{path.stem}' for room in TOOLS_ROOMS
                                       for path in (ROOT / 'tools' / room).glob('*.py') if path.stem != '__init__')


def test_every_module_of_dcgan_has_its_place_in_the_order():
  assert sorted(ORDER) == sorted(place(path, 'dcgan') for path in (ROOT / 'dcgan').rglob('*.py')
                                 if path.stem != '__init__')


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_data_flows_one_way(path):
  ours = {module for module in imports(path) if module.startswith(('dcgan.', 'tools.'))}
  if place(path, 'dcgan') in ORDER:
    assert ours <= above(path, 'dcgan', ORDER)
  elif place(path, 'tools') in TOOLS_ORDER:
    assert {module for module in ours if module.startswith('tools.')} <= above(
        path, 'tools', TOOLS_ORDER) | {'tools.media'}


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_flags_are_read_only_in_entries(path):
  assert is_entry(path) or not {module for module in imports(path) if module.startswith('absl.flags')}


@pytest.mark.parametrize('library, room', [('mediapipe', 'tools/faces/models.py'), ('av', 'tools/media.py'),
                                           ('tensorflow_addons', 'dcgan/networks.py')])
def test_a_library_has_one_door(library, room):
  users = {name(path) for path in MODULES for module in imports(path) if module.split('.')[0] == library}
  assert users == {room}


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
      'dcgan.config', 'dcgan.entry', 'dcgan.errors', 'dcgan.files', 'dcgan.presets'}


def test_the_workspace_page_lists_the_modules_in_their_order():
  page = (ROOT / 'WORKSPACE.md').read_text(encoding='utf-8')
  tables = [table.split('\n\n')[0] for table in page.split('| module | one thing |')[1:]]
  listed = [tuple(word for line in table.splitlines()[2:] for word in line.split('|')[1].split('`')[1::2])
            for table in tables]
  assert listed == [ORDER, TOOLS_ORDER]
