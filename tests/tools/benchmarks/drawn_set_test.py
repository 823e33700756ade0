"""Tests of the drawn set."""

import numpy as np

from dcgan.data import input_pipeline
from dcgan.data import manifests
from tools.benchmarks import drawn_set


def test_the_set_can_be_trained_on_and_its_pictures_differ(tmp_path):
  drawn_set.make_set(tmp_path / 'drawn', 5)
  manifest = manifests.load(str(tmp_path / 'drawn'))
  assert manifest.num_images == 5
  made = input_pipeline.load_training_set(str(tmp_path / 'drawn'), manifest, 16, 108)
  pictures = made.pictures(np.arange(5))
  assert pictures.shape == (5, 16, 16, 3) and len(np.unique(pictures, axis=0)) == 5


def test_the_same_number_gives_the_same_set(tmp_path):
  for name in ('a', 'b'):
    drawn_set.make_set(tmp_path / name, 3)
  assert manifests.load(str(tmp_path / 'a')).digest == manifests.load(str(tmp_path / 'b')).digest
