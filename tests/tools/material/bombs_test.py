"""Tests of pictures that are small files and would be large in memory or time."""

import struct
import time
import zlib

import numpy as np
from PIL import Image
import pytest

from dcgan.data import manifests
from tests.tools.material import drawn
from tools.material import gif_frames
from tools.material import pictures
from tools.material import sources

_GIF_HEADER = b'GIF89a' + struct.pack('<HHBBB', 4, 4, 0x80, 0, 0) + b'\0\0\0\xff\xff\xff'
_GIF_FRAME = b',' + struct.pack('<HHHHB', 0, 0, 4, 4, 0) + b'\2\2\x84Q\0'


def _png(width, height, content=b'', bits=8):
  chunks = ((b'IHDR', struct.pack('>LLBBBBB', width, height, bits, 0, 0, 0, 0)), (b'IDAT', content), (b'IEND', b''))
  return b'\x89PNG\r\n\x1a\n' + b''.join(struct.pack('>L', len(data)) + kind + data
                                         + struct.pack('>L', zlib.crc32(kind + data)) for kind, data in chunks)


def test_a_header_of_absurd_size_is_refused_in_a_line(tmp_path):
  (tmp_path / 'a.png').write_bytes(_png(100_000, 100_000))
  (item,) = sources.PhotoSource(tmp_path).read(0, 1)
  assert item.reason == manifests.Reason('unreadable', f'it claims more than {2 * Image.MAX_IMAGE_PIXELS:,} px')


def test_a_real_picture_of_30_000_by_30_000_px_is_refused_before_it_is_decoded(tmp_path):
  packer = zlib.compressobj(1)
  content = b''.join(packer.compress(bytes(3751)) for _ in range(30_000)) + packer.flush()
  (tmp_path / 'a.png').write_bytes(_png(30_000, 30_000, content, bits=1))
  start = time.process_time()
  with pytest.raises(pictures.PictureError, match='it claims more than'):
    pictures.load_picture(tmp_path / 'a.png')
  assert time.process_time() - start < 1


def test_pictures_of_a_gif_are_counted_as_pillow_does(tmp_path):
  frames = [Image.fromarray(np.random.default_rng(i).integers(0, 255, [30, 40], np.uint8)) for i in range(7)]
  frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:], comment=b'x' * 700)
  with Image.open(tmp_path / 'a.gif') as picture, open(tmp_path / 'a.gif', 'rb') as file:
    assert picture.n_frames == gif_frames.count(file, 100) == 7
    assert gif_frames.count(file, 5) == 5 and file.tell() == 0


@pytest.mark.parametrize('num_frames, is_too_many', [(10_000, False), (300_000, True)])
def test_a_gif_of_very_many_pictures_is_refused_in_little_time(tmp_path, num_frames, is_too_many):
  (tmp_path / 'a.gif').write_bytes(_GIF_HEADER + _GIF_FRAME * num_frames + b';')
  start = time.process_time()
  source = sources.PhotoSource(tmp_path)
  assert time.process_time() - start < 3
  if not is_too_many:
    assert source.num_inputs == num_frames
    return
  (item,) = source.read(0, 9)
  assert item == manifests.Rejection('a.gif', manifests.Reason(
      'unreadable', 'it holds over 10,000 pictures: make a video of it, which --video takes'))


def test_an_apng_and_a_tiff_of_too_many_pictures_are_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(pictures, '_MOST_PICTURES', 3)
  pages = [Image.fromarray(drawn.grey(20 * i)) for i in range(5)]
  for name in ('a.tif', 'b.png', 'c.tif'):
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:2] if name == 'c.tif' else pages[1:])
  items = list(sources.PhotoSource(tmp_path).read(0, 9))
  assert [item.key for item in items] == ['a.tif', 'b.png', 'c.tif#0000', 'c.tif#0001']
  assert [isinstance(item, manifests.Rejection) for item in items] == [True, True, False, False]
  assert 'over 3 pictures' in items[0].reason.value
