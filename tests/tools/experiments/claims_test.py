"""Tests of what becomes of the report's claims, on numbers worked by hand."""

import pytest

from tools.experiments import claims


def test_the_word_says_whether_it_agrees():
  assert [claims.Finding('c', agrees, 's').word for agrees in (True, False, None)] == [
      'agrees', 'does not agree', 'cannot be told']


@pytest.mark.parametrize('rate, of_reals, agrees', [
    (0.6, 0.98, True), (0.4, 0.98, False), (0.3, 0.5, True), (None, 0.98, None), (0.6, 0.0, None), (0.6, None, None)])
def test_faces_appear_where_most_samples_are_faces_as_the_photos_are(rate, of_reals, agrees):
  finding = claims.faces_appear(rate, of_reals, 342)
  assert finding.agrees is agrees
  if agrees is not None:
    assert f'{100 * rate:.0f} % of the samples' in finding.sentence and '342 minibatches' in finding.sentence


def test_losses_are_stable_up_to_five_times_their_median_after_the_start():
  steady = [90.0] + [1.0, 2.0, 3.0] * 3  # the first tenth does not count
  assert claims.losses_stay_stable(steady).agrees is True
  exploded = [2.0] * 9 + [11.0]
  finding = claims.losses_stay_stable(exploded)
  assert finding.agrees is False and '2.00 in the median and 11.00 at its largest' in finding.sentence
  assert claims.losses_stay_stable([1.0, 1.0]).agrees is None


def test_no_collapse_repeats_what_was_said_of_one():
  assert claims.no_collapse([(False, ''), (False, '')]).agrees is True
  finding = claims.no_collapse([(False, ''), (True, 'Symptom B since step 40.')])
  assert finding.agrees is False and finding.sentence == 'Symptom B since step 40.'
  assert claims.no_collapse([(None, '')]).agrees is None


def test_collapse_is_usual_where_more_than_half_of_the_watched_runs_collapse():
  finding = claims.collapse_is_usual([True, True, False, None])
  assert finding.agrees is True and finding.sentence == '2 of 3 runs collapsed.'
  assert claims.collapse_is_usual([True, False]).agrees is False
  assert claims.collapse_is_usual([None]).agrees is None


def test_the_discriminator_wins_where_most_collapsed_runs_end_with_a_high_ratio():
  finding = claims.discriminator_wins([9.0, 30.0, 0.5])
  assert finding.agrees is True and '2 of 3 collapsed runs (median 9.00' in finding.sentence
  assert claims.discriminator_wins([0.5, 0.7, 8.0]).agrees is False
  assert claims.discriminator_wins([]).agrees is None


def test_overlapping_minibatches_are_told_from_chance():
  # Of 6 runs just those 3: one of the 20 ways to choose 3 of 6.
  finding = claims.overlapping_collapses_less([True] * 3, [False] * 3)
  assert finding.agrees is True and '0 of 3 overlapping runs and 3 of 3 shuffled runs' in finding.sentence
  assert 'chance alone does as much in 5 % of cases' in finding.sentence
  assert claims.overlapping_collapses_less([False] * 3, [True] * 3).agrees is False
  # One of one against none of one is one of two ways.
  alone = claims.overlapping_collapses_less([True], [False])
  assert alone.agrees is None and '50 % of cases' in alone.sentence
  assert claims.overlapping_collapses_less([True], [True]).agrees is None
  assert claims.overlapping_collapses_less([], [True]).agrees is None


def test_faces_stay_mangled_where_the_median_run_has_fewer_than_half_as_many_faces_as_the_photos():
  finding = claims.faces_stay_mangled([0.2, 0.3, 0.9, None])
  assert finding.agrees is True and 'in 70 % of the samples (median over 3 runs' in finding.sentence
  assert claims.faces_stay_mangled([0.9, 0.8, 0.1]).agrees is False
  assert claims.faces_stay_mangled([None]).agrees is None


def test_alignment_cures_where_half_of_the_mangling_or_less_is_left():
  finding = claims.alignment_cures({'a': 0.9, 'b': 0.8, 'new': 0.1}, {'a': 0.5, 'b': 0.4})
  assert finding.agrees is True
  assert finding.sentence == ('No face is found in 15 % of the samples aligned and 55 % unaligned (medians); more are '
                              'found aligned in 2 of 2 pairs of runs.')
  assert claims.alignment_cures({'a': 0.6}, {'a': 0.5}).agrees is False  # 0.4 is more than half of 0.5
  assert claims.alignment_cures({'a': 0.3}, {'a': 0.5}).agrees is False


@pytest.mark.parametrize('unaligned, reason', [
    ({}, '--beside=checkpoints/experiment2'), ({'b': 0.5}, 'No run has its like'), ({'a': None}, 'No run has its like'),
    ({'a': 0.99}, 'nothing to cure')])
def test_a_cure_cannot_be_told_without_something_to_compare_with(unaligned, reason):
  finding = claims.alignment_cures({'a': 1.0}, unaligned)
  assert finding.agrees is None and reason in finding.sentence


def test_a_cure_cannot_be_told_where_neither_has_learnt_a_face():
  finding = claims.alignment_cures({'a': 0.01}, {'a': 0.0})
  assert finding.agrees is None and 'neither has learnt what a face is' in finding.sentence


def test_usable_images_names_the_best_run():
  finding = claims.usable_images({'a': 0.1, 'b': 0.7, 'c': None})
  assert finding.agrees is True and 'In 1 of 2 runs' in finding.sentence and 'best is b, 70 %' in finding.sentence
  assert claims.usable_images({'a': 0.1}).agrees is False
  assert claims.usable_images({'a': None}).agrees is None


def test_many_expressions_need_half_of_the_variety():
  finding = claims.many_expressions(0.7, 12.0, 3.0)
  assert finding.agrees is True and '12.00 away' in finding.sentence and 'in between: 3.00' in finding.sentence
  assert claims.many_expressions(0.4, None, None).agrees is False
  assert claims.many_expressions(None, 1.0, 1.0).agrees is None


@pytest.mark.parametrize('ufm, scratch, agrees', [
    ((0.9, 100.0), (0.3, 200.0), True),
    ((0.9, 210.0), (0.3, 200.0), False),  # faces, but not the person's
    ((0.7, 100.0), (0.3, 200.0), False),
    ((0.9, 100.0), (0.85, 200.0), False),  # both are there
    ((None, 100.0), (None, 200.0), None)])
def test_the_person_is_there_where_nearly_all_samples_are_faces_and_nearer_to_the_photos(ufm, scratch, agrees):
  finding = claims.person_is_there(ufm, scratch, 75)
  assert finding.agrees is agrees
  if agrees is not None:
    assert 'After 75 minibatches' in finding.sentence and f'{ufm[1]:.1f} and {scratch[1]:.1f}' in finding.sentence


@pytest.mark.parametrize('times_more, agrees, told', [
    ([(4.0, True)], True, 'takes 4.0 times as many.'), ([(1.9, True)], False, 'takes 1.9 times as many.'),
    ([(8.0, False)], True, 'takes more than 8.0 times as many.'),
    ([(1.5, False)], None, 'more than 1.5 times as many: it ended too early to tell.'),
    ([(8.0, False), (1.0, True), (3.0, True)], True, 'takes 3.0 times as many (median over 3 seeds).')])
def test_training_is_faster_where_scratch_takes_twice_as_many_minibatches(times_more, agrees, told):
  finding = claims.training_is_faster(times_more, 75)
  assert finding.agrees is agrees and told in finding.sentence and 'after 75 minibatches' in finding.sentence


@pytest.mark.parametrize('ufm, scratch, agrees', [
    ((1.2, 1.5), (30.0, 9.0), True), ((1.2, 1.5), (30.0, 1.8), False), ((2.5, 1.0), (30.0, 9.0), False)])
def test_noise_is_from_scratch_only_where_it_stays_there_and_never_comes_from_the_model(ufm, scratch, agrees):
  finding = claims.noise_from_scratch_only(ufm, scratch, 75)
  assert finding.agrees is agrees
  assert f'{scratch[0]:.1f} times the power' in finding.sentence
  assert f'{ufm[1]:.1f} times in the end' in finding.sentence


def test_longer_is_not_always_better_where_a_run_ends_a_tenth_worse_than_at_its_best():
  points = {'a': [(75, 200.0), (150, 100.0), (600, 112.0)], 'b': [(75, 300.0), (600, 150.0)]}
  finding = claims.longer_is_not_always_better(points, 75)
  assert finding.agrees is True and finding.sentence.startswith('1 of 2 runs ended worse')
  assert 'a was nearest to the photos at minibatch 150 (100.0), and ended at 600 with 112.0; b' in finding.sentence
  assert finding.sentence.endswith('b was nearest to the photos at minibatch 600 (150.0), its end.')
  points['a'][-1] = (600, 109.0)
  assert claims.longer_is_not_always_better(points, 75).agrees is False
  finding = claims.longer_is_not_always_better({'a': [(25, 1.0), (75, 2.0)]}, 75)
  assert finding.agrees is None and finding.sentence == 'No run was trained for longer than 75 minibatches.'


@pytest.mark.parametrize('between, trained, mean, faces, agrees', [
    (12.0, 10.0, 20.0, 0.9, True),
    (13.0, 10.0, 20.0, 0.9, False),  # learnt by heart
    (12.0, 10.0, 11.0, 0.9, False),  # no better than one picture
    (12.0, 10.0, 20.0, 0.2, False),  # no faces
    (12.0, 10.0, 20.0, None, None)])
def test_interpolation_is_reasonable_where_frames_in_between_are_made_as_well(between, trained, mean, faces, agrees):
  finding = claims.reasonable_interpolation(between, trained, mean, 0.25, faces)
  assert finding.agrees is agrees
  assert f'within {between:.1f} grey values' in finding.sentence and '25 % of the frames' in finding.sentence
