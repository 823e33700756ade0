"""Tests of dcgan.model.region, on places that lie on a circle of a sphere or in two clusters."""

import numpy as np
import pytest

from dcgan.model import latents
from dcgan.model import region


def on_circle(angles, z_dims=4):
  """Places on the great circle of the first two axes."""
  places = np.zeros([len(angles), z_dims], np.float32)
  places[:, 0], places[:, 1] = np.cos(angles), np.sin(angles)
  return latents.to_sphere(places)


def make(places, times_secs=None):
  keys = tuple(f'photo_{i}.jpg' for i in range(len(places)))
  times = np.full(len(places), np.nan) if times_secs is None else np.asarray(times_secs, np.float64)
  return region.Region(places, keys, times)


def angles_of(z):
  return np.arctan2(z[:, 1], z[:, 0])


@pytest.fixture(name='arc')
def fixture_arc():
  """Places every 10° of three quarters of a circle: its ends are nearer to each other straight than along it."""
  return make(on_circle(np.radians(np.arange(0, 271, 10))))


def test_what_is_known_of_pictures_is_brought_into_the_order_of_the_places():
  space = make(on_circle(np.radians([0, 10, 20])))
  known = space.of_places(['photo_2.jpg', 'other.jpg', 'photo_0.jpg'], np.float32([[2, 20], [9, 90], [0, 1]]))
  np.testing.assert_array_equal(known, np.float32([[0, 1], [np.nan, np.nan], [2, 20]]))
  assert known.dtype == np.float32


def test_samples_lie_on_the_sphere_between_neighbours(arc):
  z = arc.sample(200, seed=1)
  assert z.shape == (200, 4) and z.dtype == np.float32
  np.testing.assert_allclose(np.mean(z**2, axis=1), 1, rtol=1e-5)
  angles = np.degrees(angles_of(z)) % 360
  assert ((angles > -0.01) & (angles < 270.01)).all()  # none in the quarter where there is no place
  assert len(np.unique(np.round(angles, 3))) > 150


def test_fewer_samples_are_the_first_of_more_and_seeds_differ(arc):
  np.testing.assert_array_equal(arc.sample(5, seed=3), arc.sample(100, seed=3)[:5])  # of 28 places
  assert (arc.sample(5, seed=3) != arc.sample(5, seed=4)).any()


def test_every_place_has_its_turn(arc):
  """28 samples begin at the 28 places: the nearest place to each is near, and they cover the arc."""
  angles = np.sort(np.degrees(angles_of(arc.sample(28, seed=0))) % 360)
  assert np.diff(angles).max() < 60


def test_a_gallery_spreads_over_rare_places_too():
  crowd = on_circle(np.radians(np.linspace(0, 2, 100)))
  rare = on_circle(np.radians([120.0]))
  z = make(np.concatenate([crowd, rare])).gallery(8, seed=0)
  assert (np.degrees(angles_of(z)) > 10).any()


def test_the_way_goes_from_neighbour_to_neighbour_where_the_straight_one_leaves_the_region(arc):
  way = arc.way(arc.places[0], arc.places[-1])
  angles = np.degrees(angles_of(way)) % 360
  assert angles[0] == pytest.approx(0, abs=0.1) and angles[-1] == pytest.approx(270, abs=0.1)
  assert (np.diff(angles) > 0).all() and np.diff(angles).max() < 61


def test_the_way_to_a_near_point_is_straight(arc):
  start, end = on_circle(np.radians([42.0, 47.0]))
  way = arc.way(start, end)
  np.testing.assert_allclose(way[[0, -1]], [start, end], atol=1e-6)
  assert len(way) <= 3


def test_clusters_that_no_neighbour_joins_are_joined():
  places = np.concatenate([on_circle(np.radians(np.arange(0, 20, 2))), on_circle(np.radians(np.arange(150, 170, 2)))])
  way = make(places).way(places[0], places[-1])
  np.testing.assert_allclose(way[[0, -1]], places[[0, -1]], atol=1e-6)


def test_a_way_that_goes_nowhere_has_two_ends():
  space = make(on_circle([0.0, 1.0]))
  assert space.way(space.places[0], space.places[0]).shape == (2, 4)


@pytest.mark.parametrize('num_places', [1, 2, 3])
def test_one_or_a_few_places_are_a_region_too(num_places):
  space = make(on_circle(np.arange(num_places) * 0.5))
  z = space.sample(10, seed=0)
  np.testing.assert_allclose(np.mean(z**2, axis=1), 1, rtol=1e-5)
  assert space.gallery(10, seed=0).shape == (10, 4)
  if num_places == 1:
    np.testing.assert_allclose(z, np.repeat(space.places, 10, axis=0), atol=1e-6)
    assert space.way(space.places[0], space.places[0]).shape == (2, 4)


def test_pictures_are_found_by_key_and_frames_by_time():
  space = make(on_circle([0.0, 1.0, 2.0]), times_secs=[0.0, np.nan, 2.0])
  assert space.find('photo_1.jpg') == 1 and space.find('other.jpg') is None
  assert space.find(1.7) == 2 and space.find(0.2) == 0
  assert make(on_circle([0.0])).find(1.0) is None


def test_the_nearest_places_come_first():
  space = make(on_circle(np.radians([0.0, 90.0, 180.0])))
  np.testing.assert_array_equal(space.nearest(on_circle(np.radians([80.0])), 2), [[1, 0]])


def test_frames_of_several_videos_are_told_apart_by_their_keys():
  keys = ('b.mp4@0.000s', 'a.mp4@0.000s', 'b.mp4@1.000s')
  space = region.Region(on_circle([0, 10, 20]), keys, np.array([0.0, 0.0, 1.0]))
  first, second = space.clips()
  assert first.keys == ('b.mp4@0.000s', 'b.mp4@1.000s') and second.keys == ('a.mp4@0.000s',)
  np.testing.assert_array_equal(first.places, space.places[[0, 2]])
  np.testing.assert_array_equal(first.times_secs, [0, 1])
  assert region.clip_of('b.mp4@1.000s') == 'b.mp4' and region.clip_of('photo.jpg') == ''
