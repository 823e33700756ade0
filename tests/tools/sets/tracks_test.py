"""Tests of who is who, on drawn people whose appearances and ways through the picture are known."""

# pylint: disable=protected-access

import numpy as np
import pytest

from tools.faces import appearance
from tools.sets import tracks


class _Film:
  """Collects faces of drawn people; each looks like itself, with some noise."""

  def __init__(self):
    self.rows = []
    self.who = []
    self._rng = np.random.default_rng(0)

  def add(self, who, index, x, fps=1.0, clip=0, y=100.0, width=100.0, noise=0.3):
    """Adds a face of person `who` (int) to input `index`."""
    own = np.random.default_rng(who).dirichlet(np.full(59, 0.5), 45)
    shares = own * np.exp(self._rng.normal(0, noise, own.shape))
    shares /= shares.sum(1, keepdims=True)
    looks = np.zeros(appearance.NUM_VALUES, np.uint8)
    looks[:-3] = np.rint(255 * np.sqrt(shares)).ravel()
    looks[-3:] = 128
    self.rows.append((clip, index, index / fps, [x, y, x + width, y + width], looks))
    self.who.append(who)

  def people(self, order=None):
    rows = [self.rows[i] for i in (range(len(self.rows)) if order is None else order)]
    return tracks.people(*(np.array(column) for column in zip(*rows)))


def test_drawn_people_are_about_as_far_apart_as_real_ones():
  film = _Film()
  for who in (0, 0, 1):
    film.add(who, 0, 0.0)
  looks = np.stack([row[-1] for row in film.rows])
  distances = appearance.distances(looks, looks)
  assert distances[0, 1] < 0.1 and 0.3 < distances[0, 2]


def test_no_faces_give_no_people():
  found = tracks.people([], [], [], np.zeros([0, 4]), np.zeros([0, appearance.NUM_VALUES], np.uint8))
  assert found.shape == (0,) and found.dtype == np.int64


@pytest.mark.parametrize('fps', [1.0, 5.0, 30.0])
def test_two_people_keep_their_numbers_and_the_more_present_is_first(fps):
  film = _Film()
  for k in range(20):
    film.add(1, k, 600 + 20 * np.sin(k), fps)
    if k % 5:
      film.add(2, k, 100 + 20 * np.cos(k), fps)
  found = film.people()
  assert found.dtype == np.int64
  np.testing.assert_array_equal(found, film.who)


def test_of_equally_present_people_the_larger_is_first():
  film = _Film()
  for k in range(4):
    film.add(2, k, 100, width=80)
    film.add(1, k, 600, width=120)
  np.testing.assert_array_equal(film.people(), film.who)


def test_of_equally_present_and_large_people_the_earlier_is_first():
  film = _Film()
  for k in range(3):
    film.add(1, k, 100)
  for k in range(3, 6):
    film.add(2, k, 100)
  np.testing.assert_array_equal(film.people(), film.who)


def test_person_is_recognised_after_cuts_at_other_places_and_in_other_clips():
  film = _Film()
  for clip, index, who, x in [(0, 0, 1, 100), (0, 1, 1, 110), (0, 2, 2, 100), (0, 3, 2, 105), (0, 50, 1, 700),
                              (0, 51, 1, 710), (1, 0, 1, 300), (1, 1, 2, 300)]:
    film.add(who, index, x, clip=clip)
  np.testing.assert_array_equal(film.people(), film.who)


def test_cut_to_somebody_else_at_the_same_place_starts_another_track():
  film = _Film()
  for k in range(60):
    film.add(1 if k < 40 else 2, k, 100, fps=30.0)
  np.testing.assert_array_equal(film.people(), film.who)


def test_twins_in_one_frame_stay_two_people_each_at_its_place():
  film = _Film()
  for k in range(30):
    for x, name in ((100, 1), (600, 2)):
      film.add(7, k, x, fps=10.0, width=100 if name == 1 else 99)
      film.who[-1] = name
  np.testing.assert_array_equal(film.people(), film.who)


def test_twin_who_comes_back_alone_joins_one_of_both_only():
  film = _Film()
  for k in range(10):
    film.add(7, k, 100)
    film.add(7, k, 900)
  for k in range(100, 105):
    film.add(7, k, 500)
  found = film.people()
  assert set(found) == {1, 2} and found[0] != found[1]
  assert len(set(found[20:])) == 1


def test_faces_pass_each_other_with_their_own_numbers():
  film = _Film()
  for k in range(21):
    film.add(1, k, 100 + 30 * k, fps=10.0)
    if k != 10:
      film.add(2, k, 700 - 30 * k, fps=10.0)
  np.testing.assert_array_equal(film.people(), film.who)


def test_blurred_frame_and_a_gap_do_not_make_a_new_person():
  film = _Film()
  for k in [*range(10), *range(14, 20), *range(200, 210)]:
    film.add(1, k, 100, fps=5.0, noise=0.8 if k == 5 else 0.3)
  assert set(film.people()) == {1}


def test_faces_without_times_are_joined_by_looks():
  film = _Film()
  for k, who in enumerate([1, 2, 1, 1, 2, 1]):
    film.add(who, k, 100)
  film.rows = [(clip, index, np.nan, box, looks) for clip, index, _, box, looks in film.rows]
  np.testing.assert_array_equal(film.people(), film.who)


def test_order_of_the_faces_does_not_matter():
  film = _Film()
  for k in range(12):
    film.add(1, k, 100, width=110)
    film.add(2, k, 500)
    if k % 3:
      film.add(3, k, 900)
  order = np.random.default_rng(1).permutation(len(film.rows))
  np.testing.assert_array_equal(film.people(order), np.array(film.who)[order])


def test_average_linkage_of_a_hand_worked_table():
  # 0 and 1 join at 0.02; then 2 costs (3 × 0.10 + 1 × 0.18) / 4 = 0.12 and joins, and 3 costs over 0.145.
  costs = np.full([4, 4], np.inf)
  for a, b, cost in ((0, 1, 0.02), (0, 2, 0.10), (1, 2, 0.18), (0, 3, 0.14), (1, 3, 0.20), (2, 3, 0.30)):
    costs[a, b] = costs[b, a] = cost
  heads = tracks._average_linkage(costs, np.array([3.0, 1, 1, 1]))
  np.testing.assert_array_equal(heads, [0, 0, 0, 3])


def test_groups_stay_apart_where_two_of_them_must():
  costs = np.full([3, 3], np.inf)
  costs[0, 1] = costs[1, 0] = 0.02
  costs[1, 2] = costs[2, 1] = 0.01
  heads = tracks._average_linkage(costs, np.ones(3))
  np.testing.assert_array_equal(heads, [0, 1, 1])


def test_many_tracks_are_joined_in_several_rounds(monkeypatch):
  monkeypatch.setattr(tracks, '_NUM_TRACKS_AT_ONCE', 7)
  monkeypatch.setattr(tracks, '_NUM_PEOPLE_AT_ONCE', 4)
  film = _Film()
  rng = np.random.default_rng(3)
  for k in range(60):
    for who in range(1, 4):
      if rng.random() < (0.95, 0.7, 0.4)[who - 1]:
        film.add(who, 10 * k, rng.uniform(0, 900))  # ten seconds apart: each face is a track
  np.testing.assert_array_equal(film.people(), film.who)
