"""Tests of whole experiments, from a tiny set to the page and the numbers."""

import dataclasses
import json

import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tests.dcgan import conftest
from tools.experiments import experiment
from tools.experiments import experiment2_tiny_set
from tools.experiments import experiment3_aligned
from tools.experiments import experiment5_reusable_model
from tools.experiments import reproduction
from tools.experiments import training
from tools.experiments import variants


def _make_set(prefix, **settings):
  manifest = conftest.make_set(prefix, 5, kind='photos')
  manifests.save(prefix, dataclasses.replace(manifest, settings=settings))
  return str(prefix)


def test_a_model_that_is_not_there_is_refused_before_anything_is_trained(tmp_path):
  done = experiment5_reusable_model.ReusableModel(
      experiment.Material('records/a', init_from=str(tmp_path / 'nowhere')), variants.Scale(75))
  with pytest.raises(errors.InputError, match=r'`init_from` \(.*nowhere\): no such run'):
    reproduction.reproduce(done, tmp_path / 'out')
  assert not (tmp_path / 'out').exists()


def test_a_set_that_does_not_fit_is_refused_before_anything_is_trained(tmp_path):
  done = experiment2_tiny_set.TinySet(experiment.Material(_make_set(tmp_path / 'photos')), variants.Scale(4, 2, 8))
  with pytest.raises(errors.InputError, match='must be made with --align=off for experiment 2'):
    reproduction.reproduce(done, tmp_path / 'out')
  assert not (tmp_path / 'out').exists()


@pytest.mark.slow
def test_experiment_5_ends_with_a_page_and_numbers_and_takes_its_networks_from_the_model(tmp_path):
  person = _make_set(tmp_path / 'person')
  donor, = training.train([variants.make_variant(person, variants.Scale(2, 2, 8), 0, 4)], tmp_path / 'faces')
  path = reproduction.reproduce(experiment5_reusable_model.ReusableModel(
      experiment.Material(person, init_from=str(donor.path)), variants.Scale(2, long_minibatches=4)), tmp_path / 'out',
                                64)
  assert path == tmp_path / 'out' / 'experiment5.html'
  results = json.loads((tmp_path / 'out' / 'experiment5.json').read_text(encoding='utf-8'))
  assert results['scale'] == dict(num_minibatches=2, channels=2, image_size_px=8, seeds=[0], long_minibatches=4)
  pair, = results['pairs']
  assert [[point['step'] for point in pair[name]['checkpoints']] for name in ('ufm', 'scratch')] == [[1, 2, 3, 4]] * 2
  assert [row['step'] for row in results['runs']] == [4, 4] and len(results['findings']) == 4
  assert results['init_from'] == str(donor.path)
  text = path.read_text(encoding='utf-8')
  assert text.count('alt="From ') == 6 and text.count('alt="enlarged"') == 5 and 'src="http' not in text


@pytest.mark.slow
def test_experiments_2_and_3_end_with_a_page_and_numbers(tmp_path):
  aligned, unaligned = _make_set(tmp_path / 'aligned'), _make_set(tmp_path / 'unaligned', align='off')
  sizes, scale = dict(batch_sizes=(1, 4)), variants.Scale(4, 2, 8)
  folders = [tmp_path / 'two', tmp_path / 'three']
  first = reproduction.reproduce(
      experiment2_tiny_set.TinySet(experiment.Material(unaligned, **sizes), scale), folders[0], 64)
  second = reproduction.reproduce(experiment3_aligned.AlignedTinySet(
      experiment.Material(aligned, beside=str(folders[0]), **sizes), scale), folders[1], 64)
  assert (first, second) == (folders[0] / 'experiment2.html', folders[1] / 'experiment3.html')
  results = json.loads((folders[1] / 'experiment3.json').read_text(encoding='utf-8'))
  assert [row['images_seen'] for row in results['runs']] == [4, 4, 16, 16] and len(results['findings']) == 2
  text = second.read_text(encoding='utf-8')
  assert text.count('not aligned</h3>') == 4 and 'src="http' not in text
