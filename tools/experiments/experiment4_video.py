"""Experiment 4: a video at one frame a second, in order, and which frames in between its model can make."""

import dataclasses

from absl import logging
import numpy as np

from dcgan.common import wording
from dcgan.options import presets
from tools.experiments import experiment
from tools.experiments import findings
from tools.experiments import variants

MAKE_BETWEEN = 'python -m tools.make_records --video=FILE --fps=10 --name=NAME10'
_PERSON = 'person'  # the preset that learns places
_NUM_SHOWN = 16  # frames in between
_AS_GOOD = 1.25  # times the error of frames that were trained on


class Video(experiment.Experiment):
  """The frames of a video; `beside` is a list of `frames_between.Between`, one for each run."""

  number = 4
  title = 'Experiment 4: a video, one frame a second, in order'
  did = ('The report trained on frames of an interview, one a second, aligned and in their order, with the parameters '
         'of experiment 1, and showed 64 random samples, to see whether the model fills the gaps between the frames.')
  differs = ('The gaps are looked into: frames between those trained on are searched for in the model, by gradient '
             'descent on Z and among random samples. With --with_places each frame has its place in Z and the model '
             'starts from the Universal Face Model, as this project learns a person.')
  kinds = ('video',)
  make = 'python -m tools.make_records --video=FILE --fps=1 --name=NAME1'
  flags = ('between_records', 'with_places', 'init_from', 'channels', 'image_size')
  needed = {'between_records': f'the video of --records at more frames a second, as `{MAKE_BETWEEN}` makes it'}
  template = 'experiments/experiment4_video.html'

  @property
  def starts_from(self):
    return (self.material.init_from or experiment.UFM) if self.material.with_places else None

  def variants(self, donor):
    material, scale = self.material, self.scale
    if donor:
      return [self._placed(seed, donor) for seed in scale.seeds]
    return [variants.make_variant(material.records, scale, seed, minibatches=variants.OVERLAPPING)  # in their order
            for seed in scale.seeds]

  def check(self, manifest):
    super().check(manifest)
    from tools.experiments import frames_between  # pylint: disable=import-outside-toplevel  (TensorFlow)
    frames_between.check(self.material.records, self.material.between_records)

  def measure(self, outcomes):
    from tools.experiments import frames_between  # pylint: disable=import-outside-toplevel  (TensorFlow)
    logging.info('Searching the model for frames in between.')
    return [frames_between.measure(outcome.evaluated.run, self.material.records, self.material.between_records,
                                   outcome.variant.options.training.seed) for outcome in outcomes]

  def judge(self, outcomes, beside):
    measured = lambda name: findings.median(outcome.evaluated.measures[name] for outcome in outcomes)
    return [many_expressions(measured('diversity'), measured('geometry_distance'), beside[0].geometry_distance),
            reasonable_interpolation(
                float(np.median([each.between.inversion_errors for each in beside])),
                float(np.median([each.trained.inversion_errors for each in beside])),
                float(np.median(beside[0].mean_errors)), float(np.mean([each.share_nearer for each in beside])),
                findings.median(outcome.share('clean_rate') for outcome in outcomes))]

  def numbers(self, beside):
    return dict(between=[each.as_json() for each in beside])

  def drawn(self, outcomes, beside):
    return dict(between=[dict(name=outcome.variant.name, frames=_shown(each), **each.as_json())
                         for outcome, each in zip(outcomes, beside)])

  def _placed(self, seed, donor):
    """Returns the `variants.Variant` in which each frame has its place in Z, as the preset `person` learns it.

    Args:
      seed: int.
      donor: `config.Config` of the model that it starts from, whose networks and crop it has.
    """
    options = dataclasses.replace(presets.PRESETS[_PERSON], networks=donor.networks).replace(
        'data', records=str(self.material.records), crop=donor.data.crop, holdout_fraction=0.0).replace(
            'training', num_minibatches=self.scale.num_minibatches, seed=seed, transfer='full').replace(
                'health', on_collapse='warn')
    return variants.Variant(f'places-seed{seed}', options.validate(), _PERSON, self.starts_from)


def many_expressions(diversity, geometry_distance, geometry_of_between):
  """Returns the `Finding` on expressions learnt from a video.

  Args:
    diversity: float, of the samples over that of the frames trained on, or None.
    geometry_distance: float, of the samples' mesh points to those of the frames trained on, or None.
    geometry_of_between: float, of the frames in between to those trained on, or None: what is to be had.
  """
  claim = 'The model of a video has acquired a multitude of expressions.'
  if diversity is None:
    return findings.Finding(claim, None, 'There were too few frames to compare their variety.')
  told = f'The samples differ {diversity:.2f} times as much as the frames do'
  if geometry_distance is not None:
    told += f'; their poses and expressions are {geometry_distance:.2f} away from those of the frames'
    told += f' (those of the frames in between: {geometry_of_between:.2f})' if geometry_of_between is not None else ''
  return findings.Finding(claim, diversity >= findings.VARIED, f'{told}.')


def reasonable_interpolation(between_error, trained_error, mean_picture_error, share_nearer, clean_rate):
  """Returns the `Finding` on frames between those trained on.

  Frames in between must be made nearly as well as those trained on, and better than by one picture for all of them; and
  the samples must be faces, or both would be equally bad.

  Args:
    between_error: float, median over frames in between of how far the nearest picture is that the model can make.
    trained_error: float, the same of frames trained on.
    mean_picture_error: float, the median distance of frames in between from the mean of the frames trained on.
    share_nearer: float in [0, 1], of the frames in between: those that the model comes nearer to than any frame trained
      on is.
    clean_rate: float, share of samples that are clean faces over that of the frames, or None.
  """
  claim = 'The model interpolates reasonably between the frames it was trained on.'
  told = (f'Frames in between are made to within {between_error:.1f} grey values, frames trained on to within '
          f'{trained_error:.1f}; the mean frame is {mean_picture_error:.1f} away. {wording.percent(share_nearer)} of '
          'the frames in between are made better than by showing the nearest frame trained on.')
  if clean_rate is None:
    return findings.Finding(claim, None, f'{told} But no face was found in the frames, so none could be counted in the '
                            'samples.')
  told += f' Clean faces: {wording.percent(clean_rate)} of what the frames have.'
  return findings.Finding(claim, between_error <= _AS_GOOD * trained_error and between_error < mean_picture_error
                          and clean_rate > findings.MOST, told)


def _shown(between):
  """Returns frames in between, what the model makes of them and the nearest frame trained on, list of dict."""
  num_frames = len(between.gaps_secs)
  indices = np.linspace(0, num_frames - 1, min(num_frames, _NUM_SHOWN)).astype(int)
  return [dict(real=between.between.pictures[i], made=between.between.made[i], nearest=between.nearest[i],
               error=float(between.between.inversion_errors[i]), nearest_error=float(between.nearest_errors[i]),
               gap_secs=float(between.gaps_secs[i])) for i in indices]
