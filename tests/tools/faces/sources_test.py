"""Tests of where pictures come from; the pictures and videos are made here."""

import os

import numpy as np
from PIL import Image
import pytest

from dcgan import errors
from dcgan import records
from tools import media
from tools.faces import sources


def _grey(value):
  return np.full([32, 48, 3], value, np.uint8)


def _quarters():
  """Returns uint8 [40, 60, 3] with red, green, blue and white quarters, from the top left, row by row."""
  image = np.zeros([40, 60, 3], np.uint8)
  image[:20, :30], image[:20, 30:] = (255, 0, 0), (0, 255, 0)
  image[20:, :30], image[20:, 30:] = (0, 0, 255), (255, 255, 255)
  return image


def _make_video(path, num_frames, fps):
  media.save_animation(path, [_grey(5 * i) for i in range(num_frames)], fps)


@pytest.mark.parametrize('fps, num_inputs', [(3, 9), (1, 3), (0.4, 2), (12, 36)])
def test_video_has_an_input_for_each_time_within_it(tmp_path, fps, num_inputs):
  _make_video(tmp_path / 'clip.mp4', 36, 12)  # 3 s
  source = sources.VideoSource(tmp_path / 'clip.mp4', fps)
  assert (source.kind, source.num_inputs) == ('video', num_inputs)
  frames = list(source.read(0, source.num_inputs))
  assert [frame.order for frame in frames] == list(range(num_inputs))
  assert [round(frame.image.mean() / 5) for frame in frames] == [int(12 * k / fps + 1e-6) for k in range(num_inputs)]
  np.testing.assert_allclose([frame.time_secs for frame in frames], np.arange(num_inputs) / fps, atol=1e-3)


def test_video_keys_name_the_file_and_the_time(tmp_path):
  _make_video(tmp_path / 'clip.mp4', 36, 12)
  keys = [frame.key for frame in sources.VideoSource(tmp_path / 'clip.mp4', 3).read(0, 9)]
  assert keys[:2] + keys[-1:] == ['clip.mp4@0.000s', 'clip.mp4@0.333s', 'clip.mp4@2.667s']


def test_slices_of_a_video_give_what_the_whole_gives(tmp_path):
  _make_video(tmp_path / 'clip.mp4', 45, 7.3)
  source = sources.VideoSource(tmp_path / 'clip.mp4', 11)  # more often than there are frames: some times repeat one
  whole = [(frame.key, frame.order) for frame in source.read(0, source.num_inputs)]
  sliced = [(frame.key, frame.order) for start in range(0, source.num_inputs, 7)
            for frame in source.read(start, min(start + 7, source.num_inputs))]
  assert whole == sliced
  assert len(whole) == 45 < source.num_inputs


def test_inputs_behind_the_end_of_a_cut_off_video_are_rejected_in_any_slice(tmp_path):
  rng = np.random.default_rng(0)
  media.save_animation(tmp_path / 'clip.mp4', [rng.integers(0, 255, [32, 48, 3], np.uint8) for _ in range(60)], 10)
  content = (tmp_path / 'clip.mp4').read_bytes()
  (tmp_path / 'clip.mp4').write_bytes(content[:len(content) // 2])
  source = sources.VideoSource(tmp_path / 'clip.mp4', 5)
  items = [item for start in (0, 10, 20) for item in source.read(start, start + 10)]
  kinds = [type(item) for item in items]
  num_frames = kinds.count(sources.Frame)
  assert len(items) == source.num_inputs == 30 and 10 <= num_frames <= 18
  assert kinds == [sources.Frame] * num_frames + [records.Rejection] * (30 - num_frames)
  assert items[-1].key == 'clip.mp4@5.800s' and 'cut off or damaged' in items[-1].reason


def test_a_damaged_stretch_in_the_middle_is_rejected_in_any_slice(tmp_path):
  rng = np.random.default_rng(0)
  media.save_animation(tmp_path / 'clip.mp4', [rng.integers(0, 255, [32, 48, 3], np.uint8) for _ in range(600)], 10)
  content = bytearray((tmp_path / 'clip.mp4').read_bytes())
  content[len(content) * 4 // 10:len(content) * 7 // 10] = bytes(len(content) * 7 // 10 - len(content) * 4 // 10)
  (tmp_path / 'clip.mp4').write_bytes(content)
  source = sources.VideoSource(tmp_path / 'clip.mp4', 1)
  whole = list(source.read(0, 60))
  pieces = [item for start in (0, 20, 40) for item in source.read(start, start + 20)]
  for items in (whole, pieces):
    rejected = [item for item in items if isinstance(item, records.Rejection)]
    assert len(items) >= 58 and len(rejected) >= 10 and 'damaged' in rejected[0].reason
  assert [item.key for item in whole if isinstance(item, sources.Frame)] == [
      item.key for item in pieces if isinstance(item, sources.Frame)]


def test_a_picture_too_wide_for_opencv_is_rejected_and_the_next_one_read(tmp_path):
  Image.new('RGB', (33_000, 8)).save(tmp_path / 'a.png')
  Image.fromarray(_quarters()).save(tmp_path / 'b.png')
  wide, good = sources.photos_source(tmp_path).read(0, 2)
  assert wide.reason == 'unreadable: 33000×8 px, but a side may have at most 32766' and good.key == 'b.png'


def test_a_file_for_a_folder_and_a_folder_for_a_file_are_told(tmp_path):
  (tmp_path / 'a.mp4').touch()
  with pytest.raises(errors.InputError, match=r'a\.mp4` must be a folder of pictures, but is a file.*--video'):
    sources.photos_source(tmp_path / 'a.mp4')
  with pytest.raises(errors.InputError, match=r'must be a video file, but is a folder.*--photos'):
    sources.VideoSource(tmp_path, 1)


@pytest.mark.parametrize('fps', [0, -1, float('nan')])
def test_fps_out_of_range_is_named(tmp_path, fps):
  with pytest.raises(errors.InputError, match=rf'`fps` \({fps}\) must be'):
    sources.VideoSource(tmp_path / 'absent.mp4', fps)


def test_photos_come_sorted_from_all_folders_whatever_the_order_on_disk(tmp_path, monkeypatch):
  for name in ('b.png', 'a/z.JPG', 'c/d/e.webp', 'a.png', 'a/.hidden.png', 'notes.txt', '._b.png'):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(_quarters()).save(tmp_path / name) if not name.endswith('.txt') else (tmp_path / name).touch())
  source = sources.photos_source(tmp_path)
  frames = list(source.read(0, 10))
  assert (source.kind, source.num_inputs) == ('photos', 4)
  assert [frame.key for frame in frames] == ['a.png', 'a/z.JPG', 'b.png', 'c/d/e.webp']
  assert [(frame.order, frame.time_secs) for frame in frames] == [(i, None) for i in range(4)]
  assert [frame.key for frame in source.read(1, 3)] == ['a/z.JPG', 'b.png']
  scandir = os.scandir
  monkeypatch.setattr(os, 'scandir', lambda path: _Reversed(scandir(path)))
  assert [frame.key for frame in sources.photos_source(tmp_path).read(0, 10)] == [frame.key for frame in frames]


class _Reversed:
  """A folder listing backwards."""

  def __init__(self, listing):
    self._entries = iter(sorted(listing, key=lambda entry: entry.name, reverse=True))

  def __enter__(self):
    return self._entries

  def __exit__(self, *exception):
    pass

  def __iter__(self):
    return self._entries

  def __next__(self):
    return next(self._entries)

  def close(self):
    pass


def test_links_are_followed_and_loops_end(tmp_path):
  (tmp_path / 'photos').mkdir()
  (tmp_path / 'elsewhere').mkdir()
  Image.fromarray(_quarters()).save(tmp_path / 'elsewhere' / 'a.png')
  (tmp_path / 'photos' / 'linked').symlink_to(tmp_path / 'elsewhere')
  (tmp_path / 'photos' / 'loop').symlink_to(tmp_path / 'photos')
  (tmp_path / 'photos' / 'broken.png').symlink_to(tmp_path / 'nowhere.png')
  items = list(sources.photos_source(tmp_path / 'photos').read(0, 9))
  assert [item.key for item in items] == ['broken.png', 'linked/a.png']
  assert items[0].reason == 'not a file'


def test_a_pipe_with_a_pictures_name_does_not_hang(tmp_path):
  os.mkfifo(tmp_path / 'a.png')
  (item,) = sources.photos_source(tmp_path).read(0, 1)
  assert item == records.Rejection('a.png', 'not a file')


def test_folder_without_pictures_and_no_folder_are_named(tmp_path):
  (tmp_path / 'notes.txt').touch()
  with pytest.raises(errors.InputError, match=rf'`{tmp_path}` holds 0 pictures.*\.jpg'):
    sources.photos_source(tmp_path)
  with pytest.raises(errors.InputError, match=r'absent` must be a folder'):
    sources.photos_source(tmp_path / 'absent')
  with pytest.raises(errors.InputError, match=r'absent` must be a folder'):
    sources.celeba_source(tmp_path / 'absent')


def test_celeba_takes_its_own_names_only(tmp_path):
  for name in ('000002.jpg', '000001.jpg', 'cat.jpg', '1.jpg'):
    Image.fromarray(_quarters()).save(tmp_path / name)
  source = sources.celeba_source(tmp_path)
  assert source.kind == 'celeba'
  assert [frame.key for frame in source.read(0, source.num_inputs)] == ['000001.jpg', '000002.jpg']
  (tmp_path / '000001.jpg').unlink()
  (tmp_path / '000002.jpg').unlink()
  with pytest.raises(errors.InputError, match=r'holds 0 files named like 000001\.jpg'):
    sources.celeba_source(tmp_path)


@pytest.mark.parametrize('ending', ['png', 'tiff', 'bmp', 'gif', 'webp', 'ppm'])
def test_formats_give_the_same_pixels(tmp_path, ending):
  Image.fromarray(_quarters()).save(tmp_path / f'a.{ending}', **({'lossless': True} if ending == 'webp' else {}))
  np.testing.assert_array_equal(sources.load_picture(tmp_path / f'a.{ending}'), _quarters())


@pytest.mark.parametrize('orientation, undo', [
    (1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
    (5, lambda a: a.swapaxes(0, 1)), (6, np.rot90), (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
    (8, lambda a: np.rot90(a, -1))])
def test_exif_orientation_is_respected(tmp_path, orientation, undo):
  exif = Image.Exif()
  exif[0x0112] = orientation
  Image.fromarray(np.ascontiguousarray(undo(_quarters()))).save(tmp_path / 'a.png', exif=exif)
  np.testing.assert_array_equal(sources.load_picture(tmp_path / 'a.png'), _quarters())


def test_damaged_exif_costs_nothing_but_the_orientation(tmp_path):
  Image.fromarray(_quarters()).save(tmp_path / 'a.png', exif=b'Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03')
  np.testing.assert_array_equal(sources.load_picture(tmp_path / 'a.png'), _quarters())


@pytest.mark.parametrize('ending', ['png', 'tiff', 'pgm'])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, ending):
  values = np.array([[0, 128, 257 * 40], [257 * 128, 257 * 200 + 120, 65535]], np.uint16)
  Image.fromarray(values).save(tmp_path / f'a.{ending}')
  expected = np.array([[0, 0, 40], [128, 200, 255]])
  np.testing.assert_array_equal(sources.load_picture(tmp_path / f'a.{ending}'), np.stack([expected] * 3, axis=2))


@pytest.mark.parametrize('white', [1.0, 255.0, 65535.0, 1e6])
def test_floats_are_scaled_to_their_white(tmp_path, white):
  values = np.array([[0, 0.2, 0.6, 1.0]], np.float32) * white
  Image.fromarray(values).save(tmp_path / 'a.tiff')
  np.testing.assert_array_equal(sources.load_picture(tmp_path / 'a.tiff')[0, :, 0], [0, 51, 153, 255])


def test_transparent_pixels_stand_before_neutral_grey(tmp_path):
  rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [255, 255, 255, 128]]], np.uint8)
  Image.fromarray(rgba).save(tmp_path / 'a.png')
  np.testing.assert_allclose(
      sources.load_picture(tmp_path / 'a.png').astype(int), [[[255, 0, 0], [128, 128, 128], [192, 192, 192]]], atol=1)


def test_cmyk_palette_grey_and_one_bit_become_rgb(tmp_path):
  picture = Image.fromarray(_quarters())
  picture.convert('CMYK').save(tmp_path / 'cmyk.jpg', quality=98, subsampling=0)
  picture.quantize(8).save(tmp_path / 'palette.png')
  picture.convert('1').save(tmp_path / 'bit.png')
  inner = np.s_[5:15, 5:25]
  np.testing.assert_allclose(sources.load_picture(tmp_path / 'cmyk.jpg')[inner].mean((0, 1)), [255, 0, 0], atol=4)
  np.testing.assert_array_equal(sources.load_picture(tmp_path / 'palette.png'), _quarters())
  assert sources.load_picture(tmp_path / 'bit.png').shape == (40, 60, 3)


def test_first_picture_of_an_animation_is_taken(tmp_path):
  media.save_animation(tmp_path / 'a.gif', [_grey(10), _grey(200)], 5)
  np.testing.assert_array_equal(sources.load_picture(tmp_path / 'a.gif'), _grey(10))


def test_unreadable_pictures_are_rejected_with_their_reason(tmp_path, astronaut):
  Image.fromarray(astronaut).save(tmp_path / 'whole.jpg')
  (tmp_path / 'cut.jpg').write_bytes((tmp_path / 'whole.jpg').read_bytes()[:9000])
  (tmp_path / 'empty.png').touch()
  (tmp_path / 'text.jpeg').write_text('no picture at all')
  (tmp_path / 'phone.heic').write_bytes(b'\0\0\0\x18ftypheic')
  items = {item.key: item for item in sources.photos_source(tmp_path).read(0, 9)}
  assert isinstance(items.pop('whole.jpg'), sources.Frame)
  assert {key: item.reason.split(' (')[0] for key, item in items.items()} == {
      'cut.jpg': 'unreadable: image file is truncated', 'empty.png': 'unreadable: the file is empty',
      'text.jpeg': 'unreadable: not a picture that can be read',
      'phone.heic': 'unreadable: not a picture that can be read'}


@pytest.mark.parametrize('kind, path, name', [
    ('video', 'clips/My clip (1).mp4', 'My_clip_1'), ('video', 'me.final.mov', 'me.final'), ('photos', 'a/b/', 'b'),
    ('photos', '/', 'photos'), ('video', '--.mp4', 'video')])
def test_name_comes_from_the_input(kind, path, name):
  assert sources.default_name(kind, path) == name


def test_source_is_opened_by_its_kind(tmp_path):
  Image.fromarray(_grey(10)).save(tmp_path / '000001.jpg')
  Image.fromarray(_grey(10)).save(tmp_path / 'other.png')
  media.save_animation(tmp_path / 'clip.mp4', [_grey(i) for i in range(4)], 4)
  counts = {kind: (opened.kind, opened.num_inputs) for kind, path in (
      ('photos', tmp_path), ('celeba', tmp_path), ('video', tmp_path / 'clip.mp4'))
            for opened in [sources.open_source(kind, path, fps=2)]}
  assert counts == {'photos': ('photos', 2), 'celeba': ('celeba', 1), 'video': ('video', 2)}
