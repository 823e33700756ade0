"""Tests of dcgan.options.presets."""

import dataclasses

import pytest

from dcgan.options import config
from dcgan.options import presets
from tests.dcgan import conftest
from tests.dcgan.options import config_test


@pytest.mark.parametrize('name', presets.PRESETS)
def test_each_preset_is_valid_and_leaves_the_set_and_the_machine_open(name):
  options = presets.PRESETS[name].validate()
  assert (options.data.records, options.data.records_digest) == ('', '')
  assert (options.training.precision, options.training.xla, options.training.seed) == ('float32', False, 0)


def test_report_is_the_reports():
  # From the report, experiment 1; Radford et al. 2016, section 3.
  options = presets.PRESETS['report']
  assert (options.networks.image_size, options.networks.z_dims, options.networks.kernel_size) == (64, 100, 5)
  assert options.networks.discriminator_norm == 'batch'
  assert (options.data.global_batch_size, options.data.crop, options.data.minibatches) == (64, 108, 'shuffled')
  assert (options.training.learning_rate, options.training.beta1) == (2e-4, 0.5)
  assert options.training.ema_half_life_images == 0
  assert options.augmentation.augment == ()
  assert options.regularization.r1_gamma == 0


@pytest.mark.parametrize('name', ['ufm', 'person'])
def test_what_came_after_the_report_is_in_the_other_presets(name):
  options = presets.PRESETS[name]
  assert options.networks.discriminator_norm == 'spectral'
  assert options.training.ema_half_life_images > 0


@pytest.mark.parametrize('name', presets.PRESETS)
def test_no_face_is_mirrored(name):
  assert 'flip' not in presets.PRESETS[name].augmentation.augment  # a person's face is not its mirror image


def test_runs_that_lend_each_other_weights_agree_in_crop_and_networks():
  # A person's run starts from one of many faces (WORKSPACE.md, "The aligned face").
  ufm, person = presets.PRESETS['ufm'], presets.PRESETS['person']
  assert dataclasses.replace(ufm.networks, image_size=128) == person.networks and ufm.data.crop == person.data.crop


@pytest.mark.parametrize('num_images, name', [(1, 'person'), (1999, 'person'), (2000, 'ufm'), (200_000, 'ufm')])
def test_photos_under_2000_are_one_persons_and_frames_of_a_video_always(num_images, name):
  assert presets.choose('photos', num_images) == presets.choose('celeba', num_images) == name
  assert presets.choose('video', num_images) == 'person'  # as six minutes at 6 fps: 2,160
  assert set(presets.CHOICES) <= set(presets.PRESETS)


def test_a_flagfile_has_what_differs_from_the_preset_as_flags_take_it():
  preset = presets.PRESETS['person']
  options = preset.replace('networks', z_map=True, channels=8).replace(
      'data', records='records/a', records_digest='ab', align='off').replace(
          'training', xla=True, learning_rate=5e-5).replace('augmentation', augment=('flip', 'cutout'))
  assert presets.flagfile('person', options, init_from='ufm', note=None).splitlines() == [
      '--preset=person', '--init_from=ufm', '--channels=8', '--records=records/a', '--learning_rate=5e-05', '--xla=on',
      '--augment=flip,cutout']
  assert presets.flagfile('person', preset) == '--preset=person\n'


@pytest.mark.parametrize('name', presets.PRESETS)
def test_the_flags_of_any_options_can_be_loaded(name, tmp_path):
  (tmp_path / 'flags.txt').write_text(presets.flagfile(name, config_test.CHANGED, note='a b'), encoding='utf-8')
  loaded = conftest.load_flags(tmp_path / 'flags.txt')
  assert (loaded['preset'], loaded['note']) == (name, 'a b')
  options = presets.PRESETS[name]
  for flag, value in loaded.items():
    option = config.OPTIONS.get(flag)
    if option and value not in (None, 'auto'):
      options = options.replace(option.group, **{flag: option.from_flag(value)})
  left = [name for name, _, _ in config.differences(options, config_test.CHANGED)]
  assert left == ['z_map', 'records_digest', 'align']


@pytest.mark.parametrize('name', ['ufm', 'person'])
def test_runs_of_today_are_judged_by_pictures_that_they_never_saw_and_go_back_by_themselves(name):
  options = presets.PRESETS[name]
  assert 0.0 < options.data.holdout_fraction <= 0.1
  assert (options.health.on_collapse, options.health.max_rollbacks > 0) == ('rollback', True)
  assert options.periods.health_every_steps <= options.periods.checkpoint_every_steps


def test_the_report_held_nothing_out_and_trained_on_whatever_came():
  options = presets.PRESETS['report']
  assert options.data.holdout_fraction == 0.0 and options.health == config.Health(on_collapse='warn', stop_when='end')


def test_presets_differ():
  made = list(presets.PRESETS.values())
  assert all(config.differences(left, right) for i, left in enumerate(made) for right in made[:i])


@pytest.mark.parametrize('num_images', [1, 10, 29, 30, 64, 99, 100, 144, 10_000])
def test_more_is_learnt_of_more_pictures(num_images):
  order = ('freeze_d', 'full')
  assert order.index(presets.choose_transfer(num_images)) <= order.index(presets.choose_transfer(num_images + 1))
  assert presets.choose_transfer(10) == 'freeze_d' and presets.choose_transfer(200) == 'full'
