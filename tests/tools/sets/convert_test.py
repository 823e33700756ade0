"""Tests of what becomes of the faces that are kept: where they lie, how they are coded, steadied and coloured."""

import dataclasses
import io

import cv2
import numpy as np
from PIL import Image
from PIL import JpegImagePlugin
import pytest

from dcgan.data import manifests
from dcgan.data import records
from tests.tools.sets import drawn
from tools.faces import alignment
from tools.faces import background
from tools.faces import controls
from tools.faces import landmarks
from tools.material import sources
from tools.sets import convert
from tools.sets import scan

_AT_CELEBAS_PLACES = [[69.4, 111.7], [108.4, 111.7]]
_CENTRAL = scan.Search(scan.CENTRAL)
_WITH_PICTURES = scan.Search(scan.CENTRAL, keeps_pictures=True)
_AS_IT_IS = convert.Finish()


@pytest.fixture(name='finder')
def _finder(monkeypatch):
  monkeypatch.setattr(scan, '_finder', lambda: drawn.Finder(78))  # alignment halves the picture


@pytest.fixture(name='write')
def _write(tmp_path):
  """A function that looks through a source and converts it, or some of its faces; returns faces and what was lost."""

  def write(source, search=_CENTRAL, finish=_AS_IT_IS, kept=None, on_input=lambda has_face: None):
    made = scan.scan(source, 0, source.num_inputs, search)
    kept = np.arange(len(made.faces['input'])) if kept is None else np.array(kept, np.int64)
    shard, lost = convert.convert(source, 0, source.num_inputs, tmp_path / 'shard', [made], [kept], 0,
                                  search.keeps_pictures, finish, on_input)
    manifest = manifests.Manifest('photos', shard.num_records, source.num_inputs, (shard,), (), {})
    return list(records.read_faces(tmp_path / 'set', manifest)), lost

  return write


class _Inputs:
  """A source of given frames."""

  def __init__(self, *frames):
    self._frames = frames
    self.num_inputs = len(frames)

  def read(self, start, stop):
    yield from self._frames[start:stop]


def _soft(index=0):
  return cv2.GaussianBlur(drawn.Source(1).image(index), (0, 0), 4)


def _decoded(face):
  return np.asarray(Image.open(io.BytesIO(face.encoded)))


@pytest.mark.parametrize('search', [_CENTRAL, _WITH_PICTURES], ids=['read again', 'pictures kept'])
def test_record_holds_what_alignment_says(finder, write, search):
  image = _soft()
  face, = write(_Inputs(sources.Frame('a.mp4@2.500s', 0, 2.5, image, identity=6)), search)[0]
  assert (face.key, face.order, face.time_secs, face.identity) == ('a.mp4@2.500s', 0, 2.5, 6)
  np.testing.assert_allclose(face.eyes, _AT_CELEBAS_PLACES, atol=1e-4)
  # Eyes 78 px apart around (130, 150) come 39 px apart around (88.9, 111.7).
  points = drawn.Finder(78).find_all(image)[0].landmarks
  np.testing.assert_allclose(face.landmarks, (points - [130, 150, 0]) / 2 + [88.9, 111.7, 0], atol=1e-3)
  aligned = alignment.align(image, points, [[91, 150], [169, 150]]).image
  assert np.abs(_decoded(face).astype(int) - aligned).mean() < 1
  grey = np.rint(aligned[55:163, 35:143] @ [0.299, 0.587, 0.114])
  around = np.pad(grey, 1, 'reflect')
  laplacian = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:] - 4 * grey
  assert face.sharpness == pytest.approx(laplacian.var(), rel=0.02)
  corner = grey[:27, :27]  # 4×4 cells of 6.75 px
  np.testing.assert_allclose(face.descriptor.reshape(16, 16)[:4, :4].mean(), (corner.mean() - grey.mean()) / 255,
                             atol=2e-3)


@pytest.mark.parametrize('search', [_CENTRAL, _WITH_PICTURES], ids=['read again', 'pictures kept'])
def test_record_holds_what_the_face_does_in_the_source_where_its_tilt_is(finder, write, search):
  source = drawn.Source(3, faceless=(1,))
  points = drawn.Finder(78).find_all(source.image(0))[0].landmarks
  for face in write(source, search)[0]:
    np.testing.assert_allclose(face.controls, controls.measure(points), atol=1e-5)


def test_photo_has_neither_time_nor_identity(finder, write):
  for search in (_CENTRAL, _WITH_PICTURES):
    face, = write(_Inputs(sources.Frame('a.png', 0, None, _soft())), search)[0]
    assert face.time_secs is None and face.identity is None


def test_only_kept_faces_are_written_in_the_order_of_the_inputs(finder, write):
  for search in (_CENTRAL, _WITH_PICTURES):
    is_kept = []
    source = drawn.Source(6, faceless=(1,), broken=(3,))
    faces, lost = write(source, search, kept=[0, 2, 3], on_input=is_kept.append)
    assert [face.key for face in faces] == ['0.png', '4.png', '5.png'] and not lost
    assert [face.order for face in faces] == [0, 4, 5]
    assert is_kept == [True, False, False, False, True, True]


def test_inputs_are_read_again_only_where_something_changes_the_faces(finder, write):
  for finish, num_reads in ((_AS_IT_IS, 1), (convert.Finish(target_lab=np.full([2, 3], 30.0)), 2)):
    source = drawn.Source(2)
    write(source, _WITH_PICTURES, finish)
    assert len(source.slices) == num_reads
  assert not _AS_IT_IS.changes_pictures and convert.Finish(is_steady=True).changes_pictures
  assert convert.Finish(background='blur').changes_pictures


@pytest.mark.parametrize('search', [_CENTRAL, _WITH_PICTURES], ids=['read again', 'pictures kept'])
def test_pictures_are_jpegs_of_quality_95_with_every_pixels_colour(finder, write, search):
  face, = write(drawn.Source(1), search)[0]
  own = io.BytesIO()
  Image.fromarray(_decoded(face)).save(own, 'JPEG', quality=95, subsampling='4:4:4')
  with Image.open(io.BytesIO(face.encoded)) as picture, Image.open(own) as same:
    assert (picture.format, picture.mode, picture.size) == ('JPEG', 'RGB', (178, 218))
    assert JpegImagePlugin.get_sampling(picture) == 0  # 4:4:4
    assert picture.quantization == same.quantization


def test_colours_stay_what_and_where_they_were(finder, write):
  image = np.full([300, 260, 3], [220, 30, 40], np.uint8)
  image[:, 130:] = [30, 60, 210]
  picture = _decoded(write(_Inputs(sources.Frame('a', 0, None, image)))[0][0])[45:180]  # beyond lies its blurred edge
  # Column 130 of the picture comes to 88.9: pixel 88 is mixed, and those beside it are pure.
  assert np.abs(picture[:, :86].astype(int) - [220, 30, 40]).max() < 12
  assert np.abs(picture[:, 92:].astype(int) - [30, 60, 210]).max() < 12


def test_face_without_landmarks_stays_without_and_has_its_eyes_in_place(write):
  image, eyes = _soft(), np.array([[100.0, 120], [130, 160]])
  for search in (_CENTRAL, _WITH_PICTURES):
    face, = write(_Inputs(sources.Frame('000001.jpg', 0, None, image, eyes=eyes, identity=2880)), search)[0]
    assert face.landmarks is None and face.controls is None and face.identity == 2880
    np.testing.assert_allclose(face.eyes, _AT_CELEBAS_PLACES, atol=1e-4)
    assert np.abs(_decoded(face).astype(int) - alignment.align(image, np.zeros([1, 3]), eyes).image).mean() < 1
    assert face.descriptor.any() and face.sharpness > 0


def test_face_without_known_skin_keeps_its_colours(write):
  frame = sources.Frame('a', 0, None, _soft(), eyes=np.array([[100.0, 120], [130, 160]]))
  plain, coloured = (write(_Inputs(frame), finish=finish)[0][0]
                     for finish in (_AS_IT_IS, convert.Finish(target_lab=np.float32([[80, 0, 0], [20, 9, 9]]))))
  assert plain.encoded == coloured.encoded


def test_kept_input_that_cannot_be_read_again_is_lost_with_its_reason(finder, write):
  source = drawn.Source(4)
  read = source.read

  def read_again(start, stop):
    for frame in read(start, stop):
      yield manifests.Rejection(frame.key, drawn.TORN) if len(source.slices) == 2 and frame.order > 1 else frame

  source.read = read_again
  faces, lost = write(source, kept=[0, 1, 3])
  assert [face.key for face in faces] == ['0.png', '1.png']
  assert lost == [manifests.Rejection('3.png', drawn.TORN)]  # 2.png was not kept


def test_colour_comes_before_the_background(finder, write, monkeypatch):
  seen = []

  class Painter:
    """Paints the upper half green."""

    def __init__(self, kind):
      assert kind == 'green'

    def apply(self, image):
      seen.append(image)
      return np.concatenate([np.full([109, 178, 3], [0, 177, 64], np.uint8), image[109:]])

  monkeypatch.setattr(background, 'Remover', Painter)
  image = np.full([300, 260, 3], [100, 80, 70], np.uint8)
  lighter = cv2.cvtColor(np.float32([[[140, 112, 98]]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
  finish = convert.Finish(background='green', target_lab=np.stack([lighter, [0, 0, 0]]))
  picture = _decoded(write(_Inputs(sources.Frame('a', 0, None, image)), finish=finish)[0][0]).astype(int)
  assert np.abs(seen[0][109].astype(int) - [140, 112, 98]).max() <= 4  # the light was matched already
  assert np.abs(picture[:104] - [0, 177, 64]).max() <= 4 and np.abs(picture[114:] - [140, 112, 98]).max() <= 8


def _film(num_frames, seed=0, clip=0, fps=12.0):
  """Returns the scan of a head that drifts evenly in a video, and trembles by 0.4 px."""
  rng = np.random.default_rng(seed)
  points = drawn.Finder(78).find_all(np.ones([300, 260, 3], np.uint8))[0].landmarks
  film = points + np.arange(num_frames)[:, None, None] * [0.5, 0.2, 0] + rng.normal(0, 0.4, [num_frames, 478, 3])
  film = film.astype(np.float32)
  rows = np.arange(num_frames)
  return scan.Scan(
      keys=[f'{clip}@{i:03d}' for i in rows], reasons=[None] * num_frames,
      inputs={'order': rows, 'clip': np.full(num_frames, clip), 'time_secs': rows / fps, 'identity': rows * 0 - 1},
      faces={'input': rows, 'landmarks': film, 'eyes': film[:, drawn.IRISES, :2].astype(np.float64),
             'skin_lab': np.zeros([num_frames, 2, 3], np.float32)}, pictures=[])


def _part(made, start, stop):
  """Returns the scan of some of the inputs of another one that has one face an input."""
  return dataclasses.replace(
      made, keys=made.keys[start:stop], reasons=made.reasons[start:stop],
      inputs={name: values[start:stop] for name, values in made.inputs.items()},
      faces={name: values[start:stop] for name, values in made.faces.items()}
      | {'input': made.faces['input'][start:stop] - start})


def _all(*scans):
  return [np.arange(len(made.keys)) for made in scans]


def _joined(first, second):
  """Returns two scans as one."""
  joined = {kind: {name: np.concatenate([values, getattr(second, kind)[name]])
                   for name, values in getattr(first, kind).items()} for kind in ('inputs', 'faces')}
  joined['faces']['input'] = np.arange(len(first.keys) + len(second.keys))
  return scan.Scan(first.keys + second.keys, first.reasons + second.reasons, pictures=[], **joined)


def _places(made, **options):
  return convert.places([made], _all(made), 0, **options)


def test_steadied_head_trembles_less_and_its_eyes_are_its_irises():
  film = _film(40)
  unsteady, steady = (_places(film, is_steady=is_steady) for is_steady in (False, True))
  assert list(steady) == film.keys

  def tremble(places):  # the second difference of an even way is 0
    return np.diff([points for _, points, _ in places.values()], 2, axis=0)[5:-5].std()

  assert tremble(steady) < 0.6 * tremble(unsteady)
  for eyes, points, _ in steady.values():
    np.testing.assert_allclose(eyes, points[drawn.IRISES, :2])
  for i, (eyes, points, _) in enumerate(unsteady.values()):
    np.testing.assert_array_equal(points, film.faces['landmarks'][i])
    np.testing.assert_array_equal(eyes, film.faces['eyes'][i])


def test_slices_are_steadied_as_the_whole_film_is():
  film = _film(48)
  whole = _places(film, is_steady=True)
  for edges in ((0, 16, 32, 48), (0, 12, 36, 48)):
    scans = [_part(film, *ends) for ends in zip(edges, edges[1:])]
    middle = convert.places(scans, _all(*scans), 1, is_steady=True)
    alone = _places(scans[1], is_steady=True)
    assert list(middle) == list(alone) == film.keys[edges[1]:edges[2]]

    def difference(places):
      return max(np.abs(places[key][1] - whole[key][1]).max() for key in places)  # pylint: disable=cell-var-from-loop

    # The neighbours of a few points among 478 are told by the frames at hand.
    assert difference(middle) < 0.15 < difference(alone)
    assert max(np.abs(middle[key][0] - whole[key][0]).max() for key in middle) < 0.02


def test_faces_that_are_not_kept_do_not_steady_others():
  film = _film(30)
  film.faces['landmarks'][10:20] += 500  # somebody else
  kept = np.r_[0:10, 20:30]
  places = convert.places([film], [kept], 0, is_steady=True)
  assert list(places) == [film.keys[i] for i in kept]
  for i in kept:
    assert np.abs(places[film.keys[i]][1] - film.faces['landmarks'][i]).max() < 5


def test_videos_are_steadied_apart():
  first, second = _film(20), _film(15, seed=1, clip=1)
  both = _places(_joined(first, second), is_steady=True)
  for film in (first, second):
    for key, (_, points, _) in _places(film, is_steady=True).items():
      np.testing.assert_allclose(both[key][1], points, atol=1e-3)


def test_slice_of_which_nothing_is_kept_has_no_places():
  film = _film(6)
  scans = [_part(film, 0, 3), _part(film, 3, 6)]
  none = np.zeros([0], np.int64)
  assert not convert.places(scans, [np.arange(3), none], 1, is_steady=True)
  assert not convert.places(scans, [none, none], 0, is_steady=True)


def test_steadied_eyes_come_to_their_places(finder, write):
  source = drawn.Source(5, kind='video')
  faces, _ = write(source, finish=convert.Finish(is_steady=True))
  assert len(faces) == 5
  for face in faces:
    np.testing.assert_allclose(face.eyes, _AT_CELEBAS_PLACES, atol=1e-4)
    np.testing.assert_allclose(face.landmarks[list(landmarks.IRISES), :2], face.eyes, atol=1e-3)


@pytest.mark.parametrize('keeps_pictures', [False, True])
def test_faces_that_are_only_cropped_stay_tilted_and_tell_where_their_eyes_are(write, astronaut, keeps_pictures):
  turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((225, 110), -20, 1), (512, 512))  # clockwise
  source = _Inputs(sources.Frame('a', 0, None, astronaut), sources.Frame('b', 1, None, turned))
  search = scan.Search(scan.CENTRAL, keeps_pictures, alignment.OFF)
  (upright, tilted), _ = write(source, search, convert.Finish(alignment=alignment.OFF))

  def tilt(eyes):
    return np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1]))

  assert tilt(tilted.eyes) - tilt(upright.eyes) == pytest.approx(20, abs=1.5)
  for face in (upright, tilted):
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    np.testing.assert_allclose((low + high) / 2, alignment.FACE_BOX_CENTRE, atol=1e-2)
    np.testing.assert_array_equal(face.landmarks[drawn.IRISES, :2], face.eyes)
    seen, = landmarks.FaceFinder().find_all(_decoded(face))  # in the picture that was written
    np.testing.assert_allclose(seen.eyes, face.eyes, atol=2)
