"""Named sets of options: what is known to suit a kind of set. Flags override any of them."""

from dcgan import config

_FEW_IMAGES = 2_000  # a set under this is one person's

# `ufm` and `person` agree in their networks and crop, so that a person can start from the Universal Face Model. A
# probability of 0.8 is where Karras et al. 2020 (arXiv:2006.06676) find that augmentation begins to show in the fakes.
_NETWORKS = config.Networks(minibatch_features='stddev')
_CROP_PX = 140  # the whole face, with its open mouth
_POLICIES = ('colour', 'translation', 'cutout')

PRESETS = {
    # The report to the letter (experiments 1 and 2): what 2016 saw, raw generator included.
    'report': config.Config(
        training=config.Training(ema_half_life_images=0)),
    # Many faces.
    'ufm': config.Config(
        networks=_NETWORKS,
        data=config.Data(crop_px=_CROP_PX),
        training=config.Training(num_minibatches=20_000),
        augmentation=config.Augmentation(policies=_POLICIES, mode='adaptive', probability=0.0),
        periods=config.Periods(samples_every_steps=200, checkpoint_every_steps=500)),
    # A tiny set.
    'person': config.Config(
        networks=_NETWORKS,
        data=config.Data(crop_px=_CROP_PX, global_batch_size=32),
        augmentation=config.Augmentation(policies=_POLICIES, probability=0.8)),
}


def choose(num_images):
  """Returns the name of the preset for a set of `num_images` pictures."""
  return 'person' if num_images < _FEW_IMAGES else 'ufm'
