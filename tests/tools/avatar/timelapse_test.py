"""Tests of the time lapse of a training, on drawn grids; what was written is read back by OpenCV and Pillow."""

import cv2
import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont
import pytest

from dcgan.common import errors
from tools.avatar import timelapse

_HOLD_FRAMES = 50  # 2 s


def _make_run(folder, greys, size_px=530):
  """Writes a grid for each {minibatch: grey level}; returns the folder."""
  for step, grey in greys.items():
    Image.new('RGB', (size_px, size_px), (grey,) * 3).save(folder / f'samples_{step:06d}.png')
  return folder


def _read_mp4(path):
  """Returns (list of uint8 RGB frames, frames per second), as OpenCV reads them."""
  video = cv2.VideoCapture(str(path))
  frames = []
  while (read := video.read())[0]:
    frames.append(read[1][..., ::-1])
  return frames, video.get(cv2.CAP_PROP_FPS)


def _greys(frames, levels):
  """Returns the level that each frame's grid shows."""
  return [levels[np.abs(frame[-100:].mean() - levels).argmin()] for frame in frames]


def _likeness(frame, label):
  """Returns in [-1, 1] how well a drawn label is found in the upper part of a frame of 530 px."""
  font = ImageFont.load_default(22)
  left, top, right, bottom = font.getbbox(label)
  drawn = Image.new('L', (right - left + 12, bottom - top + 8), 255)  # with white around it: '15' is not '150'
  ImageDraw.Draw(drawn).text((6 - left, 4 - top), label, fill=0, font=font)
  return cv2.matchTemplate(frame[:44].mean(axis=2).astype(np.uint8), np.asarray(drawn), cv2.TM_CCOEFF_NORMED).max()


@pytest.mark.parametrize('steps, duration_secs, lapse', [
    ([0, 100, 200, 300, 400], 0.16, [0, 1, 2, 3]),  # a frame each
    ([0, 100, 200, 300, 400], 0.32, [0, 0, 1, 1, 2, 2, 3, 3]),  # slower
    ([0, 100, 200, 300, 400], 0.08, [0, 2]),  # faster than 25 grids a second: some are left out
    ([0, 400, 500, 600], 0.24, [0, 0, 0, 0, 1, 2]),  # thinned out
    ([0, 130, 200], 0.16, [0, 0, 0, 1]),  # interrupted at minibatch 130
    ([700, 800, 900], 0.08, [0, 1]),
])
def test_frames_stand_at_equal_steps_and_the_last_grid_stays(steps, duration_secs, lapse):
  assert timelapse.plan(steps, duration_secs) == lapse + [len(steps) - 1] * _HOLD_FRAMES


def test_mp4_shows_the_grids_in_the_order_of_minibatches_for_half_a_second_each(tmp_path):
  run = _make_run(tmp_path, {999_800: 40, 999_900: 90, 1_000_000: 140, 1_000_100: 190, 1_000_200: 240})
  timelapse.save(tmp_path / 'a.mp4', run)
  frames, fps = _read_mp4(tmp_path / 'a.mp4')
  assert fps == 25 and len(frames) == 2 * 25 + _HOLD_FRAMES
  shown = _greys(frames, [40, 90, 140, 190, 240])
  assert shown == sorted(shown)
  assert [shown.count(grey) for grey in (40, 90, 140, 190, 240)] == [13, 12, 13, 12, _HOLD_FRAMES]


def test_many_grids_take_eight_seconds_and_the_last_one_two(tmp_path):
  run = _make_run(tmp_path, {100 * i: 2 * i for i in range(30)}, size_px=64)
  timelapse.save(tmp_path / 'a.mp4', run, size_px=128)
  assert len(_read_mp4(tmp_path / 'a.mp4')[0]) == 8 * 25 + _HOLD_FRAMES


@pytest.mark.parametrize('ending', ['.gif', '.webp'])
def test_gif_and_webp_show_them_as_long_and_hold_each_once(tmp_path, ending):
  run = _make_run(tmp_path, {0: 60, 100: 120, 300: 180})
  timelapse.save(tmp_path / f'a{ending}', run, duration_secs=0.6)
  with Image.open(tmp_path / f'a{ending}') as picture:
    frames, delays_ms = [], []
    for index in range(picture.n_frames):
      picture.seek(index)
      frames.append(np.asarray(picture.convert('RGB')))
      delays_ms.append(picture.info['duration'])
  assert _greys(frames, [60, 120, 180]) == [60, 120, 180]
  assert delays_ms == [200, 400, 2000]


def test_each_frame_carries_its_minibatch(tmp_path):
  labels = {0: 'minibatch 0', 150: 'minibatch 150', 1500: 'minibatch 1,500', 21500: 'minibatch 21,500'}
  timelapse.save(tmp_path / 'a.mp4', _make_run(tmp_path, {step: step // 100 for step in labels}), duration_secs=8)
  frames, _ = _read_mp4(tmp_path / 'a.mp4')
  for step, label in labels.items():
    frame = frames[min(-(-200 * step // 21500), 200)]  # the first one at or behind this minibatch
    likenesses = {other: _likeness(frame, other) for other in labels.values()}
    assert likenesses[label] > 0.97 and max(likenesses, key=likenesses.get) == label


def test_label_changes_with_the_grid_only(tmp_path):
  run = _make_run(tmp_path, {0: 128, 100: 128})
  timelapse.save(tmp_path / 'a.mp4', run, duration_secs=1)
  frames, _ = _read_mp4(tmp_path / 'a.mp4')
  changes = [np.abs(frame[:44].astype(int) - before[:44]).mean() for before, frame in zip(frames, frames[1:])]
  assert np.argmax(changes) == 24 and changes[24] > 10 * max(changes[:24] + changes[25:])
  assert np.abs(frames[0][46:].astype(int) - frames[-1][46:]).max() <= 2


def test_grid_of_64_faces_of_64_px_keeps_its_pixels(tmp_path, astronaut):
  grid = np.pad(astronaut, ((9, 9), (9, 9), (0, 0)), constant_values=255)
  for step in (0, 1):
    Image.fromarray(grid).save(tmp_path / f'samples_{step:06d}.png')
  timelapse.save(tmp_path / 'a.webp', tmp_path)
  with Image.open(tmp_path / 'a.webp') as picture:
    frame = np.asarray(picture.convert('RGB'))
  error = frame[44:].astype(float) - grid
  assert frame.shape == (574, 530, 3) and 10 * np.log10(255**2 / np.mean(error**2)) > 35


@pytest.mark.parametrize('grid_px, size_px, width, height', [
    (82, None, 512, 512 + 42), (1042, None, 1042, 1042 + 86), (2066, None, 1080, 1080 + 90), (2066, 300, 300, 300 + 24),
    (530, 301, 302, 302 + 24)])  # H.264 takes even sizes only
def test_size_is_that_of_the_grids_within_limits_or_as_asked(tmp_path, grid_px, size_px, width, height):
  timelapse.save(tmp_path / 'a.mp4', _make_run(tmp_path, {0: 9, 1: 99}, grid_px), 0.08, size_px)
  video = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
  assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (width, height)


def test_label_fits_into_the_smallest_size(tmp_path):
  timelapse.save(tmp_path / 'a.mp4', _make_run(tmp_path, {9_999_998: 255, 9_999_999: 255}), size_px=128)
  frame = _read_mp4(tmp_path / 'a.mp4')[0][-1]
  assert frame[:24].min() < 60 and frame[:24, 123:].min() > 230


def test_other_files_of_a_run_are_passed_over(tmp_path):
  run = _make_run(tmp_path, {100: 9, 0: 99})
  for name in ('.samples_000200.png.77.tmp.png', 'samples_last.png', 'samples_000300.jpg', 'reals.png'):
    (tmp_path / name).write_bytes(b'no picture')
  assert timelapse.find_grids(run) == [(0, tmp_path / 'samples_000000.png'), (100, tmp_path / 'samples_000100.png')]


@pytest.mark.parametrize('count', [0, 1])
def test_a_run_of_fewer_than_two_grids_is_told_to_train_on(tmp_path, count):
  run = _make_run(tmp_path, {100 * i: 9 for i in range(count)})
  with pytest.raises(errors.InputError, match=rf'has {count} samples_STEP\.png.* 2 or more.*--resume=.*_every_steps'):
    timelapse.save(tmp_path / 'a.mp4', run)
  assert not (tmp_path / 'a.mp4').exists()


def test_a_run_that_is_not_there_is_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'nowhere: not a run: there is no such folder'):
    timelapse.save(tmp_path / 'a.mp4', tmp_path / 'nowhere')


@pytest.mark.parametrize('damage, reason', [
    (lambda content: content[:len(content) // 2], 'cut off'), (lambda content: b'', 'the file is empty'),
    (lambda content: b'no picture', 'a text and no picture')])
@pytest.mark.parametrize('ending', ['.mp4', '.gif'])
def test_a_damaged_grid_is_named_and_leaves_no_file(tmp_path, damage, reason, ending):
  run = _make_run(tmp_path, {0: 9, 100: 99, 200: 199})
  path = tmp_path / 'samples_000100.png'
  path.write_bytes(damage(path.read_bytes()))
  before = set(tmp_path.iterdir())
  with pytest.raises(errors.InputError, match=rf'samples_000100\.png` must be a grid of samples, but: .*{reason}'):
    timelapse.save(tmp_path / f'a{ending}', run)
  assert set(tmp_path.iterdir()) == before


def test_options_out_of_range_are_named_with_their_value(tmp_path):
  run = _make_run(tmp_path, {0: 9, 100: 99})
  for size_px in (127, 4097):
    with pytest.raises(errors.InputError, match=rf'`size_px` \({size_px}\) must be from 128 to 4096'):
      timelapse.save(tmp_path / 'a.mp4', run, size_px=size_px)
  with pytest.raises(errors.InputError, match=r'`duration_secs` \(0\.03\) must be at least 0\.04'):
    timelapse.save(tmp_path / 'a.mp4', run, duration_secs=0.03)
  with pytest.raises(errors.InputError, match=r"ends in '\.avi'"):
    timelapse.save(tmp_path / 'a.avi', run)
