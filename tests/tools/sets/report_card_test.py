"""Tests of a set's report and of its card."""

import io

import numpy as np
from PIL import Image
import pytest

from dcgan import errors
from dcgan import records
from tools.faces import alignment
from tools.sets import report_card

_EYES = np.array([alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE], np.float32)


def _face(order, eyes=_EYES, landmarks=None, identity=None):
  encoded = io.BytesIO()
  Image.new('RGB', (178, 218), (0, 0, min(255, 4 * order))).save(encoded, 'PNG')
  return records.Face(
      encoded=encoded.getvalue(), key=f'{order}.png', order=order, eyes=np.asarray(eyes, np.float32),
      landmarks=landmarks, sharpness=1.0, descriptor=np.zeros(256, np.float32), identity=identity)


def _landmarks(order):
  return np.random.default_rng(order).uniform(0, 178, [478, 3]).astype(np.float32)


def _make_set(tmp_path, num_images, num_shards=1, kind='photos', make_face=_face):
  prefix = str(tmp_path / 'set')
  shards = []
  for i in range(num_shards):
    orders = range(num_images * i // num_shards, num_images * (i + 1) // num_shards)
    shards.append(records.write_shard(records.shard_path(prefix, i, num_shards), map(make_face, orders)))
  manifest = _manifest(kind, num_images, ['no face found'] * 2, tuple(shards))
  records.save_manifest(prefix, manifest)
  return prefix, manifest


def _manifest(kind, num_images, reasons=(), shards=()):
  return records.Manifest(
      kind=kind, num_images=num_images, num_inputs=num_images + len(reasons), shards=shards,
      rejected=tuple(records.Rejection(f'x{i}.png', reason) for i, reason in enumerate(reasons)),
      settings={'source': 'me', 'fps': None})


def _numbers(num_faces=100, **values):
  """Numbers of a set that lacks nothing, with some replaced; a scalar is the same for all faces."""
  good = {
      'yaw_deg': np.linspace(-30, 30, num_faces), 'pitch_deg': np.linspace(-20, 20, num_faces),
      'mouth_opening': np.linspace(0, 0.3, num_faces), 'eye_opening': np.where(np.arange(num_faces) % 10, 0.3, 0.05),
      'sharpness': np.ones(num_faces), 'brightness': np.full(num_faces, 130.0)}
  return report_card.Numbers(**{name: np.broadcast_to(values.get(name, value), num_faces)
                                for name, value in good.items()}, num_people=values.get('num_people', 0))


def _advice(kind='video', num_faces=100, reasons=(), **values):
  return '\n'.join(report_card.advice(_manifest(kind, num_faces, reasons), _numbers(num_faces, **values)))


def test_good_set_is_told_so():
  assert _advice(num_faces=300).splitlines() == [
      '300 usable faces: plenty.', 'Heads turn to both sides (-27° to 27°) and nod (-18° to 18°).',
      '60 % have an open mouth.', '30 faces (10 %) have closed eyes: it can blink.']


@pytest.mark.parametrize('num_faces, words', [
    (1, '1 usable face: under 20, training will likely copy the pictures'),
    (19, '19 usable faces: under 20, training will likely copy the pictures'),
    (20, '20 usable faces are few: under 64'),
    (63, '63 usable faces are few: under 64'), (64, '64 usable faces: enough'), (240, '240 usable faces: plenty')])
def test_number_of_faces_is_judged(num_faces, words):
  told = _advice(num_faces=num_faces).splitlines()[0]
  assert told.startswith(words)
  assert ('--fps' in told) == (num_faces < 64)


@pytest.mark.parametrize('values, words', [
    ({'yaw_deg': np.linspace(-5, 30, 100)}, "No face is turned to the image's left by over 12°: the avatar will hardly "
     "look there. Film 10 s more turned to the image's left."),
    ({'yaw_deg': np.r_[20, np.linspace(-30, 5, 99)]}, "Only 1 face is turned to the image's right by over 12°"),
    ({'yaw_deg': 0}, "No face is turned to the image's left or right by over 12°: the avatar will hardly turn its "
     'head. Film 10 s more turning the head slowly to both sides.'),
    ({'pitch_deg': np.linspace(-20, 5, 100)}, 'No face is looking up by over 8°'),
    ({'pitch_deg': 0}, 'the avatar will hardly nod. Film 5 s more nodding slowly.'),
    ({'mouth_opening': np.r_[0.3, 0.3, np.zeros(98)]}, 'Only 2 faces (2 %) have an open mouth: the avatar will hardly '
     'speak. Film 20 s more while talking.'),
    ({'mouth_opening': 0.3}, 'No face has a closed mouth: the avatar will hardly close it.'),
    ({'eye_opening': 0.3}, 'No face has its eyes closed: the avatar will not blink.'),
    ({'eye_opening': np.where(np.arange(100) % 3, 0.3, 0.05)}, '34 % have their eyes closed, which is much'),
    ({'brightness': np.linspace(80, 180, 100)}, 'The light differs much: skin from 85 to 175 of 255.'),
    ({'brightness': 50}, 'The pictures are dim: skin at 50 of 255.'),
    ({'sharpness': np.where(np.arange(100) % 5, 1, 0.3)}, '20 faces of much less than the usual sharpness')])
def test_what_a_person_lacks_is_told_with_what_to_do(values, words):
  assert words in _advice(**values)


def test_photos_are_added_and_not_filmed():
  told = _advice('photos', mouth_opening=0, yaw_deg=0)
  assert 'Add photos with an open mouth.' in told and 'Film' not in told


@pytest.mark.parametrize('kind, num_faces, num_people', [('celeba', 100, 0), ('photos', 2001, 0), ('photos', 100, 5)])
def test_many_people_get_no_advice_on_expressions(kind, num_faces, num_people):
  told = _advice(kind, num_faces, ['turned 50° to the image\'s left, over --max_yaw_deg=40'], yaw_deg=0, pitch_deg=0,
                 mouth_opening=0, eye_opening=0.3, num_people=num_people)
  assert 'for a Universal Face Model' in told and '100 % look ahead' in told
  assert not any(word in told for word in ('avatar', 'Film', 'Add photos', 'Turn the head'))
  assert ('of 5 people' in told) == (num_people == 5)


@pytest.mark.parametrize('reason, remedy', [
    ('no face found', 'In those no face is large, lit and turned to the camera.'),
    ('eyes 10.3 px apart, under --min_eye_distance_px=12', 'Move nearer'),
    ('34 % of the crop lies outside the picture, over --max_outside_fraction=0.2', 'Leave more room'),
    ("turned 52° to the image's left, over --max_yaw_deg=40", 'Turn the head less far'),
    ('the same picture as b/2.jpg', 'Nothing is lost'), ('an unknown reason', 'unknown reason.')])
def test_largest_reason_is_told_with_what_to_do(reason, remedy):
  told = _advice(reasons=[reason, reason, 'another']).splitlines()[-1]
  assert told.startswith('3 of 103 pictures were left out, the largest part, 2, because: ') and remedy in told
  assert 'all because: ' in _advice(reasons=[reason])


def test_set_without_landmarks_says_that_they_are_unknown():
  unknown = {name: np.nan for name in ('yaw_deg', 'pitch_deg', 'mouth_opening', 'eye_opening', 'brightness')}
  assert 'is not known: a list gave the eyes.' in _advice(**unknown)


def test_summary_says_what_is_in_and_what_was_left_out(tmp_path):
  prefix, manifest = _make_set(tmp_path, 5)
  assert report_card.summary(prefix, manifest).splitlines() == [
      f'{prefix}: 5 faces of 7 pictures (photos), 1 shard, schema {records.SCHEMA_VERSION}',
      '  left out: 2 × no face found']


def test_showing_a_set_prints_its_report_and_writes_its_card(tmp_path, capsys):
  prefix, manifest = _make_set(tmp_path, 9, 2, make_face=lambda order: _face(order, landmarks=_landmarks(order)))
  assert report_card.show(prefix, tmp_path / 'card.png', 64) == tmp_path / 'card.png'
  card = Image.open(tmp_path / 'card.png')
  assert card.width == 8 * 180 + 2 and 2 * 220 + 300 < card.height < 2 * 220 + 700
  printed = capsys.readouterr().out.splitlines()
  assert printed[:3] == [*report_card.summary(prefix, manifest).splitlines(), '']
  assert printed[3].startswith('9 usable faces: under 20') and printed[-1] == 'Made with source=me'


def test_card_of_few_faces_without_landmarks_is_as_wide_and_white_beside_them(tmp_path):
  prefix, _ = _make_set(tmp_path, 2, kind='celeba')
  report_card.make(prefix, tmp_path / 'card.png', prefix)
  card = np.asarray(Image.open(tmp_path / 'card.png'))
  assert card.shape[1] == 1442 and (card[-220:, 2 * 180 + 4:] == 255).all() and (card[-100, 10] < 255).any()
  assert (card[:40] < 100).any()  # the title


def test_all_faces_are_measured_and_some_are_shown(tmp_path):
  def make_face(order):
    landmarks = None if order == 3 else _landmarks(order)
    return _face(order, landmarks=landmarks, identity=order // 2)
  prefix, manifest = _make_set(tmp_path, 5, make_face=make_face)
  numbers, sheet = report_card.look(prefix, manifest, 2)
  assert sheet.shape == (222, 2 * 180 + 2, 3) and numbers.num_people == 3
  for values in (numbers.yaw_deg, numbers.pitch_deg, numbers.mouth_opening, numbers.eye_opening, numbers.brightness):
    np.testing.assert_array_equal(np.isnan(values), [False, False, False, True, False])
  np.testing.assert_array_equal(numbers.sharpness, np.ones(5))
  brighter = numbers.brightness[[0, 1, 2, 4]]
  np.testing.assert_allclose(brighter, 0.114 * 4 * np.array([0, 1, 2, 4]), atol=0.01)  # blue, by ITU-R BT.601


def test_faces_are_spread_evenly_from_the_first_to_the_last(tmp_path):
  prefix, manifest = _make_set(tmp_path, 61, num_shards=3)
  _, sheet = report_card.look(prefix, manifest, 4)
  blues = [int(sheet[2 + 210, 2 + 180 * i + 5, 2]) for i in range(4)]
  assert blues == [0, 80, 160, 240]  # faces 0, 20, 40 and 60


def test_lines_cross_where_eyes_belong_and_rings_lie_where_they_are():
  image = report_card.marked(_face(0, eyes=[[40.5, 60.5], [150.5, 190.5]]), 0).astype(int)
  assert (image[111, [10, 30, 120, 170], 2] > 60).all()  # the level through both eyes, y = 111.7
  assert (image[[30, 90, 150, 210], 69, 2] > 60).all() and (image[[30, 90, 150, 210], 108, 2] > 60).all()
  yellow = (image[..., 0] > 200) & (image[..., 1] > 180) & (image[..., 2] < 90)
  y, x = np.nonzero(yellow)
  for eye_x, eye_y in ((40.5, 60.5), (150.5, 190.5)):
    is_near = np.hypot(x + 0.5 - eye_x, y + 0.5 - eye_y) < 8
    assert is_near.sum() >= 12
    np.testing.assert_allclose([x[is_near].mean() + 0.5, y[is_near].mean() + 0.5], [eye_x, eye_y], atol=0.5)


def test_faces_carry_different_numbers():
  assert (report_card.marked(_face(0), 1)[:30, :30] != report_card.marked(_face(0), 7)[:30, :30]).any()


def test_set_that_does_not_exist_is_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'absent\.json: no manifest'):
    report_card.show(str(tmp_path / 'absent'), tmp_path / 'absent.png', 64)


def test_empty_set_is_refused(tmp_path):
  prefix, _ = _make_set(tmp_path, 0)
  with pytest.raises(errors.InputError, match='holds 0 faces'):
    report_card.make(prefix, tmp_path / 'card.png', prefix, 4)
