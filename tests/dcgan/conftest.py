"""Tiny runs: drawn faces in records, networks of a few thousand weights."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import imageio.v3 as iio
import numpy as np
import pytest
import tensorflow as tf

from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.data import records
from dcgan.options import config
from dcgan.training import session

ROOT = pathlib.Path(__file__).parents[2]


def draw_face(index, rng):
  """Returns a `records.Face` whose picture is a disc on a background: brightness and place follow `index`."""
  y, x = np.mgrid[:records.FACE_HEIGHT_PX, :records.FACE_WIDTH_PX]
  disc = (x - 89 - 3 * np.sin(index))**2 + (y - 111)**2 < (30 + index % 7)**2
  picture = np.where(disc[..., np.newaxis], [220, 180, 10 * (index % 20)], [30, 60, 90]).astype(np.uint8)
  return records.Face(
      encoded=iio.imwrite('<bytes>', picture, extension='.png'), key=f'face_{index:04d}.png', order=index,
      eyes=np.array([[69.4, 111.7], [108.4, 111.7]], np.float32),
      landmarks=rng.uniform(0, 178, [records.NUM_LANDMARKS, 3]).astype(np.float32), sharpness=12.5 + index,
      descriptor=np.full(records.NUM_DESCRIPTOR_VALUES, index, np.float32))


def make_set(prefix, num_faces, num_shards=2, kind='photos', secs_apart=None):
  """Writes a set of drawn faces, with times where they are frames `secs_apart`; returns its manifest."""
  rng = np.random.default_rng(0)
  faces = [draw_face(index, rng) for index in range(num_faces)]
  if secs_apart:
    faces = [dataclasses.replace(face, time_secs=face.order * secs_apart) for face in faces]
  shards = [records.write_shard(manifests.shard_path(prefix, i, num_shards), part)
            for i, part in enumerate(np.array_split(np.array(faces, object), num_shards))]
  manifest = manifests.Manifest(
      kind=kind, num_images=num_faces, num_inputs=num_faces + 1, shards=tuple(shards),
      rejected=(manifests.Rejection('blank.png', manifests.Reason('no_face')),), settings={'photos': 'drawn'})
  manifests.save(prefix, manifest)
  return manifest


def train_places(prefix, checkpoints_dir):
  """Trains a run with places on a set for three minibatches, in networks of 8 px; returns its path."""
  return session.start(config.Config(
      networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3, discriminator_norm='spectral'),
      data=config.Data(records=str(prefix), global_batch_size=4),
      training=config.Training(num_minibatches=3, learner='places'), places=config.Places(alone_visits=1)),
                       checkpoints_dir).run


def memory_set(pictures, trained_on, held_out=(), descriptors=None, is_video=False, times_secs=None):
  """Returns an `input_pipeline.MemorySet` of pictures, uint8 [num_images, size, size, 3], keyed by their numbers."""
  num_images = len(pictures)
  descriptors = np.zeros([num_images, 256], np.float32) if descriptors is None else descriptors
  times_secs = np.full(num_images, np.nan, np.float32) if times_secs is None else times_secs
  return input_pipeline.MemorySet(descriptors, is_video, trained_on, np.asarray(held_out, np.int64),
                                  [f'{number}.png' for number in range(num_images)], times_secs, pictures)


def load_flags(path):
  """Returns what `python -m dcgan.train --flagfile=PATH` reads: dict from its flags' names to their values."""
  program = ('import json, sys; from absl import flags; from dcgan import train; flags.FLAGS(sys.argv); '
             'print(json.dumps({flag.name: flag.value for flag in flags.FLAGS.get_flags_for_module(train)}))')
  made = subprocess.run([sys.executable, '-c', program, f'--flagfile={path}'], cwd=ROOT, capture_output=True,
                        text=True, check=False)
  assert made.returncode == 0, made.stderr
  return json.loads(made.stdout)


def assert_equal_faces(left, right):
  """Asserts that two `records.Face` are equal, field by field."""
  for field in dataclasses.fields(records.Face):
    np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name), err_msg=field.name)


@pytest.fixture(scope='session')
def drawn_set(tmp_path_factory):
  """Prefix (str) of a set of 13 drawn faces in 2 shards."""
  prefix = tmp_path_factory.mktemp('records') / 'drawn'
  make_set(prefix, 13)
  return str(prefix)


@pytest.fixture(scope='session')
def two_replicas():
  """The one `tf.distribute.MirroredStrategy` of the tests, over two logical CPU devices.

  There must not be another: two strategies in one process number their collective operations alike and get mixed up.
  """
  return tf.distribute.MirroredStrategy(['/cpu:0', '/cpu:1'])


@pytest.fixture(scope='session')
def tiny_config(drawn_set):
  """A `config.Config` for 8×8 pictures, z of 4, minibatches of 4."""
  return config.Config(
      networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
      data=config.Data(records=drawn_set, global_batch_size=4),
      training=config.Training(num_minibatches=4, learning_rate=0.01, ema_half_life_images=50, transfer='full'),
      places=config.Places(places_start='looks'),
      periods=config.Periods(log_every_steps=2, samples_every_steps=3, checkpoint_every_steps=2))


@pytest.fixture(scope='session')
def placing_config(tiny_config):
  """The tiny one for a learner with places, from the first minibatch on beside D."""
  return tiny_config.replace('networks', discriminator_norm='spectral').replace(
      'training', learner='places', num_minibatches=6, learning_rate=0.001).replace('places', alone_visits=0)


@pytest.fixture(scope='session')
def everything_config(tiny_config):
  """The tiny one with every option of training switched on, each so strong that it shows within a few minibatches."""
  return dataclasses.replace(
      tiny_config.replace('networks', discriminator_norm='spectral').replace(
          'data', minibatches='overlapping'),
      augmentation=config.Augmentation(
          config.AUGMENTATIONS, augment_mode='adaptive', augment_probability=0.5, augment_ramp_images=100),
      regularization=config.Regularization(r1_gamma=1.0, r1_every_steps=2))


@pytest.fixture(scope='session')
def finished_run(tiny_config, tmp_path_factory):
  """Path of a run of `tiny_config`, 4 minibatches long, with two checkpoints. Shared: copy it to change it."""
  return session.start(tiny_config, tmp_path_factory.mktemp('finished'), note='try', flagfile='--seed=0\n').run


@pytest.fixture
def run_copy(finished_run, tmp_path):
  """Path of a copy of `finished_run`."""
  return shutil.copytree(finished_run, tmp_path / 'run')


@pytest.fixture(scope='session')
def longer_run(tiny_config, tmp_path_factory):
  """Path of an undisturbed run of `tiny_config`, 6 minibatches long, with checkpoints 4 and 6. Shared, as above."""
  return session.start(tiny_config.replace('training', num_minibatches=6), tmp_path_factory.mktemp('longer')).run
