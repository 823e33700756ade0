"""Tests of evaluation on tiny runs of drawn faces: numbers, files, wrong input, and runs that change meanwhile."""

import json
import shutil
import threading

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import latents
from dcgan.model import networks
from dcgan.options import config
from dcgan.training import runs
from dcgan.training import session
from dcgan.training import trained_networks
from tests.dcgan import conftest
from tools.evaluation import evaluator
from tools.evaluation import measures


def train(folder, records, holdout_fraction=0.25, seed=3):
  options = config.Config(
      networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
      data=config.Data(records=str(records), global_batch_size=4, holdout_fraction=holdout_fraction),
      training=config.Training(num_minibatches=3, seed=seed),
      periods=config.Periods(log_every_steps=1, checkpoint_every_steps=1, keep_every_steps=1))
  return session.start(options, folder / 'checkpoints').run


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
  """Prefix of a set of 24 drawn faces."""
  prefix = tmp_path_factory.mktemp('records') / 'drawn'
  conftest.make_set(prefix, 24)
  return prefix


@pytest.fixture(scope='module')
def run(drawn, tmp_path_factory):
  """A run of three minibatches, each a checkpoint. Shared: copy it to change it."""
  return train(tmp_path_factory.mktemp('runs'), drawn)


@pytest.fixture
def run_copy(run, tmp_path):
  return shutil.copytree(run, tmp_path / run.name)


def test_a_measured_run_holds_its_fixed_points_and_what_was_measured_on_them(run):
  one = evaluator.measure_run(run, 2, num_samples=16)
  generator, options, _ = trained_networks.load_generator(run, 2)
  expected = networks.generate(generator, latents.sample_z(16, 4, options.training.seed))
  np.testing.assert_array_equal(one.samples, expected)
  assert one.run == run and one.step == 2 and one.reals.shape == (18, 8, 8, 3)
  assert list(one.measures) == list(one.of_reals) == list(measures.MEASURES)
  missing = [name for name, value in one.measures.items() if value is None]
  assert set(missing) <= set(one.reasons) and {'fid', 'kid', 'geometry_distance'} <= set(missing)


def test_the_score_is_the_one_that_training_wrote(run):
  written = [json.loads(line) for line in (run / 'stats.jsonl').read_text(encoding='utf-8').splitlines()]
  scores = {line['global_step']: line['metric/sliced_wasserstein'] for line in written
            if 'metric/sliced_wasserstein' in line}
  assert evaluator.measure_run(run, 3).measures['sliced_wasserstein'] == pytest.approx(scores[3], rel=1e-4)


def test_a_page_its_numbers_and_a_table_are_written(run_copy, capsys):
  path = evaluator.evaluate([str(run_copy)], num_samples=16)
  assert path == run_copy / 'evaluation.html'
  html = path.read_text(encoding='utf-8')
  assert f'Evaluation of {run_copy.name}' in html and html.count('<svg') >= 2
  assert html.count('src="data:image/png;base64,') == 2 * (16 + 16)  # fixed points and nearest, each with its nearest
  numbers, = json.loads((run_copy / 'evaluation.json').read_text(encoding='utf-8'))
  assert numbers['step'] == 3 and numbers['measures']['diversity'] >= 0.0 and numbers['num_samples'] == 16
  table = capsys.readouterr().out
  assert f'{run_copy.name} at 3' in table and 'FID: needs the weights of Inception' in table
  assert all(sentence in html and sentence in table for sentence in numbers['verdict'] if "'" not in sentence)


def test_all_checkpoints_have_a_column_each_and_curves(run_copy, capsys):
  evaluator.evaluate([str(run_copy)], 'all', num_samples=16)
  numbers = json.loads((run_copy / 'evaluation.json').read_text(encoding='utf-8'))
  assert [one['step'] for one in numbers] == [1, 2, 3]
  html = (run_copy / 'evaluation.html').read_text(encoding='utf-8')
  assert 'Over the checkpoints' in html and html.count('alt="samples of') == 3
  least = min(numbers, key=lambda one: one['measures']['sliced_wasserstein'])
  assert f'Nearest to the photos is {run_copy.name} at {least["step"]}' in capsys.readouterr().out


@pytest.mark.slow
def test_two_runs_stand_side_by_side_in_one_page(run, drawn, tmp_path):
  other = train(tmp_path, drawn, holdout_fraction=0.0, seed=4)
  out = tmp_path / 'both.html'
  assert evaluator.evaluate([str(run), str(other), str(run)], 'best', num_samples=16, out=str(out)) == out
  first, second = json.loads(out.with_suffix('.json').read_text(encoding='utf-8'))
  assert (first['run'], second['run']) == (str(run), str(other))
  assert first['measures']['copying'] is not None and second['measures']['copying'] is None
  assert 'the run held out 0: train with --holdout_fraction=0.1' in second['reasons']['copying']
  assert not (run / 'evaluation.html').exists()


def test_another_set_is_taken_when_it_is_asked_for_and_told_of(run, tmp_path, caplog):
  conftest.make_set(tmp_path / 'other', 9)
  one = evaluator.measure_run(run, records=str(tmp_path / 'other'), num_samples=16)
  assert 'none of its pictures were held out' in one.notes[0] and one.notes[0] in caplog.text
  assert len(one.reals) == 9 and one.measures['copying'] is None
  assert 'needs the set that the run was trained on' in one.reasons['copying']


def test_one_checkpoint_only_is_measured_for_a_caller(run):
  with pytest.raises(ValueError, match=r'`checkpoint` \(all\) must be one of them'):
    evaluator.measure_run(run, 'all')


def test_too_few_samples_are_told_with_the_number_that_is_needed(run):
  one = evaluator.measure_run(run, num_samples=1)
  assert one.reasons['diversity'] == 'needs 2 samples, and has 1'
  assert one.reasons['copying'] == 'needs 10 samples, and has 1'
  assert one.measures['sliced_wasserstein'] is not None


def test_a_set_that_changed_since_training_is_refused_unless_it_is_asked_for(run_copy, drawn):
  options = runs.load_options(run_copy)
  runs.save_options(run_copy, options.replace('data', records_digest='0' * 64))
  with pytest.raises(errors.InputError, match=rf'`records` \({drawn}\): it is no longer the set that .*--records='):
    evaluator.measure_run(run_copy, num_samples=16)


def test_a_set_that_is_gone_is_told_with_the_way_out(run_copy):
  runs.save_options(run_copy, runs.load_options(run_copy).replace('data', records='nowhere/me'))
  with pytest.raises(errors.InputError, match='nowhere/me.json: no manifest.*give its new place with --records'):
    evaluator.measure_run(run_copy, num_samples=16)


def test_runs_of_different_sizes_are_refused(run, run_copy):
  runs.save_options(run_copy, runs.load_options(run).replace('networks', image_size=16))
  with pytest.raises(errors.InputError, match=rf'`image_size` \(16 px\) of {run_copy} must be that of {run} \(8 px\)'):
    evaluator.evaluate([str(run), str(run_copy)])


def test_runs_of_different_crops_and_of_one_name_stand_side_by_side_with_a_warning(run, run_copy, tmp_path, capsys):
  runs.save_options(run_copy, runs.load_options(run).replace('data', crop=140))
  page = evaluator.evaluate([str(run), str(run_copy)], num_samples=16, out=str(tmp_path / 'both.html'))
  warning = 'These runs were measured against different pictures: compare their rates, not their distances.'
  html, table = page.read_text(encoding='utf-8'), capsys.readouterr().out
  assert warning in html and warning in table and 'Nearest to the photos' not in table
  assert f'{run} at 3' in table and f'{run_copy} at 3' in table  # both folders have the same name


def test_a_checkpoint_of_another_size_than_the_options_is_refused(run_copy):
  options = runs.load_options(run_copy)
  runs.save_options(run_copy, options.replace('networks', image_size=16))
  with pytest.raises(errors.InputError, match=r'`image_size` \(16\) must be 8, as in .*ckpt-3\.'):
    evaluator.measure_run(run_copy, 3, num_samples=16)


@pytest.mark.parametrize('arguments, message', [
    (dict(checkpoint='newest'), r'`checkpoint` \(newest\) must be best, latest, all or the minibatch of one. Use la'),
    (dict(checkpoint='-3'), r'`checkpoint` \(-3\) must be'),
    (dict(checkpoint='7'), r'`checkpoint` \(7\): .* has none of that minibatch. It has 1, 2, 3'),
    (dict(out='page.pdf'), r'`out` \(page.pdf\) must end in .html. Use --out=page.html'),
    (dict(inception_weights='setup.py'), 'setup.py'),
])
def test_wrong_input_is_told_in_one_line(run, arguments, message):
  with pytest.raises(errors.InputError, match=message) as raised:
    evaluator.evaluate([str(run)], **arguments)
  assert '\n' not in str(raised.value)


def test_a_run_without_a_checkpoint_is_told_of(run_copy):
  for path in run_copy.glob('ckpt-*'):
    path.unlink()
  with pytest.raises(errors.InputError, match='this run has no checkpoint yet'):
    evaluator.evaluate([str(run_copy)])


def test_a_checkpoint_that_is_damaged_is_left_out_of_all(run_copy, caplog):
  for path in run_copy.glob('ckpt-2.data-*'):
    path.write_bytes(path.read_bytes()[:100])
  evaluator.evaluate([str(run_copy)], 'all', num_samples=16)
  assert [one['step'] for one in json.loads((run_copy / 'evaluation.json').read_text(encoding='utf-8'))] == [1, 3]
  assert 'ckpt-2: cannot be restored' in caplog.text and 'It is left out.' in caplog.text


@pytest.mark.slow
def test_a_run_can_be_evaluated_while_training_replaces_its_checkpoints(run_copy):
  is_over = threading.Event()

  def move(step, to):
    for path in sorted(run_copy.glob(f'ckpt-{step}.*')):  # the data, then the index, as TensorFlow does
      shutil.copy(path, run_copy / path.name.replace(f'ckpt-{step}.', f'ckpt-{to}.'))
    (run_copy / f'ckpt-{step}.index').unlink()
    for path in run_copy.glob(f'ckpt-{step}.data-*'):
      path.unlink()

  def replace():
    step = 3
    for to in range(10, 100_000):
      if is_over.wait(0.05):
        return
      move(step, to)
      step = to

  for step in (1, 2):
    for path in run_copy.glob(f'ckpt-{step}.*'):
      path.unlink()
  writer = threading.Thread(target=replace)
  writer.start()
  try:
    found = [evaluator.measure_run(run_copy, num_samples=16).step for _ in range(8)]
    evaluator.evaluate([str(run_copy)], 'all', num_samples=16)
  finally:
    is_over.set()
    writer.join()
  assert found == [3] * 8  # what is in the checkpoint says the minibatch, whatever its name
  assert json.loads((run_copy / 'evaluation.json').read_text(encoding='utf-8'))


@pytest.mark.parametrize('pairs, expected', [
    ([(0.5, 10.0)], 0),
    ([(0.9, 30.0), (0.95, 20.0), (0.2, 5.0)], 1),  # the nearest to the photos, but mangled, is not the best
    ([(0.95, 20.0), (0.96, 30.0)], 0),  # as good as equally many faces
    ([(0.96, 20.0), (0.95, 24.0), (0.96, 26.0)], 1),  # as near, and trained for longer
    ([(None, 20.0), (None, 15.0)], 1)])
def test_the_best_has_many_faces_is_near_to_the_photos_and_of_those_the_last(pairs, expected):
  assert evaluator.best([dict(clean_rate=rate, sliced_wasserstein=distance) for rate, distance in pairs]) == expected
