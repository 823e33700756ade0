"""Colour profiles (ICC): a picture whose numbers mean other colours than sRGB's is brought to sRGB."""

import functools
import io

import numpy as np
from PIL import Image
from PIL import ImageCms

_MODES = {'RGB': 'RGB', 'GRAY': 'L', 'CMYK': 'CMYK'}  # from a profile's colour space to the mode that it is for
_MOST_BYTES = 16 << 20  # those of printing presses have up to 4 MB
# As browsers do; where a profile of a printing press has no table for it, littlecms takes the one that there is.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_SAME_LEVELS = 2  # sRGB has been rounded in many ways
_NUM_TRANSFORMS = 16


def to_rgb(picture, profile):
  """Returns a Pillow picture as one of mode RGB in the colours of sRGB.

  Args:
    picture: `PIL.Image.Image` without transparency, 8 bits a channel.
    profile: bytes, its ICC profile, or None. One that is damaged, for another mode or as good as sRGB changes nothing.
  """
  if picture.mode not in _MODES.values() and picture.mode != '1':
    picture = picture.convert('RGB')  # palettes and YCbCr have the profile of what they stand for
  transform = profile and len(profile) <= _MOST_BYTES and _transform(profile, picture.mode)
  return ImageCms.applyTransform(picture, transform) if transform else picture.convert('RGB')


@functools.lru_cache(maxsize=_NUM_TRANSFORMS)
def _transform(profile, mode):
  """Returns the transform of a profile for pictures of a mode to sRGB, or None where nothing is to be done."""
  try:
    opened = ImageCms.getOpenProfile(io.BytesIO(profile))
    if _MODES.get(opened.profile.xcolor_space.strip()) != mode:
      return None
    transform = ImageCms.buildTransform(opened, ImageCms.createProfile('sRGB'), mode, 'RGB', _INTENT,
                                        ImageCms.Flags.BLACKPOINTCOMPENSATION)
    return None if mode != 'CMYK' and _is_like_srgb(transform, mode) else transform
  except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a damaged profile says nothing about the pixels
    return None


def _is_like_srgb(transform, mode):
  """Returns whether a transform leaves colours as they are: names of profiles tell too little."""
  levels = np.arange(0, 256, 15, np.uint8)
  values = levels[np.newaxis] if mode == 'L' else np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
  sample = Image.fromarray(values)
  difference = np.asarray(ImageCms.applyTransform(sample, transform)).astype(int) - np.asarray(sample.convert('RGB'))
  return np.abs(difference).max() <= _SAME_LEVELS
