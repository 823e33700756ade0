"""Tests of whose face is taken and which pictures are kept, on drawn people whose looks are known."""

import cv2
import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tests.tools.sets import drawn
from tools.faces import alignment
from tools.faces import appearance
from tools.sets import choice
from tools.sets import curation
from tools.sets import scan

_NO_FACE = drawn.NO_FACE
_NOT_2 = manifests.Reason('somebody_else', 2)
_ALL = drawn.EVERYTHING


def _looks(who):
  """Returns uint8 [2658], how the drawn person `who` looks: as far from another one as real people are."""
  shares = np.random.default_rng(who).dirichlet(np.full(59, 0.5), 45)
  return np.concatenate([np.rint(255 * np.sqrt(shares)).ravel(), [128, 128, 128]]).astype(np.uint8)


def _face(who, **values):
  """Returns the row of a good face of a drawn person, with some values replaced; each stands at its own place."""
  return {
      'box': [200.0 * who, 100, 200 * who + 100, 200], 'eye_distance_px': 40.0, 'outside_fraction': 0.0,
      'sharpness': 200.0, 'brightness': 130.0, 'skin_lab': [[60.0, 15, 20], [10, 3, 3]], 'pose_deg': [0.0, 0, 0],
      'mouth_opening': 0.1, 'eye_openings': [0.3, 0.3], 'appearance': _looks(who)} | values


def _seen(*pictures, first=0):
  """Returns the scan of pictures, each a list of faces, which come one a second."""
  faces = [face | {'input': i} for i, picture in enumerate(pictures) for face in picture]
  kinds = {name: np.asarray(value) for name, value in _face(1, input=0).items()}
  rows = np.arange(len(pictures))
  # Far apart: no picture is the same as another one.
  descriptors = np.random.default_rng(first).normal(0, 0.2, [len(faces), 256]).astype(np.float16)
  return scan.Scan(
      keys=[f'{first + i}.png' for i in rows], reasons=[None if picture else _NO_FACE for picture in pictures],
      inputs={'order': first + rows, 'clip': rows * 0, 'time_secs': (first + rows).astype(np.float64),
              'identity': rows - 1},
      faces={name: np.array([face[name] for face in faces], kind.dtype).reshape(-1, *kind.shape)
             for name, kind in kinds.items()} | {'descriptor': descriptors}, pictures=[])


def _kept(chosen):
  return [rows.tolist() for rows in chosen.kept]


def _film():
  """Person 1 in five pictures, person 2 in four, larger and first in most; one picture is empty."""
  one, two = _face(1), _face(2, eye_distance_px=50)
  return [_seen([two, one], [two, one], [one]), _seen([], [two, one], first=3), _seen([two], [one], first=5)]


_ONE, _TWO = [[1, 3, 4], [1], [1]], [[0, 2], [0], [0]]


@pytest.mark.parametrize('wanted, person, kept', [
    ({}, 1, _ONE), ({'person': '1'}, 1, _ONE), ({'person': '2'}, 2, _TWO), ({'person': 'largest'}, 2, _TWO),
    ({'person': 'central'}, 2, _TWO), ({'reference': _looks(2)}, 2, _TWO), ({'reference': _looks(1)}, 1, _ONE),
    ({'reference': _looks(2), 'person': '1'}, 2, _TWO)], ids=str)
def test_one_person_of_a_video_is_kept(wanted, person, kept):
  chosen = choice.choose(_film(), 'video', choice.Wanted(None, True, **wanted))
  assert chosen.person == person and _kept(chosen) == kept
  np.testing.assert_array_equal(chosen.people, [2, 1, 2, 1, 1, 2, 1, 2, 1])


def test_pictures_without_the_person_say_who_is_missing():
  chosen = choice.choose(_film(), 'video', choice.Wanted(None, True, person='2'))
  assert chosen.reasons == [[None, None, _NOT_2], [_NO_FACE, None], [None, _NOT_2]]


def test_number_over_the_people_found_keeps_nothing():
  chosen = choice.choose(_film(), 'video', choice.Wanted(None, True, person='7'))
  assert chosen.person == 7 and set(chosen.people) == {1, 2} and not any(len(rows) for rows in chosen.kept)


@pytest.mark.parametrize('kind', ['video', 'photos'])
@pytest.mark.parametrize('limits', [None, curation.Limits()])
def test_scans_without_faces_keep_nothing_and_move_no_rows(kind, limits):
  empty = _seen([], [], first=7)
  chosen = choice.choose([empty, _seen([_face(1)], [_face(1)]), empty, _seen([_face(1)], first=2), empty], kind,
                         choice.Wanted(limits, True))
  assert _kept(chosen) == [[], [0, 1], [], [0], []]
  assert chosen.reasons == [[_NO_FACE] * 2, [None, None], [_NO_FACE] * 2, [None], [_NO_FACE] * 2]


@pytest.mark.parametrize('wanted, kind', [
    ({}, 'video'), ({'person': '3'}, 'video'), ({'person': 'central'}, 'video'), ({'reference': _looks(1)}, 'video'),
    ({'reference': _looks(1)}, 'photos'), ({}, 'photos')])
def test_nothing_but_empty_pictures_keeps_nothing(wanted, kind):
  chosen = choice.choose([_seen([], []), _seen([], first=2)], kind, choice.Wanted(**wanted))
  assert _kept(chosen) == [[], []] and chosen.target_lab is None
  assert chosen.reasons == [[_NO_FACE] * 2, [_NO_FACE]]


def test_reference_takes_one_face_of_each_photo():
  seen = [_seen([_face(1), _face(2)], [_face(2), _face(3)]),
          _seen([_face(1)], [], [_face(3), _face(1), _face(2)], first=2)]
  chosen = choice.choose(seen, 'photos', choice.Wanted(None, True, reference=_looks(2)))
  assert _kept(chosen) == [[1, 2], [0, 3]]  # who is alone in a photo is taken to be the one
  assert chosen.reasons == [[None, None], [None, _NO_FACE, None]]
  assert chosen.person is None and chosen.people is None


def test_limits_leave_out_faces_of_every_scan_with_reasons():
  seen = [_seen([_face(1)], [_face(1, eye_distance_px=8)]), _seen([_face(1, pose_deg=[60, 0, 0])], [_face(1)], first=2)]
  chosen = choice.choose(seen, 'photos', choice.Wanted())
  assert _kept(chosen) == [[0], [1]]
  assert chosen.reasons == [[None, manifests.Reason('eyes_near', 8, 12)],
                            [manifests.Reason('turned_right', 60, 40), None]]
  assert _kept(choice.choose(seen, 'photos', _ALL)) == [[0, 1], [0, 1]]


def test_sharpness_is_compared_over_all_scans():
  # Blurred pictures are the rule within their own scan, but not in the set.
  seen = [_seen(*[[_face(1)]] * 4), _seen(*[[_face(1, sharpness=20)]] * 2, first=4)]
  chosen = choice.choose(seen, 'photos', choice.Wanted())
  assert _kept(chosen) == [[0, 1, 2, 3], []]
  assert set(chosen.reasons[1]) == {manifests.Reason('blurred', 0.1, 0.15)}


@pytest.mark.parametrize('limits, keeps_duplicates, is_kept', [
    (curation.Limits(), False, False), (curation.Limits(), True, True), (None, False, True)])
@pytest.mark.parametrize('kind, reason', [
    ('photos', manifests.Reason('same_picture', '1.png')), ('video', manifests.Reason('unchanged', 0, 0.03))])
def test_the_same_picture_comes_again_only_when_wanted(kind, reason, limits, keeps_duplicates, is_kept):
  seen = [_seen([_face(1)], [_face(1)]), _seen([_face(1)], [_face(1)], first=2)]
  seen[1].faces['descriptor'][0] = seen[0].faces['descriptor'][1]
  chosen = choice.choose(seen, kind, choice.Wanted(limits, keeps_duplicates))
  assert _kept(chosen) == [[0, 1], [0, 1] if is_kept else [1]]
  assert chosen.reasons == [[None, None], [None if is_kept else reason, None]]


def test_colour_to_come_to_is_the_usual_one_of_what_is_kept():
  skins = [np.full([2, 3], value) for value in (10.0, 30, np.nan, 20, 90)]
  seen = [_seen(*([_face(1, skin_lab=skin)] for skin in skins[:4])),
          _seen([_face(1, skin_lab=skins[4], eye_distance_px=5)], first=4)]  # left out
  np.testing.assert_array_equal(choice.choose(seen, 'photos', choice.Wanted()).target_lab, np.full([2, 3], 20))
  unknown = [_seen([_face(1, skin_lab=skins[2])], [_face(1, skin_lab=skins[2])])]
  assert choice.choose(unknown, 'photos', choice.Wanted()).target_lab is None


@pytest.mark.parametrize('person', ['0', '-1', '1.5', 'both', '', 'Largest'])
def test_person_of_no_kind_is_refused(person):
  with pytest.raises(errors.InputError,
                     match=r'`person` \(.*must be largest, central or, in a video, a number') as caught:
    choice.Wanted(person=person)
  assert f'({person})' in str(caught.value)


@pytest.mark.parametrize('kind, wanted, who, keeps_pictures', [
    ('video', {}, scan.EVERYBODY, False), ('video', {'person': 'largest'}, scan.EVERYBODY, False),
    ('photos', {}, scan.CENTRAL, True), ('photos', {'person': 'central'}, scan.CENTRAL, True),
    ('photos', {'person': 'largest'}, scan.LARGEST, True), ('celeba', {}, scan.CENTRAL, True),
    ('photos', {'reference': _looks(1)}, scan.EVERYBODY, False),
    ('photos', {'reference': _looks(1), 'person': '2'}, scan.EVERYBODY, False)], ids=str)
def test_search_looks_for_no_more_faces_than_the_choice_needs(kind, wanted, who, keeps_pictures):
  search = choice.Wanted(**wanted).search(kind, keeps_pictures=True)
  assert (search.who, search.keeps_pictures) == (who, keeps_pictures)
  assert not choice.Wanted(**wanted).search(kind, keeps_pictures=False).keeps_pictures


def test_numbered_person_of_photos_is_refused():
  with pytest.raises(errors.InputError, match=r'`person` \(2\) must be largest or central for photos.*--reference'):
    choice.Wanted(person='2').search('photos', True)


def test_reference_is_what_the_face_in_the_photo_looks_like(monkeypatch, tmp_path):
  monkeypatch.setattr(scan, '_finder', drawn.Finder)
  image = cv2.GaussianBlur(drawn.Source(1).image(0), (0, 0), 2)
  Image.fromarray(image).save(tmp_path / 'me.png')
  aligned = alignment.align(image, np.zeros([1, 3]), [[110.5, 150], [149.5, 150]]).image
  np.testing.assert_array_equal(choice.load_reference(str(tmp_path / 'me.png')), appearance.describe(aligned))


def test_reference_without_a_face_or_a_picture_is_refused(monkeypatch, tmp_path):
  monkeypatch.setattr(scan, '_finder', drawn.Finder)
  Image.new('RGB', (50, 50)).save(tmp_path / 'black.png')
  (tmp_path / 'torn.jpg').write_text('broken')
  for name, problem in (('black.png', r'\) must be a photo of a face, but none was found in it'),
                        ('torn.jpg', r'\): unreadable: it is a text'), ('absent.jpg', r'\): ')):
    with pytest.raises(errors.InputError, match=rf'`reference` \(.*{name}{problem}') as caught:
      choice.load_reference(str(tmp_path / name))
    assert '\n' not in str(caught.value)


def test_sheet_shows_the_thumbnails_of_each_person(tmp_path):
  colours = {1: (220, 30, 40), 2: (30, 90, 220)}
  film = _film()
  who = [2, 1, 2, 1, 1, 2, 1, 2, 1]
  paths, start = [], 0
  for i, each in enumerate(film):
    stop = start + len(each.faces['input'])
    thumbnails = [scan.encode(np.full([109, 89, 3], colours[person], np.uint8)) for person in who[start:stop]]
    paths.append(tmp_path / f'{i}.npz')
    scan.save(paths[-1], scan.Scan(each.keys, each.reasons, each.inputs, each.faces, thumbnails))
    start = stop
  sheet = choice.draw_people(film, choice.choose(film, 'video', _ALL), paths.__getitem__)
  assert sheet.dtype == np.uint8 and sheet.ndim == 3
  middle_y = {}
  for person, colour in colours.items():
    is_here = (np.abs(sheet.astype(int) - colour) < 4).all(axis=2)
    assert is_here.sum() == who.count(person) * 109 * 89
    middle_y[person] = np.flatnonzero(is_here.any(axis=1)).mean()
  assert middle_y[1] < middle_y[2]
