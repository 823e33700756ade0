"""Tests of what a file is said to be that is no picture; the files are made here."""

import struct

import numpy as np
from PIL import Image
from PIL import TiffImagePlugin
import pytest

from tests.tools.material import drawn
from tools.material import animations
from tools.material import other_files
from tools.material import pictures


def _why(path):
  with pytest.raises(pictures.PictureError) as caught:
    pictures.load_picture(path)
  return caught.value.value


@pytest.mark.parametrize('content, why', [
    (b'', 'the file is empty'), (bytes(5000), 'it holds nothing but zeros, as a copy that failed does'),
    (b'\n<!DOCTYPE html><html>Not found', 'it is an HTML page and no picture: the download failed'),
    (b'\xef\xbb\xbf<HTML>', 'it is an HTML page and no picture: the download failed'),
    (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', 'it is an SVG drawing: export it as JPEG'),
    (b'{"error": 404}', 'it is a text and no picture'), ('größe'.encode(), 'it is a text and no picture'),
    (b'%PDF-1.7\n', 'it is a PDF document: export it as JPEG'), (b'PK\3\4\x14\0', 'it is a zip archive and no picture'),
    (b'\xff\x0a\xfa\x7f\x90', 'it is a JPEG XL picture: export it as JPEG'),
    (b'\0\0\0\x0cJXL \r\n\x87\n', 'it is a JPEG XL picture: export it as JPEG'),
    (b'\0\0\0\x18ftypcrx \0\0\0\1', 'it is a raw photo (CR3): export it as JPEG'),
    (b'FUJIFILMCCD-RAW 0201', 'it is a raw photo (RAF): export it as JPEG'),
    (b'\0\0\0\x14ftypqt  \0\0\0\0', 'it is a video: --video takes it'),
    (b'\x1a\x45\xdf\xa3\x9f', 'it is a video: --video takes it'),
    (b'\x07\x91\x01\x8a\x9b\x7f\xe3\x00', 'not a picture that can be read'),
    (b'\xff\xd8\xff', 'it begins as JPEG does, but is cut off or damaged'),
    (b'\x89PNG\r\n\x1a\n\0\0', 'it begins as PNG does, but is cut off or damaged'),
    (b'\0\0\0\x18ftypheic\0\0\0\0', 'it begins as HEIC does, but is cut off or damaged'),
    (b'\0\0\0\x18ftypavif\0\0\0\0', 'it begins as AVIF does, but is cut off or damaged')])
def test_a_file_with_a_pictures_name_is_said_to_be_what_it_is(tmp_path, content, why):
  (tmp_path / 'a.jpg').write_bytes(content)
  assert _why(tmp_path / 'a.jpg') == why


def test_a_video_and_a_raw_photo_under_a_pictures_name_are_told(tmp_path):
  animations.save_animation(tmp_path / 'a.mp4', [drawn.grey(9)] * 3, 5)
  (tmp_path / 'a.mp4').rename(tmp_path / 'a.jpg')
  assert _why(tmp_path / 'a.jpg') == 'it is a video: --video takes it'
  tags = TiffImagePlugin.ImageFileDirectory_v2()
  tags.tagtype[50706], tags[50706] = TiffImagePlugin.TiffTags.BYTE, bytes([1, 4, 0, 0])
  Image.fromarray(drawn.quarters()).save(tmp_path / 'b.tif', tiffinfo=tags)
  assert _why(tmp_path / 'b.tif') == 'it is a raw photo: export it as JPEG'


def test_a_damaged_picture_keeps_what_its_reader_says(tmp_path):
  header = struct.pack('>LLBBBBB', 8, 8, 77, 2, 0, 0, 0)  # 77 bits a channel
  Image.fromarray(drawn.quarters()).save(tmp_path / 'a.png')
  content = (tmp_path / 'a.png').read_bytes()
  (tmp_path / 'a.png').write_bytes(content[:16] + header + content[29:])
  assert 'damaged' in _why(tmp_path / 'a.png')


@pytest.mark.parametrize('name, kind, value', [
    ('a.CR2', 'raw_photo', 'CR2'), ('a.dng', 'raw_photo', 'DNG'), ('a.rw2', 'raw_photo', 'RW2'),
    ('a.jxl', 'other_format', 'JPEG XL'), ('a.PSD', 'other_format', 'Photoshop'),
    ('a.mov', 'video_among_photos', 'MOV'), ('a.b.Mp4', 'video_among_photos', 'MP4')])
def test_endings_tell_what_is_left_out(name, kind, value):
  reason = other_files.kind_of(name)
  assert (reason.kind, reason.value, reason.limit) == (kind, value, None)


@pytest.mark.parametrize('name', ['a.txt', 'Thumbs.db', 'a.jpg', 'a.heic', 'mov', 'a.aae', 'a.xmp', 'a.json', 'a.ts'])
def test_pictures_and_what_is_nothing_of_the_kind_have_no_reason(name):
  assert other_files.kind_of(name) is None


def test_no_ending_is_both_a_pictures_and_another_files():
  assert not [ending for ending in pictures.ENDINGS if other_files.kind_of(f'a{ending}')]


def test_files_that_were_left_out_are_counted_in_a_line():
  rejected = other_files.rejections(['a.cr2', 'b.CR2', 'c.mov', 'd.mov'], ['c.jpg'])
  assert [each.key for each in rejected] == ['a.cr2', 'b.CR2', 'c.mov', 'd.mov']
  assert other_files.told(rejected) == (
      '2 × raw photo (CR2): export it as JPEG, 1 × film of a Live Photo, whose picture is looked at, '
      '1 × video (MOV) in the folder: --video takes it')
  assert other_files.told(()) == '' and np.size(other_files.rejections([], ['a.jpg'])) == 0
