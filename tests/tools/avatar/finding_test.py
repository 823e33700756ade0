"""Tests of tools.avatar.finding, and of its command: the astronaut's photo, looked for in a tiny run."""

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import networks
from tests import commands
from tests.dcgan import conftest
from tools.avatar import finding
from tools.avatar import references
from tools.avatar import run_folder
from tools.avatar import set_pictures


@pytest.fixture(name='run', scope='module')
def fixture_run(tmp_path_factory):
  """A run with places on six drawn faces."""
  folder = tmp_path_factory.mktemp('finding')
  conftest.make_set(folder / 'drawn', 6)
  return conftest.train_places(folder / 'drawn', folder / 'checkpoints')


@pytest.mark.slow
def test_a_photo_is_found_drawn_and_kept_under_its_name(run, astronaut, tmp_path):
  iio.imwrite(tmp_path / 'my smile.png', astronaut)
  one = finding.Finder(run).find(str(tmp_path / 'my smile.png'))
  assert one.name == 'my_smile' and one.path == run / 'found' / 'my_smile.png'
  assert iio.imread(one.path).shape == (260, 2 * 258 + 2, 3)  # the photo's face, and the model's
  assert 0 < one.error < 128 and one.landmark_error is None  # 8 px show no face
  assert one.controls is None  # of six pictures none are fitted
  folder = run_folder.load(run)
  assert one.nearest_key in folder.space.keys
  z, = references.resolve(['my_smile'], folder)
  assert np.mean(z**2) == pytest.approx(1, rel=1e-4)
  made = commands.run('tools.find_expression', f'--run={run}', f'--photo={tmp_path}/my smile.png')
  assert made.returncode == 0 and made.stdout.splitlines()[-1] == str(one.path), made.stderr
  assert 'Use it as my_smile' in made.stderr


@pytest.mark.slow
def test_a_face_that_is_much_farther_off_than_the_sets_own_pictures_is_told_as_unknown(run, tmp_path, astronaut):
  finder = finding.Finder(run)
  folder = run_folder.load(run)
  training_set = set_pictures.load(folder.options)
  made = networks.generate(folder.generator, folder.space.places).astype(float)
  off = [np.sqrt(np.square(picture - training_set.pictures([training_set.keys.index(key)])[0]).mean())
         for key, picture in zip(folder.space.keys, made)]
  assert finder.usual_error == pytest.approx(np.median(off), rel=1e-5)
  iio.imwrite(tmp_path / 'other.png', astronaut)
  one = finder.find(str(tmp_path / 'other.png'))
  assert one.is_known == (one.error <= 2 * finder.usual_error)
  finder.usual_error = one.error / 2.1
  assert not finder.find(str(tmp_path / 'other.png')).is_known


@pytest.mark.slow
def test_what_cannot_be_found_is_told(run, astronaut, tmp_path):
  iio.imwrite(tmp_path / 'grey.png', np.full([200, 200, 3], 128, np.uint8))
  (tmp_path / 'text.png').write_text('no picture')
  finder = finding.Finder(run)
  with pytest.raises(errors.InputError, match=r'`photo` \(.*grey.png\): no face found in it'):
    finder.find(str(tmp_path / 'grey.png'))
  iio.imwrite(tmp_path / 'two.png', np.concatenate([astronaut, astronaut], axis=1))
  with pytest.raises(errors.InputError, match=r'`photo` \(.*two.png\): 2 faces in it, and it must show one. Cut it'):
    finder.find(str(tmp_path / 'two.png'))
  for name in ('absent.png', 'text.png'):
    with pytest.raises(errors.InputError, match=rf'`photo` \(.*{name}\): .*Name a picture of the person'):
      finder.find(str(tmp_path / name))


@pytest.mark.slow
def test_the_run_is_loaded_once_for_several_photos(run, astronaut, tmp_path, monkeypatch):
  iio.imwrite(tmp_path / 'one.png', astronaut)
  iio.imwrite(tmp_path / 'two.png', astronaut[:, ::-1])
  finder = finding.Finder(run)
  monkeypatch.setattr(run_folder, 'load', None)  # nothing loads it again
  assert [finder.find(str(tmp_path / name)).name for name in ('one.png', 'two.png')] == ['one', 'two']


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [([], '--run is needed'), (['--run=a'], '--photo is needed'),
                                                (['--run=nowhere', '--photo=a.png'], 'error: nowhere: not a run')])
def test_wrong_flags_end_with_the_reason_and_exit_code_1(arguments, message):
  made = commands.run('tools.find_expression', *arguments)
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr
