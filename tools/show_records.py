"""Tells what a set of records holds and what it lacks, and draws its report card.

  python -m tools.show_records --records=records/me
  python -m tools.show_records --records=records/me --verify

The card, records/me.png, shows counts, advice, how heads are turned and what mouths and eyes do, and up to 64 faces
spread evenly over the set, each with its number. Thin lines mark where the eyes belong, rings where they are: in a good
set the rings sit on the crossings, and on the eyes. --verify instead checks every file and record against the manifest,
and names the first that is damaged. The last line on standard output is the path of the card, or the set.
"""

from absl import app
from absl import flags

from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import wording

_RECORDS = entry.define_path('records', None, 'The set, as in records/NAME.')
_OUT = entry.define_path('out', None, 'The picture to write. By default records/NAME.png.')
_NUM_IMAGES = flags.DEFINE_integer('num_images', 64, 'How many faces the card shows at most.', lower_bound=1)
_VERIFY = flags.DEFINE_bool('verify', False, 'Check every file and record instead of drawing the card.')


def main():
  """Tells what the set holds and draws its card, or checks it; returns the card's path, or the set's prefix."""
  if not _RECORDS.value:
    raise app.UsageError('--records is needed: the set that tools.make_records printed, as in --records=records/me.')
  # pylint: disable=import-outside-toplevel  (TensorFlow)
  if _VERIFY.value:
    from tools.sets import verify
    num_records, num_files = verify.verify(_RECORDS.value)
    print(f'{wording.counted(num_records, "record")} in {wording.counted(num_files, "file")} checked: all whole.')
    return _RECORDS.value
  from tools.sets import report_card
  out = _OUT.value or str(report_card.card_path(_RECORDS.value))
  if not out.lower().endswith(('.png', '.jpg', '.webp')):
    raise errors.InputError(f'`out` ({out!r}) must end in .png, .jpg or .webp. Use '
                            f'{wording.flag("out", _RECORDS.value + ".png")}.')
  return report_card.show(_RECORDS.value, out, _NUM_IMAGES.value)


if __name__ == '__main__':
  entry.run(main)
