"""Tests of tools.avatar.references and tools.avatar.found."""

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.model import gallery
from dcgan.model import latents
from dcgan.model import region
from dcgan.options import config
from tools.avatar import found
from tools.avatar import references
from tools.avatar import run_folder

_PLACES = latents.to_sphere(latents.sample_z(3, 4, seed=0))
_FILM = region.Region(_PLACES, ('me.mp4@0.000s', 'me.mp4@1.500s', 'me.mp4@3.000s'), np.array([0, 1.5, 3]))
_PHOTOS = region.Region(_PLACES, ('a/smile.jpg', 'b/frown.jpg', 'c/wink.jpg'), np.full(3, np.nan))


@pytest.fixture(name='shown')
def fixture_shown(tmp_path):
  return gallery.Gallery(tmp_path, latents.sample_z(6, 4, seed=1), 7)


def resolve(name, shown, space):
  z, = references.resolve([name], _folder(shown, space))
  return z


def _folder(shown, space):
  return run_folder.RunFolder(shown.run, shown, None, None, config.Config(), space, shown.step)


def test_a_number_is_that_of_the_gallery(shown):
  np.testing.assert_array_equal(references.resolve(['4', ' 0'], _folder(shown, _FILM)), shown.z[[4, 0]])
  with pytest.raises(errors.InputError, match='picture 9 is not in the gallery'):
    resolve('9', shown, _FILM)


@pytest.mark.parametrize('name, place', [('1.5s', 1), ('0s', 0), ('2.9s', 2), ('99s', 2), ('me.mp4@3.000s', 2),
                                         ('me.mp4@1.250s', 1)])
def test_a_time_or_a_key_is_a_frames_place(shown, name, place):
  np.testing.assert_array_equal(resolve(name, shown, _FILM), _PLACES[place])


def test_a_time_that_is_not_there_is_told_of(shown, caplog):
  with caplog.at_level('INFO'):
    resolve('2.4s', shown, _FILM)
  assert '2.4s: the nearest frame that the run has learnt is at 3.00s' in caplog.text


@pytest.mark.parametrize('name', ['b/frown.jpg', 'frown.jpg', 'frown', 'b/frwn.jpg'])
def test_a_photo_is_named_by_its_key_its_end_or_nearly(shown, name):
  np.testing.assert_array_equal(resolve(name, shown, _PHOTOS), _PLACES[1])


def test_what_is_nothing_of_these_is_refused_with_what_there_is(shown):
  found.save(shown.run, 'grin', _PLACES[0], {})
  with pytest.raises(errors.InputError, match=r'`zzz`: neither a number .* keys are like a/smile.jpg, grin'):
    resolve('zzz', shown, _PHOTOS)
  with pytest.raises(errors.InputError, match=r'`3s`: the pictures of .* are photos, without times'):
    resolve('3s', shown, _PHOTOS)


def test_a_run_without_places_knows_numbers_and_what_was_found(shown):
  found.save(shown.run, 'grin', _PLACES[2], dict(error=3.0))
  np.testing.assert_allclose(resolve('grin', shown, latents.Normal(4)), _PLACES[2], rtol=1e-6)
  with pytest.raises(errors.InputError, match=r'`me.mp4@0.000s`: .* has no places for its pictures'):
    resolve('me.mp4@0.000s', shown, latents.Normal(4))


@pytest.mark.parametrize('photo, name', [('x/my smile!.jpg', 'my_smile_'), ('17.png', 'photo_17'),
                                         ('2s.png', 'photo_2s'), ('.jpg', '.jpg'), ('a.b.jpg', 'a.b')])
def test_a_found_photo_is_called_by_its_name_which_is_never_a_number(photo, name):
  assert found.name_of(photo) == name
