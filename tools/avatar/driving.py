"""A run's person does as somebody in a film does: what is seen there, frame by frame, becomes points of Z."""

import dataclasses
import pathlib
import threading

import numpy as np

from dcgan.common import errors
from dcgan.common import images
from dcgan.common import progress
from dcgan.control import calibration
from dcgan.control import lookahead
from dcgan.control import mimic
from dcgan.control import names as control_names
from dcgan.control import retargeting
from dcgan.control import timeline
from dcgan.control import timeline_files
from dcgan.data import input_pipeline
from dcgan.model import latents
from dcgan.model import networks
from tools.avatar import ahead
from tools.avatar import posing
from tools.avatar import tilting
from tools.evaluation import meshes
from tools.faces import alignment
from tools.faces import controls
from tools.material import films

CONTROLS, ENCODER = 'controls', 'encoder'
WAYS = (CONTROLS, ENCODER)
MOST_STRENGTH = 3.0

_BATCH = 32  # frames at a time
_ROLL_COLUMN = control_names.MEASURED.index(posing.ROLL)
_MEASURED_EVERY = 2  # frames, of what was made first
_STEP = 0.5  # of what is missing there, that is asked for on top
_NUM_READ = 96  # pictures of the model that tell how surely it is read
_MISSING_SECS, _Z_SECS = 0.1, 0.03  # sigmas, over which what is missing, and Z, are averaged


@dataclasses.dataclass(frozen=True, eq=False)
class Wish:
  """How a film is to drive a person.

  Attributes:
    way: str of `WAYS`: by controls, or, of the person's own film, by the run's encoder.
    strength: float in [0, 3], by which movements are multiplied.
    only: str of `retargeting.PARTS`, or None for all.
    relative_secs: float, the time of the film's frame that counts as its neutral one; None to find rest by itself.
    size_px: int, width and height of the face.
    is_side_by_side: bool, whether the film's face stands on the left.

  Raises:
    errors.InputError: one of them is none of these, or goes with the other way only.
  """

  way: str = CONTROLS
  strength: float = 1.0
  only: str | None = None
  relative_secs: float | None = None
  size_px: int = 256
  is_side_by_side: bool = False

  def __post_init__(self):
    if self.way not in WAYS:
      raise errors.InputError(f'`with` ({self.way}) must be one of {", ".join(WAYS)}.')
    if not 0 <= self.strength <= MOST_STRENGTH:
      raise errors.InputError(f'`strength` ({self.strength:g}) must be from 0 to {MOST_STRENGTH:g}. 1 is as it is.')
    if self.only is not None and self.only not in retargeting.PARTS:
      raise errors.InputError(f'`only` ({self.only}) must be one of {", ".join(retargeting.PARTS)}. Leave it out for '
                              'all.')
    if self.way == ENCODER:
      for name, is_given in (('strength', self.strength != 1), ('only', self.only is not None),
                             ('relative', self.relative_secs is not None)):
        if is_given:
          raise errors.InputError(f'`{name}` is of controls, but with `with` ({ENCODER}) there are none. Leave one of '
                                  'them out.')


class Driver:
  """Drives the person of a run.

  Args:
    run: `run_folder.RunFolder`.

  Attributes:
    run: that.
    poser: `posing.Poser`.

  Raises:
    errors.InputError: the run has no places or no controls, or its faces are not aligned.
  """

  def __init__(self, run):
    if run.options.data.align != alignment.EYES:
      raise errors.InputError(f'{run.path}: its faces were cropped, not aligned (`align` is {run.options.data.align}), '
                              'so its person cannot follow a film. Train a run on a set made with --align=eyes.')
    if isinstance(run.space, latents.Normal):
      raise errors.InputError(f'{run.path}: its pictures have no places in Z, which following a film needs. Train a new '
                              'run with --preset=person.')
    self.run = run
    self.poser = posing.Poser(run)
    self._names = self.poser.controller.names
    self._columns = [self.poser.calibration.names.index(name) for name in self._names]
    self._one_at_a_time = threading.Lock()
    values = self._values_at_places()
    self._mimic = mimic.fit(self.poser.controller, values)
    self._line, self._sureness = self._reading(values)

  def save(self, path, film, wish, controls_path=None):
    """Writes the film of the person.

    Args:
      path: path of the .mp4 to write.
      film: `watching.Watched`.
      wish: `Wish`.
      controls_path: path of a .csv for the values that the person was asked to show, or None.

    Returns:
      `pathlib.Path` of the film.

    Raises:
      errors.InputError: the frame that counts as neutral shows no face, the run has no encoder though one is asked for,
        or a file cannot be written.
    """
    films.check_path(path)
    if wish.way == ENCODER and self.run.encoder is None:
      raise errors.InputError(f'{self.run.path}: this run has no encoder, which `with` ({ENCODER}) needs. Use '
                              f'--with={CONTROLS}.')
    wanted, tilts = self.wanted(film, wish), self.tilts(film, wish)
    if controls_path:
      timeline_files.save_csv(controls_path, timeline.Timeline((*self._names, posing.ROLL), film.times_secs,
                                                               np.column_stack([wanted, tilts])))
    points = self._points_by_controls(film, wanted) if wish.way == CONTROLS else self._points_by_encoder(film)
    frames = self._drawn(ahead.prepared(points, 2 * _BATCH), wish.size_px)
    frames = ((time_secs, tilting.tilt(image, tilt)) for (time_secs, image), tilt in zip(frames, tilts))
    if wish.is_side_by_side:
      frames = self._beside(film, frames, wish.size_px)
    films.save_film(path, _shown(frames, len(film.times_secs)), film.path, film.video.first_secs,
                    fps=len(film.times_secs) / max(film.video.duration_secs, 1e-3))
    return pathlib.Path(path)

  def wanted(self, film, wish):
    """Returns what the person is to show, float64 [num_frames, num_names] of `poser.controller.names`.

    Args:
      film: `watching.Watched`.
      wish: `Wish`.
    """
    source = calibration.calibrate(film.raw, controls.NOISE)
    neutral = None if wish.relative_secs is None else self._neutral(film, wish.relative_secs)
    values = retargeting.retarget(film.raw, source, self.poser.calibration, wish.strength, neutral)[:, self._columns]
    rest = self.poser.at_rest()
    if wish.only:
      is_driven = [retargeting.part_of(name, wish.only) for name in self._names]
      values = np.where(is_driven | np.isnan(values), values, rest)
    return retargeting.fill_gaps(film.times_secs, values, rest).astype(np.float64)

  def tilts(self, film, wish):
    """Returns how far the head is tilted, which aligning takes out of Z and so turns the pictures, float [num_frames].

    Args:
      film: `watching.Watched`.
      wish: `Wish`.

    Returns:
      Degrees, above 0 clockwise; 0 where the film's face rests, or nobody is seen for a while.
    """
    if wish.only and not retargeting.part_of(posing.ROLL, wish.only):
      return np.zeros(len(film.times_secs))
    rolls = film.raw[:, [_ROLL_COLUMN]]
    rest = np.nanmedian(rolls) if wish.relative_secs is None else self._neutral(film, wish.relative_secs)[_ROLL_COLUMN]
    low, high = control_names.limits(posing.ROLL)
    tilts = np.clip(wish.strength * (rolls - rest), low, high)
    return retargeting.fill_gaps(film.times_secs, tilts, np.zeros(1))[:, 0].astype(np.float64)

  def _neutral(self, film, secs):
    """Returns the raw measures of the frame on display at a time."""
    if not 0 <= secs <= film.video.duration_secs:
      raise errors.InputError(f'`relative` ({secs:g} s) must lie within the film, 0 to {film.video.duration_secs:.1f} '
                              's. Choose a time at which the face rests.')
    index = max(0, int(np.searchsorted(film.times_secs, secs + 1e-3, side='right')) - 1)
    if not film.is_seen[index]:
      raise errors.InputError(f'`relative` ({secs:g} s): no face is seen there. Choose a time at which the face rests.')
    return film.raw[index]

  def _values_at_places(self):
    """Returns the controls of the pictures at the run's places, float64 [num_places, num_names]; NaN where unknown.

    They are the set's, or where that is gone what the model's own pictures show there.
    """
    space = self.run.space
    try:
      keys, raw = posing.read_raw(self.run.options.data.records)
    except errors.InputError:
      return self._measure(self._generate(space.places))
    return space.of_places(keys, self.poser.calibration.values(raw)[:, self._columns]).astype(np.float64)

  def _reading(self, values):
    """Returns how the model's pictures are read: (slopes and offsets [2, num_names], sureness [num_names]).

    A picture that should show a value is read, on average, as a line of it; sureness is R² of that line.
    """
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    known = known[np.unique(np.linspace(0, len(known) - 1, _NUM_READ).round().astype(int))]
    read = self._measure(self._generate(self.run.space.places[known]))
    is_read = np.isfinite(read).all(axis=1)
    given, read = values[known][is_read], read[is_read]
    if len(given) < 3:
      return np.array([np.ones(len(self._names)), np.zeros(len(self._names))]), np.zeros(len(self._names))
    spread = np.maximum(given.std(axis=0), 1e-6)
    products = ((given - given.mean(axis=0)) * (read - read.mean(axis=0))).mean(axis=0)
    slopes = products / spread**2
    sureness = np.maximum(products / spread / np.maximum(read.std(axis=0), 1e-6), 0) ** 2
    return np.array([slopes, read.mean(axis=0) - slopes * given.mean(axis=0)]), sureness

  def _generate(self, z):
    # On a CPU TensorFlow 2.15 with oneDNN aborts where two threads run the same network: one at a time.
    with self._one_at_a_time:
      return networks.generate(self.run.generator, z)

  def _measure(self, pictures):
    """Returns the controls that pictures show, float64 [num_pictures, num_names]; NaN without a face."""
    return self.read(meshes.look(pictures, self.run.options.data.crop, is_mirrored=True).landmarks)

  def read(self, landmarks):
    """Returns controls, float64 [num_pictures, num_names] of `poser.controller.names`; NaN without a face.

    Not by the poser's reader, which is fitted to other borders: with it jawOpen was shown worse.

    Args:
      landmarks: float [num_pictures, 478, 3] of pictures that are mirrored beyond their edges; NaN without a face.
    """
    return self.poser.calibration.values(posing.raw_of(landmarks))[:, self._columns].astype(np.float64)

  def _points_by_controls(self, film, wanted):
    """Yields (time_secs, float32 [z_dims]) of each frame, once what is shown at first was measured and corrected."""
    corrected = lookahead.averaged(self._missing(film.times_secs, wanted), _MISSING_SECS)

    def found():
      for start, part in batches(corrected):
        times_secs, missing = zip(*part)
        yield from zip(times_secs, self._mimic.find(wanted[start:start + len(part)] + np.array(missing)))

    return lookahead.averaged(found(), _Z_SECS)

  def _missing(self, times_secs, wanted):
    """Yields (time_secs, what to ask for on top, float64 [num_names]) of each frame."""
    for start in range(0, len(wanted), _BATCH):
      asked = wanted[start:start + _BATCH]
      at = np.arange(0, len(asked), _MEASURED_EVERY)
      read = self._measure(self._generate(self._mimic.find(asked[at])))
      off = _STEP * self._sureness * np.nan_to_num(self._line[0] * asked[at] + self._line[1] - read)
      off = np.array([np.interp(np.arange(len(asked)), at, each) for each in off.T]).T
      yield from zip(times_secs[start:start + _BATCH], off)

  def _points_by_encoder(self, film):
    """Yields (time_secs, float32 [z_dims]) of each frame: where the run's encoder puts the film's own faces."""
    rest = self._mimic.find(self.poser.at_rest()[np.newaxis])[0]
    size_px, crop_px = self.run.options.networks.image_size, self.run.options.data.crop

    points = np.full([len(film.times_secs), len(rest)], np.nan, np.float32)
    for start, part in batches(film.faces()):
      seen = [i for i, (_, face) in enumerate(part) if face is not None]
      if seen:
        faces = np.stack([input_pipeline.as_seen(part[i][1], size_px, crop_px).numpy() for i in seen])
        points[start + np.array(seen)] = self._mimic.lead_back(networks.encode(self.run.encoder, faces))
    points = retargeting.fill_gaps(film.times_secs, points, rest)
    return lookahead.averaged(zip(film.times_secs, points), _Z_SECS)

  def _drawn(self, points, size_px):
    """Yields (time_secs, uint8 [size_px, size_px, 3]) of points."""
    for _, part in batches(points):
      times_secs, z = zip(*part)
      pictures = self._generate(np.array(z, np.float32))
      yield from zip(times_secs, images.resize(pictures, size_px))

  def _beside(self, film, frames, size_px):
    """Yields frames with the film's own face on the left, tilted as it is there; grey where there is none."""
    for (_, face), roll, (time_secs, made) in zip(film.faces(), film.raw[:, _ROLL_COLUMN], frames):
      left = np.full_like(made, 128)
      if face is not None:
        x, y = meshes.corner(self.run.options.data.crop)
        seen = face[y:y + self.run.options.data.crop, x:x + self.run.options.data.crop]
        left = tilting.tilt(images.resize(seen[np.newaxis], size_px)[0], float(roll))
      yield time_secs, np.concatenate([left, made], axis=1)


def batches(items):
  """Yields (index of the first, list of items), `_BATCH` at a time."""
  part, start = [], 0
  for item in items:
    part.append(item)
    if len(part) == _BATCH:
      yield start, part
      part, start = [], start + _BATCH
  if part:
    yield start, part


def _shown(frames, num_frames):
  """Yields frames, and shows how far they are."""
  with progress.Progress(num_frames, 'Drawn', 'frames') as bar:
    for frame in frames:
      yield frame
      bar.update()
