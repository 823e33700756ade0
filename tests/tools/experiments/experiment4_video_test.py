"""Tests of experiment 4: what it trains, and its claims and its page on numbers worked by hand."""

import pytest

from dcgan.options import presets
from tests.tools.experiments import drawn
from tools.experiments import experiment4_video
from tools.experiments import variants


def test_frames_are_trained_on_in_their_order():
  variant, = drawn.make(experiment4_video.Video).variants(None)
  assert variant.name == 'batch64-overlapping-seed0' and variant.init_from is None
  assert drawn.make(experiment4_video.Video, init_from='a').starts_from is None


def test_with_places_a_frame_has_its_place_and_nothing_is_held_out():
  donor = variants.make_variant('records/faces', variants.Scale(5, 2, 8), 0).options
  done = drawn.make(experiment4_video.Video, 50, (3,), with_places=True, init_from='model')
  variant, = done.variants(donor)
  options = variant.options
  assert (variant.name, variant.preset, variant.init_from) == ('places-seed3', 'person', 'model')
  assert done.starts_from == 'model' and options.training.learner == 'places' and options.data.holdout_fraction == 0.0
  assert options.networks == donor.networks != presets.PRESETS['person'].networks and options.data.crop == 108
  assert (options.training.num_minibatches, options.training.seed, options.health.on_collapse) == (50, 3, 'warn')


def test_frames_in_between_are_compared_with_those_trained_on():
  outcome = drawn.outcome(values={'diversity': 0.8, 'geometry_distance': 6.0, 'clean_rate': 0.9},
                          of_reals=drawn.ALL_FOUND)
  judge = drawn.make(experiment4_video.Video).judge
  # Medians: 6 in between against 5 trained on.
  findings = judge([outcome], [drawn.between()])
  assert [finding.word for finding in findings] == ['agrees', 'agrees']
  assert 'within 6.0 grey values, frames trained on to within 5.0; the mean frame is 40.0' in findings[1].sentence
  findings = judge([outcome], [drawn.between((7.0, 7.0, 20.0))])
  assert [finding.word for finding in findings] == ['agrees', 'does not agree']


def test_frames_in_between_are_shown_with_what_was_made_of_them(tmp_path):
  text = drawn.page_text(tmp_path, drawn.make(experiment4_video.Video), [drawn.outcome()], [drawn.between()])
  assert '<h2>Samples</h2>' in text and '<h2>Frames in between: batch64-shuffled-seed0</h2>' in text
  assert text.count('alt="frame in between"') == text.count('alt="made by the model"') == 3
  assert '67 % of the frames in between' in text and '0.1 s off · made to 4.0 · nearest 5.0' in text


def test_many_expressions_need_half_of_the_variety():
  finding = experiment4_video.many_expressions(0.7, 12.0, 3.0)
  assert finding.agrees is True and '12.00 away' in finding.sentence and 'in between: 3.00' in finding.sentence
  assert experiment4_video.many_expressions(0.4, None, None).agrees is False
  assert experiment4_video.many_expressions(None, 1.0, 1.0).agrees is None


@pytest.mark.parametrize('between, trained, mean, faces, agrees', [
    (12.0, 10.0, 20.0, 0.9, True),
    (13.0, 10.0, 20.0, 0.9, False),  # learnt by heart
    (12.0, 10.0, 11.0, 0.9, False),  # no better than one picture
    (12.0, 10.0, 20.0, 0.2, False),  # no faces
    (12.0, 10.0, 20.0, None, None)])
def test_interpolation_is_reasonable_where_frames_in_between_are_made_as_well(between, trained, mean, faces, agrees):
  finding = experiment4_video.reasonable_interpolation(between, trained, mean, 0.25, faces)
  assert finding.agrees is agrees
  assert f'within {between:.1f} grey values' in finding.sentence and '25 % of the frames' in finding.sentence
