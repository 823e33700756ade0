"""A HEIC of tiles, as phones write it, put together box by box (ISO/IEC 23008-12): no encoder at hand makes one."""

import io
import struct

from PIL import Image

from tools.material import pictures  # pylint: disable=unused-import  # makes Pillow write HEIC


def write(path, image, tile_px, turn=0):
  """Writes a picture as tiles of `tile_px` × `tile_px`, turned anticlockwise by `turn` quarters when it is shown.

  Args:
    path: `pathlib.Path`.
    image: uint8 RGB [height, width, 3], whose sides are multiples of `tile_px`.
    tile_px: int, a multiple of 64: others would be padded.
    turn: int.
  """
  height, width, _ = image.shape
  pictures.num_pictures(io.BytesIO())
  tiles = [_encoded(image[y:y + tile_px, x:x + tile_px]) for y in range(0, height, tile_px)
           for x in range(0, width, tile_px)]
  settings, grid_id = tiles[0][0], len(tiles) + 1
  grid = struct.pack('>BBBBHH', 0, 0, height // tile_px - 1, width // tile_px - 1, width, height)
  properties = settings + _full(b'ispe', struct.pack('>II', tile_px, tile_px))
  properties += _full(b'ispe', struct.pack('>II', width, height)) + _box(b'irot', bytes([turn]))
  used = b''.join(struct.pack('>HBBB', i, 2, 0x81, 2) for i in range(1, grid_id))
  used += struct.pack('>HBBB', grid_id, 2, 3, 0x84)
  items = [(i + 1, b'hvc1', data) for i, (_, data) in enumerate(tiles)] + [(grid_id, b'grid', grid)]
  infos = b''.join(_full(b'infe', struct.pack('>HH4sx', i, 0, kind), 2) for i, kind, _ in items)
  refers = _box(b'dimg', struct.pack(f'>HH{len(tiles)}H', grid_id, len(tiles), *range(1, grid_id)))

  def meta(first_byte):
    places, place = b'', first_byte
    for i, _, data in items:
      places += struct.pack('>HHHII', i, 0, 1, place, len(data))
      place += len(data)
    return _full(b'meta', _full(b'hdlr', struct.pack('>I4s12xx', 0, b'pict'))
                 + _full(b'pitm', struct.pack('>H', grid_id))
                 + _full(b'iinf', struct.pack('>H', len(items)) + infos) + _full(b'iref', refers)
                 + _box(b'iprp', _box(b'ipco', properties) + _full(b'ipma', struct.pack('>I', len(items)) + used))
                 + _full(b'iloc', struct.pack('>BBH', 0x44, 0, len(items)) + places))

  start = _box(b'ftyp', b'heic\0\0\0\0mif1heic')
  content = b''.join(data for _, _, data in items)
  path.write_bytes(start + meta(len(start) + len(meta(0)) + 8) + _box(b'mdat', content))


def _encoded(tile):
  """Returns the box of settings of a tile and its HEVC data."""
  file = io.BytesIO()
  Image.fromarray(tile).save(file, 'HEIF', quality=-1, chroma=444)
  content = file.getvalue()
  place = content.index(b'hvcC') - 4
  size = int.from_bytes(content[place:place + 4], 'big')
  data = content.index(b'mdat') + 4
  return content[place:place + size], content[data:]


def _box(kind, content):
  return struct.pack('>I4s', 8 + len(content), kind) + content


def _full(kind, content, version=0):
  return _box(kind, struct.pack('>I', version << 24) + content)
