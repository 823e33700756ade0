"""Tests of how measures are shown."""

from tools.evaluation import measures


def test_values_are_told_in_their_form():
  assert measures.MEASURES['clean_rate'].text(0.974) == '97 %' and measures.MEASURES['copying'].text(0.04) == '+0.0'
  assert measures.MEASURES['diversity'].text(None) == '–'


def test_the_single_jump_of_a_line_is_told_with_the_number_of_its_parts():
  assert '20 is a single jump' in measures.MEASURES['stair_step'].good
