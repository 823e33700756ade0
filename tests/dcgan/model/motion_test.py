"""Tests of dcgan.model.motion, on a generator whose pictures tell where in Z it was."""

import numpy as np
import pytest
import tensorflow as tf

from dcgan.model import latents
from dcgan.model import motion
from dcgan.model import region


def on_circle(degrees):
  angles = np.radians(degrees)
  return latents.to_sphere(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))


def degrees_of(z):
  return np.degrees(np.arctan2(z[:, 1], z[:, 0])) % 360


def shows(level_of):
  """Returns a generator of flat 8×8 pictures, whose level in [-1, 1] is a function of the angle in degrees."""
  def generate(z, training):
    del training
    levels = np.float32(level_of(degrees_of(np.asarray(z))))
    return tf.constant(np.tile(levels[:, np.newaxis, np.newaxis, np.newaxis], [1, 8, 8, 3]))
  return generate


def film(degrees, times_secs):
  return region.Region(on_circle(degrees), tuple(f'{secs:.3f}s' for secs in times_secs), np.array(times_secs, float))


def test_a_way_moves_evenly_in_what_is_seen():
  """Pictures change in the second half only: a line of equal parts of Z would stand still, then run."""
  generator = shows(lambda degrees: np.clip((degrees - 45) / 45, 0, 1) * 1.6 - 0.8)
  space = film(np.arange(0, 91, 5), np.arange(19))
  z = motion.between(generator, space, on_circle([0, 90]), 10, there_and_back=False)
  levels = generator(z, False).numpy()[:, 0, 0, 0]
  changes = np.diff(levels)
  assert z.shape == (11, 2) and changes.max() < 1.35 * 1.6 / 10
  np.testing.assert_allclose(degrees_of(z[[0, -1]]), [0, 90], atol=1e-3)
  by_z = np.diff(generator(on_circle(np.linspace(0, 90, 11)), False).numpy()[:, 0, 0, 0])
  assert by_z.max() > 1.9 * 1.6 / 10


def test_the_way_there_and_back_repeats_neither_end():
  space = film(np.arange(0, 91, 5), np.arange(19))
  z = motion.between(shows(lambda degrees: degrees / 100), space, on_circle([0, 90, 30]), 4, there_and_back=True)
  angles = degrees_of(z)
  assert len(z) == 16
  np.testing.assert_allclose(angles[[0, 4, 8, 12]], [0, 90, 30, 90], atol=0.1)
  np.testing.assert_allclose(angles[1:8], angles[:8:-1], atol=1e-3)


def test_a_model_without_places_goes_the_reports_way():
  keyframes = latents.sample_z(3, 5, seed=0)
  z = motion.between(None, latents.Normal(5), keyframes, 20, there_and_back=True)
  np.testing.assert_array_equal(z, latents.keyframe_path(keyframes, 20, True))


def test_a_way_that_shows_no_change_is_gone_all_the_same():
  space = film([0, 30], [0, 1])
  z = motion.between(shows(lambda degrees: 0 * degrees), space, on_circle([0, 30]), 3, there_and_back=False)
  np.testing.assert_allclose(degrees_of(z), [0, 10, 20, 30], atol=0.1)


@pytest.mark.parametrize('fps, speed, num_points', [(10, 1, 21), (20, 1, 41), (10, 2, 11), (10, 0.5, 41)])
def test_a_film_goes_by_in_its_own_time(fps, speed, num_points):
  z, times = motion.replay(film([0, 20, 60], [0, 1, 2]), fps, speed)
  assert len(z) == len(times) == num_points and times[-1] == pytest.approx(2)
  np.testing.assert_allclose(degrees_of(z), np.interp(times, [0, 1, 2], [0, 20, 60]), atol=0.05)


def test_photos_and_frames_of_the_same_time_are_left_out():
  space = film([0, 90, 20, 21], [0, np.nan, 1, 1])
  z, times = motion.replay(space, 4, 1.0)
  np.testing.assert_allclose(degrees_of(z), 20 * times, atol=0.05)


def test_over_a_gap_a_film_goes_through_the_region():
  """Between 1 s and 4 s nothing was learnt; straight from 0° to 179° would pass where there is no place."""
  degrees = np.concatenate([[0, 179], np.arange(10, 179, 10)])
  times = np.concatenate([[1, 4], np.linspace(10, 12, 17)])
  z, _ = motion.replay(film(degrees, times), 10, 1.0)
  assert np.abs(np.diff(degrees_of(z[:31]))).max() < 12


def test_points_at_fractions_lie_on_arcs():
  points = on_circle([0, 90, 180])
  np.testing.assert_allclose(degrees_of(motion.at(points, np.array([0, 0.5, 1.25, 2]))), [0, 45, 112.5, 180], atol=1e-3)
  np.testing.assert_allclose(motion.at(points[:1], np.array([0.0])), points[:1], atol=1e-6)
