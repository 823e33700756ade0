"""Tests of timelines as keyframes, CSV, Live Link Face's CSV and JSON lines."""

import math

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.control import names
from dcgan.control import timeline
from dcgan.control import timeline_files

_KEYFRAMES = '0s neutral, 0.5s mouthSmileLeft=1 mouthSmileRight=1, 1.5s jawOpen=0.6\n 3s neutral'


def _write(folder, name, text):
  path = folder / name
  path.write_text(text, encoding='utf-8')
  return path


def test_keyframes_hold_what_they_do_not_name():
  course = timeline_files.keyframes(_KEYFRAMES)
  assert course.names == ('mouthSmileLeft', 'mouthSmileRight', 'jawOpen')
  np.testing.assert_allclose(course.times_secs, [0, 0.5, 1.5, 3])
  np.testing.assert_allclose(course.values, [[0, 0, 0], [1, 1, 0], [1, 1, 0.6], [0, 0, 0]])


@pytest.mark.parametrize('text, message', [
    ('', r'keyframes: must hold 1 control and 1 moment or more, but holds 0 and 0'),
    ('0s neutral', r'must hold 1 control'),
    ('soon jawOpen=1', r'keyframes: `soon jawOpen=1`: its time \(soon\) must be a number'),
    ('0s', r'`0s`: must say what is done then'),
    ('0s jawOpen', r'`jawOpen` must be neutral or a control with its value'),
    ('0s jawOpen=wide', r'`jawOpen` \(wide\) must be a number'),
    ('0s jawOpen=nan', r'`jawOpen` \(nan\) must be a number'),
    ('0s jawOpne=1', r'`jawOpne` is no control\. Did you mean jawOpen'),
    ('0s jawOpen=2', r'moment 1: `jawOpen` \(2\) must be within 0 and 1'),
    ('1s jawOpen=1, 0.5s neutral', r'moment 2: its time \(0\.5 s\) must be after the one before \(1 s\)')])
def test_wrong_keyframes_are_told(text, message):
  with pytest.raises(errors.InputError, match=message):
    timeline_files.keyframes(text)


def test_keyframes_are_read_from_a_file(tmp_path):
  course = timeline_files.load(_write(tmp_path, 'a.txt', _KEYFRAMES))
  np.testing.assert_allclose(course.values, timeline_files.keyframes(_KEYFRAMES).values)


def test_our_csv_survives_exactly(tmp_path):
  rng = np.random.default_rng(0)
  values = rng.uniform(0, 1, [7, 3]).astype(np.float32)
  values[2, 1] = np.nan
  course = timeline.Timeline(('jawOpen', 'browInnerUp', 'headYaw'), np.cumsum(rng.uniform(0.01, 1, 7)), values)
  timeline_files.save_csv(tmp_path / 'a.csv', course)
  assert (tmp_path / 'a.csv').read_text().splitlines()[0] == 'time_secs,jawOpen,browInnerUp,headYaw'
  assert [path.name for path in tmp_path.iterdir()] == ['a.csv']
  back = timeline_files.load(tmp_path / 'a.csv')
  assert back.names == course.names
  np.testing.assert_array_equal(back.times_secs, course.times_secs)
  np.testing.assert_array_equal(back.values, course.values)


# The order of the app's files: JawRight before JawLeft, MouthRight before MouthLeft.
_APP_HEADER = ('Timecode,BlendshapeCount,EyeBlinkLeft,JawForward,JawRight,JawLeft,JawOpen,MouthRight,MouthLeft,TongueOut,'
               'HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll')


def _take(*timecodes):
  rows = [f'{timecode},61,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0,{math.pi / 6},0,-0.1,0,0,0,0,0,0' for timecode in timecodes]
  return '\n'.join([_APP_HEADER, *rows, ''])


def test_a_take_of_live_link_face_is_read_by_name(tmp_path):
  course = timeline_files.load(_write(tmp_path, 'a.csv', _take('14:03:52:28.207', '14:03:52:29.207')))
  assert course.names == ('eyeBlinkLeft', 'jawForward', 'jawRight', 'jawLeft', 'jawOpen', 'mouthRight', 'mouthLeft',
                          'tongueOut', 'headYaw', 'headPitch', 'headRoll')
  of = dict(zip(course.names, course.values[0]))
  for name, value in (('jawRight', 0.3), ('jawLeft', 0.4), ('mouthRight', 0.6), ('mouthLeft', 0.7), ('headYaw', 30),
                      ('headRoll', -5.7296)):
    assert of[name] == pytest.approx(value, rel=1e-4)
  assert set(course.names) <= set(names.CONTROLS)


@pytest.mark.parametrize('timecodes, expected', [
    (('14:03:52:28.207', '14:03:52:29.207'), [0, 1 / 60]),  # within a second: 60 frames
    (('23:59:58:59.500', '23:59:59:00.500', '23:59:59:59.500'), [0, 1 / 60, 1]),
    (('00:00:00:29.000', '00:00:01:00.000', '00:00:01:15.000'), [0, 1 / 30, 16 / 30]),
    (('00:00:00:23.000', '00:00:01:00.000', '00:01:01:00.000'), [0, 1 / 24, 60 + 1 / 24])])
def test_timecodes_of_hand_worked_seconds(tmp_path, timecodes, expected):
  course = timeline_files.load(_write(tmp_path, 'a.csv', _take(*timecodes)))
  np.testing.assert_allclose(course.times_secs, expected, atol=1e-6)


def test_json_lines_hold_what_is_given_only(tmp_path):
  course = timeline_files.load(_write(tmp_path, 'a.jsonl', (
      '{"time": 0, "jawOpen": 0.4}\n\n{"time": 0.5, "headYaw": -12.5, "jawOpen": null}\n{"time": 1, "jawOpen": 1}\n')))
  assert course.names == ('jawOpen', 'headYaw')
  np.testing.assert_array_equal(course.values, np.float32([[0.4, np.nan], [np.nan, -12.5], [1, np.nan]]))
  np.testing.assert_allclose(course.at([0.5])[0], [0.7, -12.5])


@pytest.mark.parametrize('name, text, message', [
    ('a.csv', '', r'a\.csv: must hold controls over time, but is empty'),
    ('a.csv', 'time_secs,jawOpen\n', r'must hold 1 moment or more below its names'),
    ('a.csv', 'frame,timestamp,AU01_r\n1,0,0\n', r'line 1: begins with frame,timestamp, but must begin with time_secs or'),
    ('a.csv', 'time_secs,jawOpne\n0,0\n', r'a\.csv: line 1: `jawOpne` is no control\. Did you mean jawOpen'),
    ('a.csv', 'time_secs,jawOpen\n0,0\n1,NaN\n', r'line 3: `jawOpen` \(NaN\) must be a number'),
    ('a.csv', 'time_secs,jawOpen\n0,0\n1,1.5\n', r'moment 2: `jawOpen` \(1\.5\) must be within 0 and 1'),
    ('a.csv', 'time_secs,jawOpen\n1,0\n0,1\n', r'moment 2: its time \(0 s\) must be after the one before \(1 s\)'),
    ('a.csv', 'time_secs,jawOpen\n,0\n', r'line 2: `time_secs` \(\) must be a number'),
    ('a.csv', 'time_secs,jawOpen\n0\n', r'line 2: 1 cells, but must have 2'),
    ('a.csv', _take('00:00:01:00.000', '00:00:00:00.000'), r'moment 2: its time \(-1 s\) must be after'),
    ('a.csv', _take('12.5'), r'`Timecode` \(12\.5\) must be as in 14:03:52:28\.207'),
    ('a.csv', f'time_secs,jawOpen\n0,{"9" * 200_000}\n', r'a\.csv: must be CSV, but is not \(field larger'),
    ('a.jsonl', f'{{"time": 0, "jawOpen": 1{"0" * 400}}}', r'line 1: `jawOpen` \(10+\) must be a number'),
    ('a.jsonl', '', r'a\.jsonl: must hold 1 control and 1 moment'),
    ('a.jsonl', '{"time": 0, "jawOpen": NaN}', r'line 1: `jawOpen` \(nan\) must be a number'),
    ('a.jsonl', '{"time": 0, "jawOpen": true}', r'`jawOpen` \(True\) must be a number'),
    ('a.jsonl', '{"jawOpen": 1}', r'line 1: must hold a `time` and controls'),
    ('a.jsonl', '[1]', r'line 1: must hold a `time` and controls'),
    ('a.jsonl', '[' * 100_000, r'line 1: must be JSON, but is not \(maximum recursion'),
    ('a.jsonl', '{"time": 0, "jawOpen": 1e300}', r'moment 1: `jawOpen` \(1e\+300\) must be within 0 and 1'),
    ('a.jsonl', '{"time": 0,', r'line 1: must be JSON, but is not'),
    ('a.jsonl', '{"time": 0, "jaw": 0}', r'line 1: `jaw` is no control\. Did you mean'),
    ('a.fbx', '', r'a\.fbx: must end with \.csv, \.jsonl, \.txt')])
def test_what_cannot_be_used_is_told_with_its_place(tmp_path, name, text, message):
  with pytest.raises(errors.InputError, match=message) as caught:
    timeline_files.load(_write(tmp_path, name, text))
  assert '\n' not in str(caught.value)


def test_files_that_are_no_text_or_not_there_are_told(tmp_path):
  (tmp_path / 'a.csv').write_bytes(b'\xff\xfe\x00')
  with pytest.raises(errors.InputError, match=r'a\.csv: cannot be read as text'):
    timeline_files.load(tmp_path / 'a.csv')
  with pytest.raises(errors.InputError, match=r'b\.csv: cannot be read as text \(No such file'):
    timeline_files.load(tmp_path / 'b.csv')
