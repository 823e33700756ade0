"""Generator and discriminator losses on logits.

Each returns float32 [], the mean over the images given. One that trains on several replicas divides it by their
number, because optimizers add the replicas' gradients up.
"""

import tensorflow as tf


def nonsaturating_discriminator_loss(real_logits, fake_logits):
  """Returns the discriminator's cross entropy, E[-log D(x)] + E[-log(1 - D(G(z)))].

  Goodfellow et al. 2014, arXiv:1406.2661.

  Args:
    real_logits: float32 [batch, 1], unbounded; D(x) is their sigmoid.
    fake_logits: float32 [batch, 1].

  Returns:
    float32 [], 0 or more; 2 ln 2 = 1.386 where the discriminator cannot tell.
  """
  return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def nonsaturating_generator_loss(fake_logits):
  """Returns the generator's cross entropy, E[-log D(G(z))], the form that keeps its gradient where D is sure.

  Goodfellow et al. 2014, arXiv:1406.2661, section 3.

  Args:
    fake_logits: float32 [batch, 1], unbounded.

  Returns:
    float32 [], 0 or more; ln 2 = 0.693 where the discriminator cannot tell.
  """
  return tf.reduce_mean(tf.nn.softplus(-fake_logits))
