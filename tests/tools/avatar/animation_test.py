"""Tests of animations of a run: which checkpoint draws them, and which expressions."""

import shutil

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import images
from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import networks
from dcgan.options import config
from dcgan.training import session
from dcgan.training import trained_networks
from tests.dcgan import conftest
from tools.avatar import animation

_Z = latents.sample_z(6, 4, seed=5)


@pytest.fixture(name='trained', scope='module')
def fixture_trained(tmp_path_factory):
  """A run of four minibatches, each a checkpoint, that differ by fast learning. Shared: copy it to change it."""
  folder = tmp_path_factory.mktemp('animation')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(
      networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
      data=config.Data(records=str(folder / 'drawn'), global_batch_size=4),
      training=config.Training(num_minibatches=4, learning_rate=0.1, ema_half_life_images=0),
      periods=config.Periods(checkpoint_every_steps=1, keep_every_steps=1))
  return session.start(options, folder / 'checkpoints').run


@pytest.fixture(name='run')
def fixture_run(trained, tmp_path):
  return shutil.copytree(trained, tmp_path / trained.name)


def _error(path, run, step):
  """Returns how far a drawn line from 2 to 5, one way, is from what the checkpoint of a minibatch makes of it."""
  generator, _, _ = trained_networks.load_generator(run, step)
  z = np.stack([(1 - part / 4) * _Z[2] + part / 4 * _Z[5] for part in range(5)]).astype(np.float32)
  expected = images.resize(networks.generate(generator, z), 32)
  return np.abs(iio.imread(path)[:5].astype(float) - expected).mean()


def _animate(run, **options):
  return animation.save(run, ['2', '5'], num_parts=4, size_px=32, **options)


def test_the_checkpoint_that_drew_the_gallery_draws_the_animation(run):
  generator, _, step = trained_networks.load_generator(run, 2)
  gallery.save(gallery.default_path(run), generator, _Z, step)
  path = _animate(run)
  assert path == run / 'animation_2_5.gif' and iio.imread(path).shape == (8, 32, 32, 3)
  assert _error(path, run, 2) < 3 < _error(path, run, 4)


def test_the_latest_draws_where_that_checkpoint_is_gone_and_says_so(run, caplog):
  generator, _, _ = trained_networks.load_generator(run, 2)
  gallery.save(gallery.default_path(run), generator, _Z, 99)
  with caplog.at_level('WARNING'):
    path = _animate(run)
  assert 'drawn at minibatch 99, whose checkpoint is gone' in caplog.text
  assert _error(path, run, 4) < 3 < _error(path, run, 2)


def test_the_latest_draws_quietly_where_the_gallery_does_not_tell(run, tmp_path, caplog):
  np.savez(run / 'gallery.npz', z=_Z)
  with caplog.at_level('WARNING'):
    path = _animate(run, path=tmp_path / 'line.gif', there_and_back=False, fps=20)
  assert path == tmp_path / 'line.gif' and not caplog.text
  assert iio.imread(path).shape == (5, 32, 32, 3) and iio.immeta(path)['duration'] == 50
  assert _error(path, run, 4) < 3


@pytest.mark.slow
@pytest.mark.parametrize('has_set', [True, False])
def test_two_expressions_are_chosen_where_none_are_given_with_the_set_or_without(run, has_set):
  if not has_set:
    options = (run / 'options.json').read_text(encoding='utf-8')
    (run / 'options.json').write_text(options.replace('/drawn"', '/moved_away"'), encoding='utf-8')
  path = animation.save(run, size_px=16)
  source, target = map(int, path.stem.split('_')[1:])
  assert 0 <= source < 64 and 0 <= target < 64 and source != target
