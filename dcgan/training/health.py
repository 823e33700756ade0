"""Whether a run is well: signals of one look after the other become a verdict, a sentence that says what is wrong.

The thresholds were set on runs that collapsed and runs that stayed well; MEASUREMENTS.md, "Health", shows both.
"""

import dataclasses
import json
import math
import pathlib

import numpy as np
import tensorflow as tf

from dcgan.common import errors
from dcgan.common import files

VERDICTS = 'health.jsonl'
LOSS_RATIO = 'health/loss_ratio'
BEHIND_BEST = 'health/behind_best'
COLLAPSES = ('symptom_a', 'symptom_b', 'diverged')  # what a run is stopped or rolled back for; of the rest it is told
_DECAY = 0.99
_SMALLEST_LOSS = 1e-8
# A start from nothing is grey and alike too: 0.0003 to 0.002 of the reals' diversity, and ten times as much at
# minibatch 50.
_WORST_LOOKS, _WORST_FROM_STEP = 3, 50
# Looks in a row at the worst stand above those in a row in one number, so that checkpoints of before fit.
_WORST_UNIT = 1 << 32


class Diverged(errors.InputError):
  """A loss or a gradient is no longer a number."""


class LossRatio(tf.Module):
  """The moving average of gLoss/dLoss, whose explosion tells a collapse (report, "How far can we push DCGAN").

  Differs from the report: the mean is geometric, so that one minibatch at which dLoss touches 0 does not hide a
  thousand others. Its two variables belong into the checkpoint: the average goes on where it was.
  """

  def __init__(self):
    super().__init__(name='loss_ratio')
    self._average = tf.Variable(0.0, dtype=tf.float32, trainable=False, name='average')
    self._num_minibatches = tf.Variable(0, dtype=tf.int64, trainable=False, name='num_minibatches')

  @property
  def average(self):
    """float, over 0; 1 before the first minibatch; early on it averages over the minibatches there are."""
    return math.exp(float(self._average))

  def update(self, generator_losses, discriminator_losses):
    """Takes in the losses of consecutive minibatches, float32 [num_minibatches] each; returns the new average."""
    average, count = float(self._average), int(self._num_minibatches)
    losses = (np.log(np.maximum(values, _SMALLEST_LOSS)) for values in (generator_losses, discriminator_losses))
    for generator_loss, discriminator_loss in zip(*losses):
      decay = min(_DECAY, count / (count + 1))
      average = decay * average + (1.0 - decay) * float(generator_loss - discriminator_loss)
      count += 1
    self._average.assign(average)
    self._num_minibatches.assign(count)
    return self.average


@dataclasses.dataclass(frozen=True)
class Verdict:
  """What is wrong with a run.

  Attributes:
    kind: str, a name from `RULES`, or 'diverged'.
    since_step: int, the minibatch of the first look that showed it.
    sentence: str, what is wrong since when, with the numbers; ends with a full stop.
  """

  kind: str
  since_step: int
  sentence: str

  @property
  def is_collapse(self):
    """bool, whether training on cannot be expected to mend it."""
    return self.kind in COLLAPSES


@dataclasses.dataclass(frozen=True)
class Rule:
  """How one thing that goes wrong is told.

  Attributes:
    limits: dict of a signal's name to (least, most), floats: it holds where all of them lie between; one that is NaN
      does not.
    num_looks: int, looks in a row at which it must hold.
    sentence: str, formatted with `since` and the signals by their last word, as in {diversity}.
    from_step: int, the minibatch before which it is not told, as runs that are well may begin so.
    worst: dict as `limits`, of what is told at the third look in a row already, from minibatch 50 on; or None.
  """

  limits: dict
  num_looks: int
  sentence: str
  from_step: int = 0
  worst: dict | None = None

  def holds(self, values):
    """Returns whether it holds at a look, bool, or None where a signal that it needs is not among `values`."""
    if not set(self.limits) <= set(values):
      return None
    return _within(self.limits, values)

  def is_at_worst(self, step, values):
    """Returns whether it holds at its worst at minibatch `step`, bool."""
    return self.worst is not None and step >= _WORST_FROM_STEP and _within(self.worst, values)


def _within(limits, values):
  return all(least <= values[name] <= most for name, (least, most) in limits.items())


RULES = {
    'symptom_a': Rule({'health/noise_texture': (10.0, math.inf), LOSS_RATIO: (8.0, math.inf)}, 12,
                      'Symptom A since minibatch {since}: the samples are mangled under {noise_texture:.0f} times the '
                      "photos' noise texture, and gLoss/dLoss stays at {loss_ratio:.0f}."),
    'symptom_b': Rule({'health/diversity': (0.0, 0.3)}, 16,
                      'Symptom B since minibatch {since}: the 64 samples are nearly one picture, they differ '
                      '{times:.1f} times less than the photos do.', from_step=750,
                      worst={'health/diversity': (0.0, 0.002)}),
    'overpowered': Rule({LOSS_RATIO: (20.0, math.inf)}, 10,
                        'D overpowers G since minibatch {since}: gLoss is {loss_ratio:.0f} times dLoss.'),
    'memorised': Rule({'health/memorised': (0.6, math.inf)}, 4,
                      'D learns the set by heart since minibatch {since}: it takes pictures that it has not seen for '
                      '{memorised:.0%} as fake as G\'s.'),
    'noise': Rule({'health/noise_texture': (20.0, math.inf)}, 20,
                  "Noise texture since minibatch {since}: {noise_texture:.0f} times that of the photos."),
    'degraded': Rule({BEHIND_BEST: (1.25, math.inf)}, 3,
                     'Degraded since minibatch {since}: the distance to the photos is {behind_best:.2f} times the best '
                     'one\'s. The best checkpoint is kept.'),
}


@dataclasses.dataclass(frozen=True)
class Decision:
  """That training shall not just go on.

  Attributes:
    action: 'stop' or 'rollback', both at the checkpoint `to_step`; or 'enough', to end as at the last minibatch.
    verdict: `Verdict`, or None for 'enough'.
    to_step: int, the minibatch to go back to; None for 'enough', and to stop where none is left that was good.
  """

  action: str
  verdict: Verdict | None = None
  to_step: int | None = None


def decide(options, verdict, to_step):
  """Returns what shall be done about a verdict, a `Decision`, or None where it is only told.

  Args:
    options: `config.Health`.
    verdict: `Verdict`.
    to_step: int, the minibatch of the latest checkpoint before it, or None where there is none.
  """
  if not verdict.is_collapse or options.on_collapse == 'warn' or (
      options.on_collapse == 'rollback' and to_step is None):
    return None
  return Decision(options.on_collapse, verdict, to_step)


class Monitor(tf.Module):
  """Takes in the signals of look after look; tells each trouble once, when it has lasted.

  Its variable belongs into the checkpoint: for each rule the minibatch since which it holds (-1 where it does not), the
  looks since then, of which those at the worst that came last, and whether it was told.
  """

  def __init__(self):
    super().__init__(name='monitor')
    self._streaks = tf.Variable([[-1, 0, 0]] * len(RULES), dtype=tf.int64, trainable=False, name='streaks')

  @property
  def suspected_since(self):
    """int, the minibatch of the first look that raised the suspicion of a collapse which lasts, or None."""
    since = [int(row[0]) for kind, row in zip(RULES, self._streaks.numpy()) if kind in COLLAPSES and row[0] >= 0]
    return min(since, default=None)

  def forget_told(self):
    """Lets what was told and still holds be told again."""
    streaks = self._streaks.numpy()
    streaks[:, 2] = 0
    self._streaks.assign(streaks)

  def judge(self, step, values):
    """Takes in a look.

    Args:
      step: int, the minibatch.
      values: dict of float by the names of `signals.SIGNALS`, `LOSS_RATIO` and `BEHIND_BEST`; NaN or missing where
        there is none. A rule of which a signal is missing stays as it is.

    Returns:
      list of `Verdict`, those that are told now, collapses first.
    """
    streaks, told = self._streaks.numpy(), []
    for row, (kind, rule) in zip(streaks, RULES.items()):
      held = rule.holds(values)
      if held is None:
        continue
      if not held:
        row[:] = -1, 0, 0
        continue
      num_worst, num_looks = divmod(int(row[1]), _WORST_UNIT)
      num_worst, num_looks = (num_worst + 1 if rule.is_at_worst(step, values) else 0), num_looks + 1
      row[:2] = (row[0] if row[0] >= 0 else step), num_worst * _WORST_UNIT + num_looks
      lasts = num_looks >= rule.num_looks and step >= rule.from_step
      if (lasts or num_worst >= _WORST_LOOKS) and not row[2]:
        row[2] = 1
        words = {name.partition('/')[2]: value for name, value in values.items()}
        words['times'] = 1.0 / max(words.get('diversity', 1.0), 0.01)
        told.append(Verdict(kind, int(row[0]), rule.sentence.format(since=f'{row[0]:,}', **words)))
    self._streaks.assign(streaks)
    return sorted(told, key=lambda verdict: not verdict.is_collapse)


def write_verdict(run, step, verdict, action, **details):
  """Adds a line to RUN/health.jsonl.

  Args:
    run: path of the run's folder.
    step: int, the minibatch at which it was told.
    verdict: `Verdict`.
    action: 'warn', 'stop' or 'rollback'.
    **details: JSON values beside them; of a rollback `to_step` and `changes`.
  """
  line = dict(global_step=step, **dataclasses.asdict(verdict), action=action, **details)
  files.append_text(pathlib.Path(run) / VERDICTS, json.dumps(line) + '\n')


def load_verdicts(run):
  """Returns the lines of RUN/health.jsonl, list of dict; empty where nothing was told."""
  return files.load_json_lines(pathlib.Path(run) / VERDICTS)


def num_rollbacks(run):
  """Returns how many times a run was rolled back, int."""
  return sum(line['action'] == 'rollback' for line in load_verdicts(run))


def changed_at(run):
  """Returns the minibatch (int) from which a run went on with a changed recipe the last time, or None."""
  return next((line['to_step'] for line in reversed(load_verdicts(run)) if line['action'] == 'rollback'), None)


def drop_verdicts_after(run, step):
  """Removes what was told after the checkpoint that training goes on from, but for rollbacks: those have happened."""
  lines = load_verdicts(run)
  kept = [line for line in lines if line['global_step'] <= step or line['action'] == 'rollback']
  if lines:
    files.write_json_lines(pathlib.Path(run) / VERDICTS, kept)
