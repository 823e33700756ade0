"""Tests of tools.avatar.driving: a person whose pictures tell by their colours what they show, and a drawn film."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.control import names
from dcgan.control import timeline_files
from dcgan.model import latents
from dcgan.model import region
from dcgan.options import config
from tests.tools.material import videos_test
from tools.avatar import driving
from tools.avatar import posing
from tools.avatar import run_folder
from tools.avatar import watching
from tools.material import films
from tools.material import videos

_SHOWN = ('jawOpen', 'browInnerUp', 'headYaw')  # red, green and blue
_COLUMNS = [names.MEASURED.index(name) for name in _SHOWN]


def _raw(colours):
  """Returns raw measures, float32 [num, 45], of colours in [0, 1], [num, 3]."""
  raw = np.zeros([len(colours), len(names.MEASURED)], np.float32)
  raw[:, _COLUMNS] = np.asarray(colours) * [1, 1, 40] - [0, 0, 20]
  return raw


@pytest.fixture(name='run')
def fixture_run(monkeypatch):
  """A run whose generator bends Z, and makes too little red."""
  rng = np.random.default_rng(0)
  mean, *mixing = 4 * np.linalg.qr(rng.normal(size=[16, 16]))[0][:4]
  mixing = 0.15 * np.array(mixing)
  places = latents.to_sphere((mean + rng.normal(size=[200, 3]) @ mixing).astype(np.float32))
  back = np.linalg.pinv(mixing)[:, :3]
  centre = latents.to_sphere(mean.astype(np.float32))

  def colours(z):
    causes = (np.asarray(z) - centre) @ back
    return np.clip(0.4 + 0.15 * causes + 0.05 * causes**2, 0, 1)

  def generator(z, training):
    del training
    shown = colours(z) * [0.8, 1, 1]
    return tf.constant(np.tile(2 * shown[:, np.newaxis, np.newaxis] - 1, [1, 8, 8, 1]).astype(np.float32))

  def look(images, crop_px, is_mirrored=False):
    del crop_px, is_mirrored
    landmarks = np.zeros([len(images), 478, 3], np.float32)
    landmarks[:, 0] = images.mean(axis=(1, 2)) / 255
    return types.SimpleNamespace(landmarks=landmarks)

  keys = tuple(f'{number}.png' for number in range(200))
  raw = _raw(colours(places))
  monkeypatch.setattr(posing, 'read_raw', lambda prefix: (keys, raw))
  monkeypatch.setattr(driving.meshes, 'look', look)
  monkeypatch.setattr(driving.controls, 'measure', lambda landmarks: _raw(landmarks[:, 0]))
  space = region.Region(places, keys, np.full(200, np.nan))
  return run_folder.RunFolder('run', None, generator, None, config.Config(), space, 1)


@pytest.fixture(name='film')
def fixture_film(tmp_path):
  """A film of four seconds in which somebody opens the mouth, raises the brows and turns, one after the other."""
  times_secs = np.arange(100) / 25
  films.save_film(tmp_path / 'a.mp4', zip(times_secs, videos_test.moving(100)), fps=25)
  wave = lambda start: np.clip(np.sin(np.pi * (times_secs - start)), 0, 1) * (np.abs(times_secs - start - 0.5) < 0.5)
  raw = _raw(0.2 + 0.6 * np.stack([wave(0.5), wave(1.5), wave(2.5)], axis=1))
  eyes = np.tile(np.float32([[10, 10], [20, 10]]), [100, 1, 1])
  path = tmp_path / 'a.mp4'
  return watching.Watched(videos.Video(path), path, times_secs, raw, eyes, raw[:, _COLUMNS[0]])


def _shown(path, size_px=32):
  """Returns the colours of a film's frames, [num_frames, 3] in [0, 1]."""
  return np.array([image[:, -size_px:].mean(axis=(0, 1)) / 255 for _, image in videos.Video(path).frames()])


def test_the_person_does_what_the_film_shows_when_it_shows_it(run, film, tmp_path):
  driver = driving.Driver(run)
  path = driver.save(tmp_path / 'b.mp4', film, driving.Wish(size_px=32), tmp_path / 'b.csv')
  shown = _shown(path)
  assert shown.shape == (100, 3)
  for column, raw in enumerate(film.raw[:, _COLUMNS].T):
    together = [np.corrcoef(shown[4 + late:96 + late, column], raw[4:96])[0, 1] for late in range(-4, 5)]
    assert max(together) > 0.95 and np.argmax(together) == 4  # nothing comes late
  asked = timeline_files.load(tmp_path / 'b.csv')
  assert set(asked.names) == {*_SHOWN, 'headRoll'} and len(asked.times_secs) == 100
  assert asked.of(['jawOpen']).max() == pytest.approx(1, abs=0.05) and asked.of(['jawOpen']).min() == 0


def test_where_the_set_is_gone_the_models_own_pictures_tell(run, film, tmp_path, monkeypatch):
  read_raw, calls = posing.read_raw, []

  def read_once(prefix):
    calls.append(prefix)
    if len(calls) > 1:
      raise errors.InputError('gone')
    return read_raw(prefix)

  monkeypatch.setattr(posing, 'read_raw', read_once)
  shown = _shown(driving.Driver(run).save(tmp_path / 'b.mp4', film, driving.Wish(size_px=32)))
  assert len(calls) == 2
  for column, raw in enumerate(film.raw[:, _COLUMNS].T):
    assert np.corrcoef(shown[:, column], raw)[0, 1] > 0.9


def test_what_is_missing_is_asked_for_on_top(run, film, tmp_path, monkeypatch):
  error = {}
  for step in (0.0, driving._STEP):
    monkeypatch.setattr(driving, '_STEP', step)
    driver = driving.Driver(run)
    driver._line[:] = [[1], [0]]  # what is asked for should be read as it is, though red is made too weak
    wish = driving.Wish(size_px=32)
    shown = _shown(driver.save(tmp_path / 'b.mp4', film, wish))
    read = driver.read(np.pad(shown[:, np.newaxis], ((0, 0), (0, 477), (0, 0))))
    error[step] = np.abs(read - driver.wanted(film, wish))[:, driver.poser.controller.names.index('jawOpen')].mean()
  assert error[driving._STEP] < 0.9 * error[0.0]


def test_only_a_part_follows_and_strength_multiplies(run, film):
  driver = driving.Driver(run)
  rest = driver.poser.at_rest()
  number = {name: driver.poser.controller.names.index(name) for name in _SHOWN}
  moves = lambda **wish: np.abs(driver.wanted(film, driving.Wish(**wish)) - rest).max(axis=0)
  assert moves(only='mouth')[number['jawOpen']] > 0.9
  assert moves(only='mouth')[number['headYaw']] == moves(only='mouth')[number['browInnerUp']] == 0
  assert moves(only='head')[number['headYaw']] > 5 and moves(only='head')[number['jawOpen']] == 0
  assert moves(strength=0.5)[number['jawOpen']] == pytest.approx(0.5 * moves()[number['jawOpen']], abs=0.02)
  np.testing.assert_allclose(moves(strength=0.0), 0, atol=1e-6)


def test_a_tilted_head_turns_the_pictures_and_comes_upright_where_nobody_is_seen(run, film, tmp_path, monkeypatch):
  raw = film.raw.copy()
  raw[:, names.MEASURED.index('headRoll')] = 5  # as it rests
  raw[20:40, names.MEASURED.index('headRoll')] = 17
  raw[90:] = np.nan
  raw[86:90, names.MEASURED.index('headRoll')] = 17
  film = dataclasses.replace(film, raw=raw)
  driver = driving.Driver(run)
  tilts = driver.tilts(film, driving.Wish(strength=1.5))
  np.testing.assert_allclose(tilts[:20], 0)
  np.testing.assert_allclose(tilts[20:40], 18)
  np.testing.assert_allclose(tilts[90:100], 18)  # it holds, before it fades
  np.testing.assert_allclose(driver.tilts(film, driving.Wish(relative_secs=1.0))[[0, 30]], [-12, 0])
  assert not driver.tilts(film, driving.Wish(only='face')).any() and driver.tilts(film, driving.Wish(only='head')).any()
  turned = []
  monkeypatch.setattr(driving.tilting, 'tilt', lambda image, degrees: turned.append(degrees) or image)
  driver.save(tmp_path / 'b.mp4', film, driving.Wish(size_px=32))
  np.testing.assert_allclose(turned, driver.tilts(film, driving.Wish()))


def test_where_nobody_is_seen_the_person_comes_to_rest(run, film, tmp_path):
  raw = film.raw.copy()
  raw[24:] = np.nan  # the mouth is wide open then
  film = dataclasses.replace(film, raw=raw)
  driver = driving.Driver(run)
  shown = _shown(driver.save(tmp_path / 'b.mp4', film, driving.Wish(size_px=32)))[:, 0]
  assert shown[25:34].min() > 0.8 * shown[24] and shown[-10:].max() < 0.6 * shown[24]
  assert np.abs(np.diff(shown)).max() < 0.1


def test_another_time_counts_as_neutral(run, film):
  driver = driving.Driver(run)
  opened = driver.wanted(film, driving.Wish(relative_secs=1.0))[:, driver.poser.controller.names.index('jawOpen')]
  assert opened.max() == 0  # it opens no wider than then
  with pytest.raises(errors.InputError, match=r'`relative` \(9 s\) must lie within the film, 0 to 4.0 s'):
    driver.wanted(film, driving.Wish(relative_secs=9.0))
  nobody = dataclasses.replace(film, raw=np.where(film.times_secs[:, np.newaxis] > 2, np.nan, film.raw))
  with pytest.raises(errors.InputError, match=r'`relative` \(3 s\): no face is seen there'):
    driver.wanted(nobody, driving.Wish(relative_secs=3.0))


def test_the_film_stands_beside(run, film, tmp_path):
  path = driving.Driver(run).save(tmp_path / 'b.mp4', film, driving.Wish(size_px=32, is_side_by_side=True))
  frames = [image for _, image in videos.Video(path).frames()]
  assert len(frames) == 100 and frames[0].shape == (32, 64, 3)


@pytest.mark.parametrize('wish, message', [
    (dict(way='magic'), r'`with` \(magic\) must be one of controls, encoder'),
    (dict(strength=4.0), r'`strength` \(4\) must be from 0 to 3'),
    (dict(strength=-1.0), r'`strength` \(-1\) must be from 0 to 3'),
    (dict(strength=float('nan')), r'`strength` \(nan\) must be from 0 to 3'),
    (dict(only='nose'), r'`only` \(nose\) must be one of head, face, eyes, mouth'),
    (dict(way='encoder', only='mouth'), r'`only` is of controls, but with `with` \(encoder\) there are none')])
def test_wrong_wishes_are_told(wish, message):
  with pytest.raises(errors.InputError, match=message):
    driving.Wish(**wish)


def test_runs_that_cannot_follow_are_told(run, film, tmp_path):
  cropped = dataclasses.replace(run, options=config.Config(data=config.Data(align='off')))
  with pytest.raises(errors.InputError, match=r'run: its faces were cropped, not aligned \(`align` is off\)'):
    driving.Driver(cropped)
  plain = dataclasses.replace(run, space=latents.Normal(16))
  with pytest.raises(errors.InputError, match='run: its pictures have no places in Z'):
    driving.Driver(plain)
  with pytest.raises(errors.InputError, match=r'run: this run has no encoder, which `with` \(encoder\) needs'):
    driving.Driver(run).save(tmp_path / 'b.mp4', film, driving.Wish(way='encoder'))
