"""Tests of dcgan.options.recipes."""

import dataclasses
import itertools

import pytest

from dcgan.options import config
from dcgan.options import presets
from dcgan.options import recipes

ADAPTIVE = presets.PRESETS['ufm'].replace('augmentation', augment=('colour',), augment_mode='adaptive',
                                          augment_probability=0.0)


def ladder(options, num, has_diverged=False):
  """Returns the words of so many changes in a row, and the options after them."""
  words = []
  for _ in range(num):
    options, change = recipes.next_recipe(options, has_diverged)
    words.append(change)
  return words, options.validate()


def test_from_the_reports_recipe_augmentation_comes_first_then_r1_then_half_the_rate_again_and_again():
  words, options = ladder(presets.PRESETS['report'], 4)
  assert words == ['stronger augmentation', 'an R1 penalty of 1', 'half the learning rate, 0.0001',
                   'half the learning rate, 5e-05']
  assert options.augmentation == config.Augmentation(augment=recipes.STRONG_POLICIES)
  assert options.regularization.r1_gamma == 1.0 and options.training.learning_rate == pytest.approx(5e-5)


def test_a_change_leaves_everything_else_alone():
  options = presets.PRESETS['report']
  assert [name for name, _, _ in config.differences(options, ladder(options, 1)[1])] == ['augment']
  assert [name for name, _, _ in config.differences(options, ladder(options, 4)[1])] == [
      'learning_rate', 'augment', 'r1_gamma']


def test_a_recipe_with_strong_augmentation_goes_on_with_r1():
  strong = config.Augmentation(augment=recipes.STRONG_POLICIES, augment_probability=recipes.STRONG_PROBABILITY)
  words, options = ladder(dataclasses.replace(presets.PRESETS['person'], augmentation=strong), 2)
  assert words[0] == 'an R1 penalty of 1' and words[1].startswith('half the learning rate')
  assert options.augmentation == strong


def test_augmentation_that_follows_d_becomes_fixed_and_strong():
  words, options = ladder(ADAPTIVE, 1)
  assert words == ['stronger augmentation'] and options.augmentation.augment_mode == 'fixed'
  assert options.augmentation.augment_probability == recipes.STRONG_PROBABILITY


@pytest.mark.parametrize('at_last, probability', [(0.0, recipes.STRONG_PROBABILITY), (0.95, 0.95)])
def test_augmentation_that_was_adaptive_is_at_least_as_probable_as_it_was_at_last(at_last, probability):
  options, _ = recipes.next_recipe(ADAPTIVE, False, at_last)
  assert options.validate().augmentation.augment_probability == probability


@pytest.mark.parametrize('name', presets.PRESETS)
def test_where_numbers_ran_away_only_the_rate_is_halved(name):
  options = presets.PRESETS[name]
  words, changed = ladder(options, 3, has_diverged=True)
  assert [word.split(',')[0] for word in words] == ['half the learning rate'] * 3
  assert [difference[0] for difference in config.differences(options, changed)] == ['learning_rate']
  assert changed.training.learning_rate == pytest.approx(options.training.learning_rate / 8)


def test_no_change_makes_anything_weaker():
  policies = [(), ('flip',), ('cutout', 'colour'), recipes.STRONG_POLICIES, config.AUGMENTATIONS]
  for names, mode, probability, gamma in itertools.product(
      policies, config.AUGMENT_MODES, (0.0, 0.5, recipes.STRONG_PROBABILITY, 1.0), (0.0, 0.5, 1.0, 10.0)):
    options = config.Config(augmentation=config.Augmentation(names, mode, probability),
                            regularization=config.Regularization(r1_gamma=gamma))
    for _ in range(4):
      changed, words = recipes.next_recipe(options, False)
      assert words and changed.validate() != options
      assert set(changed.augmentation.augment) >= set(options.augmentation.augment)
      assert changed.augmentation.augment_probability >= options.augmentation.augment_probability
      assert changed.regularization.r1_gamma >= options.regularization.r1_gamma
      assert changed.training.learning_rate <= options.training.learning_rate
      options = changed
    assert len(set(options.augmentation.augment)) == len(options.augmentation.augment)
