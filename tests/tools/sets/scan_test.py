"""Tests of what is seen in a slice of inputs: which faces, what is measured on them, and that files keep it."""

import dataclasses

import cv2
import numpy as np
import pytest
from skimage import color

from dcgan.data import manifests
from dcgan.data import records
from tests.tools.sets import drawn
from tools.faces import alignment
from tools.faces import appearance
from tools.faces import landmarks
from tools.material import sources
from tools.sets import scan

_CENTRAL = scan.Search(scan.CENTRAL)
_EVERYBODY = scan.Search(scan.EVERYBODY)


@pytest.fixture(name='finder')
def _finder(monkeypatch):
  monkeypatch.setattr(scan, '_finder', drawn.Finder)


class _Inputs:
  """A source of given frames and rejections."""

  def __init__(self, *items):
    self._items = items

  def read(self, start, stop):
    yield from self._items[start:stop]


class _Faces:
  """A finder of faces at given places; `eyes` is a list of float [2, 2], the first is the most central large one."""

  def __init__(self, eyes):
    self._eyes = eyes

  def find_all(self, image):
    del image
    found = []
    for eyes in self._eyes:
      points = np.random.default_rng(0).uniform(-60, 60, [records.NUM_LANDMARKS, 3]) + [*np.mean(eyes, axis=0), 0]
      points[drawn.IRISES, :2] = eyes
      found.append(landmarks.Found(points.astype(np.float32), 0.7))
    return found


def _picture(value=130):
  return np.full([300, 260, 3], value, np.uint8)


def _scan(frame, search=_CENTRAL):
  return scan.scan(_Inputs(frame), 0, 1, search)


def test_keys_and_places_of_the_inputs_are_kept_in_order(finder):
  inputs = _Inputs(
      sources.Frame('a.mp4@0.000s', 0, 0.0, _picture()), manifests.Rejection('a.mp4@1.000s', drawn.TORN),
      sources.Frame('b.mp4@0.500s', 2, 0.5, _picture(0), clip=1),
      sources.Frame('c.png', 3, None, _picture(), identity=7))
  has_face = []
  made = scan.scan(inputs, 0, 4, _CENTRAL, has_face.append)
  assert made.keys == ['a.mp4@0.000s', 'a.mp4@1.000s', 'b.mp4@0.500s', 'c.png']
  assert made.reasons == [None, drawn.TORN, drawn.NO_FACE, None]
  assert has_face == [True, False, False, True]
  np.testing.assert_array_equal(made.inputs['order'], [0, -1, 2, 3])
  np.testing.assert_array_equal(made.inputs['clip'], [0, 0, 1, 0])
  np.testing.assert_array_equal(made.inputs['time_secs'], [0, np.nan, 0.5, np.nan])
  np.testing.assert_array_equal(made.inputs['identity'], [-1, -1, -1, 7])
  np.testing.assert_array_equal(made.faces['input'], [0, 3])


def test_slice_is_what_lies_within_its_ends(finder):
  assert scan.scan(drawn.Source(9, repeated=(4,)), 3, 6, _CENTRAL).keys == ['3.png', '5.png']


def test_slice_without_a_face_has_empty_columns_of_the_same_kind(finder):
  some, none = (scan.scan(drawn.Source(1, faceless), 0, 1, _EVERYBODY) for faceless in ((), (0,)))
  for name, values in none.faces.items():
    assert values.shape == (0, *some.faces[name].shape[1:]) and values.dtype == some.faces[name].dtype, name
  assert not none.pictures


def test_place_of_a_face_is_measured_in_the_picture(monkeypatch):
  # Eyes 117 px apart are three times CelebA's 39 px: the crop takes 324×324 px around (130 + 0.3, 150 - 8.1), of which
  # a picture of 260×300 px has all but a margin on each side.
  monkeypatch.setattr(scan, '_finder', lambda: drawn.Finder(117))
  faces = _scan(sources.Frame('a', 0, None, _picture())).faces
  np.testing.assert_allclose(faces['eyes'], [[[71.5, 150], [188.5, 150]]])
  np.testing.assert_allclose(faces['eye_distance_px'], [117])
  np.testing.assert_allclose(faces['outside_fraction'], [1 - 260 * 300 / 324**2], atol=1e-5)
  np.testing.assert_allclose(faces['score'], [0.9], rtol=1e-6)
  points = drawn.Finder(117).find_all(_picture())[0].landmarks
  np.testing.assert_array_equal(faces['landmarks'], [points])
  np.testing.assert_array_equal(
      faces['box'], [[points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max()]])


def test_light_and_skin_are_those_of_the_picture(finder):
  colour = np.array([200, 150, 100], np.uint8)
  faces = _scan(sources.Frame('a', 0, None, _picture() * 0 + colour)).faces
  np.testing.assert_allclose(faces['brightness'], [0.299 * 200 + 0.587 * 150 + 0.114 * 100], atol=1e-3)
  np.testing.assert_allclose(faces['skin_lab'], [[color.rgb2lab(colour / 255), [0, 0, 0]]], atol=0.2)
  assert faces['sharpness'] == 0 and np.abs(faces['descriptor']).max() < 1e-6


def _area_means(grey, num_cells):
  """Returns means of `grey` over num_cells × num_cells equal squares; pixels count by how much lies within."""
  edges = np.linspace(0, len(grey), num_cells + 1)
  within = np.minimum(np.arange(1, len(grey) + 1), edges[1:, None]) - np.maximum(np.arange(len(grey)), edges[:-1, None])
  within = np.maximum(within, 0) / (len(grey) / num_cells)
  return within @ grey @ within.T


def test_sharpness_and_descriptor_are_those_of_the_aligned_crop(finder):
  # Eyes 39 px apart and level: alignment only moves the picture, by (-41.1, -38.3) px.
  image = cv2.GaussianBlur(drawn.Source(1).image(0), (0, 0), 2)
  faces = _scan(sources.Frame('a', 0, None, image)).faces
  moved = cv2.warpAffine(image, np.float64([[1, 0, -41.1], [0, 1, -38.3]]), (178, 218), flags=cv2.INTER_CUBIC)
  grey = np.rint(moved[55:163, 35:143] @ [0.299, 0.587, 0.114])
  around = np.pad(grey, 1, 'reflect')
  laplacian = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:] - 4 * grey
  np.testing.assert_allclose(faces['sharpness'], [laplacian.var()], rtol=0.02)
  means = _area_means(grey / 255, 16).ravel()
  np.testing.assert_allclose(faces['descriptor'], [means - means.mean()], atol=3e-3)


def test_pose_and_openings_are_those_of_the_face_in_the_picture(astronaut):
  turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((225, 110), -25, 1), (512, 512))  # clockwise
  faces = scan.scan(_Inputs(sources.Frame('a', 0, None, astronaut), sources.Frame('b', 1, None, turned)), 0, 2,
                    _CENTRAL).faces
  yaw, pitch, roll = (faces['pose_deg'][1] - faces['pose_deg'][0]).tolist()
  assert abs(roll - 25) < 3 and abs(yaw) < 5 and abs(pitch) < 5

  def gap(one, other):
    return np.linalg.norm(faces['landmarks'][:, one] - faces['landmarks'][:, other], axis=1)

  np.testing.assert_allclose(
      faces['mouth_opening'], (gap(82, 87) + gap(13, 14) + gap(312, 317)) / 3 / gap(33, 263), rtol=1e-4)
  left, right = (gap(160, 144) + gap(158, 153)) / 2, (gap(385, 380) + gap(387, 373)) / 2
  np.testing.assert_allclose(
      faces['eye_openings'], np.stack([left / gap(33, 133), right / gap(362, 263)], axis=1), rtol=1e-4)


_SMALL, _LARGE = [[20, 50], [60, 50]], [[150, 200], [200, 200]]


@pytest.mark.parametrize('who, eyes', [
    (scan.CENTRAL, [_SMALL]), (scan.LARGEST, [_LARGE]), (scan.EVERYBODY, [_SMALL, _LARGE])])
def test_faces_of_a_picture_are_those_looked_for(monkeypatch, who, eyes):
  monkeypatch.setattr(scan, '_finder', lambda: _Faces([_SMALL, _LARGE]))
  made = _scan(sources.Frame('a', 0, None, _picture()), scan.Search(who))
  np.testing.assert_array_equal(made.faces['eyes'], eyes)
  np.testing.assert_array_equal(made.faces['input'], [0] * len(eyes))


def test_everybody_comes_with_a_thumbnail_and_looks(monkeypatch, astronaut):
  eyes = [[[203.5, 101.5], [246.5, 103.5]], [[100, 300], [140, 310]]]
  monkeypatch.setattr(scan, '_finder', lambda: _Faces(eyes))
  made = _scan(sources.Frame('a', 0, None, astronaut), _EVERYBODY)
  assert len(made.pictures) == 2
  for i, place in enumerate(eyes):
    aligned = alignment.align(astronaut, np.zeros([1, 3]), place).image
    halved = aligned.reshape(109, 2, 89, 2, 3).mean(axis=(1, 3))
    thumbnail = scan.decode(made.pictures[i])
    assert thumbnail.shape == (109, 89, 3) and np.abs(thumbnail - halved).mean() < 2.5
    np.testing.assert_array_equal(made.faces['appearance'][i], appearance.describe(aligned))


def test_aligned_pictures_are_kept_only_when_asked(finder, astronaut):
  frame = sources.Frame('a', 0, None, astronaut)
  assert not _scan(frame).pictures
  encoded, = _scan(frame, scan.Search(scan.CENTRAL, keeps_pictures=True)).pictures
  aligned = alignment.align(astronaut, np.zeros([1, 3]), [[236.5, 256], [275.5, 256]]).image
  assert np.abs(scan.decode(encoded).astype(int) - aligned).mean() < 2.5


def test_eyes_of_a_list_need_no_model_and_leave_unknown_what_needs_landmarks(monkeypatch):
  monkeypatch.setattr(scan, '_finder', lambda: pytest.fail('a model was asked'))
  eyes = np.array([[100.0, 140], [130, 180]])
  made = _scan(sources.Frame('a.jpg', 0, None, drawn.Source(1).image(0), eyes=eyes, identity=3))
  np.testing.assert_array_equal(made.faces['eyes'], [eyes])
  assert made.faces['eye_distance_px'] == 50 and made.reasons == [None]
  for name in ('landmarks', 'box', 'score', 'brightness', 'skin_lab', 'pose_deg', 'mouth_opening', 'eye_openings'):
    assert np.isnan(made.faces[name]).all(), name
  for name in ('sharpness', 'descriptor', 'outside_fraction'):
    assert np.isfinite(made.faces[name]).all(), name


def test_eyes_at_one_point_are_no_face(monkeypatch):
  eyes = np.array([[100.0, 140], [100.5, 140.5]])
  assert _scan(sources.Frame('a', 0, None, _picture(), eyes=eyes)).reasons == [drawn.NO_FACE]
  monkeypatch.setattr(scan, '_finder', lambda: _Faces([[[5, 5], [5, 5]], _LARGE]))
  np.testing.assert_array_equal(_scan(sources.Frame('a', 0, None, _picture()), _EVERYBODY).faces['eyes'], [_LARGE])


def _odd_scan():
  """Returns a scan of names that no encoding holds: of a byte that is not UTF-8, with quotes and a line break."""
  names = [b'caf\xe9.jpg'.decode('utf-8', 'surrogateescape'), 'Ü "x"\n\'.png', '顔.gif#0003']
  frames = [sources.Frame(name, i, None, drawn.Source(1).image(i)) for i, name in enumerate(names)]
  torn = manifests.Rejection('', manifests.Reason('unreadable', '“torn”'))
  return scan.scan(_Inputs(*frames, torn), 0, 4, _EVERYBODY)


def test_file_gives_back_everything_exactly(finder, tmp_path):
  made = _odd_scan()
  scan.save(tmp_path / '0.npz', made)
  again = scan.load(tmp_path / '0.npz')
  assert [path.name for path in tmp_path.iterdir()] == ['0.npz']
  assert (again.keys, again.reasons, again.pictures) == (made.keys, made.reasons, made.pictures)
  assert again.keys[0].encode('utf-8', 'surrogateescape') == b'caf\xe9.jpg'
  for kind in ('inputs', 'faces'):
    before, after = getattr(made, kind), getattr(again, kind)
    assert list(before) == list(after)
    for name, values in before.items():
      np.testing.assert_array_equal(after[name], values, err_msg=name)
      assert after[name].dtype == values.dtype, name


def test_file_of_no_faces_is_read_back(finder, tmp_path):
  scan.save(tmp_path / '0.npz', scan.scan(drawn.Source(2, faceless=(0, 1)), 0, 2, _EVERYBODY))
  again = scan.load(tmp_path / '0.npz')
  assert again.reasons == [drawn.NO_FACE] * 2 and not again.pictures and not len(again.faces['input'])


def test_columns_can_be_left_in_the_file(finder, tmp_path):
  made = _odd_scan()
  scan.save(tmp_path / '0.npz', made)
  again = scan.load(tmp_path / '0.npz', without=('landmarks', 'pictures'))
  assert set(made.faces) - set(again.faces) == {'landmarks'} and not again.pictures
  only_pictures = scan.load(tmp_path / '0.npz', without=made.faces)
  assert only_pictures.pictures == made.pictures and not only_pictures.faces
  assert dataclasses.replace(again, faces={}).keys == made.keys


def test_crop_changes_the_picture_but_not_who_it_is(astronaut):
  turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((225, 110), -25, 1), (512, 512))
  frame = sources.Frame('a', 0, None, turned)
  aligned, cropped = (_scan(frame, scan.Search(scan.EVERYBODY, alignment=how)) for how in alignment.ALIGNMENTS)
  np.testing.assert_array_equal(cropped.faces['appearance'], aligned.faces['appearance'])
  np.testing.assert_array_equal(cropped.faces['eyes'], aligned.faces['eyes'])
  assert np.linalg.norm(cropped.faces['descriptor'].astype(float) - aligned.faces['descriptor']) > 0.5
