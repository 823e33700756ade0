"""The runs of an experiment before they are trained: how large it is, and the report's parameters. No TensorFlow."""

import dataclasses

from dcgan.options import config
from dcgan.options import presets

SHUFFLED, OVERLAPPING = 'shuffled', 'overlapping'  # of `config.MINIBATCHES`
_REPORT = 'report'  # the preset
_NUM_GRIDS = 10  # of samples, at least, however short a run is


@dataclasses.dataclass(frozen=True)
class Scale:
  """How large an experiment is.

  Attributes:
    num_minibatches: int, of each run.
    channels: int, filters next to the picture; the report's code had 64.
    image_size_px: int, of a generated picture.
    seeds: tuple of int; everything is trained once with each.
    long_minibatches: int, for experiment 5: where its runs end, which are compared at `num_minibatches`; None for eight
      times as many.
  """

  num_minibatches: int
  channels: int = 64
  image_size_px: int = 64
  seeds: tuple = (0,)
  long_minibatches: int | None = None


@dataclasses.dataclass(frozen=True)
class Variant:
  """One run of an experiment.

  Attributes:
    name: str, of its folder after the number and the set, as in 'batch9-shuffled-seed0'.
    options: `config.Config`.
    preset: str, what the options were made from.
    init_from: str or None, the model that it starts from.
    moment: int or None, a minibatch whose checkpoint is needed, besides the last one's.
  """

  name: str
  options: config.Config
  preset: str = _REPORT
  init_from: str | None = None
  moment: int | None = None


def make_variant(records, scale, seed, global_batch_size=64, minibatches=SHUFFLED):
  """Returns the `Variant` that is trained with the report's parameters, warned of a collapse but never stopped by it.

  Args:
    records: str, the set.
    scale: `Scale`.
    seed: int.
    global_batch_size: int.
    minibatches: a name from `config.MINIBATCHES`.

  Raises:
    errors.InputError: a value breaks its rule.
  """
  report = presets.PRESETS[_REPORT]
  every = min(report.periods.samples_every_steps, max(1, scale.num_minibatches // _NUM_GRIDS))
  options = report.replace('networks', channels=scale.channels, image_size=scale.image_size_px).replace(
      'data', records=str(records), global_batch_size=global_batch_size, minibatches=minibatches).replace(
          'training', num_minibatches=scale.num_minibatches, seed=seed).replace(
              'periods', samples_every_steps=every).replace('health', on_collapse='warn')
  return Variant(f'batch{global_batch_size}-{minibatches}-seed{seed}', options.validate())
