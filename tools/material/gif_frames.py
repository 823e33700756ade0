"""Counts the pictures of a GIF up to a limit without decoding them: https://www.w3.org/Graphics/GIF/spec-gif89a.txt"""

_HEADER_BYTES = 13
_EXTENSION, _PICTURE = b'!', b','


def count(file, most):
  """Returns how many pictures a GIF holds, `most` at most; of one that is cut off, those that begin.

  Args:
    file: binary file object that can seek; it is left where it was.
    most: int.
  """
  position = file.tell()
  try:
    file.seek(0)
    _skip_palette(file, file.read(_HEADER_BYTES)[10:11])
    num_pictures = 0
    while num_pictures < most:
      block = file.read(1)
      if block == _EXTENSION:
        file.read(1)
      elif block == _PICTURE:
        num_pictures += 1
        _skip_palette(file, file.read(9)[8:9])
        file.read(1)  # the least size of a code
      else:  # the end, or damage
        break
      while size := file.read(1).rjust(1, b'\0')[0]:
        file.seek(size, 1)
    return num_pictures
  finally:
    file.seek(position)


def _skip_palette(file, flags):
  if flags and flags[0] & 0x80:
    file.seek(3 << (flags[0] & 7) + 1, 1)
