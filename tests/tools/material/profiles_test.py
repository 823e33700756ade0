"""Tests of colour profiles, against arithmetic of their own; the profiles are written here."""

import numpy as np
from PIL import Image
from PIL import ImageCms
import pytest

from tests.tools.material import icc
from tools.material import pictures
from tools.material import profiles

_COLOURS = np.array([[230, 60, 40], [90, 200, 80], [40, 70, 220], [200, 150, 120], [255, 255, 255], [0, 0, 0],
                     [128, 128, 128], [60, 40, 30]], np.uint8)


def _patches(colours=_COLOURS):
  """Returns each colour as a patch of 16×16 px, side by side, uint8 [16, 16·N, ...]."""
  return np.repeat(np.repeat(colours[np.newaxis], 16, 0), 16, 1)


def _read(path):
  """Returns the mean colour of the middle of each patch, float [N, 3]."""
  image = pictures.load_picture(path).astype(float)
  return np.stack([image[4:12, x + 4:x + 12].mean((0, 1)) for x in range(0, image.shape[1], 16)])


@pytest.mark.parametrize('ending, options', [
    ('png', {}), ('tiff', {}), ('webp', {'lossless': True}), ('jpg', {'quality': 98, 'subsampling': 0}),
    ('avif', {'quality': 95, 'subsampling': '4:4:4'}), ('heic', {'quality': -1, 'chroma': 444})])
@pytest.mark.parametrize('space', icc.SPACES)
def test_colours_come_as_srgb_whatever_their_space_and_file(tmp_path, space, ending, options):
  Image.fromarray(_patches()).save(tmp_path / f'a.{ending}', icc_profile=icc.rgb_profile(space), **options)
  expected = icc.to_srgb(space, _COLOURS)
  assert np.abs(expected - _COLOURS).max() > 15  # else there would be nothing to convert
  tolerance = 3 if ending in ('png', 'tiff', 'webp') else 8
  np.testing.assert_allclose(_read(tmp_path / f'a.{ending}'), expected, atol=tolerance)


@pytest.mark.parametrize('ending', ['png', 'tiff', 'jpg'])
def test_grey_profiles_are_taken_too(tmp_path, ending):
  greys = np.array([0, 40, 90, 128, 200, 255], np.uint8)
  Image.fromarray(_patches(greys)).save(tmp_path / f'a.{ending}', icc_profile=icc.grey_profile(1.0), quality=98)
  expected = icc.encoded(greys / 255)
  np.testing.assert_allclose(_read(tmp_path / f'a.{ending}'), np.stack([expected] * 3, -1), atol=3)


def test_16_bit_greys_transparent_pixels_and_palettes_have_their_profile(tmp_path):
  grey, p3 = icc.grey_profile(1.0), icc.rgb_profile('Display P3')
  Image.fromarray(_patches(np.array([90], np.uint8)).astype(np.uint16) * 257).save(
      tmp_path / 'wide.png', icc_profile=grey)
  Image.fromarray(_patches(np.array([[90, 255]], np.uint8))).save(tmp_path / 'la.png', icc_profile=grey)
  for name in ('wide.png', 'la.png'):
    np.testing.assert_allclose(_read(tmp_path / name), [[icc.encoded(90 / 255)] * 3], atol=2)
  colour = _COLOURS[1]
  Image.fromarray(_patches(np.array([[*colour, 128]], np.uint8))).save(tmp_path / 'rgba.png', icc_profile=p3)
  np.testing.assert_allclose(_read(tmp_path / 'rgba.png')[0], (icc.to_srgb('Display P3', colour) + 128) / 2, atol=2)
  Image.fromarray(_patches(colour[np.newaxis])).quantize(2).save(tmp_path / 'palette.png', icc_profile=p3)
  np.testing.assert_allclose(_read(tmp_path / 'palette.png')[0], icc.to_srgb('Display P3', colour), atol=2)


@pytest.mark.parametrize('ending', ['jpg', 'tif'])
def test_inks_are_what_the_presss_profile_says(tmp_path, ending):
  # Lab of sRGB's (119, 119, 119) is (50, 0, 0); inks that print greys of L 100, 50 and 0 have colours known by hand.
  lab = np.zeros([2, 2, 2, 2, 3])
  lab[0, 0, 0, 0] = 100, 0, 0
  lab[1, 0, 0, 0] = 50, 0, 0
  inks = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [255, 255, 255, 255]], np.uint8)
  Image.fromarray(_patches(inks), 'CMYK').save(
      tmp_path / f'a.{ending}', icc_profile=icc.cmyk_profile(lab), quality=98, subsampling=0)
  np.testing.assert_allclose(_read(tmp_path / f'a.{ending}'), [[255] * 3, [119] * 3, [0] * 3], atol=4)


@pytest.mark.parametrize('profile', [
    b'no profile at all', b'', icc.rgb_profile('ProPhoto')[:200], icc.grey_profile(1.0),
    icc.rgb_profile('ProPhoto')[:128] + b'\xff' * 400], ids=['text', 'empty', 'cut', 'of greys', 'noise'])
def test_a_profile_that_is_damaged_or_for_another_mode_changes_nothing(tmp_path, profile):
  Image.fromarray(_patches()).save(tmp_path / 'a.png', icc_profile=profile)
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'a.png'), _patches())


def test_what_is_as_good_as_srgb_is_left_alone_and_a_profile_is_opened_once(tmp_path, monkeypatch):
  srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
  opened, get = [], ImageCms.getOpenProfile
  monkeypatch.setattr(ImageCms, 'getOpenProfile', lambda file: opened.append(1) or get(file))
  profiles._transform.cache_clear()  # pylint: disable=protected-access
  for i in range(3):
    Image.fromarray(_patches()).save(tmp_path / f'{i}.png', icc_profile=srgb)
    np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'{i}.png'), _patches())
  assert len(opened) == 1
