"""Tests of experiment 5: its two runs, and its claims and its page on numbers worked by hand."""

import base64
import re

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from dcgan.options import presets
from tests.tools.experiments import drawn
from tools.experiments import experiment
from tools.experiments import experiment5_reusable_model
from tools.experiments import pairs
from tools.experiments import variants

_DONOR = variants.make_variant('records/faces', variants.Scale(5, 2, 8), 0).options  # of the model that is started from


def _done(num_minibatches=75, long_minibatches=None, seeds=(0,)):
  return experiment5_reusable_model.ReusableModel(
      experiment.Material('records/a', init_from='model'),
      variants.Scale(num_minibatches, seeds=seeds, long_minibatches=long_minibatches))


def _judged(*made):
  """Returns what becomes of the claims by `Pair`s."""
  return _done().judge([run for pair in made for run in (pair.ufm, pair.scratch)], list(made))


def _text(tmp_path, pair):
  done = _done(5, 40)
  done.scale = done.as_trained(done.variants(_DONOR))
  return drawn.page_text(tmp_path, done, [pair.ufm, pair.scratch], [pair])


def test_it_compares_at_the_reports_minibatch():
  assert experiment5_reusable_model.ReusableModel.num_minibatches == 75


def test_the_two_runs_differ_in_where_they_start_only():
  made = _done(seeds=(0, 5)).variants(_DONOR)
  assert [variant.name for variant in made] == ['ufm-seed0', 'scratch-seed0', 'ufm-seed5', 'scratch-seed5']
  assert [variant.init_from for variant in made] == ['model', None] * 2
  ufm, scratch, other, _ = made
  assert ufm.options == scratch.options and other.options == ufm.options.replace('training', seed=5)
  plain = presets.PRESETS['report']
  assert ufm.options.networks == _DONOR.networks != plain.networks
  assert (ufm.options.augmentation, ufm.options.training.learning_rate) == (
      plain.augmentation, plain.training.learning_rate)
  assert (ufm.options.data.global_batch_size, ufm.options.data.crop) == (64, 108)  # as the model, not as the preset
  assert ufm.options.training.transfer == 'full' and ufm.options.health.on_collapse == 'warn'


@pytest.mark.parametrize('num_minibatches, long_minibatches, every', [
    (75, None, 25), (75, 75, 5), (75, 150, 15), (10, 20, 1), (79, None, 79), (1, 24, 1), (6, 144, 6)])
def test_24_checkpoints_are_kept_at_most_one_at_the_moment(num_minibatches, long_minibatches, every):
  variant, _ = _done(num_minibatches, long_minibatches).variants(_DONOR)
  periods, end = variant.options.periods, variant.options.training.num_minibatches
  assert variant.moment == num_minibatches and end == (long_minibatches or 8 * num_minibatches)
  assert (periods.keep_every_steps, periods.checkpoint_every_steps, periods.samples_every_steps) == (every,) * 3
  assert num_minibatches % every == 0 and end / every <= 24


@pytest.mark.parametrize('num_minibatches, long_minibatches, message', [
    (75, 74, r'`long_minibatches` \(74\) must lie between `num_minibatches` \(75\) and 24 times that. Use 600.'),
    (2, 49, r'`long_minibatches` \(49\) must lie between `num_minibatches` \(2\)'),
    (2, 0, r'`long_minibatches` \(0\)'), (0, 5, r'`num_minibatches` \(0\) must be 1 or more')])
def test_runs_that_end_too_early_or_too_late_are_refused(num_minibatches, long_minibatches, message):
  with pytest.raises(errors.InputError, match=message):
    _done(num_minibatches, long_minibatches).variants(_DONOR)


def test_the_scale_that_is_told_is_that_of_the_model_and_of_the_longer_training():
  done = _done(75, None, (0, 1))
  assert done.as_trained(done.variants(_DONOR)) == variants.Scale(75, 2, 8, (0, 1), 600)


def _distances(*values):
  """Returns measures at minibatches 25, 50, …: distances, a face in half of the samples, and as much noise."""
  return {25 * i: {'sliced_wasserstein': value, 'clean_rate': 0.5, 'noise_texture': value}
          for i, value in enumerate(values, 1)}


def _measured_pair(ufm, scratch, of_reals=None):
  return pairs.Pair(drawn.run_over_time('ufm-seed0', _distances(*ufm), of_reals),
                    drawn.run_over_time('scratch-seed0', _distances(*scratch), of_reals))


def test_the_runs_of_each_seed_are_a_pair():
  made = [_measured_pair([1.0], [2.0]) for _ in range(2)]
  found = _done().measure([run for pair in made for run in (pair.ufm, pair.scratch)])
  assert [(pair.ufm, pair.scratch) for pair in found] == [(pair.ufm, pair.scratch) for pair in made]


def test_claims_are_judged_at_the_moment_and_at_the_end_by_medians():
  made = [_measured_pair([300.0, 1.5, 1.2], [60.0, 40.0, 30.0, 20.0], of_reals={'clean_rate': 0.5}) for _ in range(2)]
  findings = _judged(*made)
  # Both have as many faces as the photos, so the person is not told by them.
  assert [finding.word for finding in findings] == ['does not agree', 'agrees', 'agrees', 'does not agree']
  assert '100 % of what the photos have from the model and 100 % from scratch' in findings[0].sentence
  assert 'the photos is 1.5 and 40.0' in findings[0].sentence and 'more than 2.0 times' in findings[1].sentence
  assert 'has 40.0 times' in findings[2].sentence and '20.0 and 1.2 times in the end' in findings[2].sentence
  assert _judged(_measured_pair([2.0, 1.0], [2.0, 1.0]))[0].agrees is None


def _timed_pair(*distances, run='nowhere'):
  """Returns a `pairs.Pair`: at each minibatch from 1 on the distances of the runs from the model and from scratch."""
  ufm, scratch = ({step: {'sliced_wasserstein': value, 'noise_texture': 3.0, 'diversity': 0.25}
                   for step, value in enumerate(values, 1)} for values in zip(*distances))
  speeds = [(step, 4.0) for step in ufm]  # 2 s for each minibatch of 8
  return pairs.Pair(drawn.run_over_time('ufm-seed0', ufm, speeds=speeds, moment=2, run=run),
                   drawn.run_over_time('scratch-seed0', scratch, speeds=speeds, moment=2))


def test_two_runs_are_shown_at_the_same_moments_with_their_times(tmp_path):
  run = tmp_path / 'run'
  run.mkdir()
  iio.imwrite(run / 'samples_000000.png', np.zeros([20, 20, 3], np.uint8))
  iio.imwrite(run / 'samples_000002.png', np.zeros([20, 20, 3], np.uint8))
  text = _text(tmp_path, _timed_pair((30.0, 90.0), (20.0, 80.0), (15.0, 40.0), (10.0, 19.0), (10.0, 18.0), run=run))
  assert text.count('alt="From the Universal Face Model"') == 3  # the start is there too
  assert text.count('alt="From scratch"') == 2 and '<h2>Samples</h2>' not in text
  assert '5 minibatches a run and then up to 40, from model and from scratch' in text
  assert 'after 2 minibatches, 4 s of training' in text and 'after 5 minibatches, 10 s of training' in text
  assert 'it takes 4 minibatches, 2.0 times as many, to come as near' in text  # 20 of the way from 40 to 19
  rows = re.findall(r'<tr><td>(From[\w ]+)</td><td class="number">(\d+)</td><td class="number">(\d+)</td>', text)
  assert rows == [(way, step, str(2 * int(step))) for way in ('From the Universal Face Model', 'From scratch')
                  for step in '1245']
  assert text.count('alt="photos"') == 1 and text.count('alt="enlarged"') == 5
  assert 'From scratch, 5 minibatches: 3.0' in text
  assert text.count('<h3>Noise texture</h3><svg') == 1 and 'Geometry distance (' not in text  # not measured
  never = _text(tmp_path, _timed_pair((30.0, 90.0), (20.0, 80.0), (15.0, 40.0)))
  assert 'not in 1.5 times as many' in never


def test_the_middle_of_a_picture_is_enlarged(tmp_path):
  pair = _timed_pair((30.0, 90.0))
  text = _text(tmp_path, pair)
  source = re.search(r'src="data:image/png;base64,([^"]+)" alt="enlarged"', text)[1]
  reals = pair.ufm.evaluated.reals
  shown = iio.imread(base64.b64decode(source))
  np.testing.assert_array_equal(shown[2:6, 2:6], reals[0][2:6, 2:6])
  np.testing.assert_array_equal(shown[2:6, 8:12], reals[1][2:6, 2:6])


@pytest.mark.parametrize('ufm, scratch, agrees', [
    ((0.9, 100.0), (0.3, 200.0), True),
    ((0.9, 210.0), (0.3, 200.0), False),  # faces, but not the person's
    ((0.7, 100.0), (0.3, 200.0), False),
    ((0.9, 100.0), (0.85, 200.0), False),  # both are there
    ((None, 100.0), (None, 200.0), None)])
def test_the_person_is_there_where_nearly_all_samples_are_faces_and_nearer_to_the_photos(ufm, scratch, agrees):
  finding = experiment5_reusable_model.person_is_there(ufm, scratch, 75)
  assert finding.agrees is agrees
  if agrees is not None:
    assert 'After 75 minibatches' in finding.sentence and f'{ufm[1]:.1f} and {scratch[1]:.1f}' in finding.sentence


@pytest.mark.parametrize('times_more, agrees, told', [
    ([(4.0, True)], True, 'takes 4.0 times as many.'), ([(1.9, True)], False, 'takes 1.9 times as many.'),
    ([(8.0, False)], True, 'takes more than 8.0 times as many.'),
    ([(1.5, False)], None, 'more than 1.5 times as many: it ended too early to tell.'),
    ([(8.0, False), (1.0, True), (3.0, True)], True, 'takes 3.0 times as many (median over 3 seeds).')])
def test_training_is_faster_where_scratch_takes_twice_as_many_minibatches(times_more, agrees, told):
  finding = experiment5_reusable_model.training_is_faster(times_more, 75)
  assert finding.agrees is agrees and told in finding.sentence and 'after 75 minibatches' in finding.sentence


@pytest.mark.parametrize('ufm, scratch, agrees', [
    ((1.2, 1.5), (30.0, 9.0), True), ((1.2, 1.5), (30.0, 1.8), False), ((2.5, 1.0), (30.0, 9.0), False)])
def test_noise_is_from_scratch_only_where_it_stays_there_and_never_comes_from_the_model(ufm, scratch, agrees):
  finding = experiment5_reusable_model.noise_from_scratch_only(ufm, scratch, 75)
  assert finding.agrees is agrees
  assert f'{scratch[0]:.1f} times the power' in finding.sentence
  assert f'{ufm[1]:.1f} times in the end' in finding.sentence


def test_longer_is_not_always_better_where_a_run_ends_a_tenth_worse_than_at_its_best():
  points = {'a': [(75, 200.0), (150, 100.0), (600, 112.0)], 'b': [(75, 300.0), (600, 150.0)]}
  finding = experiment5_reusable_model.longer_is_not_always_better(points, 75)
  assert finding.agrees is True and finding.sentence.startswith('1 of 2 runs ended worse')
  assert 'a was nearest to the photos at minibatch 150 (100.0), and ended at 600 with 112.0; b' in finding.sentence
  assert finding.sentence.endswith('b was nearest to the photos at minibatch 600 (150.0), its end.')
  points['a'][-1] = (600, 109.0)
  assert experiment5_reusable_model.longer_is_not_always_better(points, 75).agrees is False
  finding = experiment5_reusable_model.longer_is_not_always_better({'a': [(25, 1.0), (75, 2.0)]}, 75)
  assert finding.agrees is None and finding.sentence == 'No run was trained for longer than 75 minibatches.'
