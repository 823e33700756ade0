"""Prints what a set of records holds and draws a contact sheet of its faces.

  python -m tools.show_records --records=records/me

The sheet, records/me.png, shows up to 64 faces spread evenly over the set, each with its number. Thin lines mark where
the eyes belong, rings where they are: in a good set the rings sit on the crossings, and on the eyes.
"""

from absl import flags

from dcgan import entry
from dcgan import errors

FLAGS = flags.FLAGS

_COLUMNS = 8
_LINE_RGB = (90, 200, 255)
_LINE_OPACITY = 0.35
_EYE_RGB = (255, 230, 0)
_EYE_RADIUS_PX = 4
_LABEL_SIZE_PX = 20


def define_flags():
  """Defines this command's flags; not at import, so that two commands in one process cannot clash."""
  flags.DEFINE_string('records', None, 'The set, as in records/NAME.', required=True)
  flags.DEFINE_string('out', None, 'The picture to write. By default records/NAME.png.')
  flags.DEFINE_integer('num_images', 64, 'How many faces the sheet shows at most.', lower_bound=1)


def main():
  """Prints the set's manifest, draws the sheet and returns its path."""
  from dcgan import images  # pylint: disable=import-outside-toplevel
  from dcgan import records  # pylint: disable=import-outside-toplevel
  prefix = FLAGS.records
  out = FLAGS.out or f'{prefix}.png'
  if not out.lower().endswith(('.png', '.jpg', '.webp')):
    raise errors.InputError(f'`out` ({out!r}) must end in .png, .jpg or .webp. Use --out={prefix}.png.')
  manifest = records.load_manifest(prefix)
  print(summary(prefix, manifest))
  images.save_picture(out, contact_sheet(prefix, manifest, FLAGS.num_images))
  return out


def summary(prefix, manifest):
  """Returns a manifest as lines of text."""
  from tools.faces import curation  # pylint: disable=import-outside-toplevel
  lines = [f'{prefix}: {manifest.num_images:,} faces of {manifest.num_inputs:,} pictures ({manifest.kind}), '
           f'{len(manifest.shards)} shard{"s" * (len(manifest.shards) != 1)}, schema {manifest.schema_version}']
  lines += [f'  left out: {count:,} × {reason}' for reason, count in curation.count_kinds(manifest.rejected).items()]
  lines += [f'  {name}: {value}' for name, value in manifest.settings.items() if value is not None]
  return '\n'.join(lines)


def contact_sheet(prefix, manifest, num_images):
  """Returns up to `num_images` faces, spread evenly over a set, as one picture.

  Args:
    prefix: str, the set.
    manifest: its `records.Manifest`.
    num_images: int >= 1.

  Returns:
    uint8 RGB [sheet_height, sheet_width, 3].

  Raises:
    errors.InputError: a shard is damaged, or the set is empty.
  """
  import numpy as np  # pylint: disable=import-outside-toplevel
  from dcgan import images  # pylint: disable=import-outside-toplevel
  from dcgan import records  # pylint: disable=import-outside-toplevel
  if not manifest.num_images:
    raise errors.InputError(f'`{prefix}` holds 0 faces, but a sheet needs 1 or more. Make the set again.')
  wanted = np.unique(np.linspace(0, manifest.num_images - 1, min(num_images, manifest.num_images)).round())
  tiles = [marked(face, i) for i, face in enumerate(records.read_faces(prefix, manifest)) if i in wanted]
  return images.make_grid(np.stack(tiles), num_columns=_COLUMNS)


def marked(face, index):
  """Returns a `records.Face` as uint8 RGB [218, 178, 3] with its number, its eyes, and lines where eyes belong."""
  import io  # pylint: disable=import-outside-toplevel
  import numpy as np  # pylint: disable=import-outside-toplevel
  from PIL import Image, ImageDraw, ImageFont  # pylint: disable=import-outside-toplevel,multiple-imports
  from tools.faces import alignment  # pylint: disable=import-outside-toplevel
  picture = Image.open(io.BytesIO(face.encoded)).convert('RGB')
  lines = picture.copy()
  draw = ImageDraw.Draw(lines)
  for x, y in (alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE):
    draw.line([(int(x), 0), (int(x), picture.height)], fill=_LINE_RGB)
    draw.line([(0, int(y)), (picture.width, int(y))], fill=_LINE_RGB)
  picture = Image.blend(picture, lines, _LINE_OPACITY)
  draw = ImageDraw.Draw(picture)
  for x, y in face.eyes - 0.5:  # Pillow counts from the centre of the first pixel
    draw.ellipse([x - _EYE_RADIUS_PX, y - _EYE_RADIUS_PX, x + _EYE_RADIUS_PX, y + _EYE_RADIUS_PX], outline=_EYE_RGB)
  draw.text((4, 2), str(index), font=ImageFont.load_default(_LABEL_SIZE_PX), fill='white', stroke_width=2,
            stroke_fill='black')
  return np.asarray(picture)


if __name__ == '__main__':
  define_flags()
  entry.run(main)
