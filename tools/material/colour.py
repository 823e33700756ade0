"""The colours of videos: from what a film's tags say to sRGB.

A film says how its colours are stored by numbers of ITU-T H.273: matrix (YCbCr to RGB), primaries, transfer (the curve)
and range. Most films are close enough to sRGB to be shown as they are; HDR and wide gamuts are converted here.
"""

import dataclasses
import functools

import cv2
import numpy as np

# Numbers of H.273, as FFmpeg uses them.
_UNSPECIFIED = 2
_SAY_NOTHING = (0, _UNSPECIFIED, 3)  # 0 and 3 are reserved; as a matrix 0 is RGB, which needs none
_BT709, _BT2020, _BT2020_CONSTANT, _DISPLAY_P3 = 1, 9, 10, 12
_PQ, _HLG = 16, 18
_BT601 = 5
_SWSCALE_MATRICES = {_BT709: 1, 4: 4, 5: _BT601, 6: _BT601, 7: 7, _BT2020: 9, _BT2020_CONSTANT: 9}  # its own numbers
_UNREADABLE_MATRICES = {8: 'YCgCo', 11: 'YDzDx', 12: 'chromaticity-derived YCbCr', 13: 'chromaticity-derived YCbCr',
                        14: 'ICtCp', 15: 'IPT-C2', 16: 'YCgCo-Re', 17: 'YCgCo-Ro'}
_HD_FROM_LINES = 720

# CIE x, y of red, green and blue; all have the white D65. ITU-R BT.709-6, BT.2020-2, SMPTE EG 432-1.
_PRIMARIES = {_BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
              _BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
              _DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))}
_D65 = (0.3127, 0.3290)
_NAMES = {_BT2020: 'BT.2020', _DISPLAY_P3: 'Display P3', _PQ: 'PQ', _HLG: 'HLG'}

_REFERENCE_WHITE = 203.0  # cd/m², of graphics and SDR in HDR (ITU-R BT.2408)
_PEAK = 1000.0  # cd/m², of the display that HLG is made for (ITU-R BT.2100); brighter than that is white
_HLG_GAMMA = 1.2  # of that display
# Light up to here stays as it is, so that skin and mid-tones do; sRGB 230 of 255.
_KNEE = 0.8
_NUM_STEPS = 1 << 16
_WHITE_OF_SWSCALE = 255 * 256  # what it makes of YCbCr's white in 16 bits
_EXACT_BILINEAR = 2 | 0x40000  # its flags SWS_BILINEAR and SWS_ACCURATE_RND
_ROWS_AT_ONCE = 16  # stay in the processor's cache, and 16-bit pictures of any size in memory


@dataclasses.dataclass(frozen=True)
class Tags:
  """How colours are stored, as numbers of H.273: 2 where the film does not say. The names are those of PyAV.

  Attributes:
    colorspace: int, the matrix from YCbCr to RGB.
    color_primaries: int, what red, green and blue are.
    color_trc: int, the transfer: the curve from light to numbers.
  """

  colorspace: int
  color_primaries: int
  color_trc: int

  @property
  def is_hdr(self):
    """bool, whether the curve is PQ or HLG."""
    return self.color_trc in (_PQ, _HLG)

  @property
  def gamut(self):
    """int, the primaries; those of BT.2020 where only other tags tell of them."""
    if self.color_primaries == _UNSPECIFIED and (self.is_hdr or self.colorspace in (_BT2020, _BT2020_CONSTANT)):
      return _BT2020
    return self.color_primaries

  @property
  def note(self):
    """str, what is done to the colours, to go behind the name of a film; None where they are near sRGB already."""
    if self.is_hdr:
      gamut = _NAMES.get(self.gamut, 'BT.709')
      return (f'is HDR ({_NAMES[self.color_trc]}, {gamut}): its pictures were brought to sRGB, with white at '
              f'{_REFERENCE_WHITE:.0f} cd/m² and highlights softened.')
    if self.gamut in (_BT2020, _DISPLAY_P3):
      return f'has the wide colours of {_NAMES[self.gamut]}: its pictures were brought to sRGB.'
    return None

  @property
  def unreadable(self):
    """str, the name of a way to store colours that cannot be read, or None."""
    return _UNREADABLE_MATRICES.get(self.colorspace)


def tags(frame, film):
  """Returns the `Tags` of a decoded frame, `av.VideoFrame`; where it has none, those of its film.

  Args:
    frame: `av.VideoFrame`.
    film: `av.VideoCodecContext`, or the `Tags` of another frame.
  """

  def tag(name):
    values = (getattr(frame, name, _UNSPECIFIED), getattr(film, name))
    return next((value for value in values if value not in _SAY_NOTHING), _UNSPECIFIED)

  return Tags(tag('colorspace'), tag('color_primaries'), tag('color_trc'))


def to_srgb(frame, width, frame_tags):
  """Returns a decoded frame as sRGB, uint8 [frame.height, width, 3].

  What is not tagged is read as players do: by the matrix of BT.709 from 720 lines on, else by that of BT.601.

  Args:
    frame: `av.VideoFrame`.
    width: int >= 1.
    frame_tags: its `Tags`.
  """
  is_converted = frame_tags.note is not None
  matrix = frame_tags.colorspace
  if matrix not in _SWSCALE_MATRICES:
    matrix = _BT2020 if is_converted else _BT709 if frame.height >= _HD_FROM_LINES else _BT601
    if is_converted and not frame.format.is_rgb:
      frame.colorspace = matrix  # which PyAV before 18 does not take from what it is told below
  matrix = _SWSCALE_MATRICES[matrix]
  if not is_converted:
    return frame.reformat(width=width, format='rgb24', src_colorspace=matrix).to_ndarray()
  codes = frame.reformat(width=width, format='rgb48le', src_colorspace=matrix,
                         interpolation=_EXACT_BILINEAR).to_ndarray()
  white = _NUM_STEPS - 1 if frame.format.is_rgb else _WHITE_OF_SWSCALE
  convert = _pq if frame_tags.color_trc == _PQ else _hlg if frame_tags.color_trc == _HLG else _sdr
  image = np.empty(codes.shape, np.uint8)
  for row in range(0, len(codes), _ROWS_AT_ONCE):
    image[row:row + _ROWS_AT_ONCE] = convert(codes[row:row + _ROWS_AT_ONCE], white, frame_tags.gamut)
  return image


def _sdr(codes, white, gamut):
  light = cv2.transform(_entries(_srgb_light(white), codes), _to_bt709(gamut, _steps_over(1.0)))
  return _entries(_srgb_code(), _rounded(light))


def _pq(codes, white, gamut):
  light = cv2.transform(_entries(_pq_light(white), codes), _to_bt709(gamut, _steps_over(_PEAK / _REFERENCE_WHITE)))
  return _entries(_tone_mapped(), _rounded(light))


def _hlg(codes, white, gamut):
  scene = _entries(_hlg_light(white), codes)
  # The display's light is the scene's, times a power of its luminance (the OOTF of BT.2100).
  luminance = cv2.transform(scene, _to_luminance(gamut, _steps_over(1.0)))
  gain = _entries(_hlg_gain(), _rounded(luminance))
  light = cv2.transform(scene, _to_bt709(gamut, _steps_over(_PEAK / _REFERENCE_WHITE)))
  return _entries(_tone_mapped(), cv2.multiply(light, cv2.merge([gain] * 3), dtype=cv2.CV_16U))


def _entries(table, codes):
  """Returns the entries of a table over 16-bit codes."""
  return np.take(table, codes, mode='clip')  # twice as fast as with a check: all codes have an entry


def _rounded(steps):
  """Returns numbers as 16-bit codes, the nearest ones there are."""
  return cv2.add(steps, 0.0, dtype=cv2.CV_16U)


def _steps_over(largest):
  """Returns how many steps of a table over [0, largest] a unit takes."""
  return (_NUM_STEPS - 1) / largest


def _steps(largest):
  return np.linspace(0, largest, _NUM_STEPS)


def _codes(white):
  """Returns the values, 0 to 1, that 16-bit codes stand for, of which `white` is 1."""
  return np.minimum(np.arange(_NUM_STEPS) / white, 1)


@functools.cache
def _pq_light(white):
  """Returns PQ's EOTF (SMPTE ST 2084) as a table over 16-bit codes, in units of the reference white."""
  m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
  powers = _codes(white)**(1 / m2)
  light = 10_000 * (np.maximum(powers - c1, 0) / (c2 - c3 * powers))**(1 / m1)
  return (light / _REFERENCE_WHITE).astype(np.float32)


@functools.cache
def _hlg_light(white):
  """Returns HLG's inverse OETF (ARIB STD-B67, BT.2100) as a table over 16-bit codes: the scene's light, 0 to 1."""
  a, b, c = 0.17883277, 0.28466892, 0.55991073
  codes = _codes(white)
  return np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12).astype(np.float32)


@functools.cache
def _hlg_gain():
  """Returns HLG's display light per scene light over the scene's luminance, in units of the reference white."""
  return (_PEAK / _REFERENCE_WHITE * _steps(1.0)**(_HLG_GAMMA - 1)).astype(np.float32)


@functools.cache
def _srgb_light(white):
  """Returns the light of sRGB's 16-bit codes (IEC 61966-2-1), 0 to 1."""
  codes = _codes(white)
  return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055)**2.4).astype(np.float32)


@functools.cache
def _srgb_code():
  return _encoded(_steps(1.0))


@functools.cache
def _tone_mapped():
  """Returns sRGB's codes of light in units of the reference white, up to the peak.

  Above the knee goes the curve of Reinhard et al. 2002 (Photographic Tone Reproduction, equation 4), which begins with
  the slope 1 and ends at white. Differs from the paper: it is taken of each channel, so that highlights pale.
  """
  light = _steps(_PEAK / _REFERENCE_WHITE)
  over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
  softened = over * (1 + over / over[-1]**2) / (1 + over)
  return _encoded(np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * softened))


def _encoded(light):
  codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light**(1 / 2.4) - 0.055)
  return np.rint(255 * codes).astype(np.uint8)


@functools.cache
def _to_xyz(gamut):
  """Returns the matrix, float64 [3, 3], from light of some primaries to CIE XYZ, in which white has Y = 1."""
  xyz = np.array([(x / y, 1, (1 - x - y) / y) for x, y in (*_PRIMARIES.get(gamut, _PRIMARIES[_BT709]), _D65)])
  return xyz[:3].T * np.linalg.solve(xyz[:3].T, xyz[3])


@functools.cache
def _to_luminance(gamut, scale):
  """Returns the matrix, float32 [1, 3], from light of some primaries to its luminance, times a scale."""
  return (scale * _to_xyz(gamut)[1:2]).astype(np.float32)


@functools.cache
def _to_bt709(gamut, scale):
  """Returns the matrix, float32 [3, 3], from light of some primaries to that of BT.709, which sRGB has, times a scale."""
  return (scale * np.linalg.inv(_to_xyz(_BT709)) @ _to_xyz(gamut)).astype(np.float32)
