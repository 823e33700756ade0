"""Tests of the run of an avatar: its size and options, and how it is found again."""

import pytest

from dcgan.common import devices
from dcgan.options import config
from tests.dcgan import conftest
from tools.avatar import person_run

_DONOR = config.Config(networks=config.Networks(image_size=64, z_dims=100, channels=8),
                       data=config.Data(crop=140))


@pytest.mark.parametrize('num_faces, is_held_out', [(19, False), (20, True)])
def test_of_few_faces_none_is_held_out(tmp_path, num_faces, is_held_out):
  conftest.make_set(tmp_path / 'few', num_faces)
  options = person_run._options(str(tmp_path / 'few'), _DONOR, 64)  # pylint: disable=protected-access
  assert options.training.learner == 'places' and options.data.crop == 140 and options.networks.channels == 8
  assert (options.data.holdout_fraction > 0.0) == is_held_out


@pytest.mark.parametrize('donor_px, is_fast, size_px', [(64, True, 128), (64, False, 64), (32, True, 32),
                                                        (128, False, 128)])
def test_pictures_are_large_where_the_machine_is_fast_enough(monkeypatch, donor_px, is_fast, size_px):
  monkeypatch.setattr(devices, 'is_fast', lambda: is_fast)
  assert person_run._choose_size(person_run._sizes(donor_px)) == size_px  # pylint: disable=protected-access


def test_a_run_is_found_by_flags_that_name_its_start_and_what_differs(tmp_path):
  conftest.make_set(tmp_path / 'me', 5)
  options = person_run._options(str(tmp_path / 'me'), _DONOR, 64)  # pylint: disable=protected-access
  flags = person_run._flags(options, 'ufm').splitlines()  # pylint: disable=protected-access
  assert flags[:3] == ['--preset=person', '--init_from=ufm', '--note=avatar']
  assert f'--records={tmp_path}/me' in flags and '--channels=8' in flags and '--holdout_fraction=0.0' in flags


def test_the_flags_of_a_run_can_be_loaded_whatever_model_it_starts_from(tmp_path):
  conftest.make_set(tmp_path / 'few', 3)
  donor = config.Config(networks=config.Networks(z_map=True, z_dims=7, kernel_size=5))
  options = person_run._options(str(tmp_path / 'few'), donor, 64)  # pylint: disable=protected-access
  flags = person_run._flags(options, 'a')  # pylint: disable=protected-access
  (tmp_path / 'flags.txt').write_text(flags, encoding='utf-8')
  loaded = conftest.load_flags(tmp_path / 'flags.txt')
  assert [loaded[name] for name in ('init_from', 'note', 'z_dims', 'kernel_size', 'crop', 'best_by')] == [
      'a', 'avatar', 7, 5, 108, 'none']
