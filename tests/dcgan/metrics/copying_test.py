"""Tests of dcgan.metrics.copying."""

import cv2
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import stats

from dcgan.metrics import copying


def draw_faces(num_faces, seed):
  """Returns uint8 [num_faces, 32, 32, 3]: an ellipse with eyes and mouth; eleven random numbers each."""
  rng = np.random.default_rng(seed)
  faces = np.empty([num_faces, 32, 32, 3], np.uint8)
  for face in faces:
    canvas = np.full([128, 128, 3], rng.uniform(0, 120, 3))
    centre = rng.uniform(56, 72, 2)
    axes = rng.uniform(30, 45), rng.uniform(40, 55)
    ellipse(canvas, centre, axes, rng.uniform(-15, 15), rng.uniform(130, 255, 3))
    for side in (-16, 16):
      ellipse(canvas, centre + [side, -14], (6, 5), 0, (20, 20, 20))
    ellipse(canvas, centre + [0, 20], (15, rng.uniform(2, 12)), 0, (120, 20, 30))
    face[:] = np.round(cv2.resize(canvas, (32, 32), interpolation=cv2.INTER_AREA))
  return faces


def ellipse(canvas, centre, axes, angle_deg, colour):
  whole = lambda values: tuple(int(value) for value in values)
  cv2.ellipse(canvas, whole(centre), whole(axes), angle_deg, 0, 360, tuple(map(float, colour)), -1)


def replay(pictures, num_pictures, seed):
  """Returns pictures drawn again and again, each a little noisy and through a JPEG."""
  rng = np.random.default_rng(seed)
  chosen = pictures[rng.integers(len(pictures), size=num_pictures)]
  noisy = np.clip(chosen + rng.normal(0, 3, chosen.shape), 0, 255).astype(np.uint8)
  return np.stack([iio.imread(iio.imwrite('<bytes>', picture, extension='.jpg', quality=90)) for picture in noisy])


def grey(*values):
  """Returns uint8 [num_values, 1, 1, 3]."""
  return np.repeat(np.uint8(values), 3).reshape(-1, 1, 1, 3)


TRAINING, HELD_OUT = draw_faces(120, seed=0), draw_faces(20, seed=1)


@pytest.mark.parametrize('num_training, num_held_out', [(60, 6), (60, 10), (120, 20)])
def test_a_generator_that_replays_training_pictures_copies(num_training, num_held_out):
  generated = replay(TRAINING[:num_training], 64, seed=2)
  assert copying.copying_test(TRAINING[:num_training], HELD_OUT[:num_held_out], generated) < copying.COPIES_BELOW


def test_a_generator_that_draws_anew_does_not_copy():
  scores = [copying.copying_test(TRAINING, HELD_OUT, draw_faces(64, seed)) for seed in range(10, 18)]
  assert np.max(np.abs(scores)) < 3


def test_over_many_honest_generators_the_scores_are_standard_normal():
  scores = [copying.copying_test(draw_faces(30, 3 * i), draw_faces(10, 3 * i + 1), draw_faces(15, 3 * i + 2))
            for i in range(1000, 1060)]
  assert abs(np.mean(scores)) < 0.4
  assert 0.7 < np.std(scores) < 1.3


def test_replayed_held_out_pictures_are_about_as_near_as_the_held_out_ones():
  assert abs(copying.copying_test(TRAINING, HELD_OUT, replay(HELD_OUT, 64, seed=3))) < 1.5


def test_a_generator_that_left_its_set_is_far_above_zero():
  assert copying.copying_test(TRAINING, HELD_OUT, 255 - draw_faces(64, seed=4)) > 3


def test_a_mixture_lies_between():
  fresh, copied = draw_faces(64, seed=5), replay(TRAINING, 64, seed=6)
  scores = [copying.copying_test(TRAINING, HELD_OUT, np.concatenate([copied[:num_copied], fresh[num_copied:]]))
            for num_copied in (0, 32, 64)]
  assert scores[0] > scores[1] + 1 > scores[2] + 2


def test_the_score_is_worked_by_hand():
  # From 100: 11 to 15 held out, 1 to 10 generated; every generated one is nearer. U is 0 of 50, its standard deviation
  # √(10 · 5 · 16 / 12): -25 / 8.165.
  score = copying.copying_test(grey(100), grey(*range(111, 116)), grey(*range(101, 111)))
  assert score == pytest.approx(-25 / np.sqrt(10 * 5 * 16 / 12)) and score < copying.COPIES_BELOW
  # One step down: the nearest held-out picture is now nearer than 3 of the 10.
  score = copying.copying_test(grey(100), grey(107, 112, 113, 114, 115), grey(*range(101, 107), *range(108, 112)))
  assert score == pytest.approx((4 - 25) / np.sqrt(10 * 5 * 16 / 12))


def test_ties_count_as_scipy_counts_them():
  held_out, generated = [3, 3, 4, 9, 2, 7], [3, 3, 3, 2, 1, 1, 9, 5, 3, 2, 2]
  expected = stats.mannwhitneyu(generated, held_out, use_continuity=False, alternative='less', method='asymptotic')
  score = copying.copying_test(grey(0), grey(*held_out), grey(*generated))
  assert stats.norm.cdf(score) == pytest.approx(expected.pvalue, rel=1e-6)


def test_where_all_distances_are_equal_the_score_is_zero():
  assert copying.copying_test(grey(100), grey(*[90] * 5), grey(*[110] * 10)) == 0


def test_cells_are_weighted_by_their_training_pictures():
  # Around 10 the generated ones are copies, around 200 honest to the tie: a quarter of -25 / 8.165, and 0.
  training = grey(10, 200, 200, 200)
  held_out = grey(*range(21, 26), *[190] * 5)
  generated = grey(*range(11, 21), *[190] * 10)
  expected = -25 / np.sqrt(10 * 5 * 16 / 12) / 4
  assert copying.copying_test(training, held_out, generated, num_cells=2) == pytest.approx(expected)


def test_cells_with_too_few_pictures_do_not_count():
  training = grey(10, 200, 200, 200)
  held_out, generated = grey(*range(21, 26), *[190] * 5), grey(*range(11, 21), *[190] * 9)
  assert copying.copying_test(training, held_out, generated, num_cells=2) == pytest.approx(
      -25 / np.sqrt(10 * 5 * 16 / 12))
  assert np.isnan(copying.copying_test(training, held_out[:9], grey(*[190] * 10), num_cells=2))
  assert np.isnan(copying.copying_test(training, held_out[5:], grey(*range(11, 21)), num_cells=2))


def test_copying_in_one_cell_shows_though_the_others_are_blurred():
  # Dark pictures are copied, bright ones lie too far away: taken as one, each hides the other.
  dark, bright = draw_faces(100, seed=20) // 4, draw_faces(100, seed=21) // 4 + 190
  training = np.concatenate([dark, bright[:20]])
  held_out = np.concatenate([draw_faces(20, seed=22) // 4, draw_faces(20, seed=23) // 4 + 190])
  generated = np.concatenate([replay(dark, 40, seed=24), 255 - draw_faces(40, seed=25) // 4])
  in_cells = copying.copying_test(training, held_out, generated, num_cells=2)
  assert in_cells < copying.COPIES_BELOW < copying.copying_test(training, held_out, generated, num_cells=1)


def test_the_number_of_cells_follows_from_the_smallest_set():
  training, held_out, generated = draw_faces(150, seed=30), draw_faces(110, seed=31), draw_faces(120, seed=32)
  score = copying.copying_test(training, held_out, generated)
  assert score == copying.copying_test(training, held_out, generated, num_cells=2)
  assert score != copying.copying_test(training, held_out, generated, num_cells=1)
  assert copying.copying_test(training, held_out[:99], generated) == copying.copying_test(
      training, held_out[:99], generated, num_cells=1)


def test_nearest_finds_the_picture_itself_at_zero_also_in_another_block():
  training = np.random.default_rng(0).integers(0, 256, [4500, 8, 8, 3], np.uint8)
  indices, distances = copying.nearest(training[[4400, 7, 4095, 4096]], training)
  assert indices.tolist() == [4400, 7, 4095, 4096] and indices.dtype == np.int64
  assert distances.tolist() == [0, 0, 0, 0] and distances.dtype == np.float32


def test_nearest_gives_root_mean_squares_in_grey_values():
  # Two of three channels of the whole picture by 6 and 12: √((36 + 144) / 3).
  generated = np.full([1, 64, 64, 3], [106, 112, 100], np.uint8)
  training = np.stack([np.full([64, 64, 3], value, np.uint8) for value in (0, 100, 255)])
  indices, distances = copying.nearest(generated, training)
  assert indices.tolist() == [1]
  assert distances == pytest.approx(np.sqrt(60))


def test_nearest_agrees_with_opencv_and_a_loop():
  training, generated = draw_faces(40, seed=40).repeat(2, axis=1).repeat(2, axis=2), draw_faces(9, seed=41).repeat(
      2, axis=1).repeat(2, axis=2)
  small = lambda picture: cv2.resize(picture.astype(np.float64), (32, 32), interpolation=cv2.INTER_AREA)
  gaps = np.array([[np.sqrt(np.mean((small(left) - small(right))**2)) for right in training] for left in generated])
  indices, distances = copying.nearest(generated, training)
  np.testing.assert_array_equal(indices, gaps.argmin(axis=1))
  np.testing.assert_allclose(distances, gaps.min(axis=1), rtol=1e-5)


def test_too_few_pictures_are_told_with_how_many_are_needed():
  with pytest.raises(ValueError, match='`held_out` holds 4 pictures, but the test for copying needs 5 or more'):
    copying.copying_test(TRAINING, HELD_OUT[:4], TRAINING)
  with pytest.raises(ValueError, match='`generated` holds 9 pictures, but the test for copying needs 10 or more'):
    copying.copying_test(TRAINING, HELD_OUT, TRAINING[:9])
  with pytest.raises(ValueError, match=r'`training` is uint8 \[0, 32, 32, 3\], but must be'):
    copying.copying_test(TRAINING[:0], HELD_OUT, TRAINING)


@pytest.mark.parametrize('num_cells', [0, 121])
def test_a_wrong_number_of_cells_is_told_with_its_limits(num_cells):
  with pytest.raises(ValueError, match=rf'`num_cells` \({num_cells}\) must be from 1 to .* 120'):
    copying.copying_test(TRAINING, HELD_OUT, TRAINING, num_cells=num_cells)


def test_pictures_of_another_size_are_told_with_both_sizes():
  small = TRAINING[:, :16, :16]
  with pytest.raises(ValueError, match=r'`held_out` \(16 px\) must be as large as `training` \(32 px\)'):
    copying.copying_test(TRAINING, small, TRAINING)
  with pytest.raises(ValueError, match=r'`generated` \(16 px\) must be as large as `training` \(32 px\)'):
    copying.copying_test(TRAINING, HELD_OUT, small)
  with pytest.raises(ValueError, match=r'`generated` \(16 px\) must be as large as `training` \(32 px\)'):
    copying.nearest(small, TRAINING)


@pytest.mark.parametrize('name, sets', [('generated', (TRAINING.astype(np.float32), TRAINING)),
                                        ('training', (TRAINING, TRAINING.astype(np.float32)))])
def test_nearest_tells_other_types_with_name_and_value(name, sets):
  with pytest.raises(ValueError, match=rf'`{name}` is float32 \[120, 32, 32, 3\], but must be uint8'):
    copying.nearest(*sets)
