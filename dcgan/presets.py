"""Named sets of options: what is known to suit a kind of set. Flags override any of them."""

from dcgan import config

_FEW_IMAGES = 2_000  # a set under this is one person's

PRESETS = {
    # The report to the letter (experiments 1 and 2): what 2016 saw, raw generator included.
    'report': config.Config(
        training=config.Training(ema_half_life_images=0)),
    # Many faces.
    'ufm': config.Config(
        networks=config.Networks(discriminator_norm='spectral', minibatch_features='stddev'),
        data=config.Data(crop_px=140),
        training=config.Training(num_minibatches=20_000),
        augmentation=config.Augmentation(policies=('colour', 'translation', 'cutout'), mode='adaptive',
                                         probability=0.0),
        regularization=config.Regularization(r1_gamma=0.05, lecam_weight=0.01),
        periods=config.Periods(samples_every_steps=200, checkpoint_every_steps=500)),
    # A tiny set: all that keeps the discriminator from learning it by heart.
    'person': config.Config(
        networks=config.Networks(discriminator_norm='spectral', minibatch_features='stddev'),
        data=config.Data(crop_px=140, global_batch_size=32),
        augmentation=config.Augmentation(policies=('colour', 'translation', 'cutout')),
        regularization=config.Regularization(r1_gamma=0.05, lecam_weight=0.01)),
}


def choose(num_images):
  """Returns the name of the preset for a set of `num_images` pictures."""
  return 'person' if num_images < _FEW_IMAGES else 'ufm'
