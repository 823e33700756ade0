"""A person whose pictures tell by their colours what they show: runs that can be posed without a mesh."""

import types

import numpy as np
import pytest
import tensorflow as tf

from dcgan.control import names
from dcgan.model import latents
from dcgan.model import region
from dcgan.options import config
from tools.avatar import posing
from tools.avatar import run_folder

SHOWN = ('jawOpen', 'browInnerUp', 'headYaw')  # red, green and blue
_COLUMNS = [names.MEASURED.index(name) for name in SHOWN]


class Generator:
  """Makes pictures of one colour each, which bends a little along three directions of Z."""

  def __init__(self, mean, back):
    self.weights = [tf.Variable(mean, dtype=tf.float32), tf.Variable(back, dtype=tf.float32)]

  def __call__(self, z, training):
    del training
    mean, back = (variable.numpy() for variable in self.weights)
    causes = (np.asarray(z) - latents.to_sphere(mean)) @ back
    shown = np.clip(0.4 + 0.15 * causes + 0.05 * causes**2, 0, 1)
    return tf.constant(np.tile(2 * shown[:, np.newaxis, np.newaxis] - 1, [1, 8, 8, 1]).astype(np.float32))


def shown_in(images):
  """Returns the raw measures of such pictures, float32 [num_images, 45]."""
  raw = np.zeros([len(images), len(names.MEASURED)], np.float32)
  raw[:, _COLUMNS] = images.mean(axis=(1, 2)) / 255 * [1, 1, 40] - [0, 0, 20]
  return raw


@pytest.fixture(name='person')
def fixture_person(monkeypatch, tmp_path):
  """A `run_folder.RunFolder` of such a person, of 200 pictures with places; `read_raw` tells what they show."""
  rng = np.random.default_rng(0)
  mean, *mixing = 4 * np.linalg.qr(rng.normal(size=[16, 16]))[0][:6]
  mixing = 0.15 * np.array(mixing)
  places = latents.to_sphere((mean + rng.normal(size=[200, 5]) @ mixing).astype(np.float32))
  generator = Generator(mean, np.linalg.pinv(mixing)[:, :3])
  keys = tuple(f'{number}.png' for number in range(200))
  raw = shown_in(((generator(places, False).numpy() + 1) * 127.5).round())
  monkeypatch.setattr(posing, 'read_raw', lambda prefix: (keys, raw))
  monkeypatch.setattr(posing.meshes, 'look', lambda images, crop_px: types.SimpleNamespace(landmarks=images))
  monkeypatch.setattr(posing.controls, 'measure', shown_in)
  space = region.Region(places, keys, np.full(200, np.nan))
  return run_folder.RunFolder(tmp_path / 'run', None, generator, None, config.Config(), space, 1)
