"""Finds the expression of a photo in a run's Z: the point at which the model comes nearest to it.

  python -m tools.find_expression --run=checkpoints/00001-adele64 --photo=smile.jpg

The photo may be any in which the person's face is seen, also one that was not trained on. Its face is aligned, looked
for by descent from where the run's encoder puts it and from the nearest places, and drawn beside what the model makes
of it: RUN/found/smile.png. From then on `smile` may stand where a number of the gallery can:

  python -m tools.animate --run=checkpoints/00001-adele64 --source=0 --target=smile

What the face does there is told in controls, as tools.pose takes them. The last line on standard output is the
picture's path.
"""

from absl import app
from absl import logging

from dcgan.common import entry
from dcgan.common import wording

_RUN = entry.define_path('run', None, 'Folder of the run, as printed by dcgan.train.')
_PHOTO = entry.define_paths('photo', None, 'The photo, in any format that Pillow reads. Give it again for more.')


def main():
  """Finds the expressions; returns the path of the last one's picture."""
  if not _RUN.value:
    raise app.UsageError('--run is needed: the folder that dcgan.train printed, as in --run=checkpoints/00000-NAME.')
  if not _PHOTO.value:
    raise app.UsageError('--photo is needed: a picture of the person, as in --photo=smile.jpg.')
  from tools.avatar import finding  # pylint: disable=import-outside-toplevel  (TensorFlow)
  finder = finding.Finder(_RUN.value)
  for photo in _PHOTO.value:
    one = finder.find(photo)
    near = f', nearest to {one.nearest_key}' if one.nearest_key else ''
    shape = '' if one.landmark_error is None else (
        f', its features off by {wording.percent(one.landmark_error, 1)} of the eyes\' distance')
    logging.info('%s: off by %.1f grey values%s%s. Use it as %s, as in: python -m tools.animate %s --source=0 '
                 '--target=%s', photo, one.error, shape, near, one.name, wording.flag('run', _RUN.value), one.name)
    if not one.is_known:
      logging.warning('%s: this face is unknown to the model, whose own pictures are off by %.1f: somebody else, a '
                      'drawing, a mask, or another light. What was found is the nearest that the model can show.',
                      photo, finder.usual_error)
    if one.controls:
      logging.info('What it does: python -m tools.pose %s %s', wording.flag('run', _RUN.value),
                   ' '.join(f'{name}={value:g}' for name, value in one.controls.items()))
  return one.path


if __name__ == '__main__':
  entry.run(main)
