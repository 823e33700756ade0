"""The pixel contract, and grids of pictures.

Files and records hold uint8 RGB [height, width, 3]; networks see float32 in [-1, 1]. Both directions live here only.
"""

import imageio.v3 as iio
import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont
import tensorflow as tf

from dcgan.common import files

_GRID_GAP_PX = 2
_GRID_BACKGROUND = 255


def to_float(images):
  """Returns uint8 images in [0, 255] as float32 in [-1, 1]; 0 becomes -1 and 255 becomes 1 exactly."""
  return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
  """Returns float images in [-1, 1] as uint8, rounded, values outside saturated; the inverse of `to_float`."""
  scaled = tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5)
  return tf.saturate_cast(scaled, tf.uint8)


def resize(images, size_px):
  """Returns images resized to `size_px` squares, antialiased when they shrink, bicubic when they grow.

  Args:
    images: uint8 [num_images, height, width, 3].
    size_px: int, the new width and height.

  Returns:
    uint8 [num_images, size_px, size_px, 3].
  """
  return np.stack([np.asarray(Image.fromarray(image).resize((size_px, size_px), Image.Resampling.BICUBIC))
                   for image in images])


def make_grid(images, num_columns=8, numbered=False):
  """Returns the pictures side by side, row after row.

  Args:
    images: uint8 [num_images, height, width, 3].
    num_columns: int, pictures in a row.
    numbered: bool, whether each picture carries its index, from 0.

  Returns:
    uint8 [grid_height, grid_width, 3]; places without a picture are white.
  """
  num_images, height, width, _ = images.shape
  num_columns = min(num_columns, num_images)
  num_rows = -(-num_images // num_columns)
  step_y, step_x = height + _GRID_GAP_PX, width + _GRID_GAP_PX
  grid = np.full((num_rows * step_y + _GRID_GAP_PX, num_columns * step_x + _GRID_GAP_PX, 3), _GRID_BACKGROUND,
                 np.uint8)
  corners = [(_GRID_GAP_PX + i % num_columns * step_x, _GRID_GAP_PX + i // num_columns * step_y)
             for i in range(num_images)]
  for (x, y), image in zip(corners, images):
    grid[y:y + height, x:x + width] = image
  return _draw_numbers(grid, corners, max(10, height // 8)) if numbered else grid


def _draw_numbers(grid, corners, size_px):
  picture = Image.fromarray(grid)
  draw = ImageDraw.Draw(picture)
  font = ImageFont.load_default(size_px)
  for i, (x, y) in enumerate(corners):
    draw.text((x + size_px // 4, y + size_px // 8), str(i), font=font, fill='white', stroke_width=2,
              stroke_fill='black')
  return np.asarray(picture)


def save_picture(path, image):
  """Writes uint8 RGB [height, width, 3] to `path` in the format of its ending; the file appears whole or not at all."""
  with files.whole_file(path) as temporary:
    iio.imwrite(temporary, image)
