"""Tests of what is said of files that have a video's name and are none, or no whole one."""

import io
import zipfile

import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from tests.tools.material import films
from tools.material import foreign
from tools.material import videos


def _picture(file_format):
  encoded = io.BytesIO()
  Image.new('RGB', (64, 48), (200, 30, 30)).save(encoded, file_format)
  return encoded.getvalue()


def _zip():
  packed = io.BytesIO()
  with zipfile.ZipFile(packed, 'w') as archive:
    archive.writestr('film.mp4', b'0' * 100)
  return packed.getvalue()


_HTML = b'\n<!DOCTYPE html>\n<html lang="de"><head><title>Video f\xfcr dich</title></head>' + b'<p>words</p>\n' * 500
_SUBTITLES = b'1\n00:00:01,000 --> 00:00:02,000\nhello\n\n2\n00:00:03,000 --> 00:00:04,000\nyou\n'


@pytest.mark.parametrize('content, told', [
    (b'', r'is empty \(0 bytes\).*again'), (bytes(100_000), 'begins with nothing but zeros.*again'),
    (_HTML, 'looks like a web page. The browser saved'), ('Grüße\n'.encode() * 900, 'looks like text'),
    (_SUBTITLES, 'looks like text'), (b'#EXTM3U\n#EXTINF:9,\na.ts\n#EXT-X-ENDLIST\n', 'looks like a playlist'),
    (_picture('JPEG'), r'looks like a picture \(JPEG\).*--photos'), (_picture('PNG'), r'a picture \(PNG\).*--photos'),
    (_picture('WEBP'), r'a picture \(WebP\).*--photos'), (_picture('BMP'), r'a picture \(bmp\).*--photos'),
    (_picture('TIFF'), r'a picture \(TIFF\).*--photos'), (_picture('AVIF'), r'a picture \(AVIF\).*--photos'),
    (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(1000), r'a picture \(HEIC\).*--photos'),
    (_zip(), 'looks like a zip archive. Unpack it'), (b'%PDF-1.7\n%\xe2\xe3\0' + bytes(999), 'looks like a PDF'),
    (np.random.default_rng(0).bytes(50_000), 'no format that FFmpeg knows.*Check that it plays elsewhere')])
def test_a_file_that_is_no_video_is_told_for_what_it_is(tmp_path, content, told):
  (tmp_path / 'v.mp4').write_bytes(content)
  with pytest.raises(errors.InputError, match=rf'v\.mp4` .*{told}') as caught:
    videos.Video(tmp_path / 'v.mp4')
  assert '\n' not in str(caught.value) and 'Convert it to MP4' not in str(caught.value)


@pytest.mark.parametrize('num_bytes', [12, 200, 1000])
def test_an_mp4_that_was_cut_off_before_its_index_is_told(tmp_path, num_bytes):
  film = films.encode(tmp_path / 'v.mp4', films.greys(40))  # without faststart the index comes last
  content = film.read_bytes()
  assert content.find(b'moov') > 1000
  film.write_bytes(content[:num_bytes])
  with pytest.raises(errors.InputError, match=r'v\.mp4` was cut off.*index \(moov\).* is missing.*again'):
    videos.Video(film)


def test_an_mp4_whose_index_is_damaged_is_told(tmp_path):
  film = films.encode(tmp_path / 'v.mp4', films.greys(20), muxer_options={'movflags': '+faststart'})
  content = film.read_bytes()
  film.write_bytes(content[:content.find(b'moov') + 60])
  with pytest.raises(errors.InputError, match=r'v\.mp4` is an MP4 or MOV that is damaged or cut off'):
    videos.Video(film)


def test_pictures_in_a_way_that_ffmpeg_does_not_know_are_told(tmp_path):
  film = films.encode(tmp_path / 'v.mp4', films.greys(20))
  content = film.read_bytes()
  start = content.find(b'avc1', content.find(b'stsd'))
  film.write_bytes(content[:start] + b'xyzw' + content[start + 4:])
  with pytest.raises(errors.InputError, match=r'v\.mp4` stores its pictures in a way that FFmpeg does not know'):
    videos.Video(film)


def test_an_unreadable_file_is_told(tmp_path):
  assert 'cannot be read (No such file' in foreign.explain(tmp_path / 'absent.mp4', 'reason')
