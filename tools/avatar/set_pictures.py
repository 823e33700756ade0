"""The pictures that a run was trained on, where their set is still there."""

from dcgan.common import errors
from dcgan.data import input_pipeline
from dcgan.data import manifests


def load(options):
  """Returns the `input_pipeline.TrainingSet` of a run, or None where it is gone, damaged or another one by now.

  Args:
    options: `config.Config` of the run.
  """
  data = options.data
  try:
    manifest = manifests.load(data.records)
    if not manifest.has_digest(data.records_digest):
      return None
    return input_pipeline.load_training_set(
        data.records, manifest, options.networks.image_size, data.crop, 'stream', data.holdout_fraction)
  except errors.InputError:
    return None


def some(options, num):
  """Returns pictures that a run was trained on, uint8 [at most num, size, size, 3], or None as `load`."""
  training_set = load(options)
  return None if training_set is None else training_set.some(training_set.trained_on, num)
