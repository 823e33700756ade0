"""Tests of dcgan.options.fields."""

import dataclasses
import math

import pytest

from dcgan.common import errors
from dcgan.options import fields


@dataclasses.dataclass(frozen=True)
class Things(fields.Group):
  """One option for each kind of rule."""

  count: int = fields.option(5, 'Things.', at_least=2)
  share: float = fields.option(0.25, 'Of things.', at_least=0, under=1, use='0.5')
  open_share: float = fields.option(0.25, 'Of things.', over=0, under=1)
  closed_share: float = fields.option(0.25, 'Of things.', at_least=0, at_most=1, is_free=True)
  weight: float = fields.option(2.0, 'Of things.', at_least=0)
  kind: str = fields.option('red', 'One of {choices}.', choices=('red', 'blue'))
  kinds: tuple = fields.option((), 'Of {choices}.', choices=('red', 'blue'))
  name: str = fields.option('a', 'Anything: {}.')
  even: int = fields.option(2, 'Even.', rule=('must be even', lambda value: value % 2 == 0))
  is_fast: bool = fields.option(False, 'Whether it hurries.', is_automatic=True)


@pytest.mark.parametrize('name, value, message', [
    ('count', 1, '`count` (1) must be 2 or more. Use 2 or more.'),
    ('share', 1.0, '`share` (1.0) must be 0 or more and under 1. Use 0.5.'),
    ('share', -0.1, '`share` (-0.1) must be 0 or more and under 1. Use 0.5.'),
    ('open_share', 0.0, '`open_share` (0.0) must be over 0 and under 1. Use 0.25.'),
    ('open_share', 1.0, '`open_share` (1.0) must be over 0 and under 1. Use 0.25.'),
    ('closed_share', 1.1, '`closed_share` (1.1) must lie between 0 and 1. Use 0.25.'),
    ('closed_share', math.nan, '`closed_share` (nan) must lie between 0 and 1. Use 0.25.'),
    ('count', 4.0, '`count` (4.0) must be a whole number. Use 5.'),
    ('count', True, '`count` (True) must be a whole number. Use 5.'),
    ('weight', None, '`weight` (None) must be a number. Use 2.0.'),
    ('kind', 3, '`kind` (3) must be a text. Use "red".'),
    ('kinds', ('red', 3), "`kinds` (('red', 3)) must be a list of texts. Use []."),
    ('kinds', 'red', "`kinds` ('red') must be a list of texts. Use []."),
    ('is_fast', 1, '`is_fast` (1) must be true or false. Use false.'),
    ('weight', math.inf, '`weight` (inf) must be a number, 0 or more. Use 2.'),
    ('weight', math.nan, '`weight` (nan) must be a number, 0 or more. Use 2.'),
    ('weight', -1.0, '`weight` (-1.0) must be a number, 0 or more. Use 2.'),
    ('kind', 'green', '`kind` (green) must be one of red, blue. Use red.'),
    ('kinds', ('blue', 'green'), '`kinds` (green) must be one of red, blue. Use red.'),
    ('even', 3, '`even` (3) must be even. Use 2.')])
def test_a_value_that_breaks_its_rule_is_named_with_the_rule_and_a_good_one(name, value, message):
  with pytest.raises(errors.InputError) as raised:
    Things(**{name: value}).validate()
  assert str(raised.value) == message


@pytest.mark.parametrize('name, value', [
    ('count', 2), ('share', 0.0), ('closed_share', 0.0), ('closed_share', 1.0), ('weight', 0.0), ('kind', 'blue'),
    ('kinds', ('blue', 'red', 'blue')), ('name', ''), ('even', 0)])
def test_values_at_the_edge_of_their_rule_are_taken(name, value):
  Things().validate()
  Things(**{name: value}).validate()


def test_an_option_knows_its_default_its_help_and_whether_it_may_change():
  options = fields.of(Things)
  assert list(options) == [field.name for field in dataclasses.fields(Things)]
  assert (options['kind'].help, options['name'].help) == ('One of red, blue.', 'Anything: {}.')
  assert [name for name, option in options.items() if option.is_free] == ['closed_share']
  assert [name for name, option in options.items() if option.is_automatic] == ['is_fast']
  assert (options['count'].default, Things().count, options['is_fast'].words) == (5, 5, ('on', 'off'))


@pytest.mark.parametrize('name, given, value, text', [
    ('kinds', ['red', '', 'blue'], ('red', 'blue'), 'red,blue'), ('kinds', [], (), ''), ('is_fast', 'on', True, 'on'),
    ('is_fast', 'off', False, 'off'), ('count', 3, 3, '3'), ('share', 5e-05, 5e-05, '5e-05'), ('name', 'b', 'b', 'b')])
def test_a_value_goes_to_a_flag_and_comes_back(name, given, value, text):
  option = fields.of(Things)[name]
  assert option.from_flag(given) == value and option.to_text(value) == text
