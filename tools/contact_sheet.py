"""What a set of records holds, as lines of text and as a contact sheet of its faces."""

import io

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from dcgan import errors
from dcgan import images
from dcgan import records
from tools.faces import alignment
from tools.faces import curation

_COLUMNS = 8
_LINE_RGB = (90, 200, 255)
_LINE_OPACITY = 0.35
_EYE_RGB = (255, 230, 0)
_EYE_RADIUS_PX = 4
_LABEL_SIZE_PX = 20


def show(prefix, out, num_images):
  """Prints the summary of a set and writes its contact sheet.

  Args:
    prefix: str, the set, as in `records/adele`.
    out: str or `pathlib.Path` of the picture to write.
    num_images: int >= 1, how many faces it shows at most.

  Returns:
    `out`.

  Raises:
    errors.InputError: there is no such set, or it is damaged or empty.
  """
  manifest = records.load_manifest(prefix)
  print(summary(prefix, manifest))
  images.save_picture(out, draw(prefix, manifest, num_images))
  return out


def summary(prefix, manifest):
  """Returns a manifest as lines of text."""
  lines = [f'{prefix}: {manifest.num_images:,} faces of {manifest.num_inputs:,} pictures ({manifest.kind}), '
           f'{len(manifest.shards)} shard{"s" * (len(manifest.shards) != 1)}, schema {manifest.schema_version}']
  lines += [f'  left out: {count:,} × {reason}' for reason, count in curation.count_kinds(manifest.rejected).items()]
  lines += [f'  {name}: {value}' for name, value in manifest.settings.items() if value is not None]
  return '\n'.join(lines)


def draw(prefix, manifest, num_images):
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
  if not manifest.num_images:
    raise errors.InputError(f'`{prefix}` holds 0 faces, but a sheet needs 1 or more. Make the set again.')
  wanted = np.unique(np.linspace(0, manifest.num_images - 1, min(num_images, manifest.num_images)).round())
  tiles = [marked(face, i) for i, face in enumerate(records.read_faces(prefix, manifest)) if i in wanted]
  return images.make_grid(np.stack(tiles), num_columns=_COLUMNS)


def marked(face, index):
  """Returns a `records.Face` as uint8 RGB [218, 178, 3] with its number, its eyes, and lines where eyes belong."""
  picture = Image.open(io.BytesIO(face.encoded)).convert('RGB')
  lines = picture.copy()
  pen = ImageDraw.Draw(lines)
  for x, y in (alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE):
    pen.line([(int(x), 0), (int(x), picture.height)], fill=_LINE_RGB)
    pen.line([(0, int(y)), (picture.width, int(y))], fill=_LINE_RGB)
  picture = Image.blend(picture, lines, _LINE_OPACITY)
  pen = ImageDraw.Draw(picture)
  for x, y in face.eyes - 0.5:  # Pillow counts from the centre of the first pixel
    pen.ellipse([x - _EYE_RADIUS_PX, y - _EYE_RADIUS_PX, x + _EYE_RADIUS_PX, y + _EYE_RADIUS_PX], outline=_EYE_RGB)
  pen.text((4, 2), str(index), font=ImageFont.load_default(_LABEL_SIZE_PX), fill='white', stroke_width=2,
           stroke_fill='black')
  return np.asarray(picture)
