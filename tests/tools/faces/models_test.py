"""Tests of the door to MediaPipe: what comes through is what the models said, and no notices with it."""

# pylint: disable=protected-access

import os
import subprocess
import sys

import numpy as np
import pytest

from tools.faces import models

# Read off the photograph by eye: the pupils, and a box around the face from brows to chin and cheek to cheek.
_ASTRONAUT_EYES = [[203.5, 101.5], [246.5, 103.5]]
_ASTRONAUT_FACE = [180, 75, 270, 170]
_FEW_FACES = 4


@pytest.fixture(scope='module', name='mesh')
def _mesh():
  return models.FaceMesh(_FEW_FACES)


def _overlap(box, other):
  width, height = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
  areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (box, other)]
  return width * height / (sum(areas) - width * height)


def test_points_read_from_bytes_are_those_of_the_fields_one_by_one(mesh, astronaut):
  faces = mesh._graph.process({'image': astronaut}).multi_face_landmarks
  assert len(faces) == 1
  points = models._points(faces[0])
  assert points.dtype == np.float32 and points.flags.c_contiguous
  np.testing.assert_array_equal(points, [[point.x, point.y, point.z] for point in faces[0].landmark])


def test_points_of_any_value_are_read(mesh):
  del mesh  # has imported what follows, quietly
  from mediapipe.framework.formats import landmark_pb2  # pylint: disable=import-outside-toplevel
  values = np.random.default_rng(0).normal(0, 1, [478, 3]).astype(np.float32)
  values[:4] = [[0, 0, 0], [-1, 1e-30, 1e30], [0.5, -0.0, 2], [10, 13, 0]]
  face = landmark_pb2.NormalizedLandmarkList()
  for x, y, z in values.tolist():
    face.landmark.add(x=x, y=y, z=z)
  np.testing.assert_array_equal(models._points(face), values)


def test_mesh_and_boxes_are_in_px_of_the_picture(mesh, astronaut):
  wide = np.concatenate([astronaut, np.full([512, 200, 3], 120, np.uint8)], axis=1)
  landmarks, boxes, scores = mesh.process(wide)
  assert landmarks.shape == (1, 478, 3) and landmarks.dtype == np.float32 and boxes.shape == (1, 4)
  np.testing.assert_allclose(landmarks[0, [468, 473], :2], _ASTRONAUT_EYES, atol=2.5)
  assert _overlap(boxes[0], _ASTRONAUT_FACE) > 0.6 and models.MIN_CONFIDENCE <= scores[0] <= 1
  # MediaPipe gives z in the scale of x.
  relative = [point.z for point in mesh._graph.process({'image': wide}).multi_face_landmarks[0].landmark]
  np.testing.assert_allclose(landmarks[0, :, 2], np.multiply(relative, 712), rtol=1e-5)


def test_faces_beside_each_other_each_have_a_mesh_and_a_box(mesh, astronaut):
  picture = np.full([240, 700, 3], 120, np.uint8)
  for x in (10, 240, 470):
    picture[10:230, x:x + 220] = astronaut[:220, 110:330]
  landmarks, boxes, scores = mesh.process(picture)
  assert landmarks.shape == (3, 478, 3) and boxes.shape == (3, 4) and scores.shape == (3,)
  eyes = sorted(landmarks[:, 468, 0].tolist())
  np.testing.assert_allclose(eyes, [203.5 - 110 + x for x in (10, 240, 470)], atol=3)
  assert all(((boxes[:, 0] < x) & (x < boxes[:, 2])).sum() == 1 for x in eyes)


def test_picture_of_nothing_gives_empty_arrays(mesh):
  blank = np.full([120, 90, 3], 128, np.uint8)
  assert [each.shape for each in mesh.process(blank)] == [(0, 478, 3), (0, 4), (0,)]
  assert [each.shape for each in models.FullRangeDetector().process(blank)] == [(0, 4), (0,)]


def test_detector_boxes_a_small_face_in_px_and_takes_a_view_of_an_array(astronaut):
  picture = np.full([720, 1000, 3], 120, np.uint8)
  picture[100:612, 300:812] = astronaut[:, ::-1]
  boxes, scores = models.FullRangeDetector().process(picture[:, ::-1])
  assert boxes.shape == (1, 4) and models.MIN_CONFIDENCE <= scores[0] <= 1
  assert _overlap(boxes[0], np.add(_ASTRONAUT_FACE, [188, 100] * 2)) > 0.5


def test_segmentation_tells_the_person_from_what_is_behind(astronaut):
  mask = models.selfie_segmentation().process(astronaut).segmentation_mask
  assert mask.shape == (512, 512) and mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1
  assert mask[100:140, 205:245].mean() > 0.95  # the face
  assert mask[20:100, 440:500].mean() < 0.2  # the shuttle behind


def test_standard_error_is_silent_for_a_moment_only(capfd):
  os.write(2, b'before ')
  with models.quiet_standard_error():
    os.write(2, b'notice')
  os.write(2, b'after ')
  with pytest.raises(ZeroDivisionError):
    with models.quiet_standard_error():
      os.write(2, b'notice')
      1 / 0  # pylint: disable=pointless-statement
  os.write(2, b'end')
  assert capfd.readouterr().err == 'before after end'


@pytest.mark.slow
def test_no_model_writes_to_standard_error(tmp_path):
  # In a process of its own: the notices come once.
  script = ('from dcgan.common import entry; entry.prepare_libraries()\n'
            'from skimage import data\nfrom tools.faces import models\n'
            'image = data.astronaut()\n'
            'assert len(models.FaceMesh(2).process(image)[0]) == 1\n'
            'models.FullRangeDetector().process(image)\n'
            'models.selfie_segmentation().process(image)\n')
  done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True,
                        env=os.environ | {'TMPDIR': str(tmp_path)})
  assert (done.stdout, done.stderr) == ('', '')
