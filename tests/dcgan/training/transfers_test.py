"""Tests of dcgan.training.transfers."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.model import weights
from dcgan.options import presets
from dcgan.options import recipes
from dcgan.training import session
from dcgan.training import adversarial
from dcgan.training import trained_networks
from dcgan.training import transfers
from tests.dcgan.training import checkpoints_test
from tests.dcgan.training import run_contents
from tests.dcgan.training import adversarial_test

def test_transfer_takes_the_weights_and_starts_the_count_anew(tiny_config, tmp_path, finished_run):
  few = tiny_config.replace('training', num_minibatches=1, learning_rate=1e-9, seed=9, transfer='full').replace(
      'data', minibatches='overlapping')
  result = session.start(few, tmp_path, init_from=str(finished_run))
  assert result.run.name == '00000-drawn8-from-drawn8-try' and result.global_step == 1
  left, right = run_contents.variables(finished_run), run_contents.variables(result.run)
  for network in ('generator', 'discriminator'):
    key = f'{network}/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE'
    np.testing.assert_allclose(left[key], right[key], atol=1e-6)
  log = (result.run / 'log.txt').read_text(encoding='utf-8')
  assert 'Took 18 of 18 variables from' in log and 'ckpt-4 at minibatch 4, with fresh optimizers.' in log


@pytest.mark.slow
def test_transfer_from_another_crop_warns(tiny_config, tmp_path, finished_run, caplog):
  other = tiny_config.replace('data', crop=140).replace('training', num_minibatches=1)
  session.start(other, tmp_path, init_from=str(finished_run))
  assert 'was trained with --crop=108 and this run has --crop=140' in caplog.text


@pytest.mark.slow
def test_transfer_from_a_named_checkpoint_and_to_other_networks(tiny_config, tmp_path, finished_run):
  other = tiny_config.replace('networks', kernel_size=4).replace('training', num_minibatches=1)
  result = session.start(other, tmp_path, init_from=str(finished_run / 'ckpt-2'))
  log = (result.run / 'log.txt').read_text(encoding='utf-8')
  assert ('Took 15 of 18 variables from' in log and 'ckpt-2 at minibatch 2, with fresh optimizers; left at their '
          'start: generator/8x8_rgb, generator_ema/8x8_rgb, discriminator/4x4_conv.' in log)


@pytest.mark.parametrize('source', ['nowhere', 'donor/ckpt-99'])
def test_transfer_from_nowhere_names_the_source_and_leaves_no_run(tiny_config, tmp_path, source):
  with pytest.raises(errors.InputError, match=rf'`init_from` \({source}\): no such run, checkpoint or file'):
    session.start(tiny_config, tmp_path / 'checkpoints', init_from=source)
  assert not (tmp_path / 'checkpoints').exists()


def test_transfer_from_networks_of_which_nothing_fits_is_refused(tiny_config, tmp_path, finished_run):
  other = tiny_config.replace('networks', channels=5, z_dims=3, image_size=16, kernel_size=4)
  with pytest.raises(errors.InputError, match=r'none of its layers fits'):
    session.start(other, tmp_path / 'checkpoints', init_from=str(finished_run))
  assert not (tmp_path / 'checkpoints').exists()


def test_transfer_from_a_damaged_checkpoint_names_it(tiny_config, tmp_path, run_copy):
  checkpoints_test.flip(run_copy / f'ckpt-4.{checkpoints_test.DATA}')
  with pytest.raises(errors.InputError, match=r'ckpt-4: cannot be restored'):
    session.start(tiny_config, tmp_path / 'checkpoints', init_from=str(run_copy))
  assert not (tmp_path / 'checkpoints').exists()


@pytest.fixture(name='model_file', scope='module')
def fixture_model_file(finished_run, tmp_path_factory):
  """Path of the finished run's weights as a file."""
  path = tmp_path_factory.mktemp('models') / 'many8.safetensors'
  weights.save(path, trained_networks.load_model(finished_run))
  return path


def make(options):
  return adversarial.AdversarialLearner(options, tf.distribute.get_strategy())


def manifest_of(options, **changes):
  return dataclasses.replace(manifests.load(options.data.records), **changes)


def test_a_file_lends_what_its_run_would_but_for_the_rounding(tiny_config, finished_run, model_file):
  from_run, from_file = make(tiny_config), make(tiny_config)
  for source, taker in ((finished_run, from_run), (model_file, from_file)):
    transfers.transfer(transfers.load_donor(str(source)), taker, manifest_of(tiny_config))
  for network in weights.NETWORKS:
    left, right = (weights.values_of(getattr(taker, network)) for taker in (from_run, from_file))
    for name, value in left.items():
      np.testing.assert_allclose(right[name], value, rtol=1e-3, atol=1e-6)
  assert transfers.load_donor(str(model_file)).name == 'many8'


def test_a_run_from_a_file_bears_its_name_and_keeps_the_report(tiny_config, tmp_path, model_file):
  few = tiny_config.replace('training', num_minibatches=1, transfer='full')
  run = session.start(few, tmp_path, init_from=str(model_file)).run
  assert run.name == '00000-drawn8-from-many8'
  report = json.loads((run / 'transfer.json').read_text(encoding='utf-8'))
  assert report['source'] == str(model_file) and report['step'] == 4 and report['transfer'] == 'full'
  assert len(report['taken']) == 18 and 'generator/4x4_dense/kernel' in report['taken']
  assert report['frozen'] == report['left'] == []


@pytest.mark.parametrize('name, path', transfers.SHIPPED_PATHS.items())
def test_shipped_models_are_whole_and_their_cards_tell_of_them(name, path):
  donor = transfers.load_donor(name)
  assert donor.name == path.stem
  assert transfers.load_donor(str(path.parent)).path == donor.path  # its folder is as good a name
  for values in donor.model.values.values():
    assert all(np.isfinite(value).all() for value in values.values())
  content = path.read_bytes()
  assert len(content) < 32 * 2**20
  told = json.loads(path.with_suffix('.json').read_text(encoding='utf-8'))
  assert told['sha256'] == hashlib.sha256(content).hexdigest() and told['step'] == donor.model.step
  assert told['sha256'] in path.with_name('MODEL_CARD.md').read_text(encoding='utf-8')


def test_the_universal_face_model_fits_both_presets_and_has_an_encoder():
  donor = transfers.load_donor('ufm')
  assert set(donor.model.values) == {*weights.NETWORKS, weights.ENCODER}
  for preset in ('ufm', 'person'):
    options = presets.PRESETS[preset]
    assert dataclasses.replace(options.networks, image_size=128) == donor.model.options.networks
    assert options.data.crop == donor.model.options.data.crop


def test_without_the_shipped_model_it_is_told_where_to_get_it(monkeypatch, tmp_path):
  monkeypatch.setitem(transfers.SHIPPED_PATHS, 'ufm', tmp_path / 'ufm128.safetensors')
  with pytest.raises(errors.InputError, match=r'`init_from` \(ufm\): .*ufm128.safetensors is not there'):
    transfers.load_donor('ufm')


def test_another_resolution_lends_the_layers_that_fit(tiny_config):
  larger, smaller = (tiny_config.replace('networks', image_size=size) for size in (128, 64))
  report = transfers.transfer(donor_of(smaller), make(larger), manifest_of(tiny_config))
  left = {name.partition(' (')[0].rpartition('/')[0].replace('_ema', '') for name in report.left}
  assert left == {'generator/128x128_rgb', 'generator/64x64_conv_transpose', 'generator/64x64_norm',
                  'discriminator/64x64_conv', 'discriminator/32x32_conv', 'discriminator/32x32_norm'}
  assert {'generator/4x4_dense/kernel', 'generator/32x32_conv_transpose/kernel', 'discriminator/16x16_conv/kernel',
          'discriminator/logits/kernel'} <= set(report.taken)
  assert ('left at their start: generator/64x64_conv_transpose, generator/64x64_norm, generator/128x128_rgb, '
          in report.text)


def donor_of(options):
  taught = make(options)
  values = {network: weights.values_of(getattr(taught, network)) for network in weights.NETWORKS}
  return transfers.Donor('other', 'other.safetensors', weights.Model(options, 7, values))


def test_of_other_networks_the_layers_that_differ_are_named_with_both_shapes(tiny_config):
  wider = tiny_config.replace('networks', channels=6)
  with pytest.raises(errors.InputError, match=(
      r'`init_from` \(other.safetensors\): none of its layers fits these networks: generator/4x4_dense \(4×64 here, '
      r'4×96 there\).*Use what it has: --channels=6 --image_size=8 --kernel_size=3 --z_dims=4\.')):
    transfers.transfer(donor_of(wider), make(tiny_config), manifest_of(tiny_config))


@pytest.mark.parametrize('theirs, ours, flags', [
    ('eyes', 'off', r"--photos='my own' --name=drawn_aligned"),
    ('off', 'eyes', r"--photos='my own' --align=off --name=drawn_unaligned")])
def test_a_model_of_faces_that_are_aligned_otherwise_is_refused_with_the_command(tiny_config, theirs, ours, flags):
  donor = donor_of(tiny_config.replace('data', align=theirs))
  options = tiny_config.replace('data', align=ours)
  with pytest.raises(errors.InputError, match=(
      rf'was trained on faces with --align={theirs}, but .*drawn was made with --align={ours}.*'
      rf'python -m tools.make_records {flags}`')):
    transfers.transfer(donor, make(options), manifest_of(options, settings={'source': ['my own']}))


def test_what_the_model_does_not_lend_is_never_kept_as_it_is(tiny_config):
  larger, smaller = (tiny_config.replace('networks', image_size=size) for size in (128, 64))
  donor, larger = donor_of(smaller), larger.replace('training', transfer='freeze_d')
  with pytest.raises(errors.InputError, match=(
      r'`transfer` \(freeze_d\) keeps .*discriminator/64x64_conv.* as they are, but .* has none that fit. Use '
      '--transfer=full')):
    transfers.transfer(donor, make(larger), manifest_of(tiny_config))
  assert transfers.choose(donor, larger, manifest_of(tiny_config)) == 'full'


def test_what_is_learnt_is_chosen_by_the_pictures_that_are_trained_on(tiny_config):
  donor = donor_of(tiny_config)
  for num_images in (13, 33, 35, 200):
    trained_on = num_images - round(0.1 * num_images)
    assert transfers.choose(donor, tiny_config.replace('data', holdout_fraction=0.1), manifest_of(
        tiny_config, num_images=num_images)) == presets.choose_transfer(trained_on)


def test_freezing_d_leaves_its_lower_half_as_it_was_to_the_bit(tiny_config, tmp_path):
  options = tiny_config.replace('networks', image_size=32, discriminator_norm='spectral').replace(
      'training', transfer='freeze_d', num_minibatches=2)
  frozen = make(options)
  names = [variable.name for variable in frozen.frozen]
  assert {name.split('/')[0] for name in names} == {'16x16_conv'}  # one of three: 16×16, 8×8 and 4×4
  before = weights.values_of(frozen.discriminator)
  adversarial_test.run(frozen, 2)
  after = weights.values_of(frozen.discriminator)
  for name, value in before.items():
    assert (after[name] == value).all() == name.startswith('16x16_conv'), name
  report = transfers.transfer(donor_of(options), frozen, manifest_of(tiny_config))
  assert 'frozen by --transfer=freeze_d: discriminator/16x16_conv' in report.text


def test_a_run_from_nothing_learns_everything(tiny_config, tmp_path):
  with pytest.raises(errors.InputError, match=(
      r'`transfer` \(freeze_d\) needs a model to start from. Use --init_from=ufm')):
    session.start(tiny_config.replace('training', transfer='freeze_d'), tmp_path / 'checkpoints')
  assert not list(tmp_path.iterdir())


def test_a_run_with_a_frozen_half_looks_after_its_health_and_rolls_back(tiny_config, tmp_path):
  options = tiny_config.replace('networks', image_size=16, discriminator_norm='spectral').replace(
      'data', holdout_fraction=0.5).replace('periods', health_every_steps=1)
  donor = session.start(options.replace('training', num_minibatches=1), tmp_path / 'donor').run
  options = options.replace('training', transfer='freeze_d', num_minibatches=4)
  run = session.start(options, tmp_path, init_from=str(donor)).run
  looks = [line for line in run_contents.stats(run) if 'health/memorised' in line]
  assert [line['global_step'] for line in looks] == [1, 2, 3, 4]
  _, change = recipes.next_recipe(options, has_diverged=False)
  assert change == 'stronger augmentation'
