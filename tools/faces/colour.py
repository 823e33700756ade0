"""Evens the light over a set: brings the skin of each picture to the set's usual lightness, contrast and tint.

Works in CIE L*a*b* with curves that leave black black and white white, so that neither highlights nor shadows run into
flat areas, and with limits: a picture from the dark becomes lighter, not noisy.
"""

import cv2
import numpy as np

_MAX_LIGHTENING = 2.2  # times, of the darkest tones; noise there grows as much
_MAX_DARKENING = 0.4  # likewise: of the darkest tones; the lightest spread by its inverse
_SPREADS = (0.8, 1.25)  # least and most that contrast and colourfulness change
_MAX_TINT = 20.0  # in a and b: from shade to lamp light; more is coloured light, of which this much is taken back
_DARKEST, _LIGHTEST = 2.0, 98.0  # of skin, in L; beyond, the curves lose their meaning


def target(skin_labs):
  """Returns the set's usual skin, the median of each value.

  Args:
    skin_labs: float [num_faces, 2, 3], as `measures.skin_lab` gives them; faces with values that are not finite do not
      count.

  Returns:
    float32 [2, 3], mean and standard deviation of L (0 to 100), a and b.

  Raises:
    ValueError: no face counts.
  """
  skin_labs = np.asarray(skin_labs, np.float32).reshape(-1, 2, 3)
  finite = skin_labs[np.isfinite(skin_labs).all(axis=(1, 2))]
  if not len(finite):
    raise ValueError(f'`skin_labs` ({len(skin_labs)} faces) must hold a face with finite values.')
  return np.median(finite, axis=0).astype(np.float32)


def match(image, skin_lab, target_lab):
  """Returns a picture in whose light the skin looks as in the target's.

  Args:
    image: uint8 RGB [height, width, 3].
    skin_lab: float [2, 3], mean and standard deviation of L, a and b of its skin.
    target_lab: float [2, 3], the ones to come to.

  Returns:
    uint8 RGB [height, width, 3].
  """
  mean, spread = np.asarray(skin_lab, np.float64)
  wanted, wanted_spread = np.asarray(target_lab, np.float64)
  lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
  light, tint = lab[..., 0] / 100, lab[..., 1:]
  skin_light, wanted_light = np.clip([mean[0], wanted[0]], _DARKEST, _LIGHTEST) / 100
  shift = wanted[1:] - mean[1:]
  shift *= min(1, _MAX_TINT / max(np.hypot(*shift), 1e-6))
  gain = _gain(np.hypot(*spread[1:]), np.hypot(*wanted_spread[1:]))
  tint = tint + _bow(light, skin_light)[..., np.newaxis] * ((gain - 1) * (tint - mean[1:]) + shift)
  light = _lit(light, skin_light, wanted_light, spread[0], wanted_spread[0])
  lab = np.dstack([100 * light, tint]).astype(np.float32)
  return np.rint(255 * np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)).astype(np.uint8)


def _lit(light, old, wanted, spread, wanted_spread):
  """Returns lightness, 0 to 1, on a rising curve from 0 to 0 and 1 to 1 that takes `old` to `wanted`, if allowed.

  First x → g·x / (1 + (g − 1)·x), whose slope is g at 0 and 1 / g at 1; then a bend about the skin's new lightness,
  which brings its contrast to the wanted one.
  """
  gain = wanted * (1 - old) / (old * (1 - wanted))
  gain = np.clip(gain, _MAX_DARKENING, _MAX_LIGHTENING)
  new = gain * old / (1 + (gain - 1) * old)
  slope = gain / (1 + (gain - 1) * old)**2
  light = gain * light / (1 + (gain - 1) * light)
  bend = _gain(spread * slope, wanted_spread) - 1
  below, above = np.minimum(light / new, 1), np.minimum((1 - light) / (1 - new), 1)  # 1 at the skin, 0 at the ends
  return np.where(light < new, new * below * (1 + bend * (below - 1)), 1 - (1 - new) * above * (1 + bend * (above - 1)))


def _gain(spread, wanted_spread):
  """Returns by how much to spread colours, within limits."""
  return float(np.clip(wanted_spread / max(spread, 1e-6), *_SPREADS))


def _bow(light, top):
  """Returns 1 where `light` is `top`, falling to 0 at black and white: they have no tint, whatever the light."""
  return 1 - np.square(np.where(light < top, 1 - light / top, (light - top) / (1 - top)))
