"""Tests of dcgan.common.names."""

import pytest

from dcgan.common import errors
from dcgan.common import names


@pytest.mark.parametrize('name, most_bytes, kept', [
    ('adele', 5, 'adele'), ('adele', 4, 'adel'), ('漢字漢字', 12, '漢字漢字'), ('漢字漢字', 11, '漢字漢'), ('é', 1, ''),
    ('a\udcff\udcfe', 2, 'a\udcff')])  # the last: bytes that are no text
def test_a_name_ends_with_a_whole_letter(name, most_bytes, kept):
  assert names.shortened(name, most_bytes) == kept


def test_all_that_is_named_after_the_longest_set_fits_into_a_file_system():
  letters = 'ü' * (names.SET_BYTES // 2)
  run = f'00007-{letters}256-from-{"d" * names.DONOR_BYTES}-{"n" * names.NOTE_BYTES}'
  for name in (run, f'{letters}.tfrecord-00000-of-00099', f'{letters}+people.png', f'.{letters}.unfinished'):
    assert len(name.encode()) <= 255


@pytest.mark.parametrize('name, message', [
    ('漢' * 73, r'`name` \(漢+\) must be at most 120 bytes, but has 219: .* Shorten it to 40 letters or fewer\.'),
    ('a' * 245, r'must be at most 120 bytes, but has 245'),
    ('a/b', r"`name` \('a/b'\) must be a name without a slash")])
def test_a_name_that_is_given_is_refused_with_its_bytes(name, message):
  with pytest.raises(errors.InputError, match=message):
    names.check('name', name, names.SET_BYTES)
  names.check('name', '漢' * 40, names.SET_BYTES)
