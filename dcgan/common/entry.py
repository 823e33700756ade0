"""What every command shares: quiet start-up, plain log lines, one-line errors, the result's path as the last line."""

import errno
import io
import logging as standard_logging
import os
import signal
import sys
import warnings

from absl import app
from absl import flags
from absl import logging

from dcgan.common import errors

_MOST_LETTERS = 40  # of a flag's name

flags.disclaim_key_flags()  # those that are defined by `define_path` belong to the command that calls it
LOG_FORMAT = standard_logging.Formatter('%(asctime)s %(message)s', '%H:%M:%S')


class Stopped(Exception):
  """A signal ended a run, which was saved; a command that raises it prints the path and exits with 128 + the signal.

  Attributes:
    path: path of what there is so far.
    signal: `signal.Signals`.
  """

  def __init__(self, path, number):
    super().__init__(f'stopped by {number.name}')
    self.path = path
    self.signal = number


class PathParser(flags.ArgumentParser):
  """Takes a path, with ~ for the user's folder; what is no path, as an address or a word like `ufm`, stays as it is."""

  syntactic_help = 'a path'

  def parse(self, argument):
    """Returns the path (str); a shell leaves ~ as it is behind =."""
    return os.path.expanduser(argument)

  def flag_type(self):
    return 'path'


def define_path(name, default, help, allow_overwrite=True):  # pylint: disable=redefined-builtin
  """Defines a flag that is a path, as `flags.DEFINE_string` does; every flag that names a file or folder is one.

  Args:
    name: str.
    default: str or None.
    help: str.
    allow_overwrite: bool, whether it may be given again, and the last one counts.

  Returns:
    `flags.FlagHolder` of str.
  """
  return flags.DEFINE(PathParser(), name, default, help, serializer=flags.ArgumentSerializer(),
                      allow_overwrite=allow_overwrite)


def define_paths(name, default, help):  # pylint: disable=redefined-builtin
  """Defines a flag that takes a path each time that it is given, as `flags.DEFINE_multi_string` does.

  Returns:
    `flags.FlagHolder` of a list of str.
  """
  return flags.DEFINE_multi(PathParser(), flags.ArgumentSerializer(), name, default, help)


def prepare_libraries():
  """Silences the libraries' start-up noise and keeps them off what fails; must run before TensorFlow is imported."""
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # oneDNN, CPU features, cuFFT/cuBLAS registered twice
  os.environ.setdefault('GLOG_minloglevel', '2')  # MediaPipe
  os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')  # else the first command takes all of a GPU's memory
  # TensorFlow 2.15 leaves oneDNN off without AVX512_VNNI, where it is faster too (DECISIONS.md, "oneDNN").
  os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
  # Where a processor has AMX, TensorFlow 2.15 ends with an illegal instruction in bfloat16 transposed convolutions;
  # without it they work, and the others are as fast.
  os.environ.setdefault('ONEDNN_MAX_CPU_ISA', 'AVX512_CORE_BF16')
  warnings.filterwarnings('ignore', module='tensorflow_addons')  # its end-of-life notice
  warnings.filterwarnings('ignore', module='google.protobuf')  # MediaPipe calls a deprecated GetPrototype
  # Of a damaged checkpoint, of which we tell in a line, TensorFlow lists every variable.
  standard_logging.getLogger('tensorflow').addFilter(_is_no_list_of_variables)
  # What Pillow logs of a damaged picture it raises, too, and we tell of it with the file's name.
  standard_logging.getLogger('PIL').setLevel(standard_logging.CRITICAL)


def _is_no_list_of_variables(record):
  text = record.getMessage()
  return 'unrestored values' not in text and 'could not be found in the restored object' not in text


def run(main, num_arguments=0):
  """Parses the flags, calls `main` and prints the path that it returns as the last line of standard output.

  Progress and logs go to standard error. An `errors.InputError` or an `OSError` ends as one line on standard error
  with exit code 1, wrong flags as usage with exit code 1, Ctrl-C with exit code 130. Of what a signal `Stopped` the
  path is printed too, with exit code 128 + the signal. Where nobody reads standard output any more, as behind
  `| head -1`, the exit code is that of SIGPIPE, 141, without a word; where it cannot be written to otherwise, as it is
  closed or its disk is full, that is told in a line with exit code 1.

  Args:
    main: callable that returns the path of what it made.
    num_arguments: int, how many words without `--` it takes, as in `python -m tools.benchmark train`; None for any.
  """
  has_output = sys.stdout is not None
  _open_closed_streams()
  prepare_libraries()
  logging.set_verbosity(logging.INFO)
  logging.get_absl_handler().setFormatter(LOG_FORMAT)
  # A file's name may hold bytes that are no text; it is printed as it is.
  how = 'surrogateescape' if sys.stdout.encoding.lower() == 'utf-8' else 'backslashreplace'
  sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Output(1, 'w', closefd=False)), sys.stdout.encoding, how,
                                line_buffering=sys.stdout.line_buffering, write_through=sys.stdout.write_through)
  try:
    app.run(lambda argv: _call(main, argv[1:], num_arguments, has_output), flags_parser=_parse)
  except SystemExit as ended:
    try:
      sys.stderr.flush()
    except OSError:  # nobody reads what is told
      _drop(2)
    try:
      sys.stdout.flush()
    except OSError as error:
      _end_without_output(error, ended.code)
    raise
  except _OutputError as error:
    _end_without_output(error)


def check_words(words):
  """Raises `errors.InputError` where a word (str) of a command names a flag that is far too long to be one.

  Absl would look for one with a name like it, which takes it long, or for ever.
  """
  for word in words:
    name = word.lstrip('-').partition('=')[0]
    if word.startswith('-') and len(name) > _MOST_LETTERS:
      raise errors.InputError(f'Unknown command line flag {name[:_MOST_LETTERS]!r}...: options are flags, as in '
                              '--name=value. --help tells them.')


def _parse(argv):
  try:
    check_words(argv[1:])
  except errors.InputError as error:
    sys.exit(f'error: {error}')
  return app.parse_flags_with_usage(argv)


class _OutputError(OSError):
  """Standard output cannot be written to."""


class _Output(io.FileIO):
  """Standard output, whose errors are told from those of other files."""

  def write(self, data):
    try:
      return super().write(data)
    except OSError as error:
      raise _OutputError(error.errno, error.strerror) from error


def _open_closed_streams():
  """Opens the standard streams that were closed, as by `>&-`, or the next files would be opened in their places."""
  for number, name in enumerate(('stdin', 'stdout', 'stderr')):
    if getattr(sys, name) is None:
      nothing = os.open(os.devnull, os.O_RDWR)
      if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)
      setattr(sys, name, open(number, 'r' if number == 0 else 'w', encoding='utf-8', closefd=False))
  logging.get_absl_handler().python_handler.stream = sys.stderr  # which it had taken before


def _end_without_output(error, code=0):
  """Ends the process after an `OSError` of standard output; an exit code, or line, that tells of more stays."""
  _drop(1)
  if code:
    sys.exit(code)
  sys.exit(128 + signal.SIGPIPE if error.errno == errno.EPIPE else
           f'error: standard output cannot be written to ({error.strerror}). What was made is whole.')


def _drop(number):
  """Lets what is still to be written to a standard stream go nowhere, or Python tries again at its end."""
  nothing = os.open(os.devnull, os.O_WRONLY)
  os.dup2(nothing, number)
  os.close(nothing)


def _call(main, arguments, num_arguments, has_output):
  if num_arguments is None:
    num_arguments = len(arguments)
  if len(arguments) > num_arguments:
    raise app.UsageError(f'Unexpected argument {arguments[num_arguments]!r}: options are flags, as in --name=value.')
  if len(arguments) < num_arguments:
    raise app.UsageError(f'{num_arguments} argument is needed, {len(arguments)} given; see above.')
  try:
    result = main(*arguments)
  except errors.InputError as error:
    sys.exit(f'error: {error}')
  except _OutputError:
    raise
  except OSError as error:
    place = f'{error.filename}: ' if error.filename else ''
    sys.exit(f'error: {place}{error.strerror or error}. Check that the place is there, may be written to and has room.')
  except KeyboardInterrupt:
    print('Interrupted.', file=sys.stderr)
    sys.exit(130)
  except Stopped as stopped:
    try:
      print(stopped.path, flush=True)
    except OSError:  # the terminal is gone
      _drop(1)
    sys.exit(128 + stopped.signal)
  print(result, flush=True)
  if not has_output:
    sys.exit(f'error: standard output is closed, so that it cannot be told what was made: {result}')
