"""Tests of dcgan.options.versions."""

import json

import pytest

from dcgan.common import errors
from dcgan.options import config
from dcgan.options import versions

# What runs held before options had a number: those of the model that comes with the project, some of them changed.
OLD = '''{
  "networks": {"image_size_px": 32, "z_dims": 100, "channels": 64, "kernel_size_px": 4, "discriminator_norm": "spectral",
               "minibatch_features": "none", "z_map": false},
  "data": {"records": "records/faces", "records_digest": "40be", "crop_px": 140, "minibatches": "shuffled",
           "overlap_fraction": 0.25, "global_batch_size": 64, "holdout_fraction": 0.02, "align": "eyes"},
  "training": {"num_minibatches": 20000, "learning_rate": 0.0002, "beta1": 0.5, "loss": "nonsaturating",
               "ema_half_life_images": 10000, "precision": "float32", "xla": false, "seed": 0, "transfer": "full"},
  "augmentation": {"policies": ["flip", "cutout"], "mode": "adaptive", "probability": 0.75, "target": 0.5,
                   "ramp_images": 500},
  "regularization": {"label_smoothing": 0.0, "instance_noise": 0.0, "instance_noise_images": 20000, "r1_gamma": 0.0,
                     "r1_every_steps": 16},
  "periods": {"log_every_steps": 10, "samples_every_steps": 200, "checkpoint_every_steps": 250,
              "keep_every_steps": 250, "health_every_steps": 50, "best_by": "sliced_wasserstein"},
  "health": {"on_collapse": "rollback", "max_rollbacks": 3, "stop_when": "end"}
}'''


def test_options_from_before_versions_are_read_under_the_names_of_today():
  options = config.from_json(OLD)
  assert (options.networks.image_size, options.networks.kernel_size, options.data.crop, options.data.overlap) == (
      32, 4, 140, 0.25)
  assert options.augmentation == config.Augmentation(('flip', 'cutout'), 'adaptive', 0.75, 0.5, 500)
  assert options.places == config.Places() and options.training.learner == 'adversarial'  # from before both
  assert config.from_json(options.to_json()) == options
  assert json.loads(options.to_json())['version'] == versions.VERSION


def test_what_is_given_stays_as_it_is():
  given = json.loads(OLD)
  versions.upgrade(given)
  assert given == json.loads(OLD)


def test_options_of_a_later_version_are_refused_with_the_way_out():
  later = json.loads(config.Config().to_json()) | {'version': versions.VERSION + 1}
  with pytest.raises(errors.InputError, match=r'`version` \(3\) of the options must be 2 or less, as this'):
    config.from_json(json.dumps(later))


@pytest.mark.parametrize('version', ['two', None, [2]])
def test_a_version_that_is_no_number_is_refused(version):
  with pytest.raises(errors.InputError, match='not the options of a run'):
    config.from_json(json.dumps(json.loads(config.Config().to_json()) | {'version': version}))


def test_names_of_before_are_unknown_in_options_of_today():
  with pytest.raises(errors.InputError, match='not the options of a run .*crop_px'):
    config.from_json(json.dumps(json.loads(OLD) | {'version': versions.VERSION, 'places': {}, 'networks': {}}))


def test_options_that_were_dropped_are_left_out():
  upgraded = versions.upgrade(json.loads(OLD))
  assert 'loss' not in upgraded['training'] and 'label_smoothing' not in upgraded['regularization']
  assert versions.lost(json.loads(OLD)) == []


@pytest.mark.parametrize('group, name, value', [
    ('training', 'loss', 'hinge'), ('training', 'transfer', 'bn_only'), ('regularization', 'label_smoothing', 0.1),
    ('networks', 'minibatch_features', 'stddev')])
def test_what_cannot_be_done_any_more_is_readable_and_told(group, name, value):
  old = json.loads(OLD)
  old[group][name] = value
  assert versions.lost(old) == [(name, value)]
  options = config.from_json(json.dumps(old))
  assert options.training.transfer == 'full' and options.networks.image_size == 32
  assert versions.lost(json.loads(options.to_json())) == []
