"""Several ways to do one piece of work, measured in turn, because a bare time says little on a noisy machine."""

import statistics
import time


def in_turn(works, rounds):
  """Returns the rates of several callables, measured one after the other, round by round.

  Args:
    works: dict of (callable, amount) by name. The callable does `amount` units of work; it may return the seconds that
      count, instead of all it took.
    rounds: int >= 1, how often each is measured.

  Returns:
    dict of lists, by name: units of work per second, one for each round.
  """
  rates = {name: [] for name in works}
  for _ in range(rounds):
    for name, (work, amount) in works.items():
      start = time.perf_counter()
      secs = work()
      rates[name].append(amount / (secs or time.perf_counter() - start))
  return rates


def ratio(title, rates, left, right):
  """Returns two of the rates from `in_turn` and their ratio.

  Args:
    title: str, what was measured and its unit.
    rates: dict of lists, by name.
    left: str, the name of one.
    right: str, the name of the other.

  Returns:
    dict with 'title', 'names', 'rates' (two lists), 'ratios' (left over right, round by round) and 'text', a line.
  """
  ratios = [a / b for a, b in zip(rates[left], rates[right])]
  medians = [statistics.median(rates[name]) for name in (left, right)]
  text = (f'{title}: {left} {medians[0]:.1f}, {right} {medians[1]:.1f}, ratio {statistics.median(ratios):.2f} '
          f'({min(ratios):.2f} to {max(ratios):.2f})')
  return dict(title=title, names=(left, right), rates=(rates[left], rates[right]), ratios=ratios, text=text)


def compare(title, left, right, amount, names, rounds):
  """Returns the rates of two callables and their ratio, measured in turn.

  Args:
    title: str, what is measured and its unit.
    left: callable, as for `in_turn`.
    right: callable that does the same work another way.
    amount: int, units of work.
    names: (str, str), what the two are called.
    rounds: int >= 1, how often each is measured.

  Returns:
    dict, as `ratio` gives it.
  """
  return ratio(title, in_turn({names[0]: (left, amount), names[1]: (right, amount)}, rounds), *names)
