"""How the recipe of a run changes when it is rolled back: what has the best chance comes first. No TensorFlow."""

STRONG_POLICIES = ('colour', 'translation', 'cutout')
STRONG_PROBABILITY = 0.8  # above it augmentation begins to show in the fakes (Karras et al. 2020, arXiv:2006.06676)
_R1_GAMMA = 1.0
_SLOWER = 0.5


def next_recipe(options, has_diverged, probability=0.0):
  """Returns what to try next on a run that collapsed.

  First D is kept from learning the set by heart: stronger augmentation; then the R1 penalty; then both networks learn
  half as fast, again and again. Where numbers ran away, only the last helps.

  Args:
    options: `config.Config` of the run as it collapsed.
    has_diverged: bool, whether a loss was no longer a number.
    probability: float, of the augmentation at last, where it was adaptive.

  Returns:
    (`config.Config`, str in words: the change).
  """
  augmentation, regularization = options.augmentation, options.regularization
  is_weak = (not set(STRONG_POLICIES) <= set(augmentation.augment) or augmentation.augment_mode == 'adaptive'
             or augmentation.augment_probability < STRONG_PROBABILITY)
  if is_weak and not has_diverged:
    policies = (*STRONG_POLICIES, *(name for name in augmentation.augment if name not in STRONG_POLICIES))
    probability = max(STRONG_PROBABILITY, augmentation.augment_probability, probability)
    return options.replace('augmentation', augment=policies, augment_mode='fixed', augment_probability=probability), (
        'stronger augmentation')
  if regularization.r1_gamma < _R1_GAMMA and not has_diverged:
    return options.replace('regularization', r1_gamma=_R1_GAMMA), f'an R1 penalty of {_R1_GAMMA:g}'
  rate = _SLOWER * options.training.learning_rate
  return options.replace('training', learning_rate=rate), f'half the learning rate, {rate:g}'
