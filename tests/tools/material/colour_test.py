"""Tests of the colours of videos: films are made here by formulas of their own, and must come back as the picture."""

import av
import numpy as np
import pytest

from tools.material import animations
from tools.material import colour
from tools.material import videos

_PATCHES = np.array([  # skin, mid-tones, dark and strong colours, sRGB
    (224, 172, 138), (198, 134, 96), (141, 85, 54), (80, 48, 32), (128, 128, 128), (64, 64, 64), (30, 30, 30),
    (200, 60, 40), (40, 120, 60), (50, 70, 170), (210, 200, 90), (220, 220, 220)], np.uint8)
_PATCH_PX = 32
# BT.709's red, green and blue in BT.2020's, as ITU-R BT.2087 prints it.
_BT709_IN_BT2020 = np.array([(0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956)])
_LUMA = {1: (0.2126, 0.7152, 0.0722), 5: (0.299, 0.587, 0.114), 6: (0.299, 0.587, 0.114), 9: (0.2627, 0.6780, 0.0593)}


def _picture(height=3 * _PATCH_PX):
  """Returns sRGB patches in 3 rows of 4, uint8 [height, 4 * height / 3, 3]."""
  size = height // 3
  return np.repeat(np.repeat(_PATCHES.reshape(3, 4, 3), size, 0), size, 1)


def _patches(image):
  """Returns the middle of each patch, float [12, 3]."""
  size = image.shape[0] // 3
  tiles = image.reshape(3, size, 4, size, 3)[:, size // 4:-size // 4, :, size // 4:-size // 4]
  return tiles.mean((1, 3)).reshape(12, 3)


def _light(srgb):
  srgb = srgb / 255
  return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055)**2.4)


def _srgb(light):
  return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light**(1 / 2.4) - 0.055)


def _as_pq(light):
  nits = 203 * light / 10_000
  y = nits**0.1593017578125
  return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y))**78.84375


def _as_hlg(light):
  display = 203 * light / 1000
  luminance = display @ np.array(_LUMA[9])
  scene = display * np.maximum(luminance, 1e-9)[..., None]**(1 / 1.2 - 1)
  return np.where(scene <= 1 / 12, np.sqrt(3 * scene),
                  0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)


def _ycbcr(rgb, matrix, bits, is_full=False):
  """Returns R'G'B' within [0, 1] as three planes of whole numbers, by the equations of BT.709 and BT.2020."""
  kr, kg, kb = _LUMA[matrix]
  y = rgb @ np.array([kr, kg, kb])
  cb, cr = (rgb[..., 2] - y) / (2 - 2 * kb), (rgb[..., 0] - y) / (2 - 2 * kr)
  top = 2**bits - 1
  luma, chroma, zero = (top, top, 0) if is_full else (219 * 2**(bits - 8), 224 * 2**(bits - 8), 16 * 2**(bits - 8))
  dtype = np.uint8 if bits == 8 else np.uint16
  return [np.rint(plane).astype(dtype) for plane in (zero + luma * y, 2**(bits - 1) + chroma * cb,
                                                      2**(bits - 1) + chroma * cr)]


def _write(path, planes, codec='ffv1', pixel_format='yuv444p10le', options=None, **tags):
  """Writes three frames of the planes, halved for 4:2:0, with tags by PyAV's names."""
  height, width = planes[0].shape
  with av.open(str(path), 'w') as container:
    stream = container.add_stream(codec, rate=10, options=options or {})
    stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
    for name, value in tags.items():
      setattr(stream.codec_context, name, value)
    for _ in range(3):
      frame = av.VideoFrame(width, height, pixel_format)
      for place, plane in zip(frame.planes, planes):
        plane = plane if '444' in pixel_format or plane is planes[0] else plane[::2, ::2]
        padded = np.zeros([place.height, place.line_size // plane.itemsize], plane.dtype)
        padded[:, :plane.shape[1]] = plane
        place.update(padded)
      for name, value in tags.items():
        setattr(frame, name, value)
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _read(path):
  video = videos.Video(path)
  return video, next(image for _, _, image in video.frames_at([0.0]))


def _bt2020(light):
  return light @ _BT709_IN_BT2020.T


@pytest.mark.parametrize('name, codec, pixel_format, options', [
    ('v.mkv', 'ffv1', 'yuv444p10le', {}), ('v.mp4', 'libx264', 'yuv420p10le', {'crf': '4'}),
    ('v.mp4', 'libx265', 'yuv420p10le', {'x265-params': 'crf=4:pools=none:frame-threads=1:log-level=none'})])
@pytest.mark.parametrize('curve, transfer, told', [
    (_as_pq, 16, 'HDR (PQ, BT.2020)'), (_as_hlg, 18, 'HDR (HLG, BT.2020)')])
def test_hdr_twin_of_a_picture_comes_back_as_the_picture(tmp_path, name, codec, pixel_format, options, curve, transfer,
                                                         told):
  planes = _ycbcr(curve(_bt2020(_light(_picture()))), 9, 10)
  _write(tmp_path / name, planes, codec, pixel_format, options,
         color_trc=transfer, color_primaries=9, colorspace=9, color_range=1)
  video, image = _read(tmp_path / name)
  np.testing.assert_allclose(_patches(image), _PATCHES, atol=6 if codec != 'ffv1' else 2)
  assert len(video.notes) == 1 and told in video.notes[0] and 'sRGB' in video.notes[0]


def test_hdr_highlights_rise_to_white_without_clipping_early():
  for transfer, curve in ((16, _as_pq), (18, _as_hlg)):
    light = np.array([0.5, 0.8, 1.0, 1.5, 2.5, 4.9])
    planes = _ycbcr(curve(np.tile(light[None, :, None], (2, 1, 3))), 9, 10)
    frame = av.VideoFrame(6, 2, 'yuv444p10le')
    for place, plane in zip(frame.planes, planes):
      padded = np.zeros([2, place.line_size // 2], np.uint16)
      padded[:, :6] = plane
      place.update(padded)
    codes = colour.to_srgb(frame, 6, colour.Tags(9, 9, transfer))[0, :, 1].astype(int)
    assert (np.diff(codes) > 0).all() and codes[0] == pytest.approx(188, abs=2) and 235 < codes[2] < 250 < codes[-1]


def test_hdr_that_only_tells_its_curve_is_taken_for_bt2020(tmp_path):
  planes = _ycbcr(_as_pq(_bt2020(_light(_picture()))), 9, 10)
  _write(tmp_path / 'v.mkv', planes, color_trc=16, color_range=1)
  np.testing.assert_allclose(_patches(_read(tmp_path / 'v.mkv')[1]), _PATCHES, atol=2)


def test_wide_gamut_without_hdr_is_brought_to_srgb(tmp_path):
  planes = _ycbcr(_srgb(_bt2020(_light(_picture()))), 9, 10)
  _write(tmp_path / 'v.mkv', planes, color_trc=14, color_primaries=9, colorspace=9, color_range=1)
  video, image = _read(tmp_path / 'v.mkv')
  np.testing.assert_allclose(_patches(image), _PATCHES, atol=2)
  assert 'BT.2020' in video.notes[0] and 'HDR' not in video.notes[0]


@pytest.mark.parametrize('height, matrix, tags', [
    (48, 6, {}), (48, 1, {'colorspace': 1}), (720, 1, {}), (720, 6, {'colorspace': 6}), (720, 6, {'colorspace': 5}),
    (48, 9, {'colorspace': 9, 'color_primaries': 1})])
@pytest.mark.parametrize('is_full', [False, True])
def test_matrix_and_range_are_those_of_the_tags_or_of_the_height(tmp_path, height, matrix, tags, is_full):
  planes = _ycbcr(_picture(height) / 255, matrix, 8, is_full)
  _write(tmp_path / 'v.mkv', planes, 'ffv1', 'yuv444p', color_range=2 if is_full else 1, **tags)
  video, image = _read(tmp_path / 'v.mkv')
  np.testing.assert_allclose(_patches(image), _PATCHES, atol=2.5)
  assert not video.notes


def test_colours_that_cannot_be_read_are_refused_in_one_line(tmp_path):
  _write(tmp_path / 'v.mkv', _ycbcr(_picture() / 255, 9, 10), colorspace=14, color_trc=16)
  with pytest.raises(videos.errors.InputError, match=r'v\.mkv` stores its colours as ICtCp') as caught:
    videos.Video(tmp_path / 'v.mkv')
  assert '\n' not in str(caught.value)


def test_our_mp4_says_how_its_colours_are_stored_and_stores_them_so(tmp_path):
  animations.save_animation(tmp_path / 'v.mp4', [_picture()] * 3, 10)
  with av.open(str(tmp_path / 'v.mp4')) as container:
    frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    y, u, v = (np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, :plane.width]
               for plane in frame.planes)
  expected = _ycbcr(_picture() / 255, 1, 8)
  for stored, wanted, size in ((y, expected[0], 32), (u, expected[1], 16), (v, expected[2], 16)):
    wanted = wanted[16::32, 16::32].astype(int)
    np.testing.assert_allclose(stored[size // 2::size, size // 2::size].astype(int), wanted, atol=2)
  np.testing.assert_allclose(_patches(_read(tmp_path / 'v.mp4')[1]), _PATCHES, atol=3)
