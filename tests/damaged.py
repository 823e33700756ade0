"""What is damaged when tests look for what comes of it: each kind of file, how it changes, and what reads it."""

import contextlib
import io
import json
import shutil
import types
import wave

import numpy as np

_WORDS = (b'null', b'-1', b'0', b'1e999', b'NaN', b'true', b'[]', b'{}', b'""', b'"x"',
          b'99999999999999999999', b'4096.0', b'[' * 2000, b'"\\ud800"', b'\xff', b'\0', b'\n', b'..', b'/')
_TIMELINES = {
    'csv': b'time_secs,jawOpen,headYaw\n0.0,0.25,-3\n0.04,,4.5\n0.08,0.75,\n',
    'livelink.csv': b'Timecode,BlendshapeCount,JawOpen,HeadYaw,LeftEyeYaw\n01:02:03:04.500,61,0.5,0.1,0\n'
                    b'01:02:03:05.500,61,0.6,0.2,0\n',
    'jsonl': b'{"time": 0.0, "jawOpen": 0.4}\n{"time": 0.5, "jawOpen": 0.4, "headYaw": -12}\n',
    'txt': b'0s neutral, 0.5s mouthSmileLeft=1 mouthSmileRight=1,\n1.5s jawOpen=0.6'}
_PICTURES = ('mp4', 'jpg', 'png', 'gif', 'tif', 'webp', 'heic', 'avif', 'icc')
_FLAGS = (b'--records=', b'--image_size=', b'--augment=', b'--resume=', b'--init_from=', b'--learning_rate=',
          b'--stop_when=', b'--num_minibatches=', b'--dry_run', b'--encoder=', b'--note=', b'--preset=', b'--seed=',
          b'--flagfile=', b'--', b'--xla=', b'--crop=', b'x')


def mutate(content, rng):
  """Returns bytes with one to four changes at random places; a few times in JSON a value becomes another one."""
  content = bytearray(content)
  for _ in range(rng.integers(1, 5)):
    start = int(rng.integers(0, len(content) + 1))
    length = int(rng.choice([1, 1, 2, 4, 8, 64, 1024]))
    kind = rng.integers(0, 6)
    if kind == 0:
      content[start:start + length] = rng.bytes(length)
    elif kind == 1:
      del content[start:start + length]
    elif kind == 2:
      content[start:start] = content[start:start + length]
    elif kind == 3:
      content[start:start + length] = bytes([int(rng.choice([0, 1, 0x7f, 0x80, 0xff]))]) * min(length, 8)
    elif kind == 4:
      del content[start:]
    else:
      content[start:start] = _WORDS[rng.integers(len(_WORDS))]
  return bytes(content)


def mutate_json(content, rng):
  """Returns JSON (bytes) in which a value, at any depth, became another one, or a key another one or none."""
  if rng.random() < 0.3:
    return mutate(content, rng)
  parsed = json.loads(content)
  places = []

  def collect(value):
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
      places.append((value, key))
      if isinstance(inner, (dict, list)):
        collect(inner)

  collect(parsed)
  for _ in range(rng.integers(1, 3)):
    holder, key = places[rng.integers(len(places))]
    others = [None, -1, 0, 1, 64.0, 0.5, 1e308, -1e308, 2**70, True, False, '', 'x', 'a\nb', '/', '../x', '\0', [], {},
              [1], ['x'], {'x': 1}, [[]], float('nan'), 2048, 10**7]
    if isinstance(holder, dict) and rng.random() < 0.15:
      if rng.random() < 0.5:
        holder.pop(key, None)
      else:
        holder['x'] = 1
    elif isinstance(holder, dict) or key < len(holder):
      holder[key] = others[rng.integers(len(others))]
  return json.dumps(parsed).encode()


class Kind:
  """What is damaged, and what reads it.

  Attributes:
    path: `pathlib.Path` of the file that is damaged.
    change: callable of its bytes and an `np.random.Generator` that returns others.
    read: callable without arguments.
  """

  def __init__(self, path, read, change=mutate):
    self.path = path
    self.change = change
    self.read = read
    self.content = path.read_bytes()


def _sets(folder):
  from dcgan.data import manifests  # pylint: disable=import-outside-toplevel
  from dcgan.data import records  # pylint: disable=import-outside-toplevel
  from tests.dcgan import conftest  # pylint: disable=import-outside-toplevel
  prefix = folder / 'set'
  manifest = conftest.make_set(prefix, 3, num_shards=1)

  def read_manifest():
    loaded = manifests.load(prefix)
    return loaded.digest, loaded.align, manifests.shard_paths(prefix, loaded), loaded.has_digest('')

  return {'manifest': Kind(manifests.path_of(prefix), read_manifest, mutate_json),
          'shard': Kind(manifests.shard_path(prefix, 0, 1), lambda: list(records.read_faces(prefix, manifest)))}


def _runs(folder):
  from dcgan.options import config  # pylint: disable=import-outside-toplevel
  from dcgan.training import runs  # pylint: disable=import-outside-toplevel
  from dcgan.training import session  # pylint: disable=import-outside-toplevel
  from dcgan.training import trained_networks  # pylint: disable=import-outside-toplevel
  from tests.dcgan import conftest  # pylint: disable=import-outside-toplevel
  conftest.make_set(folder / 'small', 5)
  run = session.start(config.Config(
      networks=config.Networks(image_size=8, z_dims=4, channels=4, kernel_size=3),
      data=config.Data(records=str(folder / 'small'), global_batch_size=4),
      training=config.Training(num_minibatches=1)), folder / 'runs').run
  read_options = lambda: (runs.load_options(run), runs.lost_options(run))
  read = lambda: trained_networks.load_generator(run)
  return {'options': Kind(run / 'options.json', read_options, mutate_json),
          'run': Kind(run / 'options.json', read, mutate_json),
          'index': Kind(run / 'ckpt-1.index', read), 'data': Kind(run / 'ckpt-1.data-00000-of-00001', read)}, run


def _models(folder, run):
  from dcgan.model import weights  # pylint: disable=import-outside-toplevel
  from dcgan.training import trained_networks  # pylint: disable=import-outside-toplevel
  path = folder / 'model.safetensors'
  weights.save(path, trained_networks.load_model(run))
  return {'model': Kind(path, lambda: weights.load(path), _mutate_tensors)}


def _mutate_tensors(content, rng):
  """Returns SafeTensors with another header in most cases."""
  if rng.random() < 0.3:
    return mutate(content, rng)
  head = int.from_bytes(content[:8], 'little') + 8
  header = (mutate_json if rng.random() < 0.7 else mutate)(content[8:head], rng)
  return len(header).to_bytes(8, 'little') + header + content[head:]


def _mutate_arrays(content, rng):
  """Returns an .npz in which an array, in most cases, is gone, of another shape or type, or holds what it may not."""
  if rng.random() < 0.3:
    return mutate(content, rng)
  with np.load(io.BytesIO(content)) as loaded:
    arrays = dict(loaded)
  name = sorted(arrays)[rng.integers(len(arrays))]
  value = arrays[name]
  others = [None, value[..., np.newaxis], value.ravel()[:1], value.ravel()[:0], value.astype(np.str_),
            np.float32(np.nan), np.concatenate([value.ravel()] * 2), -1 * np.ones(value.shape),
            np.full(value.shape, np.inf), np.full(value.shape, np.nan), np.zeros(value.shape), np.full(value.shape, 1e300), np.array('jawOpen')]
  changed = others[rng.integers(len(others))]
  arrays = arrays | {name: changed} if changed is not None else {key: arrays[key] for key in arrays if key != name}
  written = io.BytesIO()
  np.savez(written, **arrays)
  return written.getvalue()


def _controls(folder):
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from dcgan.control import calibration  # pylint: disable=import-outside-toplevel
  from dcgan.control import names as control_names  # pylint: disable=import-outside-toplevel
  from dcgan.control import reading  # pylint: disable=import-outside-toplevel
  from dcgan.control import timeline_files  # pylint: disable=import-outside-toplevel
  from dcgan.model import latents  # pylint: disable=import-outside-toplevel
  from dcgan.model import region  # pylint: disable=import-outside-toplevel
  from dcgan.training import kept_controls  # pylint: disable=import-outside-toplevel
  num_measured = len(control_names.MEASURED)
  places = latents.to_sphere(1 + np.random.default_rng(0).normal(size=[60, 8]).astype(np.float32))
  trained = types.SimpleNamespace(
      generator=types.SimpleNamespace(weights=[tf.Variable([1.0])]),
      space=region.Region(places, tuple(map(str, range(60))), np.full(60, np.nan)))
  raw = np.zeros([60, num_measured], np.float32)
  raw[:, :8] = places
  person = calibration.calibrate(raw, np.full(num_measured, 0.01))
  kept_controls.save(folder, trained, kept_controls.fit(trained.space, trained.space.keys, raw, person,
                                      reading.Reader(np.eye(num_measured), np.zeros(num_measured))))

  def use():
    known = kept_controls.load(folder, trained)
    if known:
      point = known.controller.find(np.full(len(known.controller.names), 0.5))
      told = known.calibration.values(known.reader(raw) if known.reader else raw)
      assert np.isfinite(point).all() and np.isfinite(told[:, known.calibration.is_present]).all()

  kinds = {'controls': Kind(kept_controls.path_of(folder), use, _mutate_arrays)}
  for name, content in _TIMELINES.items():
    path = folder / f'course.{name}'
    path.write_bytes(content)
    kinds[name] = Kind(path, lambda path=path: timeline_files.load(path).at([0.0, 0.3]),
                       _mutate_lines if name == 'jsonl' else mutate)
  return kinds


def _mutate_lines(content, rng):
  """Returns JSON lines of which one became another."""
  lines = content.splitlines()
  number = rng.integers(len(lines))
  return b'\n'.join([*lines[:number], mutate_json(lines[number], rng), *lines[number + 1:]])


def _sounds(folder):
  from tools.material import sounds  # pylint: disable=import-outside-toplevel
  from tools.speech import features  # pylint: disable=import-outside-toplevel
  from tools.speech import made_up  # pylint: disable=import-outside-toplevel
  from tools.speech import network  # pylint: disable=import-outside-toplevel
  path, model_path = folder / 'voice.wav', folder / 'speech.safetensors'
  spoken = made_up.speak(2.0, 0).samples
  with wave.open(str(path), 'wb') as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(features.RATE_HZ)
    file.writeframes((32767 * np.clip(spoken, -1, 1)).astype('<i2').tobytes())
  shutil.copy(network.SHIPPED_PATH, model_path)
  heard = features.listen([spoken], 'spoken')
  listen = lambda: features.listen(sounds.Sound(path).blocks(features.RATE_HZ), str(path))
  return {'wav': Kind(path, listen, _head),
          'speech': Kind(model_path, lambda: network.load(model_path).hear(heard), _mutate_tensors)}


def _pictures(folder):
  from PIL import Image  # pylint: disable=import-outside-toplevel
  from PIL import ImageCms  # pylint: disable=import-outside-toplevel
  import pillow_heif  # pylint: disable=import-outside-toplevel
  from tools.demo import clip  # pylint: disable=import-outside-toplevel
  from tools.material import pictures  # pylint: disable=import-outside-toplevel
  from tools.material import videos  # pylint: disable=import-outside-toplevel
  drawn = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
  clip.make_clip(folder / 'clip.mp4', 0.4, 5.0, 0, 64)
  path = folder / 'clip.mp4'
  kinds = {'mp4': Kind(path, lambda path=path: list(videos.Video(path).frames_at([0.0, 0.2])), _head)}
  several = {'save_all': True, 'append_images': [drawn.rotate(90)] * 2}
  profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
  pillow_heif.register_heif_opener()
  for name, others in (('jpg', {}), ('png', {}), ('gif', several), ('tif', several), ('webp', several), ('heic', {}),
                       ('avif', {}), ('icc', {'format': 'PNG', 'icc_profile': profile})):
    path = folder / f'picture.{name}'
    drawn.save(path, **others)
    kinds[name] = Kind(path, lambda path=path: pictures.load_picture(path), _head)
  return kinds


def _head(content, rng):
  """Damages the first kilobyte in most cases."""
  if rng.random() < 0.2:
    return mutate(content, rng)
  return mutate(content[:1024], rng) + content[1024:]


def _flags(folder):
  from absl import app  # pylint: disable=import-outside-toplevel
  from absl import flags  # pylint: disable=import-outside-toplevel
  from absl.testing import flagsaver  # pylint: disable=import-outside-toplevel
  from dcgan import train  # pylint: disable=import-outside-toplevel
  from dcgan.common import entry  # pylint: disable=import-outside-toplevel
  path = folder / 'flags'
  path.write_bytes(b'--records=a\0--image_size=64\0--augment=flip,colour\0--learning_rate=0.0002\0--stop_when=best+500')

  def read():
    arguments = [text.decode('utf-8', 'surrogateescape') for text in path.read_bytes().split(b'\0')]
    with flagsaver.flagsaver(), contextlib.suppress(flags.Error, app.UsageError):
      entry.check_words(arguments)
      flags.FLAGS(['train', *arguments])
      train._check_flags()  # pylint: disable=protected-access
      if train._RESUME.value:  # pylint: disable=protected-access
        train._check_may_change()  # pylint: disable=protected-access

  def change(content, rng):
    given = content.split(b'\0')
    for _ in range(rng.integers(1, 4)):
      flag = _FLAGS[rng.integers(len(_FLAGS))]
      given[rng.integers(len(given))] = flag + _WORDS[rng.integers(len(_WORDS))] * int(rng.integers(0, 3))
    return b'\0'.join(given) if rng.random() < 0.6 else mutate(b'\0'.join(given), rng)

  return {'flags': Kind(path, read, change)}


def make_kinds(folder, names=None):
  """Returns `Kind`s by name, of the names given, made in a folder; None for all."""
  wanted = lambda *those: names is None or set(those) & set(names)
  kinds = {}
  if wanted('flags'):
    kinds |= _flags(folder)
  if wanted('manifest', 'shard'):
    kinds |= _sets(folder)
  if wanted('options', 'run', 'index', 'data', 'model'):
    made, run = _runs(folder)
    kinds |= made | _models(folder, run)
  if wanted(*_PICTURES):
    kinds |= _pictures(folder)
  if wanted('controls', *_TIMELINES):
    kinds |= _controls(folder)
  if wanted('wav', 'speech'):
    kinds |= _sounds(folder)
  return {name: kind for name, kind in kinds.items() if names is None or name in names}
