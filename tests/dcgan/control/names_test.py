"""Tests of the names of controls."""

import pytest

from dcgan.common import errors
from dcgan.control import names


def test_there_are_arkits_52_and_the_head():
  assert len(names.BLENDSHAPES) == len(set(names.BLENDSHAPES)) == 52
  assert names.CONTROLS == names.BLENDSHAPES + ('headYaw', 'headPitch', 'headRoll')


def test_each_side_has_the_other():
  for name in names.BLENDSHAPES:
    if name.endswith('Left'):
      assert f'{name.removesuffix("Left")}Right' in names.BLENDSHAPES


def test_what_is_measured_can_be_filmed():
  assert len(names.MEASURED) == 45 and set(names.MEASURED) <= set(names.CONTROLS)
  for name in names.MEASURED:
    assert name in names.absent_sentence(name) and names.to_film(name) in names.absent_sentence(name)
  assert names.absent_sentence('browInnerUp') == (
      'browInnerUp hardly moves in these pictures. For it, film yourself: raise the brows.')


@pytest.mark.parametrize('name, stem', [
    ('mouthSmileLeft', 'mouthSmile'), ('eyeLookInRight', 'eyeLookIn'), ('jawLeft', 'jawLeft'),
    ('mouthRight', 'mouthRight'), ('jawOpen', 'jawOpen')])
def test_directions_are_no_sides(name, stem):
  assert names.without_side(name) == stem


@pytest.mark.parametrize('name, message', [
    ('jawopen', r'a\.csv: `jawopen` is no control\. Did you mean jawOpen'),
    ('mouthSmile', r'`mouthSmile` is no control\. Did you mean mouthSmile'),
    ('zzz', r"`zzz` is no control\. Use one of ARKit's, as in eyeBlinkLeft")])
def test_an_unknown_control_is_answered_with_the_nearest_ones(name, message):
  with pytest.raises(errors.InputError, match=message):
    names.check(name, 'a.csv')
  names.check('jawOpen', 'a.csv')
