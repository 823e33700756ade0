"""Two ways to do one piece of work, measured in turn, because a bare time says little on a noisy machine."""

import statistics
import time


def compare(title, left, right, amount, names, rounds):
  """Returns the rates of two callables and their ratio, measured in turn.

  Args:
    title: str, what is measured and its unit.
    left: callable that does `amount` units of work; it may return the seconds that count, instead of all it took.
    right: callable that does the same work another way.
    amount: int.
    names: (str, str), what the two are called.
    rounds: int >= 1, how often each is measured.

  Returns:
    dict with 'title', 'names', 'rates' (two lists), 'ratios' (left over right, round by round) and 'text', a line.
  """
  rates = [], []
  for _ in range(rounds):
    for work, measured in zip((left, right), rates):
      start = time.perf_counter()
      secs = work()
      measured.append(amount / (secs or time.perf_counter() - start))
  ratios = [a / b for a, b in zip(*rates)]
  medians = [statistics.median(measured) for measured in rates]
  text = (f'{title}: {names[0]} {medians[0]:.1f}, {names[1]} {medians[1]:.1f}, ratio {statistics.median(ratios):.2f} '
          f'({min(ratios):.2f} to {max(ratios):.2f})')
  return dict(title=title, names=names, rates=rates, ratios=ratios, text=text)
