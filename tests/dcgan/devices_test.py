"""Tests of dcgan.devices."""

import pytest
import tensorflow as tf

from dcgan import devices
from dcgan import errors


def test_precision_is_bfloat16_only_where_the_processor_is_built_for_it(monkeypatch):
  monkeypatch.setattr(devices, '_cpu_flags', lambda: {'avx2', 'avx512_bf16'})
  assert devices.choose_precision() == 'bfloat16'
  monkeypatch.setattr(devices, '_cpu_flags', lambda: {'avx2', 'avx512f'})
  assert devices.choose_precision() == 'float32'


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


def test_without_a_gpu_there_is_one_replica_on_the_cpu():
  strategy = devices.build_strategy()
  assert strategy.num_replicas_in_sync == 1 and devices.describe(strategy) == '1 × CPU'
