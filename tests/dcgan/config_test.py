"""Tests of dcgan.config."""

import pytest

from dcgan import config
from dcgan import errors


def test_options_survive_json():
  options = config.Config(networks=config.Networks(image_size_px=32), data=config.Data(overlap_fraction=0.25),
                          training=config.Training(seed=7), periods=config.Periods(log_every_steps=3))
  assert config.from_json(options.to_json()) == options


def test_the_defaults_are_the_reports():
  options = config.Config().validate()
  assert (options.networks.image_size_px, options.networks.z_dims, options.networks.kernel_size_px) == (64, 100, 5)
  assert (options.training.learning_rate, options.training.beta1, options.data.global_batch_size) == (2e-4, 0.5, 64)


@pytest.mark.parametrize('group, changes, message', [
    ('networks', {'image_size_px': 48}, r'`image_size` \(48\) must be a power of two'),
    ('networks', {'channels': 0}, r'`channels` \(0\) must be 1 or more'),
    ('data', {'minibatches': 'sorted'}, r'`minibatches` \(sorted\) must be one of shuffled, overlapping'),
    ('data', {'overlap_fraction': 1.0}, r'`overlap` \(1.0\) must be 0 or more and under 1'),
    ('data', {'crop_px': 200}, r'`crop` \(200\) must lie between 16 and 178'),
    ('data', {'global_batch_size': 1}, r'`global_batch_size` \(1\) must be 2 or more'),
    ('training', {'learning_rate': 0.0}, r'`learning_rate` \(0.0\) must lie between 0 and 1'),
    ('training', {'beta1': 1.5}, r'`beta1` \(1.5\) must be 0 or more and under 1'),
    ('training', {'num_minibatches': 0}, r'`num_minibatches` \(0\) must be 1 or more'),
    ('training', {'precision': 'int8'}, r'`precision` \(int8\) must be one of float32, bfloat16'),
    ('training', {'seed': -1}, r'`seed` \(-1\) must be 0 or more'),
    ('training', {'ema_half_life_images': 0}, r'`ema_half_life_images` \(0\) must be 1 or more'),
    ('periods', {'log_every_steps': 0}, r'`log_every_steps` \(0\) must be 1 or more'),
])
def test_a_wrong_value_is_named_with_its_rule(replace, group, changes, message):
  with pytest.raises(errors.InputError, match=message):
    replace(config.Config(), group, **changes).validate()


@pytest.mark.parametrize('text', ['', '[]', '{"networks": {}}', '{"networks": {"depth": 3}, "data": {}}',
                                  '{"networks": {}, "data": {}, "training": [], "periods": {}}'])
def test_text_that_is_not_options_is_refused(text):
  with pytest.raises(errors.InputError, match='not the options of a run'):
    config.from_json(text)
