"""Prints what a set of records holds and draws a contact sheet of its faces.

  python -m tools.show_records --records=records/me

The sheet, records/me.png, shows up to 64 faces spread evenly over the set, each with its number. Thin lines mark where
the eyes belong, rings where they are: in a good set the rings sit on the crossings, and on the eyes. The last line on
standard output is the sheet's path.
"""

from absl import app
from absl import flags

from dcgan import entry
from dcgan import errors

_RECORDS = flags.DEFINE_string('records', None, 'The set, as in records/NAME.')
_OUT = flags.DEFINE_string('out', None, 'The picture to write. By default records/NAME.png.')
_NUM_IMAGES = flags.DEFINE_integer('num_images', 64, 'How many faces the sheet shows at most.', lower_bound=1)


def main():
  """Prints what the set holds and draws the sheet; returns its path."""
  if not _RECORDS.value:
    raise app.UsageError('--records is needed: the set that tools.make_records printed, as in --records=records/me.')
  out = _OUT.value or f'{_RECORDS.value}.png'
  if not out.lower().endswith(('.png', '.jpg', '.webp')):
    raise errors.InputError(f'`out` ({out!r}) must end in .png, .jpg or .webp. Use --out={_RECORDS.value}.png.')
  from tools import contact_sheet  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return contact_sheet.show(_RECORDS.value, out, _NUM_IMAGES.value)


if __name__ == '__main__':
  entry.run(main)
