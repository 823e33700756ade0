"""How long names of sets, runs and files may be: file systems count bytes, of which a CJK letter has three."""

import os

from dcgan.common import errors

MOST_BYTES = 255  # of one name, in nearly every file system
# A set lends its name to shards (24 bytes more) and runs: 00007-SET128-from-DONOR128-NOTE.
SET_BYTES = 120
DONOR_BYTES = 60
NOTE_BYTES = 40


def shortened(name, most_bytes):
  """Returns the beginning of a name (str) that is at most `most_bytes` (int) long; it ends with a whole letter."""
  while num_bytes(name) > most_bytes:
    name = name[:-1]
  return name


def num_bytes(name):
  """Returns how many bytes (int) a name takes on the disk."""
  return len(name.encode('utf-8', 'surrogateescape'))


def check(flag, name, most_bytes):
  """Checks a part of a name that a user gave.

  Args:
    flag: str, the flag's name.
    name: str.
    most_bytes: int.

  Raises:
    errors.InputError: it is longer, or would lead into another folder.
  """
  if os.sep in name or '\0' in name:
    raise errors.InputError(f'`{flag}` ({name!r}) must be a name without a slash. Use --{flag}=me.')
  if num_bytes(name) > most_bytes:
    raise errors.InputError(f'`{flag}` ({name}) must be at most {most_bytes} bytes, but has {num_bytes(name)}: files '
                            'and folders are named after it. Shorten it to '
                            f'{len(shortened(name, most_bytes))} letters or fewer.')
