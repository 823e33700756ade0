"""Making records: a worker against bare Face Mesh, two workers against one, memory, and where the eyes come to lie."""

import json
import multiprocessing
import pathlib
import resource
import tempfile
import time

import numpy as np

from dcgan.common import images
from dcgan.data import manifests
from tools.benchmarks import comparison
from tools.demo import clip as demo_clip
from tools.faces import alignment
from tools.faces import models
from tools.material import sources
from tools.sets import choice
from tools.sets import convert
from tools.sets import scan
from tools.sets import workers

_CLIP_SECS, _CLIP_FPS, _CLIP_SIZE_PX = 20.0, 12.0, 384
_WARM_UP = 10


def measure(rounds, num_pictures, photos):
  """Measures on photos, or on aligned frames of the demo clip, which it makes.

  Args:
    rounds: int, how often each pair is measured.
    num_pictures: int, in one measurement; few ones come again.
    photos: str, a folder, or None for the demo clip.

  Returns:
    list of dicts with 'text', a line, and its numbers.
  """
  with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    clip = demo_clip.make_clip(folder / 'demo.mp4', _CLIP_SECS, _CLIP_FPS, 0, _CLIP_SIZE_PX)
    eyes = _eyes(clip)
    if photos is None:
      photos = folder / 'frames'
      _save_aligned_frames(clip, photos)
    source = sources.open_source('photos', photos)
    return [_one_worker(source, num_pictures, rounds, folder), *_two_workers(source, num_pictures, rounds, folder),
            eyes]


class _Repeated:
  """Inputs of another source, again and again, and held in memory where asked.

  Input k is its input, or readable input in memory, k modulo their number.
  """
  kind = 'photos'

  def __init__(self, source, num_inputs, in_memory=False):
    self.num_inputs = num_inputs
    self._source = source
    self._frames = None
    if in_memory:
      items = source.read(0, min(num_inputs, source.num_inputs))
      self._frames = [item for item in items if isinstance(item, sources.Frame)]

  def read(self, start, stop):
    for i in range(start, stop):
      if self._frames:
        item = self._frames[i % len(self._frames)]
      else:
        k = i % self._source.num_inputs
        item = next(self._source.read(k, k + 1))
      is_frame = isinstance(item, sources.Frame)
      yield sources.Frame(f'{i}', i, None, item.image) if is_frame else manifests.Rejection(f'{i}', item.reason)


def _one_worker(source, num_pictures, rounds, folder):
  """Compares all that a worker does to decoded pictures with bare Face Mesh calls on them."""
  memory = _Repeated(source, num_pictures, in_memory=True)
  pictures = [frame.image for frame in memory.read(0, num_pictures)]
  graph = models.FaceMesh(1)._graph  # pylint: disable=protected-access  # what we are measured against
  search = scan.Search(scan.CENTRAL, keeps_pictures=True)

  def bare():
    for picture in pictures:
      graph.process({'image': picture})

  def worker():
    scan.save(folder / 'scan.npz', scan.scan(memory, 0, num_pictures, search))
    made = scan.load(folder / 'scan.npz')
    convert.convert(memory, 0, num_pictures, folder / 'shard', [made], [np.arange(len(made.pictures))], 0, True,
                    convert.Finish())

  scan.scan(memory, 0, min(_WARM_UP, num_pictures), search)
  return comparison.compare('decoded pictures to records, pictures/s', worker, bare, num_pictures,
                            ('one worker', 'bare Face Mesh'), rounds)


class _Job:
  """Looks through a slice of the inputs; leaves how much memory its process took at most."""

  def __init__(self, source, folder, size):
    self._source, self._folder, self._size = source, folder, size

  def __call__(self, i, on_event):
    search = scan.Search(scan.CENTRAL, keeps_pictures=True)
    made = scan.scan(self._source, i * self._size, (i + 1) * self._size, search, on_event)
    scan.save(self._folder / f'{i}.npz', made)
    convert.convert(self._source, 0, 0, self._folder / f'{i}.shard', [made], [np.arange(len(made.pictures))], 0, True,
                    convert.Finish())
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (self._folder / f'{i}.{multiprocessing.current_process().pid}.memory').write_text(str(peak_kb), encoding='utf-8')


def _two_workers(source, num_pictures, rounds, folder):
  """Compares two worker processes with one, from files to shards, from the first picture on; and tells their memory."""
  size = max(1, num_pictures // 4)
  job = _Job(_Repeated(source, 4 * size), folder, size)

  def work(num_workers):
    times = []
    workers.run_spawned(job, list(range(4)), num_workers, lambda has_face: times.append(time.perf_counter()))
    return (times[-1] - times[0]) * len(times) / (len(times) - 1)

  made = comparison.compare('files to records, pictures/s', lambda: work(2), lambda: work(1), 4 * size,
                            ('two workers', 'one worker'), rounds)
  peak_mb = max(int(path.read_text(encoding='utf-8')) for path in folder.glob('*.memory')) / 1024
  return [made, dict(title='peak memory of a worker, MB', value=peak_mb,
                     text=f'peak memory of a worker: {peak_mb:.0f} MB')]


def _eyes(clip):
  """Returns how far the demo clip's true eyes lie from their places once aligned."""
  source = sources.open_source('video', str(clip), fps=_CLIP_FPS)
  made = scan.scan(source, 0, source.num_inputs, scan.Search(scan.EVERYBODY))
  chosen = choice.choose([made], 'video', choice.Wanted(limits=None, keeps_duplicates=True))
  truth = json.loads(clip.with_suffix('.truth.json').read_text(encoding='utf-8'))['frames']
  result = {}
  for name, is_steady in (('steadied', True), ('as found', False)):
    places = convert.places([made], chosen.kept, 0, is_steady)
    order = dict(zip(made.keys, made.inputs['order']))
    errors_px = []
    for key, (eyes, _, _) in places.items():
      frame = truth[order[key]]
      transform = alignment.similarity(eyes)
      true_eyes = np.array([frame['image_left_eye'], frame['image_right_eye']])
      moved = true_eyes @ transform[:, :2].T + transform[:, 2]
      errors_px.append(np.hypot(*(moved - [alignment.IMAGE_LEFT_EYE, alignment.IMAGE_RIGHT_EYE]).T).max())
    result[name] = [float(value) for value in np.percentile(errors_px, [50, 95])]
  (median, most), (raw_median, raw_most) = result['steadied'], result['as found']
  return dict(title='eyes off their places on the demo clip, px', result=result, num_frames=len(errors_px),
              text=f'eyes off their places on the demo clip, {len(errors_px)} frames: median {median:.2f} px, 95th '
                   f'percentile {most:.2f} px (not steadied: {raw_median:.2f} and {raw_most:.2f})')


def _save_aligned_frames(clip, folder):
  """Writes the aligned faces of the clip as 178×218 JPEG files."""
  source = sources.open_source('video', str(clip), fps=_CLIP_FPS)
  for frame in source.read(0, source.num_inputs):
    for candidate in scan.candidates(frame)[:1]:
      images.save_picture(folder / f'{frame.order:05d}.jpg', candidate.aligned.image)
