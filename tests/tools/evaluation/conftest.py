"""Shared by the tests of evaluation: a face that moves, and faces of nobody."""

import numpy as np
import pytest

from dcgan.model import latents
from dcgan.model import networks
from dcgan.training import transfers
from tools.demo import clip as demo_clip
from tools.demo import portrait as demo_portrait
from tools.faces import alignment
from tools.faces import landmarks

_NUM_FRAMES, _FPS = 40, 3.0
_NUM_OF_UFM, _SEED = 48, 101  # as in eye_labels.json


@pytest.fixture(name='frames', scope='session')
def _frames():
  """Aligned frames of the demo clip, uint8 [40, 140, 140, 3]: lids shut, mouths open, turned heads among them."""
  photo, finder = demo_clip.load_photo(), landmarks.FaceFinder()
  portrait = demo_portrait.Portrait(photo, finder.find_all(photo)[0].landmarks, 256)
  frames = []
  for pose in demo_clip.make_poses(_NUM_FRAMES, _FPS, seed=3):
    drawn = portrait.draw(pose)
    found = finder.find_all(drawn)[0]
    frames.append(alignment.align(drawn, found.landmarks, found.eyes).image[39:179, 19:159])
  return np.stack(frames)


@pytest.fixture(name='ufm_pictures', scope='session')
def _ufm_pictures():
  """Faces of the model of 2016's kind that ships, uint8 [48, 64, 64, 3]: of nobody, and about a third mangled."""
  model = transfers.load_donor('ufm64').model
  generator = networks.build_generator(model.options.networks, 'float32')
  for variable in generator.variables:
    variable.assign(model.values['generator_ema'][variable.name.removesuffix(':0')])
  return networks.generate(generator, latents.sample_z(_NUM_OF_UFM, model.options.networks.z_dims, _SEED))
