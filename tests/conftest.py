"""Shared by all tests: quiet libraries, absl's flags marked as parsed, two logical CPU devices."""

import os

from absl import flags
from absl import logging
import pytest

from dcgan.common import entry

entry.prepare_libraries()
flags.FLAGS.mark_as_parsed()
logging.set_verbosity(logging.INFO)

import tensorflow as tf  # pylint: disable=wrong-import-position

if 'PYTEST_XDIST_WORKER' in os.environ:  # the workers share the cores
  tf.config.threading.set_intra_op_parallelism_threads(1)
# Mirrored training is tested on two logical devices of the one CPU; they must be made before anything runs.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(scope='session')
def astronaut():
  """uint8 [512, 512, 3]: the public-domain portrait of Eileen Collins that scikit-image carries."""
  from skimage import data  # pylint: disable=import-outside-toplevel
  return data.astronaut()


@pytest.fixture(scope='session')
def somebody_else(astronaut):
  """uint8 [384, 384, 3]: a face that by its looks is not the portrait's."""
  import cv2  # pylint: disable=import-outside-toplevel
  grey = cv2.cvtColor(cv2.cvtColor(cv2.flip(astronaut, 1), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
  return cv2.GaussianBlur(cv2.resize(grey, (384, 384)), (0, 0), 2)
