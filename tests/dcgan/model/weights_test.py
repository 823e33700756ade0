"""Tests of dcgan.model.weights."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from dcgan.common import errors
from dcgan.model import networks
from dcgan.model import weights


@pytest.fixture(name='model')
def fixture_model(tiny_config):
  build = dict(generator=networks.build_generator, generator_ema=networks.build_generator,
               discriminator=networks.build_discriminator)
  values = {name: weights.values_of(build[name](tiny_config.networks, 'float32', seed=i))
            for i, name in enumerate(weights.NETWORKS)}
  return weights.Model(tiny_config, 42, values)


@pytest.fixture(name='path')
def fixture_path(model, tmp_path):
  weights.save(tmp_path / 'ufm8.safetensors', model)
  return tmp_path / 'ufm8.safetensors'


def test_a_model_comes_back_with_kernels_in_float16_and_the_rest_exact(model, path):
  back = weights.load(path)
  assert back.step == 42 and back.options.networks == model.options.networks
  assert set(back.values) == set(weights.NETWORKS)
  for network, values in model.values.items():
    assert set(back.values[network]) == set(values)
    for name, value in values.items():
      expected = value.astype(np.float16).astype(np.float32) if value.ndim > 1 else value
      np.testing.assert_array_equal(back.values[network][name], expected)
      assert back.values[network][name].dtype == np.float32


def test_the_file_is_plain_safetensors_and_tells_no_place_on_the_machine(model, path):
  tensors = safetensors.numpy.load_file(path)
  assert tensors['generator/4x4_dense/kernel'].dtype == np.float16
  assert model.options.data.records.startswith('/')
  assert weights.load(path).options.data.records == 'records/drawn'
  assert model.options.data.records.encode() not in path.read_bytes()


def test_the_same_model_makes_the_same_file(model, path, tmp_path):
  weights.save(tmp_path / 'again.safetensors', model)
  digest = lambda file: hashlib.sha256(file.read_bytes()).hexdigest()
  assert digest(tmp_path / 'again.safetensors') == digest(path)


@pytest.mark.parametrize('num_bytes', [0, 5, 200, -1])
def test_a_file_that_was_cut_short_is_refused(path, num_bytes):
  path.write_bytes(path.read_bytes()[:num_bytes])
  with pytest.raises(errors.InputError, match=r'ufm8.safetensors: not a whole model .*cut short or altered. Fetch it'):
    weights.load(path)


def test_a_flipped_bit_in_a_weight_is_refused(path):
  content = bytearray(path.read_bytes())
  content[-3] ^= 1
  path.write_bytes(content)
  with pytest.raises(errors.InputError, match=r'ufm8.safetensors: altered: the SHA-256 of its weights is [0-9a-f]{64}'):
    weights.load(path)


def test_altered_options_are_refused(path):
  path.write_bytes(path.read_bytes().replace(b'z_dims\\\\\\": 4', b'z_dims\\\\\\": 5'))
  with pytest.raises(errors.InputError, match=r'altered: the SHA-256'):
    weights.load(path)


def test_another_programs_file_is_refused(tmp_path):
  safetensors.numpy.save_file({'x': np.zeros(3, np.float32)}, tmp_path / 'other.safetensors')
  with pytest.raises(errors.InputError, match=r'other.safetensors: not a model of this program \(its format is not t'):
    weights.load(tmp_path / 'other.safetensors')


def test_a_type_that_numpy_lacks_is_refused_too(tmp_path):
  header = json.dumps({'x': {'dtype': 'BF16', 'shape': [1], 'data_offsets': [0, 2]}}).encode()
  (tmp_path / 'other.safetensors').write_bytes(len(header).to_bytes(8, 'little') + header + b'ab')
  with pytest.raises(errors.InputError, match=r'other.safetensors: not a whole model'):
    weights.load(tmp_path / 'other.safetensors')


def test_the_digest_of_a_model_is_that_of_its_weights(path):
  back = weights.load(path)
  assert back.digest == weights.load(path).digest
  back.values['generator']['4x4_norm/beta'][0] += 1e-3
  assert back.digest != weights.load(path).digest


def test_options_of_another_version_are_refused(path):
  tensors = safetensors.numpy.load_file(path)
  told = dict(format='dcgan-avatar 1', options=json.dumps({'networks': {'depth': 3}}), step=1)
  told['sha256'] = weights._digest(told, tensors)  # pylint: disable=protected-access
  safetensors.numpy.save_file(tensors, path, {'dcgan': json.dumps(told)})
  with pytest.raises(errors.InputError, match=r'ufm8.safetensors: not the options of a run'):
    weights.load(path)


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(errors.InputError, match=r'none.safetensors: cannot be read \(No such file'):
    weights.load(tmp_path / 'none.safetensors')


def test_another_ending_is_refused(model, tmp_path):
  with pytest.raises(errors.InputError, match=r'`out` \(.*ufm.npz\) must end in .safetensors. Use .*ufm.safetensors'):
    weights.save(tmp_path / 'ufm.npz', model)


def test_a_weight_beyond_float16_is_refused_and_leaves_no_file(model, tmp_path):
  model.values['discriminator']['logits/kernel'][0, 0] = 1e6
  with pytest.raises(errors.InputError, match=r'`discriminator/logits/kernel` \(1e\+06 at most\) must be under 65,504'):
    weights.save(tmp_path / 'ufm.safetensors', model)
  assert list(tmp_path.iterdir()) == []
