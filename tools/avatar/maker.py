"""From a video or photos of a person to an animated face: a set, a run, its gallery and a way through expressions."""

from absl import logging

from dcgan.common import entry
from dcgan.common import errors
from dcgan.common import wording
from dcgan.control import names as control_names
from dcgan.training import runs
from dcgan.training import transfers
from tools.avatar import animation
from tools.avatar import control_card
from tools.avatar import control_fitting
from tools.avatar import person_run
from tools.avatar import person_set
from tools.avatar import posing
from tools.avatar import run_folder

_NUM_EXPRESSIONS = 5


def make_avatar(kind, paths, *, name=None, person=None, minutes=6.5, image_size=None, init_from=transfers.SHIPPED,
                records_dir='records', checkpoints_dir='checkpoints', overwrite=False):
  """Makes a set, trains a run on it, and animates a way through several of its expressions.

  A set that was made from the same pictures is kept, and a run on it that was stopped, or was short, goes on; one that
  is done goes on where it is to be trained longer than it was, and else is taken as it is.

  Args:
    kind: 'video' or 'photos'.
    paths: list of str: videos or their addresses, or folders.
    name: str, the set's; None names it after the first path.
    person: str, whose face, as `choice.Wanted` takes it; None for the most present person, or the most central one.
    minutes: float, how long to train at most.
    image_size: int, of the pictures, in px; None for that of `init_from`, or 128 where that is 64 and the machine fast.
    init_from: str, the model to start from, as for `transfers.load_donor`; its networks and crop are kept.
    records_dir: str, the folder of all sets.
    checkpoints_dir: str, the folder of all runs.
    overwrite: bool, whether all is made anew, a set of that name replaced.

  Returns:
    `pathlib.Path` of the GIF.

  Raises:
    entry.Stopped: a signal ended the training.
    errors.InputError: an argument breaks its rule, the input, the set or `init_from` cannot be used, there are too few
      faces, or training diverged or went back to its start.
  """
  model = transfers.load_donor(init_from).model
  prefix = person_set.make(kind, paths, name, person, records_dir, overwrite)
  result, is_done = person_run.train(prefix, model, image_size, init_from, checkpoints_dir, minutes, overwrite)
  if result.signal:
    logging.info('The avatar is not done. The same command goes on where it stopped.')
    raise entry.Stopped(result.run, result.signal)
  path = result.run / person_run.AVATAR
  if is_done:
    logging.info('%s is done already. More --minutes train it further; --overwrite makes all anew.', path)
    return path
  fewest = person_run.fewest_steps(runs.load_options(result.run))
  if not result.global_step:
    raise errors.InputError(f'{result.run}: nothing was learnt: training went back to its start, where the model shows '
                            'other people. Take more, or other, pictures of the person, and give --overwrite.')
  if result.global_step < fewest:
    logging.warning('Training was short: %d minibatches, where the pictures need %d at least, so that it hardly shows '
                    'the person. Raise --minutes (%g) and give the same command again: it goes on.',
                    result.global_step, fewest, minutes)
  _keep_controls(result.run)
  logging.info('Animating expressions that are far apart.')
  animation.save(result.run, path=path, through=_NUM_EXPRESSIONS, there_and_back=False)
  person_run.keep_minutes(result.run, minutes)
  return path


def _keep_controls(run):
  """Keeps the controls of a run with it, and draws their card; tells where its pictures are too few for that."""
  folder = run_folder.load(run)
  try:
    poser = posing.Poser(folder, control_fitting.keep(folder))
  except errors.InputError as error:
    logging.info('No controls are kept: %s', error)
    return
  card = run / control_card.FILE
  control_card.save(card, poser)
  surest = max(((sureness, name) for name, sureness in zip(poser.controller.names, poser.controller.sureness)
               if name not in control_names.HEAD), default=(0, 'headYaw'))[1]
  logging.info('What the face does by name: %s. Try: python -m tools.pose %s %s=0.7', card, wording.flag('run', run),
               surest)
