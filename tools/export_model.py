"""Writes a run's networks as one file to pass on, which others start from with --init_from=FILE.

  python -m tools.export_model --run=checkpoints/00002-faces64
  python -m tools.export_model --run=checkpoints/00002-faces64 --checkpoint=20000 --out=faces64.safetensors

By default all checkpoints that the run kept are evaluated, and the best one is taken: of those with the most faces the
one nearest to the photos. Generator, averaged generator and discriminator are written as SafeTensors, kernels in
float16, with their options and a checksum. NAME.json beside the file tells its SHA-256, the options of the run and the
numbers of its evaluation. The last line on standard output is the file's path.
"""

import hashlib
import json
import pathlib

from absl import app
from absl import flags
from absl import logging

from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import files
from dcgan.common import wording

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_CHECKPOINT = flags.DEFINE_string('checkpoint', 'evaluated', 'evaluated for the best one by evaluation, best by the '
                                  'score in training, latest, or the minibatch of one.')
_OUT = entry.define_path('out', None, 'File to write, ending in .safetensors. By default in the folder of the run, '
                         'named after it.')
_NUM_SAMPLES = flags.DEFINE_integer('num_samples', 256, 'Pictures that each checkpoint is evaluated on.',
                                    lower_bound=64)


def main():
  """Writes the file; returns its path."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  checkpoint = _CHECKPOINT.value
  if checkpoint not in ('evaluated', 'best', 'latest') and not checkpoint.isdecimal():
    raise errors.InputError(f'`checkpoint` ({checkpoint}) must be evaluated, best, latest or the minibatch of one. Use '
                            'evaluated.')
  # pylint: disable=import-outside-toplevel  (TensorFlow)
  from dcgan.model import weights
  from dcgan.training import checkpoints
  from dcgan.training import runs
  from dcgan.training import trained_networks
  from tools.evaluation import evaluator
  run = pathlib.Path(_RUN.value)
  checkpoints.latest(run)
  path = pathlib.Path(_OUT.value or run / f'{runs.short_name(run)}{weights.SUFFIX}')
  weights.check_suffix(path)  # before minutes of evaluation
  if checkpoint == 'evaluated':
    evaluated = evaluator.choose_checkpoint(run, _NUM_SAMPLES.value)
  else:
    evaluated = evaluator.measure_run(run, int(checkpoint) if checkpoint.isdecimal() else checkpoint,
                                       num_samples=_NUM_SAMPLES.value)
  weights.save(path, trained_networks.load_model(run, evaluated.step))
  model = weights.load(path)
  content = path.read_bytes()
  numbers = evaluator.as_json(evaluated)
  told = dict(file=path.name, sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content), step=evaluated.step,
              options=json.loads(model.options.to_json()),
              **{name: numbers[name] for name in ('num_samples', 'measures', 'of_reals', 'reasons', 'verdict')})
  files.write_text(path.with_suffix('.json'), json.dumps(told, indent=1) + '\n')
  logging.info('Wrote minibatch %d of %s, %.1f MB. %s Start from it with: python -m dcgan.train --records=RECORDS '
               '%s', evaluated.step, run, len(content) / 1e6, ' '.join(evaluated.verdict),
               wording.flag('init_from', path))
  return path


if __name__ == '__main__':
  entry.run(main)
