"""Tests of the experiments: what each trains, refuses, counts and concludes from runs of known numbers."""

import dataclasses
import json

import pytest

from dcgan.common import errors
from dcgan.data import records
from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.experiments import reproduction
from tools.experiments import tasks
from tools.experiments import training

_ALL_FOUND = {'found_rate': 1.0, 'clean_rate': 1.0}


def _names(number, material, **scale):
  return [variant.name for variant in reproduction.make_variants(number, material, training.Scale(10, **scale))]


def _words(number, outcomes, **others):
  return [finding.word for finding in reproduction.judge(number, outcomes, **others)]


def _make_set(prefix, kind='photos', **settings):
  manifest = conftest.make_set(prefix, 5, kind=kind)
  records.save_manifest(prefix, dataclasses.replace(manifest, settings=settings))
  return reproduction.Material(str(prefix))


def test_the_baseline_trains_for_a_fifth_of_the_reports_epoch():
  assert tasks.TASKS[1].num_minibatches == 342  # 109,631 / 5 / 64 = 342.6


def test_each_experiment_trains_what_the_report_did():
  material = reproduction.Material('records/a')
  assert _names(1, material, seeds=(0, 7)) == ['batch64-shuffled-seed0', 'batch64-shuffled-seed7']
  assert _names(2, material) == _names(3, material) == [
      'batch1-shuffled-seed0', 'batch1-overlapping-seed0', 'batch9-shuffled-seed0', 'batch9-overlapping-seed0',
      'batch64-shuffled-seed0', 'batch64-overlapping-seed0']
  assert len(set(_names(2, material, seeds=(0, 1)))) == 12
  assert _names(4, material) == ['batch64-overlapping-seed0']  # the frames in their order


def test_a_set_that_does_not_fit_is_refused_with_the_command_for_a_right_one(tmp_path):
  video, photos = _make_set(tmp_path / 'video', 'video'), _make_set(tmp_path / 'photos', source=['a'])
  unaligned = _make_set(tmp_path / 'unaligned', align='off')
  reproduction.check(2, unaligned)
  reproduction.check(3, photos)
  reproduction.check(1, photos)
  reproduction.check(5, photos)
  reproduction.check(5, video)
  for number, material, message in (
      (1, video, r'video\) must be of kind photos or celeba for experiment 1, but is of kind video.*--photos=FOLDER'),
      (2, photos, r'photos\) must be made with --align=off for experiment 2, but was made with --align=eyes.*`.*'
       '--align=off'),
      (3, unaligned, r'unaligned\) must be made with --align=eyes for experiment 3, but was made with --align=off'),
      (5, unaligned, r'unaligned\) must be made with --align=eyes for experiment 5'),
      (4, photos, r'photos\) must be of kind video for experiment 4, but is of kind photos.*--fps=1')):
    with pytest.raises(errors.InputError, match=message):
      reproduction.check(number, material)


def test_many_faces_are_no_person(tmp_path):
  material = _make_set(tmp_path / 'faces')
  manifest = records.load_manifest(material.records)
  shard = dataclasses.replace(manifest.shards[0], num_records=2_000 - manifest.shards[1].num_records)
  records.save_manifest(material.records, dataclasses.replace(
      manifest, num_images=2_000, num_inputs=2_000, rejected=(), shards=(shard, manifest.shards[1])))
  with pytest.raises(errors.InputError, match=r'`records` \(.*faces\) must hold few pictures, of one person, for '
                     'experiment 5, but holds 2,000'):
    reproduction.check(5, material)
  records.save_manifest(material.records, dataclasses.replace(
      records.load_manifest(material.records), kind='video'))  # six minutes at 6 fps
  reproduction.check(5, material)


def test_results_that_are_not_there_or_of_another_experiment_are_named(tmp_path):
  photos = dataclasses.replace(_make_set(tmp_path / 'photos'), beside=str(tmp_path))
  with pytest.raises(errors.InputError, match=r'`beside` \(.*\): experiment2.json in it must .*: No such file.*'
                     '--experiment=2'):
    reproduction.check(3, photos)
  path = tmp_path / 'experiment2.json'
  for text, reason in (('{', 'JSONDecodeError'), ('{"experiment": 3, "runs": []}', 'these are others'),
                       ('{"experiment": 2, "runs": [{}]}', 'these are others'), ('[]', 'TypeError'),
                       ('{}', 'KeyError')):
    path.write_text(text, encoding='utf-8')
    with pytest.raises(errors.InputError, match=reason):
      reproduction.check(3, photos)
  path.write_text(json.dumps(dict(experiment=2, runs=[drawn.outcome().as_json()])), encoding='utf-8')
  reproduction.check(3, photos)


def test_an_outcome_tells_its_first_symptoms_and_its_shares():
  outcome = drawn.outcome(size=9, values={'found_rate': 0.4}, of_reals={'found_rate': 0.8, 'clean_rate': 0.0}, verdicts=[
      drawn.verdict('noise', 2), drawn.verdict('symptom_b', 4), drawn.verdict('symptom_b', 3)])
  assert outcome.symptoms == {'noise': 2, 'symptom_b': 3} and outcome.collapsed is True
  assert outcome.images_seen == 45 and outcome.share('found_rate') == 0.5 and outcome.share('clean_rate') is None
  assert drawn.outcome(verdicts=[drawn.verdict('noise', 2)]).collapsed is False
  assert drawn.outcome().collapsed is False and drawn.outcome(num_looks=1).collapsed is None
  assert [drawn.outcome(num_looks=1, values={'diversity': value}).collapsed for value in (0.1, 0.9)] == [None, False]
  row = json.loads(json.dumps(outcome.as_json()))
  assert row['found_share'] == 0.5 and row['symptoms'] == {'noise': 2, 'symptom_b': 3} and row['loss_ratio'] == 2.0


def test_symptoms_are_counted_for_each_way_to_train():
  b = [drawn.verdict('symptom_b', 3)]
  both = [drawn.verdict('symptom_a', 2), *b]
  counts = reproduction.count_symptoms([
      drawn.outcome(0, 9, verdicts=b), drawn.outcome(1, 9, verdicts=both), drawn.outcome(2, 9),
      drawn.outcome(0, 9, 'overlapping', num_looks=0)])
  assert counts == [
      dict(global_batch_size=9, minibatches='shuffled', num_runs=3, num_symptom_a=1, num_symptom_b=2, num_diverged=0,
           num_without=1, num_unknown=0),
      dict(global_batch_size=9, minibatches='overlapping', num_runs=1, num_symptom_a=0, num_symptom_b=0,
           num_diverged=0, num_without=0, num_unknown=1)]


def test_experiment_1_agrees_with_faces_steady_losses_and_no_collapse():
  good = dict(values={'clean_rate': 0.7}, of_reals=_ALL_FOUND, ratios=[1.0, 1.5, 2.0, 2.5])
  assert _words(1, [drawn.outcome(**good)]) == ['agrees', 'agrees', 'agrees']
  bad = dict(values={'clean_rate': 0.1}, of_reals=_ALL_FOUND, ratios=[1.0, 1.0, 1.0, 60.0],
             verdicts=[drawn.verdict('symptom_b', 3)])
  assert _words(1, [drawn.outcome(**bad)]) == ['does not agree'] * 3


def test_experiment_2_compares_the_two_ways_only_where_they_differ():
  b, mangled = [drawn.verdict('symptom_b', 3)], dict(values={'found_rate': 0.1}, of_reals=_ALL_FOUND, ratios=[9.0] * 4)
  # At 1 and 64 of 64 pictures all collapse, whatever the way; at 9 the shuffled ones alone do.
  outcomes = [drawn.outcome(seed, size, minibatches, verdicts=b if size != 9 or minibatches == 'shuffled' else (),
                            **mangled)
              for seed in (0, 1, 2) for size in (1, 9, 64) for minibatches in ('shuffled', 'overlapping')]
  findings = reproduction.judge(2, outcomes)
  assert [finding.word for finding in findings] == ['agrees'] * 4
  assert findings[0].sentence == '15 of 18 runs collapsed.'
  assert findings[2].sentence.startswith('0 of 3 overlapping runs and 3 of 3 shuffled runs collapsed')
  assert 'in 90 % of the samples (median over 9 runs' in findings[3].sentence
  assert _words(2, outcomes[:2]) == ['agrees', 'agrees', 'cannot be told', 'agrees']


def test_experiment_3_pairs_its_runs_with_those_of_experiment_2():
  aligned = [drawn.outcome(0, size, values={'found_rate': 0.9, 'clean_rate': 0.8}, of_reals=_ALL_FOUND)
             for size in (9, 64)]
  unaligned = [drawn.outcome(0, size, values={'found_rate': 0.3}, of_reals=_ALL_FOUND).as_json() for size in (64, 9)]
  assert _words(3, aligned, beside=dict(runs=unaligned)) == ['agrees', 'agrees']
  assert _words(3, aligned) == ['cannot be told', 'agrees']


def test_experiment_4_compares_frames_in_between_with_those_trained_on():
  outcome = drawn.outcome(values={'diversity': 0.8, 'geometry_distance': 6.0, 'clean_rate': 0.9}, of_reals=_ALL_FOUND)
  # Medians: 6 in between against 5 trained on.
  findings = reproduction.judge(4, [outcome], between=[drawn.frames_between()])
  assert [finding.word for finding in findings] == ['agrees', 'agrees']
  assert 'within 6.0 grey values, frames trained on to within 5.0; the mean frame is 40.0' in findings[1].sentence
  assert _words(4, [outcome], between=[drawn.frames_between((7.0, 7.0, 20.0))]) == ['agrees', 'does not agree']


@pytest.mark.slow
def test_experiment_5_ends_with_a_page_and_numbers_and_takes_its_networks_from_the_model(tmp_path):
  person = _make_set(tmp_path / 'person')
  donor, = training.train([training.make_variant(person.records, training.Scale(2, 2, 8), 0, 4)], tmp_path / 'faces')
  scale = training.Scale(2, long_minibatches=4)
  path = reproduction.reproduce(5, dataclasses.replace(person, init_from=str(donor)), scale, tmp_path / 'out', 64)
  assert path == tmp_path / 'out' / 'experiment5.html'
  results = json.loads((tmp_path / 'out' / 'experiment5.json').read_text(encoding='utf-8'))
  assert results['scale'] == dict(num_minibatches=2, channels=2, image_size_px=8, seeds=[0], long_minibatches=4)
  pair, = results['pairs']
  assert [[point['step'] for point in pair[name]['checkpoints']] for name in ('ufm', 'scratch')] == [[1, 2, 3, 4]] * 2
  assert [row['step'] for row in results['runs']] == [4, 4] and len(results['findings']) == 4
  assert results['init_from'] == str(donor)
  text = path.read_text(encoding='utf-8')
  assert text.count('alt="From ') == 6 and text.count('alt="enlarged"') == 5 and 'src="http' not in text


@pytest.mark.slow
def test_experiments_2_and_3_end_with_a_page_and_numbers(tmp_path):
  aligned, unaligned = _make_set(tmp_path / 'aligned'), _make_set(tmp_path / 'unaligned', align='off')
  sizes, scale = dict(batch_sizes=(1, 4)), training.Scale(4, 2, 8)
  folders = [tmp_path / 'two', tmp_path / 'three']
  first = reproduction.reproduce(2, dataclasses.replace(unaligned, **sizes), scale, folders[0], 64)
  second = reproduction.reproduce(3, dataclasses.replace(aligned, beside=str(folders[0]), **sizes), scale, folders[1],
                                 64)
  assert (first, second) == (folders[0] / 'experiment2.html', folders[1] / 'experiment3.html')
  results = json.loads((folders[1] / 'experiment3.json').read_text(encoding='utf-8'))
  assert [row['images_seen'] for row in results['runs']] == [4, 4, 16, 16] and len(results['findings']) == 2
  text = second.read_text(encoding='utf-8')
  assert text.count('not aligned</h3>') == 4 and 'src="http' not in text
