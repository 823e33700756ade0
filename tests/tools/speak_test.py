"""Tests of tools.speak and tools.train_speech as commands."""

import wave

import numpy as np
import pytest

from dcgan.options import config
from dcgan.training import session
from tests import commands
from tests.dcgan import conftest
from tests.tools.speech import films_test
from tools.speech import films
from tools.speech import made_up
from tools.speech import network


@pytest.fixture(scope='module', name='run')
def fixture_run(tmp_path_factory):
  """A run of one minibatch, without places."""
  folder = tmp_path_factory.mktemp('speak')
  conftest.make_set(folder / 'drawn', 5)
  options = config.Config(networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
                          data=config.Data(records=str(folder / 'drawn'), global_batch_size=4),
                          training=config.Training(num_minibatches=1, seed=3))
  return session.start(options, folder / 'checkpoints').run


def write_wav(path, samples):
  with wave.open(str(path), 'wb') as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(made_up.RATE_HZ)
    file.writeframes(np.round(np.asarray(samples) * 32767).astype('<i2').tobytes())
  return path


@pytest.mark.slow
@pytest.mark.parametrize('kind, message', [
    ('silence', 'is silent'), ('tone', 'nothing in it rises and falls as a voice does'),
    ('text', 'cannot be read as sound'), ('voice', 'its pictures have no places in Z, and no controls were'),
])
def test_what_cannot_be_spoken_is_one_line_and_exit_code_1(run, tmp_path, kind, message):
  samples = {'silence': np.zeros(32000), 'tone': 0.5 * np.sin(np.arange(32000) / 5),
             'voice': made_up.speak(4, 1).samples, 'text': np.zeros(0)}[kind]
  path = write_wav(tmp_path / 'sound.wav', samples)
  if kind == 'text':
    path.write_text('not a sound')
  made = commands.run('tools.speak', f'--run={run}', f'--audio={path}', f'--out={tmp_path / "out.mp4"}')
  assert made.returncode == 1 and message in made.stderr and 'Traceback' not in made.stderr
  assert made.stderr.strip().splitlines()[-1].startswith('error: ') and not list(tmp_path.glob('*out*'))


@pytest.mark.slow
def test_a_model_is_learnt_from_films_and_its_path_is_the_last_line(tmp_path):
  film = films_test.write_film(tmp_path / 'talk.mp4', made_up.speak(6, 21))
  out = tmp_path / 'own.safetensors'
  made = commands.run('tools.train_speech', f'--video={film}', '--made_up=2', '--num_steps=20', f'--out={out}')
  assert made.returncode == 0, made.stderr
  assert made.stdout.splitlines()[-1] == str(out) and len(network.load(out).reach) == len(films.SPOKEN)
