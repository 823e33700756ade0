"""Tests of what a process may use of the machine, on drawn control groups."""

import os
import types

import psutil
import pytest

from dcgan.common import machine

_MB = 1 << 20
_UNLIMITED = 9223372036854771712  # as version 1 says it


@pytest.fixture(name='groups')
def _groups(monkeypatch, tmp_path):
  """Returns a function that makes a machine of 8 cores and 1,000 MB free with the files of control groups."""

  def make(own, files):
    (tmp_path / 'own').write_text(own, encoding='utf-8')
    for name, text in files.items():
      (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
      (tmp_path / name).write_text(f'{text}\n', encoding='utf-8')

  monkeypatch.setattr(machine, '_GROUPS', tmp_path)
  monkeypatch.setattr(machine, '_OWN_GROUPS', tmp_path / 'own')
  monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)), raising=False)
  monkeypatch.setattr(psutil, 'virtual_memory', lambda: types.SimpleNamespace(available=1000 * _MB))
  return make


def test_machine_without_control_groups_is_used_as_a_whole(groups):
  assert machine.num_cores() == 8 and machine.free_memory_bytes() == 1000 * _MB


@pytest.mark.parametrize('cpu_max, num_cores', [
    ('200000 100000', 2), ('150000 100000', 2), ('20000 100000', 1), ('max 100000', 8), ('6400000 100000', 8)])
def test_limits_of_version_2_hold(groups, cpu_max, num_cores):
  groups('0::/\n', {'cpu.max': cpu_max, 'memory.max': 300 * _MB, 'memory.current': 250 * _MB,
                    'memory.stat': f'anon {100 * _MB}\ninactive_file {120 * _MB}'})
  assert machine.num_cores() == num_cores and machine.free_memory_bytes() == 170 * _MB


def test_limits_of_version_1_hold(groups):
  groups('9:name=systemd:/\n4:memory:/a\n1:cpu,cpuacct:/a\n0::/\n', {
      'cpu/a/cpu.cfs_quota_us': 300000, 'cpu/a/cpu.cfs_period_us': 100000, 'memory/memory.limit_in_bytes': _UNLIMITED,
      'memory/memory.usage_in_bytes': 90 * _MB, 'memory/a/memory.limit_in_bytes': 200 * _MB,
      'memory/a/memory.usage_in_bytes': 90 * _MB, 'memory/a/memory.stat': f'cache 5\ntotal_inactive_file {20 * _MB}'})
  assert machine.num_cores() == 3 and machine.free_memory_bytes() == 130 * _MB


def test_no_limit_in_version_1_is_none(groups):
  groups('4:memory:/\n1:cpu:/\n', {
      'cpu/cpu.cfs_quota_us': -1, 'cpu/cpu.cfs_period_us': 100000, 'memory/memory.limit_in_bytes': _UNLIMITED,
      'memory/memory.usage_in_bytes': 90 * _MB})
  assert machine.num_cores() == 8 and machine.free_memory_bytes() == 1000 * _MB


def test_groups_around_the_own_one_limit_it_too(groups):
  groups('0::/pods/one/me\n', {
      'pods/one/me/cpu.max': 'max 100000', 'pods/one/cpu.max': '400000 100000', 'pods/cpu.max': '100000 50000',
      'pods/one/memory.max': 100 * _MB, 'pods/one/memory.current': 40 * _MB, 'pods/one/me/memory.max': 'max',
      'pods/one/me/memory.current': 40 * _MB})
  assert machine.num_cores() == 2 and machine.free_memory_bytes() == 60 * _MB


def test_container_that_sees_its_own_group_as_the_root_is_limited_by_it(groups):
  groups('0::/system.slice/docker-12ab.scope\n', {
      'cpu.max': '100000 100000', 'memory.max': 50 * _MB, 'memory.current': 60 * _MB})
  assert machine.num_cores() == 1 and machine.free_memory_bytes() == 0


def test_cores_that_others_have_do_not_count(groups, monkeypatch):
  groups('0::/\n', {'cpu.max': '400000 100000'})
  monkeypatch.setattr(os, 'sched_getaffinity', lambda process: {1, 5, 6})
  assert machine.num_cores() == 3


@pytest.mark.parametrize('count, num_cores', [(6, 6), (None, 1)])
def test_system_without_affinity_counts_its_cores(groups, monkeypatch, count, num_cores):
  monkeypatch.delattr(os, 'sched_getaffinity')
  monkeypatch.setattr(os, 'cpu_count', lambda: count)
  assert machine.num_cores() == num_cores
