"""Tests of experiment 3: what it trains, what experiment 2 left, and its claims on numbers worked by hand."""

import json

import imageio.v3 as iio
import numpy as np
import pytest

from dcgan.common import errors
from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.experiments import experiment2_tiny_set
from tools.experiments import experiment3_aligned


def _judge(outcomes, beside=None):
  return [finding.word for finding in drawn.make(experiment3_aligned.AlignedTinySet).judge(outcomes, beside)]


def test_the_two_tiny_sets_differ_in_their_alignment_only():
  unaligned, aligned = experiment2_tiny_set.TinySet, experiment3_aligned.AlignedTinySet
  assert (unaligned.align, aligned.align) == ('off', 'eyes')
  assert '--align=off' in unaligned.make and '--align' not in aligned.make
  assert drawn.make(unaligned).variants(None) == drawn.make(aligned).variants(None)


def test_runs_are_paired_with_those_of_experiment_2():
  aligned = [drawn.outcome(0, size, values={'found_rate': 0.9, 'clean_rate': 0.8}, of_reals=drawn.ALL_FOUND)
             for size in (9, 64)]
  unaligned = [drawn.outcome(0, size, values={'found_rate': 0.3}, of_reals=drawn.ALL_FOUND).as_json()
               for size in (64, 9)]
  assert _judge(aligned, dict(runs=unaligned)) == ['agrees', 'agrees']
  assert _judge(aligned) == ['cannot be told', 'agrees']


def test_results_that_are_not_there_or_of_another_experiment_are_named(tmp_path):
  manifest = conftest.make_set(str(tmp_path / 'photos'), 5, kind='photos')
  check = drawn.make(experiment3_aligned.AlignedTinySet, beside=str(tmp_path)).check
  with pytest.raises(errors.InputError, match=r'`beside` \(.*\): experiment2.json in it must .*: No such file.*'
                     '--experiment=2'):
    check(manifest)
  path = tmp_path / 'experiment2.json'
  for text, reason in (('{', 'JSONDecodeError'), ('{"experiment": 3, "runs": []}', 'these are others'),
                       ('{"experiment": 2, "runs": [{}]}', 'these are others'), ('[]', 'TypeError'),
                       ('{}', 'KeyError')):
    path.write_text(text, encoding='utf-8')
    with pytest.raises(errors.InputError, match=reason):
      check(manifest)
  path.write_text(json.dumps(dict(experiment=2, runs=[drawn.outcome().as_json()])), encoding='utf-8')
  check(manifest)


def test_a_results_file_without_all_that_is_measured_today_is_read(tmp_path):
  row = drawn.outcome(0, 9, values={'found_rate': 0.3}, of_reals={'found_rate': 1.0}).as_json()
  del row['measures']['noise_texture'], row['of_reals']['noise_texture'], row['clean_share']
  (tmp_path / 'experiment2.json').write_text(json.dumps(dict(experiment=2, records='a', runs=[row])), encoding='utf-8')
  done = drawn.make(experiment3_aligned.AlignedTinySet, beside=str(tmp_path))
  beside = done.measure([])
  outcomes = [drawn.outcome(0, 9, values={'found_rate': 0.9, 'clean_rate': 0.8},
                            of_reals=drawn.ALL_FOUND)]
  assert done.judge(outcomes, beside)[0].sentence.startswith('No face is found in 10 % of the samples aligned and 70 %')
  assert 'Beside it: experiment 2, a' in drawn.page_text(tmp_path, done, outcomes, beside)


def test_the_page_shows_experiment_2_beside_it(tmp_path):
  run = tmp_path / 'run'
  run.mkdir()
  for step in (0, 5):
    iio.imwrite(run / f'samples_{step:06d}.png', np.full([20, 20, 3], step, np.uint8))
  row = drawn.outcome(0, 9).as_json() | dict(run=str(run))
  gone = drawn.outcome(1, 9).as_json()
  text = drawn.page_text(tmp_path, drawn.make(experiment3_aligned.AlignedTinySet), [drawn.outcome(0, 9)],
                         dict(experiment=2, records='records/a', runs=[row, gone]))
  assert text.count('not aligned</h3>') == 1 and 'Beside it: experiment 2, records/a' in text
  assert text.count('batch9-shuffled-seed1') == 1  # its numbers, not its pictures


def test_alignment_cures_where_half_of_the_mangling_or_less_is_left():
  finding = experiment3_aligned.alignment_cures({'a': 0.9, 'b': 0.8, 'new': 0.1}, {'a': 0.5, 'b': 0.4})
  assert finding.agrees is True
  assert finding.sentence == ('No face is found in 15 % of the samples aligned and 55 % unaligned (medians); more are '
                              'found aligned in 2 of 2 pairs of runs.')
  assert experiment3_aligned.alignment_cures({'a': 0.6}, {'a': 0.5}).agrees is False  # 0.4 is more than half of 0.5
  assert experiment3_aligned.alignment_cures({'a': 0.3}, {'a': 0.5}).agrees is False


@pytest.mark.parametrize('unaligned, reason', [
    ({}, '--beside=checkpoints/experiment2'), ({'b': 0.5}, 'No run has its like'), ({'a': None}, 'No run has its like'),
    ({'a': 0.99}, 'nothing to cure')])
def test_a_cure_cannot_be_told_without_something_to_compare_with(unaligned, reason):
  finding = experiment3_aligned.alignment_cures({'a': 1.0}, unaligned)
  assert finding.agrees is None and reason in finding.sentence


def test_a_cure_cannot_be_told_where_neither_has_learnt_a_face():
  finding = experiment3_aligned.alignment_cures({'a': 0.01}, {'a': 0.0})
  assert finding.agrees is None and 'neither has learnt what a face is' in finding.sentence


def test_usable_images_names_the_best_run():
  finding = experiment3_aligned.usable_images({'a': 0.1, 'b': 0.7, 'c': None})
  assert finding.agrees is True and 'In 1 of 2 runs' in finding.sentence and 'best is b, 70 %' in finding.sentence
  assert experiment3_aligned.usable_images({'a': 0.1}).agrees is False
  assert experiment3_aligned.usable_images({'a': None}).agrees is None
