"""What this machine computes on: replicas, workers, precision and compilation that are fast there."""

import json
import os
import pathlib
import signal
import time

from absl import logging
import numpy as np
import tensorflow as tf

from dcgan.common import errors

_FIRST_BFLOAT16_GPU = (8, 0)  # Ampere
_BFLOAT16_CPU_FLAGS = frozenset(['avx512_bf16', 'amx_bf16'])
# Two cores with AVX2 alone take 0.06 or more, and learn 8 pictures of 128 px a second: too few for a person in minutes.
_FAST_SECS_OF_A_LAYER = 0.035
_TF_CONFIG = ('Set it on each machine, as in TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": '
              '{"type": "worker", "index": 0}}\'.')


def build_strategy(kind='auto'):
  """Returns the `tf.distribute.Strategy` that a run trains under; the first thing that TensorFlow is asked for.

  Args:
    kind: 'one' (the GPU, or the CPU), 'mirrored' (all GPUs of this machine), 'multi_worker' (the machines that
      TF_CONFIG lists) or 'auto': what there is most of.

  Raises:
    errors.InputError: TF_CONFIG is needed and missing, is not JSON, or lists no workers.
  """
  tf.get_logger().setLevel('WARNING')  # strategies tell of each of their operations
  num_workers = _num_workers()
  gpus = tf.config.list_physical_devices('GPU')
  if kind == 'auto':
    kind = 'multi_worker' if num_workers > 1 else 'mirrored' if len(gpus) > 1 else 'one'
  if kind == 'multi_worker':
    if not num_workers:
      raise errors.InputError(f'`TF_CONFIG` (not set) must list the workers for --strategy=multi_worker. {_TF_CONFIG}')
    logging.info('Waiting for %d workers.', num_workers)
    return _wait_for_workers()
  if kind == 'mirrored':
    return tf.distribute.MirroredStrategy()
  return tf.distribute.OneDeviceStrategy('/gpu:0' if gpus else '/cpu:0')


def _wait_for_workers():
  """Returns the strategy over all workers, once they are there; Ctrl-C and SIGTERM end the process meanwhile.

  TensorFlow waits without coming back to Python, where signals are handled.
  """
  numbers = signal.SIGINT, signal.SIGTERM
  previous = [signal.signal(number, signal.SIG_DFL) for number in numbers]
  try:
    return tf.distribute.MultiWorkerMirroredStrategy()
  except tf.errors.OpError as error:
    raise errors.InputError(f'`TF_CONFIG`: the workers did not come together ({errors.reason(error)}). Look whether '
                            f'each can reach the others. {_TF_CONFIG}') from error
  finally:
    for number, handler in zip(numbers, previous):
      signal.signal(number, handler)


def _num_workers():
  """Returns the number of workers in TF_CONFIG, 0 where it is not set."""
  text = os.environ.get('TF_CONFIG', '')
  if not text.strip():
    return 0
  try:
    given = json.loads(text)
    cluster, task = given['cluster'], given['task']
    workers = cluster.get('chief', []) + cluster.get('worker', [])
    address = dict(enumerate(cluster[task['type']]))[int(task['index'])]
    for each in workers:
      _check_address(each)
  except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
    shown = text if len(text) < 80 else f'{text[:77]}...'
    raise errors.InputError(f'`TF_CONFIG` ({shown}) must be JSON with the cluster\'s workers and this task '
                            f'({type(error).__name__}: {error}). {_TF_CONFIG}') from error
  if address not in workers:
    raise errors.InputError(f'`TF_CONFIG` ({task["type"]} {task["index"]}) must be a chief or a worker. {_TF_CONFIG}')
  return len(workers)


def _check_address(address):
  """Raises ValueError where an address is not host:port."""
  host, _, port = address.rpartition(':')
  if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
    raise ValueError(f'{address!r} is not host:port with a port from 1 to 65535')


def is_chief(strategy):
  """Returns whether this process keeps the run: the first worker, or the only one."""
  resolver = strategy.cluster_resolver
  if not is_multi_worker(strategy):
    return True
  return resolver.task_type == 'chief' or (resolver.task_id == 0 and 'chief' not in resolver.cluster_spec().jobs)


def is_multi_worker(strategy):
  """Returns whether other processes take part."""
  return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def make_agree(strategy):
  """Returns a callable that takes a list of numbers and returns their means over all workers, float64 [num_values].

  What the workers do next must be the same in each, or they wait for each other for ever.
  """
  if not is_multi_worker(strategy):
    return lambda values: np.asarray(values, np.float64)

  @tf.function
  def mean(values):
    return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(tf.identity, args=(values,)), axis=None)

  return lambda values: mean(tf.constant(values, tf.float32)).numpy()


def choose_precision():
  """Returns the precision that is fastest here, 'float32' or 'bfloat16'.

  On GPUs the oldest one decides. On a processor that says it is built for bfloat16 both are tried: with AVX512_BF16 a
  step took two thirds of its float32 time on one maker's processor and four thirds on another's
  (`python -m tools.benchmark train`).
  """
  gpus = tf.config.list_physical_devices('GPU')
  if gpus:
    capabilities = [tf.config.experimental.get_device_details(gpu).get('compute_capability', (0, 0)) for gpu in gpus]
    return 'bfloat16' if min(capabilities) >= _FIRST_BFLOAT16_GPU else 'float32'
  if not _cpu_flags() & _BFLOAT16_CPU_FLAGS:
    return 'float32'
  tried = {precision: _secs_of_a_layer(precision) for precision in ('float32', 'bfloat16')}
  return min(tried, key=tried.get)


def is_fast():
  """Returns whether a person can be learnt at 128 px here in minutes: on a GPU, or a processor that tries well."""
  if tf.config.list_physical_devices('GPU'):
    return True
  precisions = ('float32', 'bfloat16') if _cpu_flags() & _BFLOAT16_CPU_FLAGS else ('float32',)
  return min(map(_secs_of_a_layer, precisions)) <= _FAST_SECS_OF_A_LAYER


def _secs_of_a_layer(precision):
  """Returns how long a convolution and its gradients take, the best of three."""
  x = tf.cast(tf.random.stateless_normal([16, 32, 32, 64], [0, 1]), precision)
  kernel = tf.cast(tf.random.stateless_normal([5, 5, 64, 128], [0, 2]), precision)
  secs = []
  with tf.device('/cpu:0'):
    for _ in range(4):  # the first one warms up
      start = time.perf_counter()
      with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = tf.nn.conv2d(x, kernel, 2, 'SAME')
      tf.nest.map_structure(lambda gradient: gradient.numpy(), tape.gradient(y, (x, kernel), y))
      secs.append(time.perf_counter() - start)
  return min(secs[1:])


def choose_xla(options, strategy):
  """Returns whether XLA compiles everything that these options need, and is worth it: on one GPU.

  On a CPU it makes this net many times slower; several replicas cannot be compiled as one; loss scaling assigns
  variables in ways that it may refuse, and spectral normalization was not yet timed there.

  Args:
    options: `config.Config`.
    strategy: `tf.distribute.Strategy`.
  """
  is_one_gpu = strategy.num_replicas_in_sync == 1 and bool(tf.config.list_physical_devices('GPU'))
  return is_one_gpu and options.networks.discriminator_norm != 'spectral' and options.training.precision != 'float16'


def is_host(strategy):
  """Returns whether `strategy` computes where the minibatches are made: on one replica, without a GPU."""
  return (strategy.num_replicas_in_sync == 1 and not is_multi_worker(strategy)
          and not tf.config.list_physical_devices('GPU'))


def describe(strategy):
  """Returns in words what `strategy` computes on, as in '2 × GPU'."""
  kind = 'GPU' if tf.config.list_physical_devices('GPU') else 'CPU'
  workers = f' on {_num_workers()} workers' if is_multi_worker(strategy) else ''
  return f'{strategy.num_replicas_in_sync} × {kind}{workers}'


def per_replica_batch_size(global_batch_size, strategy):
  """Returns the pictures of a minibatch that each replica sees.

  Args:
    global_batch_size: int.
    strategy: `tf.distribute.Strategy`.

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
