"""Tests that records survive kills; of trainings see tests/dcgan/training/session_test.py."""

import numpy as np
import pytest

from tests import killed


@pytest.mark.slow
def test_records_whose_making_is_killed_at_any_moment_are_those_of_an_undisturbed_one(tmp_path):
  whole, disturbed = (killed.make_job('records', tmp_path, name) for name in ('whole', 'killed'))
  secs = killed.run_alone(whole)
  assert killed.disturb(disturbed, 2, secs / 3, np.random.default_rng(1)) > 0
  killed.assert_same(disturbed, whole)


def test_what_is_half_written_is_seen(tmp_path):
  (tmp_path / '.a.json.12.tmp.json').write_text('{', encoding='utf-8')
  killed.check_whole(tmp_path)
  (tmp_path / 'a.json').write_text('{', encoding='utf-8')
  with pytest.raises(ValueError):
    killed.check_whole(tmp_path)
