"""Tests of how a source becomes a set of records, and how one set takes the place of another."""

import io
import shutil

import cv2
import numpy as np
from PIL import Image
import pytest

from dcgan import errors
from dcgan import records
from tools import media
from tools.faces import alignment
from tools.faces import convert
from tools.faces import curation
from tools.faces import landmarks
from tools.faces import sources

_IRISES = [landmarks.IMAGE_LEFT_IRIS, landmarks.IMAGE_RIGHT_IRIS]


class _Finder:
  """Finds a face whose eyes are `distance` px apart in the middle of each picture that is not black."""

  def __init__(self, distance=39.0):
    self._distance = distance

  def find(self, image):
    if not image.any():
      return None
    height, width, _ = image.shape
    points = np.zeros([478, 3], np.float32)
    points[:, :2] = np.random.default_rng(0).uniform(0, min(height, width), [478, 2])
    points[_IRISES] = [[(width - self._distance) / 2, height / 2, 0], [(width + self._distance) / 2, height / 2, 0]]
    return points


class _Source:
  """Noise pictures; those in `faceless` are black, those in `broken` unreadable, those in `repeated` give nothing.

  Reading a picture in `errors_at` raises its error; `on_image` is called before each.
  """
  kind = 'photos'

  def __init__(self, num_inputs, faceless=(), broken=(), repeated=(), errors_at=None, on_image=lambda: None):
    self.num_inputs = num_inputs
    self._faceless, self._broken, self._repeated = faceless, broken, repeated
    self._errors_at, self._on_image = errors_at or {}, on_image
    self.slices = []

  def read(self, start, stop):
    self.slices.append((start, stop))
    for i in range(start, stop):
      if i in self._broken:
        yield records.Rejection(f'{i}.png', 'unreadable: torn')
      elif i not in self._repeated:
        self._on_image()
        if i in self._errors_at:
          raise self._errors_at[i]
        yield sources.Frame(f'{i}.png', i, i / 4, self.image(i))

  def image(self, i):
    noise = np.random.default_rng(i).integers(1, 255, [300, 260, 3], np.uint8)
    return noise * np.uint8(i not in self._faceless)


def _write(folder, source, num_shards=0):
  return convert.write_set(source, str(folder / 'set'), _Finder(), curation.Limits(), {'fps': 4}, num_shards)


def _names(folder):
  return sorted(path.name for path in folder.iterdir())


def test_record_holds_what_alignment_and_curation_say(tmp_path):
  source = _Source(1)
  manifest = _write(tmp_path, source)
  (face,) = records.read_faces(str(tmp_path / 'set'), manifest)
  points = _Finder().find(source.image(0))
  aligned = alignment.align(source.image(0), points, points[_IRISES, :2])
  assert (face.key, face.order, face.time_secs) == ('0.png', 0, 0.0)
  np.testing.assert_allclose(face.eyes, [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], atol=1e-3)
  np.testing.assert_array_equal(face.landmarks, aligned.landmarks)
  np.testing.assert_array_equal(face.descriptor, curation.descriptor(aligned.image))
  assert face.sharpness == pytest.approx(curation.sharpness(aligned.image), rel=1e-6)


def test_picture_is_a_jpeg_of_quality_95_with_full_colour_resolution(tmp_path):
  (face,) = records.read_faces(str(tmp_path / 'set'), _write(tmp_path, _Source(1)))
  picture = Image.open(io.BytesIO(face.encoded))
  assert (picture.format, picture.size, picture.mode) == ('JPEG', (178, 218), 'RGB')
  assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3  # sampling of Y, Cb and Cr
  reference = io.BytesIO()
  Image.new('RGB', (8, 8)).save(reference, 'JPEG', quality=95)
  assert picture.quantization == Image.open(reference).quantization


def test_colours_are_kept(tmp_path, monkeypatch):
  source = _Source(1)
  monkeypatch.setattr(source, 'image', lambda i: np.zeros([300, 260, 3], np.uint8) + np.array([200, 60, 40], np.uint8))
  (face,) = records.read_faces(str(tmp_path / 'set'), _write(tmp_path, source))
  image = np.asarray(Image.open(io.BytesIO(face.encoded)))
  np.testing.assert_allclose(image.reshape(-1, 3).astype(int), np.tile([200, 60, 40], (178 * 218, 1)), atol=2)


def test_manifest_counts_every_input_with_its_reason(tmp_path):
  manifest = _write(tmp_path, _Source(10, faceless=(2, 7), broken=(4,), repeated=(5,)), num_shards=3)
  assert (manifest.num_images, manifest.num_inputs, manifest.kind) == (6, 9, 'photos')
  assert manifest.rejected == (
      records.Rejection('2.png', 'no face found'), records.Rejection('4.png', 'unreadable: torn'),
      records.Rejection('7.png', 'no face found'))
  assert records.load_manifest(str(tmp_path / 'set')) == manifest
  faces = list(records.read_faces(str(tmp_path / 'set'), manifest))
  assert [face.order for face in faces] == [0, 1, 3, 6, 8, 9]


def test_near_eyes_and_faces_at_the_edge_are_rejected(tmp_path):
  limits = curation.Limits(min_eye_distance_px=20)
  source = _Source(1)
  item = convert.make_face(next(source.read(0, 1)), _Finder(distance=19), limits)
  assert item == records.Rejection('0.png', 'eyes 19.0 px apart, under --min_eye_distance_px=20')
  item = convert.make_face(next(source.read(0, 1)), _Finder(distance=180), limits)
  assert item.key == '0.png' and item.reason.endswith('lies outside the picture, over --max_outside_fraction=0.2')


def test_shards_split_the_inputs_evenly_and_cover_each_once(tmp_path):
  source = _Source(11)
  manifest = _write(tmp_path, source, num_shards=4)
  assert source.slices == [(0, 2), (2, 5), (5, 8), (8, 11)]
  assert [shard.num_records for shard in manifest.shards] == [2, 3, 3, 3]
  assert _names(tmp_path) == ['set.json'] + [f'set.tfrecord-0000{i}-of-00004' for i in range(4)]


def test_shards_are_one_per_2000_inputs_and_not_more_than_inputs(tmp_path):
  assert len(_write(tmp_path, _Source(2001, repeated=range(3, 2001))).shards) == 2
  assert len(_write(tmp_path, _Source(3), num_shards=8).shards) == 3


def test_same_inputs_give_the_same_bytes(tmp_path):
  first, second = (_write(tmp_path / name, _Source(6, faceless=(1,)), num_shards=2) for name in 'ab')
  assert first.digest == second.digest


def test_shard_depends_on_its_slice_only(tmp_path):
  manifest = _write(tmp_path, _Source(9), num_shards=3)
  shard, rejected = convert.convert_shard(
      _Source(9), 3, 6, tmp_path / 'alone.tfrecord-00001-of-00003', _Finder(), curation.Limits())
  assert shard.sha256 == manifest.shards[1].sha256 and rejected == []


def test_no_face_at_all_says_why_and_leaves_nothing(tmp_path):
  with pytest.raises(errors.InputError, match='none of the 5 pictures gave a face.*4 × no face found, 1 × unreadable'):
    _write(tmp_path, _Source(5, faceless=range(4), broken=(4,)), num_shards=2)
  assert not _names(tmp_path)


@pytest.mark.parametrize('error', [KeyboardInterrupt, RuntimeError, OSError])
def test_interrupted_set_leaves_nothing(tmp_path, error):
  with pytest.raises(error):
    _write(tmp_path, _Source(6, errors_at={4: error}), num_shards=3)
  assert not _names(tmp_path)


@pytest.mark.parametrize('source, error', [
    (_Source(6, errors_at={4: KeyboardInterrupt}), KeyboardInterrupt), (_Source(6, errors_at={0: OSError}), OSError),
    (_Source(6, faceless=range(6)), errors.InputError)], ids=['interrupted', 'full disk', 'no face'])
def test_failing_overwrite_leaves_the_old_set_whole(tmp_path, source, error):
  manifest = _write(tmp_path, _Source(4), num_shards=3)
  with pytest.raises(error):
    _write(tmp_path, source, num_shards=3)
  assert records.load_manifest(str(tmp_path / 'set')) == manifest
  assert len(list(records.read_faces(str(tmp_path / 'set'), manifest))) == 4
  assert _names(tmp_path) == ['set.json'] + [f'set.tfrecord-0000{i}-of-00003' for i in range(3)]


def test_old_set_is_whole_while_the_new_one_is_being_made(tmp_path):
  old = _write(tmp_path, _Source(4))
  seen = []
  source = _Source(6, on_image=lambda: seen.append(records.load_manifest(str(tmp_path / 'set')).digest))
  new = _write(tmp_path, source, num_shards=2)
  assert set(seen) == {old.digest} and len(seen) == 6
  assert records.load_manifest(str(tmp_path / 'set')).digest == new.digest != old.digest


def test_overwriting_takes_the_old_files_of_this_set_and_no_others(tmp_path):
  _write(tmp_path, _Source(4), num_shards=2)
  others = ['set.png', 'set.tfrecord-00000-of-00002.bak', 'set2.json', 'set2.tfrecord-00000-of-00001',
            'xset.tfrecord-00000-of-00001', 'sett.tfrecord-00000-of-00001', 'set.tfrecord-0-of-1']
  for name in others:
    (tmp_path / name).touch()
  (tmp_path / 'set.tfrecord-00003-of-00004').touch()  # stale, without a manifest that names it
  _write(tmp_path, _Source(5), num_shards=1)
  assert _names(tmp_path) == sorted(others + ['set.json', 'set.tfrecord-00000-of-00001'])


def test_leftover_of_a_killed_run_does_not_disturb(tmp_path):
  manifest = _write(tmp_path / 'clean', _Source(3))
  shutil.copytree(tmp_path / 'clean', tmp_path / '.set.unfinished')
  (tmp_path / '.set.unfinished' / 'set.tfrecord-00007-of-00009').write_text('torn')
  assert _write(tmp_path, _Source(3)) == manifest
  assert _names(tmp_path) == ['clean', 'set.json', 'set.tfrecord-00000-of-00001']


@pytest.fixture(name='records_dir')
def _records_dir(tmp_path):
  return tmp_path / 'records'


def _save_photos(folder, astronaut):
  """Saves three photos of a face, one of none, and a broken one; returns the folder."""
  folder.mkdir()
  for i, degrees in enumerate((0, 15, -25)):
    turn = cv2.getRotationMatrix2D((225, 110), degrees, 1)
    Image.fromarray(cv2.warpAffine(astronaut, turn, (512, 512))).save(folder / f'{i}.png')
  Image.fromarray(np.full([200, 200, 3], 90, np.uint8)).save(folder / '3 empty.png')
  (folder / '4.jpg').write_text('broken')
  return str(folder)


def test_photos_become_a_set_with_a_manifest(tmp_path, records_dir, astronaut):
  photos = _save_photos(tmp_path / 'My photos!', astronaut)
  prefix = convert.make_records('photos', photos, records_dir=records_dir)
  assert prefix == str(records_dir / 'My_photos')
  manifest = records.load_manifest(prefix)
  assert (manifest.num_images, manifest.num_inputs, manifest.kind) == (3, 5, 'photos')
  assert manifest.rejected == (records.Rejection('3 empty.png', 'no face found'),
                               records.Rejection('4.jpg', 'unreadable: not a picture that can be read'))
  assert manifest.settings == {'source': photos, 'fps': None, 'min_eye_distance_px': 12.0, 'max_outside_fraction': 0.2}
  assert [face.key for face in records.read_faces(prefix, manifest)] == ['0.png', '1.png', '2.png']


def test_video_becomes_a_set_with_times(tmp_path, records_dir, astronaut):
  media.save_animation(tmp_path / 'me.mp4', [np.roll(astronaut, i, axis=1) for i in range(8)], 4)
  prefix = convert.make_records('video', str(tmp_path / 'me.mp4'), fps=2.0, name='eve', records_dir=records_dir,
                                num_shards=2)
  manifest = records.load_manifest(prefix)
  faces = list(records.read_faces(prefix, manifest))
  assert prefix.endswith('eve') and len(manifest.shards) == 2 and manifest.settings['fps'] == 2.0
  assert [face.key for face in faces] == ['me.mp4@0.000s', 'me.mp4@0.500s', 'me.mp4@1.000s', 'me.mp4@1.500s']
  np.testing.assert_allclose([face.time_secs for face in faces], [0, 0.5, 1, 1.5], atol=1e-3)


@pytest.fixture(name='photos')
def _photos(tmp_path, monkeypatch):
  """A folder of two pictures, in which the finder finds a face."""
  monkeypatch.setattr(landmarks, 'FaceFinder', _Finder)
  (tmp_path / 'me').mkdir()
  for i in range(2):
    Image.fromarray(_Source(2).image(i)).save(tmp_path / 'me' / f'{i}.png')
  return str(tmp_path / 'me')


def test_existing_set_is_refused_and_overwritten_only_when_told(photos, records_dir):
  prefix = convert.make_records('photos', photos, records_dir=records_dir, num_shards=2)
  with pytest.raises(errors.InputError, match=f'`{prefix}` is a set of records already.*--overwrite'):
    convert.make_records('photos', photos, records_dir=records_dir)
  assert _names(records_dir) == ['me.json', 'me.tfrecord-00000-of-00002', 'me.tfrecord-00001-of-00002']
  convert.make_records('photos', photos, records_dir=records_dir, overwrite=True)
  assert _names(records_dir) == ['me.json', 'me.tfrecord-00000-of-00001']


def test_bad_input_leaves_an_existing_set_alone(photos, records_dir):
  prefix = convert.make_records('photos', photos, records_dir=records_dir)
  digest = records.load_manifest(prefix).digest
  with pytest.raises(errors.InputError, match=r'absent\.mp4'):
    convert.make_records('video', 'absent.mp4', name='me', records_dir=records_dir, overwrite=True)
  assert records.load_manifest(prefix).digest == digest


@pytest.mark.parametrize('name', ['a/b', '', '.hidden', '../up', 'a b'])
def test_name_that_is_no_file_name_is_refused(name):
  with pytest.raises(errors.InputError, match=r'`name` \(') as caught:
    convert.make_records('photos', 'photos', name=name)
  assert repr(name) in str(caught.value)
