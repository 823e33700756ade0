"""Tests of the command that makes records."""

from PIL import Image
import pytest

from dcgan import records
from tests import entries_test


@pytest.mark.slow
def test_the_prefix_is_the_last_line_and_bad_input_is_one_line(tmp_path, astronaut):
  (tmp_path / 'me').mkdir()
  for name, picture in (('face', astronaut), ('wall', astronaut[:40, :40])):
    Image.fromarray(picture).save(tmp_path / 'me' / f'{name}.png')
  done = entries_test.command('tools.make_records', f'--photos={tmp_path / "me"}', f'--records_dir={tmp_path}',
                              '--name=eve', '--num_shards=2', '--min_eye_distance_px=20', '--max_outside_fraction=0.5')
  assert done.returncode == 0 and done.stdout.splitlines() == [f'{tmp_path}/eve'], done.stderr
  assert '1 faces of 2 pictures' in done.stderr and '1 left out: no face found' in done.stderr
  manifest = records.load_manifest(f'{tmp_path}/eve')
  assert len(manifest.shards) == 2
  assert manifest.settings == {'source': f'{tmp_path}/me', 'fps': None, 'min_eye_distance_px': 20.0,
                               'max_outside_fraction': 0.5}
  done = entries_test.command('tools.make_records', f'--video={tmp_path}/absent.mp4', f'--records_dir={tmp_path}')
  assert done.returncode == 1 and done.stdout == ''
  assert done.stderr.startswith('error: ') and len(done.stderr.splitlines()) == 1
