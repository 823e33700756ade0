"""Tests of the whole way to an avatar, on a drawn clip and a tiny model to start from; and of its clock."""

import time

import imageio.v3 as iio
import pytest

from dcgan import config
from dcgan import errors
from dcgan import gallery
from dcgan import records
from dcgan import runs
from dcgan import session
from tests.dcgan import conftest
from tools import demo_clip
from tools.avatar import avatar


@pytest.mark.parametrize('secs, fps', [(34, 8.82), (7, 15), (30, 10), (300, 1), (6000, 0.05), (1, 15)])
def test_about_three_hundred_frames_are_taken_of_a_video(secs, fps):
  assert avatar.frames_per_sec(secs) == fps


def test_the_deadline_ends_training_when_its_time_is_over_and_not_before(caplog):
  deadline = avatar.Deadline(minutes=0.2 / 60, every_steps=20)
  assert deadline.every_steps == 20 and deadline(20) is None
  time.sleep(0.25)
  with caplog.at_level('INFO'):
    assert deadline(40).action == 'enough'
  assert 'over at minibatch 40' in caplog.text
  assert deadline(60, is_last=True) is None  # it ends anyway


def test_the_preview_is_told_of_once_it_shows_the_person(tmp_path, caplog):
  preview = avatar.Preview(tmp_path)
  with caplog.at_level('INFO'):
    for step in range(0, 200, 20):
      preview(step)
  assert caplog.messages == [f'Preview: {tmp_path}/samples_000060.png']


def test_a_model_that_is_not_there_is_told_of_before_any_picture_is_read(tmp_path):
  with pytest.raises(errors.InputError, match=r'`init_from` \(nowhere\): no such run'):
    avatar.make_avatar('photos', [str(tmp_path)], init_from='nowhere', records_dir=str(tmp_path / 'records'))
  assert not list(tmp_path.iterdir())


def test_a_set_of_too_few_faces_is_refused_before_training(tmp_path):
  conftest.make_set(tmp_path / 'few', 9)
  with pytest.raises(errors.InputError, match=r'few: only 9 faces of one person, and 10 are the least'):
    avatar._checked(str(tmp_path / 'few'))  # pylint: disable=protected-access


@pytest.fixture(name='places', scope='module')
def fixture_places(tmp_path_factory):
  """The keywords of `make_avatar` for a clip of 3 s and a tiny model of drawn faces to start from."""
  folder = tmp_path_factory.mktemp('avatar')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size_px=16, z_dims=4, channels=4, kernel_size_px=3),
                          data=config.Data(records=str(folder / 'drawn'), global_batch_size=4, crop_px=140),
                          training=config.Training(num_minibatches=1))
  model = session.start(options, folder / 'models').run
  demo_clip.make_clip(folder / 'clip.mp4', 3.0, 15.0, 0, 256)
  return dict(kind='video', paths=[str(folder / 'clip.mp4')], init_from=str(model), minutes=0.1,
              records_dir=str(folder / 'records'), checkpoints_dir=str(folder / 'runs'))


@pytest.mark.slow
def test_a_video_becomes_an_animation_and_the_same_command_again_makes_nothing_new(places, caplog):
  made = avatar.make_avatar(**places)
  run, = (path for path in made.parents if path.name == '00000-clip16-from-drawn16-avatar')
  # A GIF holds frames that do not differ once.
  assert made == run / 'avatar.gif' and iio.imread(made).shape[1:] == (256, 256, 3)
  manifest = records.load_manifest(f'{places["records_dir"]}/clip')
  assert manifest.settings['fps'] == 15 and manifest.num_inputs == 45
  options = runs.load_options(run)
  assert options.networks.image_size_px == 16 and options.data.crop_px == 140
  assert options.health.on_collapse == 'rollback' and options.training.transfer == 'freeze_d'
  assert (run / f'ckpt-{gallery.load(run).step}.index').is_file()
  with caplog.at_level('INFO'):
    assert avatar.make_avatar(**places) == made
  assert 'clip is there already, made from the same pictures' in caplog.text and 'is done already' in caplog.text
  assert [path.name for path in run.parent.iterdir()] == [run.name]


@pytest.mark.slow
def test_another_video_of_the_same_name_is_refused_until_it_may_replace_the_set(places, tmp_path):
  demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 15.0, 1, 256)
  conftest.make_set(tmp_path / 'clip', 5)
  other = places | dict(paths=[str(tmp_path / 'clip.mp4')], records_dir=str(tmp_path), checkpoints_dir=str(tmp_path))
  with pytest.raises(errors.InputError, match='clip` is a set of records already. Choose another --name, or give --ov'):
    avatar.make_avatar(**other)
  assert avatar.make_avatar(**other, overwrite=True).parent.name == '00000-clip16-from-drawn16-avatar'
  assert records.load_manifest(f'{tmp_path}/clip').num_inputs == 15
