"""Kills a command at random moments, gives it again until it ends, and holds what it made against an undisturbed one.

  python -m tests.killed --command=train --times=50
  python -m tests.killed --command=records --times=50 --seed=7
  python -m tests.killed --command=avatar --times=10

The input is tiny and made here. Half of the kills (SIGKILL) come while a file is being written. After each one all that
stands under its final name must be whole. At the end records and reports must be the same bytes, and a training's last
checkpoint the same numbers, as those that nothing disturbed; of an avatar, whose training is ended by the clock, the
records are compared, and that it ends. Prints a line for each round; exit code 1 at the first difference.
"""

import argparse
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from dcgan.common import entry

entry.prepare_libraries()

# pylint: disable=wrong-import-position
import tensorflow as tf

from dcgan.data import manifests
from dcgan.data import records
from dcgan.training import checkpoints
from tests import commands

TRAIN_FLAGS = (
    '--image_size=8', '--channels=4', '--kernel_size=3', '--global_batch_size=4', '--num_minibatches=100',
    '--checkpoint_every_steps=5', '--log_every_steps=5', '--samples_every_steps=50', '--best_by=none',
    '--precision=float32', '--strategy=one', '--alone_visits=10')
_NUM_PHOTOS, _NUM_SHARDS = 6, 3
_BEING_WRITTEN = re.compile(r'\..*\.\d+\.tmp.*|ckpt-\d+_temp.*|.*\.tempstate\d+.*')


class Training:
  """`dcgan.train` of a set; where a checkpoint is left, `--resume`."""

  def __init__(self, prefix, folder):
    self.folder = folder
    self._prefix = prefix

  @property
  def run(self):
    """`pathlib.Path` of the newest run with a checkpoint, or None."""
    return max((path.parent for path in self.folder.glob('*/ckpt-*.index')), default=None)

  @property
  def next_command(self):
    """Tuple of str, the module and its flags."""
    if self.run:
      return 'dcgan.train', f'--resume={self.run}'
    return ('dcgan.train', f'--records={self._prefix}', f'--checkpoints_dir={self.folder}', *TRAIN_FLAGS)

  @property
  def is_done(self):
    """bool, whether it had come to its end when it was killed."""
    return False  # it can always be resumed, or is at its end and says so

  def content(self):
    """Returns what is to be the same, dict of arrays or bytes by name."""
    reader = tf.train.load_checkpoint(checkpoints.latest(self.run))
    kept = {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()
            if not key.startswith(('_CHECKPOINTABLE', 'options/'))}
    for name in ('gallery.png', 'samples_000050.png', 'samples_000100.png'):
      kept[name] = (self.run / name).read_bytes()
    return kept | {'names': sorted(path.name for path in self.run.iterdir() if not path.name.startswith('events.'))}


class Records:
  """`tools.make_records` of some photos."""

  module, flags = 'tools.make_records', (f'--num_shards={_NUM_SHARDS}', '--nocurate', '--num_workers=2', '--name=set')

  def __init__(self, photos, folder):
    self.folder = folder
    self.next_command = (self.module, f'--photos={photos}', f'--records_dir={folder}', *self.flags)

  @property
  def is_done(self):
    """bool, whether it had come to its end when it was killed."""
    return manifests.path_of(self.folder / 'set').exists()

  def content(self):
    """Returns what is to be the same, dict of bytes by name."""
    return {path.name: path.read_bytes() for path in self.folder.glob('set*')} | {
        'names': sorted(path.name for path in self.folder.iterdir())}


class Avatar(Records):
  """`tools.make_avatar` of some photos."""

  module = 'tools.make_avatar'

  def __init__(self, photos, model, folder):
    super().__init__(photos, folder)
    self._runs = folder.parent / f'{folder.name}_runs'
    self.next_command = (self.module, f'--photos={photos}', f'--records_dir={folder}', '--name=set', '--minutes=0.05',
                         f'--checkpoints_dir={self._runs}', f'--init_from={model}')

  @property
  def is_done(self):
    """bool, whether it had come to its end when it was killed."""
    return any(self._runs.glob('*/avatar.gif'))


def disturb(job, times, secs, rng):
  """Starts a job's command again after each kill, and a last time to its end.

  Args:
    job: `Training`, `Records` or `Avatar`.
    times: int, kills.
    secs: float, what it takes alone; kills come within.
    rng: `np.random.Generator`.

  Returns:
    int, kills; fewer where the job was done before.

  Raises:
    AssertionError: something is not whole, or a command ends otherwise than it should.
  """
  for num_killed in range(times):
    process = commands.start(*job.next_command)
    _wait(process, job.folder, secs, rng)
    process.kill()
    _, stderr = process.communicate()
    if process.returncode >= 0:
      _check_end(job, process.returncode, stderr)
      return num_killed
    check_whole(job.folder)
    if job.is_done:
      return num_killed + 1
  made = commands.run(*job.next_command)
  _check_end(job, made.returncode, made.stderr)
  return times


def _check_end(job, code, stderr):
  """A training that was killed behind its last line is at its end already, which is told in a line."""
  assert 'Traceback' not in stderr, stderr
  assert code == 0 or 'already' in stderr, f'{job.next_command} ended with {code}:\n{stderr}'


def _wait(process, folder, secs, rng):
  """Waits until a random moment, or until a file is being written after it."""
  while_writing, ends_at = rng.random() < 0.5, time.monotonic() + rng.uniform(0.0, secs)
  while process.poll() is None and time.monotonic() < ends_at:
    time.sleep(0.002)
  ends_at = time.monotonic() + secs
  while while_writing and process.poll() is None and time.monotonic() < ends_at:
    if any(_BEING_WRITTEN.fullmatch(path.name) for path in folder.rglob('*')):
      return


def check_whole(folder):
  """Raises where a file under its final name cannot be read to its end."""
  for path in sorted(folder.rglob('*')):
    if _BEING_WRITTEN.fullmatch(path.name) or any(part.endswith('.unfinished') for part in path.parts):
      continue
    if path.suffix == '.json':
      json.loads(path.read_text(encoding='utf-8'))
    elif path.suffix in ('.png', '.gif'):
      with Image.open(path) as picture:
        picture.load()
    elif path.suffix == '.npz':
      with np.load(path) as content:
        _ = [content[name] for name in content]
    elif path.suffix == '.index':
      reader = tf.train.load_checkpoint(str(path.with_suffix('')))
      _ = [reader.get_tensor(name) for name in reader.get_variable_to_shape_map()]
  for path in folder.rglob('*.tfrecord-00000-of-*'):
    prefix = path.with_name(path.name.partition('.tfrecord')[0])
    if manifests.path_of(prefix).exists() and '.unfinished' not in str(path):
      list(records.read_faces(prefix, manifests.load(prefix)))


def assert_same(left, right):
  """Raises where two jobs made what differs."""
  left, right = left.content(), right.content()
  assert left.keys() == right.keys(), left.keys() ^ right.keys()
  for name, value in left.items():
    np.testing.assert_array_equal(value, right[name], err_msg=name)


def draw_photos(folder):
  """Writes some small photos of one face into a folder, and returns it."""
  from skimage import data  # pylint: disable=import-outside-toplevel
  portrait = Image.fromarray(data.astronaut()[:300, 80:380])
  folder.mkdir()
  for number in range(_NUM_PHOTOS):
    portrait.resize((200 + 20 * number, 200 + 20 * number)).save(folder / f'{number}.png')
  return folder


def make_job(command, folder, name):
  """Returns a job of a command, 'train', 'records' or 'avatar', in a folder of its own; the input is made once."""
  from tests.dcgan import conftest  # pylint: disable=import-outside-toplevel
  if command != 'records' and not (folder / 'drawn.json').exists():
    conftest.make_set(folder / 'drawn', 13)
  if command == 'train':
    return Training(folder / 'drawn', folder / name)
  photos = folder / 'photos'
  photos = photos if photos.exists() else draw_photos(photos)
  if command == 'records':
    return Records(photos, folder / name)
  model = folder / 'model'
  if not model.exists():
    made = commands.run('dcgan.train', f'--records={folder}/drawn', f'--checkpoints_dir={folder}/models', '--crop=140',
                        *TRAIN_FLAGS, '--image_size=16', '--num_minibatches=1', '--checkpoint_every_steps=1')
    assert made.returncode == 0, made.stderr
    shutil.move(made.stdout.splitlines()[-1], model)
  return Avatar(photos, model, folder / name)


def run_alone(job):
  """Runs a job's command to its end; returns how many seconds it took, float."""
  start = time.monotonic()
  made = commands.run(*job.next_command)
  assert made.returncode == 0, made.stderr
  return time.monotonic() - start


def main():
  """Kills as the arguments say; returns the exit code."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--command', choices=('records', 'train', 'avatar'), default='train')
  parser.add_argument('--times', type=int, default=50, help='Kills in all.')
  parser.add_argument('--a_round', type=int, default=5, help='Kills of one run at most.')
  parser.add_argument('--seed', type=int, default=0)
  given = parser.parse_args()
  rng, num_killed, num_rounds = np.random.default_rng(given.seed), 0, 0
  with tempfile.TemporaryDirectory(prefix='killed-') as folder:
    folder = pathlib.Path(folder)
    whole = make_job(given.command, folder, 'whole')
    secs = run_alone(whole)
    print(f'Alone it takes {secs:.1f} s.', flush=True)
    while num_killed < given.times:
      job = make_job(given.command, folder, f'killed{num_rounds}')
      start = time.monotonic()
      num_now = disturb(job, min(given.a_round, given.times - num_killed), secs, rng)
      if not num_now:  # it ended by itself: the machine was busier when `secs` was taken
        secs = min(secs, time.monotonic() - start)
      assert_same(job, whole)
      num_killed, num_rounds = num_killed + num_now, num_rounds + 1
      print(f'{num_killed} kills, {num_rounds} rounds: all as undisturbed.', flush=True)
  return 0


if __name__ == '__main__':
  sys.exit(main())
