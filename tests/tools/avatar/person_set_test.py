"""Tests of the set of an avatar: how many frames are taken, and what is told of few faces or none."""

import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tests.dcgan import conftest
from tools.avatar import person_set


@pytest.mark.parametrize('secs, fps', [(34, 8.82), (7, 15), (30, 10), (300, 1), (6000, 0.05), (1, 15)])
def test_about_three_hundred_frames_are_taken_of_a_video(secs, fps):
  assert person_set.frames_per_sec(secs) == fps


@pytest.mark.parametrize('num_faces, told', [(1, 'Only 1 face of one person: it will show that one expression'),
                                             (9, 'Only 9 faces of one person: it will show those expressions')])
def test_few_faces_are_told_of(tmp_path, caplog, num_faces, told):
  conftest.make_set(tmp_path / 'few', num_faces)
  with caplog.at_level('WARNING'):
    person_set._checked(str(tmp_path / 'few'))  # pylint: disable=protected-access
  assert told in caplog.text


def test_a_set_without_a_face_is_refused_before_training(tmp_path):
  manifests.save(tmp_path / 'none', manifests.Manifest('photos', 0, 2, (), (), {}))
  with pytest.raises(errors.InputError, match=r'none: no face in any picture. Take pictures'):
    person_set._checked(str(tmp_path / 'none'))  # pylint: disable=protected-access
