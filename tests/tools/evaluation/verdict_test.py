"""Tests of the verdict: each number says what it means, and a good generator gets no advice."""

import pytest

from dcgan.training import health
from tools.evaluation import verdict

GOOD = dict(clean_rate=0.97, diversity=0.93, copying=0.4, noise_texture=1.1, stair_step=1.6)
PHOTOS = dict(clean_rate=0.99, diversity=1.0, copying=0.0, noise_texture=1.0, stair_step=None)


def told(**changes):
  return verdict.verdict(GOOD | changes, PHOTOS, {'copying': 'needs 5 held-out pictures, and the run held out 0'})


def test_a_good_generator_is_told_in_five_sentences_without_advice():
  assert told() == [
      '97 % of the samples are clean faces (99 % of the photos).',
      'Varied: the samples differ 0.93 times as much as the photos do.', 'No sign of copying (C_T 0.4).',
      'As sharp as the photos: 1.10 times their fine structure.',
      'Lines in Z move evenly: the largest change is 1.6 times the mean.']


@pytest.mark.parametrize('changes, sentence, advice', [
    (dict(clean_rate=0.3), '30 % of the samples are clean faces (99 % of the photos). The '
     'others are mangled, out of place, or no faces.', '--init_from'),
    (dict(clean_rate=0.7), '70 % of the samples', 'Against mangled faces'),
    (dict(diversity=0.04), 'Collapsed: the samples differ 0.04 times', '--preset=person'),
    (dict(diversity=0.4), 'Little varied: the samples differ 0.40 times', 'on a set that has more of them'),
    (dict(copying=-7.3), 'It copies: samples are much nearer to training pictures than held-out ones are (C_T -7.3)',
     'Against copying'),
    (dict(noise_texture=8.2), 'Noisy: 8.2 times the fine structure', 'Against the noise'),
    (dict(noise_texture=0.05), 'Blurred: 0.05 times the fine structure', 'Against the blur'),
    (dict(stair_step=9.0), 'stand still and jump: the largest change is 9.0 times the mean', 'Against the jumps'),
])
def test_what_is_wrong_is_told_with_its_number_and_what_to_do(changes, sentence, advice):
  sentences = told(**changes)
  assert len(sentences) == 6 and any(sentence in text for text in sentences[:5]) and advice in sentences[5]


@pytest.mark.parametrize('noise, sentence', [
    (0.6, 'A little softer than the photos: 0.60 times'), (0.8, 'As sharp as the photos: 0.80 times'),
    (1.3, 'As sharp as the photos: 1.30 times'), (1.9, 'A light grain: 1.90 times'),
])
def test_what_is_only_seen_beside_the_photos_is_told_without_advice(noise, sentence):
  sentences = told(noise_texture=noise)
  assert len(sentences) == 5 and any(text.startswith(sentence) for text in sentences)


def test_what_is_a_collapse_in_training_is_one_here():
  most = health.RULES['symptom_b'].limits['health/diversity'][1]
  assert any(text.startswith('Collapsed: ') for text in told(diversity=most - 0.01))
  assert any(text.startswith('Little varied: ') for text in told(diversity=most + 0.01))


def test_copying_is_not_told_of_a_collapsed_generator_whose_one_picture_is_near_to_all():
  sentences = told(copying=-7.3, diversity=0.02)
  assert 'Whether it copies cannot be told, as all samples are nearly one (C_T -7.3).' in sentences
  assert not any(text.startswith('It copies') for text in sentences)


def test_samples_farther_than_strangers_are_no_copies():
  assert any(text.startswith('No copying, but') and '(C_T 9.0)' in text for text in told(copying=9.0))


def test_what_could_not_be_measured_is_left_out_or_told():
  assert verdict.verdict(dict.fromkeys(GOOD), PHOTOS, {'copying': 'needs 5 held-out pictures'}) == [
      'Whether it copies cannot be told: this needs 5 held-out pictures.']


def test_photos_without_faces_are_told_of_instead_of_blaming_the_generator():
  sentences = verdict.verdict(GOOD | {'clean_rate': 0.0}, PHOTOS | {'clean_rate': 0.0}, {})
  assert sentences[0] == '0 % of the samples are clean faces.'
  assert 'The photos show no aligned faces either' in sentences[-1] and 'mangled' not in ' '.join(sentences)


def test_a_collapse_is_the_one_thing_to_do_something_about():
  sentences = told(clean_rate=0.0, noise_texture=9.0, diversity=0.01)
  assert len(sentences) == 6 and sentences[-1].startswith('Early in training, train longer. Else')


def test_of_several_the_nearest_to_the_photos_and_the_one_with_the_most_faces_are_named():
  near = 'b', dict(sliced_wasserstein=12.34, clean_rate=0.73)
  far = 'a', dict(sliced_wasserstein=30.0, clean_rate=0.73)
  with_faces = 'c', dict(sliced_wasserstein=20.0, clean_rate=0.98)
  assert verdict.comparison([far, near]) == 'Nearest to the photos is b, with a sliced Wasserstein distance of 12.3.'
  assert verdict.comparison([far, near, with_faces]) == (
      'Nearest to the photos is b, with a sliced Wasserstein distance of 12.3. The most faces has c: 98 % of its '
      'samples, of the other 73 %.')
  assert verdict.comparison([near]) == ''


def test_the_nearest_stands_out_and_another_only_by_more_faces():
  numbers = [dict(sliced_wasserstein=30.0, clean_rate=0.9), dict(sliced_wasserstein=20.0, clean_rate=None),
             dict(sliced_wasserstein=25.0, clean_rate=0.9)]
  assert verdict.outstanding(numbers) == [1, 0] and verdict.outstanding(numbers[1:2]) == [0]
  assert verdict.outstanding([dict(numbers[0], clean_rate=None), numbers[1]]) == [1]


def test_a_model_with_places_is_judged_by_how_pictures_come_back_and_not_for_copying():
  sentences = told(off=3.06, found_off=3.9, found_features=0.041, copying=-7.0)
  assert "Pictures of the set come back, off by 3.1 grey values; held-out ones are found in Z, off by 3.9, their " \
      "features by 4.1 % of the eyes' distance." in sentences
  assert "Pictures of the set come back, off by 3.1 grey values; held-out ones come back by the encoder alone, off by " \
      "5.5, their features by 5.5 % of the eyes' distance." in told(off=3.06, encoded_off=5.5, encoded_features=0.055)
  assert 'A place shows its picture by design; the samples lie between places (C_T -7.0).' in sentences
  assert told(off=12.0)[-1] == 'For pictures that come back more truly, train longer.'


def test_without_held_out_pictures_the_clean_ones_are_counted_alone():
  sentences = verdict.verdict(GOOD, PHOTOS | {'clean_rate': None}, {})
  assert sentences[0] == '97 % of the samples are clean faces.'
