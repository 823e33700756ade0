"""Tests of dcgan.training.kept_controls: written, read, stale and damaged; and kept at the end of a training."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.control import arrangement
from dcgan.control import calibration
from dcgan.control import names
from dcgan.control import reading
from dcgan.data import manifests
from dcgan.data import records
from dcgan.model import latents
from dcgan.model import region
from dcgan.training import kept_controls
from tests import commands
from tests.dcgan import conftest


@pytest.fixture(name='trained')
def fixture_trained():
  """What has weights, and 60 places."""
  places = latents.to_sphere(1 + np.random.default_rng(0).normal(size=[60, 8]).astype(np.float32))
  return types.SimpleNamespace(
      generator=types.SimpleNamespace(weights=[tf.Variable([1.0, 2.0])]),
      space=region.Region(places, tuple(f'{number}.png' for number in range(60)), np.full(60, np.nan)))


@pytest.fixture(name='known')
def fixture_known(trained):
  """`kept_controls.Kept` of two controls that are linear in Z."""
  raw = np.zeros([60, len(names.MEASURED)], np.float32)
  raw[:, names.MEASURED.index('jawOpen')] = trained.space.places[:, 0]
  raw[:, names.MEASURED.index('headYaw')] = 10 * trained.space.places[:, 1]
  person = calibration.calibrate(raw, np.full(len(names.MEASURED), 0.01))
  weights = np.eye(len(names.MEASURED)) + 0.125
  return kept_controls.fit(trained.space, trained.space.keys, raw, person, reading.Reader(weights, np.arange(45.0)))


def test_where_places_were_arranged_those_that_took_no_part_tell_how_sure_controls_are(trained):
  raw = np.zeros([60, len(names.MEASURED)], np.float32)
  raw[:, names.MEASURED.index('jawOpen')] = trained.space.places[:, 0]
  left_out = arrangement.are_left_out(trained.space.keys, trained.space.times_secs)
  assert left_out.sum() >= 4
  raw[left_out] = raw[left_out].mean(axis=0) - raw[left_out]  # the other way round
  person = calibration.calibrate(raw, np.full(len(names.MEASURED), 0.01))
  fit = lambda is_arranged: kept_controls.fit(trained.space, trained.space.keys, raw, person, is_arranged=is_arranged)
  assert fit(True).controller.sureness[0] < 0.3 < 0.5 < fit(False).controller.sureness[0]


def test_what_is_read_does_what_was_written_does(trained, known, tmp_path):
  kept_controls.save(tmp_path, trained, known)
  assert [path.name for path in tmp_path.iterdir()] == ['controls.npz']
  read = kept_controls.load(tmp_path, trained)
  assert set(read.controller.names) == {'jawOpen', 'headYaw'}
  for wanted in ([0.2, 5.0], [0.9, np.nan]):
    np.testing.assert_allclose(read.controller.find(wanted), known.controller.find(wanted), atol=1e-4)
  np.testing.assert_array_equal(read.calibration.high, known.calibration.high)
  np.testing.assert_allclose(read.controller.sureness, known.controller.sureness, atol=1e-6)
  raw = np.random.default_rng(1).normal(size=[3, 45])
  np.testing.assert_allclose(read.reader(raw), known.reader(raw), rtol=1e-5)
  kept_controls.save(tmp_path, trained, dataclasses.replace(known, reader=None))
  assert kept_controls.load(tmp_path, trained).reader is None


def test_what_was_fitted_to_other_weights_or_places_is_not_read(trained, known, tmp_path, caplog):
  assert kept_controls.load(tmp_path, trained) is None
  kept_controls.save(tmp_path, trained, known)
  space = trained.space
  trained.space = dataclasses.replace(space, places=space.places[::-1].copy())
  with caplog.at_level('INFO'):
    assert kept_controls.load(tmp_path, trained) is None
  assert 'controls.npz was fitted to another checkpoint' in caplog.text
  trained.space = space
  assert kept_controls.load(tmp_path, trained)
  trained.generator.weights[0].assign([1.0, 2.5])
  assert kept_controls.load(tmp_path, trained) is None


def _damaged(path, damage):
  content = dict(np.load(path))
  changed = damage(content)
  if isinstance(changed, bytes):
    path.write_bytes(changed)
  else:
    np.savez(path, **changed)


@pytest.mark.parametrize('damage', [
    lambda content: b'', lambda content: b'no zip',
    lambda content: {name: array for name, array in content.items() if name != 'controller/slopes'},
    lambda content: content | {'controller/slopes': content['controller/slopes'][:1]},
    lambda content: content | {'controller/mean': np.full(8, np.nan)},
    lambda content: content | {'names': np.array(['smile'] * 45)},
    lambda content: content | {'shown': np.array([{'jawOpen'}, 1], object)},  # would need pickle
    lambda content: content | {'version': np.int64(99)},
    lambda content: content | {'reader/weights': np.eye(3)},
    lambda content: content | {'version': np.float32(np.inf)},
    lambda content: content | {'calibration/high': content['calibration/high'].astype(str)},
    lambda content: content | {'calibration/noise': -content['calibration/noise']},
    lambda content: content | {'controller/usual': np.full(2, 1e300)},
    lambda content: content | {'controller/variances': -content['controller/variances']},
    lambda content: content | {'controller/mean': content['controller/mean'][:, np.newaxis]},
])
def test_a_damaged_file_is_told_in_a_line_with_what_to_do(trained, known, tmp_path, damage):
  kept_controls.save(tmp_path, trained, known)
  _damaged(kept_controls.path_of(tmp_path), damage)
  with pytest.raises(errors.InputError, match='controls.npz: not the controls of a run .*tools.fit_controls') as told:
    kept_controls.load(tmp_path, trained)
  assert '\n' not in str(told.value)


def test_a_file_cut_short_anywhere_is_told(trained, known, tmp_path):
  kept_controls.save(tmp_path, trained, known)
  path = kept_controls.path_of(tmp_path)
  whole = path.read_bytes()
  for size in np.linspace(1, len(whole) - 1, 12).astype(int):
    path.write_bytes(whole[:size])
    with pytest.raises(errors.InputError, match='not the controls of a run'):
      kept_controls.load(tmp_path, trained)


def _make_set_with_controls(prefix, num_faces):
  """Writes a set of drawn faces that open their jaws."""
  rng = np.random.default_rng(0)
  raw = np.zeros([num_faces, len(names.MEASURED)], np.float32)
  raw[:, names.MEASURED.index('jawOpen')] = rng.uniform(size=num_faces)
  faces = [dataclasses.replace(conftest.draw_face(i, rng), controls=row) for i, row in enumerate(raw)]
  shard = records.write_shard(manifests.shard_path(prefix, 0, 1), faces)
  person = calibration.calibrate(raw, np.full(len(names.MEASURED), 0.01))
  manifests.save(prefix, manifests.Manifest(
      kind='photos', num_images=num_faces, num_inputs=num_faces, shards=(shard,), rejected=(), settings={},
      controls=person.to_json()))


@pytest.mark.slow
def test_training_ends_with_the_controls_of_the_person_kept(tmp_path):
  _make_set_with_controls(tmp_path / 'opens', 20)
  flags = ('--image_size=8', '--z_dims=4', '--channels=4', '--kernel_size=3', '--global_batch_size=4',
           '--num_minibatches=3', '--alone_visits=1', f'--checkpoints_dir={tmp_path}/runs', '--on_collapse=warn')
  made = commands.run('dcgan.train', f'--records={tmp_path}/opens', *flags)
  assert made.returncode == 0, made.stderr
  run = made.stdout.splitlines()[-1]
  assert f'Its controls are kept in {run}/controls.npz' in made.stderr
  from dcgan.training import trained_networks  # pylint: disable=import-outside-toplevel
  assert kept_controls.load(run, trained_networks.load(run)).controller.names == ('jawOpen',)
  conftest.make_set(tmp_path / 'plain', 6)
  made = commands.run('dcgan.train', f'--records={tmp_path}/plain', *flags)
  assert made.returncode == 0 and 'controls' not in made.stderr, made.stderr
  _make_set_with_controls(tmp_path / 'few', 6)
  made = commands.run('dcgan.train', f'--records={tmp_path}/few', *flags)
  assert made.returncode == 0 and 'No controls are kept: controls need 12 pictures' in made.stderr, made.stderr
