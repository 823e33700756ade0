"""Tests of the sheet of people; thumbnails of one colour each tell where they are."""

# pylint: disable=protected-access

import numpy as np
import pytest

from tools.sets import people_sheet


def _thumbnails(num_faces):
  """Returns uint8 [num_faces, 109, 89, 3]: face i is (255, 0, i)."""
  thumbnails = np.zeros([num_faces, 109, 89, 3], np.uint8)
  thumbnails[..., 0] = 255
  thumbnails[..., 2] = np.arange(num_faces)[:, None, None]
  return thumbnails


def _drawn(people, thumbnails, chosen):
  return people_sheet.draw(people, thumbnails, chosen, np.arange(len(people)), np.zeros(len(people)))


def _shown(sheet):
  """Returns the faces on a sheet, row by row, as lists of indices."""
  is_face = (sheet[..., 0] == 255) & (sheet[..., 1] == 0)
  rows = []
  for y in np.flatnonzero(is_face.any(1) & ~np.roll(is_face.any(1), 1)):
    line = is_face[y]
    starts = np.flatnonzero(line & ~np.roll(line, 1))
    assert is_face[y:y + 109, starts[0]:starts[0] + 89].all()
    rows.append([int(sheet[y, x, 2]) for x in starts])
  return rows


def _row_colours(sheet):
  """Returns the colour of each row's ground, left of its faces."""
  is_face = (sheet[..., 0] == 255) & (sheet[..., 1] == 0)
  starts = np.flatnonzero(is_face.any(1) & ~np.roll(is_face.any(1), 1))
  return [tuple(sheet[y, people_sheet._MARGIN_PX + 10]) for y in starts]


def test_up_to_eight_faces_are_spread_from_the_first_to_the_last():
  people = np.array([1, 2] * 15 + [3])
  shown = people_sheet.shown_faces(people, 1)
  np.testing.assert_array_equal(shown[1], 2 * np.array([0, 2, 4, 6, 8, 10, 12, 14]))
  assert list(shown) == [1, 2, 3] and shown[3].tolist() == [30]


def test_each_person_has_a_row_in_the_order_of_numbers():
  people = [2, 1, 1, 3, 1, 2]
  sheet = _drawn(people, _thumbnails(6), 1)
  assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
  assert _shown(sheet) == [[1, 2, 4], [0, 5], [3]]


@pytest.mark.parametrize('chosen', [1, 2, 3])
def test_chosen_person_alone_is_marked(chosen):
  colours = _row_colours(_drawn([1, 2, 3, 1], _thumbnails(4), chosen))
  assert [colours.count(colour) for colour in colours] == [1 if i + 1 == chosen else 2 for i in range(3)]


def test_nobody_is_marked_without_a_choice():
  assert len(set(_row_colours(_drawn([1, 2, 3, 1], _thumbnails(4), None)))) == 1


def test_further_people_are_a_line_and_a_chosen_one_has_a_row():
  people = np.arange(1, 16)
  twelve = _drawn(people[:12], _thumbnails(15), 1)
  fifteen = _drawn(people, _thumbnails(15), 1)
  assert _shown(fifteen) == _shown(twelve) == [[i] for i in range(12)]
  assert fifteen.shape[0] == twelve.shape[0] + people_sheet._FOOTER_HEIGHT_PX
  assert _shown(_drawn(people, _thumbnails(15), 15)) == [[i] for i in (*range(11), 14)]


def test_only_the_shown_faces_are_asked_for():
  people = np.ones(100, int)
  thumbnails = _thumbnails(100)
  wanted = {int(face): thumbnails[face] for face in people_sheet.shown_faces(people, 1)[1]}
  assert len(_shown(_drawn(people, wanted, 1))[0]) == len(wanted) == 8


def test_row_says_how_many_frames_and_from_when_to_when():
  lines = people_sheet._lines
  times_secs = np.array([3.2, 65.9, 7265.0, 7265.0])
  assert lines(np.array([0, 1]), times_secs, [0] * 4) == ['2 frames', '0:03 to 1:05']
  assert lines(np.array([1, 2]), times_secs, [0, 0, 0, 0]) == ['2 frames', '1:05 to 2:01:05']
  assert lines(np.array([3]), times_secs, [0] * 4) == ['1 frame', 'at 2:01:05']
  assert lines(np.array([0, 1, 3]), times_secs, [0, 0, 1, 2]) == ['3 frames', 'in 2 of 3 videos']
  assert lines(np.arange(1234), np.zeros(1234), np.zeros(1234)) == ['1,234 frames', 'at 0:00']


def test_header_says_how_to_take_another():
  header = people_sheet._header
  assert header(1, 1) == '1 person found, number 1 is taken'
  assert header(3, 1) == '3 people found, number 1 is taken; --person=2 --overwrite takes another'
  assert header(3, 3) == '3 people found, number 3 is taken; --person=1 --overwrite takes another'
  assert header(3, None) == '3 people found'


def test_text_of_a_long_video_stays_left_of_the_faces():
  # Person 130 with hours and many faces: the ground just left of the faces is of one colour.
  people = np.concatenate([np.arange(1, 130), np.full(3000, 130)])
  times_secs = np.linspace(36_000, 359_999, len(people))
  sheet = people_sheet.draw(people, {**dict(enumerate(_thumbnails(129))), **{
      int(face): _thumbnails(1)[0] for face in people_sheet.shown_faces(people, 130)[130]}}, 130, times_secs,
                            np.zeros(len(people)))
  y0 = sheet.shape[0] - people_sheet._MARGIN_PX - people_sheet._FOOTER_HEIGHT_PX - 125 + 8
  x0 = people_sheet._MARGIN_PX + people_sheet._NUMBER_WIDTH_PX + people_sheet._TEXT_WIDTH_PX
  assert len(np.unique(sheet[y0:y0 + 109, x0 - 2:x0].reshape(-1, 3), axis=0)) == 1
