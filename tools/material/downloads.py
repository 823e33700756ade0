"""Videos from the web, by yt-dlp: each is fetched once and stays a file."""

import hashlib
import os
import re

from absl import logging

from dcgan.common import errors
from dcgan.common import progress

_MAX_HEIGHT_PX = 1080  # of the shorter side; a face of more is shrunk anyway
_NUM_RETRIES = 3
_TIMEOUT_SECS = 30
_MAX_TITLE_BYTES = 80


def is_url(path):
  """Whether `path` is the address of a page or file on the web and not a path."""
  return re.match('https?://', str(path), re.IGNORECASE) is not None


def fetch(url, folder):
  """Returns the path (str) of the video at `url` in `folder`, downloaded unless it is there already.

  The best pictures up to 1080p are taken, sound is not needed. The file's name is the title in plain letters and a
  digest of the address; it appears under that name when it is whole. No playlists, no live streams.

  Args:
    url: str, http or https: a page of a video site, or the video file itself.
    folder: str or `pathlib.Path`; made when missing.

  Raises:
    errors.InputError: yt-dlp is not installed, `url` is no web address, leads to several videos or to a live stream, or
      the download failed.
  """
  if not is_url(url):
    raise errors.InputError(f'`url` ({url}) must start with https:// or http://. Name a file by its path.')
  try:
    import yt_dlp  # pylint: disable=import-outside-toplevel  # slow, and only this function needs it
  except ImportError as error:
    raise errors.InputError(f'`{url}` needs yt-dlp, which is not installed. Install it with `pip install '
                            '\'.[youtube]\'`, or download the video yourself and name the file.') from error
  try:
    os.makedirs(folder, exist_ok=True)
    with _Bar() as bar, yt_dlp.YoutubeDL(_options(folder, bar)) as downloader:
      info = downloader.extract_info(url, download=False)
      _check_single(info, url)
      address = info.get('webpage_url') or url
      # Another site's video may have the same title; a site's many addresses of one video become one page.
      info['address_digest'] = hashlib.sha256(address.encode('utf-8', 'replace')).hexdigest()[:8]
      info = downloader.process_ie_result(info, download=True)
    path = info['requested_downloads'][0]['filepath']
  except (yt_dlp.utils.YoutubeDLError, OSError) as error:
    raise errors.InputError(f'`{url}` cannot be downloaded ({_reason(error)}). Check the address and the connection, '
                            'or download the video yourself and name the file.') from error
  if not os.path.isfile(path):
    raise errors.InputError(f'`{url}` gave no file. Download the video yourself and name the file.')
  logging.info('%s is %s', url, path)
  return path


def _options(folder, bar):
  return {
      'format': 'bv/b',
      'format_sort': [f'res:{_MAX_HEIGHT_PX}', '+hdr'],  # the largest up to it, else the next one; plain colours first
      'paths': {'home': os.fspath(folder)},
      'outtmpl': f'%(title).{_MAX_TITLE_BYTES}B-%(address_digest)s.%(ext)s',
      'restrictfilenames': True,
      'noplaylist': True,
      'extract_flat': 'in_playlist',
      'playlistend': 2,
      'retries': _NUM_RETRIES,
      'fragment_retries': _NUM_RETRIES,
      'skip_unavailable_fragments': False,
      'socket_timeout': _TIMEOUT_SECS,
      'fixup': 'never',  # would run ffmpeg; PyAV reads the files as they are
      'quiet': True,
      'noprogress': True,
      'color': 'no_color',
      'logger': _Logger(),
      'progress_hooks': [bar.on_progress],
  }


def _check_single(info, url):
  if info.get('_type', 'video') != 'video':
    raise errors.InputError(f'`{url}` is a list of videos, but must be one. Name each video by its own address.')
  if info.get('is_live'):
    raise errors.InputError(f'`{url}` is a live stream, which has no end. Name a video that is whole.')


def _reason(error):
  """Returns what yt-dlp or the system says, in one line without calls to report a bug."""
  text = getattr(error, 'strerror', None) or str(error)
  text = re.split(r'[;.] please report| \(caused by ', ' '.join(text.split()))[0]
  return re.sub(r'^ERROR: ', '', text).rstrip('.') or type(error).__name__


class _Logger:
  """Takes yt-dlp's messages; its errors are raised too."""

  def debug(self, message):
    pass

  def info(self, message):
    pass

  def warning(self, message):
    logging.info('yt-dlp: %s', message)

  def error(self, message):
    pass


class _Bar:
  """Shows a download's progress from its first bytes on."""

  def __init__(self):
    self._bar = None
    self._done_kb = 0

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    if self._bar is not None:
      self._bar.__exit__(*exception)

  def on_progress(self, status):
    """Is called by yt-dlp with a dict about the file that it writes."""
    if self._bar is None:
      total = status.get('total_bytes') or status.get('total_bytes_estimate')
      self._bar = progress.Progress(total and int(total) // 1000, 'downloading', 'kB')
    done_kb = int(status.get('downloaded_bytes') or 0) // 1000
    self._bar.update(max(0, done_kb - self._done_kb))
    self._done_kb = max(done_kb, self._done_kb)
