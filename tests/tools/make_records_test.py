"""Tests of the command that makes records."""

import dataclasses

from absl import flags
import cv2
from PIL import Image
import pytest

from dcgan.data import manifests
from dcgan.data import records
from tests import commands
from tools.demo import clip as demo_clip
from tools.faces import alignment
from tools.faces import background
from tools import make_records  # pylint: disable=unused-import  # defines its flags
from tools.material import animations
from tools.material import celeba
from tools.sets import curation


def test_limits_choices_and_defaults_of_the_flags_are_those_of_the_libraries():
  given = {flag.name: flag for flag in flags.FLAGS.flags_by_module_dict()['tools.make_records']}
  for field in dataclasses.fields(curation.Limits):
    assert given[field.name].default == field.default
  assert tuple(given['background'].parser.enum_values) == background.BACKGROUNDS
  assert tuple(given['align'].parser.enum_values) == alignment.ALIGNMENTS
  assert given['align'].default == alignment.EYES
  assert tuple(given['partition'].parser.enum_values) == tuple(celeba.PARTITIONS)


@pytest.mark.slow
def test_photos_end_with_a_report_and_the_prefix_and_bad_input_is_one_line(tmp_path, astronaut):
  (tmp_path / 'me').mkdir()
  for name, picture in (('face', astronaut), ('smaller', cv2.resize(astronaut, (300, 300))),
                        ('wall', astronaut[:40, :40])):
    Image.fromarray(picture).save(tmp_path / 'me' / f'{name}.png')
  done = commands.run('tools.make_records', f'--photos={tmp_path / "me"}', f'--records_dir={tmp_path}',
                      '--name=eve', '--min_eye_distance_px=20', '--max_outside_fraction=0.5')
  assert done.returncode == 0 and done.stdout.splitlines()[-1] == f'{tmp_path}/eve', done.stderr
  assert done.stdout.splitlines()[0].endswith('eve: 1 face of 3 pictures (photos), 1 shard, schema 3')
  assert 'left out: 1 × no face found' in done.stdout and 'left out: 1 × the same picture as another' in done.stdout
  assert '1 usable face: under 20, training will likely copy' in done.stdout
  assert (tmp_path / 'eve.png').is_file()
  manifest = manifests.load(f'{tmp_path}/eve')
  assert manifest.settings['source'] == [f'{tmp_path}/me'] and manifest.settings['min_eye_distance_px'] == 20.0
  assert manifest.settings['align'] == 'eyes'
  done = commands.run('tools.make_records', f'--video={tmp_path}/absent.mp4', f'--records_dir={tmp_path}')
  assert done.returncode == 1 and done.stdout == ''
  assert done.stderr.startswith('error: ') and len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_two_folders_of_photos_are_one_set_and_two_of_celeba_are_refused(tmp_path, astronaut):
  for i, name in enumerate(('home', 'work')):
    (tmp_path / name).mkdir()
    Image.fromarray(astronaut[:400 + 20 * i, ::1 - 2 * i]).save(tmp_path / name / 'face.png')
  done = commands.run('tools.make_records', f'--photos={tmp_path}/home', f'--photos={tmp_path}/work', '--nocurate',
                      f'--records_dir={tmp_path}')
  assert done.returncode == 0 and done.stdout.splitlines()[-1] == f'{tmp_path}/home', done.stderr
  faces = records.read_faces(f'{tmp_path}/home', manifests.load(f'{tmp_path}/home'))
  assert [face.key for face in faces] == ['home/face.png', 'work/face.png']
  done = commands.run('tools.make_records', '--celeba=a', '--celeba=b')
  assert done.returncode == 1 and 'already defined as a' in done.stderr + done.stdout


@pytest.mark.slow
def test_videos_end_with_the_person_that_was_asked_for(tmp_path, astronaut):
  clip = demo_clip.make_clip(tmp_path / 'clip.mp4', 1.0, 6.0, 0, 256)
  animations.save_animation(tmp_path / 'two.mp4', [astronaut, astronaut[:, ::-1]], 2)
  done = commands.run(
      'tools.make_records', f'--video={clip}', f'--video={tmp_path / "two.mp4"}', '--fps=6', '--end_secs=0.9',
      f'--records_dir={tmp_path}/records', '--nocurate', '--background=white', '--match_colour', '--person=1')
  assert done.returncode == 0 and done.stdout.splitlines()[-1] == f'{tmp_path}/records/clip', done.stderr
  manifest = manifests.load(f'{tmp_path}/records/clip')
  keys = [face.key for face in records.read_faces(f'{tmp_path}/records/clip', manifest)]
  assert keys[0] == 'clip.mp4@0.000s' and {key.partition('@')[0] for key in keys} >= {'clip.mp4'}
  assert (tmp_path / 'records' / 'clip+people.png').is_file()
  done = commands.run('tools.make_records', f'--video={clip}', '--fps=6', '--person=7', '--overwrite',
                      f'--records_dir={tmp_path}/records')
  assert done.returncode == 1 and 'error: `person` (7) must be at most 1' in done.stderr


@pytest.mark.slow
def test_faces_that_are_only_cropped_are_told_in_the_report_and_the_manifest(tmp_path, astronaut):
  (tmp_path / 'me').mkdir()
  Image.fromarray(astronaut).save(tmp_path / 'me' / 'face.png')
  done = commands.run('tools.make_records', f'--photos={tmp_path / "me"}', f'--records_dir={tmp_path}',
                      '--name=eve', '--align=off')
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[0].endswith('schema 3, not aligned')
  assert manifests.load(f'{tmp_path}/eve').settings['align'] == 'off'
