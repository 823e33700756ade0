"""Tests of what measures against real pictures share: stretches of neighbours."""

import numpy as np
import pytest

from tools.evaluation import real_pictures


@pytest.mark.parametrize('num_reals, sizes', [(4, [1] * 4), (10, [1] * 10), (25, [3, 2, 3, 2, 3, 2, 3, 2, 3, 2]),
                                              (100, [10] * 10)])
def test_stretches_are_neighbours_of_nearly_equal_number(num_reals, sizes):
  stretches = real_pictures.stretches(num_reals)
  assert np.all(np.diff(stretches) >= 0) and np.bincount(stretches).tolist() == sizes
