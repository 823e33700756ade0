"""Colour profiles written byte by byte (ICC.1:2010), and what they mean by arithmetic of its own."""

import struct

import numpy as np

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65_XY, _D50_XY = (0.3127, 0.3290), (0.3457, 0.3585)
_SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
# Primaries, white and gamma.
SPACES = {'Display P3': (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _D65_XY, 2.2),
          'Adobe RGB': (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), _D65_XY, 563 / 256),
          'ProPhoto': (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), _D50_XY, 1.8)}


def rgb_profile(name):
  """Returns the profile of a space of `SPACES` as bytes: a matrix and three curves."""
  primaries, white, gamma = SPACES[name]
  columns = [_xyz(column) for column in _to_d50(primaries, white).T]
  return _profile(b'RGB ', b'XYZ ', b'mntr', dict(zip((b'rXYZ', b'gXYZ', b'bXYZ'), columns)) | {
      curve: _gamma(gamma) for curve in (b'rTRC', b'gTRC', b'bTRC')})


def grey_profile(gamma):
  return _profile(b'GRAY', b'XYZ ', b'mntr', {b'kTRC': _gamma(gamma)})


def cmyk_profile(lab_of_inks):
  """Returns a press's profile as bytes: Lab (L 0 to 100, a and b -128 to 127) of each of the 16 overprints.

  Args:
    lab_of_inks: float [2, 2, 2, 2, 3], by cyan, magenta, yellow and black, each off or on.
  """
  ramp = bytes(range(256))
  lab = np.asarray(lab_of_inks, np.float64) * [255 / 100, 1, 1] + [0, 128, 128]
  table = struct.pack('>4s4xBBBx', b'mft1', 4, 3, 2) + struct.pack('>9i', *(65536 * np.eye(3, dtype=int)).ravel())
  table += ramp * 4 + np.clip(np.rint(lab), 0, 255).astype(np.uint8).tobytes() + ramp * 3
  return _profile(b'CMYK', b'Lab ', b'prtr', {b'A2B0': table})


def to_srgb(name, rgb):
  """Returns colours of a space of `SPACES`, uint8 [..., 3], as sRGB, float [..., 3] in [0, 255]."""
  primaries, white, gamma = SPACES[name]
  xyz = (np.asarray(rgb) / 255) ** gamma @ _to_d50(primaries, white).T
  linear = np.clip(xyz @ np.linalg.inv(_to_d50(_SRGB_PRIMARIES, _D65_XY)).T, 0, 1)
  return encoded(linear)


def encoded(linear):
  """Returns light in [0, 1] as sRGB in [0, 255]."""
  return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _to_d50(primaries, white):
  """Returns the matrix from linear RGB to XYZ under D50, float [3, 3]."""
  xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
  white_xyz = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
  cones = (_BRADFORD @ _D50) / (_BRADFORD @ white_xyz)
  adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
  return adapted @ (xyz * np.linalg.solve(xyz, white_xyz))


def _xyz(values):
  return struct.pack('>4s4x3i', b'XYZ ', *np.rint(np.asarray(values) * 65536).astype(int))


def _gamma(gamma):
  return struct.pack('>4s4xIH2x', b'curv', 1, round(gamma * 256))


def _profile(space, connection, device, tags):
  tags = {b'wtpt': _xyz(_D50), b'desc': struct.pack('>4s4xI5s79x', b'desc', 5, b'test\0'),
          b'cprt': b'text\0\0\0\0none\0\0\0\0'} | tags
  place = 128 + 4 + 12 * len(tags)
  index, data = struct.pack('>I', len(tags)), b''
  for name, content in tags.items():
    index += struct.pack('>4sII', name, place + len(data), len(content))
    data += content + bytes(-len(content) % 4)
  header = struct.pack('>I4sI4s4s4s', place + len(data), b'test', 0x02400000, device, space, connection)
  header += struct.pack('>6H4s', 2026, 1, 1, 0, 0, 0, b'acsp') + bytes(28)
  header += struct.pack('>3i', *np.rint(_D50 * 65536).astype(int))
  return header + bytes(128 - len(header)) + index + data
