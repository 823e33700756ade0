import os
import subprocess
import sys
import time
import types

from absl import app
import cv2
import numpy as np
from PIL import Image
import pytest

from dcgan import errors
from dcgan import records
from tools import make_records
from tools import media

_DEFAULTS = dict(video=None, fps=1.0, photos=None, celeba=None, name=None, num_shards=0, overwrite=False,
                 min_eye_distance_px=12.0, max_outside_fraction=0.2)


@pytest.fixture
def run(monkeypatch, tmp_path):
  """Returns a function that runs the command with flags given by keyword."""

  def run_with(**given):
    values = _DEFAULTS | {'records_dir': str(tmp_path / 'records')} | given
    monkeypatch.setattr(make_records, 'FLAGS', types.SimpleNamespace(**values))
    return make_records.main()

  return run_with


def _save_photos(folder, astronaut):
  """Saves three photos of a face, one of none, and a broken one."""
  folder.mkdir()
  for i, degrees in enumerate((0, 15, -25)):
    turn = cv2.getRotationMatrix2D((225, 110), degrees, 1)
    Image.fromarray(cv2.warpAffine(astronaut, turn, (512, 512))).save(folder / f'{i}.png')
  Image.fromarray(np.full([200, 200, 3], 90, np.uint8)).save(folder / '3 empty.png')
  (folder / '4.jpg').write_text('broken')
  return str(folder)


def test_photos_become_a_set_with_a_manifest(run, tmp_path, astronaut):
  prefix = run(photos=_save_photos(tmp_path / 'My photos!', astronaut))
  assert prefix == str(tmp_path / 'records' / 'My_photos')
  manifest = records.load_manifest(prefix)
  assert (manifest.num_images, manifest.num_inputs, manifest.kind) == (3, 5, 'photos')
  assert manifest.rejected == (records.Rejection('3 empty.png', 'no face found'),
                               records.Rejection('4.jpg', 'unreadable: not a picture that can be read'))
  assert manifest.settings['min_eye_distance_px'] == 12.0
  assert [face.key for face in records.read_faces(prefix, manifest)] == ['0.png', '1.png', '2.png']


def test_video_becomes_a_set_with_times(run, tmp_path, astronaut):
  media.save_animation(tmp_path / 'me.mp4', [np.roll(astronaut, i, axis=1) for i in range(8)], 4)
  prefix = run(video=str(tmp_path / 'me.mp4'), fps=2.0, name='eve', num_shards=2)
  manifest = records.load_manifest(prefix)
  faces = list(records.read_faces(prefix, manifest))
  assert prefix.endswith('eve') and len(manifest.shards) == 2
  assert [face.key for face in faces] == ['me.mp4@0.000s', 'me.mp4@0.500s', 'me.mp4@1.000s', 'me.mp4@1.500s']
  np.testing.assert_allclose([face.time_secs for face in faces], [0, 0.5, 1, 1.5], atol=1e-3)


def test_existing_set_is_refused_and_overwritten_only_when_told(run, tmp_path, astronaut):
  photos = _save_photos(tmp_path / 'me', astronaut)
  prefix = run(photos=photos, num_shards=3)
  with pytest.raises(errors.InputError, match=f'`{prefix}` is a set of records already.*--overwrite'):
    run(photos=photos)
  run(photos=photos, overwrite=True)
  assert sorted(os.listdir(tmp_path / 'records')) == ['me.json', 'me.tfrecord-00000-of-00001']


def test_bad_input_leaves_an_existing_set_alone(run, tmp_path, astronaut):
  prefix = run(photos=_save_photos(tmp_path / 'me', astronaut))
  digest = records.load_manifest(prefix).digest
  with pytest.raises(errors.InputError, match=r'absent\.mp4'):
    run(video='absent.mp4', name='me', overwrite=True)
  assert records.load_manifest(prefix).digest == digest


def test_pictures_without_any_face_leave_nothing(run, tmp_path):
  (tmp_path / 'walls').mkdir()
  Image.fromarray(np.full([200, 200, 3], 90, np.uint8)).save(tmp_path / 'walls' / 'a.png')
  with pytest.raises(errors.InputError, match='none of the 1 pictures gave a face.*1 × no face found'):
    run(photos=str(tmp_path / 'walls'))
  assert not os.path.isdir(tmp_path / 'records') or not os.listdir(tmp_path / 'records')


@pytest.mark.parametrize('given, said', [
    ({}, 'No input given, but exactly one'), ({'video': 'a.mp4', 'photos': 'b'}, '--video and --photos given')])
def test_exactly_one_input_is_asked_for(run, given, said):
  with pytest.raises(app.UsageError, match=said):
    run(**given)


@pytest.mark.parametrize('name', ['a/b', '', '.hidden', '../up', 'a b'])
def test_name_that_is_no_file_name_is_refused(run, name):
  with pytest.raises(errors.InputError, match=r'`name` \(') as caught:
    run(photos='photos', name=name)
  assert repr(name) in str(caught.value)


@pytest.mark.parametrize('kind, path, name', [
    ('video', 'clips/My clip (1).mp4', 'My_clip_1'), ('video', 'me.final.mov', 'me.final'), ('photos', 'a/b/', 'b'),
    ('photos', '/', 'photos'), ('video', '--.mp4', 'video')])
def test_name_comes_from_the_input(kind, path, name):
  assert make_records.default_name(kind, path) == name


def _run_command(*arguments):
  return subprocess.run([sys.executable, '-m', 'tools.make_records', *arguments], capture_output=True, text=True,
                        check=False)


def test_help_answers_in_under_a_second_with_examples():
  start = time.monotonic()
  done = _run_command('--help')
  assert time.monotonic() - start < 1
  assert '--video=me.mp4' in done.stdout and '--num_shards' in done.stdout


def test_wrong_flags_end_with_usage_and_exit_code_1():
  done = _run_command()
  assert done.returncode == 1 and 'exactly one of --video' in done.stdout + done.stderr
  assert 'Traceback' not in done.stderr


@pytest.mark.slow
def test_command_prints_the_prefix_last_and_bad_input_ends_in_one_line(tmp_path, astronaut):
  done = _run_command(f'--photos={_save_photos(tmp_path / "me", astronaut)}', f'--records_dir={tmp_path}')
  assert done.returncode == 0 and done.stdout.splitlines() == [f'{tmp_path}/me']
  assert '3 faces of 5 pictures' in done.stderr and '1 left out: no face found' in done.stderr
  done = _run_command(f'--video={tmp_path}/absent.mp4', f'--records_dir={tmp_path}')
  assert done.returncode == 1 and done.stdout == ''
  assert done.stderr.startswith('error: ') and len(done.stderr.splitlines()) == 1
