"""What a file is that has a video's name and cannot be read as one: said from its first bytes."""

import os

_NUM_BYTES = 4096
_LARGEST_BOX_HEADER = 16
_MARKS = ((b'\xff\xd8\xff', 'a picture (JPEG)'), (b'\x89PNG', 'a picture (PNG)'),
          (b'II*\0', 'a picture (TIFF)'), (b'MM\0*', 'a picture (TIFF)'), (b'%PDF', 'a PDF document'),
          (b'PK\x03\x04', 'a zip archive'), (b'Rar!', 'a RAR archive'), (b'7z\xbc\xaf\x27\x1c', 'a 7z archive'),
          (b'\x1f\x8b', 'a gzip archive'), (b'ID3', 'sound (MP3)'), (b'fLaC', 'sound (FLAC)'),
          (b'\x7fELF', 'a program'))
_PICTURE_BRANDS = {b'heic': 'HEIC', b'heix': 'HEIC', b'mif1': 'HEIF', b'avif': 'AVIF'}
_PICTURE_BRANDS_TOLD = ('(HEIC)', '(HEIF)', '(AVIF)')  # FFmpeg takes them for films in an MP4
_MP4_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'wide', b'skip', b'moof', b'styp', b'sidx')
_PICTURE_FORMATS = ('image2', '_pipe')  # what FFmpeg calls single pictures
_ADVICE = {'a picture': 'Use --photos with the folder it is in.',
           'a zip archive': 'Unpack it, and name the video in it.',
           'sound': 'Name a video.',
           'a web page': 'The browser saved the page in place of the video: download the video itself.'}


def explain(path, what_ffmpeg_says):
  """Returns a sentence that says why a file is no video, and what to do, to go behind its name.

  Args:
    path: str or `pathlib.Path` of a file.
    what_ffmpeg_says: str, the reason that is told where the file tells none.
  """
  try:
    num_bytes = os.path.getsize(path)
    with open(path, 'rb') as file:
      head = file.read(_NUM_BYTES)
      boxes = _boxes(file, num_bytes) if head[4:8] in _MP4_BOXES else []
  except OSError as error:
    return f'must be a video, but cannot be read ({error.strerror}). Check the file.'
  if not num_bytes:
    return 'must be a video, but is empty (0 bytes). Download, copy or record it again.'
  if not any(head):
    return ('must be a video, but begins with nothing but zeros, as a download or copy that was broken off leaves it. '
            'Download or copy it again.')
  if _kind(head):
    return _told(_kind(head))
  if boxes and b'moov' not in boxes and b'moof' not in boxes:
    return ('was cut off: it begins as an MP4 or MOV, but its index (moov), which is often written last, is missing. '
            'Download or copy it again; a recording that broke off needs a tool that repairs MP4, as untrunc.')
  if boxes:
    return f'is an MP4 or MOV that is damaged or cut off ({what_ffmpeg_says}). Download or copy it again.'
  return (f'must be a video, but is in no format that FFmpeg knows, or damaged from its first bytes on '
          f'({what_ffmpeg_says}). Check that it plays elsewhere, or download it again.')


def unlike_video(path, format_name, has_pictures):
  """Returns `explain`'s sentence of a file that FFmpeg reads, but for something that it is not, or None.

  It reads a single picture as a video of one frame, and some text as sound.

  Args:
    path: str or `pathlib.Path` of a file.
    format_name: str, the format that FFmpeg found.
    has_pictures: bool, whether it found any.
  """
  with open(path, 'rb') as file:
    kind = _kind(file.read(_NUM_BYTES))
  is_picture = format_name.endswith(_PICTURE_FORMATS) or kind and kind.endswith(_PICTURE_BRANDS_TOLD)
  if has_pictures and not is_picture:
    return None
  return _told(kind or f'a picture ({format_name.removesuffix("_pipe")})') if kind or is_picture else None


def _told(kind):
  advice = next((advice for start, advice in _ADVICE.items() if kind.startswith(start)), 'Name a video.')
  return f'must be a video, but looks like {kind}. {advice}'


def _kind(head):
  """Returns what a file that begins so looks like, or None."""
  for mark, kind in _MARKS:
    if head.startswith(mark):
      return kind
  if head[4:8] == b'ftyp' and head[8:12] in _PICTURE_BRANDS:
    return f'a picture ({_PICTURE_BRANDS[head[8:12]]})'
  if head[:4] == b'RIFF' and head[8:12] == b'WEBP':
    return 'a picture (WebP)'
  text = head.decode('latin-1').strip().lower()
  if any(ord(letter) < 32 and letter not in '\t\r\n\f\x1b' for letter in text):
    return None
  if text.startswith('#extm3u'):
    return 'a playlist, which only names videos (M3U)'
  if '<html' in text or '<!doctype html' in text:
    return 'a web page'
  return 'text'


def _boxes(file, num_bytes):
  """Returns the names of an MP4's outermost boxes, up to the first one that is none."""
  names, position = [], 0
  while position + 8 <= num_bytes:
    file.seek(position)
    header = file.read(_LARGEST_BOX_HEADER)
    size = int.from_bytes(header[:4], 'big')
    if size == 1:
      size = int.from_bytes(header[8:16], 'big')
    if not header[4:8].isalnum() or size and size < 8:
      break
    names.append(header[4:8])
    position += size or num_bytes  # 0 reaches to the end
  return names
