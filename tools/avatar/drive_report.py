"""How well a film drove a person: measured on the film that was made."""

import json
import pathlib
import resource
import sys
import time

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.common import files
from dcgan.data import holdout
from dcgan.data import input_pipeline
from dcgan.data import manifests
from dcgan.model import region
from tools.avatar import driving
from tools.avatar import posing
from tools.avatar import tilting
from tools.evaluation import meshes
from tools.faces import measures
from tools.material import videos

SHOWN_FIRST = ('jawOpen', 'eyeBlinkLeft', 'eyeBlinkRight', 'mouthSmileLeft', 'mouthSmileRight', 'headYaw')

_REST = 0.25  # of the frames: those in which what is asked for moves least


class Clock:
  """What driving took: seconds, seconds of processors, and memory of this process."""

  def __init__(self):
    self._begun = time.monotonic()
    self._start = self._cpu = self.load_secs = 0.0
    self.values = {}

  def start(self):
    """Begins to count; what was before is loading."""
    self.load_secs = time.monotonic() - self._begun
    self._start, self._cpu = time.monotonic(), time.process_time()

  def tell(self, num_frames):
    """Ends, and logs what so many frames took."""
    secs, cpu_secs = time.monotonic() - self._start, time.process_time() - self._cpu
    kilo = 1 if sys.platform == 'darwin' else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo
    self.values = {'num_frames': num_frames, 'load_secs': self.load_secs, 'secs': secs, 'frames_per_sec':
                   num_frames / secs, 'cpu_ms_per_frame': 1e3 * cpu_secs / num_frames, 'peak_memory_mb': peak / 1e6}
    logging.info('%d frames in %.0f s: %.1f a second, %.0f ms of processor time each; %.0f MB of memory at most.',
                 num_frames, secs, num_frames / secs, 1e3 * cpu_secs / num_frames, peak / 1e6)


def save(path, driver, film, wish, clock):
  """Measures a film that was made, logs what was found and writes it beside the film, as .json.

  Args:
    path: path of the film, as `driver.save` wrote it.
    driver: `driving.Driver`.
    film: `watching.Watched`, that drove it.
    wish: `driving.Wish`.
    clock: `Clock`, told.
  """
  found = clock.values | measure(path, driver, film, wish)
  files.write_text(pathlib.Path(path).with_suffix('.json'), json.dumps(found, indent=1) + '\n')
  if not found['correlation']:
    logging.warning('%s: no face can be read in it.', path)
    return
  shown = ', '.join(f'{name} {found["correlation"][name]:.2f}' for name in SHOWN_FIRST if name in found['correlation'])
  logging.info('Asked for and shown go together (correlation): %s; middle of all %d %.2f; lips apart in the film and '
               'here %.2f.', shown, len(found['correlation']), np.median(list(found['correlation'].values())),
               found['lips_correlation'] or 0)
  logging.info('A face in its place in %.1f %% of the frames; from frame to frame %.2f grey levels at rest.',
               100 * found['in_place'], found['flicker_at_rest'])
  for part, told in found['landmarks_off'].items():
    logging.info('Landmarks of %d %s frames off by %.2f %% of the distance of the eyes (median; 95th percentile %.2f %%).',
                 told['num_frames'], part, told['median_percent'], told['p95_percent'])


def measure(path, driver, film, wish):
  """Returns what a film shows, a dict of JSON values; the arguments are those of `save`."""
  crop_px, size_px = driver.run.options.data.crop, driver.run.options.networks.image_size
  wanted = driver.wanted(film, wish)
  is_held_out = _held_out(driver.run.options.data, film)
  read, mouth, in_place, off, changes, last = [], [], [], [], [], None
  pairs = zip(videos.Video(path).frames(), film.faces(), driver.tilts(film, wish))
  for _, part in driving.batches(pairs):
    made = np.stack([tilting.tilt(image[:, -wish.size_px:], -tilt) for (_, image), _, tilt in part])
    seen = meshes.look(made, crop_px, is_mirrored=True)
    read.append(driver.read(seen.landmarks))
    mouth.append(measures.mouth_opening(seen.landmarks))
    in_place.append(meshes.in_place(meshes.look(made, crop_px)))
    for image in made:
      changes.append(np.nan if last is None else np.abs(image.astype(int) - last).mean())
      last = image
    if is_held_out is not None:
      faces = np.stack([np.zeros([size_px] * 2 + [3], np.uint8) if face is None
                        else input_pipeline.as_seen(face, size_px, crop_px).numpy() for _, (_, face), _ in part])
      off.append(meshes.landmark_errors(meshes.look(faces, crop_px, is_mirrored=True), seen))
  read = np.concatenate(read)
  moves = np.concatenate([[np.nan], (np.abs(np.diff(wanted, axis=0)) / driver.poser.controller.spread).mean(axis=1)])
  is_still = moves <= np.nanquantile(moves, _REST) if len(moves) > 1 else np.zeros(len(moves), bool)
  changes = np.array(changes)[is_still[:len(changes)]]
  return {'in_place': float(np.concatenate(in_place).mean()),
          'flicker_at_rest': float(np.mean(changes)) if len(changes) else 0.0,
          'lips_correlation': _correlation(film.mouth, np.concatenate(mouth)),
          'correlation': _correlations(driver.poser.controller.names, wanted, read, film.is_seen),
          'landmarks_off': _off(np.concatenate(off), is_held_out) if off else {}}


def _held_out(data, film):
  """Returns which frames of a film the run did not learn, bool [num_frames]; None of a film that is not its own."""
  try:
    manifest = manifests.load(data.records)
    keys, _ = posing.read_raw(data.records)
  except errors.InputError:
    return None
  own = [i for i, key in enumerate(keys) if region.clip_of(key) == film.path.name]
  if not own:
    return None
  _, left_out = holdout.split(len(keys), data.holdout_fraction, manifest.kind == 'video')
  secs = np.array([float(keys[i].rpartition('@')[2].rstrip('s')) for i in own])
  nearest = np.array(own)[np.abs(film.times_secs[:, np.newaxis] - secs).argmin(axis=1)]
  return np.isin(nearest, left_out)


def _correlations(names, wanted, read, is_seen):
  """Returns the correlation of what was asked for with what is shown, dict by name, of the controls that move."""
  seen = np.where(is_seen[:, np.newaxis], wanted, np.nan)
  found = {name: _correlation(seen[:, column], read[:, column]) for column, name in enumerate(names)}
  return {name: value for name, value in found.items() if value is not None}


def _correlation(one, other):
  """Returns the correlation of two courses, float, over what is known of both; None where one does not move."""
  one, other = (np.asarray(each[:min(len(one), len(other))], np.float64) for each in (one, other))
  is_known = np.isfinite(one) & np.isfinite(other)
  one, other = one[is_known], other[is_known]
  return float(np.corrcoef(one, other)[0, 1]) if len(one) > 2 and min(one.std(), other.std()) > 1e-6 else None


def _off(off, is_held_out):
  told = {}
  for part, frames in (('held-out', is_held_out), ('learnt', ~is_held_out)):
    values = off[frames[:len(off)]]
    values = values[np.isfinite(values)]
    if len(values):
      median, p95 = np.percentile(100 * values, [50, 95]).tolist()
      told[part] = {'median_percent': median, 'p95_percent': p95, 'num_frames': len(values)}
  return told
