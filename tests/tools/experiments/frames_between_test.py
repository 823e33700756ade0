"""Tests of frames in between: by hand where they lie and how far they are, and a tiny model searched for them."""

import dataclasses

import numpy as np
import pytest

from dcgan.common import errors
from dcgan.data import manifests
from dcgan.data import records
from tests.dcgan import conftest
from tests.tools.experiments import drawn
from tools.experiments import frames_between
from tools.experiments import training
from tools.experiments import variants


def _make_video(prefix, times_secs, source='a.mp4', kind='video'):
  rng = np.random.default_rng(0)
  faces = [dataclasses.replace(conftest.draw_face(index, rng), time_secs=secs) for index, secs in enumerate(times_secs)]
  shard = records.write_shard(manifests.shard_path(prefix, 0, 1), faces)
  manifest = manifests.Manifest(kind=kind, num_images=len(faces), num_inputs=len(faces), shards=(shard,), rejected=(),
                              settings={'source': [f'videos/{source}']})
  manifests.save(prefix, manifest)
  return str(prefix), manifest


def test_frames_between_are_inside_and_not_the_same_moment():
  indices, gaps = frames_between.find_between([1.0, 2.0, 4.0], [0.5, 1.01, 1.1, 1.5, 2.0, 3.0, 3.9, 4.0, 4.2])
  assert indices.tolist() == [2, 3, 5, 6]
  np.testing.assert_allclose(gaps, [0.1, 0.5, 1.0, 0.1])


def test_the_nearest_picture_is_told_with_its_root_mean_square():
  pictures = np.array([10, 200], np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones([1, 4, 4, 3], np.uint8)
  others = np.array([255, 13, 90], np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones([1, 4, 4, 3], np.uint8)
  indices, distances = frames_between.nearest_pictures(pictures, others)
  assert indices.tolist() == [1, 0]
  np.testing.assert_allclose(distances, [3.0, 55.0], rtol=1e-6)


def test_two_sets_of_one_video_pass(tmp_path):
  records_prefix, manifest = _make_video(tmp_path / 'slow', [0.0, 1.0])
  between_prefix, _ = _make_video(tmp_path / 'fast', [0.0, 0.5, 1.0])
  frames_between.check(records_prefix, between_prefix)
  np.testing.assert_array_equal(frames_between.FrameSet(records_prefix, manifest).times_secs(), [0.0, 1.0])


def test_sets_that_cannot_be_compared_are_named(tmp_path):
  slow, _ = _make_video(tmp_path / 'slow', [0.0, 1.0])
  other, _ = _make_video(tmp_path / 'other', [0.0, 0.5], source='b.mp4')
  photos, _ = _make_video(tmp_path / 'photos', [0.0, 0.5], kind='photos')
  timeless, _ = _make_video(tmp_path / 'timeless', [0.0, None])
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*other\) must be of the video of .*slow, a.mp4, '
                     r'but is of b.mp4'):
    frames_between.check(slow, other)
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*photos\) must be frames of one video, but is of '
                     r'kind photos'):
    frames_between.check(slow, photos)
  with pytest.raises(errors.InputError, match=r'`between_records` \(.*slow\): none of its 2 frames lies between'):
    frames_between.check(slow, slow)
  with pytest.raises(errors.InputError, match=r'timeless: face_0001.png has no time'):
    frames_between.check(slow, timeless)
  with pytest.raises(errors.InputError, match='no manifest'):
    frames_between.check(slow, str(tmp_path / 'none'))


def test_the_share_of_frames_that_are_made_better_than_replayed_is_counted():
  assert drawn.between((4.0, 6.0, 20.0), (5.0, 5.0, 30.0)).share_nearer == pytest.approx(2 / 3)


def test_numbers_of_frames_are_medians_by_their_distance_in_time():
  numbers = drawn.between().as_json()
  assert numbers['kinds'] == [dict(name='trained on', num_frames=2, inversion_error=5.0, sample_error=10.0),
                              dict(name='in between', num_frames=3, inversion_error=6.0, sample_error=12.0)]
  assert numbers['gaps'] == [
      dict(gap_secs=0.1, num_frames=1, inversion_error=4.0, sample_error=8.0, nearest_error=5.0),
      dict(gap_secs=0.3, num_frames=2, inversion_error=13.0, sample_error=26.0, nearest_error=17.5)]
  assert (numbers['nearest_error'], numbers['mean_error'], numbers['geometry_distance']) == (5.0, 40.0, 2.5)
  assert numbers['share_nearer'] == pytest.approx(2 / 3)


@pytest.mark.slow
def test_a_run_is_searched_for_the_frames_in_between(tmp_path):
  slow, _ = _make_video(tmp_path / 'slow', np.arange(6.0))
  fast, _ = _make_video(tmp_path / 'fast', np.arange(0.0, 6.0, 0.25))
  variant = variants.make_variant(slow, variants.Scale(3, 2, 8), 0, 4, 'overlapping')
  folder, = training.train([variant], tmp_path / 'out')
  found = frames_between.measure(folder.path, slow, fast, 0)
  # Of 24 frames 20 lie before the last second, of which every fourth is one that was trained on.
  assert len(found.gaps_secs) == 15 and set(found.gaps_secs.tolist()) == {0.25, 0.5}
  assert len(found.trained.pictures) == 6 and found.geometry_distance is None  # discs are no faces
  for frames in (found.between, found.trained):
    difference = np.sqrt(np.mean((frames.pictures.astype(float) - frames.made)**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(frames.inversion_errors, difference, rtol=1e-4)
    assert (frames.inversion_errors <= frames.sample_errors + 1.0).all()
  difference = np.sqrt(np.mean((found.between.pictures.astype(float) - found.nearest)**2, axis=(1, 2, 3)))
  np.testing.assert_allclose(found.nearest_errors, difference, rtol=1e-4)
