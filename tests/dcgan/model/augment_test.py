"""Tests of dcgan.model.augment, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import augment
from dcgan.options import config


@pytest.fixture(name='pictures', scope='module')
def fixture_pictures():
  """float32 [4, 16, 16, 3] in [-1, 1]."""
  return np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)


def test_no_policy_changes_nothing(pictures):
  draws = augment.draw((), 4, tf.constant([0, 1], tf.int64))
  np.testing.assert_array_equal(augment.apply(tf.constant(pictures), draws), pictures)


def test_translation_moves_by_whole_pixels_and_fills_with_grey(pictures):
  draws = {'translation': tf.constant([[1.0, 0.0], [0.0, -1.0], [0.5, 0.5], [0.0, 0.0]])}
  moved = augment.apply(tf.constant(pictures), draws).numpy()
  np.testing.assert_allclose(moved[0, 2:], pictures[0, :-2], atol=1e-6)
  assert (moved[0, :2] == 0).all()
  np.testing.assert_allclose(moved[1, :, :-2], pictures[1, :, 2:], atol=1e-6)
  np.testing.assert_allclose(moved[2, 1:, 1:], pictures[2, :-1, :-1], atol=1e-6)
  np.testing.assert_allclose(moved[3], pictures[3], atol=1e-6)


def test_cutout_greys_a_square_of_half_the_side_around_its_centre(pictures):
  draws = {'cutout': tf.constant([[0.0, 0.0], [-1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])}
  cut = augment.apply(tf.constant(pictures), draws)
  kept = cut.numpy()[..., 0] != 0
  expected = np.ones([4, 16, 16], bool)
  expected[0, 4:12, 4:12] = expected[1, :4, :4] = expected[2, 12:, 4:12] = expected[3, 4:12, 12:] = False
  np.testing.assert_array_equal(kept, expected)


def test_colour_agrees_with_numpy(pictures):
  draws = np.float32([[0.5, -1.0, 0.2], [0, 0, 0], [-1, 1, -1], [0.1, 0.2, 0.3]])
  changed = augment.apply(tf.constant(pictures), {'colour': tf.constant(draws)}).numpy()
  for picture, (brightness, saturation, contrast), got in zip(pictures, draws, changed):
    want = picture + 0.5 * brightness
    grey = want.mean(axis=2, keepdims=True)
    want = grey + (want - grey) * (1 + saturation)
    want = want.mean() + (want - want.mean()) * (1 + 0.5 * contrast)
    np.testing.assert_allclose(got, want, atol=1e-5)
  assert np.ptp(changed[0], axis=2).max() < 1e-5  # a saturation of -1 leaves grey


def test_gradients_pass_through_to_every_pixel_that_is_left(pictures):
  draws = augment.draw(config.AUGMENTATIONS, 4, tf.constant([3, 1], tf.int64))
  images = tf.constant(pictures)
  with tf.GradientTape() as tape:
    tape.watch(images)
    changed = augment.apply(images, draws)
    total = tf.reduce_sum(changed * tf.constant(np.random.default_rng(1).normal(size=changed.shape).astype(np.float32)))
  gradient = tape.gradient(total, images).numpy()
  assert np.isfinite(gradient).all() and (gradient != 0).mean() > 0.5


def test_draws_come_from_the_seed_and_differ_between_pictures_and_policies():
  draw = lambda seed: augment.draw(config.AUGMENTATIONS, 8, tf.constant(seed, tf.int64))
  left, right, other = draw([0, 1]), draw([0, 1]), draw([0, 2])
  for name in config.AUGMENTATIONS:
    np.testing.assert_array_equal(left[name], right[name])
    assert (left[name].numpy() != other[name].numpy()).all() and abs(left[name].numpy()).max() <= 1
  assert (left['translation'].numpy() != left['cutout'].numpy()).all()
  assert len(np.unique(left['colour'].numpy())) == 24


def draw_many(probability, policies=config.AUGMENTATIONS):
  draws = augment.draw(policies, 2000, tf.constant([5, 9], tf.int64), probability)
  return {name: values.numpy() for name, values in draws.items()}


def is_applied(draws):
  """Returns bool [2000] for each policy: whether its draws change a picture at all."""
  nothing = {'colour': 0.0, 'translation': 0.0, 'cutout': 10.0, 'flip': 0.0}
  return {name: (values != nothing[name]).any(axis=1) for name, values in draws.items()}


def test_at_probability_1_every_policy_is_applied_to_every_picture_and_as_where_it_is_rarer():
  always, sometimes = draw_many(1.0), draw_many(0.3)
  for name, applied in is_applied(sometimes).items():
    assert is_applied(always)[name].all()
    np.testing.assert_array_equal(sometimes[name][applied], always[name][applied])


def test_at_probability_0_no_policy_changes_a_picture(pictures):
  draws = augment.draw(config.AUGMENTATIONS, 4, tf.constant([5, 9], tf.int64), probability=0.0)
  assert set(draws) == set(config.AUGMENTATIONS)
  for name, values in draws.items():
    np.testing.assert_allclose(augment.apply(tf.constant(pictures), {name: values}), pictures, atol=1e-6, err_msg=name)


def test_at_probability_30_percent_each_policy_takes_its_own_30_percent_of_the_pictures():
  applied = is_applied(draw_many(0.3))
  for name, values in applied.items():
    assert values.mean() == pytest.approx(0.3, abs=0.04), name  # four standard deviations
  # Independent policies meet in 9 % of the pictures.
  for i, left in enumerate(config.AUGMENTATIONS):
    for right in config.AUGMENTATIONS[:i]:
      assert (applied[left] & applied[right]).mean() == pytest.approx(0.09, abs=0.026), (left, right)


def test_what_is_done_does_not_depend_on_whether_it_is_done():
  draws = draw_many(0.3)
  for name, applied in is_applied(draws).items():
    if name != 'flip':
      done = draws[name][applied]
      assert abs(done.mean()) < 0.1 and done.min() < -0.95 and done.max() > 0.95, name


def test_flip_mirrors_about_half_of_the_pictures_left_to_right():
  picture = np.random.default_rng(2).uniform(-1, 1, (1, 4, 4, 3)).astype(np.float32)
  flipped = augment.apply(tf.constant(np.repeat(picture, 2000, axis=0)), draw_many(1.0, ('flip',))).numpy()
  is_mirrored = (flipped == picture[:, :, ::-1]).all(axis=(1, 2, 3))
  assert is_mirrored.mean() == pytest.approx(0.5, abs=0.045)
  np.testing.assert_array_equal(flipped[~is_mirrored], np.repeat(picture, (~is_mirrored).sum(), axis=0))


def test_a_picture_is_flipped_only_on_request(pictures):
  draws = augment.draw(('colour', 'translation', 'cutout'), 4, tf.constant([5, 9], tf.int64))
  assert set(draws) == {'colour', 'translation', 'cutout'}
  np.testing.assert_array_equal(augment.apply(tf.constant(pictures), {}), pictures)


def test_the_gradient_of_a_mirrored_picture_is_mirrored_back(pictures):
  weights = np.random.default_rng(1).normal(size=pictures.shape).astype(np.float32)
  images = tf.constant(pictures)
  with tf.GradientTape() as tape:
    tape.watch(images)
    flipped = augment.apply(images, {'flip': tf.constant([[-0.5], [0.5], [-1.0], [0.0]])})
    total = tf.reduce_sum(flipped * weights)
  gradient = tape.gradient(total, images).numpy()
  for i, is_mirrored in enumerate([True, False, True, False]):
    np.testing.assert_array_equal(gradient[i], weights[i, :, ::-1] if is_mirrored else weights[i])


def probabilities(options, mean_signs, global_batch_size=50):
  """Returns the probability after each minibatch."""
  adaptive = augment.Adaptive(options)
  update = tf.function(adaptive.update)
  made = []
  for step, sign in enumerate(mean_signs):
    update(tf.constant(sign, tf.float32), tf.constant(step, tf.int64), global_batch_size)
    made.append(float(adaptive.probability))
  return made


def test_adaptive_moves_by_the_images_of_four_minibatches_toward_the_target():
  options = config.Augmentation(('flip',), 'adaptive', 0.5, augment_target=0.6, augment_ramp_images=1000)
  # 4 · 50 / 1000 = 0.2 up where the mean sign of four is over 0.6, down where it is below.
  expected = [0.5, 0.5, 0.5, 0.7, 0.7, 0.7, 0.7, 0.5, 0.5, 0.5, 0.5, 0.3]
  assert probabilities(options, [1, 1, 0.2, 0.4] + [0.9, 0.9, 0.5, 0.0] + [-1] * 4) == pytest.approx(expected)


def test_adaptive_stays_between_0_and_1_and_comes_back_from_them():
  options = config.Augmentation(('flip',), 'adaptive', 0.5, augment_target=0.6, augment_ramp_images=500)
  steps = probabilities(options, [1] * 12 + [0] * 16 + [1] * 4)[3::4]
  assert steps == pytest.approx([0.9, 1.0, 1.0, 0.6, 0.2, 0.0, 0.0, 0.4])


def test_adaptive_stands_still_on_the_target():
  options = config.Augmentation(('flip',), 'adaptive', 0.5, augment_target=0.5, augment_ramp_images=1000)
  assert probabilities(options, [1.0, 0.0, 0.75, 0.25]) == [0.5] * 4


def test_a_fixed_probability_never_moves():
  options = config.Augmentation(('flip',), 'fixed', augment_probability=0.25, augment_ramp_images=100)
  assert probabilities(options, [1] * 8 + [-1] * 8) == [0.25] * 16


def test_adaptive_goes_on_within_four_minibatches_where_its_variables_are_put_back():
  options = config.Augmentation(('flip',), 'adaptive', 0.5, augment_target=0.6, augment_ramp_images=1000)
  left, right = augment.Adaptive(options), augment.Adaptive(options)
  call = lambda adaptive, step, sign: adaptive.update(tf.constant(sign), tf.constant(step, tf.int64), 50)
  for step in (0, 1):
    call(left, step, 1.0)
  for mine, theirs in zip(right.variables, left.variables):
    mine.assign(theirs)
  for step in (2, 3):
    call(right, step, 0.3)
  # The mean of 1, 1, 0.3, 0.3 is 0.65; of the last two alone over four it would be 0.15.
  assert float(right.probability) == pytest.approx(0.7)
