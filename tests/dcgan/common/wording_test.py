"""Tests of how numbers and flags are told in sentences."""

import shlex

import pytest

from dcgan.common import wording


@pytest.mark.parametrize('count, told', [(0, '0 faces'), (1, '1 face'), (2, '2 faces'), (1200, '1,200 faces')])
def test_one_is_told_without_an_s(count, told):
  assert wording.counted(count, 'face') == told


@pytest.mark.parametrize('count, told', [(1, '1 person'), (2, '2 people')])
def test_several_may_have_a_word_of_their_own(count, told):
  assert wording.counted(count, 'person', 'people') == told


@pytest.mark.parametrize('fraction, num_digits, told', [(0.256, 0, '26 %'), (0.974, 0, '97 %'),
                                                        (0.0412, 1, '4.1 %'), (1.0, 0, '100 %'),
                                                        (0.0, 1, '0.0 %')])
def test_a_share_is_told_in_percent_with_a_space(fraction, num_digits, told):
  assert wording.percent(fraction, num_digits) == told


@pytest.mark.parametrize('value', ['checkpoints/00001-me', 'my run', "it's", 'a"b', '$HOME', '-x', 'a\nb', 'mé'])
def test_a_flag_reads_in_a_shell_as_what_it_was(value):
  assert shlex.split(f'python {wording.flag("run", value)} --x') == ['python', f'--run={value}', '--x']
