"""The DCGAN's generator and discriminator (Radford et al. 2016, arXiv:1511.06434) as Keras models.

Layers are named after the resolution they make, so that a variable of one run is found in another by its name.
"""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

from dcgan.common import images

_GENERATE_BATCH = 64
_START_PX = 4
_MOST_CHANNELS = 8  # times `channels`, at the 4×4 end
_ENCODER_KERNEL_PX, _ENCODER_PX = 4, 64
_LEAK = 0.2  # Radford et al. 2016, section 3
_BATCH_NORM = dict(momentum=0.9, epsilon=1e-5)  # of the DCGAN that the report used
_POLICIES = {'float32': 'float32', 'bfloat16': 'mixed_bfloat16', 'float16': 'mixed_float16'}


def build_generator(config, precision, synchronized=False, seed=0):
  """Returns the generator: Dense, then strided transposed convolutions with BatchNorm and ReLU, then tanh.

  Args:
    config: `config.Networks`.
    precision: 'float32', 'bfloat16' or 'float16', of activations; variables are float32.
    synchronized: bool, whether BatchNorm's statistics are those of all replicas together. It is slower, so only where
      there are several.
    seed: int, of the initial weights.

  Returns:
    `tf.keras.Model`: float32 [batch, z_dims] → float32 [batch, size, size, 3] in [-1, 1].
  """
  layers = _Layers(precision, synchronized, seed)
  channels = num_filters(config, _START_PX)
  z = x = tf.keras.Input([config.z_dims], name='z')
  if config.z_map:
    x = tf.keras.layers.Dense(config.z_dims, kernel_initializer='identity', name='z_map', dtype='float32')(x)
  x = layers.dense(_START_PX * _START_PX * channels, '4x4_dense', use_bias=False)(x)
  x = tf.keras.layers.Reshape([_START_PX, _START_PX, channels], name='4x4_reshape')(x)
  x = layers.batch_norm('4x4_norm')(x)
  x = layers.relu('4x4_relu')(x)
  size = 2 * _START_PX
  while size < config.image_size:
    name = f'{size}x{size}'
    x = layers.conv_transpose(num_filters(config, size), config.kernel_size, f'{name}_conv_transpose',
                              use_bias=False)(x)
    x = layers.batch_norm(f'{name}_norm')(x)
    x = layers.relu(f'{name}_relu')(x)
    size *= 2
  x = layers.conv_transpose(3, config.kernel_size, f'{size}x{size}_rgb', use_bias=True)(x)
  x = tf.keras.layers.Activation('tanh', name=f'{size}x{size}_tanh', dtype='float32')(x)
  return tf.keras.Model(z, x, name='generator')


def build_discriminator(config, precision, synchronized=False, seed=0, num_frozen=0):
  """Returns the discriminator: strided convolutions with LeakyReLU, normalized but for the first, then Dense.

  Args:
    config: `config.Networks`.
    precision: as for `build_generator`.
    synchronized: as for `build_generator`.
    seed: int, of the initial weights.
    num_frozen: int, convolutions from the picture on that are not trained (Mo et al. 2020, arXiv:2002.10964).

  Returns:
    `tf.keras.Model`: float32 [batch, size, size, 3] in [-1, 1] → float32 [batch, 1], logits.
  """
  layers = _Layers(precision, synchronized, seed, is_spectral=config.discriminator_norm == 'spectral')
  pictures = x = tf.keras.Input([config.image_size, config.image_size, 3], name='images')
  if config.detail_gain:
    x = _Emphasis(config.detail_gain, name='emphasis', dtype='float32')(x)
  size = config.image_size // 2
  while size >= _START_PX:
    name = f'{size}x{size}'
    is_normalized = config.discriminator_norm == 'batch' and size < config.image_size // 2
    conv = layers.conv(num_filters(config, size), config.kernel_size, f'{name}_conv', use_bias=not is_normalized)
    if num_frozen > 0:  # not in training, or spectral normalization would go on to divide the kernel
      conv.trainable = False
      x = conv(x, training=False)
    else:
      x = conv(x)
    num_frozen -= 1
    if is_normalized:
      x = layers.batch_norm(f'{name}_norm')(x)
    x = layers.leaky_relu(f'{name}_leaky_relu')(x)
    size //= 2
  x = tf.keras.layers.Flatten(name='4x4_flatten')(x)
  logits = layers.dense(1, 'logits', use_bias=True, dtype='float32')(x)
  model = tf.keras.Model(pictures, logits, name='discriminator')
  layers.start_power_iterations(model)
  return model


def build_encoder(config, precision, seed=0):
  """Returns the encoder: strided convolutions with LeakyReLU, then Dense: half as wide as the discriminator.

  Nothing is normalized, so what it makes of a picture does not depend on the others of the minibatch. Larger pictures
  are seen at 64 px, which shows an expression, so that a model of one size lends its encoder whole to the next.

  Args:
    config: `config.Networks`.
    precision: as for `build_generator`.
    seed: int, of the initial weights.

  Returns:
    `tf.keras.Model`: float32 [batch, size, size, 3] in [-1, 1] → float32 [batch, z_dims], of any length.
  """
  layers = _Layers(precision, False, seed, is_scaled=True)
  pictures = x = tf.keras.Input([config.image_size, config.image_size, 3], name='images')
  size = min(config.image_size, _ENCODER_PX)
  if size < config.image_size:
    x = tf.keras.layers.AveragePooling2D(config.image_size // size, name=f'{size}x{size}_mean')(x)
  size //= 2
  while size >= _START_PX:
    name = f'{size}x{size}'
    x = layers.conv(max(1, num_filters(config, size) // 2), _ENCODER_KERNEL_PX, f'{name}_conv', use_bias=True)(x)
    x = layers.leaky_relu(f'{name}_leaky_relu')(x)
    size //= 2
  x = tf.keras.layers.Flatten(name='4x4_flatten')(x)
  return tf.keras.Model(pictures, layers.dense(config.z_dims, 'z', use_bias=True, dtype='float32')(x), name='encoder')


def grow_discriminator(values, config, image_size):
  """Returns a discriminator's values for larger pictures, which it judges at first as it did, at their former size.

  Each new first convolution gives the mean of four pixels, once as it is and once negated, of which the rectified pair
  still holds the whole; what was the first convolution takes the difference. The new filters that are left over begin
  at nothing, as a new resolution does in Karras et al. 2018 (arXiv:1710.10196).

  Args:
    values: dict from variables' names, as in '32x32_conv/kernel', to float32 arrays.
    config: `config.Networks` of that discriminator.
    image_size: int, of the larger pictures in px.

  Returns:
    dict as `values`; the same one where pictures are no larger, or a new convolution has too few filters.
  """
  while config.image_size < image_size:
    size = config.image_size
    config = dataclasses.replace(config, image_size=2 * size)
    former, first = f'{size // 2}x{size // 2}_conv', f'{size}x{size}_conv'
    kernel, num_new = values.get(f'{former}/kernel'), num_filters(config, size)
    if kernel is None or num_new < 6:
      return values
    side, at = len(kernel), (len(kernel) - 2) // 2  # of the four pixels, with the padding that Keras calls 'same'
    mean = np.random.default_rng(0).normal(0.0, 0.02, [side, side, 3, num_new]).astype(np.float32)
    grown = np.zeros([side, side, num_new, kernel.shape[3]], np.float32)
    mean[..., :6] = 0.0
    for channel in range(3):
      for sign, number in ((1.0, 2 * channel), (-1.0, 2 * channel + 1)):
        mean[at:at + 2, at:at + 2, channel, number] = sign / 4
        grown[:, :, number] = sign * kernel[:, :, channel] / (1.0 + _LEAK)
    values = values | {f'{former}/kernel': grown, f'{first}/kernel': mean,
                       f'{first}/bias': np.zeros(num_new, np.float32)}
  return values


def num_convolutions(config):
  """Returns the convolutions of a discriminator (int): one for each halving from the picture to 4×4."""
  return (config.image_size // _START_PX).bit_length() - 1


def build_features(discriminator):
  """Returns a discriminator's features: float32 [batch, size, size, 3] → dict of activations by their layers' names.

  Args:
    discriminator: `tf.keras.Model` as `build_discriminator` makes it; its weights are shared.
  """
  outputs = {layer.name: layer.output for layer in discriminator.layers if layer.name.endswith('_leaky_relu')}
  return tf.keras.Model(discriminator.inputs[0], outputs, name='features')


def generate(generator, z):
  """Returns the pictures at points of Z.

  Args:
    generator: model as `build_generator` makes it; an averaged one for pictures to show.
    z: float32 [num_points, z_dims].

  Returns:
    uint8 [num_points, size, size, 3].
  """
  batches = [images.to_uint8(generator(z[i:i + _GENERATE_BATCH], training=False)).numpy()
             for i in range(0, len(z), _GENERATE_BATCH)]
  return np.concatenate(batches)


def encode(encoder, pictures):
  """Returns where an encoder puts pictures, float32 [num_pictures, z_dims], of any length.

  Args:
    encoder: model as `build_encoder` makes it.
    pictures: uint8 [num_pictures, size, size, 3].
  """
  return np.concatenate([encoder(images.to_float(pictures[i:i + _GENERATE_BATCH]), training=False).numpy()
                         for i in range(0, len(pictures), _GENERATE_BATCH)])


def num_filters(config, size_px):
  """Returns the filters at a resolution: `channels` at 32 px, or at half of a picture under 64 px, doubled with each
  halving up to 8 times; half of them above."""
  widest_px = min(config.image_size // 2, _MOST_CHANNELS * _START_PX)
  if size_px > widest_px:
    return max(1, config.channels // 2)
  return config.channels * min(_MOST_CHANNELS, widest_px // size_px)


class _Emphasis(tf.keras.layers.Layer):
  """Adds `gain` times their fine detail to pictures: what a blur of 3×3 px takes away.

  In photos the amplitude falls with the frequency (Field 1987, doi:10.1364/JOSAA.4.002379), and a spectrally normalized
  discriminator, whose answer can change by no more than the pictures do, hardly sees the highest octaves.
  """

  def __init__(self, gain, **others):
    super().__init__(**others)
    self._gain = gain

  def call(self, pictures):
    """Returns float32 [batch, size, size, 3], of as large pictures in [-1, 1]."""
    padded = tf.pad(pictures, [[0, 0], [1, 1], [1, 1], [0, 0]], 'SYMMETRIC')
    # Two means of 2×2 px: together [1, 2, 1] / 4 along x and y.
    blurred = tf.nn.avg_pool2d(tf.nn.avg_pool2d(padded, 2, 1, 'VALID'), 2, 1, 'VALID')
    return pictures + self._gain * (pictures - blurred)


class _EvenDoubling(tf.keras.constraints.Constraint):
  """Keeps a doubling from drawing a grid: the four pixels that it makes of one get equal sums of weights.

  So what is plain stays plain, whatever was learnt (Sugawara et al. 2018, arXiv:1806.02658). The even part of a kernel
  is kept by each update; of the paper's 5×5 kernels, whose pixels have 4, 6 and 9 weights, nothing is asked.
  """

  def __call__(self, kernel):
    """Returns float32 [size, size, out, in], size even, with the mean of each pixel's weights moved to that of all."""
    size = kernel.shape[0]
    by_pixel = tf.reshape(kernel, [size // 2, 2, size // 2, 2, *kernel.shape[2:]])
    own, of_all = (tf.reduce_mean(by_pixel, axes, keepdims=True) for axes in ([0, 2], [0, 1, 2, 3]))
    return tf.reshape(by_pixel - own + of_all, kernel.shape)


class _Layers:
  """Makes layers of one precision, with weights drawn from N(0, 0.02) as in the paper, each from a seed of its own.

  With `is_scaled`, weights are drawn so that activations keep their size without normalization (He et al. 2015,
  arXiv:1502.01852).

  With `is_spectral`, kernels of convolutions are divided by their largest singular value (Miyato et al. 2018,
  arXiv:1802.05957). Differs from the paper: the addons' layer divides the stored kernel, so gradients are those of the
  divided one; and the layer that gives the logits is free, or these would stay near 0.
  """

  def __init__(self, precision, synchronized, seed, is_spectral=False, is_scaled=False):
    self._policy = _POLICIES[precision]
    self._synchronized = synchronized
    self._seed = seed * 1000
    self._is_spectral = is_spectral
    self._is_scaled = is_scaled

  def _initializer(self, mean=0.0):
    self._seed += 1
    if self._is_scaled:
      return tf.keras.initializers.HeNormal(seed=self._seed)
    return tf.keras.initializers.RandomNormal(mean, 0.02, seed=self._seed)

  def dense(self, units, name, use_bias, dtype=None):
    return tf.keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=self._initializer(), name=name,
                                 dtype=dtype or self._policy)

  def conv(self, filters, kernel_size, name, use_bias):
    layer = tf.keras.layers.Conv2D(
        filters, kernel_size, strides=2, padding='same', use_bias=use_bias, kernel_initializer=self._initializer(),
        name=name, dtype=self._policy)
    if not self._is_spectral:
      return layer
    # The wrapper computes in float32 and passes activations on as they are: else it would round the kernels themselves.
    return tfa.layers.SpectralNormalization(layer, name=name, dtype='float32', autocast=False)

  def conv_transpose(self, filters, kernel_size, name, use_bias):
    return tf.keras.layers.Conv2DTranspose(
        filters, kernel_size, strides=2, padding='same', use_bias=use_bias, kernel_initializer=self._initializer(),
        kernel_constraint=None if kernel_size % 2 else _EvenDoubling(), name=name, dtype=self._policy)

  def batch_norm(self, name):
    return tf.keras.layers.BatchNormalization(gamma_initializer=self._initializer(1.0), name=name,
                                              synchronized=self._synchronized, dtype=self._policy, **_BATCH_NORM)

  def relu(self, name):
    return tf.keras.layers.ReLU(name=name, dtype=self._policy)

  def leaky_relu(self, name):
    return tf.keras.layers.LeakyReLU(_LEAK, name=name, dtype=self._policy)

  def start_power_iterations(self, model):
    """Draws the vectors of spectral normalization from the seed; the addons draw them anew in each process."""
    for layer in model.layers:
      if isinstance(layer, tfa.layers.SpectralNormalization):
        layer.u.assign(self._initializer()(layer.u.shape))
