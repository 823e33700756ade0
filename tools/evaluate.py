"""Evaluates a run: published measures beside those of the photos, a verdict in words, and a page with pictures.

  python -m tools.evaluate --run=checkpoints/00001-adele64
  python -m tools.evaluate --run=checkpoints/00001-adele64 --checkpoint=all
  python -m tools.evaluate --run=checkpoints/00001-adele64 --run=checkpoints/00002-adele64-from-ufm --checkpoint=best

Measures how many samples are clean faces, how varied they and their expressions are, how alike the person, how near to
the photos, whether training pictures are copied, how noisy they are and how evenly lines in Z move; of a run with
places also how well its pictures, and held-out ones, come back; with --inception_weights, FID and KID too. Prints a
table, and writes RUN/evaluation.json and RUN/evaluation.html: one file that opens from disk, with the samples beside
their nearest training pictures and the curves of the training. Runs that still train can be evaluated. The last line
on standard output is the path of the page.
"""

from absl import app
from absl import flags

from dcgan.common import entry

_RUN = entry.define_paths('run', None, 'Folder of a run, as printed by dcgan.train. Give it again for others '
                          'that stand beside it.')
_CHECKPOINT = flags.DEFINE_string('checkpoint', 'latest', 'latest, best (by the measure of its training), the '
                                  'minibatch of one, or all that were kept.')
_RECORDS = entry.define_path('records', None, 'The set to measure against. By default the one that the run was '
                             'trained on, where that was.')
_NUM_SAMPLES = flags.DEFINE_integer('num_samples', 256, 'Pictures to generate. Distances may be compared only between '
                                    'as many.', lower_bound=1)
_INCEPTION_WEIGHTS = entry.define_path('inception_weights', 'none', 'For FID and KID: imagenet for the weights that '
                                       'Keras downloads, a file of them, or none to leave both out.')
_OUT = entry.define_path('out', None, 'The page to write, its numbers beside it as .json. By default evaluation.html '
                         'in the folder of the first run.')


def main():
  """Evaluates the runs; returns the path of the page."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  from tools.evaluation import evaluator  # pylint: disable=import-outside-toplevel  (TensorFlow)
  return evaluator.evaluate(_RUN.value, _CHECKPOINT.value, _RECORDS.value, _NUM_SAMPLES.value,
                             _INCEPTION_WEIGHTS.value, _OUT.value)


if __name__ == '__main__':
  entry.run(main)
