"""Tests of CelebA's layout; folders, archives and lists are made here in its form."""

import io
import logging as standard_logging
import os
import struct
import zipfile

from absl import logging
import numpy as np
from PIL import Image
import pytest

from dcgan.common import errors
from tools.material import celeba

_HEADER = ('lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x '
           'rightmouth_y')


def _jpeg(width=178, height=218, value=50):
  file = io.BytesIO()
  Image.fromarray(np.full([height, width, 3], value, np.uint8)).save(file, 'JPEG')
  return file.getvalue()


def _save_folder(folder, sizes):
  """Writes 000001.jpg and so on of the sizes given as (width, height)."""
  folder.mkdir(parents=True, exist_ok=True)
  for number, size in enumerate(sizes, 1):
    (folder / f'{number:06d}.jpg').write_bytes(_jpeg(*size, value=10 * number))


def _save_zip(path, members):
  path.parent.mkdir(parents=True, exist_ok=True)
  with zipfile.ZipFile(path, 'w') as archive:
    for name, content in members.items():
      archive.writestr(name, content)


def _landmarks(rows):
  """Returns a list as CelebA's site has it, of rows (number, left x, left y, right x, right y)."""
  lines = [f'{row[0]:06d}.jpg ' + '  '.join(map(str, row[1:])) + '  1 2 3 4 5 6' for row in rows]
  return '\n'.join([str(len(rows)), _HEADER, *lines, ''])


def _keys(dataset):
  return [dataset.key(i) for i in range(dataset.num_pictures)]


@pytest.fixture
def lines():
  """Collects the log lines."""
  handler = standard_logging.Handler()
  handler.lines = []
  handler.emit = lambda record: handler.lines.append(record.getMessage())
  logging.get_absl_logger().addHandler(handler)
  yield handler.lines
  logging.get_absl_logger().removeHandler(handler)


def test_only_celebas_names_count_in_their_order(tmp_path):
  for name in ('000002.jpg', '000001.jpg', '000003.png', 'cat.jpg', '1.jpg', '._000004.jpg', '0000005.jpg'):
    (tmp_path / name).write_bytes(_jpeg())
  assert _keys(celeba.Dataset(tmp_path)) == ['000001.jpg', '000002.jpg', '000003.png']


def test_folder_without_celebas_names_and_no_folder_are_named(tmp_path):
  with pytest.raises(errors.InputError, match=rf'`{tmp_path}` holds 0 files named like 000001\.jpg'):
    celeba.Dataset(tmp_path)
  with pytest.raises(errors.InputError, match=r'absent` must be CelebA.*No such file'):
    celeba.Dataset(tmp_path / 'absent')


def test_a_zip_is_read_in_place_as_its_folder_is(tmp_path):
  _save_folder(tmp_path / 'a', [(178, 218)] * 3)
  _save_zip(tmp_path / 'a.zip', {f'img_align_celeba/00000{i}.jpg': (tmp_path / 'a' / f'00000{i}.jpg').read_bytes()
                                 for i in (3, 1, 2)} | {'img_align_celeba/notes.txt': '', '__MACOSX/._000001.jpg': ''})
  folder, archive = celeba.Dataset(tmp_path / 'a'), celeba.Dataset(tmp_path / 'a.zip')
  assert _keys(archive) == _keys(folder) == ['000001.jpg', '000002.jpg', '000003.jpg']
  for i in range(3):
    np.testing.assert_array_equal(archive.load(i), folder.load(i))
  assert sorted(os.listdir(tmp_path)) == ['a', 'a.zip']


@pytest.mark.parametrize('member', [
    '../000001.jpg', '/000001.jpg', 'a/../../x.txt', '..\\000001.jpg', 'C:\\000001.jpg'])
def test_a_member_that_leads_out_of_the_archive_is_refused(tmp_path, member):
  _save_zip(tmp_path / 'a.zip', {'000002.jpg': _jpeg(), member: _jpeg()})
  with pytest.raises(errors.InputError, match=r'a\.zip` holds the member .*, which leads out of the archive'):
    celeba.Dataset(tmp_path / 'a.zip')


def test_one_name_twice_in_an_archive_is_told(tmp_path):
  _save_zip(tmp_path / 'a.zip', {'one/000001.jpg': _jpeg(), 'two/000001.jpg': _jpeg()})
  with pytest.raises(errors.InputError, match=r'holds 000001\.jpg twice \(one/000001\.jpg, two/000001\.jpg\)'):
    celeba.Dataset(tmp_path / 'a.zip')


@pytest.mark.parametrize('content', [b'', b'7z\xbc\xaf', b'PK\5\6' + bytes(18)[:10]])
def test_a_file_that_is_no_zip_is_named(tmp_path, content):
  (tmp_path / 'a.zip').write_bytes(content)
  with pytest.raises(errors.InputError, match=r'a\.zip` must be CelebA\'s folder or zip.*not a zip'):
    celeba.Dataset(tmp_path / 'a.zip')


def test_damaged_encrypted_and_absurd_members_are_told_and_the_rest_is_read(tmp_path, monkeypatch):
  _save_zip(tmp_path / 'a.zip', {f'00000{i}.jpg': _jpeg(value=i) for i in range(1, 6)})
  content = bytearray((tmp_path / 'a.zip').read_bytes())
  entries = [content.index(f'00000{i}.jpg'.encode(), content.index(b'PK\1\2')) - 46 for i in range(1, 6)]
  content[200:260] = bytes(60)  # within the first picture
  content[entries[1] + 8] |= 1  # encrypted
  content[entries[2] + 24:entries[2] + 28] = struct.pack('<L', 2**31)  # its size when unpacked
  content[entries[3] + 10:entries[3] + 12] = struct.pack('<H', 77)  # an unknown method
  (tmp_path / 'a.zip').write_bytes(content)
  dataset = celeba.Dataset(tmp_path / 'a.zip')
  for index, reason in enumerate(('damaged in the archive .*CRC', 'damaged in the archive .*encrypted',
                                  r'it claims 2,147,483,648 bytes in the archive, but may have at most 67,108,864',
                                  'damaged in the archive .*compression')):
    with pytest.raises(errors.InputError, match=f'unreadable: {reason}'):
      dataset.load(index)
  assert dataset.load(4).shape == (218, 178, 3)


def test_a_zip_that_vanishes_is_told(tmp_path):
  _save_zip(tmp_path / 'a.zip', {'000001.jpg': _jpeg()})
  dataset = celeba.Dataset(tmp_path / 'a.zip')
  (tmp_path / 'a.zip').unlink()
  with pytest.raises(errors.InputError, match='No such file'):
    dataset.load(0)


def test_a_zip_that_was_replaced_is_opened_again(tmp_path):
  for value in (10, 200):
    _save_zip(tmp_path / 'a.zip', {'000001.jpg': _jpeg(value=value)})
    os.utime(tmp_path / 'a.zip', (value, value))
    assert round(celeba.Dataset(tmp_path / 'a.zip').load(0).mean()) == value


@pytest.mark.parametrize('size, scale', [((178, 218), 1), ((89, 109), 0.5), ((356, 436), 2)])
def test_eyes_of_aligned_pictures_scale_with_them(tmp_path, size, scale):
  _save_folder(tmp_path, [size] * 2)
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text(_landmarks([(2, 69, 109, 106, 113)]))
  (tmp_path / 'list_landmarks_celeba.txt').write_text(_landmarks([(2, 5, 5, 50, 50)]))
  dataset = celeba.Dataset(tmp_path)
  eyes = dataset.eyes(1, *size)
  np.testing.assert_allclose(eyes, np.array([[69.5, 109.5], [106.5, 113.5]]) * scale)
  assert eyes.dtype == np.float64
  assert dataset.eyes(0, *size) is None  # not in the list


def test_eyes_in_the_wild_are_those_of_their_own_list_in_px(tmp_path):
  _save_folder(tmp_path, [(178, 218), (409, 687), (300, 200)])
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text(_landmarks([(2, 69, 109, 106, 113)]))
  (tmp_path / 'list_landmarks_celeba.txt').write_text(_landmarks([(2, 165, 184, 244, 176)]))
  np.testing.assert_array_equal(celeba.Dataset(tmp_path).eyes(1, 409, 687), [[165.5, 184.5], [244.5, 176.5]])


def test_lists_are_left_aside_for_pictures_of_another_shape(tmp_path, lines):
  _save_folder(tmp_path, [(64, 64)] * 3)
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text(_landmarks([(2, 30, 30, 40, 30)]))
  assert celeba.Dataset(tmp_path).eyes(1, 64, 64) is None
  assert any('not for pictures of 64×64 px' in line for line in lines)


@pytest.mark.parametrize('row, eyes', [
    ((1, 106, 113, 69, 109), [[69.5, 109.5], [106.5, 113.5]]),  # the face stands on its head
    ((1, -3, 20, 60, 20), None), ((1, 60, 20, 60, 218), None), ((1, 60, 20, 60, 20), None)])
def test_eyes_come_image_left_first_and_only_if_two_are_in_the_picture(tmp_path, row, eyes):
  _save_folder(tmp_path, [(178, 218)])
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text(_landmarks([row]))
  read = celeba.Dataset(tmp_path).eyes(0, 178, 218)
  assert (read is None) == (eyes is None) and (eyes is None or np.array_equal(read, eyes))


@pytest.mark.parametrize('place', [
    'celeba/Img/img_align_celeba', 'celeba/Img', 'celeba/Img/Anno', 'celeba/Eval', 'celeba',
    'celeba/Img/img_align_celeba/Anno'])
def test_lists_are_found_around_the_pictures(tmp_path, place, lines):
  folder = tmp_path / 'celeba/Img/img_align_celeba'
  _save_folder(folder, [(178, 218)] * 2)
  (tmp_path / place).mkdir(exist_ok=True)
  (tmp_path / place / 'identity_CelebA.txt').write_text('000001.jpg 2880\n000002.jpg 2937\n')
  assert [celeba.Dataset(folder).identity(i) for i in range(2)] == [2880, 2937]
  assert f'CelebA: using {tmp_path / place / "identity_CelebA.txt"}' in lines


def test_lists_beside_and_in_a_zip_are_found(tmp_path):
  pictures_in_it = {'img_align_celeba/img_align_celeba/000001.jpg': _jpeg()}
  for place in ('Anno', 'Img/Eval', 'Img'):
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / 'identity_CelebA.txt').write_text('000001.jpg 7\n')
    _save_zip(tmp_path / 'Img/a.zip', pictures_in_it)
    assert celeba.Dataset(tmp_path / 'Img/a.zip').identity(0) == 7
    (tmp_path / place / 'identity_CelebA.txt').unlink()
  _save_zip(tmp_path / 'Img/b.zip', pictures_in_it | {
      'list_landmarks_align_celeba.csv':
          f'image_id,{_HEADER.replace(" ", ",")}\n000001.jpg,69,109,106,113,1,2,3,4,5,6\n'})
  np.testing.assert_array_equal(
      celeba.Dataset(tmp_path / 'Img/b.zip').eyes(0, 178, 218), [[69.5, 109.5], [106.5, 113.5]])


@pytest.mark.parametrize('name, content', [
    ('list_eval_partition.txt', '000001.jpg 0\n000002.jpg 1\r\n000003.jpg 2\n000004.jpg 0\n\n'),
    ('list_eval_partition.csv', 'image_id,partition\n000001.jpg,0\n000002.jpg,1\n000003.jpg,2\n000004.jpg,0\n')])
def test_a_partition_is_taken(tmp_path, name, content):
  _save_folder(tmp_path, [(178, 218)] * 5)  # the fifth is in no partition
  (tmp_path / name).write_text(content)
  (tmp_path / 'identity_CelebA.txt').write_text(''.join(f'00000{i}.jpg {i}\n' for i in range(1, 6)))
  taken = {partition: celeba.Dataset(tmp_path, partition) for partition in celeba.PARTITIONS}
  assert {partition: _keys(dataset) for partition, dataset in taken.items()} == {
      'train': ['000001.jpg', '000004.jpg'], 'validation': ['000002.jpg'], 'test': ['000003.jpg']}
  assert celeba.Dataset(tmp_path).num_pictures == 5
  assert taken['train'].identity(1) == 4 and round(taken['train'].load(1).mean()) == 40


def test_partitions_that_cannot_be_taken_are_named(tmp_path):
  _save_folder(tmp_path / 'a', [(178, 218)])
  with pytest.raises(errors.InputError, match=r"`partition` \('tests'\) must be one of train, validation, test"):
    celeba.Dataset(tmp_path / 'a', 'tests')
  with pytest.raises(errors.InputError, match=rf'\(test\) needs list_eval_partition.txt or .csv.*{tmp_path}/a/Eval, '
                     rf'{tmp_path},'):
    celeba.Dataset(tmp_path / 'a', 'test')
  (tmp_path / 'list_eval_partition.txt').write_text('000001.jpg 0\n')
  with pytest.raises(errors.InputError, match=r'`partition` \(test\) holds 0 of the 1 pictures'):
    celeba.Dataset(tmp_path / 'a', 'test')


@pytest.mark.parametrize('line', [
    '000003.jpg 69 109 106', '000003.jpg 69 109 106 x 1 2 3 4 5 6', 'cat.jpg 1 2 3 4 5 6 7 8 9 0',
    '000003.jpg 69 109 106 113 1 2 3 4 5 6 7', '000003.jpg 69 nan 106 113 1 2 3 4 5 6'])
def test_a_malformed_line_is_named_with_its_file_and_number(tmp_path, line):
  _save_folder(tmp_path, [(178, 218)])
  content = _landmarks([(1, 69, 109, 106, 113), (2, 69, 109, 106, 113)])
  (tmp_path / 'list_landmarks_align_celeba.txt').write_text(f'{content}{line}\n')
  with pytest.raises(errors.InputError, match=rf"list_landmarks_align_celeba\.txt: line 5: '{line[:20]}.*10 whole "
                     'numbers'):
    celeba.Dataset(tmp_path)


@pytest.mark.parametrize('content, message', [
    ('000001.jpg\n', "line 1: '000001.jpg'"), ('<html>\n', 'no line of it'), ('', 'no line of it'),
    ('a\nb\nc\n', "line 3: 'c'")])
def test_a_file_that_is_no_list_is_named(tmp_path, content, message):
  _save_folder(tmp_path, [(178, 218)])
  (tmp_path / 'identity_CelebA.txt').write_text(content)
  with pytest.raises(errors.InputError, match=rf'identity_CelebA\.txt: {message}.*1 whole number\.'):
    celeba.Dataset(tmp_path)


def test_a_list_that_cannot_be_read_is_named(tmp_path):
  _save_zip(tmp_path / 'a.zip', {'000001.jpg': _jpeg(), 'identity_CelebA.txt': '000001.jpg 7777777\n'})
  content = (tmp_path / 'a.zip').read_bytes()
  (tmp_path / 'a.zip').write_bytes(content.replace(b' 7777777', b' 7777778'))
  with pytest.raises(errors.InputError, match=r'a\.zip/identity_CelebA\.txt: cannot be read .*CRC'):
    celeba.Dataset(tmp_path / 'a.zip')


def test_fingerprint_changes_with_a_list(tmp_path):
  _save_folder(tmp_path / 'a', [(178, 218)])
  digests = [celeba.Dataset(tmp_path / 'a').fingerprint]
  (tmp_path / 'identity_CelebA.txt').write_text('000001.jpg 2880\n')
  digests.append(celeba.Dataset(tmp_path / 'a').fingerprint)
  (tmp_path / 'identity_CelebA.txt').write_text('000001.jpg 28801\n')
  digests.append(celeba.Dataset(tmp_path / 'a').fingerprint)
  assert len(set(digests)) == 3
