"""Tests of dcgan.control.reading: measures that small pictures change in a known way."""

import numpy as np
import pytest

from dcgan.control import reading


def _pictures(num_pictures=120, seed=0):
  """Returns (seen, told): the first as it is, the second scaled, the third told by the others only, noise."""
  rng = np.random.default_rng(seed)
  told = rng.normal(size=[num_pictures, 4])
  told[:, 2] = told[:, 0] - 0.5 * told[:, 1]
  seen = told.copy()
  seen[:, 1] = 3 + 0.5 * told[:, 1]
  seen[:, 2] = rng.normal(size=num_pictures)
  return seen, told


def test_what_small_pictures_change_is_read_back_and_what_they_keep_is_kept():
  seen, told = _pictures()
  reader = reading.fit(seen, told, np.arange(len(seen)))
  other_seen, other_told = _pictures(seed=1)
  np.testing.assert_allclose(reader(other_seen), other_told, atol=0.2)
  np.testing.assert_array_equal(reader.weights[0], [1, 0, 0, 0])
  assert np.flatnonzero(reader.weights[1]).tolist() == [1] and reader.weights[1, 1] == pytest.approx(2, abs=1e-6)


def test_noise_is_not_taken_for_a_rule():
  rng = np.random.default_rng(0)
  told = rng.normal(size=[60, 20])
  reader = reading.fit(told + 0.1 * rng.normal(size=told.shape), told, np.arange(60))
  assert all(np.flatnonzero(row).tolist() == [i] for i, row in enumerate(reader.weights))


def test_what_is_not_known_is_left_as_it_is_and_no_face_stays_none():
  seen, told = _pictures()
  told[:, 3] = np.nan
  seen[5], seen[:, 0] = np.nan, np.where(np.arange(len(seen)) == 5, np.nan, seen[:, 0])
  reader = reading.fit(seen, told, np.arange(len(seen)))
  np.testing.assert_array_equal(reader.weights[3], [0, 0, 0, 1])
  read = reader(seen)
  assert np.isnan(read[5]).all() and np.isfinite(np.delete(read, 5, axis=0)).all() and read.dtype == np.float32


def test_too_few_pictures_are_told():
  seen, told = _pictures(11)
  with pytest.raises(ValueError, match='must know 12 pictures or more, but know 11'):
    reading.fit(seen, told, np.arange(11))
