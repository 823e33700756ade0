"""What this process may use of the machine: processor cores and memory, within the limits of a container.

Linux keeps those limits as control groups (cgroups), in two versions; each group lies within others, whose limits hold
for it too. Other systems have none.
"""

import os
import pathlib

import psutil

_GROUPS = pathlib.Path('/sys/fs/cgroup')
_OWN_GROUPS = pathlib.Path('/proc/self/cgroup')
# Of memory, in version 2 and 1: the limit, what is used, and of this what a file's copy takes, which can be dropped.
_MEMORY_FILES = (('memory.max', 'memory.current', 'inactive_file'),
                 ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'))


def num_cores():
  """Returns how many processor cores this process may keep busy, int >= 1; 1.5 cores' time counts as 2."""
  # macOS has no affinity.
  here = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
  return max(1, min([here, *(round(quota) for quota in map(_cpu_quota, _groups('cpu')) if quota is not None)]))


def free_memory_bytes():
  """Returns how much memory this process may still take without swapping, int."""
  rooms = [room for room in map(_memory_room, _groups('memory')) if room is not None]
  return max(0, min([psutil.virtual_memory().available, *rooms]))


def _groups(controller):
  """Yields the folders of the groups that limit this process, in both versions; those that are not there are empty."""
  try:
    lines = _OWN_GROUPS.read_text(encoding='utf-8').splitlines()
  except OSError:  # not Linux
    return
  for line in lines:
    _, controllers, path = line.split(':', 2)
    if controllers and controller not in controllers.split(','):
      continue
    root = _GROUPS / controller if controllers else _GROUPS
    # A container may see its own group as the root, while `path` is that of the machine.
    below = pathlib.PurePosixPath(path.lstrip('/'))
    yield from (root / group for group in (below, *below.parents))


def _cpu_quota(group):
  """Returns how many cores' time a group may take, float, or None where it has no limit."""
  quota, period = _number(group / 'cpu.max'), _number(group / 'cpu.max', 1)
  if quota is None:
    quota, period = _number(group / 'cpu.cfs_quota_us'), _number(group / 'cpu.cfs_period_us')
  return quota / period if quota is not None and period else None


def _memory_room(group):
  """Returns how many bytes a group may still take, int, or None where it has no limit."""
  for limit_file, usage_file, droppable in _MEMORY_FILES:
    limit, usage = _number(group / limit_file), _number(group / usage_file)
    if limit is not None and usage is not None:
      return limit - usage + _statistics(group).get(droppable, 0)
  return None


def _number(path, index=0):
  """Returns a number in a file of a group, int; None where there is no such file, or it says that there is no limit."""
  try:
    word = path.read_text(encoding='utf-8').split()[index]
  except (OSError, IndexError):
    return None
  return int(word) if word.isdecimal() else None  # else max, or -1


def _statistics(group):
  """Returns what a group's memory is used for, dict from str to int."""
  try:
    lines = (group / 'memory.stat').read_text(encoding='utf-8').splitlines()
  except OSError:
    return {}
  return {name: int(value) for name, value in map(str.split, lines)}
