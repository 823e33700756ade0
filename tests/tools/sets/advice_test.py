"""Tests of what a set is told to lack."""

import dataclasses

import numpy as np
import pytest

from dcgan.control import calibration
from dcgan.data import manifests
from tools.sets import advice


def _manifest(kind, num_images, reasons):
  return manifests.Manifest(
      kind=kind, num_images=num_images, num_inputs=num_images + len(reasons), shards=(),
      rejected=tuple(manifests.Rejection(f'x{i}.png', reason) for i, reason in enumerate(reasons)),
      settings={'source': 'me', 'fps': None})


def _numbers(num_faces=100, **values):
  """Numbers of a set that lacks nothing, with some replaced; a scalar is the same for all faces."""
  good = {
      'yaw_deg': np.linspace(-30, 30, num_faces), 'pitch_deg': np.linspace(-20, 20, num_faces),
      'mouth_opening': np.linspace(0, 0.3, num_faces), 'eye_opening': np.where(np.arange(num_faces) % 10, 0.3, 0.05),
      'sharpness': np.ones(num_faces), 'brightness': np.full(num_faces, 130.0)}
  return advice.Numbers(**{name: np.broadcast_to(values.get(name, value), num_faces) for name, value in good.items()},
                        num_people=values.get('num_people', 0))


def _advice(kind='video', num_faces=100, reasons=(), **values):
  return '\n'.join(advice.advise(_manifest(kind, num_faces, reasons), _numbers(num_faces, **values)))


def test_good_set_is_told_so():
  assert _advice(num_faces=300).splitlines() == [
      '300 usable faces: plenty.', 'Heads turn to both sides (-27° to 27°) and nod (-18° to 18°).',
      '60 % have an open mouth.', '30 faces (10 %) have closed eyes: it can blink.']


@pytest.mark.parametrize('num_images, high, words', [
    (100, [1.0, 1.0, 20.0, 0.0], ['1 of 4 controls hardly moves. For it: raise the brows.']),
    (100, [0.0, 0.0, 0.0, 0.0], ['4 of 4 controls hardly move. For them: smile broadly, on both sides and on each alone; '
                                 'turn the head slowly to both sides; raise the brows.']),
    (100, [1.0, 1.0, 20.0, 1.0], ['All 4 controls of the face move.']), (19, [0.0, 0.0, 0.0, 0.0], [])])
def test_controls_that_hardly_move_are_told_with_what_to_film(num_images, high, words):
  found = calibration.Calibration(('mouthSmileLeft', 'mouthSmileRight', 'headYaw', 'browInnerUp'), np.zeros(4),
                                  np.zeros(4), np.array(high), np.full(4, 0.1))
  manifest = dataclasses.replace(_manifest('video', num_images, ()), controls=found.to_json())
  assert [line for line in advice.advise(manifest, _numbers(num_images)) if 'control' in line] == words


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
  told = _advice('photos', mouth_opening=0, yaw_deg=0, eye_opening=0.3)
  assert 'Add photos with an open mouth.' in told and 'Film' not in told
  assert 'Add photos with closed eyes.' in told


@pytest.mark.parametrize('kind, num_faces, num_people', [('celeba', 100, 0), ('photos', 2000, 0), ('photos', 100, 5)])
def test_many_people_get_no_advice_on_expressions(kind, num_faces, num_people):
  told = _advice(kind, num_faces, [manifests.Reason('turned_left', 50, 40)], yaw_deg=0, pitch_deg=0,
                 mouth_opening=0, eye_opening=0.3, num_people=num_people)
  assert 'for a Universal Face Model' in told and '100 % look ahead' in told
  assert not any(word in told for word in ('avatar', 'Film', 'Add photos', 'Turn the head'))
  assert ('of 5 people' in told) == (num_people == 5)


@pytest.mark.parametrize('kind, num_faces', [('photos', 1999), ('video', 2160)])
def test_so_few_photos_and_any_video_are_of_one_person(kind, num_faces):
  assert f'{num_faces:,} usable faces: plenty.' in _advice(kind, num_faces)


@pytest.mark.parametrize('reason, told, remedy', [
    (('no_face',), 'no face found', 'In those no face is large, lit and turned to the camera.'),
    (('eyes_near', 10.3, 12), 'eyes 10.3 px apart, under --min_eye_distance_px=12', 'Move nearer'),
    (('turned_left', 52, 40), "turned 52° to the image's left, over --max_yaw_deg=40",
     'Turn the head less far, or raise --max_yaw_deg.'),
    (('same_picture', 'b/2.jpg'), 'the same picture as another one', 'Nothing is lost'),
    (('told', 'turned 52° by an older version'), 'turned 52° by an older version', '')])
def test_largest_reason_is_told_with_what_to_do(reason, told, remedy):
  reason, other = manifests.Reason(*reason), manifests.Reason('missing', 'not a file')
  last = _advice(reasons=[reason, reason, other]).splitlines()[-1]
  assert last.startswith(f'3 of 103 pictures were left out, the largest part, 2, because: {told}') and remedy in last
  assert f'all because: {told}' in _advice(reasons=[reason])
  assert last.endswith('.')


def test_set_without_landmarks_says_that_they_are_unknown():
  unknown = {name: np.nan for name in ('yaw_deg', 'pitch_deg', 'mouth_opening', 'eye_opening', 'brightness')}
  assert 'is not known: a list gave the eyes.' in _advice(**unknown)


def test_files_that_are_no_pictures_do_not_count_among_the_pictures_left_out():
  raw, no_face = manifests.Reason('raw_photo', 'CR2'), manifests.Reason('no_face')
  told = advice.advise(manifests.Manifest(
      kind='photos', num_images=100, num_inputs=101, shards=(), settings={},
      rejected=tuple(manifests.Rejection(f'{i}', reason) for i, reason in enumerate([raw, raw, no_face]))), _numbers())
  assert '1 of 101 pictures were left out, all because: no face found' in told[-1]
