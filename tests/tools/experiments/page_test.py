"""Tests of an experiment's page: what it says, that it is one file, and its numbers worked by hand."""

import base64
import re

import imageio.v3 as iio
import numpy as np
import pytest

from tests.tools.experiments import drawn
from tools.experiments import arms
from tools.experiments import claims
from tools.experiments import page
from tools.experiments import reproduction
from tools.experiments import tasks

_FINDINGS = [claims.Finding('Claim <one>', True, 'It is & so.'), claims.Finding('Claim two', None, 'Too short.'),
             claims.Finding('Claim three', False, 'It is not.')]


def _results(number, outcomes):
  return dict(experiment=number, records='records/a', num_samples=64, counts=reproduction.count_symptoms(outcomes),
              init_from='ufm',
              scale=dict(num_minibatches=5, channels=2, image_size_px=8, seeds=(0,), long_minibatches=40),
              runs=[outcome.as_json() for outcome in outcomes])


def _text(tmp_path, number, outcomes, **others):
  page.save(tmp_path / 'page.html', tasks.TASKS[number], _results(number, outcomes), outcomes, _FINDINGS, **others)
  return (tmp_path / 'page.html').read_text(encoding='utf-8')


def test_the_page_holds_claims_pictures_and_numbers_and_needs_no_other_file(tmp_path):
  outcomes = [drawn.outcome(0, 9, minibatches, values={'found_rate': 0.25}, of_reals={'found_rate': 0.75},
                            verdicts=[drawn.verdict('symptom_b', 3)]) for minibatches in ('shuffled', 'overlapping')]
  text = _text(tmp_path, 2, outcomes)
  assert 'Claim &lt;one&gt;' in text and 'It is &amp; so.' in text and 'symptom_b at 3 &amp; on.' in text
  assert [word for word in re.findall(r'<strong class="\w+">([\w ]+)</strong>', text)] == [
      'agrees', 'cannot be told', 'does not agree']
  assert text.count('alt="samples of') == 2 and text.count('alt="photos"') == 1
  assert '25 %' in text and '75 %' in text and 'Symptom B at 3' in text and '45' in text
  assert 'needs &lt;more&gt; than clean_rate' in text and 'How often each symptom came' in text
  assert not re.search(r'(src|href)="(?!data:|#)', text) and '<script' not in text


def test_runs_of_another_experiment_stand_beside(tmp_path):
  run = tmp_path / 'run'
  run.mkdir()
  for step in (0, 5):
    iio.imwrite(run / f'samples_{step:06d}.png', np.full([20, 20, 3], step, np.uint8))
  row = drawn.outcome(0, 9).as_json() | dict(run=str(run))
  gone = drawn.outcome(1, 9).as_json()
  text = _text(tmp_path, 3, [drawn.outcome(0, 9)], beside=_results(2, []) | dict(runs=[row, gone]))
  assert text.count('not aligned</h3>') == 1 and 'Beside it: experiment 2, records/a' in text
  assert text.count('batch9-shuffled-seed1') == 1  # its numbers, not its pictures


def test_frames_in_between_are_shown_with_what_was_made_of_them(tmp_path):
  text = _text(tmp_path, 4, [drawn.outcome()], between=[drawn.frames_between()])
  assert text.count('alt="frame in between"') == text.count('alt="made by the model"') == 3
  assert '67 % of the frames in between' in text and '0.1 s off · made to 4.0 · nearest 5.0' in text


def _pair(*distances):
  """Returns an `arms.Pair`: at each minibatch from 1 on the distances of the runs from the model and from scratch."""
  ufm, scratch = ({step: {'sliced_wasserstein': value, 'noise_texture': 3.0, 'diversity': 0.25}
                   for step, value in enumerate(values, 1)} for values in zip(*distances))
  start = np.zeros([20, 20, 3], np.uint8)
  speeds = [(step, 4.0) for step in ufm]  # 2 s for each minibatch of 8
  return arms.Pair(drawn.arm('ufm-seed0', ufm, speeds=speeds, start=start),
                   drawn.arm('scratch-seed0', scratch, speeds=speeds), 2)


def test_two_runs_are_shown_at_the_same_moments_with_their_times(tmp_path):
  outcomes = [drawn.outcome(), drawn.outcome(1)]
  pair = _pair((30.0, 90.0), (20.0, 80.0), (15.0, 40.0), (10.0, 19.0), (10.0, 18.0))
  text = _text(tmp_path, 5, outcomes, pairs=[pair])
  assert text.count('alt="From the Universal Face Model"') == 3  # the start is there too
  assert text.count('alt="From scratch"') == 2 and '<h2>Samples</h2>' not in text
  assert '5 minibatches a run and then up to 40, from ufm and from scratch' in text
  assert 'after 2 minibatches, 4 s of training' in text and 'after 5 minibatches, 10 s of training' in text
  assert 'it takes 4 minibatches, 2.0 times as many, to come as near' in text  # 20 of the way from 40 to 19
  rows = re.findall(r'<tr><td>(From[\w ]+)</td><td class="number">(\d+)</td><td class="number">(\d+)</td>', text)
  assert rows == [(way, step, str(2 * int(step))) for way in ('From the Universal Face Model', 'From scratch')
                  for step in '1245']
  assert text.count('alt="photos"') == 1 and text.count('alt="enlarged"') == 5
  assert 'From scratch, 5 minibatches: 3.0' in text
  assert text.count('<h3>Noise texture</h3><svg') == 1 and 'Geometry distance (' not in text  # not measured
  never = _text(tmp_path, 5, outcomes, pairs=[_pair((30.0, 90.0), (20.0, 80.0), (15.0, 40.0))])
  assert 'not in 1.5 times as many' in never


def test_the_middle_of_a_picture_is_enlarged(tmp_path):
  pair = _pair((30.0, 90.0))
  text = _text(tmp_path, 5, [drawn.outcome(), drawn.outcome(1)], pairs=[pair])
  source = re.search(r'src="data:image/png;base64,([^"]+)" alt="enlarged"', text)[1]
  reals = pair.ufm.evaluated[-1].reals
  shown = iio.imread(base64.b64decode(source))
  np.testing.assert_array_equal(shown[2:6, 2:6], reals[0][2:6, 2:6])
  np.testing.assert_array_equal(shown[2:6, 8:12], reals[1][2:6, 2:6])


def test_numbers_of_frames_are_medians_by_their_distance_in_time():
  numbers = page.between_numbers(drawn.frames_between())
  assert numbers['kinds'] == [dict(name='trained on', num_frames=2, inversion_error=5.0, sample_error=10.0),
                              dict(name='in between', num_frames=3, inversion_error=6.0, sample_error=12.0)]
  assert numbers['gaps'] == [
      dict(gap_secs=0.1, num_frames=1, inversion_error=4.0, sample_error=8.0, nearest_error=5.0),
      dict(gap_secs=0.3, num_frames=2, inversion_error=13.0, sample_error=26.0, nearest_error=17.5)]
  assert (numbers['nearest_error'], numbers['mean_error'], numbers['geometry_distance']) == (5.0, 40.0, 2.5)
  assert numbers['share_nearer'] == pytest.approx(2 / 3)
