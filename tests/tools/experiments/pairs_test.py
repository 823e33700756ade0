"""Tests of two runs compared: crossings worked by hand."""

import json

import pytest

from tests.tools.experiments import drawn
from tools.experiments import pairs


def _pair(ufm, scratch):
  """Returns a `pairs.Pair`, compared at minibatch 50, of distances at minibatches 25, 50, …"""
  return pairs.Pair(*(drawn.run_over_time(f'{name}-seed0', {
      25 * i: {'sliced_wasserstein': value} for i, value in enumerate(values, 1)})
                      for name, values in (('ufm', ufm), ('scratch', scratch))))


@pytest.mark.parametrize('target, reached_at', [
    (90.0, 30.0),  # a fifth of the way from 100 to 50
    (50.0, 50.0), (100.0, 25.0), (400.0, 25.0),
    (40.0, 90.0),  # on the second way down: from 60 to 10, two fifths of the way from 80 to 105
    (9.0, None)])
def test_a_distance_is_reached_between_two_checkpoints_where_it_first_crosses(target, reached_at):
  points = [(25, 100.0), (50, 50.0), (80, 60.0), (105, 10.0)]
  assert pairs.first_reached(points, target) == (reached_at if reached_at is None else pytest.approx(reached_at))


def test_scratch_is_compared_with_what_the_other_reached_at_the_moment():
  pair = _pair([300.0, 100.0, 20.0], [500.0, 400.0, 200.0, 50.0])
  assert pair.reached_at == pytest.approx(75 + 25 * 2 / 3)  # 100 lies two thirds of the way from 200 to 50
  assert pair.times_more == (pytest.approx(11 / 6), True)
  never = _pair([300.0, 100.0], [500.0, 400.0, 200.0, 150.0])
  assert never.reached_at is None and never.times_more == (2.0, False)


def test_a_pair_is_told_as_json():
  told = json.loads(json.dumps(_pair([300.0, 100.0], [500.0, 50.0]).as_json()))
  assert told['reached_at'] == pytest.approx(25 + 25 * 400 / 450) and told['is_reached'] is True
  assert told['ufm']['name'] == 'ufm-seed0' and told['scratch']['secs'] is None
  assert [(point['step'], point['measures']['sliced_wasserstein']) for point in told['scratch']['checkpoints']] == [
      (25, 500.0), (50, 50.0)]
