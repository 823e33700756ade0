"""Tests of how a source becomes a set of records, how a stopped run goes on, and how one set takes another's place."""

import functools

import cv2
import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from dcgan.control import calibration
from dcgan.control import names
from dcgan.data import manifests
from dcgan.data import records
from tests.tools.sets import drawn
from tools.material import animations
from tools.sets import beam
from tools.sets import choice
from tools.sets import curation
from tools.sets import pipeline
from tools.sets import report_card
from tools.sets import scan
from tools.sets import workers

_ALONE = functools.partial(workers.run, num_workers=1)


@pytest.fixture(name='finder')
def _finder(monkeypatch):
  monkeypatch.setattr(scan, '_finder', drawn.Finder)


def _write(folder, source, num_shards=0, run=_ALONE, wanted=drawn.EVERYTHING, **options):
  return pipeline.make_set(source, str(folder / 'set'), wanted, num_shards=num_shards, run=run,
                           settings={'source': 'drawn'}, **options)[0]


def _names(folder):
  return sorted(path.name for path in folder.iterdir())


def _faces(folder):
  return list(records.read_faces(str(folder / 'set'), manifests.load(str(folder / 'set'))))


def test_manifest_counts_every_input_with_its_reason(finder, tmp_path):
  manifest = _write(tmp_path, drawn.Source(10, faceless=(2, 7), broken=(4,), repeated=(5,)), num_shards=3)
  assert (manifest.num_images, manifest.num_inputs, manifest.kind) == (6, 9, 'photos')
  assert manifest.rejected == (
      manifests.Rejection('2.png', drawn.NO_FACE), manifests.Rejection('4.png', drawn.TORN),
      manifests.Rejection('7.png', drawn.NO_FACE))
  assert manifests.load(str(tmp_path / 'set')) == manifest
  assert [face.order for face in _faces(tmp_path)] == [0, 1, 3, 6, 8, 9]


def test_files_that_are_no_pictures_stand_in_the_manifest_and_do_not_count(finder, tmp_path):
  left_out = (manifests.Rejection('a.cr2', manifests.Reason('raw_photo', 'CR2')),)
  manifest = _write(tmp_path, drawn.Source(4, faceless=(2,), left_out=left_out))
  assert (manifest.num_images, manifest.num_inputs) == (3, 4)
  assert manifest.rejected == (manifests.Rejection('2.png', drawn.NO_FACE), *left_out)
  assert 'left out: 1 × raw photo (CR2): export it as JPEG' in report_card.summary('set', manifest)


def test_what_was_done_to_the_inputs_stands_in_the_manifest_and_in_the_report(finder, tmp_path):
  source = drawn.Source(5)
  source.notes = ('`a.mov` is HDR (HLG, BT.2020): its pictures were brought to sRGB.',)
  manifest, report = pipeline.make_set(source, str(tmp_path / 'set'), drawn.EVERYTHING, run=_ALONE, settings={})
  assert manifest.notes == source.notes == manifests.load(str(tmp_path / 'set')).notes
  assert source.notes[0] in report.splitlines()
  _write(tmp_path / 'other', drawn.Source(2))
  assert '"notes"' not in (tmp_path / 'other' / 'set.json').read_text()  # as before where there is nothing to tell


def test_manifest_holds_the_range_of_what_faces_do(finder, tmp_path):
  found = calibration.Calibration.from_json(_write(tmp_path, drawn.Source(5), num_shards=2).controls)
  assert found.names == names.MEASURED
  np.testing.assert_allclose(found.rest, _faces(tmp_path)[0].controls, rtol=1e-4, atol=1e-5)  # all faces are one
  assert found.absent == names.MEASURED


def test_shards_split_the_inputs_evenly_and_each_is_read_once(finder, tmp_path):
  source = drawn.Source(11)
  manifest = _write(tmp_path, source, num_shards=4)
  assert source.slices == [(0, 2), (2, 5), (5, 8), (8, 11)]
  assert [shard.num_records for shard in manifest.shards] == [2, 3, 3, 3]
  assert _names(tmp_path) == ['set.json', 'set.png'] + [f'set.tfrecord-0000{i}-of-00004' for i in range(4)]


def test_shards_are_one_per_1000_inputs_and_not_more_than_inputs(finder, tmp_path):
  assert len(_write(tmp_path, drawn.Source(1001, repeated=range(3, 1001))).shards) == 2
  assert len(_write(tmp_path, drawn.Source(3), num_shards=8).shards) == 3


def test_background_and_colour_read_inputs_a_second_time(finder, tmp_path):
  source = drawn.Source(4)
  _write(tmp_path, source, num_shards=2, match_colour=True)
  assert source.slices == [(0, 2), (2, 4)] * 2


def test_input_that_vanished_before_the_second_pass_is_left_out_with_its_reason(finder, tmp_path):
  source = drawn.Source(4)
  read = source.read

  def read_once(start, stop):
    for frame in read(start, stop):
      yield manifests.Rejection(frame.key, drawn.TORN) if len(source.slices) == 2 and frame.order == 1 else frame

  source.read = read_once
  manifest = _write(tmp_path, source, num_shards=1, match_colour=True)
  assert manifest.rejected == (manifests.Rejection('1.png', drawn.TORN),)
  assert (manifest.num_images, manifest.num_inputs) == (3, 4)


def test_video_that_vanished_before_the_second_pass_leaves_the_old_set_and_all_that_was_seen(finder, tmp_path):
  old = _write(tmp_path, drawn.Source(3))
  source = drawn.Source(6, kind='video')
  read = source.read

  def read_once(start, stop):
    if source.slices:  # as a damaged video does: with the wanted times for keys, not the frames'
      source.slices.append((start, stop))
      return iter([manifests.Rejection(f'@{i}', drawn.TORN) for i in range(start, stop)])
    return read(start, stop)

  source.read = read_once
  with pytest.raises(errors.InputError, match='none of the 6 pictures with a face could be read a second time'):
    _write(tmp_path, source)
  assert manifests.load(str(tmp_path / 'set')) == old
  source.read, source.slices = read, []
  assert _write(tmp_path, source).num_images == 6 and len(source.slices) == 1  # only the second pass


def test_frames_that_a_damaged_video_lost_since_the_first_pass_are_counted(finder, tmp_path):
  source = drawn.Source(6, kind='video')
  read = source.read
  source.read = lambda start, stop: read(start, 4 if source.slices else stop)
  manifest = _write(tmp_path, source)
  assert manifest.rejected == tuple(
      manifests.Rejection(f'{i}.png', manifests.Reason('not_read_again')) for i in (4, 5))
  assert (manifest.num_images, manifest.num_inputs) == (4, 6)


def test_limits_that_leave_nothing_name_themselves_and_keep_what_was_seen(finder, tmp_path):
  source = drawn.Source(5)
  wanted = choice.Wanted(curation.Limits(min_eye_distance_px=99))
  with pytest.raises(errors.InputError, match='all of the 5 pictures are left out.*5 × eyes 39.0 px.*=99.*--nocurate'):
    _write(tmp_path, source, wanted=wanted)
  source.slices = []
  assert _write(tmp_path, source).num_images == 5 and not source.slices


def test_person_who_is_not_there_is_refused_with_the_sheet(finder, tmp_path):
  with pytest.raises(errors.InputError, match=r'`person` \(7\) must be at most 1.*set\+people.png shows them'):
    _write(tmp_path, drawn.Source(3, kind='video'), wanted=choice.Wanted(None, True, person='7'))
  assert (tmp_path / 'set+people.png').is_file()


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_wrong_reject_fraction_is_refused(finder, tmp_path, value):
  with pytest.raises(errors.InputError, match=r'`max_reject_fraction` \(.*\) must be within 0 and 1'):
    _write(tmp_path, drawn.Source(3), max_reject_fraction=value)


def test_shards_too_large_for_memory_are_refused(finder, tmp_path):
  with pytest.raises(errors.InputError, match=r'`num_shards` \(2\) must be at least 30 for 30,000 pictures'):
    _write(tmp_path, drawn.Source(30_000), num_shards=2)


def test_same_inputs_give_the_same_bytes(finder, tmp_path):
  first, second = (_write(tmp_path / name, drawn.Source(6, faceless=(1,)), num_shards=2) for name in 'ab')
  assert first.digest == second.digest


def test_no_face_at_all_says_why_and_leaves_nothing(finder, tmp_path):
  with pytest.raises(errors.InputError, match='none of the 5 pictures gave a face.*4 × no face found, 1 × unreadable'):
    _write(tmp_path, drawn.Source(5, faceless=range(4), broken=(4,)), num_shards=2)
  assert not _names(tmp_path)


def test_hopeless_run_ends_early(finder, tmp_path):
  looked_at = []
  source = drawn.Source(1000, faceless=range(3, 1000), on_image=lambda: looked_at.append(1))
  with pytest.raises(errors.InputError,
                     match=r'247 of 250 pictures looked at gave no face, over --max_reject_fraction=0.9'):
    _write(tmp_path, source, max_reject_fraction=0.9)
  assert len(looked_at) == 250


def test_too_many_left_out_in_the_end_are_told_with_the_reasons(finder, tmp_path):
  with pytest.raises(errors.InputError,
                     match=r'3 of 5 pictures are left out, over --max_reject_fraction=0.5: 3 × no face'):
    _write(tmp_path, drawn.Source(5, faceless=(0, 1, 2)), max_reject_fraction=0.5)


@pytest.mark.parametrize('error', [KeyboardInterrupt, RuntimeError, OSError])
def test_stopped_run_goes_on_with_what_is_missing(finder, tmp_path, error):
  whole = _write(tmp_path / 'whole', drawn.Source(6), num_shards=3)
  source = drawn.Source(6, errors_at={4: error})
  with pytest.raises(error):
    _write(tmp_path / 'stopped', source, num_shards=3)
  assert _names(tmp_path / 'stopped') == ['.set.unfinished']
  source.errors_at, source.slices = {}, []
  assert _write(tmp_path / 'stopped', source, num_shards=3) == whole
  assert source.slices == [(4, 6)]
  assert _names(tmp_path / 'stopped') == _names(tmp_path / 'whole')


def test_stopped_second_pass_goes_on_with_what_is_missing(finder, tmp_path):
  whole = _write(tmp_path / 'whole', drawn.Source(6), num_shards=3, match_colour=True)
  source = drawn.Source(6)

  def run(job, tasks, on_event):
    if source.slices:  # the second pass
      job(tasks[0], on_event)
      raise KeyboardInterrupt
    _ALONE(job, tasks, on_event=on_event)

  with pytest.raises(KeyboardInterrupt):
    _write(tmp_path / 'stopped', source, num_shards=3, match_colour=True, run=run)
  source.slices = []
  assert _write(tmp_path / 'stopped', source, num_shards=3, match_colour=True) == whole
  assert source.slices == [(2, 4), (4, 6)]


@pytest.mark.parametrize('killed_after', range(5))
def test_run_killed_while_the_set_takes_its_place_goes_on(finder, tmp_path, monkeypatch, killed_after):
  whole = _write(tmp_path / 'whole', drawn.Source(6), num_shards=3)
  replace, moved = pipeline.os.replace, []

  def replace_or_die(old, new):
    if '.unfinished' in str(old) and '.tmp' not in str(old):
      if len(moved) == killed_after:
        raise SystemExit  # as good as a kill: nothing is tidied up
      moved.append(new)
    replace(old, new)

  with monkeypatch.context() as patch:
    patch.setattr(pipeline.os, 'replace', replace_or_die)
    with pytest.raises(SystemExit):
      _write(tmp_path / 'killed', drawn.Source(6), num_shards=3)
  assert _write(tmp_path / 'killed', drawn.Source(6), num_shards=3) == whole
  assert _names(tmp_path / 'killed') == _names(tmp_path / 'whole')


def test_leftovers_of_other_inputs_are_not_used(finder, tmp_path):
  with pytest.raises(KeyboardInterrupt):
    _write(tmp_path, drawn.Source(7, errors_at={6: KeyboardInterrupt}), num_shards=3)
  source = drawn.Source(6, faceless=(1,))
  manifest = _write(tmp_path, source, num_shards=3)
  assert manifest.num_images == 5 and source.slices == [(0, 2), (2, 4), (4, 6)]


def test_a_set_is_made_by_one_command_at_a_time(finder, tmp_path):
  second = []

  def start_another():
    with pytest.raises(errors.InputError, match=r'\.set\.unfinished` is in use: another make_records') as caught:
      _write(tmp_path, drawn.Source(2))
    second.append(caught)

  _write(tmp_path, drawn.Source(2, on_image=start_another))
  assert len(second) == 2 and len(_faces(tmp_path)) == 2


@pytest.mark.parametrize('source, error', [
    (drawn.Source(6, errors_at={4: KeyboardInterrupt}), KeyboardInterrupt),
    (drawn.Source(6, errors_at={0: OSError}), OSError), (drawn.Source(6, faceless=range(6)), errors.InputError)],
                         ids=['interrupted', 'full disk', 'no face'])
def test_failing_overwrite_leaves_the_old_set_whole(finder, tmp_path, source, error):
  manifest = _write(tmp_path, drawn.Source(4), num_shards=3)
  with pytest.raises(error):
    _write(tmp_path, source, num_shards=3)
  assert manifests.load(str(tmp_path / 'set')) == manifest
  assert len(_faces(tmp_path)) == 4


def test_old_set_is_whole_while_the_new_one_is_being_made(finder, tmp_path):
  old = _write(tmp_path, drawn.Source(4))
  seen = []
  source = drawn.Source(6, on_image=lambda: seen.append(manifests.load(str(tmp_path / 'set')).digest))
  new = _write(tmp_path, source, num_shards=2)
  assert set(seen) == {old.digest} and len(seen) == 6
  assert manifests.load(str(tmp_path / 'set')).digest == new.digest != old.digest


def test_overwriting_takes_the_old_files_of_this_set_and_no_others(finder, tmp_path):
  _write(tmp_path, drawn.Source(4), num_shards=2)
  others = ['set.tfrecord-00000-of-00002.bak', 'set2.json', 'set2.tfrecord-00000-of-00001', 'set2.png',
            'xset.tfrecord-00000-of-00001', 'sett.tfrecord-00000-of-00001', 'set.tfrecord-0-of-1']
  # Stale ones, without a manifest that names them, and pictures of the old set.
  for name in [*others, 'set.tfrecord-00003-of-00004', 'set.png', 'set+people.png', 'set-people.png']:
    (tmp_path / name).touch()
  _write(tmp_path, drawn.Source(5), num_shards=1)
  assert _names(tmp_path) == sorted(others + ['set.json', 'set.png', 'set.tfrecord-00000-of-00001'])


def test_the_sheet_of_a_set_is_not_the_card_of_another_one(finder, tmp_path):
  prefix = tmp_path / 'set-people'
  pipeline.make_set(drawn.Source(3), str(prefix), drawn.EVERYTHING, run=_ALONE, settings={})
  card = (tmp_path / 'set-people.png').read_bytes()
  for _ in range(2):  # it is written, and then overwritten
    _write(tmp_path, drawn.Source(3, kind='video'))
    assert (tmp_path / 'set-people.png').read_bytes() == card
    assert (tmp_path / 'set+people.png').is_file() and manifests.load(prefix).num_images == 3
  with pytest.raises(errors.InputError, match=r"`name` \('set\+people'\) must be letters"):
    _make('photos', ['photos'], tmp_path, name='set+people')


def _save_photos(folder, astronaut, num_photos=3):
  """Saves photos of a face, one of none, and a broken one; returns the folder."""
  folder.mkdir()
  for i in range(num_photos):
    turn = cv2.getRotationMatrix2D((225, 110), 15 * i - 20, 1 - i / 40)
    Image.fromarray(cv2.warpAffine(astronaut, turn, (512, 512))).save(folder / f'{i}.png')
  Image.fromarray(np.full([200, 200, 3], 90, np.uint8)).save(folder / 'empty.png')
  (folder / 'torn.jpg').write_text('broken')
  return str(folder)


def _make(kind, paths, records_dir, wanted=drawn.EVERYTHING, source_options=None, run=_ALONE, **options):
  return pipeline.make_records(kind, paths, wanted, source_options=source_options or {}, records_dir=str(records_dir),
                               settings={'fps': 2}, run=run, **options)


def test_photos_become_a_set_with_a_manifest(tmp_path, astronaut):
  photos = _save_photos(tmp_path / 'My photos!', astronaut)
  prefix = _make('photos', [photos], tmp_path / 'records')
  assert prefix == str(tmp_path / 'records' / 'My_photos')
  manifest = manifests.load(prefix)
  assert (manifest.num_images, manifest.num_inputs, manifest.kind) == (3, 5, 'photos')
  assert manifest.rejected == (manifests.Rejection('empty.png', drawn.NO_FACE),
                               manifests.Rejection(
                                   'torn.jpg', manifests.Reason('unreadable', 'it is a text and no picture')))
  assert manifest.settings == {'source': [photos], 'fps': 2}
  assert [face.key for face in records.read_faces(prefix, manifest)] == ['0.png', '1.png', '2.png']


def test_video_becomes_a_set_with_times_and_a_sheet_of_its_people(tmp_path, astronaut):
  animations.save_animation(tmp_path / 'me.mp4', [np.roll(astronaut, 3 * i, axis=1) for i in range(8)], 4)
  prefix = _make('video', [str(tmp_path / 'me.mp4')], tmp_path / 'records', source_options={'fps': 2.0}, name='eve',
                 num_shards=2)
  manifest = manifests.load(prefix)
  faces = list(records.read_faces(prefix, manifest))
  assert prefix.endswith('eve') and len(manifest.shards) == 2
  assert [face.key for face in faces] == ['me.mp4@0.000s', 'me.mp4@0.500s', 'me.mp4@1.000s', 'me.mp4@1.500s']
  np.testing.assert_allclose([face.time_secs for face in faces], [0, 0.5, 1, 1.5], atol=1e-3)
  with Image.open(f'{prefix}+people.png') as sheet:
    assert sheet.mode == 'RGB' and min(sheet.size) > 100


@pytest.mark.slow
def test_any_number_of_workers_makes_the_same_bytes_and_so_does_beam(tmp_path, astronaut):
  photos = _save_photos(tmp_path / 'me', astronaut, num_photos=7)
  beams = functools.partial(beam.run, options=['--direct_running_mode=multi_processing', '--direct_num_workers=2'])
  made = {}
  for name, run in (('one', _ALONE), ('two', functools.partial(workers.run, num_workers=2)), ('beam', beams)):
    prefix = _make('photos', [photos], tmp_path / name, run=run, num_shards=3, background='white')
    made[name] = manifests.load(prefix)
  assert made['one'] == made['two'] == made['beam']
  assert made['one'].num_images == 7


def test_existing_set_is_refused_and_overwritten_only_when_told(finder, tmp_path, astronaut):
  photos = _save_photos(tmp_path / 'me', astronaut)
  folder = tmp_path / 'records'
  prefix = _make('photos', [photos], folder, num_shards=2)
  with pytest.raises(errors.InputError, match=f'`{prefix}` is a set of records already.*--overwrite'):
    _make('photos', [photos], folder)
  assert _names(folder) == ['me.json', 'me.png', 'me.tfrecord-00000-of-00002', 'me.tfrecord-00001-of-00002']
  _make('photos', [photos], folder, overwrite=True)
  assert _names(folder) == ['me.json', 'me.png', 'me.tfrecord-00000-of-00001']
  with pytest.raises(errors.InputError, match=r'absent\.mp4'):
    _make('video', ['absent.mp4'], folder, name='me', overwrite=True)
  assert _names(folder) == ['me.json', 'me.png', 'me.tfrecord-00000-of-00001']


@pytest.mark.parametrize('name', ['a/b', '', '.hidden', '../up', 'a b'])
def test_name_that_is_no_file_name_is_refused(name):
  with pytest.raises(errors.InputError, match=r'`name` \(') as caught:
    _make('photos', ['photos'], 'records', name=name)
  assert repr(name) in str(caught.value)


@pytest.mark.parametrize('kind', ['photos', 'video'])
def test_faces_that_are_only_cropped_are_written_with_their_eyes_where_they_fall(finder, tmp_path, kind):
  _write(tmp_path, drawn.Source(3, kind=kind), alignment='off')
  for face in _faces(tmp_path):
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    np.testing.assert_allclose((low + high) / 2, [88.9, 132.3], atol=1e-2)
    assert np.sqrt(np.prod(high - low)) == pytest.approx(97.4, abs=1e-2)
    assert np.hypot(*(face.eyes[1] - face.eyes[0])) < 30  # the drawn points reach 160 px, and 39 px lie between eyes


def test_leftovers_of_another_alignment_are_not_used(finder, tmp_path):
  with pytest.raises(KeyboardInterrupt):
    _write(tmp_path, drawn.Source(6, errors_at={4: KeyboardInterrupt}), num_shards=3)
  source = drawn.Source(6)
  _write(tmp_path, source, num_shards=3, alignment='off')
  assert source.slices == [(0, 2), (2, 4), (4, 6)]


def test_celeba_without_alignment_is_refused(finder, tmp_path):
  with pytest.raises(errors.InputError, match=r'`align` \(off\) must be eyes for CelebA'):
    _write(tmp_path, drawn.Source(3, kind='celeba'), alignment='off')
