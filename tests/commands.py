"""Runs the commands of the project as a user does, but without waiting for the libraries each time.

TensorFlow and MediaPipe take a command some ten seconds to import, and the tests run two hundred commands. Each pytest
process therefore starts one process that imports them, and every command is a fork of that: a process of its own with
its own flags, streams, signals and exit code. What shows only in a process that begins from nothing is tested in such
ones (`is_fresh`): the main path, a quiet start, and runs that must not depend on a process's hash seed.
"""

import array
import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import pathlib
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import pytest

ROOT = pathlib.Path(__file__).parents[1]
_LIBRARIES = ('tensorflow', 'tensorflow.keras.layers', 'tensorflow_addons', 'mediapipe', 'cv2', 'av', 'imageio.v3',
              'imageio.plugins.pyav', 'imageio.plugins.pillow', 'PIL.Image', 'scipy.linalg', 'scipy.spatial',
              'skimage.data', 'matplotlib.figure', 'tqdm')
_MOST_BYTES = 1 << 17  # of a request


class Command:
  """A running command: the part of `subprocess.Popen` that the tests use. Its output goes to files.

  Attributes:
    returncode: int, the negative number of a signal that ended it, or None while it runs.
  """

  def __init__(self, module, *arguments, environment=None):
    self._streams = [tempfile.TemporaryFile(mode='w+', encoding='utf-8') for _ in range(2)]
    self._arguments = (module, *map(str, arguments))
    self.returncode = None
    self._status, status = socket.socketpair()
    request = json.dumps({'arguments': self._arguments, 'environment': dict(os.environ) | (environment or {})}).encode()
    assert len(request) < _MOST_BYTES
    with open(os.devnull, encoding='utf-8') as nothing, status:
      socket.send_fds(_starter(), [request], [nothing.fileno(), *(stream.fileno() for stream in self._streams),
                                              status.fileno()])
    self._pid = self._told()

  def _told(self):
    told = self._status.recv(8)
    if not told:
      raise RuntimeError('The process that starts commands has ended.')
    return array.array('q', told)[0]

  def poll(self):
    """Returns the exit code, or None while the command runs."""
    if self.returncode is None and select.select([self._status], [], [], 0)[0]:
      self.returncode = self._told()
      self._status.close()
    return self.returncode

  def wait(self, timeout=None):
    """Waits for the end; returns the exit code. Raises `subprocess.TimeoutExpired` after `timeout` seconds."""
    if self.returncode is None:
      if not select.select([self._status], [], [], timeout)[0]:
        raise subprocess.TimeoutExpired(self._arguments, timeout)
      self.poll()
    return self.returncode

  def communicate(self, timeout=None):
    """Waits for the end, `timeout` seconds at most; returns standard output and standard error."""
    self.wait(timeout)
    read = []
    for stream in self._streams:
      with stream:
        stream.seek(0)
        read.append(stream.read())
    return tuple(read)

  def send_signal(self, number):
    """Sends a signal, unless the command has ended."""
    if self.poll() is None:
      with contextlib.suppress(ProcessLookupError):  # it ended in this moment
        os.kill(self._pid, number)

  def kill(self):
    """Ends the command at once."""
    self.send_signal(signal.SIGKILL)


def start(module, *arguments, environment=None, is_fresh=False):
  """Starts `python -m MODULE ARGUMENTS`.

  Args:
    module: str, as 'tools.animate'.
    *arguments: its flags; paths are taken too.
    environment: dict of what is added to the environment, or None.
    is_fresh: bool, whether it begins from nothing.

  Returns:
    A `Command` or `subprocess.Popen`, with `poll`, `wait`, `communicate`, `send_signal`, `kill` and `returncode`.
  """
  if is_fresh or not _can_fork():
    return subprocess.Popen([sys.executable, '-m', module, *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | (environment or {}),
                            cwd=ROOT)
  return Command(module, *arguments, environment=environment)


def run(module, *arguments, **options):
  """Runs `python -m MODULE ARGUMENTS` to its end.

  Args:
    module: as for `start`.
    *arguments: as for `start`.
    **options: `environment` and `is_fresh`, as for `start`.

  Returns:
    `subprocess.CompletedProcess` with `returncode`, `stdout` and `stderr`.
  """
  command = start(module, *arguments, **options)
  stdout, stderr = command.communicate()
  return subprocess.CompletedProcess((module, *arguments), command.returncode, stdout, stderr)


def wait_for(is_there, command, timeout_secs=240):
  """Waits until `is_there()`; fails if the command ends first or `timeout_secs` pass."""
  deadline = time.monotonic() + timeout_secs
  while not is_there():
    if command.poll() is not None or time.monotonic() > deadline:
      command.kill()
      pytest.fail('It did not come to what was waited for:\n' + '\n'.join(command.communicate()))
    time.sleep(0.02)


@functools.cache
def _can_fork():
  """Returns whether a process with TensorFlow in it can be forked here and waited for: on Linux from 5.3 on."""
  try:
    os.close(os.pidfd_open(os.getpid()))
  except (AttributeError, OSError):
    return False
  return True


@functools.cache
def _starter():
  """Returns the socket to the process that has imported the libraries; it ends with this one."""
  ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # a message arrives whole
  process = subprocess.Popen([sys.executable, '-m', 'tests.commands', str(its.fileno())], cwd=ROOT,
                             pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
  its.close()
  atexit.register(process.wait)
  atexit.register(ours.close)  # the last registered is the first called
  return ours


def _serve(requests):
  """Forks a process for each request; returns in each of them what it shall run, and never in this one."""
  running = {}  # descriptor of a process: its number and where its end is told
  try:
    while True:
      ready, _, _ = select.select([requests, *running], [], [])
      for each in ready:
        if each in running:
          _end(each, *running.pop(each))
          continue
        message, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
        if not message:  # the tests are over
          return None
        pid = os.fork()
        if not pid:
          for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
          for descriptor in (*descriptors, *running):
            os.close(descriptor)
          running.clear()  # they are not this process's
          return json.loads(message)
        for descriptor in descriptors[:3]:
          os.close(descriptor)
        told = socket.socket(fileno=descriptors[3])
        _tell(told, pid)
        running[os.pidfd_open(pid)] = (pid, told)
  finally:
    for pid, _ in running.values():
      os.kill(pid, signal.SIGKILL)


def _end(descriptor, pid, told):
  """Tells that a process has ended, and lets it go."""
  code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
  os.close(descriptor)
  with told:
    _tell(told, code)


def _tell(told, number):
  with contextlib.suppress(OSError):  # nobody may wait for it any more
    told.send(array.array('q', [number]).tobytes())


def _end_at_once(call):
  """Calls `call`, then ends the process with Python's exit code, but without finalizing the interpreter.

  That takes 2 s in a fork.
  """
  code, is_interrupted = 0, False
  try:
    call()
  except SystemExit as exit_:
    code = 0 if exit_.code is None else exit_.code
    if not isinstance(code, int):
      print(code, file=sys.stderr)
      code = 1
  except BaseException as error:  # pylint: disable=broad-exception-caught
    traceback.print_exc()
    code, is_interrupted = 1, isinstance(error, KeyboardInterrupt)
  threading._shutdown()  # pylint: disable=protected-access  # waits for the threads that are to be waited for
  atexit._run_exitfuncs()  # pylint: disable=protected-access
  sys.stdout.flush()
  sys.stderr.flush()
  ctypes.CDLL(None).fflush(None)  # what C libraries wrote
  if is_interrupted:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
  os._exit(code)  # pylint: disable=protected-access


def _main():
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, at whose end this process ends
  from dcgan.common import entry  # pylint: disable=import-outside-toplevel
  entry.prepare_libraries()
  for name in _LIBRARIES:
    importlib.import_module(name)
  gc.freeze()  # else the first collection in a fork copies every page
  with socket.socket(fileno=int(sys.argv[1])) as requests:
    request = _serve(requests)
  if request is None:
    os._exit(0)  # pylint: disable=protected-access
  signal.signal(signal.SIGINT, signal.default_int_handler)
  os.environ.clear()
  os.environ.update(request['environment'])
  sys.argv = request['arguments']
  _end_at_once(lambda: runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True))


if __name__ == '__main__':
  _main()
