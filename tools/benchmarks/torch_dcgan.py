"""The DCGAN and its training step in PyTorch, written from the paper (Radford et al. 2016, arXiv:1511.06434): the
report's, and with the spectral norm and the emphasis of detail that persons have.

Needs PyTorch and nothing else: `torch_step` runs it in a process, and maybe an interpreter, of its own, because the
threads of PyTorch and TensorFlow would be in each other's way in one. Layers, weights, losses and the order of updates
are those of `dcgan.model.networks` and `dcgan.training.adversarial`, but that padding is the same on all sides. What
makes PyTorch fast is on: channels_last, fused Adam, autocast for bfloat16, cuDNN's search and TensorFloat-32 on a
GPU.
"""

import json
import sys
import time

import torch
from torch import nn

_START_PX = 4
_WARM_UP_STEPS = 2


def serve(options_json):
  """Answers how long training steps take, until standard input ends.

  Prints a line of JSON when it is ready, then for each line of standard input, a number of steps, the seconds that they
  took.

  Args:
    options_json: JSON of a dict with image_size_px, z_dims, filters (by the size in px that a layer makes),
      kernel_size_px, discriminator_norm, detail_gain, global_batch_size, learning_rate, beta1, precision ('float32' or
      'bfloat16'), device ('cpu' or 'cuda') and num_threads.
  """
  options = json.loads(options_json)
  torch.set_num_threads(options['num_threads'])
  torch.backends.cudnn.benchmark = True
  torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True  # as TensorFlow does
  step = Step(options)
  step.train(_WARM_UP_STEPS)
  num_weights = [sum(weights.numel() for weights in network.parameters())
                 for network in (step.generator, step.discriminator)]
  print(json.dumps(dict(version=torch.__version__, num_threads=torch.get_num_threads(), num_weights=num_weights)),
        flush=True)
  for line in sys.stdin:
    start = time.perf_counter()
    step.train(int(line))
    print(time.perf_counter() - start, flush=True)


class Step:
  """Both networks, both Adams and a constant minibatch; `options` as for `serve`."""

  def __init__(self, options):
    torch.manual_seed(0)
    self._options = options
    self._device = options['device']
    layout = dict(device=self._device, memory_format=torch.channels_last)
    self.generator = build_generator(options).to(**layout)
    self.discriminator = build_discriminator(options).to(**layout)
    self._generator_optimizer = self._build_optimizer(self.generator)
    self._discriminator_optimizer = self._build_optimizer(self.discriminator)
    size = options['image_size_px']
    self._pixels = torch.randint(0, 256, (options['global_batch_size'], 3, size, size), dtype=torch.uint8).to(**layout)

  def _build_optimizer(self, network):
    version = tuple(int(part) for part in torch.__version__.split('.')[:2])
    return torch.optim.Adam(network.parameters(), self._options['learning_rate'], (self._options['beta1'], 0.999),
                            fused=self._device == 'cuda' or version >= (2, 4))

  def train(self, num_steps):
    """Trains on so many minibatches; returns when they are done."""
    for _ in range(num_steps):
      self._train_step()
    if self._device == 'cuda':
      torch.cuda.synchronize()

  def _train_step(self):
    """Trains D, then G against the new D, from one forward pass of G."""
    softplus = nn.functional.softplus
    reals = self._pixels.float() / 127.5 - 1.0
    z = torch.randn(len(reals), self._options['z_dims'], device=self._device)
    with self._autocast():
      fakes = self.generator(z)
      real_logits, fake_logits = self.discriminator(reals), self.discriminator(fakes.detach())
    loss = softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean()
    self._discriminator_optimizer.zero_grad()
    loss.backward()
    self._discriminator_optimizer.step()
    self.discriminator.requires_grad_(False)  # G needs no gradients of D's weights
    with self._autocast():
      fake_logits = self.discriminator(fakes)
    loss = softplus(-fake_logits.float()).mean()
    self._generator_optimizer.zero_grad()
    loss.backward()
    self._generator_optimizer.step()
    self.discriminator.requires_grad_(True)

  def _autocast(self):
    return torch.autocast(self._device, torch.bfloat16, enabled=self._options['precision'] == 'bfloat16')


def build_generator(options):
  """Returns z [batch, z_dims] → images [batch, 3, size, size] in [-1, 1]; `options` as for `serve`."""
  kernel, channels = options['kernel_size_px'], _channels(options, _START_PX)
  padding = dict(stride=2, padding=(kernel - 1) // 2, output_padding=kernel % 2)
  layers = [nn.Linear(options['z_dims'], channels * _START_PX**2, bias=False),
            nn.Unflatten(1, (channels, _START_PX, _START_PX)), _batch_norm(channels), nn.ReLU()]
  size = 2 * _START_PX
  while size < options['image_size_px']:
    below, channels = channels, _channels(options, size)
    layers += [nn.ConvTranspose2d(below, channels, kernel, bias=False, **padding), _batch_norm(channels), nn.ReLU()]
    size *= 2
  return _started(nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, kernel, **padding), nn.Tanh()))


def build_discriminator(options):
  """Returns images [batch, 3, size, size] → logits [batch, 1]; `options` as for `serve`."""
  kernel, channels, size = options['kernel_size_px'], 3, options['image_size_px'] // 2
  is_spectral, convolutions = options['discriminator_norm'] == 'spectral', []
  layers = [Emphasis(options['detail_gain'])] if options['detail_gain'] else []
  while size >= _START_PX:
    below, channels = channels, _channels(options, size)
    is_plain = is_spectral or not convolutions
    convolutions.append(nn.Conv2d(below, channels, kernel, stride=2, padding=(kernel - 1) // 2, bias=is_plain))
    layers += [convolutions[-1]] + ([] if is_plain else [_batch_norm(channels)]) + [nn.LeakyReLU(0.2)]
    size //= 2
  network = _started(nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * _START_PX**2, 1)))
  for convolution in convolutions if is_spectral else ():
    nn.utils.parametrizations.spectral_norm(convolution)
  return network


class Emphasis(nn.Module):
  """Adds `gain` times their fine detail to pictures: what a blur of 3×3 px takes away."""

  def __init__(self, gain):
    super().__init__()
    self._gain = gain
    self._blur = nn.Sequential(nn.ReplicationPad2d(1), nn.AvgPool2d(2, 1), nn.AvgPool2d(2, 1))

  def forward(self, pictures):
    """Returns as many pictures."""
    return pictures + self._gain * (pictures - self._blur(pictures))


def _channels(options, size_px):
  return options['filters'][str(size_px)]


def _batch_norm(channels):
  return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)  # PyTorch's momentum is the share of the new


def _started(network):
  """Returns a network with weights drawn from N(0, 0.02), BatchNorm's from N(1, 0.02)."""
  for layer in network.modules():
    if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
      nn.init.normal_(layer.weight, 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0, 0.02)
      if layer.bias is not None:
        nn.init.zeros_(layer.bias)
  return network
