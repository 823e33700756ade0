"""Tests of dcgan.health."""

import numpy as np
import pytest

from dcgan import health


def test_early_on_the_ratio_is_the_plain_mean():
  ratio = health.LossRatio()
  assert ratio.update([1.0, 4.0], [1.0, 2.0]) == pytest.approx(1.5)  # (1 + 2) / 2
  assert ratio.update([6.0], [1.0]) == pytest.approx(3.0)  # (1 + 2 + 6) / 3
  assert ratio.average == pytest.approx(3.0)


def test_later_it_forgets_with_a_decay_of_0_99():
  ratio = health.LossRatio()
  ratio.update(np.ones(500), np.ones(500))
  assert ratio.update([11.0], [1.0]) == pytest.approx(0.99 * 1 + 0.01 * 11)


def test_a_discriminator_without_loss_gives_a_finite_ratio():
  assert np.isfinite(health.LossRatio().update([5.0], [0.0]))


def test_pieces_give_what_the_whole_gives():
  losses = np.random.default_rng(0).uniform(0.1, 3, (2, 60))
  whole, pieces = health.LossRatio(), health.LossRatio()
  whole.update(*losses)
  for start in range(0, 60, 7):
    pieces.update(*losses[:, start:start + 7])
  assert pieces.average == pytest.approx(whole.average, rel=1e-6)
