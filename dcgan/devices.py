"""What this machine computes on: the replicas, and the precision that is fast there."""

import pathlib

import tensorflow as tf

from dcgan import errors

_FIRST_BFLOAT16_GPU = (8, 0)  # Ampere
_BFLOAT16_CPU_FLAGS = frozenset(['avx512_bf16', 'amx_bf16'])


def build_strategy():
  """Returns the `tf.distribute.Strategy` over all GPUs, over the one, or over the CPU."""
  gpus = tf.config.list_physical_devices('GPU')
  if len(gpus) > 1:
    return tf.distribute.MirroredStrategy()
  return tf.distribute.OneDeviceStrategy('/gpu:0' if gpus else '/cpu:0')


def choose_precision():
  """Returns 'bfloat16' where every device computes in it at full speed, else 'float32'.

  On a CPU with AVX512_BF16 the training step takes well under two thirds of its float32 time in bfloat16
  (`python -m tools.benchmark step`); on one without, TensorFlow emulates it and is slower.
  """
  gpus = tf.config.list_physical_devices('GPU')
  if gpus:
    capabilities = [tf.config.experimental.get_device_details(gpu).get('compute_capability', (0, 0)) for gpu in gpus]
    return 'bfloat16' if min(capabilities) >= _FIRST_BFLOAT16_GPU else 'float32'
  return 'bfloat16' if _cpu_flags() & _BFLOAT16_CPU_FLAGS else 'float32'


def describe(strategy):
  """Returns in words what `strategy` computes on, as in '2 × GPU'."""
  kind = 'GPU' if tf.config.list_physical_devices('GPU') else 'CPU'
  return f'{strategy.num_replicas_in_sync} × {kind}'


def per_replica_batch_size(global_batch_size, strategy):
  """Returns the pictures of a minibatch that each replica sees.

  Raises:
    errors.InputError: the minibatch cannot be divided evenly.
  """
  num_replicas = strategy.num_replicas_in_sync
  if global_batch_size % num_replicas:
    lower = global_batch_size // num_replicas * num_replicas
    fix = f'{lower} or {lower + num_replicas}' if lower else f'{num_replicas}'
    raise errors.InputError(f'`global_batch_size` ({global_batch_size}) must be divisible by the {num_replicas} '
                            f'replicas. Use {fix}.')
  return global_batch_size // num_replicas


def _cpu_flags():
  cpuinfo = pathlib.Path('/proc/cpuinfo')
  if not cpuinfo.is_file():
    return set()
  for line in cpuinfo.read_text(encoding='utf-8', errors='replace').splitlines():
    if line.startswith('flags'):
      return set(line.partition(':')[2].split())
  return set()
