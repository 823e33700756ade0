"""The commands of the project, run by the tests as a user runs them, but without waiting for the libraries each time.

TensorFlow and MediaPipe take a command some ten seconds to import, and the tests run two hundred commands. So one
process has imported them, and each command is a fork of it: a process of its own with its own flags, streams, signals
and exit code. What a start looks like (`tests/entries_test.py`) is tested with processes that begin from nothing.
"""

import array
import atexit
import contextlib
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

ROOT = pathlib.Path(__file__).parents[1]
_LIBRARIES = ('tensorflow', 'tensorflow.keras.layers', 'tensorflow_addons', 'mediapipe', 'cv2', 'av', 'imageio.v3',
              'imageio.plugins.pyav', 'imageio.plugins.pillow', 'PIL.Image', 'scipy.linalg', 'scipy.spatial',
              'skimage.data', 'matplotlib.figure', 'tqdm')
_MOST_BYTES = 1 << 17  # of a request


class Command:
  """A command that runs; as much of `subprocess.Popen` as the tests use, its streams in files.

  Attributes:
    pid: int.
    returncode: int, the negative number of a signal that ended it, or None while it runs.
  """

  def __init__(self, module, *arguments, environment=None, cwd=ROOT):
    self._streams = [tempfile.TemporaryFile(mode='w+', encoding='utf-8') for _ in range(2)]
    self.args = (module, *map(str, arguments))
    self.returncode = None
    self._status, status = socket.socketpair()
    request = json.dumps({'arguments': self.args, 'environment': dict(os.environ) | (environment or {}),
                          'cwd': str(cwd)}).encode()
    assert len(request) < _MOST_BYTES
    with open(os.devnull, encoding='utf-8') as nothing, status:
      socket.send_fds(_starter(), [request], [nothing.fileno(), *(stream.fileno() for stream in self._streams),
                                              status.fileno()])
      self.pid = self._told()

  def _told(self):
    return array.array('q', self._status.recv(8))[0]

  def poll(self):
    """Returns the exit code, or None while the command runs."""
    if self.returncode is None and select.select([self._status], [], [], 0)[0]:
      self.returncode = self._told()
    return self.returncode

  def wait(self, timeout=None):
    """Waits for the end; returns the exit code. Raises `subprocess.TimeoutExpired` after `timeout` seconds."""
    if self.returncode is None:
      if not select.select([self._status], [], [], timeout)[0]:
        raise subprocess.TimeoutExpired(self.args, timeout)
      self.poll()
    return self.returncode

  def communicate(self, timeout=None):
    """Waits for the end, `timeout` seconds at most; returns standard output and standard error."""
    self.wait(timeout)
    for stream in self._streams:
      stream.seek(0)
    return tuple(stream.read() for stream in self._streams)

  def send_signal(self, number):
    """Sends a signal, unless the command has ended."""
    if self.poll() is None:
      os.kill(self.pid, number)

  def kill(self):
    """Ends the command at once."""
    self.send_signal(signal.SIGKILL)


def start(module, *arguments, **options):
  """Starts `python -m MODULE ARGUMENTS`; returns it running, with `pid`, `poll`, `send_signal` and `communicate`."""
  if not hasattr(os, 'pidfd_open'):  # Linux has it; elsewhere a fork of a process with TensorFlow in it is not safe
    environment = dict(os.environ) | (options.pop('environment', None) or {})
    return subprocess.Popen([sys.executable, '-m', module, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.PIPE, env=environment, cwd=options.get('cwd', ROOT))
  return Command(module, *arguments, **options)


def run(module, *arguments, **options):
  """Runs `python -m MODULE ARGUMENTS` to its end.

  Args:
    module: str, as 'tools.animate'.
    *arguments: its flags; paths are taken too.
    **options: `environment`, dict of what is added to the environment, and `cwd`.

  Returns:
    `subprocess.CompletedProcess` with `returncode`, `stdout` and `stderr`.
  """
  command = start(module, *arguments, **options)
  stdout, stderr = command.communicate()
  return subprocess.CompletedProcess(command.args, command.returncode, stdout, stderr)


def wait_for(is_there, command, timeout_secs=240):
  """Waits until `is_there()`; fails where the command ends before, or `timeout_secs` are over."""
  deadline = time.monotonic() + timeout_secs
  while not is_there():
    assert command.poll() is None and time.monotonic() < deadline, command.communicate(timeout=1)
    time.sleep(0.02)


@functools.cache
def _starter():
  """Returns the socket to the process that has imported the libraries; it ends with this one."""
  ours, its = socket.socketpair()
  process = subprocess.Popen([sys.executable, '-m', 'tests.commands', str(its.fileno())], cwd=ROOT,
                             pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
  its.close()
  atexit.register(process.wait)
  atexit.register(ours.close)  # the last registered is the first called
  return ours


def _serve(requests):
  """Forks a process for each request; returns in each of them what it shall run, and never in this one."""
  running = {}  # descriptor of a process: its number and where its end is told
  while True:
    ready, _, _ = select.select([requests, *running], [], [])
    for each in ready:
      if each in running:
        pid, told = running.pop(each)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(each)
        with told, contextlib.suppress(OSError):  # nobody may wait for it any more
          told.send(array.array('q', [code]).tobytes())
        continue
      message, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
      if not message:  # the tests are over
        for pid, _ in running.values():
          os.kill(pid, signal.SIGKILL)
        os._exit(0)  # pylint: disable=protected-access
      pid = os.fork()
      if not pid:
        for number, descriptor in enumerate(descriptors[:3]):
          os.dup2(descriptor, number)
        for descriptor in (*descriptors, *running):
          os.close(descriptor)
        return json.loads(message)
      for descriptor in descriptors[:3]:
        os.close(descriptor)
      told = socket.socket(fileno=descriptors[3])
      told.send(array.array('q', [pid]).tobytes())
      running[os.pidfd_open(pid)] = (pid, told)


def _main():
  from dcgan.common import entry  # pylint: disable=import-outside-toplevel
  entry.prepare_libraries()
  for name in _LIBRARIES:
    importlib.import_module(name)
  gc.freeze()  # else the first collection in a fork copies every page
  with socket.socket(fileno=int(sys.argv[1])) as requests:
    request = _serve(requests)
  os.environ.clear()
  os.environ.update(request['environment'])
  os.chdir(request['cwd'])
  sys.path[0] = request['cwd']
  sys.argv = request['arguments']
  _end_at_once(lambda: runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True))


def _end_at_once(call):
  """Calls and ends this process as Python would, but does not take down the libraries: in a fork that lasts 2 s."""
  code = 0
  try:
    call()
  except SystemExit as exit_:
    code = exit_.code or 0
    if not isinstance(code, int):
      print(code, file=sys.stderr)
      code = 1
  except BaseException:  # pylint: disable=broad-exception-caught
    traceback.print_exc()
    code = 1
  threading._shutdown()  # pylint: disable=protected-access  # waits for the threads that are to be waited for
  atexit._run_exitfuncs()  # pylint: disable=protected-access
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(code)  # pylint: disable=protected-access


if __name__ == '__main__':
  _main()
