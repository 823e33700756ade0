"""Our bare training step against one in PyTorch (`torch_dcgan`), which answers from a process of its own."""

import contextlib
import functools
import itertools
import json
import os
import pathlib
import subprocess

import tensorflow as tf

from dcgan.common import devices
from dcgan.common import errors
from dcgan.common import machine
from dcgan.model import networks
from tools.benchmarks import comparison
from tools.benchmarks import training_step

_PROGRAM = pathlib.Path(__file__).with_name('torch_dcgan.py')
_NETWORKS = {'report': 'bare step', 'person': "bare step of a person's networks"}
_PRECISIONS = ('float32', 'bfloat16')
_END_SECS = 60
# PyTorch's threads wait for each other asleep, like TensorFlow's: awake they hold the cores that others need, and on a
# busy machine its step takes several times as long.
_ENVIRONMENT = {'OMP_WAIT_POLICY': 'PASSIVE'}


def measure(rounds, num_steps, global_batch_size, image_sizes_px, python):
  """Compares our step with PyTorch's at each size, in float32 and bfloat16: same networks, losses, Adam, minibatches.

  Of the report's networks, and of those of persons and of many faces.

  Args:
    rounds: int, how often each pair is measured.
    num_steps: int, minibatches in one measurement.
    global_batch_size: int, pictures in a minibatch.
    image_sizes_px: list of int.
    python: str, the interpreter that has PyTorch.

  Yields:
    dicts, as `comparison.compare` gives them; where there is no PyTorch, one that says how to get it.

  Raises:
    errors.InputError: PyTorch is there, and its step fails.
  """
  tried = _try_torch(python)
  if tried.returncode:
    reason = (tried.stderr.strip().splitlines() or ['no reason given'])[-1]
    yield dict(title='PyTorch', text=f"PyTorch: not measured ({python}: {reason}). Get it with: pip install '.[torch]'")
    return
  strategy = devices.build_strategy('one')
  for preset, title in _NETWORKS.items():
    for size, precision in itertools.product(image_sizes_px, _PRECISIONS):
      options = training_step.bare_options(preset, size, global_batch_size, strategy, precision)
      ours = training_step.bare_step(options, strategy)
      ours.train(1)  # traces
      with contextlib.closing(TorchStep(options, python)) as theirs:
        result = comparison.compare(
            f'{title}, {size} px, {precision}, images/s', functools.partial(ours.train, num_steps),
            functools.partial(theirs.train, num_steps), num_steps * global_batch_size,
            ('ours', f'PyTorch {theirs.facts["version"]}'), rounds)
      yield result | {'facts': theirs.facts}


def _try_torch(python):
  try:
    return subprocess.run([python, '-c', 'import torch'], capture_output=True, text=True, check=False)
  except OSError as error:
    raise errors.InputError(f'`torch_python` ({python}) must be a Python interpreter: {error.strerror}. Leave it out '
                            'for this one.') from error


class TorchStep:
  """The step in PyTorch, in a process of its own.

  Attributes:
    facts: dict with 'version', 'num_threads' and 'num_weights' (of generator and discriminator).
  """

  def __init__(self, options, python):
    """Starts it and waits until it is warm.

    Args:
      options: `config.Config` of the bare step.
      python: str, the interpreter.

    Raises:
      errors.InputError: it ended.
    """
    filters = {size: networks.num_filters(options.networks, size) for size in (4, 8, 16, 32, 64, 128)}
    given = dict(image_size_px=options.networks.image_size, z_dims=options.networks.z_dims,
                 filters=filters, kernel_size_px=options.networks.kernel_size,
                 discriminator_norm=options.networks.discriminator_norm, detail_gain=options.networks.detail_gain,
                 global_batch_size=options.data.global_batch_size, learning_rate=options.training.learning_rate,
                 beta1=options.training.beta1, precision=options.training.precision,
                 device='cuda' if tf.config.list_physical_devices('GPU') else 'cpu', num_threads=machine.num_cores())
    self._python = python
    program = 'import runpy, sys; runpy.run_path(sys.argv[1])["serve"](sys.argv[2])'
    self._process = subprocess.Popen([python, '-c', program, str(_PROGRAM), json.dumps(given)], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     env=_ENVIRONMENT | os.environ)
    self.facts = json.loads(self._answer())

  def train(self, num_steps):
    """Trains on so many minibatches; returns the seconds that they took."""
    self._process.stdin.write(f'{num_steps}\n')
    self._process.stdin.flush()
    return float(self._answer())

  def close(self):
    """Ends the process."""
    self._process.communicate(timeout=_END_SECS)

  def _answer(self):
    line = self._process.stdout.readline()
    if not line:
      raise errors.InputError(f'`torch_python` ({self._python}): the step in PyTorch ended with exit code '
                              f'{self._process.wait()}, for the reason above. Use an interpreter whose PyTorch works.')
    return line
