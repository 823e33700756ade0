"""Tests of what became of a claim."""

from tools.experiments import findings


def test_the_word_says_whether_it_agrees():
  assert [findings.Finding('c', agrees, 's').word for agrees in (True, False, None)] == [
      'agrees', 'does not agree', 'cannot be told']


def test_the_median_is_of_those_that_are_known():
  assert findings.median([3.0, None, 1.0]) == 2.0 and findings.median(iter([5.0, 9.0, 1.0])) == 5.0
  assert findings.median([None]) is None and findings.median([]) is None
