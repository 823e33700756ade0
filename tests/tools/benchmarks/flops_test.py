"""Tests of counting a step's arithmetic, against numbers worked by hand."""

import pytest

from dcgan.model import networks
from dcgan.options import config
from tools.benchmarks import flops


def _of_a_step(**options):
  options = config.Networks(**options)
  return flops.of_a_step(networks.build_generator(options, 'float32'),
                         networks.build_discriminator(options, 'float32'))


def test_a_tiny_step_has_the_operations_that_were_worked_by_hand():
  # G: 4 → 32 dense; 4×4 places of 2 channels, each spread over 3×3 taps of 3. D: 4×4 places, 3×3 taps of 3, 2
  # filters; 32 → 1 dense.
  dense, rgb = 2 * 4 * 32, 2 * (4 * 4) * (3 * 3) * 2 * 3
  conv, logits = 2 * (4 * 4) * (3 * 3) * 3 * 2, 2 * 32
  generator = 2 * dense + 3 * rgb  # forward and weights; and inputs
  discriminator = 2 * conv + 3 * logits
  for_generator = 2 * conv + 2 * logits
  assert generator + 2 * discriminator + for_generator == 16_576
  assert _of_a_step(image_size=8, z_dims=4, channels=2, kernel_size=3) == 16_576


def test_a_layer_between_others_counts_in_all_four_passes():
  # 8×8 px twice: G gets 4×4 places with 4 → 2 channels, D as many with 2 → 4.
  small = _of_a_step(image_size=8, z_dims=4, channels=4, kernel_size=3)
  large = _of_a_step(image_size=16, z_dims=4, channels=2, kernel_size=3)
  between = 2 * (4 * 4) * (3 * 3) * 2 * 4
  at_the_picture = 2 * (3 * 3) * 3 * (8 * 8 * 2 - 4 * 4 * 4)  # more places, fewer channels
  assert large - small == (3 + 6 + 2) * between + (3 + 4 + 2) * at_the_picture


def test_the_reports_step_is_nearly_eleven_times_its_middle_layers():
  # Between 4×4 and 32×32 px the three layers have the same: half the channels on both sides at four times the places.
  middle = 3 * 2 * (4 * 4) * (5 * 5) * 512 * 256
  assert _of_a_step(image_size=64) == pytest.approx(11 * middle, rel=0.03)
