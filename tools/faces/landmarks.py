"""Finds a face's landmarks. The only module that imports MediaPipe, and late: that takes seconds and 650 MB."""

import contextlib
import os
import sys

import numpy as np

# MediaPipe's own names are the subject's: its left iris, 473, is on the right of the image.
IMAGE_LEFT_IRIS = 468
IMAGE_RIGHT_IRIS = 473

_MIN_CONFIDENCE = 0.5
_CROP_MARGIN = 0.5  # of the box's longer side, on each side: the mesh looks for the face in the crop again
_LARGE = 0.5  # of the largest face's width: a smaller face is somebody in the background


class FaceFinder:
  """Finds the most central large face of a picture and its 478 landmarks.

  Detects with MediaPipe's short-range model, then with its full-range one, and lays Face Mesh with irises on a crop
  around the face; a picture without any detection is tried as a whole, which finds faces that fill it. Not to be used in
  a forked process: MediaPipe hangs there.
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
    image = np.ascontiguousarray(image)
    for detector in self._detectors:
      for box in self._boxes(detector, image):
        landmarks = self._landmarks(image, *_widened(box, image.shape))
        if landmarks is not None:
          return landmarks
    return self._landmarks(image, 0, 0, image.shape[1], image.shape[0])

  def _boxes(self, detector, image):
    """Returns the detected boxes, float [num_faces, 4] of x0, y0, x1, y1 in px; the best first."""
    height, width, _ = image.shape
    relative = [detection.location_data.relative_bounding_box for detection in detector.process(image).detections or ()]
    boxes = np.array([[box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height] for box in relative])
    return _ranked(boxes.reshape(-1, 4) * [width, height, width, height], width, height)

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


def _ranked(boxes, width, height):
  """Returns boxes [num_faces, 4]: the large ones from the picture's centre outwards, then the others likewise."""
  sizes = boxes[:, 2] - boxes[:, 0]
  is_small = sizes < _LARGE * sizes.max(initial=0)
  distances = np.hypot((boxes[:, 0] + boxes[:, 2] - width) / 2, (boxes[:, 1] + boxes[:, 3] - height) / 2)
  return boxes[np.lexsort((distances, is_small))]


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
