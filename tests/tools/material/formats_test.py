"""Tests of every format that a photo comes in, made here, against the pixels that it was made of."""

import dataclasses
import struct
import zlib

import numpy as np
from PIL import Image
import pytest

from tests.tools.material import drawn
from tests.tools.material import heic_grid
from tools.material import pictures
from tools.material import sources

_LOSSY = 14  # grey levels that JPEG and its kin may be off at full quality


@dataclasses.dataclass(frozen=True)
class _Case:
  """How a picture is saved, and how far what is read may be off."""
  name: str
  mode: str = 'RGB'
  options: dict = dataclasses.field(default_factory=dict)
  tolerance: int = 0
  num_pictures: int = 1


def _several(*values):
  return {'save_all': True, 'append_images': [Image.fromarray(drawn.grey(value)).resize((60, 40)) for value in values]}


_FULL = {'quality': 98, 'subsampling': 0}
_CASES = (
    _Case('a.jpg', options=_FULL, tolerance=_LOSSY), _Case('grey.jpg', 'L', _FULL, _LOSSY),
    _Case('cmyk.jpg', 'CMYK', _FULL, _LOSSY), _Case('progressive.jpeg', options=_FULL | {'progressive': True},
                                                    tolerance=_LOSSY),
    _Case('a.jfif', options=_FULL | {'format': 'JPEG'}, tolerance=_LOSSY),
    _Case('a.mpo', options=_FULL | _several(9), tolerance=_LOSSY),
    _Case('bit.png', '1'), _Case('a.png'), _Case('wide.png', 'I;16'), _Case('palette.png', 'P'),
    _Case('alpha.png', 'RGBA'), _Case('greys.png', 'LA'), _Case('a.apng', options={'format': 'PNG'} | _several(9, 200),
                                                               num_pictures=3),
    _Case('a.gif'), _Case('moves.gif', options=_several(9, 200), num_pictures=3),
    _Case('lossless.webp', options={'lossless': True}), _Case('a.webp', options={'quality': 100}, tolerance=40),
    _Case('moves.webp', options=_several(9, 200) | {'lossless': True}, num_pictures=3),
    _Case('a.tif'), _Case('lzw.tif', options={'compression': 'tiff_lzw'}), _Case('wide.tif', 'I;16'),
    _Case('deflate.tiff', options={'compression': 'tiff_adobe_deflate'}), _Case('cmyk.tif', 'CMYK', tolerance=1),
    _Case('pages.tif', options=_several(9, 200), num_pictures=3), _Case('float.tif', 'F'),
    _Case('fax.tif', '1', {'compression': 'group4'}), _Case('jpeg.tif', options={'compression': 'jpeg', 'quality': 98},
                                                            tolerance=60),
    _Case('a.bmp'), _Case('palette.bmp', 'P'), _Case('a.dib'), _Case('a.ppm'), _Case('a.pgm', 'L'), _Case('a.pbm', '1'),
    _Case('a.tga'), _Case('alpha.tga', 'RGBA', {'compression': 'tga_rle'}), _Case('a.j2k'), _Case('a.jp2'),
    _Case('a.jpx', options={'format': 'JPEG2000'}), _Case('a.qoi'), _Case('a.sgi'), _Case('a.pcx'), _Case('a.dds'),
    _Case('a.avif', options={'quality': 100, 'subsampling': '4:4:4'}, tolerance=_LOSSY),
    _Case('moves.avif', options={'quality': 100, 'subsampling': '4:4:4'} | _several(9, 200), tolerance=_LOSSY,
          num_pictures=3),
    _Case('a.heic', options={'quality': -1, 'chroma': 444}, tolerance=3),
    _Case('a.heif', 'L', {'quality': -1}, tolerance=3), _Case('a.hif', options={'format': 'HEIF', 'quality': 100},
                                                              tolerance=60),
    _Case('IMG_0001.JPG', options={'format': 'HEIF', 'quality': -1, 'chroma': 444}, tolerance=3))


def _save(path, mode, options):
  """Writes the quarters in a mode; returns what should be read, uint8 RGB [40, 60, 3]."""
  picture = Image.fromarray(drawn.quarters())
  if mode in ('I;16', 'F'):
    grey = np.asarray(picture.convert('L'))
    picture = Image.fromarray(grey.astype(np.uint16) * 257 if mode == 'I;16' else grey / np.float32(255))
    expected = Image.fromarray(grey)
  elif mode == '1':
    expected = picture = picture.convert('1', dither=Image.Dither.NONE)
  elif mode == 'P':
    expected = picture = picture.quantize(8)
  else:
    picture = picture.convert(mode)
    expected = picture
  picture.save(path, **options)
  return np.asarray(expected.convert('RGB'))


@pytest.mark.parametrize('case', _CASES, ids=lambda case: case.name)
def test_each_format_is_read_with_its_colours_and_upright(tmp_path, case):
  expected = _save(tmp_path / case.name, case.mode, case.options)
  source = sources.PhotoSource(tmp_path)
  assert source.num_inputs == case.num_pictures
  image = next(iter(source.read(0, 1))).image
  assert image.shape == (40, 60, 3) and image.dtype == np.uint8
  difference = np.abs(image.astype(int) - expected)
  difference[17:23], difference[:, 27:33] = 0, 0  # where colours meet, those of JPEG run
  assert difference.max() <= case.tolerance


def test_an_interlaced_png_is_read(tmp_path):
  """Pillow does not write them: the seven passes of Adam7 are cut by hand."""
  image, passes = drawn.quarters(), b''
  for y, x, step_y, step_x in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
                               (1, 0, 2, 1)):
    passes += b''.join(b'\0' + row.tobytes() for row in image[y::step_y, x::step_x])
  chunks = ((b'IHDR', struct.pack('>LLBBBBB', 60, 40, 8, 2, 0, 0, 1)), (b'IDAT', zlib.compress(passes)), (b'IEND', b''))
  (tmp_path / 'a.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(
      struct.pack('>L', len(content)) + kind + content + struct.pack('>L', zlib.crc32(kind + content))
      for kind, content in chunks))
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'a.png'), image)


@pytest.mark.parametrize('name', ['a.ico', 'a.icns'])
def test_icons_are_passed_over(tmp_path, name):
  Image.fromarray(drawn.quarters()).save(tmp_path / 'a.png')
  Image.fromarray(drawn.quarters()).resize((64, 64)).save(tmp_path / name)
  source = sources.PhotoSource(tmp_path)
  assert source.num_inputs == 1 and source.left_out == ()


_TURNS = ((1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
          (5, lambda a: a.swapaxes(0, 1)), (6, np.rot90), (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
          (8, lambda a: np.rot90(a, -1)))


@pytest.mark.parametrize('orientation, undo', _TURNS)
@pytest.mark.parametrize('ending, options', [
    ('heic', {'quality': -1, 'chroma': 444}), ('avif', {'quality': 100, 'subsampling': '4:4:4'})])
def test_the_turn_that_the_file_and_its_exif_both_tell_is_made_once(tmp_path, ending, options, orientation, undo):
  exif = Image.Exif()
  exif[0x0112] = orientation
  picture = Image.fromarray(np.ascontiguousarray(undo(drawn.quarters())))
  picture.info['exif'] = exif.tobytes()
  picture.save(tmp_path / f'a.{ending}', exif=exif.tobytes(), **options)
  content = (tmp_path / f'a.{ending}').read_bytes()
  assert (b'irot' in content or b'imir' in content) == (orientation > 1)
  image = pictures.load_picture(tmp_path / f'a.{ending}')
  assert image.shape == (40, 60, 3)
  for y, x in ((8, 8), (8, 50), (32, 8), (32, 50)):
    np.testing.assert_allclose(image[y, x], drawn.quarters()[y, x], atol=_LOSSY)


def test_heic_of_10_bits_is_read_as_one_of_8(tmp_path):
  import pillow_heif  # pylint: disable=import-outside-toplevel
  values = drawn.quarters().astype('<u2') * 257
  made = pillow_heif.from_bytes('RGB;16', (60, 40), values.tobytes())
  made.save(tmp_path / 'a.heic', quality=-1, chroma=444)
  with Image.open(tmp_path / 'a.heic') as picture:
    assert picture.info['bit_depth'] > 8
  np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.heic')[5, 5], [255, 0, 0], atol=3)


@pytest.mark.parametrize('turn', range(4))
def test_the_tiles_of_a_phones_heic_are_joined_and_turned_once(tmp_path, turn):
  image = np.zeros([128, 192, 3], np.uint8)
  image[:64], image[64:, 64:], image[:, :64, 2] = (200, 40, 40), (30, 180, 60), 220
  heic_grid.write(tmp_path / 'a.heic', image, 64, turn)
  np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.heic'), np.rot90(image, turn), atol=3)


def test_of_a_heic_of_several_pictures_the_main_one_is_taken(tmp_path):
  other = Image.new('RGB', (60, 40), 'gray')
  other.save(tmp_path / 'a.heic', save_all=True, append_images=[Image.fromarray(drawn.quarters())], primary_index=1,
             quality=-1, chroma=444)
  assert pictures.num_pictures(tmp_path / 'a.heic') == 1
  np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.heic')[5, 5], [255, 0, 0], atol=3)
