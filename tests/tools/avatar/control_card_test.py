"""Tests of tools.avatar.control_card: a person whose pictures are of one colour each."""

import imageio.v3 as iio
import numpy as np

from tools.avatar import control_card
from tools.avatar import posing


def test_each_control_is_drawn_from_its_least_to_its_most_and_the_file_is_whole(person):
  path = person.path / control_card.FILE
  control_card.save(path, posing.Poser(person))
  card = iio.imread(path)
  assert card.shape[1] == 1048 and [file.name for file in person.path.iterdir()] == ['controls.png']
  reds = [int(card[12 + 18 + 40, 12 + 100 * i + 40, 0]) for i in range(5)]  # the tiles of jawOpen, which is red
  assert list(posing.Poser(person).controller.names)[0] == 'jawOpen'
  assert reds == sorted(reds) and reds[4] - reds[0] > 60


def test_what_is_absent_is_told_with_what_to_film(person):
  lines = control_card._lines_of_absent(['mouthSmileLeft', 'mouthSmileRight', 'mouthPucker'])
  assert lines[1:] == ['mouthSmileLeft, mouthSmileRight: smile broadly, on both sides and on each alone',
                       'mouthPucker: pout, as for a kiss']
  assert not control_card._lines_of_absent([])
  assert control_card._told('headYaw', -0.2, 4.4) == '0°: 4°' and control_card._told('jawOpen', 0.5, np.nan) == '0.50: –'
