"""Named sets of options: what is known to suit a kind of set. Flags override any of them."""

import dataclasses

from dcgan.options import config

FEW_IMAGES = 2_000  # photos under this are one person's
# MEASUREMENTS.md, "Which transfer".
_FEW_FOR_ALL = 100

# `ufm` and `person` agree in their crop and their networks but for the size, so that a person can start from the
# Universal Face Model (MEASUREMENTS.md, "Networks for many faces" and "The recipe without places").
_NETWORKS = config.Networks(z_dims=128, kernel_size=4, discriminator_norm='spectral', detail_gain=3.0)
_CROP_PX = 140  # the whole face, with its open mouth
_HEALTH = config.Health(on_collapse='rollback')

PRESETS = {
    # The report to the letter (experiments 1 and 2): what 2016 saw, raw generator included.
    'report': config.Config(
        training=config.Training(ema_half_life_images=0)),
    # Many faces. With an adversarial weight of 0.3, which persons have, faces stay soft for four times as long.
    'ufm': config.Config(
        networks=_NETWORKS,
        data=config.Data(crop=_CROP_PX, global_batch_size=32, holdout_fraction=0.02),
        training=config.Training(num_minibatches=20_000, learning_rate=1e-3, beta2=0.99, learner='encoder'),
        places=config.Places(alone_visits=1, adversarial_weight=1.0),
        periods=config.Periods(samples_every_steps=200, checkpoint_every_steps=500, keep_every_steps=1000),
        health=_HEALTH),
    # A tiny set, at the size of the Universal Face Model that comes with the project.
    'person': config.Config(
        networks=dataclasses.replace(_NETWORKS, image_size=128),
        data=config.Data(crop=_CROP_PX, global_batch_size=8, holdout_fraction=0.1),
        training=config.Training(num_minibatches=2000, learning_rate=1e-3, beta2=0.99, ema_half_life_images=2_000,
                                 learner='places'),
        # MEASUREMENTS.md, "Networks for many faces": what makes a person sharp.
        places=config.Places(encoder=True, settle_visits=5, controls_weight=2.0, alone_visits=20, edges_weight=6.0),
        health=_HEALTH),
}


CHOICES = ('person', 'ufm')  # of `choose`: for few pictures, for many


def choose_transfer(num_images):
  """Returns what a run that starts from another model learns, a name from `config.TRANSFERS`.

  Args:
    num_images: int, pictures that it is trained on.
  """
  return 'freeze_d' if num_images < _FEW_FOR_ALL else 'full'


def choose(kind, num_images):
  """Returns the name of the preset for a set: 'person' for one person's pictures, 'ufm' for many people's.

  Args:
    kind: 'video', 'photos' or 'celeba', as in `manifests.Manifest`; frames of a video are one person's, however many.
    num_images: int.
  """
  return CHOICES[kind != 'video' and num_images >= FEW_IMAGES]


def flagfile(preset, options, **others):
  """Returns the flags of `dcgan.train`, one a line, that make a run of some options.

  What is noted with a run and is no flag follows from the set and the model that it starts from.

  Args:
    preset: str, a name from `PRESETS`.
    options: `config.Config`.
    **others: flags that are no options, by name; None where one is not given.
  """
  given = {'preset': preset} | {name: value for name, value in others.items() if value is not None}
  given |= {name: config.OPTIONS[name].to_text(value)
            for name, _, value in config.differences(PRESETS[preset], options) if config.OPTIONS[name].is_flag}
  return ''.join(f'--{name}={value}\n' for name, value in given.items())
