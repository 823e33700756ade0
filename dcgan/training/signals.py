"""What can be seen of a run's health at one minibatch, as numbers: from its pictures and from what D thinks of them."""

import numpy as np
import tensorflow as tf

from dcgan.common import images
from dcgan.metrics import fine_structure
from dcgan.metrics import variety
from dcgan.model import latents
from dcgan.model import networks

SIGNALS = ('health/diversity', 'health/movement', 'health/strangeness', 'health/noise_texture', 'health/memorised')
_NUM_REALS = 128
_MOST_JUDGED = 64
_MIN_JUDGED = 6  # the mean logit of fewer held-out pictures says little


class Signals(tf.Module):
  """Looks at a learner: the pictures of the generator that is being trained, at the run's 64 fixed points of Z.

  Not those of the averaged one, which shows a collapse later. Nothing of the learner is changed. What it remembers of
  the last look is a variable that belongs into the checkpoint.
  """

  def __init__(self, learner, training_set):
    """Takes some of the reals apart, once for all looks.

    Args:
      learner: `learner.Learner`.
      training_set: `input_pipeline.TrainingSet`. A signal that it has too few pictures for is NaN: diversity,
        movement and strangeness under four, memorising under six that are held out.
    """
    super().__init__(name='signals')
    self._learner = learner
    options = learner.options
    self._reals = training_set.some(training_set.trained_on, _NUM_REALS)
    self._variety = variety.Variety(self._reals) if len(self._reals) >= variety.MIN_REALS else None
    num_judged = min(_MOST_JUDGED, len(training_set.held_out), len(training_set.trained_on))
    self._judged = self._judge = None
    if num_judged >= _MIN_JUDGED:
      self._judged = [training_set.some(indices, num_judged)
                      for indices in (training_set.trained_on, training_set.held_out)]
      self._judge = networks.build_discriminator(options.networks, 'float32', num_frozen=learner.num_frozen)
    num_components = self._variety.num_components if self._variety else 0
    self._last = tf.Variable(np.full([latents.NUM_FIXED_POINTS, num_components], np.nan, np.float32), trainable=False,
                             name='last')

  def look(self):
    """Returns a dict of float by the names of `SIGNALS`.

    'health/diversity' is `variety.Variety.diversity`; 'health/movement' how far the mean picture moved since the last
    look, in the reals' spread, NaN at the first; 'health/strangeness' the median of `variety.Variety.strangeness`;
    'health/noise_texture' is `fine_structure.noise_texture`; 'health/memorised' tells where D puts held-out pictures
    between those that it is trained on, 0, and fakes, 1 (r_v of Karras et al. 2020, arXiv:2006.06676, section 3.1).
    """
    z = self._learner.space.sample(latents.NUM_FIXED_POINTS, self._learner.options.training.seed)
    fakes = networks.generate(self._learner.generator, z)
    values = dict.fromkeys(SIGNALS, np.nan)
    if self._variety:
      coordinates = self._variety.coordinates(fakes)
      values['health/diversity'] = self._variety.diversity(fakes)
      values['health/movement'] = self._variety.movement(self._last.numpy(), coordinates)
      values['health/strangeness'] = float(np.median(self._variety.strangeness(fakes)))
      self._last.assign(coordinates)
    values['health/noise_texture'] = fine_structure.noise_texture(fakes, self._reals)
    if self._judge:
      values['health/memorised'] = self._memorised(fakes)
    return values

  def _memorised(self, fakes):
    """Returns r_v, NaN where D tells trained-on pictures and fakes apart by nothing."""
    trained_on, held_out = map(self._mean_logit, self._judged)
    between = trained_on - self._mean_logit(fakes[:len(self._judged[0])])
    return (trained_on - held_out) / between if between > 0 else np.nan

  def _mean_logit(self, pictures):
    """Returns D's mean logit of pictures."""
    # A copy judges, with the statistics of what it sees, as in training: the learner's own must not move. It is made
    # anew each time, or spectral normalization would judge the second pictures by other weights than the first.
    for copy, variable in zip(self._judge.variables, self._learner.discriminator.variables):
      copy.assign(variable)
    return float(tf.reduce_mean(self._judge(images.to_float(pictures), training=True)))
