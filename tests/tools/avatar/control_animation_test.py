"""Tests of tools.avatar.control_animation: courses read, and the points of a person that tells by colours."""

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from dcgan.control import timeline
from tools.avatar import control_animation
from tools.avatar import posing


def test_keyframes_hold_controls_and_photos_and_photos_leave_the_rest_at_rest():
  course = control_animation.of_keyframes('0s neutral, 1s jawOpen=0.6, 1.5s photo=my smile.jpg, 2s jawOpen=1')
  assert course.photos == {1.5: 'my smile.jpg'} and not course.is_recording
  np.testing.assert_allclose(course.controls.of(['jawOpen'])[:, 0], [0, 0.6, 0, 1], atol=1e-6)
  alone = control_animation.of_keyframes('0s neutral, 1s photo=a.jpg')
  assert alone.controls.names == ('headRoll',) and alone.photos == {1.0: 'a.jpg'}


@pytest.mark.parametrize('text, message', [
    ('0s neutral, 1s jawOpn=1', r'`1s jawOpn=1`: `jawOpn` is no control. Did you mean jawOpen'),
    ('1s neutral, 0.5s photo=a.jpg', r'moment 2: its time \(0.5 s\) must be after the one before \(1 s\)'),
    ('0s jawOpen=2', r'`jawOpen` \(2\) must be within 0 and 1'),
    ('0s jawOpen=nan', r'`jawOpen` \(nan\) must be a number'),
    ('x photo=a.jpg', r'its time \(x\) must be a number'),
])
def test_keyframes_that_are_none_are_told_in_a_line(text, message):
  with pytest.raises(errors.InputError, match=message):
    control_animation.of_keyframes(text)


def test_files_are_recordings_but_for_keyframes(tmp_path):
  (tmp_path / 'keys.txt').write_text('0s neutral\n1s photo=a.jpg\n')
  (tmp_path / 'take.jsonl').write_text('{"time": 0, "jawOpen": 0}\n{"time": 1, "jawOpen": 1}\n')
  (tmp_path / 'other.csv').write_text('frame,AU01\n1,0.2\n')
  assert control_animation.of_file(tmp_path / 'keys.txt').photos == {1.0: 'a.jpg'}
  assert control_animation.of_file(tmp_path / 'take.jsonl').is_recording
  with pytest.raises(errors.InputError, match='other.csv: line 1: begins with frame,AU01, but must begin with time'):
    control_animation.of_file(tmp_path / 'other.csv')
  with pytest.raises(errors.InputError, match='absent.txt: cannot be read'):
    control_animation.of_file(tmp_path / 'absent.txt')


def _shown(person, z, name):
  """Returns what the pictures at points show of a control, float [num_points]."""
  poser = posing.Poser(person)
  images = np.round((person.generator(z, False).numpy() + 1) * 127.5).astype(np.uint8)
  return poser.measure(images)[:, poser.controller.names.index(name)]


def test_keyframes_are_met_and_the_way_between_them_is_smooth(person):
  poser = posing.Poser(person)
  course = control_animation.of_keyframes('0s neutral, 1s jawOpen=0.8 headRoll=10, 2s neutral')
  z, rolls = control_animation.points(poser, course, 20.0)
  assert z.shape == (41, 16)
  np.testing.assert_allclose(np.mean(z**2, axis=1), 1, rtol=1e-4)
  shown = _shown(person, z, 'jawOpen')
  assert shown[20] == pytest.approx(0.8, abs=0.1) and max(shown[0], shown[-1]) < 0.12
  assert np.abs(np.diff(shown)).max() < 0.12  # 0.8 within a second of 20 frames is 0.04 each, 0.06 in the middle
  assert np.all(np.diff(shown[:21]) > -0.03) and np.all(np.diff(shown[20:]) < 0.03)
  assert rolls[20] == pytest.approx(10, abs=1e-4) and rolls[0] == rolls[-1] == 0


def test_a_recording_is_followed(person):
  poser = posing.Poser(person)
  times = np.arange(61) / 30
  asked = 0.4 + 0.3 * np.sin(2 * np.pi * times / 2)
  course = control_animation.Course(timeline.Timeline(('jawOpen',), times, asked[:, np.newaxis]), is_recording=True)
  z, _ = control_animation.points(poser, course, 30.0)
  np.testing.assert_allclose(_shown(person, z, 'jawOpen')[2:-2], asked[2:-2], atol=0.12)


def test_a_photo_is_shown_at_its_time(person):
  poser = posing.Poser(person)
  course = control_animation.of_keyframes('0s neutral, 1s photo=a.jpg, 2s neutral')
  place = person.space.places[7]
  z, _ = control_animation.points(poser, control_animation.Course(course.controls, {1.0: place}), 50.0)
  assert np.linalg.norm(z[50] - place) < 0.25 * np.linalg.norm(z[0] - place)


def test_the_animation_is_written_and_what_the_person_lacks_is_left_out_of_recordings_only(person, monkeypatch, caplog):
  monkeypatch.setattr(control_animation.run_folder, 'load', lambda path: person)
  both = timeline.Timeline(('jawOpen', 'mouthPucker'), [0, 1], [[0, 0], [1, 1]])
  with caplog.at_level('INFO'):
    path = control_animation.save('run', control_animation.Course(both, is_recording=True), person.path / 'a.gif',
                                  fps=10, size_px=16)
  assert iio.imread(path).shape[1:] == (16, 16, 3) and 'does not show them: mouthPucker' in caplog.text
  with pytest.raises(errors.InputError, match='mouthPucker hardly moves in these pictures. For it, film yourself'):
    control_animation.save('run', control_animation.Course(both))
  none = timeline.Timeline(('mouthPucker',), [0, 1], [[0], [1]], 'take.csv')
  with pytest.raises(errors.InputError, match=r'take.csv: of its controls \(mouthPucker.*the person shows none'):
    control_animation.save('run', control_animation.Course(none, is_recording=True))
  with pytest.raises(errors.InputError, match='lasts 9000 s; 3600 are the most'):
    control_animation.save('run', control_animation.Course(timeline.Timeline(('jawOpen',), [0, 9000], [[0], [1]])))
