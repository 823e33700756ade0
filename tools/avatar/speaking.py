"""A person of a run who speaks what is heard: the sound becomes controls, controls become points of Z, and a film."""

import pathlib

from absl import logging
import numpy as np
from scipy import ndimage

from dcgan.common import errors
from dcgan.common import images
from dcgan.common import progress
from dcgan.control import habits as control_habits
from dcgan.control import names as control_names
from dcgan.control import timeline
from dcgan.control import timeline_files
from dcgan.model import latents
from dcgan.model import networks
from tools.avatar import posing
from tools.avatar import run_folder
from tools.material import animations
from tools.material import sounds
from tools.speech import features
from tools.speech import films
from tools.speech import learning
from tools.speech import network

LEARNT = 'speech.safetensors'  # in the run's folder: how this person speaks
_LEAST_SECS = 30.0  # of an own film

_BLINKS, _HEAD = ('eyeBlinkLeft', 'eyeBlinkRight'), ('headYaw', 'headPitch')
# How far what is shown may be off, in spreads of the person's pictures: the jaw and the lids are what one looks at.
_SLACK = {'jawOpen': 0.0, 'eyeBlinkLeft': 0.2, 'eyeBlinkRight': 0.2, 'headYaw': 0.5, 'headPitch': 0.5}
_SLACK_OF_MOUTH, _SLACK_OF_REST = 1.0, 3.0
_LEVELS = np.linspace(-0.6, 1.6, 12)  # at which is looked what is shown
_SMOOTH_SECS = 0.025  # sigma over time, of points of Z
_BATCH = 64
_MOST_CHANNELS_HZ = 48_000


class Speaker:
  """Shows values of controls as points of Z, smoothly over time.

  What the controller proposes shows less than was asked for, since it is a linear guess. So it is looked once, at some
  levels of the jaw and of the lids, what is shown, and asked for as much more.

  Args:
    run: `run_folder.RunFolder`.

  Attributes:
    poser: `posing.Poser`.

  Raises:
    errors.InputError: as `posing.Poser`; or the jaw hardly moves in the person's pictures.
  """

  def __init__(self, run):
    self._run = run
    self.poser = posing.Poser(run)
    self._names = self.poser.controller.names
    if 'jawOpen' not in self._names:
      raise errors.InputError(f'{run.path}: {control_names.absent_sentence("jawOpen")} Without it nobody can speak.')
    self._rest = self.poser.at_rest()
    self._slack = np.array([_SLACK.get(name, _SLACK_OF_MOUTH if control_names.without_side(name) in films.SPOKEN
                                       else _SLACK_OF_REST) for name in self._names])
    self._z = self.poser.meet(self._rest).z
    self._curves = [(columns, *self._curve(columns)) for columns in (
        [i for i, name in enumerate(self._names) if name in group] for group in (('jawOpen',), _BLINKS)) if columns]

  def _curve(self, columns):
    """Returns (shown, asked), float64 [num_levels] each, both rising: what some controls show together."""
    asked = np.tile(self._rest, [len(_LEVELS), 1])
    asked[:, columns] = _LEVELS[:, np.newaxis]
    z = np.array([self.poser.controller.correct(self._z, values - self._rest, self._slack) for values in asked])
    shown = self.poser.measure(networks.generate(self._run.generator, z))[:, columns].mean(axis=1)
    is_seen = np.isfinite(shown)
    if is_seen.sum() < 3:
      return _LEVELS, _LEVELS
    shown = np.maximum.accumulate(ndimage.gaussian_filter1d(shown[is_seen], 0.7, mode='nearest'))
    return shown + 1e-6 * np.arange(len(shown)), _LEVELS[is_seen]

  def points(self, values, fps):
    """Returns the points of Z that show values over time, float32 [num_frames, z_dims].

    Args:
      values: float [num_frames, num_names] of `poser.controller.names`; NaN is rest.
      fps: float, frames a second.
    """
    wanted = np.where(np.isfinite(values), values, self._rest).astype(np.float64)
    for columns, shown, asked in self._curves:
      wanted[:, columns] = np.interp(wanted[:, columns], shown, asked)
    z = np.array([self.poser.controller.correct(self._z, each - self._rest, self._slack) for each in wanted])
    # Which places are nearest changes from frame to frame: what they lead back to is smoothed, and stays between them.
    return latents.to_sphere(ndimage.gaussian_filter1d(z, _SMOOTH_SECS * fps, axis=0, mode='nearest'))


def course(heard, model, poser, habits, fps, seed):
  """Returns the `timeline.Timeline` of a person who speaks what is heard.

  Args:
    heard: `features.Heard`.
    model: `network.Model`.
    poser: `posing.Poser` of the person.
    habits: `control_habits.Habits` of the person.
    fps: float > 0, moments a second.
    seed: int >= 0, of blinks and of the head.
  """
  num_moments = max(1, int(np.ceil(len(heard.bands) / features.FPS * fps)))
  times_secs = np.arange(num_moments) / fps
  told = model.hear(heard)
  mouth = dict(zip(films.SPOKEN, told.T * model.reach[:, np.newaxis]))
  blinks, heads = control_habits.live(habits, num_moments, fps, seed)
  person = poser.calibration
  values = np.full([num_moments, len(poser.controller.names)], np.nan, np.float32)
  for column, name in enumerate(poser.controller.names):
    number = person.names.index(name)
    stem = control_names.without_side(name)
    if stem in mouth:
      shown = np.interp(times_secs, heard.times_secs, mouth[stem]) / (person.high[number] - person.rest[number])
      values[:, column] = np.clip(shown, 0, 1)
    elif name in _BLINKS:
      values[:, column] = blinks
    elif name in _HEAD:
      swayed = person.rest[number] + heads[:, _HEAD.index(name)]
      values[:, column] = np.clip(swayed, person.low[number], person.high[number])
  is_given = np.isfinite(values).all(axis=0)
  names = tuple(name for name, given in zip(poser.controller.names, is_given) if given)
  return timeline.Timeline(names, times_secs, values[:, is_given])


def habits_of(run, poser):
  """Returns the `control_habits.Habits` of a run's person, as its set shows them."""
  keys, raw = posing.read_raw(run.options.data.records)
  values = poser.calibration.values(raw)
  row = {key: i for i, key in enumerate(keys)}
  order = np.argsort(run.space.times_secs, kind='stable')
  rows = [row.get(run.space.keys[i]) for i in order]
  is_known = np.array([each is not None for each in rows])
  values = values[[each for each in rows if each is not None]]
  column = poser.calibration.names.index
  return control_habits.of_film(run.space.times_secs[order][is_known],
                                values[:, [column(name) for name in _BLINKS]].min(axis=1),
                                values[:, [column(name) for name in _HEAD]])


def model_of(run, video=None):
  """Returns the `network.Model` that a run's person speaks by.

  It is learnt from the person's own film, and kept in the run's folder; else it is what was learnt there before, or the
  one that comes with the project.

  Args:
    run: `run_folder.RunFolder`.
    video: path of the person's own film with sound, or None.

  Raises:
    errors.InputError: the film cannot be read, has no sound, no voice or no face.
  """
  own = pathlib.Path(run.path) / LEARNT
  if video is not None:
    example = films.watch(video)
    shipped = network.load(network.SHIPPED_PATH)
    if example.secs >= _LEAST_SECS:
      model = learning.learn([learning.in_step(example, shipped)], shipped)
      network.save(own, model)
      logging.info('Learnt how the person speaks from %.0f s; it is kept in %s.', example.secs, own)
      return model
    logging.warning('%s shows a speaking face for %.0f s, but %.0f or more are needed to learn how it speaks: the model '
                    'of several people is used.', video, example.secs, _LEAST_SECS)
  elif own.is_file():
    return network.load(own)
  logging.info('The mouth follows a model of a few people and of made-up voices: it opens in time, but what it says cannot '
               'be read from its lips. --video with 30 s or more of this person speaking does better.')
  return network.load(network.SHIPPED_PATH)


def save(run, audio, path=None, *, video=None, controls_path=None, fps=25, seed=0, size_px=256):
  """Writes a film of a run's person who speaks what is heard, with the sound.

  Args:
    run: path of the run's folder.
    audio: path of a recording, or of a film with sound.
    path: path of the .mp4; None for RUN/speaking.mp4.
    video: path of the person's own film with sound, to learn from; or None.
    controls_path: path of a .csv to write the controls to, or None.
    fps: number > 0, frames a second.
    seed: int >= 0, of blinks and of the head.
    size_px: int, width and height.

  Returns:
    `pathlib.Path` of the film.

  Raises:
    errors.InputError: there is no such run, or it has no places or controls; the sound cannot be read or is no voice;
      the film to learn from has none; or a file cannot be written.
  """
  folder = run_folder.load(run)
  path = pathlib.Path(path or folder.path / 'speaking.mp4')
  sound = sounds.Sound(audio)
  heard = features.listen(sound.blocks(features.RATE_HZ), f'`{audio}`')
  if sound.damage:
    logging.warning('%s is damaged (%s); what can be read of it is spoken.', audio, sound.damage)
  if heard.is_faint:
    logging.warning('%s is noisy (the voice is %.0f dB over the noise): the mouth may move in pauses, or rest in words.',
                    audio, heard.voice_db - heard.noise_db)
  speaker = Speaker(folder)
  model = model_of(folder, video)
  spoken = course(heard, model, speaker.poser, habits_of(folder, speaker.poser), float(fps), seed)
  if controls_path is not None:
    timeline_files.save_csv(controls_path, spoken)
  rate_hz = animations.sound_rate(sound.rate_hz)
  animations.save_animation(path, _drawn(folder.generator, speaker, spoken, float(fps), size_px), fps,
                            sound=(rate_hz, sound.num_channels, sound.blocks(rate_hz, sound.num_channels)))
  return path


def _drawn(generator, speaker, spoken, fps, size_px):
  """Yields the pictures of a `timeline.Timeline`, uint8 [size_px, size_px, 3], a batch at a time."""
  values = spoken.of(speaker.poser.controller.names)
  margin = int(np.ceil(4 * _SMOOTH_SECS * fps)) + 1
  with progress.Progress(len(values), 'Speaking', 'frames') as shown:
    for start in range(0, len(values), _BATCH):
      first = max(0, start - margin)
      z = speaker.points(values[first:start + _BATCH + margin], fps)[start - first:start - first + _BATCH]
      for frame in images.resize(networks.generate(generator, z), size_px):
        yield frame
        shown.update()
