"""Tests of videos from the web: a server on this machine serves a video made here."""

import functools
import http.server
import logging as standard_logging
import sys
import threading

from absl import logging
import numpy as np
import pytest

from dcgan.common import errors
from tools.material import animations
from tools.material import downloads
from tools.material import videos


class _Handler(http.server.SimpleHTTPRequestHandler):
  """Serves files; /cut.mp4 ends halfway; notes what was asked for."""

  asked = []

  def do_GET(self):
    self.asked.append(self.path)
    if self.path != '/cut.mp4':
      super().do_GET()
      return
    with open(f'{self.directory}/My clip.mp4', 'rb') as file:
      content = file.read()
    self.send_response(200)
    self.send_header('Content-Type', 'video/mp4')
    self.send_header('Content-Length', str(len(content)))
    self.end_headers()
    self.wfile.write(content[:len(content) // 2])

  def log_message(self, *arguments):  # pylint: disable=arguments-differ
    pass


@pytest.fixture
def address(tmp_path, monkeypatch):
  """Yields the address of a server of `tmp_path`/site with the video 'My clip.mp4' of 30 noisy frames."""
  for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'):
    monkeypatch.delenv(name, raising=False)
  rng = np.random.default_rng(0)
  frames = [rng.integers(0, 255, [64, 64, 3], np.uint8) for _ in range(30)]
  animations.save_animation(tmp_path / 'site' / 'My clip.mp4', frames, 10)
  (tmp_path / 'site' / 'page.html').write_text('<html><body>No video here.</body></html>')
  (tmp_path / 'site' / 'two.html').write_text('<html><title>Two</title><body>' + ''.join(
      f'<video src="{name}.mp4"></video>' for name in ('one', 'other')) + '</body></html>')
  monkeypatch.setattr(_Handler, 'asked', [])
  handler = functools.partial(_Handler, directory=str(tmp_path / 'site'))
  with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()


def test_a_video_is_fetched_whole_under_a_plain_name(tmp_path, address):
  path = downloads.fetch(f'{address}/My%20clip.mp4', tmp_path / 'clips')
  assert [path] == [str(path) for path in (tmp_path / 'clips').iterdir()]
  assert path.startswith(f'{tmp_path}/clips/My_clip-') and path.endswith('.mp4') and isinstance(path, str)
  with open(path, 'rb') as file:
    assert file.read() == (tmp_path / 'site' / 'My clip.mp4').read_bytes()
  assert videos.Video(path).duration_secs == pytest.approx(3.0)


def test_a_second_call_finds_the_file_again(tmp_path, address):
  first = downloads.fetch(f'{address}/My%20clip.mp4', tmp_path)
  with open(first, 'ab') as file:
    file.write(b'as it is')
  assert downloads.fetch(f'{address}/My%20clip.mp4', tmp_path) == first
  with open(first, 'rb') as file:
    assert file.read().endswith(b'as it is')


def test_videos_of_one_name_from_two_addresses_are_two_files(tmp_path, address):
  (tmp_path / 'site' / 'b').mkdir()
  animations.save_animation(tmp_path / 'site' / 'b' / 'My clip.mp4', [np.zeros([32, 32, 3], np.uint8)] * 5, 5)
  paths = [downloads.fetch(f'{address}/{folder}My%20clip.mp4', tmp_path / 'clips') for folder in ('', 'b/')]
  assert [videos.Video(path).duration_secs for path in paths] == pytest.approx([3.0, 1.0])


@pytest.mark.parametrize('page, reason', [
    ('absent.mp4', r'HTTP Error 404: File not found\)'), ('page.html', 'Unsupported URL'),
    ('cut.mp4', 'bytes read, .* more expected'), ('two.html', 'is a list of videos, but must be one')])
def test_what_cannot_be_fetched_is_told_in_one_line_and_leaves_no_video(tmp_path, address, page, reason):
  with pytest.raises(errors.InputError, match=reason) as caught:
    downloads.fetch(f'{address}/{page}', tmp_path / 'clips')
  message = str(caught.value)
  assert message.startswith(f'`{address}/{page}` ') and '\n' not in message and 'report' not in message
  assert not list((tmp_path / 'clips').glob('*.mp4'))


def test_an_address_without_a_server_is_told(tmp_path):
  with pytest.raises(errors.InputError, match=r'127\.0\.0\.1:1/a\.mp4` cannot be downloaded .*refused'):
    downloads.fetch('http://127.0.0.1:1/a.mp4', tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(errors.InputError, match=r'cannot be downloaded \((Not a directory|File exists)\)'):
    downloads.fetch('http://127.0.0.1:1/a.mp4', tmp_path / 'file')


@pytest.mark.parametrize('info, message', [({'is_live': True}, 'is a live stream'), ({}, 'gave no file')])
def test_live_streams_and_nothing_are_refused(tmp_path, monkeypatch, info, message):
  import yt_dlp  # pylint: disable=import-outside-toplevel

  monkeypatch.setattr(yt_dlp.YoutubeDL, 'extract_info', lambda self, url, download: dict(info))
  monkeypatch.setattr(yt_dlp.YoutubeDL, 'process_ie_result', lambda self, info, download: {
      'requested_downloads': [{'filepath': str(tmp_path / 'absent.mp4')}]})
  with pytest.raises(errors.InputError, match=message):
    downloads.fetch('https://example.invalid/watch', tmp_path)


def test_the_best_picture_up_to_1080_lines_is_chosen_whatever_its_sound(tmp_path, monkeypatch):
  import yt_dlp  # pylint: disable=import-outside-toplevel

  def formats(*sizes):
    return [{'format_id': f'{width}x{height}', 'url': f'https://example.invalid/{width}x{height}.mp4', 'ext': 'mp4',
             'width': width, 'height': height, 'vcodec': 'avc1', 'acodec': 'none'} for width, height in sizes]

  chosen = []
  monkeypatch.setattr(yt_dlp.YoutubeDL, 'process_info', lambda self, info: chosen.append(info['format_id']))
  options = downloads._options(tmp_path, downloads._Bar())  # pylint: disable=protected-access
  with yt_dlp.YoutubeDL(options) as downloader:
    for sizes in ([(640, 360), (1920, 1080), (3840, 2160)], [(360, 640), (1080, 1920), (2160, 3840)],
                  [(2560, 1440), (3840, 2160)]):
      downloader.process_ie_result({'id': 'a', 'title': 'a', 'extractor': 'x', 'formats': formats(*sizes)})
  assert chosen == ['1920x1080', '1080x1920', '2560x1440']


def test_without_yt_dlp_the_extra_is_named(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'yt_dlp', None)
  with pytest.raises(errors.InputError, match=r"needs yt-dlp, which is not installed.*pip install '\.\[youtube\]'"):
    downloads.fetch('https://example.invalid/watch', tmp_path)


@pytest.mark.parametrize('text, answer', [
    ('https://example.invalid/a', True), ('HTTP://example.invalid', True), ('clip.mp4', False),
    ('file:///a.mp4', False), ('a/https://b', False), ('ftp://example.invalid/a.mp4', False)])
def test_web_addresses_are_told_from_paths(tmp_path, text, answer):
  assert downloads.is_url(text) == answer
  if not answer:
    with pytest.raises(errors.InputError, match='must start with https://'):
      downloads.fetch(text, tmp_path)


def test_progress_and_warnings_go_to_our_log(tmp_path, address, capfd):
  lines = []
  handler = standard_logging.Handler()
  handler.emit = lambda record: lines.append(record.getMessage())
  logging.get_absl_logger().addHandler(handler)
  try:
    downloads.fetch(f'{address}/My%20clip.mp4', tmp_path)
  finally:
    logging.get_absl_logger().removeHandler(handler)
  assert any(line.startswith('downloading: ') and ' kB' in line for line in lines)
  assert capfd.readouterr().out == ''
