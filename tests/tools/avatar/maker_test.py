"""Tests of the whole way to an avatar, on a drawn clip and a tiny model to start from."""

import types

import imageio.v3 as iio
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.model import gallery
from dcgan.options import config
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan import conftest
from tools.avatar import maker
from tools.avatar import person_run
from tools.demo import clip as demo_clip


def test_a_model_that_is_not_there_is_told_of_before_any_picture_is_read(tmp_path):
  with pytest.raises(errors.InputError, match=r'`init_from` \(nowhere\): no such run'):
    maker.make_avatar('photos', [str(tmp_path)], init_from='nowhere', records_dir=str(tmp_path / 'records'))
  assert not list(tmp_path.iterdir())


@pytest.fixture(name='places', scope='module')
def fixture_places(tmp_path_factory):
  """The keywords of `make_avatar` for a clip of 3 s and a tiny model of drawn faces to start from."""
  folder = tmp_path_factory.mktemp('avatar')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=16, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(folder / 'drawn'), global_batch_size=4, crop=140),
                          training=config.Training(num_minibatches=1))
  model = session.start(options, folder / 'models').run
  demo_clip.make_clip(folder / 'clip.mp4', 3.0, 15.0, 0, 256)
  return dict(kind='video', paths=[str(folder / 'clip.mp4')], init_from=str(model), minutes=0.4,
              records_dir=str(folder / 'records'), checkpoints_dir=str(folder / 'runs'))


@pytest.mark.slow
def test_a_video_becomes_an_animation_and_the_same_command_again_makes_nothing_new(places, caplog):
  made = maker.make_avatar(**places)
  run, = (path for path in made.parents if path.name == '00000-clip16-from-drawn16-avatar')
  # A GIF holds frames that do not differ once.
  assert made == run / 'avatar.gif' and iio.imread(made).shape[1:] == (256, 256, 3)
  manifest = manifests.load(f'{places["records_dir"]}/clip')
  assert manifest.settings['fps'] == 15 and manifest.num_inputs == 45
  options = runs.load_options(run)
  assert options.networks.image_size == 16 and options.data.crop == 140
  assert options.health.on_collapse == 'rollback' and options.training.transfer == 'full'
  assert options.training.learner == 'places' and (run / 'preview.png').is_file()
  assert (run / f'ckpt-{gallery.load(run).step}.index').is_file()
  assert (run / 'minutes.txt').read_text(encoding='utf-8') == '0.4\n'
  assert (run / 'controls.npz').is_file() and iio.imread(run / 'controls.png').shape[2] == 3
  with caplog.at_level('INFO'):
    assert maker.make_avatar(**places) == made
  assert 'clip is there already, made from the same pictures' in caplog.text and 'is done already' in caplog.text
  assert [path.name for path in run.parent.iterdir()] == [run.name]


@pytest.fixture(name='trained_to')
def fixture_trained_to(tmp_path, monkeypatch):
  """A callable that lets `make_avatar` find a run that was trained to a minibatch; returns what was animated."""
  conftest.make_set(tmp_path / 'few', 5)
  drawn = []

  def let(step, is_done=False):
    run = tmp_path / 'run'
    run.mkdir(exist_ok=True)
    runs.save_options(run, config.Config(data=config.Data(records=str(tmp_path / 'few'), global_batch_size=1)))
    monkeypatch.setattr(maker.transfers, 'load_donor', lambda _: types.SimpleNamespace(model=None))
    monkeypatch.setattr(maker.person_set, 'make', lambda *_: str(tmp_path / 'few'))
    monkeypatch.setattr(maker.person_run, 'train', lambda *_: (session.Result(run, step, None), is_done))
    monkeypatch.setattr(maker, '_keep_controls', lambda folder: drawn.append(folder / 'controls.npz'))
    monkeypatch.setattr(maker.animation, 'save', lambda *_, path, **__: drawn.append(path))
    return drawn
  return let


def test_a_run_that_went_back_to_its_start_shows_strangers_and_is_no_avatar(trained_to):
  drawn = trained_to(0)
  with pytest.raises(errors.InputError, match='run: nothing was learnt: training went back to its start'):
    maker.make_avatar('photos', ['few'])
  assert not drawn


@pytest.mark.parametrize('step, is_short', [(25, True), (224, True), (225, False)])  # 45 visits of 5 pictures
def test_a_run_that_was_short_is_told_of_and_drawn(trained_to, caplog, step, is_short):
  drawn = trained_to(step)
  made = maker.make_avatar('photos', ['few'], minutes=0.1)
  assert drawn == [made.with_name('controls.npz'), made]  # the GIF last: it tells that all is done
  told = f'Training was short: {step} minibatches, where the pictures need 225 at least'
  assert (told in caplog.text) == is_short == ('Raise --minutes (0.1) and give the same command again' in caplog.text)


@pytest.mark.parametrize('step, trained_minutes, minutes, more', [
    (100, 2.0, 1.0, 1.0), (224, None, 1.0, 1.0), (225, 1.0, 1.0, None), (225, None, 6.5, None), (225, None, 20.0, 13.5),
    (225, 2.0, 1.0, None),
    (225, 6.5, 20.0, 13.5)])
def test_a_run_goes_on_that_was_short_or_is_to_be_trained_longer_than_it_was(
    tmp_path, monkeypatch, step, trained_minutes, minutes, more):
  conftest.make_set(tmp_path / 'few', 5)
  run = tmp_path / 'run'
  run.mkdir()
  (run / person_run.AVATAR).write_bytes(b'')
  if trained_minutes:
    person_run.keep_minutes(run, trained_minutes)
  runs.save_options(run, config.Config(data=config.Data(records=str(tmp_path / 'few'), global_batch_size=1)))
  monkeypatch.setattr(person_run, '_earlier_run', lambda *_: run)
  monkeypatch.setattr(person_run.checkpoints, 'steps', lambda _: [step])
  monkeypatch.setattr(person_run.session, 'resume', lambda *_, **__: 'resumed')
  monkeypatch.setattr(person_run.deadline, 'Deadline', lambda given, _: told.append(given))
  told = []
  model = types.SimpleNamespace(options=config.Config(data=config.Data(crop=140)), digest='')
  result = person_run.train(str(tmp_path / 'few'), model, None, 'ufm', tmp_path, minutes, False)
  assert result == (('resumed', False) if more else (session.Result(run, step, None), True))
  assert told == ([more] if more else [])


@pytest.mark.slow
def test_another_video_of_the_same_name_is_refused_until_it_may_replace_the_set(places, tmp_path):
  demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 15.0, 1, 256)
  conftest.make_set(tmp_path / 'clip', 5)
  other = places | dict(paths=[str(tmp_path / 'clip.mp4')], records_dir=str(tmp_path), checkpoints_dir=str(tmp_path))
  with pytest.raises(errors.InputError, match='clip` is a set of records already. Choose another --name, or give --ov'):
    maker.make_avatar(**other)
  assert maker.make_avatar(**other, overwrite=True).parent.name == '00000-clip16-from-drawn16-avatar'
  assert manifests.load(f'{tmp_path}/clip').num_inputs == 15
