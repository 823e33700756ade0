"""Tests of numbers in sentences."""

import pytest

from dcgan.common import words


@pytest.mark.parametrize('given, text', [
    ((0, 'face'), '0 faces'), ((1, 'face'), '1 face'), ((1200, 'face'), '1,200 faces'),
    ((1, 'person', 'people'), '1 person'), ((2, 'person', 'people'), '2 people')])
def test_a_noun_agrees_with_its_number(given, text):
  assert words.counted(*given) == text
