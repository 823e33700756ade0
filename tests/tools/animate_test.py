"""Tests of tools.make_gallery and tools.animate, on a tiny run."""

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.options import config
from dcgan.training import session
from tests import commands
from tests.dcgan import conftest


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """A run of one minibatch, with its gallery of 64."""
  folder = tmp_path_factory.mktemp('gallery')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(folder / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=1, seed=3))
  return session.start(options, folder / 'checkpoints').run


@pytest.mark.slow
def test_the_commands_chain_by_their_last_line(run, tmp_path):
  made = commands.run('tools.make_gallery', f'--run={run}', '--num_images=10', '--tile_px=16')
  assert made.returncode == 0, made.stderr
  assert made.stdout.splitlines()[-1] == str(run / 'gallery.png')
  made = commands.run('tools.animate', f'--run={run}', '--source=3', '--target=7', '--size_px=16')
  assert made.returncode == 0, made.stderr
  frames = iio.imread(made.stdout.splitlines()[-1])
  assert frames.shape == (40, 16, 16, 3)  # 20 parts there and 20 back
  assert iio.immeta(run / 'animation_3_7.gif')['duration'] == 100  # 2 s one way
  made = commands.run('tools.animate', f'--run={run}', '--keyframes=3,7,9', '--num_parts=4', '--nothere_and_back',
                      f'--out={tmp_path / "chain.mp4"}')
  assert made.returncode == 0, made.stderr
  assert iio.imread(tmp_path / 'chain.mp4').shape == (9, 256, 256, 3)
  made = commands.run('tools.animate', f'--run={run}', '--size_px=16', '--num_parts=4')
  assert made.returncode == 0, made.stderr
  path = made.stdout.splitlines()[-1]
  assert path.startswith(f'{run}/animation_') and iio.imread(path).shape == (8, 16, 16, 3)
  assert 'chose' in made.stderr


@pytest.mark.slow
@pytest.mark.parametrize('checkpoint', ['best', '1'])
def test_a_gallery_is_drawn_from_the_checkpoint_that_is_asked_for(run, checkpoint):
  made = commands.run('tools.make_gallery', f'--run={run}', '--tile_px=16', f'--checkpoint={checkpoint}')
  assert made.returncode == 0, made.stderr
  assert 'at minibatch 1.' in made.stderr and np.load(run / 'gallery.npz')['step'] == 1


@pytest.mark.slow
@pytest.mark.parametrize('checkpoint, message', [
    ('first', '--checkpoint (first) must be latest, best or the minibatch of one'),
    ('7', 'error: `checkpoint` (7)'),
])
def test_a_checkpoint_that_is_none_is_one_line_and_exit_code_1(run, checkpoint, message):
  made = commands.run('tools.make_gallery', f'--run={run}', f'--checkpoint={checkpoint}')
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr


@pytest.mark.slow
def test_timelapse_shows_the_samples_of_the_run(run, tmp_path):
  made = commands.run('tools.animate', f'--run={run}', '--timelapse')
  assert made.returncode == 0, made.stderr
  assert made.stdout.splitlines()[-1] == str(run / 'timelapse.mp4')
  frames = iio.imread(run / 'timelapse.mp4')
  assert frames.shape == (12 + 50, 554, 512, 3)  # two grids of 82 px: half a second, and the last one stays for 2 s
  made = commands.run('tools.animate', f'--run={run}', '--timelapse', '--duration_secs=0.2', '--size_px=128',
                      f'--out={tmp_path / "lapse.gif"}')
  assert made.returncode == 0, made.stderr
  assert iio.imread(tmp_path / 'lapse.gif').shape == (2, 152, 128, 3)  # what stays is held once
  assert iio.immeta(tmp_path / 'lapse.gif')['duration'] == 200


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [
    (['--source=3', '--target=99'], 'error: picture 99 is not in the gallery'),
    (['--source=3', '--target=4', '--out=x.avi'], "ends in '.avi'"),
    (['--source=3'], '--source and --target are needed together'),
    (['--timelapse', '--out=x.avi'], "ends in '.avi'"),
    (['--keyframes=3'], '--keyframes (3) must be two or more expressions'),
    (['--through=3', '--source=1', '--target=2'], '--through chooses expressions by itself'),
    (['--replay', '--source=1'], '--source is of no use with --replay'),
    (['--speed=2'], '--speed is of no use without --replay'),
    (['--replay'], 'error: `replay`: '),
    (['--source=3', '--target=smile'], 'error: `smile`: '),
    (['--keyframes=3,4', '--source=1'], '--keyframes takes the place of --source and --target'),
])
def test_wrong_input_to_animate_is_one_line_and_exit_code_1(run, arguments, message):
  made = commands.run('tools.animate', f'--run={run}', *arguments)
  assert made.returncode == 1
  assert message in (made.stderr + made.stdout) and 'Traceback' not in made.stderr
  if message.startswith('error'):
    assert len(made.stderr.strip().splitlines()) == 1 and not made.stdout


@pytest.fixture(name='film', scope='module')
def fixture_film(tmp_path_factory):
  """A run with places on 9 frames, half a second apart, of which the last stretch is held out."""
  folder = tmp_path_factory.mktemp('film')
  conftest.make_set(folder / 'film', 9, kind='video', secs_apart=0.5)
  return conftest.train_places(folder / 'film', folder / 'checkpoints')


@pytest.mark.slow
def test_a_film_is_shown_again_and_its_frames_are_named_by_time_and_key(film):
  made = commands.run('tools.animate', f'--run={film}', '--replay', '--beside_real', '--size_px=16', '--fps=10',
                      '--speed=2')
  assert made.returncode == 0, made.stderr
  assert made.stdout.splitlines()[-1] == str(film / 'replay.mp4')
  assert iio.imread(film / 'replay.mp4').shape == (21, 16, 32, 3)  # 4 s at twice the speed
  made = commands.run('tools.animate', f'--run={film}', '--source=1.4s', '--target=face_0006.png', '--num_parts=3',
                      '--size_px=16', '--nothere_and_back')
  assert made.returncode == 0, made.stderr
  assert 'the nearest frame that the run has learnt is at 1.50s' in made.stderr
  path = made.stdout.splitlines()[-1]
  assert path == str(film / 'animation_1.4s_face_0006.png.gif') and iio.imread(path).shape[1:] == (16, 16, 3)
