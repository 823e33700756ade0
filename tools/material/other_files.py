"""Files that are no picture which can be read: what they are, by their ending or their first bytes, and what to do.

A raw photo or a video between photos is not looked at, but it is counted and told; a text or a database is passed over.
"""

import collections
import os

from dcgan.data import manifests

# Kinds of `manifests.Reason`.
RAW_PHOTO, OTHER_FORMAT, VIDEO = 'raw_photo', 'other_format', 'video_among_photos'
RAW_COPY, LIVE_PHOTO = 'raw_copy', 'live_photo'

# What each is called; {value} stands for its format, --video for the flag of the commands.
SENTENCES = {
    RAW_PHOTO: 'raw photo ({value}): export it as JPEG',
    OTHER_FORMAT: '{value}, a format that is not read: export it as JPEG',
    VIDEO: 'video ({value}) in the folder: --video takes it',
    RAW_COPY: 'raw photo beside a picture of the same name, which is looked at',
    LIVE_PHOTO: 'film of a Live Photo, whose picture is looked at'}

HEAD_BYTES = 4096  # of a file, in which what it is shows

_RAW_ENDINGS = ('.3fr', '.arw', '.cr2', '.cr3', '.crw', '.dcr', '.dng', '.erf', '.fff', '.gpr', '.iiq', '.k25', '.kdc',
                '.mef', '.mos', '.mrw', '.nef', '.nrw', '.orf', '.pef', '.raf', '.raw', '.rw2', '.rwl', '.sr2', '.srf',
                '.srw', '.x3f')
_VIDEO_ENDINGS = ('.3g2', '.3gp', '.asf', '.avi', '.flv', '.insv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg',
                  '.mpg', '.mts', '.ogv', '.qt', '.vob', '.webm', '.wmv')
_OTHER_ENDINGS = {'.ai': 'Illustrator', '.eps': 'EPS', '.exr': 'OpenEXR', '.hdr': 'Radiance HDR', '.jxl': 'JPEG XL',
                  '.jxr': 'JPEG XR', '.kra': 'Krita', '.pdf': 'PDF', '.ps': 'PostScript', '.psb': 'Photoshop',
                  '.psd': 'Photoshop', '.svg': 'SVG', '.svgz': 'SVG', '.wdp': 'JPEG XR', '.xcf': 'GIMP'}

# What a file begins with, where that is, and what it is.
_FOREIGN = (
    (0, b'\xff\x0a', 'a JPEG XL picture'), (4, b'JXL \r\n', 'a JPEG XL picture'),
    (0, b'8BPS', 'a Photoshop document'), (0, b'%PDF', 'a PDF document'), (0, b'%!PS', 'a PostScript document'),
    (8, b'CR\x02', 'a raw photo (CR2)'), (4, b'ftypcrx', 'a raw photo (CR3)'), (0, b'FUJIFILM', 'a raw photo (RAF)'),
    (0, b'IIRO', 'a raw photo (ORF)'), (0, b'IIRS', 'a raw photo (ORF)'), (0, b'MMOR', 'a raw photo (ORF)'),
    (0, b'IIU\0', 'a raw photo (RW2)'), (0, b'FOVb', 'a raw photo (X3F)'),
    (0, b'\x1a\x45\xdf\xa3', 'a video'), (8, b'AVI ', 'a video'), (0, b'FLV\1', 'a video'), (0, b'OggS', 'a video'),
    (0, b'\x30\x26\xb2\x75', 'a video'), (0, b'\0\0\1\xba', 'a video'), (0, b'\0\0\1\xb3', 'a video'),
    (4, b'moov', 'a video'), (4, b'mdat', 'a video'), (4, b'wide', 'a video'), (4, b'free', 'a video'),
    (0, b'PK\3\4', 'a zip archive'), (0, b'Rar!', 'an archive'), (0, b'7z\xbc\xaf', 'an archive'),
    (0, b'\x1f\x8b', 'a compressed file (gzip)'), (0, b'SQLite', 'a database'), (0, b'bplist', 'a list of settings'),
    (0, b'ID3', 'a sound'), (8, b'WAVE', 'a sound'), (0, b'\0\5\x16\7', 'the shadow file of a Mac'))
_PICTURES = (
    (0, b'\xff\xd8\xff', 'JPEG'), (0, b'\x89PNG', 'PNG'), (0, b'GIF8', 'GIF'), (8, b'WEBP', 'WebP'), (0, b'BM', 'BMP'),
    (0, b'II*\0', 'TIFF'), (0, b'MM\0*', 'TIFF'), (0, b'II+\0', 'TIFF'), (0, b'qoif', 'QOI'), (4, b'jP  ', 'JPEG 2000'),
    (0, b'\xff\x4f\xff\x51', 'JPEG 2000'), (0, b'DDS ', 'DDS'))
_HEIF_BRANDS = (b'avif', b'avis', b'heic', b'heim', b'heis', b'heix', b'hevc', b'hevx', b'mif1', b'mif2', b'msf1')
_CUT_OFF_WORDS = ('truncated', 'end of file', 'eof', 'not enough image data', 'only got', 'incomplete header',
                  'index out of range', 'reached end')
_TEXT_BYTES = bytes(range(32, 127)) + b'\t\n\r\f\x1b' + bytes(range(128, 256))


def kind_of(name):
  """Returns the `manifests.Reason` against a file that its ending, in any case, says is no picture; else None."""
  ending = os.path.splitext(name)[1].lower()
  if ending in _RAW_ENDINGS:
    return manifests.Reason(RAW_PHOTO, ending[1:].upper())
  if ending in _VIDEO_ENDINGS:
    return manifests.Reason(VIDEO, ending[1:].upper())
  return manifests.Reason(OTHER_FORMAT, _OTHER_ENDINGS[ending]) if ending in _OTHER_ENDINGS else None


def rejections(others, keys):
  """Returns the `manifests.Rejection`s of files that are no pictures, sorted by key.

  Args:
    others: iterable of str, the keys of such files, all of which `kind_of` knows.
    keys: iterable of str, those of the pictures: what is a second form of one of them is told as that.
  """
  pictures = {os.path.splitext(key)[0].lower(): key for key in keys} if others else {}
  found = []
  for key in sorted(others):
    reason, picture = kind_of(key), pictures.get(os.path.splitext(key)[0].lower())
    if picture is not None and reason.kind in (RAW_PHOTO, VIDEO):
      reason = manifests.Reason(RAW_COPY if reason.kind == RAW_PHOTO else LIVE_PHOTO, picture)
    found.append(manifests.Rejection(key, reason))
  return tuple(found)


def told(rejected):
  """Returns what files were passed over and what to do, as in '3 × raw photo (CR2): export it as JPEG', or ''."""
  counts = collections.Counter(SENTENCES[each.reason.kind].format(value=each.reason.value) for each in rejected)
  return ', '.join(f'{count:,} × {sentence}' for sentence, count in counts.most_common())


def why_unreadable(head, num_bytes, error=None):
  """Returns why a file with a picture's name cannot be read, in words.

  Args:
    head: bytes, its first `HEAD_BYTES`.
    num_bytes: int, its size.
    error: str, what the reader of its format said; None where no reader took it.
  """
  if not num_bytes:
    return 'the file is empty'
  if error is None or 'cannot find loader' in error:
    foreign = _foreign(head)
    if foreign:
      return foreign
  name = next((name for place, magic, name in _PICTURES if head.startswith(magic, place)), None)
  if head[4:8] == b'ftyp' and head[8:12] in _HEIF_BRANDS:
    name = 'AVIF' if head[8:11] == b'avi' else 'HEIC'
  # A file of the web's formats tells its size: what is shorter was not copied to its end.
  is_short = name == 'WebP' and num_bytes < int.from_bytes(head[4:8], 'little') + 8
  if is_short or error is not None and any(word in error.lower() for word in _CUT_OFF_WORDS):
    return 'it is cut off: its end is missing'
  if error is None and name:
    return f'it begins as {name} does, but is cut off or damaged'
  if error is None:
    is_text = not head.translate(None, _TEXT_BYTES)
    return 'it is a text and no picture' if is_text else 'not a picture that can be read'
  return f'it is damaged ({error})' if name else error


def _foreign(head):
  """Returns what a file is that is no picture to read, as in 'it is an HTML page and no picture', or None."""
  for place, magic, what in _FOREIGN:
    if head.startswith(magic, place):
      return f'it is {what}{_what_to_do(what)}'
  if head[4:8] == b'ftyp' and head[8:12] not in _HEIF_BRANDS:
    return f'it is a video{_what_to_do("a video")}'
  if not head.strip(b'\0'):
    return 'it holds nothing but zeros, as a copy that failed does'
  start = head.lstrip(b'\xef\xbb\xbf \t\r\n').lower()
  if start.startswith((b'<!doctype html', b'<html', b'<head', b'<body')):
    return 'it is an HTML page and no picture: the download failed'
  if start.startswith((b'<svg', b'<!doctype svg')) or start.startswith(b'<?xml') and b'<svg' in start:
    return f'it is an SVG drawing{_what_to_do("a drawing")}'
  return None


def _what_to_do(what):
  if 'video' in what:
    return ': --video takes it'
  return ': export it as JPEG' if any(word in what for word in ('picture', 'photo', 'doc', 'draw')) else (
      ' and no picture')
