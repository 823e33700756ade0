"""Tests of reading picture files; all are made here."""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image
from PIL import ImageCms
import pytest

from dcgan.common import errors
from tests.tools.material import drawn
from tools.material import animations
from tools.material import pictures


def _save_several(path, values, **options):
  """Writes one file of several grey pictures."""
  first, *others = [Image.fromarray(drawn.grey(value)) for value in values]
  first.save(path, save_all=True, append_images=others, **options)


def _png_chunk(kind, content):
  return struct.pack('>L', len(content)) + kind + content + struct.pack('>L', zlib.crc32(kind + content))


@pytest.mark.parametrize('ending', ['png', 'tiff', 'bmp', 'gif', 'webp', 'ppm', 'tga', 'qoi', 'jp2', 'dib'])
def test_formats_give_the_same_pixels(tmp_path, ending):
  try:
    Image.fromarray(drawn.quarters()).save(tmp_path / f'a.{ending}', **({'lossless': True} if ending == 'webp' else {}))
  except (KeyError, ValueError):
    pytest.skip(f'this Pillow does not write {ending}')
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'a.{ending}'), drawn.quarters())


@pytest.mark.parametrize('orientation, undo', [
    (1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
    (5, lambda a: a.swapaxes(0, 1)), (6, np.rot90), (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
    (8, lambda a: np.rot90(a, -1))])
@pytest.mark.parametrize('ending', ['png', 'tiff', 'webp'])
def test_exif_orientation_is_respected(tmp_path, ending, orientation, undo):
  exif = Image.Exif()
  exif[0x0112] = orientation
  Image.fromarray(np.ascontiguousarray(undo(drawn.quarters()))).save(
      tmp_path / f'a.{ending}', exif=exif, **({'lossless': True} if ending == 'webp' else {}))
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'a.{ending}'), drawn.quarters())


def test_damaged_exif_costs_nothing_but_the_orientation(tmp_path):
  Image.fromarray(drawn.quarters()).save(tmp_path / 'a.png', exif=b'Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03')
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'a.png'), drawn.quarters())


@pytest.mark.parametrize('ending', ['png', 'tiff', 'pgm'])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, ending):
  values = np.array([[0, 128, 257 * 40], [257 * 128, 257 * 200 + 120, 65535]], np.uint16)
  Image.fromarray(values).save(tmp_path / f'a.{ending}')
  expected = np.array([[0, 0, 40], [128, 200, 255]])
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'a.{ending}'), np.stack([expected] * 3, axis=2))


def test_16_bits_a_colour_are_scaled_and_not_clipped(tmp_path):
  values = np.array([[[0, 257 * 40, 65535], [257 * 200, 257 * 128, 257]]], '>u2')
  header = struct.pack('>LLBBBBB', 2, 1, 16, 2, 0, 0, 0)
  (tmp_path / 'a.png').write_bytes(
      b'\x89PNG\r\n\x1a\n' + _png_chunk(b'IHDR', header)
      + _png_chunk(b'IDAT', zlib.compress(b'\0' + values.tobytes())) + _png_chunk(b'IEND', b''))
  (tmp_path / 'a.ppm').write_bytes(b'P6 2 1 65535\n' + values.tobytes())
  for ending in ('png', 'ppm'):
    np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'a.{ending}'), values // 257)


@pytest.mark.parametrize('white', [1.0, 255.0, 65535.0, 1e6])
def test_floats_are_scaled_to_their_white(tmp_path, white):
  values = np.array([[0, 0.2, 0.6, 1.0]], np.float32) * white
  Image.fromarray(values).save(tmp_path / 'a.tiff')
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'a.tiff')[0, :, 0], [0, 51, 153, 255])


def test_floats_that_are_no_numbers_are_black(tmp_path):
  Image.fromarray(np.array([[np.nan, -np.inf, np.inf, 1.0]], np.float32)).save(tmp_path / 'a.tiff')
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'a.tiff')[0, :, 0], [0, 0, 0, 255])


def test_transparent_pixels_stand_before_neutral_grey(tmp_path):
  rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [255, 255, 255, 128]]], np.uint8)
  Image.fromarray(rgba).save(tmp_path / 'a.png')
  np.testing.assert_allclose(
      pictures.load_picture(tmp_path / 'a.png').astype(int), [[[255, 0, 0], [128, 128, 128], [192, 192, 192]]], atol=1)


def test_cmyk_palette_grey_lab_and_one_bit_become_rgb(tmp_path):
  picture = Image.fromarray(drawn.quarters())
  picture.convert('CMYK').save(tmp_path / 'cmyk.jpg', quality=98, subsampling=0)
  picture.quantize(8).save(tmp_path / 'palette.png')
  picture.convert('1').save(tmp_path / 'bit.png')
  ImageCms.profileToProfile(picture, ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB'),
                            outputMode='LAB').save(tmp_path / 'lab.tiff')
  inner = np.s_[5:15, 5:25]
  for name in ('cmyk.jpg', 'lab.tiff'):
    np.testing.assert_allclose(pictures.load_picture(tmp_path / name)[inner].mean((0, 1)), [255, 0, 0], atol=8)
  np.testing.assert_array_equal(pictures.load_picture(tmp_path / 'palette.png'), drawn.quarters())
  assert pictures.load_picture(tmp_path / 'bit.png').shape == (40, 60, 3)


@pytest.mark.parametrize('ending, options', [
    ('gif', {}), ('webp', {'lossless': True}), ('png', {}), ('tiff', {}), ('tif', {'big_tiff': True})])
def test_each_picture_of_a_file_is_read(tmp_path, ending, options):
  _save_several(tmp_path / f'a.{ending}', [10, 90, 200], **options)
  assert pictures.num_pictures(tmp_path / f'a.{ending}') == 3
  for index, value in ((2, 200), (0, 10), (1, 90)):
    np.testing.assert_array_equal(pictures.load_picture(tmp_path / f'a.{ending}', index), drawn.grey(value))
  read = list(pictures.load_pictures(tmp_path / f'a.{ending}', 1, 4))
  assert [round(image.mean()) for image in read[:2]] == [90, 200]
  assert str(read[2]) == 'unreadable: there is no picture 3 in it'


@pytest.mark.parametrize('ending', ['gif', 'webp', 'png', 'tiff', 'jpg', 'bmp'])
def test_a_file_of_one_picture_counts_as_one(tmp_path, ending):
  Image.fromarray(drawn.quarters()).save(tmp_path / f'a.{ending}')
  assert pictures.num_pictures(tmp_path / f'a.{ending}') == 1


def test_a_sequence_of_avif_is_counted(tmp_path):
  try:
    _save_several(tmp_path / 'a.avif', [10, 200])
    Image.fromarray(drawn.quarters()).save(tmp_path / 'b.avif')
  except (KeyError, ValueError):
    pytest.skip('this Pillow does not write AVIF')
  assert pictures.num_pictures(tmp_path / 'a.avif') == 2
  assert pictures.num_pictures(tmp_path / 'b.avif') == 1
  np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.avif', 1), drawn.grey(200), atol=3)


def test_pictures_that_change_a_part_of_the_last_one_come_whole(tmp_path):
  frames = [drawn.grey(60) for _ in range(4)]
  for i, frame in enumerate(frames):
    frame[4 * i:4 * i + 4, 8:16] = 250
  animations.save_animation(tmp_path / 'a.gif', frames, 5)
  for i in (3, 1, 2):
    np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.gif', i), frames[i], atol=1)


def test_a_cameras_preview_is_not_a_second_picture(tmp_path):
  first, preview = Image.fromarray(drawn.quarters()), Image.fromarray(drawn.grey(9))
  first.save(tmp_path / 'a.mpo', save_all=True, append_images=[preview], quality=98, subsampling=0)
  os.replace(tmp_path / 'a.mpo', tmp_path / 'a.jpg')
  with Image.open(tmp_path / 'a.jpg') as picture:
    assert (picture.format, picture.n_frames) == ('MPO', 2)
  assert pictures.num_pictures(tmp_path / 'a.jpg') == 1
  np.testing.assert_allclose(pictures.load_picture(tmp_path / 'a.jpg')[5, 5], [255, 0, 0], atol=9)


def test_an_open_file_is_read_as_its_path_is(tmp_path):
  _save_several(tmp_path / 'a.gif', [10, 90])
  file = io.BytesIO((tmp_path / 'a.gif').read_bytes())
  assert pictures.num_pictures(file) == 2
  file.seek(0)
  np.testing.assert_array_equal(pictures.load_picture(file, 1), drawn.grey(90))
  with pytest.raises(errors.InputError, match='unreadable: the file is empty'):
    pictures.load_picture(io.BytesIO())
  with pytest.raises(errors.InputError, match='unreadable: it is a text and no picture'):
    pictures.load_picture(io.BytesIO(b'text'))


def test_a_count_that_the_header_only_claims_is_bounded_by_the_files_size(tmp_path):
  _save_several(tmp_path / 'a.png', [10, 90])
  content = (tmp_path / 'a.png').read_bytes()
  place = content.index(b'acTL')
  claimed = _png_chunk(b'acTL', struct.pack('>LL', 10**9, 0))
  (tmp_path / 'a.png').write_bytes(content[:place - 4] + claimed + content[place + 16:])
  with Image.open(tmp_path / 'a.png') as picture:
    assert picture.n_frames == 10**9
  assert pictures.num_pictures(tmp_path / 'a.png') <= len(content) // 10


@pytest.mark.parametrize('content', [
    b'', b'GIF89a', b'\x89PNG\r\n\x1a\n\0\0', b'II*\0\xff\xff\xff\0', b'MM\0*\0', b'II+\0',
    b'RIFF\0\0\0\0WEBPVP8X\0\0\0\0\xff\0'])
def test_damaged_files_count_as_one_picture(tmp_path, content):
  (tmp_path / 'a.gif').write_bytes(content)
  assert pictures.num_pictures(tmp_path / 'a.gif') == 1


def test_absent_files_and_pipes_count_as_one_and_are_told(tmp_path):
  os.mkfifo(tmp_path / 'pipe.gif')
  for name, reason in (('pipe.gif', 'not a file'), ('absent.gif', 'the file is not there any more')):
    assert pictures.num_pictures(tmp_path / name) == 1
    with pytest.raises(errors.InputError, match=reason):
      pictures.load_picture(tmp_path / name)


def test_a_file_without_permission_counts_as_one_and_is_told_without_its_path(tmp_path, monkeypatch):
  def refuse(*arguments, **options):
    raise PermissionError(13, 'Permission denied', 'a.gif')

  (tmp_path / 'a.gif').touch()
  monkeypatch.setattr('builtins.open', refuse)
  assert pictures.num_pictures(tmp_path / 'a.gif') == 1
  with pytest.raises(errors.InputError, match='^unreadable: Permission denied$'):
    pictures.load_picture(tmp_path / 'a.gif')


def test_a_picture_up_to_twice_pillows_limit_is_read_and_a_larger_one_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
  for name, height in (('warned.png', 50), ('refused.png', 51)):
    Image.new('RGB', (40, height)).save(tmp_path / name)
  assert pictures.load_picture(tmp_path / 'warned.png').shape == (50, 40, 3)
  with pytest.raises(errors.InputError, match='unreadable: it claims more than 2,000 px'):
    pictures.load_picture(tmp_path / 'refused.png')


def test_a_later_page_beyond_the_limits_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
  small, large, wide = Image.new('RGB', (40, 40)), Image.new('RGB', (60, 60)), Image.new('L', (33_000, 1))
  small.save(tmp_path / 'a.tiff', save_all=True, append_images=[large, wide])
  read = list(pictures.load_pictures(tmp_path / 'a.tiff', 0, 3))
  assert read[0].shape == (40, 40, 3)
  assert str(read[1]) == 'unreadable: it claims more than 2,000 px'
  assert str(read[2]) == 'unreadable: 33000×1 px, but a side may have at most 32766'


def test_nothing_is_given_to_another_program(tmp_path):
  Image.fromarray(drawn.quarters()).save(tmp_path / 'a.eps')
  os.replace(tmp_path / 'a.eps', tmp_path / 'a.jpg')
  with pytest.raises(errors.InputError, match='it is a PostScript document: export it as JPEG'):
    pictures.load_picture(tmp_path / 'a.jpg')


@pytest.mark.parametrize('ending', [
    'jpg', 'png', 'gif', 'webp', 'bmp', 'ppm', 'tga', 'qoi', 'heic', 'avif', 'tiff', 'pcx', 'sgi', 'dds'])
def test_a_cut_off_picture_is_told(tmp_path, astronaut, ending):
  Image.fromarray(astronaut[::4, ::4]).save(tmp_path / f'a.{ending}')
  content = (tmp_path / f'a.{ending}').read_bytes()
  (tmp_path / f'a.{ending}').write_bytes(content[:len(content) * 2 // 3])
  with pytest.raises(errors.InputError, match='unreadable: it .*cut off'):
    pictures.load_picture(tmp_path / f'a.{ending}')


@pytest.mark.parametrize('mode', ['RGB', 'L', 'P', 'I;16', 'RGBA', 'CMYK'])
def test_very_large_pictures_are_shrunk_by_a_whole_number(tmp_path, monkeypatch, mode):
  monkeypatch.setattr(pictures, '_LARGEST_PX', 700)
  picture = Image.fromarray(drawn.quarters()).convert('L' if mode == 'I;16' else mode)
  if mode == 'I;16':
    picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
  path = tmp_path / ('a.tif' if mode == 'CMYK' else 'a.png')
  picture.save(path)
  image = pictures.load_picture(path)
  assert image.shape == (20, 30, 3)  # 2,400 px to 600
  monkeypatch.setattr(pictures, '_LARGEST_PX', 1 << 30)
  np.testing.assert_allclose(image.astype(int), pictures.load_picture(path)[1::2, 1::2], atol=1)
