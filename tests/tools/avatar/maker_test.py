"""Tests of the whole way to an avatar, on a drawn clip and a tiny model to start from; and of its clock."""

import time

import imageio.v3 as iio
import pytest

from dcgan.common import errors
from dcgan.data import records
from dcgan.model import gallery
from dcgan.options import config
from dcgan.training import runs
from dcgan.training import session
from tests.dcgan import conftest
from tools.avatar import maker
from tools.demo import clip as demo_clip


@pytest.mark.parametrize('secs, fps', [(34, 8.82), (7, 15), (30, 10), (300, 1), (6000, 0.05), (1, 15)])
def test_about_three_hundred_frames_are_taken_of_a_video(secs, fps):
  assert maker.frames_per_sec(secs) == fps


def test_the_deadline_ends_training_when_its_time_is_over_and_not_before(caplog):
  deadline = maker.Deadline(minutes=0.2 / 60, every_steps=20)
  assert deadline.every_steps == 20 and deadline(20) is None
  time.sleep(0.25)
  with caplog.at_level('INFO'):
    assert deadline(40).action == 'enough'
  assert 'over at minibatch 40' in caplog.text
  assert deadline(60, is_last=True) is None  # it ends anyway


def test_the_preview_is_drawn_when_it_is_due_and_told_of_once(tmp_path, caplog):
  drawn = []
  preview = maker.Preview(tmp_path / 'preview.png', drawn.append, secs=0.2)
  with caplog.at_level('INFO'):
    preview(5)
    assert not drawn
    time.sleep(0.25)
    preview(10)
    preview(15)  # anew only after a while
    preview(20, is_last=True)
  assert drawn == [tmp_path / 'preview.png'] * 2
  message, = caplog.messages
  assert message.startswith(f'Preview: {tmp_path}/preview.png shows') and 'at minibatch 10' in message


def test_a_model_that_is_not_there_is_told_of_before_any_picture_is_read(tmp_path):
  with pytest.raises(errors.InputError, match=r'`init_from` \(nowhere\): no such run'):
    maker.make_avatar('photos', [str(tmp_path)], init_from='nowhere', records_dir=str(tmp_path / 'records'))
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('num_faces, told', [(1, 'Only 1 face of one person: it will show that one expression'),
                                             (9, 'Only 9 faces of one person: it will show those expressions')])
def test_few_faces_are_told_of_and_none_is_held_out(tmp_path, caplog, num_faces, told):
  conftest.make_set(tmp_path / 'few', num_faces)
  with caplog.at_level('WARNING'):
    prefix = maker._checked(str(tmp_path / 'few'))  # pylint: disable=protected-access
  assert told in caplog.text
  options = maker._options(prefix, config.Config(), 64)  # pylint: disable=protected-access
  assert options.data.holdout_fraction == 0.0 and options.training.learner == 'places'


def test_the_flags_of_a_run_can_be_loaded_whatever_model_it_starts_from(tmp_path):
  conftest.make_set(tmp_path / 'few', 3)
  donor = config.Config(networks=config.Networks(z_map=True, z_dims=7, kernel_size=4))
  options = maker._options(str(tmp_path / 'few'), donor, 64)  # pylint: disable=protected-access
  (tmp_path / 'flags.txt').write_text(maker._flags(options, 'a'), encoding='utf-8')  # pylint: disable=protected-access
  loaded = conftest.load_flags(tmp_path / 'flags.txt')
  assert [loaded[name] for name in ('init_from', 'note', 'z_dims', 'kernel_size', 'crop', 'best_by')] == [
      'a', 'avatar', 7, 4, 108, 'none']


def test_a_set_without_a_face_is_refused_before_training(tmp_path):
  records.save_manifest(tmp_path / 'none', records.Manifest('photos', 0, 2, (), (), {}))
  with pytest.raises(errors.InputError, match=r'none: no face in any picture. Take pictures'):
    maker._checked(str(tmp_path / 'none'))  # pylint: disable=protected-access


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
  return dict(kind='video', paths=[str(folder / 'clip.mp4')], init_from=str(model), minutes=0.1,
              records_dir=str(folder / 'records'), checkpoints_dir=str(folder / 'runs'))


@pytest.mark.slow
def test_a_video_becomes_an_animation_and_the_same_command_again_makes_nothing_new(places, caplog):
  made = maker.make_avatar(**places)
  run, = (path for path in made.parents if path.name == '00000-clip16-from-drawn16-avatar')
  # A GIF holds frames that do not differ once.
  assert made == run / 'avatar.gif' and iio.imread(made).shape[1:] == (256, 256, 3)
  manifest = records.load_manifest(f'{places["records_dir"]}/clip')
  assert manifest.settings['fps'] == 15 and manifest.num_inputs == 45
  options = runs.load_options(run)
  assert options.networks.image_size == 16 and options.data.crop == 140
  assert options.health.on_collapse == 'rollback' and options.training.transfer == 'full'
  assert options.training.learner == 'places' and (run / 'preview.png').is_file()
  assert (run / f'ckpt-{gallery.load(run).step}.index').is_file()
  with caplog.at_level('INFO'):
    assert maker.make_avatar(**places) == made
  assert 'clip is there already, made from the same pictures' in caplog.text and 'is done already' in caplog.text
  assert [path.name for path in run.parent.iterdir()] == [run.name]


@pytest.mark.slow
def test_another_video_of_the_same_name_is_refused_until_it_may_replace_the_set(places, tmp_path):
  demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 15.0, 1, 256)
  conftest.make_set(tmp_path / 'clip', 5)
  other = places | dict(paths=[str(tmp_path / 'clip.mp4')], records_dir=str(tmp_path), checkpoints_dir=str(tmp_path))
  with pytest.raises(errors.InputError, match='clip` is a set of records already. Choose another --name, or give --ov'):
    maker.make_avatar(**other)
  assert maker.make_avatar(**other, overwrite=True).parent.name == '00000-clip16-from-drawn16-avatar'
  assert records.load_manifest(f'{tmp_path}/clip').num_inputs == 15
