"""Tests of the command tools.drive: the demo portrait drives a tiny run of itself, of 8 px."""

import json
import signal

import numpy as np
import pytest

from dcgan.control import timeline_files
from tests import commands
from tests.dcgan import conftest
from tests.tools.material import videos_test
from tools.demo import clip as demo_clip
from tools.material import animations
from tools.material import videos


@pytest.fixture(name='clip', scope='module')
def fixture_clip(tmp_path_factory):
  return demo_clip.make_clip(tmp_path_factory.mktemp('drive') / 'a.mp4', 4.0, 8.0, 0, 256)


@pytest.fixture(name='run', scope='module')
def fixture_run(clip):
  made = commands.run('tools.make_records', f'--video={clip}', '--fps=8', f'--records_dir={clip.parent}')
  assert made.returncode == 0, made.stderr
  return conftest.train_places(clip.parent / 'a', clip.parent / 'checkpoints')


def _drive(run, clip, *more):
  return commands.run('tools.drive', f'--run={run}', f'--video={clip}', *more)


@pytest.mark.slow
def test_a_film_becomes_one_of_the_person_of_the_same_length(run, clip, tmp_path):
  made = _drive(run, clip, f'--out={tmp_path}/b.mp4', f'--controls_out={tmp_path}/b.csv', '--side_by_side', '--measure',
                '--size_px=64')
  assert made.returncode == 0 and made.stdout.splitlines()[-1] == f'{tmp_path}/b.mp4', made.stderr
  given, film = (list(videos.Video(path).frames()) for path in (clip, tmp_path / 'b.mp4'))
  np.testing.assert_allclose([secs for secs, _ in film], [secs for secs, _ in given], atol=2e-3)
  assert film[0][1].shape == (64, 128, 3)
  asked = timeline_files.load(tmp_path / 'b.csv')
  assert len(asked.times_secs) == len(given)
  truth = json.loads(clip.with_suffix('.truth.json').read_text(encoding='utf-8'))['frames']
  turned = [frame['controls']['headYaw'] for frame in truth]
  assert np.corrcoef(turned, asked.of(['headYaw'])[:, 0])[0, 1] > 0.9
  found = json.loads((tmp_path / 'b.json').read_text(encoding='utf-8'))
  assert found['num_frames'] == len(given) and found['frames_per_sec'] > 0 and 0 <= found['in_place'] <= 1


@pytest.mark.slow
def test_what_cannot_drive_is_told_in_a_line(run, clip, tmp_path):
  animations.save_animation(tmp_path / 'grey.mp4', videos_test.moving(5), 10)
  for arguments, message in (((tmp_path / 'grey.mp4',), 'no face found in its 5 frames'),
                             ((tmp_path / 'absent.mp4',), 'there is no such file'),
                             ((clip, '--relative=99'), '`relative` (99 s) must lie within the film'),
                             ((clip, '--with=encoder'), 'this run has no encoder')):
    made = _drive(run, *arguments, f'--out={tmp_path}/b.mp4')
    assert made.returncode == 1 and message in made.stderr.splitlines()[-1], made.stderr
    assert made.stderr.splitlines()[-1].startswith('error: ')
  assert sorted(path.name for path in tmp_path.iterdir()) == ['grey.mp4']


@pytest.mark.slow
def test_a_stopped_command_leaves_what_was_there(run, clip, tmp_path):
  (tmp_path / 'b.mp4').write_bytes(b'before')
  process = commands.start('tools.drive', f'--run={run}', f'--video={clip}', f'--out={tmp_path}/b.mp4', '--size_px=2048')
  commands.wait_for(lambda: len(list(tmp_path.iterdir())) > 1, process)  # the film is being written
  process.send_signal(signal.SIGINT)
  _, told = process.communicate(timeout=120)
  assert process.returncode == 130 and told.splitlines()[-1] == 'Interrupted.', told
  assert [path.name for path in tmp_path.iterdir()] == ['b.mp4']
  assert (tmp_path / 'b.mp4').read_bytes() == b'before'


@pytest.mark.slow
def test_a_run_without_places_is_told(clip, tmp_path):
  conftest.make_set(tmp_path / 'drawn', 12)
  made = commands.run('dcgan.train', f'--records={tmp_path}/drawn', f'--checkpoints_dir={tmp_path}/runs', '--channels=4',
                      '--image_size=8', '--kernel_size=3', '--global_batch_size=4', '--num_minibatches=1',
                      '--learner=adversarial')
  assert made.returncode == 0, made.stderr
  made = _drive(made.stdout.splitlines()[-1], clip)
  assert made.returncode == 1 and 'places in Z' in made.stderr.splitlines()[-1], made.stderr
