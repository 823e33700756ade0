"""Tests of dcgan.input_pipeline."""

import dataclasses
import io

import numpy as np
from PIL import Image
import pytest

from dcgan import config
from dcgan import errors
from dcgan import input_pipeline
from dcgan import records
from tests.dcgan import conftest


def write_pictures(prefix, pictures):
  """Writes a set of the given aligned pictures, uint8 [num, 218, 178, 3], as PNG; returns its manifest."""
  faces = []
  for index, picture in enumerate(pictures):
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, 'PNG')
    faces.append(dataclasses.replace(conftest.draw_face(index, np.random.default_rng(0)), encoded=encoded.getvalue()))
  shard = records.write_shard(records.shard_path(prefix, 0, 1), faces)
  manifest = records.Manifest(kind='video', num_images=len(faces), num_inputs=len(faces), shards=(shard,), rejected=(),
                              settings={})
  records.save_manifest(prefix, manifest)
  return manifest


def test_without_resizing_the_networks_see_exactly_the_central_square(tmp_path):
  pictures = np.random.default_rng(0).integers(0, 256, (3, 218, 178, 3), np.uint8)
  manifest = write_pictures(tmp_path / 'a', pictures)
  seen = input_pipeline.load_training_set(tmp_path / 'a', manifest, image_size_px=108, crop_px=108)
  np.testing.assert_array_equal(seen.images, pictures[:, 55:163, 35:143])
  assert seen.is_video and seen.descriptors.shape == (3, 256)


def test_the_eyes_end_up_in_the_middle(tmp_path):
  picture = np.zeros([1, 218, 178, 3], np.uint8)
  for x in (69.4, 108.4):  # CelebA's places of the eyes
    picture[0, 111, int(x) - 1:int(x) + 2] = 255
  seen = input_pipeline.load_training_set(tmp_path / 'a', write_pictures(tmp_path / 'a', picture), 64, 108).images[0]
  rows, columns = np.nonzero(seen[..., 0] > 40)
  assert abs(rows.mean() + 0.5 - 64 * (111.5 - 55) / 108) < 0.5
  assert abs(columns.mean() + 0.5 - 32) < 0.5


def test_shrinking_is_antialiased(tmp_path):
  board = np.repeat((np.indices((218, 178)).sum(axis=0) % 2 * 255)[np.newaxis, ..., np.newaxis], 3, -1).astype(np.uint8)
  seen = input_pipeline.load_training_set(tmp_path / 'a', write_pictures(tmp_path / 'a', board), 32, 128).images
  assert abs(seen.astype(int) - 127).max() <= 3


def test_a_set_is_decoded_as_pillow_does(drawn_set):
  manifest = records.load_manifest(drawn_set)
  seen = input_pipeline.load_training_set(drawn_set, manifest, 108, 108)
  for face, image, descriptor in zip(records.read_faces(drawn_set, manifest), seen.images, seen.descriptors):
    picture = np.asarray(Image.open(io.BytesIO(face.encoded)))
    assert abs(picture[55:163, 35:143].astype(int) - image).max() == 0
    np.testing.assert_array_equal(descriptor, face.descriptor)
  assert not seen.is_video


def test_a_record_that_holds_no_picture_is_named(tmp_path):
  face = dataclasses.replace(conftest.draw_face(0, np.random.default_rng(0)), encoded=b'no picture')
  shard = records.write_shard(records.shard_path(tmp_path / 'a', 0, 1), [face])
  manifest = records.Manifest(kind='photos', num_images=1, num_inputs=1, shards=(shard,), rejected=(), settings={})
  with pytest.raises(errors.InputError, match=r'a\.tfrecord-00000-of-00001: record 0: not a face record'):
    input_pipeline.load_training_set(tmp_path / 'a', manifest, 8, 108)


def test_minibatches_are_the_rows_of_the_plan_in_order():
  pictures = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)
  plan = np.array([[0, 6, 6], [3, 2, 1], [5, 5, 5]])
  for row, batch in zip(plan, input_pipeline.make_dataset(pictures, plan).as_numpy_iterator(), strict=True):
    np.testing.assert_array_equal(batch, pictures[row])


def test_video_keeps_its_order_and_photos_are_ordered_by_similarity():
  rng = np.random.default_rng(0)
  descriptors = rng.permutation(40)[:, np.newaxis] * np.ones([1, 4], np.float32)
  options = config.Data(minibatches='overlapping', global_batch_size=8)
  for is_video in (True, False):
    given = input_pipeline.TrainingSet(np.zeros([40, 4, 4, 3], np.uint8), descriptors, is_video)
    plan = input_pipeline.make_plan(given, options, 10, seed=0)
    values = plan if is_video else descriptors[plan, 0]
    steps = np.abs(np.diff(values, axis=1))
    assert ((steps == 1) | (steps == 39)).all()  # neighbours on the ring


def test_decoding_does_not_depend_on_the_number_of_shards(tmp_path):
  images = []
  for num_shards in (1, 3):
    manifest = conftest.make_set(tmp_path / f'{num_shards}', 7, num_shards=num_shards)
    images.append(input_pipeline.load_training_set(tmp_path / f'{num_shards}', manifest, 16, 108).images)
  np.testing.assert_array_equal(*images)
