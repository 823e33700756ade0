"""Finds a face's landmarks. The only module that imports MediaPipe, and late: that takes seconds and 650 MB."""

import contextlib
import os
import sys

import numpy as np

# MediaPipe's own names are the subject's: its left iris, 473, is on the right of the image.
IMAGE_LEFT_IRIS = 468
IMAGE_RIGHT_IRIS = 473

_MIN_CONFIDENCE = 0.5
# Measured: misread upside-down faces score up to 0.80 in the detectors, and what turned pictures without a lying face
# show up to 0.78; truly lying faces, turned upright, mostly over 0.9.
_SURE = 0.82
_TURNED_PENALTY = 0.1  # few pictures lie: a lying reading must be clearly better than the upright one
_CROP_MARGIN = 0.5  # of the box's longer side, on each side: the mesh looks for the face in the crop again
_LARGE = 0.5  # of the largest face's width: a smaller face is somebody in the background


class FaceFinder:
  """Finds the most central large face of a picture and its 478 landmarks.

  Detects with MediaPipe's short-range model, then with its full-range one, and lays Face Mesh with irises on a crop
  around the face. Where no detection is sure, the picture is searched lying and upside down too, because the models
  misread a face that stands on its head, or miss it. A picture without any detection is tried as a whole, which finds
  faces that fill it. Not to be used in a forked process: MediaPipe hangs there.
  """

  def __init__(self):
    with _quiet_standard_error():
      from mediapipe import solutions  # pylint: disable=import-outside-toplevel
      self._detectors = [
          solutions.face_detection.FaceDetection(model_selection=model, min_detection_confidence=_MIN_CONFIDENCE)
          for model in (0, 1)]
      self._mesh = solutions.face_mesh.FaceMesh(
          static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=_MIN_CONFIDENCE)
      blank = np.full([64, 64, 3], 128, np.uint8)
      for graph in (*self._detectors, self._mesh):
        graph.process(blank)
    self._has_found = False

  def find(self, image):
    """Returns the landmarks of the most central large face.

    Args:
      image: uint8 RGB [height, width, 3].

    Returns:
      float32 [478, 3], x and y in px of `image` (the first pixel covers 0 to 1, its centre is 0.5; points may lie
      outside), z in the same scale, smaller is nearer; or None when there is no face.
    """
    groups = []
    for num_turns in range(4):
      turned = np.ascontiguousarray(np.rot90(image, num_turns))
      for detector in self._detectors:
        boxes, score = _detect(detector, turned)
        if num_turns == 0 and score >= _SURE:
          landmarks = self._first_landmarks(turned, boxes)
          if landmarks is not None:
            return landmarks
        elif len(boxes) and (num_turns == 0 or score >= _SURE):
          groups.append((score - _TURNED_PENALTY * (num_turns > 0), num_turns, boxes))
    for _, num_turns, boxes in sorted(groups, key=lambda group: -group[0]):
      turned = np.ascontiguousarray(np.rot90(image, num_turns))
      landmarks = self._first_landmarks(turned, boxes)
      if landmarks is not None:
        return _turned_back(landmarks, turned.shape, num_turns)
    return self._landmarks(image, 0, 0, image.shape[1], image.shape[0])

  def _first_landmarks(self, image, boxes):
    for box in boxes:
      landmarks = self._landmarks(image, *_widened(box, image.shape))
      if landmarks is not None:
        return landmarks
    return None

  def _landmarks(self, image, x0, y0, x1, y1):
    crop = np.ascontiguousarray(image[y0:y1, x0:x1])
    if not crop.size:
      return None
    # The first face sets off a last notice.
    with contextlib.nullcontext() if self._has_found else _quiet_standard_error():
      faces = self._mesh.process(crop).multi_face_landmarks
    if not faces:
      return None
    self._has_found = True
    points = np.array([[point.x, point.y, point.z] for point in faces[0].landmark])
    width, height = x1 - x0, y1 - y0
    return (points * [width, height, width] + [x0, y0, 0]).astype(np.float32)


def _detect(detector, image):
  """Returns the boxes, float [num_faces, 4] of x0, y0, x1, y1 in px, best first, and that one's score (0 if none)."""
  detections = detector.process(image).detections or ()
  relative = [detection.location_data.relative_bounding_box for detection in detections]
  boxes = np.array([[box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height] for box in relative])
  height, width, _ = image.shape
  boxes = boxes.reshape(-1, 4) * [width, height, width, height]
  order = _ranked(boxes, width, height)
  return boxes[order], detections[order[0]].score[0] if detections else 0.0


def _turned_back(points, shape, num_turns):
  """Returns points of a picture of `shape` that had been turned anticlockwise `num_turns` quarters, before that."""
  height, width = shape[:2]
  for _ in range(num_turns):
    points = np.stack([height - points[:, 1], points[:, 0], points[:, 2]], axis=1)
    height, width = width, height
  return points


def _ranked(boxes, width, height):
  """Returns the order of boxes [num_faces, 4]: large ones from the picture's centre outwards, then the others so."""
  sizes = boxes[:, 2] - boxes[:, 0]
  is_small = sizes < _LARGE * sizes.max(initial=0)
  distances = np.hypot((boxes[:, 0] + boxes[:, 2] - width) / 2, (boxes[:, 1] + boxes[:, 3] - height) / 2)
  return np.lexsort((distances, is_small))


def _widened(box, shape):
  """Returns a box with the margin, within the picture, as ints x0, y0, x1, y1."""
  margin = _CROP_MARGIN * max(box[2] - box[0], box[3] - box[1])
  limit = [shape[1], shape[0]] * 2
  return np.clip(np.rint(box + margin * np.array([-1, -1, 1, 1])), 0, limit).astype(int)


@contextlib.contextmanager
def _quiet_standard_error():
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
