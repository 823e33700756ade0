"""Tests of dcgan.common.devices."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.common import devices
from dcgan.common import errors
from dcgan.options import config


@pytest.fixture(autouse=True)
def fixture_no_tf_config(monkeypatch):
  monkeypatch.delenv('TF_CONFIG', raising=False)


@pytest.mark.parametrize('secs, precision', [
    ({'float32': 0.3, 'bfloat16': 0.2}, 'bfloat16'), ({'float32': 0.3, 'bfloat16': 0.4}, 'float32')])
def test_on_a_processor_built_for_bfloat16_the_faster_precision_is_taken(monkeypatch, secs, precision):
  monkeypatch.setattr(devices, '_cpu_flags', lambda: {'avx2', 'avx512_bf16'})
  monkeypatch.setattr(devices, '_secs_of_a_layer', secs.get)
  assert devices.choose_precision() == precision


def test_on_any_other_processor_it_is_float32_without_a_trial(monkeypatch):
  monkeypatch.setattr(devices, '_cpu_flags', lambda: {'avx2', 'avx512f'})
  monkeypatch.setattr(devices, '_secs_of_a_layer', lambda precision: pytest.fail('tried'))
  assert devices.choose_precision() == 'float32'


def test_the_trial_runs_in_both_precisions():
  for precision in ('float32', 'bfloat16'):
    assert 0 < devices._secs_of_a_layer(precision) < 60  # pylint: disable=protected-access


@pytest.mark.parametrize('capabilities, precision', [([(9, 0), (8, 0)], 'bfloat16'), ([(9, 0), (7, 5)], 'float32')])
def test_on_gpus_the_oldest_one_decides(monkeypatch, capabilities, precision):
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: list(range(len(capabilities))))
  monkeypatch.setattr(tf.config.experimental, 'get_device_details',
                      lambda gpu: {'compute_capability': capabilities[gpu]})
  assert devices.choose_precision() == precision


def test_a_minibatch_is_shared_evenly_or_refused(two_replicas):
  assert devices.per_replica_batch_size(64, two_replicas) == 32
  with pytest.raises(errors.InputError, match=r'`global_batch_size` \(65\) must be divisible by the 2 .*Use 64 or 66'):
    devices.per_replica_batch_size(65, two_replicas)
  with pytest.raises(errors.InputError, match=r'Use 2\.$'):
    devices.per_replica_batch_size(1, two_replicas)


def test_without_a_gpu_there_is_one_replica_on_the_cpu_which_keeps_the_run():
  strategy = devices.build_strategy()
  assert strategy.num_replicas_in_sync == 1 and devices.describe(strategy) == '1 × CPU'
  assert devices.is_chief(strategy) and not devices.is_multi_worker(strategy)
  agreed = devices.make_agree(strategy)([1, 2.5])
  assert agreed.dtype == np.float64 and list(agreed) == [1, 2.5]


def test_workers_of_one_mind_agree_on_what_each_said(monkeypatch, two_replicas):
  # A mean, not a sum; that workers who differ agree too is shown by multi_worker_test.
  monkeypatch.setattr(devices, 'is_multi_worker', lambda strategy: True)
  agree = devices.make_agree(two_replicas)
  for said in ([1, 2.5], [False, 10]):
    np.testing.assert_array_equal(agree(said), said)


TWO_WORKERS = {'worker': ['a:1', 'b:1']}
SECOND = {'type': 'worker', 'index': 1}


@pytest.mark.parametrize('kind, num_gpus, cluster, expected', [
    ('auto', 0, None, 'one /cpu:0'), ('auto', 1, None, 'one /gpu:0'), ('auto', 2, None, 'mirrored'),
    ('one', 2, None, 'one /gpu:0'), ('mirrored', 1, None, 'mirrored'), ('auto', 2, {'worker': ['b:1']}, 'mirrored'),
    ('auto', 2, TWO_WORKERS, 'multi_worker'), ('auto', 0, {'chief': ['a:1'], 'worker': ['b:1']}, 'multi_worker'),
    ('multi_worker', 0, {'worker': ['b:1']}, 'multi_worker'), ('one', 0, TWO_WORKERS, 'one /cpu:0')])
def test_auto_takes_what_there_is_most_of_and_another_kind_is_taken_as_asked(
    monkeypatch, kind, num_gpus, cluster, expected):
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: list(range(num_gpus)))
  monkeypatch.setattr(tf.distribute, 'MultiWorkerMirroredStrategy', lambda: 'multi_worker')
  monkeypatch.setattr(tf.distribute, 'MirroredStrategy', lambda: 'mirrored')
  monkeypatch.setattr(tf.distribute, 'OneDeviceStrategy', lambda device: f'one {device}')
  if cluster:
    task = {'type': 'worker', 'index': len(cluster['worker']) - 1}
    monkeypatch.setenv('TF_CONFIG', json.dumps({'cluster': cluster, 'task': task}))
  assert devices.build_strategy(kind) == expected


@pytest.mark.parametrize('text, reason', [
    ('worker 0 of 2', r'\(worker 0 of 2\) must be JSON with the cluster.s workers and this task \(JSONDecodeError'),
    ('[]', r'must be JSON with the cluster.s workers and this task \(TypeError'),
    (json.dumps({'task': SECOND}), r"must be JSON with the cluster.s workers .*KeyError: 'cluster'"),
    (json.dumps({'cluster': TWO_WORKERS}), r"must be JSON with .*KeyError: 'task'"),
    (json.dumps({'cluster': {'worker': ['a', 'b:1']}, 'task': SECOND}), "'a' is not host:port with a port from 1"),
    (json.dumps({'cluster': {'worker': ['a:1', 'b:99999']}, 'task': SECOND}), "'b:99999' is not host:port"),
    (json.dumps({'cluster': TWO_WORKERS, 'task': {'type': 'worker', 'index': 2}}), 'KeyError'),
    (json.dumps({'cluster': TWO_WORKERS, 'task': {'type': 'worker', 'index': -1}}), 'KeyError'),
    (json.dumps({'cluster': TWO_WORKERS, 'task': {'type': 'worker', 'index': 'b'}}), 'ValueError'),
    (json.dumps({'cluster': TWO_WORKERS, 'task': {'type': 'chief', 'index': 0}}), "KeyError: 'chief'"),
    (json.dumps({'cluster': TWO_WORKERS | {'evaluator': ['c:1']}, 'task': {'type': 'evaluator', 'index': 0}}),
     r'\(evaluator 0\) must be a chief or a worker'),
    (json.dumps({'cluster': {'ps': ['c:1'], 'worker': ['a:1']}, 'task': {'type': 'ps', 'index': 0}}),
     r'\(ps 0\) must be a chief or a worker')])
@pytest.mark.parametrize('kind', ['auto', 'multi_worker'])
def test_a_tf_config_that_lists_no_workers_is_refused_with_an_example(monkeypatch, kind, text, reason):
  monkeypatch.setenv('TF_CONFIG', text)
  with pytest.raises(errors.InputError, match=rf"^`TF_CONFIG` .*{reason}.*TF_CONFIG='{{"):
    devices.build_strategy(kind)


def test_a_long_tf_config_is_shown_in_part(monkeypatch):
  monkeypatch.setenv('TF_CONFIG', 'x' * 500)
  with pytest.raises(errors.InputError, match=r'\(x{77}\.\.\.\)'):
    devices.build_strategy()


@pytest.mark.parametrize('text', [None, '', ' '])
def test_many_workers_without_tf_config_are_refused(monkeypatch, text):
  if text is not None:
    monkeypatch.setenv('TF_CONFIG', text)
  with pytest.raises(errors.InputError, match=r'`TF_CONFIG` \(not set\) must list the workers for --strategy=multi_w'):
    devices.build_strategy('multi_worker')


@pytest.mark.parametrize('jobs, task_type, task_id, expected', [
    (['worker'], 'worker', 0, True), (['worker'], 'worker', 1, False), (['chief', 'worker'], 'chief', 0, True),
    (['chief', 'worker'], 'worker', 0, False)])
def test_of_many_workers_one_keeps_the_run(monkeypatch, jobs, task_type, task_id, expected):
  monkeypatch.setattr(devices, 'is_multi_worker', lambda strategy: True)
  resolver = types.SimpleNamespace(task_type=task_type, task_id=task_id,
                                   cluster_spec=lambda: types.SimpleNamespace(jobs=jobs))
  assert devices.is_chief(types.SimpleNamespace(cluster_resolver=resolver)) == expected


def test_one_replica_without_a_gpu_computes_where_minibatches_are_made(monkeypatch, two_replicas):
  one = devices.build_strategy('one')
  assert devices.is_host(one) and not devices.is_host(two_replicas)
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: [kind])
  assert not devices.is_host(one)


def test_xla_is_off_on_a_cpu():
  assert not devices.choose_xla(config.Config(), devices.build_strategy('one'))


def test_xla_is_on_for_one_gpu_where_everything_compiles(monkeypatch, two_replicas):
  one = devices.build_strategy('one')
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: ['a GPU'])
  options = config.Config()
  assert devices.choose_xla(options, one)
  assert not devices.choose_xla(options, two_replicas)
  assert not devices.choose_xla(options.replace('networks', discriminator_norm='spectral'), one)
  assert not devices.choose_xla(options.replace('training', precision='float16'), one)


@pytest.mark.parametrize('gpus, secs, is_fast', [([], 0.02, True), ([], 0.08, False), (['gpu'], 9.0, True)])
def test_a_machine_is_fast_with_a_gpu_or_where_a_layer_is(monkeypatch, gpus, secs, is_fast):
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: gpus)
  monkeypatch.setattr(devices, '_secs_of_a_layer', lambda precision: secs)
  assert devices.is_fast() == is_fast
