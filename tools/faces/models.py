"""The one door to MediaPipe and the models in its wheel; imported late, because that takes seconds and 650 MB.

None of these may be used in a forked process: MediaPipe hangs there.
"""

import contextlib
import os
import sys

import numpy as np

MIN_CONFIDENCE = 0.5

_NUM_LANDMARKS = 478
_POINT_BYTES = 17
_FLOAT_BYTES = [3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16]
_MESH_GRAPH = 'mediapipe/modules/face_landmark/face_landmark_front_cpu.binarypb'
_MESH_DETECTOR = ('facedetectionshortrangecpu__facedetectionshortrange__facedetection__TensorsToDetectionsCalculator.'
                  'min_score_thresh')
_MESH_PRESENCE = 'facelandmarkcpu__ThresholdingCalculator.threshold'


class FaceMesh:
  """The short-range face detector, and Face Mesh with irises on each face that it finds, in one graph.

  MediaPipe's own `FaceMesh` is this graph too, but keeps what its detector says to itself.

  Args:
    max_num_faces: int, in one picture.
    is_tracking: bool, whether a face is looked for where it was in the picture before, which is twice as fast; the
      detector is asked only where none is there.
  """

  def __init__(self, max_num_faces, is_tracking=False):
    with quiet_standard_error():
      from mediapipe.python import solution_base  # pylint: disable=import-outside-toplevel
      self._graph = solution_base.SolutionBase(
          binary_graph_path=_MESH_GRAPH,
          side_inputs={'num_faces': max_num_faces, 'with_attention': True, 'use_prev_landmarks': is_tracking},
          calculator_params={_MESH_DETECTOR: MIN_CONFIDENCE, _MESH_PRESENCE: MIN_CONFIDENCE},
          outputs=['multi_face_landmarks', 'face_detections'])
      self._graph.process({'image': _BLANK})
    self._is_quiet = False

  def forget(self):
    """Forgets where faces were, as after a cut."""
    self._graph.reset()
    self._is_quiet = False

  def process(self, image):
    """Returns the faces of a picture.

    Args:
      image: uint8 RGB [height, width, 3].

    Returns:
      (landmarks, boxes, scores): float32 [num_faces, 478, 3], x, y and z in px of `image`; float [num_detections, 4] of
      x0, y0, x1, y1 in px; float [num_detections] in [0, 1]. A detection may be without landmarks.
    """
    # The first face sets off a last notice.
    with contextlib.nullcontext() if self._is_quiet else quiet_standard_error():
      found = self._graph.process({'image': np.ascontiguousarray(image)})
    faces = found.multi_face_landmarks or ()
    self._is_quiet = self._is_quiet or bool(faces)
    height, width, _ = image.shape
    landmarks = np.array([_points(face) for face in faces], np.float32).reshape(-1, _NUM_LANDMARKS, 3)
    landmarks *= np.array([width, height, width], np.float32)
    return landmarks, *_boxes_and_scores(found.face_detections, image)


class FullRangeDetector:
  """MediaPipe's detector for small faces."""

  def __init__(self):
    with quiet_standard_error():
      from mediapipe import solutions  # pylint: disable=import-outside-toplevel
      self._graph = solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=MIN_CONFIDENCE)
      self._graph.process(_BLANK)

  def process(self, image):
    """Returns (boxes, scores) of the faces in a picture, as `FaceMesh.process` does."""
    return _boxes_and_scores(self._graph.process(np.ascontiguousarray(image)).detections, image)


def selfie_segmentation():
  """Returns the graph that tells where a person is.

  Its `process(image).segmentation_mask` is float32 [height, width] in [0, 1], 1 is person.
  """
  with quiet_standard_error():
    from mediapipe import solutions  # pylint: disable=import-outside-toplevel
    graph = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    graph.process(_BLANK)
  return graph


_BLANK = np.full([64, 64, 3], 128, np.uint8)


def _points(face):
  """Returns a `NormalizedLandmarkList` as float32 [478, 3].

  Read from its bytes, ten times as fast as point by point: each is a tag, its length, and x, y and z with a tag each.
  """
  data = np.frombuffer(face.SerializeToString(), np.uint8).reshape(_NUM_LANDMARKS, _POINT_BYTES)
  return np.ascontiguousarray(data[:, _FLOAT_BYTES]).view('<f4')


def _boxes_and_scores(detections, image):
  detections = detections or ()
  relative = [detection.location_data.relative_bounding_box for detection in detections]
  boxes = np.array([[box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height] for box in relative])
  height, width, _ = image.shape
  return boxes.reshape(-1, 4) * [width, height, width, height], np.array([each.score[0] for each in detections])


@contextlib.contextmanager
def quiet_standard_error():
  """Sends file descriptor 2 to nowhere for a moment: MediaPipe's C++ writes notices straight to it."""
  sys.stderr.flush()
  kept = os.dup(2)
  nowhere = os.open(os.devnull, os.O_WRONLY)
  try:
    os.dup2(nowhere, 2)
    yield
  finally:
    os.dup2(kept, 2)
    os.close(kept)
    os.close(nowhere)
