"""Tests of runs before they are trained: the report's options."""

import pytest

from dcgan.common import errors
from dcgan.options import config
from tools.experiments import variants


def test_a_variant_has_the_parameters_of_the_report_and_is_only_warned():
  variant = variants.make_variant('records/a', variants.Scale(700), 3, 9, 'overlapping')
  options = variant.options
  assert variant.name == 'batch9-overlapping-seed3'
  assert (options.training.learning_rate, options.training.beta1) == (2e-4, 0.5)
  assert (options.networks.channels, options.networks.image_size, options.data.crop) == (64, 64, 108)
  assert (options.data.global_batch_size, options.data.minibatches, options.training.seed) == (9, 'overlapping', 3)
  assert (options.training.num_minibatches, options.training.ema_half_life_images) == (700, 0)
  assert options.augmentation == config.Augmentation() and options.regularization == config.Regularization()
  assert options.health.on_collapse == 'warn'


def test_a_short_run_is_shown_ten_times_and_a_long_one_as_any_other():
  periods = lambda num_minibatches: variants.make_variant(
      'records/a', variants.Scale(num_minibatches), 0).options.periods
  assert [periods(number).samples_every_steps for number in (3, 40, 5000)] == [1, 4, 100]
  # The rules of health count looks that are so far apart.
  assert periods(40).health_every_steps == config.Periods().health_every_steps


@pytest.mark.parametrize('scale, size, message', [
    (variants.Scale(0), 64, r'`num_minibatches` \(0\)'), (variants.Scale(9, channels=0), 64, r'`channels` \(0\)'),
    (variants.Scale(9, image_size_px=50), 64, r'`image_size` \(50\)'),
    (variants.Scale(9), 0, r'`global_batch_size` \(0\)')])
def test_an_option_out_of_range_is_named(scale, size, message):
  with pytest.raises(errors.InputError, match=message):
    variants.make_variant('records/a', scale, 0, size)
