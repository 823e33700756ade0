"""Tests of dcgan.data.input_pipeline."""

import dataclasses
import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import machine
from dcgan.data import holdout
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.data import records
from dcgan.options import config
from tests.dcgan import conftest


def write_pictures(prefix, pictures, picture_format='PNG', num_shards=1):
  """Writes a set of the given aligned pictures, uint8 [num, 218, 178, 3]; returns its manifest."""
  faces = []
  for index, picture in enumerate(pictures):
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, picture_format)
    faces.append(dataclasses.replace(conftest.draw_face(index, np.random.default_rng(0)), encoded=encoded.getvalue()))
  shards = [records.write_shard(manifests.shard_path(prefix, i, num_shards), part)
            for i, part in enumerate(np.array_split(np.array(faces, object), num_shards))]
  manifest = manifests.Manifest(kind='video', num_images=len(faces), num_inputs=len(faces), shards=tuple(shards),
                              rejected=(), settings={})
  manifests.save(prefix, manifest)
  return manifest


def memory_set(descriptors, is_video, pictures, held_out=()):
  trained_on = np.setdiff1d(np.arange(len(pictures)), held_out)
  return conftest.memory_set(pictures, trained_on, np.array(held_out, np.int64), descriptors, is_video)


def noise(num_pictures):
  return np.random.default_rng(0).integers(0, 256, (num_pictures, 218, 178, 3), np.uint8)


@pytest.fixture(name='storage', params=['memory', 'stream'])
def fixture_storage(request):
  return request.param


def test_without_resizing_the_networks_see_exactly_the_central_square(tmp_path, storage):
  pictures = noise(3)
  manifest = write_pictures(tmp_path / 'a', pictures)
  seen = input_pipeline.load_training_set(tmp_path / 'a', manifest, image_size_px=108, crop_px=108, storage=storage)
  np.testing.assert_array_equal(seen.pictures([2, 0, 2]), pictures[[2, 0, 2], 55:163, 35:143])
  assert seen.pictures([]).shape == (0, 108, 108, 3)
  assert (seen.is_video, seen.num_images, seen.storage) == (True, 3, storage)


def test_the_eyes_end_up_in_the_middle(tmp_path):
  picture = np.zeros([1, 218, 178, 3], np.uint8)
  for x in (69.4, 108.4):  # CelebA's places of the eyes
    picture[0, 111, int(x) - 1:int(x) + 2] = 255
  manifest = write_pictures(tmp_path / 'a', picture)
  seen = input_pipeline.load_training_set(tmp_path / 'a', manifest, 64, 108).pictures([0])[0]
  rows, columns = np.nonzero(seen[..., 0] > 40)
  assert abs(rows.mean() + 0.5 - 64 * (111.5 - 55) / 108) < 0.5
  assert abs(columns.mean() + 0.5 - 32) < 0.5


def test_shrinking_is_antialiased(tmp_path):
  board = np.repeat((np.indices((218, 178)).sum(axis=0) % 2 * 255)[np.newaxis, ..., np.newaxis], 3, -1).astype(np.uint8)
  seen = input_pipeline.load_training_set(tmp_path / 'a', write_pictures(tmp_path / 'a', board), 32, 128).pictures([0])
  assert abs(seen.astype(int) - 127).max() <= 3


def test_a_set_is_decoded_as_pillow_does(drawn_set, storage):
  manifest = manifests.load(drawn_set)
  seen = input_pipeline.load_training_set(drawn_set, manifest, 108, 108, storage)
  pictures = seen.pictures(np.arange(13))
  for face, image, descriptor in zip(records.read_faces(drawn_set, manifest), pictures, seen.descriptors, strict=True):
    picture = np.asarray(Image.open(io.BytesIO(face.encoded)))
    assert abs(picture[55:163, 35:143].astype(int) - image).max() == 0
    np.testing.assert_array_equal(descriptor, face.descriptor)
  assert not seen.is_video


def test_a_record_that_holds_no_picture_is_named(tmp_path):
  face = dataclasses.replace(conftest.draw_face(0, np.random.default_rng(0)), encoded=b'no picture')
  shard = records.write_shard(manifests.shard_path(tmp_path / 'a', 0, 1), [face])
  manifest = manifests.Manifest(kind='photos', num_images=1, num_inputs=1, shards=(shard,), rejected=(), settings={})
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00001: record 0: not a face record'):
    input_pipeline.load_training_set(tmp_path / 'a', manifest, 8, 108)


def test_a_set_without_faces_is_refused(tmp_path, storage):
  manifest = manifests.Manifest(kind='photos', num_images=0, num_inputs=1, shards=(), rejected=(), settings={})
  with pytest.raises(errors.InputError, match=r'`records` \(.*none\) holds no face'):
    input_pipeline.load_training_set(tmp_path / 'none', manifest, 8, 108, storage)


def test_a_storage_that_there_is_not_is_refused(drawn_set):
  with pytest.raises(ValueError, match=r'`storage` \(disk\) must be one of auto, memory, stream'):
    input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, 'disk')


@pytest.mark.parametrize('available, storage', [(3 * 13 * 8 * 8 * 3, 'memory'), (3 * 13 * 8 * 8 * 3 - 1, 'stream')])
def test_a_third_of_the_free_memory_is_the_border_between_memory_and_stream(drawn_set, monkeypatch, available, storage):
  monkeypatch.setattr(machine, 'free_memory_bytes', lambda: available)
  seen = input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108)
  assert seen.storage == storage


def test_minibatches_are_the_rows_of_the_plan_in_order():
  pictures = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)
  plan = np.array([[0, 6, 6], [3, 2, 1], [5, 5, 5]])
  given = memory_set(np.zeros([7, 256], np.float32), False, pictures)
  for row, batch in zip(plan, input_pipeline.make_dataset(given, plan).as_numpy_iterator(), strict=True):
    np.testing.assert_array_equal(batch, pictures[row])


@pytest.mark.parametrize('picture_format', ['PNG', 'JPEG'])
def test_streamed_minibatches_are_those_from_memory_to_the_bit(tmp_path, picture_format):
  manifest = write_pictures(tmp_path / 'a', noise(20), picture_format, num_shards=3)
  plan = np.random.default_rng(1).integers(0, 20, (40, 10))[5:, ::2]  # a view whose rows lie apart
  memory, stream = (input_pipeline.load_training_set(tmp_path / 'a', manifest, 32, 140, storage)
                    for storage in ('memory', 'stream'))
  np.testing.assert_array_equal(stream.descriptors, memory.descriptors)
  dataset = input_pipeline.make_dataset(stream, plan)
  assert dataset.element_spec == tf.TensorSpec([5, 32, 32, 3], tf.uint8)
  for _ in range(2):
    for row, batch in zip(plan, dataset.as_numpy_iterator(), strict=True):
      np.testing.assert_array_equal(batch, memory.images[row])
  np.testing.assert_array_equal(stream.pictures(plan[0]), memory.pictures(plan[0]))


def test_nothing_tunes_the_pipeline_that_who_deletes_it_would_wait_for(drawn_set, storage):
  seen = input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, storage)
  dataset = input_pipeline.make_dataset(seen, np.zeros([2, 3], np.int64))
  with_places = tf.data.Dataset.zip((dataset, tf.data.Dataset.range(2)))
  assert dataset.options().autotune.enabled is with_places.options().autotune.enabled is False


def test_two_replicas_part_a_minibatch_in_its_order(drawn_set, storage, two_replicas):
  seen = input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, storage)
  plan = np.random.default_rng(0).integers(0, 13, (5, 6))
  dataset = two_replicas.experimental_distribute_dataset(input_pipeline.make_dataset(seen, plan))
  for row, parts in zip(plan, dataset, strict=True):
    parts = [part.numpy() for part in two_replicas.experimental_local_results(parts)]
    np.testing.assert_array_equal(np.stack(parts), seen.pictures(row).reshape(2, 3, 8, 8, 3))


def test_a_shard_that_is_cut_off_in_training_is_named_with_the_record(tmp_path):
  manifest = conftest.make_set(tmp_path / 'a', 6)
  seen = input_pipeline.load_training_set(tmp_path / 'a', manifest, 8, 108, 'stream')
  iterator = iter(input_pipeline.make_dataset(seen, np.array([[0, 1]] * 100 + [[4, 5]])))
  next(iterator)
  path = manifests.shard_path(tmp_path / 'a', 1, 2)
  with open(path, 'r+b') as file:
    file.truncate(path.stat().st_size - 5)
  with pytest.raises(tf.errors.InvalidArgumentError, match=r'a\.tfrecord-00001-of-00002: record 2: the file was trunc'):
    list(iterator)


def test_video_keeps_its_order_and_photos_are_ordered_by_similarity():
  rng = np.random.default_rng(0)
  descriptors = rng.permutation(40)[:, np.newaxis] * np.ones([1, 4], np.float32)
  options = config.Data(minibatches='overlapping', global_batch_size=8)
  for is_video in (True, False):
    given = memory_set(descriptors, is_video, np.zeros([40, 4, 4, 3], np.uint8))
    plan = input_pipeline.make_plan(given, options, 10, num_replicas=1, seed=0)[:, 0]
    values = plan if is_video else descriptors[plan, 0]
    steps = np.abs(np.diff(values, axis=1))
    assert ((steps == 1) | (steps == 39)).all()  # neighbours on the ring


@pytest.mark.parametrize('minibatches', config.MINIBATCHES)
@pytest.mark.parametrize('is_video', [True, False])
def test_nothing_in_a_minibatch_is_held_out_and_all_others_are_seen(minibatches, is_video):
  held_out = [3, 4, 5, 17, 38]
  descriptors = np.random.default_rng(0).normal(size=[40, 8]).astype(np.float32)
  given = memory_set(descriptors, is_video, np.zeros([40, 4, 4, 3], np.uint8), held_out)
  options = config.Data(minibatches=minibatches, global_batch_size=8)
  plan = input_pipeline.make_plan(given, options, 60, num_replicas=2, seed=0)
  assert plan.shape == (60, 2, 4) and plan.dtype == np.int64
  assert set(plan.flat) == set(range(40)) - set(held_out)
  whole = input_pipeline.make_plan(given, options, 60, num_replicas=1, seed=0)
  np.testing.assert_array_equal(plan.reshape(60, 8), whole[:, 0])


def test_a_set_is_parted_as_its_kind_and_fraction_tell(tmp_path, storage):
  for kind, is_video in (('video', True), ('photos', False)):
    manifest = conftest.make_set(tmp_path / kind, 20, kind=kind)
    seen = input_pipeline.load_training_set(tmp_path / kind, manifest, 8, 108, storage, 0.2)
    trained_on, held_out = holdout.split(20, 0.2, is_video)
    np.testing.assert_array_equal(seen.trained_on, trained_on)
    np.testing.assert_array_equal(seen.held_out, held_out)
    assert (seen.num_images, len(held_out), seen.is_video) == (20, 4, is_video)


def test_nothing_left_to_train_on_is_told(drawn_set, storage):
  with pytest.raises(errors.InputError, match=r'`holdout_fraction` \(0\.97\) must leave pictures to train on'):
    input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, storage, 0.97)


def test_some_pictures_are_spread_evenly_from_the_first_to_the_last(drawn_set, storage):
  seen = input_pipeline.load_training_set(drawn_set, manifests.load(drawn_set), 8, 108, storage)
  indices = np.array([0, 2, 3, 5, 7, 8, 9, 11, 12])
  np.testing.assert_array_equal(seen.some(indices, 3), seen.pictures([0, 7, 12]))
  np.testing.assert_array_equal(seen.some(indices, 50), seen.pictures(indices))
  assert seen.some(np.array([], np.int64), 5).shape == (0, 8, 8, 3)


def test_decoding_does_not_depend_on_the_number_of_shards(tmp_path, storage):
  pictures = []
  for num_shards in (1, 3):
    manifest = conftest.make_set(tmp_path / f'{num_shards}', 7, num_shards=num_shards)
    seen = input_pipeline.load_training_set(tmp_path / f'{num_shards}', manifest, 16, 108, storage)
    pictures.append(seen.pictures(np.arange(7)))
  np.testing.assert_array_equal(*pictures)
