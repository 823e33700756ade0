"""Tests of what experiments ask of the set that they are done on."""

import dataclasses

import pytest

from dcgan.common import errors
from dcgan.data import manifests
from tests.dcgan import conftest
from tools.experiments import experiment
from tools.experiments import experiment1_baseline
from tools.experiments import experiment2_tiny_set
from tools.experiments import experiment3_aligned
from tools.experiments import experiment4_video
from tools.experiments import experiment5_reusable_model
from tools.experiments import variants

_BASELINE, _TINY, _ALIGNED, _VIDEO, _REUSABLE = (
    experiment1_baseline.Baseline, experiment2_tiny_set.TinySet, experiment3_aligned.AlignedTinySet,
    experiment4_video.Video, experiment5_reusable_model.ReusableModel)


def _make_set(prefix, kind='photos', **settings):
  manifest = conftest.make_set(prefix, 5, kind=kind)
  manifests.save(prefix, dataclasses.replace(manifest, settings=settings))
  return str(prefix)


def _check(kind, prefix):
  kind(experiment.Material(prefix), variants.Scale(10)).check(manifests.load(prefix))


def test_a_set_that_fits_is_taken(tmp_path):
  video, photos = _make_set(tmp_path / 'video', 'video'), _make_set(tmp_path / 'photos', source=['a'])
  unaligned = _make_set(tmp_path / 'unaligned', align='off')
  for kind, prefix in ((_TINY, unaligned), (_ALIGNED, photos), (_BASELINE, photos), (_REUSABLE, photos),
                       (_REUSABLE, video)):
    _check(kind, prefix)


@pytest.mark.parametrize('one, name, message', [
    (_BASELINE, 'video', r'video\) must be of kind photos or celeba for experiment 1, but is of kind video.*'
     '--photos=FOLDER'),
    (_TINY, 'photos', r'photos\) must be made with --align=off for experiment 2, but was made with --align=eyes.*`.*'
     '--align=off'),
    (_ALIGNED, 'unaligned', r'unaligned\) must be made with --align=eyes for experiment 3, but was made with '
     '--align=off'),
    (_REUSABLE, 'unaligned', r'unaligned\) must be made with --align=eyes for experiment 5'),
    (_VIDEO, 'photos', r'photos\) must be of kind video for experiment 4, but is of kind photos.*--fps=1')])
def test_a_set_that_does_not_fit_is_refused_with_the_command_for_a_right_one(tmp_path, one, name, message):
  prefix = _make_set(tmp_path / name, 'video' if name == 'video' else 'photos',
                     **({'align': 'off'} if name == 'unaligned' else {}))
  with pytest.raises(errors.InputError, match=message):
    _check(one, prefix)


def test_many_faces_are_no_person(tmp_path):
  prefix = _make_set(tmp_path / 'faces')
  manifest = manifests.load(prefix)
  shard = dataclasses.replace(manifest.shards[0], num_records=2_000 - manifest.shards[1].num_records)
  manifests.save(prefix, dataclasses.replace(
      manifest, num_images=2_000, num_inputs=2_000, rejected=(), shards=(shard, manifest.shards[1])))
  with pytest.raises(errors.InputError, match=r'`records` \(.*faces\) must hold few pictures, of one person, for '
                     'experiment 5, but holds 2,000'):
    _check(_REUSABLE, prefix)
  _check(_BASELINE, prefix)
  manifests.save(prefix, dataclasses.replace(manifests.load(prefix), kind='video'))
  _check(_REUSABLE, prefix)  # six minutes at 6 frames a second
