"""Tests of tools.gallery, make_gallery and animate, on a tiny run."""

import pathlib
import subprocess
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan import checkpoints
from dcgan import config
from dcgan import errors
from dcgan import latents
from dcgan import networks
from dcgan import session
from tests.dcgan import conftest
from tools import gallery

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """A run of one minibatch, with its gallery of 6."""
  folder = tmp_path_factory.mktemp('gallery')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size_px=8, z_dims=4, channels=4, kernel_size_px=3),
                          data=config.Data(records=str(folder / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=1, seed=3))
  made = session.start(options, folder / 'checkpoints').run
  gallery.save(gallery.default_path(made), checkpoints.load_generator(made)[0], num_images=6, seed=3, tile_px=32)
  return made


def command(module, *arguments):
  return subprocess.run([sys.executable, '-m', module, *arguments], cwd=ROOT, capture_output=True, text=True,
                        check=False)


def test_the_gallery_holds_the_pictures_of_its_points(run):
  z = np.load(run / 'gallery.npz')['z']
  np.testing.assert_array_equal(z, latents.sample_z(6, 4, seed=3))
  picture = iio.imread(run / 'gallery.png')
  assert picture.shape == (34 + 2, 6 * 34 + 2, 3)
  generator, _, step = checkpoints.load_generator(run)
  tile = networks.generate(generator, z[4:5])[0]
  corner = picture[2 + 28:2 + 32, 2 + 4 * 34 + 28:2 + 4 * 34 + 32]  # away from the number
  assert step == 1 and abs(corner.mean(axis=(0, 1)) - tile[-1, -1]).max() < 25


def test_keyframes_are_the_numbered_points(run):
  np.testing.assert_array_equal(gallery.load_keyframes(run, [5, 0]), latents.sample_z(6, 4, seed=3)[[5, 0]])


@pytest.mark.parametrize('number', [6, -1])
def test_a_number_that_is_not_in_the_gallery_is_named(run, number):
  with pytest.raises(errors.InputError, match=rf'picture {number} is not in the gallery of .*, which has 0 to 5'):
    gallery.load_keyframes(run, [0, number])


def test_a_run_without_gallery_says_how_to_make_one(tmp_path):
  with pytest.raises(errors.InputError, match=r'gallery\.npz: this run has no gallery .*tools\.make_gallery --run='):
    gallery.load_keyframes(tmp_path, [0, 1])


def test_points_that_are_none_are_refused(tmp_path):
  (tmp_path / 'gallery.npz').write_bytes(b'nothing')
  with pytest.raises(errors.InputError, match=r'gallery\.npz: not the points of a gallery'):
    gallery.load_keyframes(tmp_path, [0, 1])


@pytest.mark.slow
def test_the_commands_chain_by_their_last_line(run, tmp_path):
  made = command('tools.make_gallery', f'--run={run}', '--num_images=10', '--tile_px=16')
  assert made.returncode == 0, made.stderr
  assert made.stdout.splitlines()[-1] == str(run / 'gallery.png')
  made = command('tools.animate', f'--run={run}', '--source=3', '--target=7', '--size_px=16')
  assert made.returncode == 0, made.stderr
  frames = iio.imread(made.stdout.splitlines()[-1])
  assert frames.shape == (40, 16, 16, 3)  # 20 parts there and 20 back
  assert iio.immeta(run / 'animation_3_7.gif')['duration'] == 100  # 2 s one way
  made = command('tools.animate', f'--run={run}', '--keyframes=3,7,9', '--num_parts=4', '--nothere_and_back',
                 f'--out={tmp_path / "chain.mp4"}')
  assert made.returncode == 0, made.stderr
  assert iio.imread(tmp_path / 'chain.mp4').shape == (9, 256, 256, 3)


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [
    (['--source=3', '--target=99'], 'error: picture 99 is not in the gallery'),
    (['--source=3', '--target=4', '--out=x.avi'], "ends in '.avi'"),
    (['--source=3', '--target=4', '--num_parts=0'], 'error: `num_parts` (0) must be over 0'),
    (['--source=3'], '--source and --target are needed'),
    (['--keyframes=3'], '--keyframes (3) must be two or more numbers'),
    (['--keyframes=3,4', '--source=1'], '--keyframes takes the place of --source and --target'),
])
def test_wrong_input_to_animate_is_one_line_and_exit_code_1(run, arguments, message):
  made = command('tools.animate', f'--run={run}', *arguments)
  assert made.returncode == 1
  assert message in (made.stderr + made.stdout) and 'Traceback' not in made.stderr
  if message.startswith('error'):
    assert len(made.stderr.strip().splitlines()) == 1 and not made.stdout
