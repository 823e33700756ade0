"""What an experiment of the report is. Each is a class in a file of its own; `registry` lists them.

Those files are loaded before the flags are checked, so what loads TensorFlow is imported where it is used.
"""

import abc
import dataclasses

from dcgan.common import errors

MOST_LINES = 6  # in a chart: more cannot be told apart
UFM, UFM_WITHOUT_PLACES = 'ufm', 'ufm64'  # the models of many faces that come with the project


@dataclasses.dataclass(frozen=True)
class Material:
  """What an experiment is done on.

  Attributes:
    records: str, the set that is trained on.
    between_records: str or None, for experiment 4: the same video at more frames a second.
    beside: str or None, for experiment 3: the folder of experiment 2.
    batch_sizes: tuple of int, pictures in a minibatch, for experiments 2 and 3.
    init_from: str or None, for experiment 5, and 4 with places: the model of many faces, as `session.start` takes it;
      None for the one that comes with the project for it.
    with_places: bool, for experiment 4: whether each frame has its place in Z, which the report's had not.
  """

  records: str
  between_records: str | None = None
  beside: str | None = None
  batch_sizes: tuple = (1, 9, 64)
  init_from: str | None = None
  with_places: bool = False


class Experiment(abc.ABC):
  """One experiment, to be done on given material.

  Its methods are called in the order in which they stand here. What `measure` returns is given to those after it as
  `beside`.

  Args:
    material: `Material`.
    scale: `variants.Scale`.

  Attributes of each class:
    number: int, which one of the report.
    title: str.
    did: str, what the report did.
    differs: str, where ours is another.
    kinds: tuple of str, kinds of sets that it can be done on.
    align: str, how its set is to be aligned.
    make: str, the command that makes such a set.
    num_minibatches: int, of each run by default.
    flags: tuple of str, those of `tools.reproduce` that are of use to it, of those that are not of use to all.
    needed: dict from those that must be given to what they give, as text.
    looks_back: bool, whether its runs are measured at all checkpoints that they kept, not at the last one only.
    template: str, of its page; it extends 'experiments/experiment.html'.
  """

  number: int
  title: str
  did: str
  differs: str
  kinds: tuple
  align = 'eyes'
  make: str
  num_minibatches = 1000
  flags: tuple
  needed = {}
  looks_back = False
  template = 'experiments/experiment.html'

  def __init__(self, material, scale):
    self.material = material
    self.scale = scale

  @property
  def starts_from(self):
    """str, the model whose options its runs take over, as `session.start` takes it, or None."""
    return None

  @abc.abstractmethod
  def variants(self, donor):
    """Returns its runs, list of `variants.Variant`.

    Args:
      donor: `config.Config` of the model that `starts_from` names, or None.

    Raises:
      errors.InputError: an option breaks its rule.
    """

  def check(self, manifest):
    """Checks what it is to be done on, before anything is trained.

    Args:
      manifest: `manifests.Manifest` of the set that is trained on.

    Raises:
      errors.InputError: the set is of another kind or aligned otherwise, or other material does not fit.
    """
    records = self.material.records
    if manifest.kind not in self.kinds:
      raise errors.InputError(f'`records` ({records}) must be of kind {" or ".join(self.kinds)} for experiment '
                              f'{self.number}, but is of kind {manifest.kind}. Make such a set with `{self.make}`.')
    if manifest.align != self.align:
      raise errors.InputError(f'`records` ({records}) must be made with --align={self.align} for experiment '
                              f'{self.number}, but was made with --align={manifest.align}. Make such a set with '
                              f'`{self.make}`.')

  def measure(self, outcomes):
    """Returns what is looked at beside the runs themselves, or None where nothing is.

    Args:
      outcomes: list of `outcome.Outcome`, one for each variant.

    Raises:
      errors.InputError: something of it cannot be read.
    """

  @abc.abstractmethod
  def judge(self, outcomes, beside):
    """Returns what became of its claims, list of `findings.Finding`.

    Args:
      outcomes: list of `outcome.Outcome`, one for each variant.
      beside: what `measure` returned.
    """

  def as_trained(self, variants):
    """Returns the `variants.Scale` that is told of its runs, list of `variants.Variant`."""
    return self.scale

  def numbers(self, beside):
    """Returns what stands in its results besides what all have, dict of JSON values."""
    return {}

  def drawn(self, outcomes, beside):
    """Returns what its template shows besides what all show, dict."""
    return {}
