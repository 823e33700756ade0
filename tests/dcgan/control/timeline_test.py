"""Tests of controls over time, with hand-worked numbers."""

import numpy as np
import pytest
from scipy import interpolate

from dcgan.common import errors
from dcgan.control import timeline

_NAN = np.nan


def _course(values, times_secs=None, names=('jawOpen',)):
  values = np.asarray(values, float).reshape(len(values), len(names))
  return timeline.Timeline(names, np.arange(len(values)) if times_secs is None else times_secs, values)


def test_it_holds_plain_arrays():
  course = _course([[0, 1], [1, 0]], names=['jawOpen', 'mouthPucker'])
  assert course.names == ('jawOpen', 'mouthPucker') and course.duration_secs == 1
  assert course.times_secs.dtype == np.float64 and course.values.dtype == np.float32


def test_between_two_moments_lies_a_line_and_beyond_them_nothing_moves():
  course = _course([0.2, 0.6, 0.0], [1.0, 2.0, 4.0])
  np.testing.assert_allclose(course.at([0, 1, 1.25, 2, 3, 4, 9])[:, 0], [0.2, 0.2, 0.3, 0.6, 0.3, 0, 0], atol=1e-6)


def test_what_is_not_given_lies_between_what_is_and_holds_at_the_ends():
  course = _course([[_NAN, _NAN], [0.4, _NAN], [_NAN, _NAN], [0.8, _NAN], [_NAN, _NAN]],
                   names=('jawOpen', 'mouthPucker'))
  np.testing.assert_allclose(course.at(np.arange(5))[:, 0], [0.4, 0.4, 0.6, 0.8, 0.8], atol=1e-6)
  assert np.isnan(course.at([0, 2])[:, 1]).all()


def test_a_smooth_way_begins_and_ends_level():
  course = _course([0, 1])
  # 3 t² - 2 t³
  np.testing.assert_allclose(course.at([0, 0.25, 0.5, 0.75, 1, 2], timeline.SMOOTH)[:, 0],
                             [0, 0.15625, 0.5, 0.84375, 1, 1], atol=1e-6)
  assert _course([0.3]).at([0, 5], timeline.SMOOTH).tolist() == [[np.float32(0.3)]] * 2


def test_a_smooth_way_is_scipys_monotone_cubic_between_its_ends():
  times, values = np.array([0, 1, 1.5, 3, 3.2, 5.0]), np.array([0, 0.2, 0.9, 0.95, 0.5, 0.5])
  course = _course(values, times)
  at = np.linspace(1, 3.2, 80)  # SciPy's ends are not level
  np.testing.assert_allclose(course.at(at, timeline.SMOOTH)[:, 0],
                             interpolate.PchipInterpolator(times, values)(at), atol=1e-6)


@pytest.mark.parametrize('seed', range(5))
def test_a_smooth_way_overshoots_nowhere(seed):
  rng = np.random.default_rng(seed)
  times, values = np.cumsum(rng.uniform(0.05, 2, 9)), rng.uniform(0, 1, 9)
  course = _course(values, times)
  np.testing.assert_allclose(course.at(times, timeline.SMOOTH)[:, 0], values, atol=1e-6)
  for i in range(8):
    between = course.at(np.linspace(times[i], times[i + 1], 50), timeline.SMOOTH)[:, 0]
    way = np.diff(between) * np.sign(values[i + 1] - values[i])
    assert way.min() > -1e-6


def test_resampled_it_has_even_times_and_the_same_ends():
  course = _course([0, 1, 0.5], [2.0, 3.0, 4.1]).resample(4)
  np.testing.assert_allclose(course.times_secs, np.arange(2, 4.01, 0.25))
  np.testing.assert_allclose(course.values[:5, 0], [0, 0.25, 0.5, 0.75, 1])
  assert len(_course([0, 1], [0.0, 1.0]).resample(30).times_secs) == 31
  assert len(_course([0.5], [7.0]).resample(30).times_secs) == 1


def test_of_gives_other_names_in_their_order():
  course = _course([[0, 1], [0.5, 0]], names=('jawOpen', 'mouthPucker'))
  np.testing.assert_array_equal(course.of(('mouthPucker', 'headYaw')), [[1, _NAN], [0, _NAN]])


def test_the_head_is_in_degrees():
  assert _course([[-170.0], [30]], names=('headYaw',)).values[0, 0] == -170


def test_a_little_beyond_the_range_is_the_range():
  assert _course([1.0000002, -1e-7]).values[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize('names, times_secs, values, message', [
    ((), [0], np.zeros([1, 0]), r'timeline: must hold 1 control and 1 moment or more, but holds 0 and 1'),
    (('jawOpen',), [], np.zeros([0, 1]), r'must hold 1 control and 1 moment or more, but holds 1 and 0'),
    (('jawOpn',), [0], [[0]], r'timeline: `jawOpn` is no control\. Did you mean jawOpen'),
    (('jawOpen', 'jawOpen'), [0], [[0, 0]], r'`jawOpen` must come once'),
    (('jawOpen',), [0, 2, 1], [[0]] * 3, r'moment 3: its time \(1 s\) must be after the one before \(2 s\)'),
    (('jawOpen',), [0, 0], [[0]] * 2, r'moment 2: its time \(0 s\) must be after'),
    (('jawOpen',), [0, _NAN], [[0]] * 2, r'moment 2: its time \(nan\) must be a number'),
    (('jawOpen',), [0, 1], [[0], [1.2]], r'moment 2: `jawOpen` \(1\.2\) must be within 0 and 1\. Use 1\.'),
    (('jawOpen',), [0], [[-0.5]], r'moment 1: `jawOpen` \(-0\.5\) must be within 0 and 1\. Use 0\.'),
    (('jawOpen',), [0], [[np.inf]], r'`jawOpen` \(inf\) must be within'),
    (('headRoll',), [0], [[190]], r'`headRoll` \(190\) must be within -180 and 180 degrees')])
def test_what_breaks_a_rule_is_told(names, times_secs, values, message):
  with pytest.raises(errors.InputError, match=message):
    timeline.Timeline(names, times_secs, values)


@pytest.mark.parametrize('fps', [0, -1, float('nan'), 1e9])
def test_an_impossible_rate_is_told(fps):
  with pytest.raises(errors.InputError, match=r'`fps` \(.*\) must be above 0 and at most 1000'):
    _course([0, 1]).resample(fps)


def test_the_callers_mistakes_are_told():
  with pytest.raises(ValueError, match=r"`how` \('cubic'\) must be one of linear, smooth"):
    _course([0, 1]).at([0], 'cubic')
  with pytest.raises(ValueError, match=r'`values` \[2, 2\] must be \[2, 1\]'):
    timeline.Timeline(('jawOpen',), [0, 1], np.zeros([2, 2]))
