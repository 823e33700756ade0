"""Runs independent units of work on Apache Beam: on several machines, by any of its runners.

Needs the extra `[beam]`. The units leave what they make in files, so every machine must see the records folder under
the same path, as on a shared or mounted disk.
"""

import logging
import re

from dcgan.common import errors

_ERROR_LINE = re.compile(r'^(?:[\w.]+\.)?(\w+(?:Error|Exception)): (.*?)(?: \[while running .*)?$', re.MULTILINE)


def run(job, tasks, on_event, options):
  """Calls `job(task, on_event)` for every task somewhere, as `workers.run` does here, and returns when all are done.

  Args:
    job: callable that can be pickled.
    tasks: list of values that can be pickled.
    on_event: not called while the work goes on: other machines do not report each input.
    options: list of str, Beam's own pipeline options, as in ['--runner=FlinkRunner'].

  Raises:
    errors.InputError: Beam is not installed, or the pipeline failed.
  """
  del on_event
  try:
    import apache_beam as beam  # pylint: disable=import-outside-toplevel
    from apache_beam.options import pipeline_options  # pylint: disable=import-outside-toplevel
  except ImportError as error:
    raise errors.InputError("`runner` ('beam') needs Apache Beam, which is not installed. Install it with "
                            "pip install '.[beam]'.") from error
  if not tasks:
    return
  logging.getLogger('apache_beam').setLevel(logging.CRITICAL)  # else an error comes five times, as pages of traceback
  options = ['--default_sdk_harness_log_level=CRITICAL', *options]
  try:
    with beam.Pipeline(options=pipeline_options.PipelineOptions(options)) as pipeline:
      # Without the shuffle a runner may give all tasks to one worker.
      _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(_call, job)
  except Exception as error:  # pylint: disable=broad-exception-caught  # each runner raises its own
    kind, reason = (_ERROR_LINE.findall(str(error)) or [(type(error).__name__, str(error).splitlines()[0])])[-1]
    raise errors.InputError(f'`runner` (beam): {"" if kind == "InputError" else f"{kind}: "}{reason} What was finished '
                            'is kept: the same command goes on with it.') from error


def _call(task, job):
  job(task, lambda event: None)
