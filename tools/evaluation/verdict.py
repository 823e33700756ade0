"""The verdict on a generator in words, from its numbers."""

from dcgan.common import wording
from dcgan.metrics import copying
from dcgan.training import health

_MANY_FACES = 0.9  # of the photos' own face rate, below which more than one point of Z in ten is of no use
# Of the photos' diversity. What is collapsed in training is so afterwards; a generator that learnt a part of the
# expressions has about half.
_COLLAPSED = health.RULES['symptom_b'].limits['health/diversity'][1]
_LITTLE_VARIED = 0.6
# Of the power of the photos' fine structure: twice is 1.4 times as strong and is seen as grain, a quarter as blur.
_BLURRED, NOISY = 0.25, 2.0
_SOFT, _GRAINED = 0.7, 1.4  # beside the photos the difference is seen
# Changes of a twentieth of the way: where the largest is this many times the mean, most of the movement is in a few.
_FAR_OFF = 10.0  # grey values: expressions of photos in many lights are told at 8, of a film at 5
_JUMPY = 3.0
# Deviations above 0, as many as below it tell a copy: the samples are farther from the training set than strangers are.
_ASTRAY = -copying.COPIES_BELOW


def verdict(measures, of_reals, reasons):
  """Returns what the numbers of one generator mean.

  Args:
    measures: dict from the names of `measures.MEASURES` to float or None.
    of_reals: dict from the same names to what real pictures have, float or None.
    reasons: dict from names without a value to why.

  Returns:
    list of str, sentences; the last ones say what to do, where something is wrong.
  """
  advice = []
  is_collapsed = measures['diversity'] is not None and measures['diversity'] < _COLLAPSED
  sentences = [part for part in (_of_faces(measures, of_reals, advice), _of_places(measures, advice),
                                 _of_variety(measures, advice),
                                 _of_copying(measures, is_collapsed, reasons, advice), _of_texture(measures, advice),
                                 _of_movement(measures, advice)) if part]
  if is_collapsed:  # all else follows from it
    advice = ['Early in training, train longer. Else take an earlier checkpoint, or train again with --preset=person, '
              'whose spectral normalization keeps a small set from collapsing.']
  return sentences + list(dict.fromkeys(advice))


def comparison(evaluated):
  """Returns sentences about which of several checkpoints is the best at what, or '' where there are not several.

  Args:
    evaluated: list of (name, measures), measured against the same pictures.
  """
  if len(evaluated) < 2:
    return ''
  (nearest, measures), *others = [evaluated[i] for i in outstanding([measures for _, measures in evaluated])]
  text = (f'Nearest to the photos is {nearest}, with a sliced Wasserstein distance of '
          f'{measures["sliced_wasserstein"]:.1f}.')
  for most, other in others:
    rates = [wording.percent(clean_rate(numbers)) for numbers in (other, measures)]
    text += f' The most faces has {most}: {rates[0]} of its samples, of the other {rates[1]}.'
  return text


def outstanding(several):
  """Returns which of several generators stand out, list of int: the nearest to the photos, then that of the most faces.

  The second is left out where the first has as many. The two are often not one: a smooth mixture of faces is near to
  photos.

  Args:
    several: list of dict from the names of `measures.MEASURES` to float or None, one or more.
  """
  numbers = range(len(several))
  nearest = min(numbers, key=lambda i: several[i]['sliced_wasserstein'])
  most_faces = max(numbers, key=lambda i: clean_rate(several[i]))
  return [nearest] + [most_faces] * (clean_rate(several[most_faces]) > clean_rate(several[nearest]))


def clean_rate(measures):
  """Returns the share of clean faces of a generator's `measures`, float, 0 where it was not taken."""
  return measures['clean_rate'] or 0.0


def _of_faces(measures, of_reals, advice):
  """Returns how many samples are faces."""
  rate, of_photos = measures['clean_rate'], of_reals['clean_rate']
  if rate is None:
    return ''
  text = f'{wording.percent(rate)} of the samples are clean faces'
  if of_photos is None:
    of_photos = 1.0
  elif not of_photos:
    advice.append('The photos show no aligned faces either: look at the set with tools.show_records.')
    return f'{text}.'
  text += '.' if of_reals['clean_rate'] is None else f' ({wording.percent(of_photos)} of the photos).'
  if rate / of_photos >= _MANY_FACES:
    return text
  advice.append('Against mangled faces, train longer or start from a Universal Face Model with --init_from.')
  return f'{text} The others are mangled, out of place, or no faces.'


def _of_places(measures, advice):
  """Returns how near pictures come to those of the set and to held-out ones, of a model whose pictures have places."""
  off = measures.get('off')
  if off is None:
    return ''
  text = f'Pictures of the set come back, off by {off:.1f} grey values'
  for kind, does in (('found', 'are found in Z'), ('encoded', 'come back by the encoder alone')):
    held_out_off, features = (measures.get(f'{kind}_{name}') for name in ('off', 'features'))
    if held_out_off is not None:
      text += f'; held-out ones {does}, off by {held_out_off:.1f}'
    if features is not None:
      text += f", their features by {wording.percent(features, 1)} of the eyes' distance"
  if off > _FAR_OFF:
    advice.append('For pictures that come back more truly, train longer.')
  return f'{text}.'


def _of_variety(measures, advice):
  """Returns how much the samples differ."""
  diversity = measures['diversity']
  if diversity is None:
    return ''
  if diversity < _COLLAPSED:
    return f'Collapsed: the samples differ {diversity:.2f} times as much as the photos do, so all are nearly one.'
  if diversity < _LITTLE_VARIED:
    advice.append('For more expressions train longer, or on a set that has more of them.')
    return f'Little varied: the samples differ {diversity:.2f} times as much as the photos do.'
  return f'Varied: the samples differ {diversity:.2f} times as much as the photos do.'


def _of_copying(measures, is_collapsed, reasons, advice):
  """Returns whether training pictures are copied."""
  score = measures['copying']
  if measures.get('off') is not None:
    return ('A place shows its picture by design; the samples lie between places'
            + ('.' if score is None else f' (C_T {score:.1f}).'))
  if score is None:
    return f'Whether it copies cannot be told: this {reasons["copying"]}.'
  if is_collapsed:  # one picture may well lie near to many photos
    return f'Whether it copies cannot be told, as all samples are nearly one (C_T {score:.1f}).'
  if score < copying.COPIES_BELOW:
    advice.append('Against copying, train on more pictures, with augmentation, or for a shorter time.')
    return f'It copies: samples are much nearer to training pictures than held-out ones are (C_T {score:.1f}).'
  if score > _ASTRAY:
    return f'No copying, but samples are farther from the training pictures than held-out ones are (C_T {score:.1f}).'
  return f'No sign of copying (C_T {score:.1f}).'


def _of_texture(measures, advice):
  """Returns how the fine structure is."""
  noise = measures['noise_texture']
  if noise is None:
    return ''
  if noise > NOISY:
    advice.append('Against the noise, train longer or start from a Universal Face Model with --init_from.')
    return f'Noisy: {noise:.1f} times the fine structure of the photos.'
  if noise < _BLURRED:
    advice.append('Against the blur, train longer.')
    return f'Blurred: {noise:.2f} times the fine structure of the photos.'
  if noise > _GRAINED:
    return f'A light grain: {noise:.2f} times the fine structure of the photos.'
  if noise < _SOFT:
    return f'A little softer than the photos: {noise:.2f} times their fine structure.'
  return f'As sharp as the photos: {noise:.2f} times their fine structure.'


def _of_movement(measures, advice):
  """Returns how pictures move along lines in Z."""
  stair_step = measures['stair_step']
  if stair_step is None:
    return ''
  if stair_step > _JUMPY:
    advice.append('Against the jumps, train for a shorter time or on frames that stand closer together.')
    return f'Lines in Z stand still and jump: the largest change is {stair_step:.1f} times the mean.'
  return f'Lines in Z move evenly: the largest change is {stair_step:.1f} times the mean.'
