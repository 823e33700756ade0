"""Tests of dcgan.options.config."""

import json
import re

import pytest

from dcgan.common import errors
from dcgan.options import config


# Every option away from its default, but for `best_by`: where nothing is measured, `stop_when` has no best.
CHANGED = config.Config(
    networks=config.Networks(image_size=32, z_dims=5, channels=7, kernel_size=4, discriminator_norm='spectral',
                             detail_gain=2.0, z_map=True),
    data=config.Data(records='records/adele', records_digest='ab12', crop=140, minibatches='overlapping',
                     overlap=0.25, global_batch_size=6, holdout_fraction=0.1, align='off'),
    training=config.Training(num_minibatches=9, learning_rate=1e-3, beta1=0.0, beta2=0.9,
                             ema_half_life_images=0, precision='bfloat16', xla=True, seed=7, transfer='freeze_d',
                             learner='places'),
    places=config.Places(places_start='looks', encoder=True, places_rate=0.2, settle_visits=4,
                         controls_weight=1.5, places_noise=0.0, between_fraction=0.25, pixels_weight=1.0,
                         edges_weight=0.5, features_weight=3.0, adversarial_weight=0.1, alone_visits=3, visits=10, first_images=50),
    augmentation=config.Augmentation(augment=('flip', 'cutout'), augment_mode='adaptive', augment_probability=0.25,
                                     augment_target=0.5, augment_ramp_images=500),
    regularization=config.Regularization(r1_gamma=0.05, r1_every_steps=4),
    periods=config.Periods(log_every_steps=3, samples_every_steps=4, checkpoint_every_steps=5, keep_every_steps=10,
                           health_every_steps=6),
    health=config.Health(on_collapse='stop', max_rollbacks=7, stop_when='best+40'))


def test_options_survive_json():
  back = config.from_json(CHANGED.to_json())
  assert back == CHANGED and isinstance(back.augmentation.augment, tuple)
  for options in (config.Config(), config.Config().replace('periods', best_by='none')):
    assert config.from_json(options.to_json()) == options


def test_differences_name_each_option_that_is_not_the_same():
  assert config.differences(CHANGED, CHANGED) == []
  other = CHANGED.replace('networks', image_size=64).replace('augmentation', augment=())
  assert config.differences(CHANGED, other) == [('image_size', 32, 64), ('augment', ('flip', 'cutout'), ())]
  changed = CHANGED.replace('periods', best_by='none')
  assert [name for name, _, _ in config.differences(changed, config.Config())] == list(config.OPTIONS)


def test_each_option_is_known_by_one_name_and_tells_its_help_and_where_it_stands():
  groups = json.loads(config.Config().to_json())
  del groups['version']
  assert [(option.group, name) for name, option in config.OPTIONS.items()] == [
      (group, name) for group, options in groups.items() for name in options]
  for name, option in config.OPTIONS.items():
    assert option.help.endswith('.') and '{' not in option.help, name
    assert getattr(getattr(config.Config(), option.group), name) == option.default


def test_replace_changes_one_group_and_leaves_the_options_alone():
  options = config.Config()
  changed = options.replace('training', seed=3, beta1=0.25)
  assert (changed.training.seed, changed.training.beta1, changed.data) == (3, 0.25, options.data)
  assert options == config.Config()


def test_the_defaults_are_the_reports():
  options = config.Config().validate()
  assert (options.networks.image_size, options.networks.z_dims, options.networks.kernel_size) == (64, 100, 5)
  assert (options.training.learning_rate, options.training.beta1, options.data.global_batch_size) == (2e-4, 0.5, 64)


@pytest.mark.parametrize('group, changes, message', [
    ('networks', {'image_size': 48}, r'`image_size` \(48\) must be a power of two'),
    ('networks', {'channels': 0}, r'`channels` \(0\) must be 1 or more'),
    ('data', {'minibatches': 'sorted'}, r'`minibatches` \(sorted\) must be one of shuffled, overlapping'),
    ('data', {'overlap': 1.0}, r'`overlap` \(1.0\) must be 0 or more and under 1'),
    ('data', {'crop': 200}, r'`crop` \(200\) must lie between 16 and 178'),
    ('data', {'global_batch_size': 0}, r'`global_batch_size` \(0\) must be 1 or more'),
    ('training', {'learner': 'magic'}, r'`learner` \(magic\) must be one of adversarial, places'),
    ('training', {'beta2': 1.0}, r'`beta2` \(1.0\) must be 0 or more and under 1. Use 0.999.'),
    ('places', {'places_rate': -1.0}, r'`places_rate` \(-1.0\) must be a number, 0 or more. Use 0.1.'),
    ('places', {'between_fraction': 1.5}, r'`between_fraction` \(1.5\) must lie between 0 and 1'),
    ('places', {'visits': 0}, r'`visits` \(0\) must be 1 or more'),
    ('places', {'first_images': 1}, r'`first_images` \(1\) must be 2 or more'),
    ('places', {'alone_visits': -1}, r'`alone_visits` \(-1\) must be 0 or more'),
    ('networks', {'kernel_size': 0}, r'`kernel_size` \(0\) must be 1 or more'),
    ('networks', {'discriminator_norm': 'layer'},
     r'`discriminator_norm` \(layer\) must be one of batch, spectral, none\. Use batch\.'),
    ('augmentation', {'augment': ('flip', 'blur')},
     r'`augment` \(blur\) must be one of colour, translation, cutout, flip\.'),
    ('augmentation', {'augment_mode': 'wild'}, r'`augment_mode` \(wild\) must be one of fixed, adaptive\.'),
    ('augmentation', {'augment_probability': 1.5}, r'`augment_probability` \(1.5\) must lie between 0 and 1'),
    ('augmentation', {'augment_probability': float('nan')}, r'`augment_probability` \(nan\) must lie between 0 and 1'),
    ('augmentation', {'augment_target': 1.0}, r'`augment_target` \(1.0\) must be over 0 and under 1'),
    ('augmentation', {'augment_ramp_images': 0}, r'`augment_ramp_images` \(0\) must be 1 or more'),
    ('regularization', {'r1_gamma': float('nan')}, r'`r1_gamma` \(nan\) must be a number, 0 or more'),
    ('regularization', {'r1_every_steps': 0}, r'`r1_every_steps` \(0\) must be 1 or more'),
    ('periods', {'keep_every_steps': -250}, r'`keep_every_steps` \(-250\) must be 0 or more'),
    ('periods', {'keep_every_steps': 600},
     r'`keep_every_steps` \(600\) must be a multiple of `checkpoint_every_steps` \(250\)\. Use 500\.'),
    ('periods', {'keep_every_steps': 100}, r'`keep_every_steps` \(100\) must be a multiple .* Use 250\.'),
    ('periods', {'best_by': 'eye'}, r'`best_by` \(eye\) must be one of sliced_wasserstein, none\.'),
    ('training', {'learning_rate': 0.0}, r'`learning_rate` \(0.0\) must be over 0 and under 1\. Use 0\.0002\.'),
    ('training', {'beta1': 1.5}, r'`beta1` \(1.5\) must be 0 or more and under 1'),
    ('training', {'num_minibatches': 0}, r'`num_minibatches` \(0\) must be 1 or more'),
    ('training', {'precision': 'int8'}, r'`precision` \(int8\) must be one of float32, bfloat16'),
    ('training', {'seed': -1}, r'`seed` \(-1\) must be 0 or more'),
    ('training', {'ema_half_life_images': -1}, r'`ema_half_life_images` \(-1\) must be 0 or more'),
    ('data', {'holdout_fraction': 1.0}, r'`holdout_fraction` \(1.0\) must be 0 or more and under 1\. Use 0\.1\.'),
    ('data', {'holdout_fraction': -0.1}, r'`holdout_fraction` \(-0.1\) must be 0 or more and under 1'),
    ('data', {'holdout_fraction': float('nan')}, r'`holdout_fraction` \(nan\) must be 0 or more and under 1'),
    ('periods', {'health_every_steps': 0}, r'`health_every_steps` \(0\) must be 1 or more'),
    ('health', {'on_collapse': 'pray'}, r'`on_collapse` \(pray\) must be one of warn, stop, rollback\. Use warn\.'),
    ('health', {'max_rollbacks': -1}, r'`max_rollbacks` \(-1\) must be 0 or more'),
    *[('health', {'stop_when': value}, rf'`stop_when` \({re.escape(value)}\) must be end, or best\+N with N '
       r'minibatches\. Use best\+1000\.')
      for value in ('best', 'best+', 'best+0', 'best+-5', 'best+1.5', '500', '', 'end ')],
    ('periods', {'log_every_steps': 0}, r'`log_every_steps` \(0\) must be 1 or more'),
])
def test_a_wrong_value_is_named_with_its_rule(group, changes, message):
  with pytest.raises(errors.InputError, match=message):
    config.Config().replace(group, **changes).validate()


@pytest.mark.parametrize('group, changes', [
    ('training', {'ema_half_life_images': 0}), ('augmentation', {'augment_probability': 0.0}),
    ('regularization', {'r1_gamma': 0.0}), ('periods', {'keep_every_steps': 0}),
    ('periods', {'keep_every_steps': 500}), ('data', {'global_batch_size': 1}), ('data', {'holdout_fraction': 0.0}),
    ('health', {'max_rollbacks': 0}), ('health', {'stop_when': 'best+1'})])
def test_values_at_the_edge_of_their_rule_are_taken(group, changes):
  options = config.Config().replace(group, **changes)
  assert options.validate() is options


@pytest.mark.parametrize('stop_when, patience', [('end', None), ('best+1', 1), ('best+1000', 1000)])
def test_patience_is_the_number_behind_best(stop_when, patience):
  assert config.Health(stop_when=stop_when).patience_steps == patience


def test_stopping_by_the_best_is_refused_where_nothing_is_measured():
  options = config.Config().replace('health', stop_when='best+500')
  with pytest.raises(errors.InputError, match=r'`stop_when` \(best\+500\) needs a measure of the best, but `best_by` '
                                              r'is none\. Use --best_by=sliced_wasserstein\.'):
    options.replace('periods', best_by='none').validate()
  assert options.validate() is options
  config.Config().replace('periods', best_by='none').validate()


def test_of_the_recipe_nothing_may_change_when_a_run_goes_on():
  assert {config.OPTIONS[name].group for name in config.FREE_ON_RESUME} == {'data', 'training', 'periods', 'health'}
  of_data_and_training = [name for name in config.FREE_ON_RESUME if config.OPTIONS[name].group in ('data', 'training')]
  assert of_data_and_training == ['records', 'num_minibatches']
  assert all(name in config.FREE_ON_RESUME for name, option in config.OPTIONS.items()
             if option.group in ('periods', 'health'))


@pytest.mark.parametrize('text', ['', '[]', '{"networks": {}}', '{"networks": {"depth": 3}, "data": {}}',
                                  '{"networks": {}, "data": {}, "training": [], "periods": {}}'])
def test_text_that_is_not_options_is_refused(text):
  with pytest.raises(errors.InputError, match='not the options of a run'):
    config.from_json(text)


@pytest.mark.parametrize('change', [
    lambda options: options.update(extra={}), lambda options: options.pop('augmentation'),
    lambda options: options['regularization'].update(gamma=1),
    lambda options: options['augmentation'].update(augment=3),
    lambda options: options['regularization'].update(r1_gamma='much')])
def test_options_of_another_program_are_refused(change):
  options = json.loads(CHANGED.to_json())
  change(options)
  with pytest.raises(errors.InputError, match='not the options of a run|must be a list of texts|must be a number'):
    config.from_json(json.dumps(options))


def test_a_wrong_value_in_a_file_is_named():
  options = json.loads(CHANGED.to_json())
  options['training']['learner'] = 'magic'
  with pytest.raises(errors.InputError, match=r'^`learner` \(magic\) must be one of'):
    config.from_json(json.dumps(options))
