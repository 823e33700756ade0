"""Fits named controls to a run and keeps them with it, or measures how well the run's person obeys them.

  python -m tools.fit_controls --run=checkpoints/00001-me128-from-ufm128
  python -m tools.fit_controls --run=checkpoints/00001-me128-from-ufm128 --report

What is fitted stands in RUN/controls.npz: the person's rest and range of each control, where the controls lie in Z, and
how the model's small pictures are read. tools.pose and tools.animate take it from there, without the set of pictures.
Training and make_avatar keep it by themselves; this is for runs of before. It needs the run's set, of which it takes
what the records tell of each face, or measures the pictures where they tell nothing. Of a run without places pictures
are drawn at random, and measured.

With --report, pictures that were not trained on are asked for by their controls alone, and what is shown instead is
measured; RUN/controls.csv holds the numbers. The last line on standard output is the path of what was written.
"""

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_REPORT = flags.DEFINE_bool('report', False, 'Also measure how well what is asked for is shown.')


def main():
  """Fits the controls; returns the path of the file."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  from dcgan.training import kept_controls  # pylint: disable=import-outside-toplevel  (TensorFlow)
  from tools.avatar import control_fitting
  from tools.avatar import run_folder
  run = run_folder.load(_RUN.value)
  known = control_fitting.keep(run)
  sure = sorted(zip(known.controller.sureness, known.controller.names), reverse=True)
  logging.info('Kept %d controls, the surest first: %s.', len(sure),
               ', '.join(f'{name} {sureness:.2f}' for sureness, name in sure))
  if not _REPORT.value:
    return kept_controls.path_of(run.path)
  from tools.avatar import control_report
  return control_report.save(run, known)


if __name__ == '__main__':
  entry.run(main)
