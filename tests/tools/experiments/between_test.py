"""Tests of frames in between: by hand where they lie and how far they are, and a tiny model searched for them."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import records
from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.experiments import between
from tools.experiments import training


def _make_video(prefix, times_secs, source='a.mp4', kind='video'):
  rng = np.random.default_rng(0)
  faces = [dataclasses.replace(conftest.draw_face(index, rng), time_secs=secs) for index, secs in enumerate(times_secs)]
  shard = records.write_shard(records.shard_path(prefix, 0, 1), faces)
  manifest = records.Manifest(kind=kind, num_images=len(faces), num_inputs=len(faces), shards=(shard,), rejected=(),
                              settings={'source': [f'videos/{source}']})
  records.save_manifest(prefix, manifest)
  return str(prefix), manifest


def test_frames_between_are_inside_and_not_the_same_moment():
  indices, gaps = between.find_between([1.0, 2.0, 4.0], [0.5, 1.01, 1.1, 1.5, 2.0, 3.0, 3.9, 4.0, 4.2])
  assert indices.tolist() == [2, 3, 5, 6]
  np.testing.assert_allclose(gaps, [0.1, 0.5, 1.0, 0.1])


def test_the_nearest_picture_is_told_with_its_root_mean_square():
  pictures = np.array([10, 200], np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones([1, 4, 4, 3], np.uint8)
  others = np.array([255, 13, 90], np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones([1, 4, 4, 3], np.uint8)
  indices, distances = between.nearest_pictures(pictures, others)
  assert indices.tolist() == [1, 0]
  np.testing.assert_allclose(distances, [3.0, 55.0], rtol=1e-6)


def test_two_sets_of_one_video_pass(tmp_path):
  records_prefix, manifest = _make_video(tmp_path / 'slow', [0.0, 1.0])
  between_prefix, _ = _make_video(tmp_path / 'fast', [0.0, 0.5, 1.0])
  between.check(records_prefix, between_prefix)
  np.testing.assert_array_equal(between.times_secs(records_prefix, manifest), [0.0, 1.0])


def test_sets_that_cannot_be_compared_are_named(tmp_path):
  slow, _ = _make_video(tmp_path / 'slow', [0.0, 1.0])
  other, _ = _make_video(tmp_path / 'other', [0.0, 0.5], source='b.mp4')
  photos, _ = _make_video(tmp_path / 'photos', [0.0, 0.5], kind='photos')
  timeless, _ = _make_video(tmp_path / 'timeless', [0.0, None])
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*other\) must be of the video of .*slow, a.mp4, '
                     r'but is of b.mp4'):
    between.check(slow, other)
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*photos\) must be frames of one video, but is of '
                     r'kind photos'):
    between.check(slow, photos)
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*slow\): none of its 2 frames lies between'):
    between.check(slow, slow)
  with pytest.raises(errors.InputError, match=r'timeless: face_0001.png has no time'):
    between.check(slow, timeless)
  with pytest.raises(errors.InputError, match='no manifest'):
    between.check(slow, str(tmp_path / 'none'))


def test_the_share_of_frames_that_are_made_better_than_replayed_is_counted():
  assert drawn.frames_between((4.0, 6.0, 20.0), (5.0, 5.0, 30.0)).share_nearer == pytest.approx(2 / 3)


@pytest.mark.slow
def test_a_run_is_searched_for_the_frames_in_between(tmp_path):
  slow, _ = _make_video(tmp_path / 'slow', np.arange(6.0))
  fast, _ = _make_video(tmp_path / 'fast', np.arange(0.0, 6.0, 0.25))
  variant = training.make_variant(slow, training.Scale(3, 2, 8), 0, 4, 'overlapping')
  run, = training.train([variant], tmp_path / 'out')
  found = between.measure(run, slow, fast, 0)
  # Of 24 frames 20 lie before the last second, of which every fourth is one that was trained on.
  assert len(found.gaps_secs) == 15 and set(found.gaps_secs.tolist()) == {0.25, 0.5}
  assert len(found.trained.pictures) == 6 and found.geometry_distance is None  # discs are no faces
  for frames in (found.between, found.trained):
    difference = np.sqrt(np.mean((frames.pictures.astype(float) - frames.made)**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(frames.inversion_errors, difference, rtol=1e-4)
    assert (frames.inversion_errors <= frames.sample_errors + 1.0).all()
  difference = np.sqrt(np.mean((found.between.pictures.astype(float) - found.nearest)**2, axis=(1, 2, 3)))
  np.testing.assert_allclose(found.nearest_errors, difference, rtol=1e-4)
