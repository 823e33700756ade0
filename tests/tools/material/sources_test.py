"""Tests of where pictures come from; the pictures and videos are made here."""

import os
import pickle
import time
import tracemalloc
import zipfile

import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tests.tools.material import drawn
from tests.tools.material import films
from tools.material import animations
from tools.material import sources


def _unreadable(why):
  return manifests.Reason('unreadable', why)


def _make_video(path, num_frames, fps):
  animations.save_animation(path, [drawn.grey(5 * i) for i in range(num_frames)], fps)


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
  animations.save_animation(tmp_path / 'clip.mp4', [rng.integers(0, 255, [32, 48, 3], np.uint8) for _ in range(60)], 10)
  content = (tmp_path / 'clip.mp4').read_bytes()
  (tmp_path / 'clip.mp4').write_bytes(content[:len(content) // 2])
  source = sources.VideoSource(tmp_path / 'clip.mp4', 5)
  items = [item for start in (0, 10, 20) for item in source.read(start, start + 10)]
  kinds = [type(item) for item in items]
  num_frames = kinds.count(sources.Frame)
  assert len(items) == source.num_inputs == 30 and 10 <= num_frames <= 18
  assert kinds == [sources.Frame] * num_frames + [manifests.Rejection] * (30 - num_frames)
  assert items[-1].key == 'clip.mp4@5.800s' and items[-1].reason.kind == 'damaged_video'


def test_a_damaged_stretch_in_the_middle_is_rejected_in_any_slice(tmp_path):
  rng = np.random.default_rng(0)
  frames = [rng.integers(0, 255, [32, 48, 3], np.uint8) for _ in range(600)]
  animations.save_animation(tmp_path / 'clip.mp4', frames, 10)
  content = bytearray((tmp_path / 'clip.mp4').read_bytes())
  content[len(content) * 4 // 10:len(content) * 7 // 10] = bytes(len(content) * 7 // 10 - len(content) * 4 // 10)
  (tmp_path / 'clip.mp4').write_bytes(content)
  source = sources.VideoSource(tmp_path / 'clip.mp4', 1)
  whole = list(source.read(0, 60))
  pieces = [item for start in (0, 20, 40) for item in source.read(start, start + 20)]
  for items in (whole, pieces):
    rejected = [item for item in items if isinstance(item, manifests.Rejection)]
    assert len(items) >= 58 and len(rejected) >= 10 and rejected[0].reason.kind == 'damaged_video'
  assert [item.key for item in whole if isinstance(item, sources.Frame)] == [
      item.key for item in pieces if isinstance(item, sources.Frame)]


def test_a_picture_too_wide_for_opencv_is_rejected_and_the_next_one_read(tmp_path):
  Image.new('RGB', (33_000, 8)).save(tmp_path / 'a.png')
  Image.fromarray(drawn.quarters()).save(tmp_path / 'b.png')
  wide, good = sources.PhotoSource(tmp_path).read(0, 2)
  assert wide.reason == _unreadable('33000×8 px, but a side may have at most 32766') and good.key == 'b.png'


def test_a_file_for_a_folder_and_a_folder_for_a_file_are_told(tmp_path):
  (tmp_path / 'a.mp4').touch()
  with pytest.raises(errors.InputError, match=r'a\.mp4` must be a folder of pictures, but is a file.*--video'):
    sources.PhotoSource(tmp_path / 'a.mp4')
  with pytest.raises(errors.InputError, match=r'must be a video file, but is a folder.*--photos'):
    sources.VideoSource(tmp_path, 1)


@pytest.mark.parametrize('fps', [0, -1, float('nan')])
def test_fps_out_of_range_is_named(tmp_path, fps):
  with pytest.raises(errors.InputError, match=rf'`fps` \({fps}\) must be'):
    sources.VideoSource(tmp_path / 'absent.mp4', fps)


def test_photos_come_sorted_from_all_folders_whatever_the_order_on_disk(tmp_path, monkeypatch):
  for name in ('b.png', 'a/z.JPG', 'c/d/e.webp', 'a.png', 'a/.hidden.png', 'notes.txt', '._b.png'):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    if name.endswith('.txt'):
      (tmp_path / name).touch()
    else:
      Image.fromarray(drawn.quarters()).save(tmp_path / name)
  source = sources.PhotoSource(tmp_path)
  frames = list(source.read(0, 10))
  assert (source.kind, source.num_inputs) == ('photos', 4)
  assert [frame.key for frame in frames] == ['a.png', 'a/z.JPG', 'b.png', 'c/d/e.webp']
  assert [(frame.order, frame.time_secs) for frame in frames] == [(i, None) for i in range(4)]
  assert [frame.key for frame in source.read(1, 3)] == ['a/z.JPG', 'b.png']
  scandir = os.scandir
  monkeypatch.setattr(os, 'scandir', lambda path: _Reversed(scandir(path)))
  assert [frame.key for frame in sources.PhotoSource(tmp_path).read(0, 10)] == [frame.key for frame in frames]


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
  Image.fromarray(drawn.quarters()).save(tmp_path / 'elsewhere' / 'a.png')
  (tmp_path / 'photos' / 'linked').symlink_to(tmp_path / 'elsewhere')
  (tmp_path / 'photos' / 'loop').symlink_to(tmp_path / 'photos')
  (tmp_path / 'photos' / 'broken.png').symlink_to(tmp_path / 'nowhere.png')
  items = list(sources.PhotoSource(tmp_path / 'photos').read(0, 9))
  assert [item.key for item in items] == ['broken.png', 'linked/a.png']
  assert items[0].reason == manifests.Reason('missing', 'not a file')


def test_a_pipe_with_a_pictures_name_does_not_hang(tmp_path):
  os.mkfifo(tmp_path / 'a.png')
  (item,) = sources.PhotoSource(tmp_path).read(0, 1)
  assert item == manifests.Rejection('a.png', manifests.Reason('missing', 'not a file'))


def test_folder_without_pictures_and_no_folder_are_named(tmp_path):
  (tmp_path / 'notes.txt').touch()
  with pytest.raises(errors.InputError, match=rf'`{tmp_path}` holds 0 pictures.*\.jpg'):
    sources.PhotoSource(tmp_path)
  with pytest.raises(errors.InputError, match=r'absent` must be a folder'):
    sources.PhotoSource(tmp_path / 'absent')


def test_unreadable_pictures_are_rejected_with_their_reason(tmp_path, astronaut):
  Image.fromarray(astronaut).save(tmp_path / 'whole.jpg')
  (tmp_path / 'cut.jpg').write_bytes((tmp_path / 'whole.jpg').read_bytes()[:9000])
  (tmp_path / 'empty.png').touch()
  (tmp_path / 'text.jpeg').write_text('no picture at all')
  (tmp_path / 'phone.heic').write_bytes(b'\0\0\0\x18ftypheic')
  items = {item.key: item for item in sources.PhotoSource(tmp_path).read(0, 9)}
  assert isinstance(items.pop('whole.jpg'), sources.Frame)
  cut = items.pop('cut.jpg').reason
  assert cut == _unreadable('it is cut off: its end is missing')
  assert {key: item.reason for key, item in items.items()} == {
      'empty.png': _unreadable('the file is empty'), 'text.jpeg': _unreadable('it is a text and no picture'),
      'phone.heic': _unreadable('it begins as HEIC does, but is cut off or damaged')}


@pytest.mark.parametrize('kind, path, name', [
    ('video', 'clips/My clip (1).mp4', 'My_clip_1'), ('video', 'me.final.mov', 'me.final'), ('photos', 'a/b/', 'b'),
    ('photos', '/', 'photos'), ('video', '--.mp4', 'video'), ('video', ['b.mp4', 'a.mp4'], 'b'),
    ('celeba', 'Img/img_align_celeba.zip', 'img_align_celeba'), ('celeba', 'a.b', 'a.b')])
def test_name_comes_from_the_first_input(kind, path, name):
  assert sources.default_name(kind, path) == name


def test_source_is_opened_by_its_kind(tmp_path):
  Image.fromarray(drawn.grey(10)).save(tmp_path / '000001.jpg')
  Image.fromarray(drawn.grey(10)).save(tmp_path / 'other.png')
  _make_video(tmp_path / 'clip.mp4', 4, 4)
  (tmp_path / 'list_eval_partition.txt').write_text('000001.jpg 2\n')
  opened = {kind: sources.open_source(kind, path, **options) for kind, path, options in (
      ('photos', str(tmp_path), {}), ('celeba', [tmp_path], {'partition': 'test'}),
      ('video', str(tmp_path / 'clip.mp4'), {'fps': 4, 'start_secs': 0.25, 'end_secs': 0.75}))}
  assert {kind: (source.kind, source.num_inputs) for kind, source in opened.items()} == {
      'photos': ('photos', 2), 'celeba': ('celeba', 1), 'video': ('video', 2)}
  assert sources.open_source('photos', tmp_path, limit=1).num_inputs == 1


def test_inputs_that_are_too_few_or_too_many_are_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'--celeba takes one folder or zip, but 2 are given \(a, b\)'):
    sources.open_source('celeba', ['a', 'b'])
  with pytest.raises(errors.InputError, match='There are 0 inputs'):
    sources.open_source('video', [])
  Image.fromarray(drawn.grey(10)).save(tmp_path / '000001.jpg')
  _make_video(tmp_path / 'clip.mp4', 4, 4)
  for kind, path in (('photos', tmp_path), ('celeba', tmp_path), ('video', tmp_path / 'clip.mp4')):
    with pytest.raises(errors.InputError, match=r'`limit` \(0\) must be 1 or more'):
      sources.open_source(kind, path, limit=0)


def _several_videos(folder):
  """Writes three videos, two of one name, and returns their paths; frame i is grey of 5·i, 4 a second."""
  paths = [folder / name for name in ('a/clip.mp4', 'b/clip.mp4', 'other.mp4')]
  for path, num_frames in zip(paths, (8, 4, 6)):
    path.parent.mkdir(exist_ok=True)
    _make_video(path, num_frames, 4)
  return paths


def test_several_videos_follow_each_other_under_keys_of_their_own(tmp_path):
  source = sources.VideoSource(_several_videos(tmp_path), 2)
  frames = list(source.read(0, source.num_inputs))
  assert source.num_inputs == 4 + 2 + 3
  assert [frame.order for frame in frames] == list(range(9))
  assert [frame.clip for frame in frames] == [0] * 4 + [1] * 2 + [2] * 3
  assert [frame.time_secs for frame in frames] == [0, 0.5, 1, 1.5, 0, 0.5, 0, 0.5, 1]
  assert [round(frame.image.mean() / 5) for frame in frames] == [0, 2, 4, 6, 0, 2, 0, 2, 4]
  assert [frame.key for frame in frames][2:8] == [
      'a/clip.mp4@1.000s', 'a/clip.mp4@1.500s', 'b/clip.mp4@0.000s', 'b/clip.mp4@0.500s', 'other.mp4@0.000s',
      'other.mp4@0.500s']
  for size in (1, 2, 5):
    sliced = [frame.key for start in range(0, 9, size) for frame in source.read(start, start + size)]
    assert sliced == [frame.key for frame in frames]


def test_notes_name_the_videos_that_tell_them(tmp_path):
  paths = _several_videos(tmp_path)
  assert sources.VideoSource(paths, 1).notes == ()
  for path in paths[:2]:
    films.encode(path, films.greys(4), 'ffv1', pixel_format='yuv420p10le', fmt='matroska', before=_tag_as_bt2020)
  one, both = sources.VideoSource(paths[1:], 1), sources.VideoSource(paths, 1)
  note = 'has the wide colours of BT.2020: its pictures were brought to sRGB.'
  assert one.notes == (f'`clip.mp4` {note}',)
  assert both.notes == (f'`a/clip.mp4` (and 1 other video) {note}',)


def _tag_as_bt2020(stream):
  stream.codec_context.color_primaries = stream.codec_context.colorspace = 9


def test_limit_takes_the_first_inputs_of_all_videos(tmp_path):
  source = sources.VideoSource(_several_videos(tmp_path), 2, limit=5)
  assert source.num_inputs == 5
  assert [frame.clip for frame in source.read(0, 99)] == [0] * 4 + [1]


def test_a_part_of_each_video_is_taken(tmp_path):
  source = sources.VideoSource(_several_videos(tmp_path), 4, start_secs=0.5, end_secs=1.25)
  frames = list(source.read(0, source.num_inputs))
  assert [(frame.clip, frame.time_secs) for frame in frames] == [
      (0, 0.5), (0, 0.75), (0, 1.0), (1, 0.5), (1, 0.75), (2, 0.5), (2, 0.75), (2, 1.0)]
  assert [round(frame.image.mean() / 5) for frame in frames] == [2, 3, 4, 2, 3, 2, 3, 4]
  assert [frame.key for frame in source.read(2, 4)] == ['a/clip.mp4@1.000s', 'b/clip.mp4@0.500s']


@pytest.mark.parametrize('start_secs, end_secs, message', [
    (-1, None, r'`start_secs` \(-1\) must be 0 or more'), (float('nan'), None, r'`start_secs` \(nan\)'),
    (float('inf'), None, r'`start_secs` \(inf\)'), (2, 2, r'`end_secs` \(2\) must be above `start_secs` \(2\)'),
    (0, float('nan'), r'`end_secs` \(nan\)'),
    (1.5, None, r'`start_secs` \(1\.5\) must be before the end of `.*b/clip\.mp4`, which is 1\.00 s long')])
def test_times_out_of_range_are_named(tmp_path, start_secs, end_secs, message):
  with pytest.raises(errors.InputError, match=message):
    sources.VideoSource(_several_videos(tmp_path), 1, start_secs, end_secs)


def test_a_video_named_twice_is_told(tmp_path):
  path = _several_videos(tmp_path)[0]
  with pytest.raises(errors.InputError, match=r'clip\.mp4` is given twice'):
    sources.VideoSource([path, path.parent / '..' / 'a' / 'clip.mp4'], 1)


def test_a_video_that_vanishes_is_rejected_and_the_next_one_read(tmp_path):
  paths = _several_videos(tmp_path)
  source = sources.VideoSource(paths, 2)
  paths[1].unlink()
  items = list(source.read(0, 9))
  assert [type(item) for item in items] == [sources.Frame] * 4 + [manifests.Rejection] * 2 + [sources.Frame] * 3
  assert items[4] == manifests.Rejection('b/clip.mp4@0.000s',
                                       manifests.Reason('damaged_video', 'No such file or directory'))


def test_each_picture_of_an_animation_is_an_input(tmp_path):
  animations.save_animation(tmp_path / 'dance.gif', [drawn.grey(value) for value in (10, 90, 170, 250)], 5)
  animations.save_animation(tmp_path / 'wave.webp', [drawn.grey(value) for value in (30, 60)], 5)
  for name in ('a.png', 'still.gif'):
    Image.fromarray(drawn.grey(120)).save(tmp_path / name)
  source = sources.PhotoSource(tmp_path)
  frames = list(source.read(0, 99))
  keys = ['a.png', 'dance.gif#0000', 'dance.gif#0001', 'dance.gif#0002', 'dance.gif#0003', 'still.gif',
          'wave.webp#0000', 'wave.webp#0001']
  assert [frame.key for frame in frames] == keys
  assert [frame.order for frame in frames] == list(range(8)) and source.num_inputs == 8
  np.testing.assert_allclose([frame.image.mean() for frame in frames], [120, 10, 90, 170, 250, 120, 30, 60], atol=2)
  for size in (1, 3):
    assert [frame.key for start in range(0, 8, size) for frame in source.read(start, start + size)] == keys
  limited = sources.PhotoSource(tmp_path, limit=2)
  assert [frame.key for frame in limited.read(0, 99)] == keys[:2] and limited.num_inputs == 2


def test_an_animation_that_shrinks_meanwhile_is_rejected_from_there_on(tmp_path):
  animations.save_animation(tmp_path / 'dance.gif', [drawn.grey(value) for value in (10, 90, 170)], 5)
  source = sources.PhotoSource(tmp_path)
  animations.save_animation(tmp_path / 'dance.gif', [drawn.grey(value) for value in (10, 90)], 5)
  items = list(source.read(0, 3))
  assert [item.key for item in items] == ['dance.gif#0000', 'dance.gif#0001', 'dance.gif#0002']
  assert items[2].reason == _unreadable('there is no picture 2 in it')


@pytest.mark.parametrize('name', [
    'two words.png', 'quo\'te".png', 'line\nbreak.png', 'größe.PNG', b'\xff\xfe.png', '%s{}.png', 'talk:1.png'])
def test_odd_names_are_read(tmp_path, name):
  name = os.fsdecode(name)
  (tmp_path / 'in it').mkdir()
  Image.fromarray(drawn.quarters()).save(tmp_path / 'picture.png')
  os.replace(tmp_path / 'picture.png', tmp_path / 'in it' / name)
  source = pickle.loads(pickle.dumps(sources.PhotoSource(tmp_path)))
  (frame,) = source.read(0, 9)
  assert frame.key == f'in it/{name}'
  np.testing.assert_array_equal(frame.image, drawn.quarters())


def test_a_file_that_vanishes_is_rejected_and_the_next_one_read(tmp_path):
  for name in ('a.png', 'b.png'):
    Image.fromarray(drawn.quarters()).save(tmp_path / name)
  source = sources.PhotoSource(tmp_path)
  (tmp_path / 'a.png').unlink()
  gone, frame = source.read(0, 2)
  assert gone == manifests.Rejection('a.png', manifests.Reason('missing', 'the file is not there any more'))
  assert frame.key == 'b.png'


def _refuse(monkeypatch, folder):
  """Makes one folder unreadable, for root too."""
  scandir = os.scandir

  def scandir_but_one(path):
    if os.path.samefile(path, folder):
      raise PermissionError(13, 'Permission denied', str(path))
    return scandir(path)

  monkeypatch.setattr(os, 'scandir', scandir_but_one)


def test_a_folder_that_cannot_be_read_is_a_rejection(tmp_path, monkeypatch):
  (tmp_path / 'private.gif').mkdir()
  Image.fromarray(drawn.quarters()).save(tmp_path / 'z.png')
  _refuse(monkeypatch, tmp_path / 'private.gif')
  source = sources.PhotoSource(tmp_path)
  refused, frame = source.read(0, 9)
  assert source.num_inputs == 2 and frame.key == 'z.png'
  assert refused == manifests.Rejection('private.gif/', manifests.Reason('unreadable_folder', 'Permission denied'))


def test_nothing_but_folders_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
  (tmp_path / 'private').mkdir()
  _refuse(monkeypatch, tmp_path / 'private')
  with pytest.raises(errors.InputError, match=r'holds 0 pictures.*Not readable: `private/` \(Permission denied\)'):
    sources.PhotoSource(tmp_path)
  with pytest.raises(errors.InputError, match=r'private` must be .*but cannot be read \(Permission denied\)'):
    sources.PhotoSource(tmp_path / 'private')


def test_links_to_themselves_and_hidden_folders_are_passed_over(tmp_path):
  (tmp_path / 'self').symlink_to('self')
  (tmp_path / '.thumbnails').mkdir()
  for name in ('a.png', '.thumbnails/a.png'):
    Image.fromarray(drawn.quarters()).save(tmp_path / name)
  assert [item.key for item in sources.PhotoSource(tmp_path).read(0, 9)] == ['a.png']


def _draw(folder, *file_names):
  """Writes files into a folder: pictures, each of its own grey, and empty ones of any other ending."""
  for i, name in enumerate(file_names):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(('.png', '.jpg', '.JPG', '.heic', '.HEIC')):
      Image.fromarray(drawn.grey(20 * i)).save(folder / name)
    else:
      (folder / name).touch()


def test_several_folders_follow_each_other_under_keys_of_their_own(tmp_path):
  for name in ('home/photos', 'work/photos', 'z/other'):
    _draw(tmp_path / name, 'b.png', 'a/c.png')
  source = sources.PhotoSource([tmp_path / 'work' / 'photos', tmp_path / 'home' / 'photos'])
  keys = [frame.key for frame in source.read(0, 9)]
  assert keys == ['work/photos/a/c.png', 'work/photos/b.png', 'home/photos/a/c.png', 'home/photos/b.png']
  assert [frame.image.mean() for frame in source.read(0, 9)] == [20, 0, 20, 0]
  assert [frame.key for frame in pickle.loads(pickle.dumps(source)).read(1, 3)] == keys[1:3]
  opened = sources.open_source('photos', [tmp_path / 'z' / 'other', tmp_path / 'home'])
  assert [frame.key for frame in opened.read(0, 9)] == [
      'other/a/c.png', 'other/b.png', 'home/photos/a/c.png', 'home/photos/b.png']
  assert [frame.key for frame in sources.PhotoSource(tmp_path / 'z' / 'other').read(0, 9)] == ['a/c.png', 'b.png']
  assert [frame.key for frame in sources.PhotoSource([tmp_path / 'z' / 'other']).read(0, 9)] == ['a/c.png', 'b.png']


def test_no_key_of_one_folder_is_one_of_another(tmp_path):
  _draw(tmp_path / 'a' / 't', 'x/p.png')
  _draw(tmp_path / 'b' / 'a', 't/x/p.png')
  _draw(tmp_path / 't', 'x/p.png')
  source = sources.PhotoSource([tmp_path / 'a' / 't', tmp_path / 'b' / 'a', tmp_path / 't'])
  assert len({frame.key for frame in source.read(0, 9)}) == source.num_inputs == 3


def test_a_folder_named_twice_is_told_and_one_within_another_comes_once(tmp_path):
  _draw(tmp_path / 'a', 'x.png', 'b/y.png')
  with pytest.raises(errors.InputError, match=r'a` is given twice, but each folder counts once'):
    sources.PhotoSource([tmp_path / 'a', tmp_path / 'a' / 'b' / '..'])
  source = sources.PhotoSource([tmp_path / 'a', tmp_path / 'a' / 'b'])
  assert [frame.key for frame in source.read(0, 9)] == ['a/b/y.png', 'a/x.png']


def test_what_is_no_picture_to_read_is_left_out_and_told(tmp_path):
  _draw(tmp_path, 'IMG_0001.HEIC', 'IMG_0001.MOV', 'IMG_0002.MOV', 'b/IMG_0002.JPG', 'b/img_0002.cr2', 'c/d.NEF',
        'c/e.jxl', 'logo.svg', 'notes.txt', 'Thumbs.db', 'desktop.ini', 'IMG_0001.AAE', '.hidden.mov', 'f.pdf', 'g.psd')
  source = sources.PhotoSource(tmp_path, limit=2)
  assert source.num_inputs == 2 and all(isinstance(item, sources.Frame) for item in source.read(0, 2))
  assert {each.key: (each.reason.kind, each.reason.value) for each in source.left_out} == {
      'IMG_0001.MOV': ('live_photo', 'IMG_0001.HEIC'), 'IMG_0002.MOV': ('video_among_photos', 'MOV'),
      'b/img_0002.cr2': ('raw_copy', 'b/IMG_0002.JPG'), 'c/d.NEF': ('raw_photo', 'NEF'),
      'c/e.jxl': ('other_format', 'JPEG XL'), 'logo.svg': ('other_format', 'SVG'), 'f.pdf': ('other_format', 'PDF'),
      'g.psd': ('other_format', 'Photoshop')}
  before = source.fingerprint
  (tmp_path / 'c' / 'd.NEF').unlink()
  assert sources.PhotoSource(tmp_path, limit=2).fingerprint == before


def test_a_folder_of_nothing_but_raw_photos_and_videos_says_what_to_do(tmp_path):
  _draw(tmp_path, 'a.CR2', 'b.cr2', 'c.mp4', 'notes.txt')
  with pytest.raises(errors.InputError, match=r'holds 0 pictures.* It holds 2 × raw photo \(CR2\): export it as JPEG, '
                     r'1 × video \(MP4\) in the folder: --video takes it\. Name another folder\.$'):
    sources.PhotoSource(tmp_path)


def test_links_in_a_circle_and_out_of_the_folder_give_each_picture_once(tmp_path):
  _draw(tmp_path / 'photos' / 'a', 'p.png')
  _draw(tmp_path / 'photos' / 'b', 'q.png')
  _draw(tmp_path / 'outside', 'r.png')
  for link, target in (('a/to_b', 'b'), ('b/to_a', 'a'), ('b/up', '.'), ('a/out', '../outside'),
                       ('b/out', '../outside')):
    (tmp_path / 'photos' / link).symlink_to((tmp_path / 'photos' / target).resolve())
  names = [item.key.rpartition('/')[2] for item in sources.PhotoSource(tmp_path / 'photos').read(0, 99)]
  assert sorted(names) == ['p.png', 'q.png', 'r.png']


def test_many_files_are_listed_in_little_memory_and_time(tmp_path):
  num_files = 5_000
  for i in range(num_files):
    (tmp_path / f'{i:06d}.jpg').touch()
  tracemalloc.start()
  start = time.process_time()
  source = sources.PhotoSource(tmp_path)
  secs, peak_bytes = time.process_time() - start, tracemalloc.get_traced_memory()[1]
  tracemalloc.stop()
  assert source.num_inputs == num_files
  assert peak_bytes / num_files < 1_000 and secs / num_files < 1e-3  # 100,000 files: 100 MB, 100 s under a tracer


def test_fingerprint_tells_what_would_be_read_and_not_where_it_lies(tmp_path):
  for folder in ('a', 'b'):
    (tmp_path / folder).mkdir()
    _make_video(tmp_path / folder / 'clip.mp4', 8, 4)
    Image.fromarray(drawn.grey(9)).save(tmp_path / folder / '000001.jpg')
    Image.fromarray(drawn.grey(9)).save(tmp_path / folder / '000002.jpg')
    for path in (tmp_path / folder).iterdir():
      os.utime(path, (1000, 1000))
  first = {}
  for kind, name, others in (
      ('photos', '', ({'limit': 1},)), ('celeba', '', ({'limit': 1},)),
      ('video', 'clip.mp4', ({'fps': 2}, {'start_secs': 0.5}, {'end_secs': 1.0}, {'limit': 1}))):
    first[kind] = sources.open_source(kind, tmp_path / 'a' / name).fingerprint
    assert sources.open_source(kind, tmp_path / 'b' / name).fingerprint == first[kind]
    digests = [sources.open_source(kind, tmp_path / 'a' / name, **options).fingerprint for options in others]
    assert len({first[kind], *digests}) == len(others) + 1
  for name in ('000002.jpg', 'clip.mp4'):
    os.utime(tmp_path / 'b' / name, (1001, 1001))
  for kind, name in (('photos', ''), ('celeba', ''), ('video', 'clip.mp4')):
    assert sources.open_source(kind, tmp_path / 'b' / name).fingerprint != first[kind]


def test_sources_read_the_same_when_pickled(tmp_path):
  Image.fromarray(drawn.grey(10)).save(tmp_path / '000001.jpg')
  _save_zip(tmp_path / 'celeba.zip', {'x/000001.jpg': (tmp_path / '000001.jpg').read_bytes()})
  _make_video(tmp_path / 'clip.mp4', 8, 4)
  for kind, path in (('photos', tmp_path), ('celeba', tmp_path), ('celeba', tmp_path / 'celeba.zip'),
                     ('video', tmp_path / 'clip.mp4')):
    source = sources.open_source(kind, path)
    list(source.read(0, 1))
    again = pickle.loads(pickle.dumps(source))
    assert [frame.image.mean() for frame in again.read(0, 9)] == [frame.image.mean() for frame in source.read(0, 9)]
    assert (again.kind, again.num_inputs, again.fingerprint) == (kind, source.num_inputs, source.fingerprint)


def test_celeba_frames_carry_eyes_and_identity_where_a_list_names_them(tmp_path):
  for name in ('000001.jpg', '000002.jpg'):
    Image.fromarray(np.full([218, 178, 3], 50, np.uint8)).save(tmp_path / name)
  (tmp_path / '000003.jpg').write_text('damaged')
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text('1\nheader\n000002.jpg 69 111 108 112 1 2 3 4 5 6\n')
  (tmp_path / 'identity_CelebA.txt').write_text('000001.jpg 2880\n')
  first, second, damaged = sources.CelebaSource(tmp_path).read(0, 9)
  assert (first.eyes, first.identity, first.order, first.time_secs, first.clip) == (None, 2880, 0, None, 0)
  assert second.identity is None
  np.testing.assert_array_equal(second.eyes, [[69.5, 111.5], [108.5, 112.5]])
  assert damaged == manifests.Rejection('000003.jpg', _unreadable('it is a text and no picture'))


def _save_zip(path, members):
  with zipfile.ZipFile(path, 'w') as archive:
    for name, content in members.items():
      archive.writestr(name, content)


def test_a_picture_is_no_video(tmp_path):
  Image.fromarray(drawn.quarters()).save(tmp_path / 'me.JPG')
  with pytest.raises(errors.InputError, match=r'`.*me\.JPG` must be a video, but is a picture\. Use --photos'):
    sources.open_source('video', str(tmp_path / 'me.JPG'))
