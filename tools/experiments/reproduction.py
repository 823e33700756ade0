"""Does an experiment of the report again: its runs, its claims, its page and its numbers."""

import dataclasses
import json
import pathlib

from dcgan.common import files
from dcgan.data import manifests
from dcgan.training import transfers
from tools.experiments import outcome
from tools.experiments import page
from tools.experiments import training


def reproduce(experiment, out, num_samples=256):
  """Does an experiment: trains what is not trained yet, measures it, and writes the page and its numbers.

  Args:
    experiment: `experiment.Experiment`.
    out: str, the folder of its runs and its page.
    num_samples: int, pictures that each run is measured on.

  Returns:
    `pathlib.Path` of the page; the numbers stand beside it, with the ending .json.

  Raises:
    entry.Stopped: a signal ended a run, which was saved.
    errors.InputError: a set cannot be used, or an option breaks its rule.
  """
  source = experiment.starts_from
  variants = experiment.variants(transfers.load_donor(source).model.options if source else None)
  experiment.check(manifests.load(experiment.material.records))
  folders = list(training.train(variants, out))  # all, before the first is measured
  outcomes = [outcome.measure(folder, experiment.looks_back, num_samples) for folder in folders]
  beside = experiment.measure(outcomes)
  findings = experiment.judge(outcomes, beside)
  results = dict(
      experiment=experiment.number, records=experiment.material.records,
      scale=dataclasses.asdict(experiment.as_trained(variants)), num_samples=num_samples,
      runs=[one.as_json() for one in outcomes], counts=outcome.count_symptoms(outcomes),
      findings=[dataclasses.asdict(finding) for finding in findings], **experiment.numbers(beside))
  path = pathlib.Path(out) / f'experiment{experiment.number}.html'
  files.write_text(path.with_suffix('.json'), json.dumps(results, indent=1) + '\n')
  for finding in findings:
    print(f'{finding.claim}\n  {finding.word}: {finding.sentence}')
  page.save(path, experiment, results, outcomes, findings, beside)
  return path
