"""Tests of how reasons are said in words."""

from absl import flags
import pytest

from dcgan.data import manifests
from tools import make_records  # pylint: disable=unused-import  # defines its flags
from tools.sets import reasons


def _counts(*given):
  rejected = [manifests.Rejection(f'{i}.png', manifests.Reason(*reason)) for i, reason in enumerate(given)]
  return [(each.count, each.sentence) for each in reasons.count(rejected)]


@pytest.mark.parametrize('reason, sentence', [
    (('no_face',), 'no face found'), (('somebody_else', 2), 'somebody else: not person 2'),
    (('eyes_near', 10.34, 12.0), 'eyes 10.3 px apart, under --min_eye_distance_px=12'),
    (('outside', 0.345, 0.2), '34 % of the crop lies outside the picture, over --max_outside_fraction=0.2'),
    (('turned_left', 52.2, 40), "turned 52° to the image's left, over --max_yaw_deg=40"),
    (('turned_right', 41, 40), "turned 41° to the image's right, over --max_yaw_deg=40"),
    (('looks_up', 36, 35), 'looks up by 36°, over --max_pitch_deg=35'),
    (('looks_down', 36, 35), 'looks down by 36°, over --max_pitch_deg=35'),
    (('tilted', 90.0, 70.0), 'tilted by 90°, over --max_roll_deg=70'),
    (('too_dark', 12, 30), 'too dark: skin of brightness 12, under --min_brightness=30'),
    (('too_bright', 241, 235), 'too bright: skin of brightness 241, over --max_brightness=235'),
    (('eyes_closed', 0.05, 0.1), 'eyes closed: an opening of 0.05, under --min_eye_opening=0.1'),
    (('blurred', 0.11, 0.15), 'blurred: 0.11 of the usual sharpness, under --min_sharpness=0.15'),
    (('unchanged', 0.0016, 0.03), 'a change of 0.002 since the last kept frame, under --min_change=0.03'),
    (('same_picture', 'a.jpg'), 'the same picture as another one (--keep_duplicates keeps them)'),
    (('not_read_again',), 'it could not be read a second time'),
    (('unreadable', 'not a picture {that} can be read'), 'unreadable: not a picture {that} can be read'),
    (('missing', 'the file is not there any more'), 'the file is not there any more'),
    (('unreadable_folder', 'Permission denied'), 'a folder that cannot be read: Permission denied'),
    (('damaged_video', 'No such file'), 'the video is cut off or damaged (No such file)'),
    (('told', 'eyes 7.5 px apart'), 'eyes 7.5 px apart'),
    (('raw_photo', 'CR2'), 'raw photo (CR2): export it as JPEG'),
    (('other_format', 'JPEG XL'), 'JPEG XL, a format that is not read: export it as JPEG'),
    (('video_among_photos', 'MOV'), 'video (MOV) in the folder: --video takes it'),
    (('raw_copy', 'a.jpg'), 'raw photo beside a picture of the same name, which is looked at'),
    (('live_photo', 'a.heic'), 'film of a Live Photo, whose picture is looked at'),
    (('not_known_yet',), 'not_known_yet'), (('not_known_yet', 4), 'not_known_yet 4')])
def test_reason_is_a_sentence_with_value_rule_and_flag(reason, sentence):
  assert _counts(reason) == [(1, sentence)]


def test_numbers_that_differ_are_a_range_and_limits_that_differ_count_apart():
  assert _counts(('eyes_near', 5.0, 12.5), ('no_face',), ('eyes_near', 7.5, 12.5), ('no_face',), ('no_face',),
                 ('eyes_near', 10, 20)) == [
                     (3, 'no face found'), (2, 'eyes 5.0 to 7.5 px apart, under --min_eye_distance_px=12.5'),
                     (1, 'eyes 10.0 px apart, under --min_eye_distance_px=20')]


def test_numbers_that_look_the_same_are_no_range():
  assert _counts(('turned_left', 51.8, 40), ('turned_left', 52.2, 40)) == [
      (2, "turned 52° to the image's left, over --max_yaw_deg=40")]


def test_copies_of_whatever_picture_are_counted_together():
  assert _counts(*(('same_picture', f'{i}.jpg') for i in range(30))) == [
      (30, 'the same picture as another one (--keep_duplicates keeps them)')]


def test_films_of_live_photos_are_counted_together_whatever_their_picture():
  assert _counts(*(('live_photo', f'{i}.heic') for i in range(30))) == [
      (30, 'film of a Live Photo, whose picture is looked at')]


def test_texts_that_differ_are_counted_apart_until_there_are_too_many():
  texts = ['torn'] * 3 + ['empty'] * 2 + [f'byte {i}' for i in range(9)]
  counts = _counts(*(('unreadable', text) for text in texts))
  assert counts[:3] == [(3, 'unreadable: another of 3 reasons'), (3, 'unreadable: torn'), (2, 'unreadable: empty')]
  assert len(counts) == 9 and sum(number for number, _ in counts) == 14


def test_every_flag_that_is_named_is_one_of_the_command():
  given = {flag.name for flag in flags.FLAGS.flags_by_module_dict()['tools.make_records']}
  named = {words.flag for words in reasons._WORDS.values()} - {''}  # pylint: disable=protected-access
  assert len(named) > 8 and named <= given
