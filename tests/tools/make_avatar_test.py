"""Tests of the command that makes an avatar: stopped and given again, and wrong input."""

import signal

import imageio.v3 as iio
import pytest

from dcgan.options import config
from dcgan.training import session
from tests import commands
from tests.dcgan import conftest
from tools.demo import clip as demo_clip


@pytest.mark.slow
@pytest.mark.parametrize('arguments, message', [
    ([], 'No input given, but exactly one of --video and --photos must be'),
    (['--video=a.mp4', '--photos=b'], '--video and --photos given, but exactly one of --video and --photos must be'),
    (['--video=a.mp4', '--fps=3'], "Unknown command line flag 'fps'"),
    (['--photos=b', '--minutes=0'], 'error: `minutes` (0) must be over 0 and at most 1440. Use 6.'),
    (['--photos=b', '--minutes=1441'], 'error: `minutes` (1441) must be over 0 and at most 1440'),
    (['--photos=b', '--minutes=nan'], 'error: `minutes` (nan) must be over 0'),
    (['--photos=b', '--init_from=nowhere'], 'error: `init_from` (nowhere): no such run'),
])
def test_wrong_flags_end_with_the_reason_and_exit_code_1(arguments, message):
  made = commands.run('tools.make_avatar', *arguments)
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr


@pytest.mark.slow
def test_videos_and_folders_of_photos_may_be_given_several_times():
  told = commands.run('tools.make_avatar', '--help').stdout
  assert told.count('repeat this option to specify a list of values') == 2


@pytest.mark.slow
def test_what_was_stopped_goes_on_when_the_same_command_is_given_again(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=16, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(tmp_path / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=1))
  model = session.start(options, tmp_path / 'models').run
  demo_clip.make_clip(tmp_path / 'clip.mp4', 2.5, 15.0, 0, 256)
  flags = [f'--video={tmp_path}/clip.mp4', f'--init_from={model}', f'--records_dir={tmp_path}/records',
           f'--checkpoints_dir={tmp_path}/runs']
  process = commands.start('tools.make_avatar', *flags)
  run = tmp_path / 'runs' / '00000-clip16-from-drawn16-avatar'
  commands.wait_for((run / 'stats.jsonl').is_file, process)
  process.send_signal(signal.SIGINT)
  stdout, stderr = process.communicate(timeout=60)
  assert process.returncode == 130 and stdout.splitlines()[-1] == str(run), stderr
  assert 'The same command goes on where it stopped.' in stderr and 'Traceback' not in stderr
  assert not list(run.glob('*.gif'))
  made = commands.run('tools.make_avatar', *flags, '--minutes=0.05')
  assert made.returncode == 0, made.stderr
  assert f'Run {run} goes on at minibatch' in made.stderr
  gif = made.stdout.splitlines()[-1]
  assert gif == f'{run}/avatar.gif' and iio.imread(gif).shape[1:] == (256, 256, 3)
  missing = commands.run('tools.make_avatar', f'--video={tmp_path}/absent.mp4', *flags[1:])
  assert missing.returncode == 1 and missing.stdout == ''
  assert missing.stderr.startswith('error: ') and len(missing.stderr.splitlines()) == 1
