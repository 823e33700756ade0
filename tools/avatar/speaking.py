"""A person of a run who speaks what is heard: the sound becomes controls, controls become points of Z, and a film."""

import pathlib

from absl import logging
import numpy as np

from dcgan.common import images
from dcgan.common import progress
from dcgan.control import habits as control_habits
from dcgan.control import names as control_names
from dcgan.control import timeline
from dcgan.control import timeline_files
from dcgan.model import networks
from tools.avatar import run_folder
from tools.avatar import speaking_face
from tools.material import animations
from tools.material import sounds
from tools.speech import features
from tools.speech import films
from tools.speech import learning
from tools.speech import network

LEARNT = 'speech.safetensors'  # in the run's folder: how this person speaks
_LEAST_SECS = 30.0  # of an own film
_WIDE, _MOST_WIDENED = 0.5, 1.6  # how far the jaw opens at least, where one speaks loudest, if that is not much more
_BATCH = 64


def course(heard, model, speaker, habits, fps, seed):
  """Returns the `timeline.Timeline` of a person who speaks what is heard.

  Args:
    heard: `features.Heard`.
    model: `network.Model`.
    speaker: `speaking_face.Speaker` of the person.
    habits: `control_habits.Habits` of the person.
    fps: float > 0, moments a second.
    seed: int >= 0, of blinks and of the head.
  """
  num_moments = max(1, int(np.ceil(len(heard.bands) / features.FPS * fps)))
  times_secs = np.arange(num_moments) / fps
  told = model.hear(heard)
  person, names = speaker.poser.calibration, speaker.poser.controller.names
  jaw = person.names.index('jawOpen')
  loudest = np.percentile(told[:, 0], 95) * model.reach[0] / (person.high[jaw] - person.rest[jaw])
  told[:, 0] *= np.clip(_WIDE / max(loudest, 1e-6), 1.0, _MOST_WIDENED)
  mouth = dict(zip(films.SPOKEN, told.T * model.reach[:, np.newaxis]))
  blinks, heads = control_habits.live(habits, num_moments, fps, seed)
  values = np.full([num_moments, len(names)], np.nan, np.float32)
  for column, (name, rest) in enumerate(zip(names, speaker.rest)):
    number = person.names.index(name)
    stem = control_names.without_side(name)
    if stem in mouth:
      shown = np.interp(times_secs, heard.times_secs, mouth[stem]) / (person.high[number] - person.rest[number])
      values[:, column] = np.clip(shown if name == 'jawOpen' else rest + shown * max(1 - rest, 0), 0, 1)
    elif name in speaking_face.BLINKS:
      values[:, column] = blinks
    elif name in speaking_face.HEAD:
      swayed = rest + heads[:, speaking_face.HEAD.index(name)]
      values[:, column] = np.clip(swayed, person.low[number], person.high[number])
  is_given = np.isfinite(values).all(axis=0)
  return timeline.Timeline([name for name, given in zip(names, is_given) if given], times_secs, values[:, is_given])


def habits_of(run, speaker):
  """Returns the `control_habits.Habits` of a run's person, as the pictures at its places show them."""
  order = np.argsort(run.space.times_secs, kind='stable')
  column = speaker.poser.calibration.names.index
  return control_habits.of_film(run.space.times_secs[order],
                                speaker.seen[order][:, [column(name) for name in speaking_face.BLINKS]].min(axis=1),
                                speaker.seen[order][:, [column(name) for name in speaking_face.HEAD]])


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
  logging.info('The mouth follows a model of a few people and of made-up voices: it opens in time, but what it says '
               'cannot be read from its lips. --video with 30 s or more of this person speaking does better.')
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
  speaker = speaking_face.Speaker(folder)
  model = model_of(folder, video)
  spoken = course(heard, model, speaker, habits_of(folder, speaker), float(fps), seed)
  rate_hz = animations.sound_rate(sound.rate_hz)
  animations.save_animation(path, _drawn(folder.generator, speaker, spoken, float(fps), size_px), fps,
                            sound=(rate_hz, sound.num_channels, sound.blocks(rate_hz, sound.num_channels)))
  if controls_path is not None:
    timeline_files.save_csv(controls_path, spoken)
  return path


def _drawn(generator, speaker, spoken, fps, size_px):
  """Yields the pictures of a `timeline.Timeline`, uint8 [size_px, size_px, 3], a batch at a time."""
  values = spoken.of(speaker.poser.controller.names)
  margin = int(np.ceil(4 * speaking_face.SMOOTH_SECS * fps)) + 1
  with progress.Progress(len(values), 'Speaking', 'frames') as shown:
    for start in range(0, len(values), _BATCH):
      first = max(0, start - margin)
      z = speaker.points(values[first:start + _BATCH + margin], fps)[start - first:start - first + _BATCH]
      for frame in images.resize(networks.generate(generator, z), size_px):
        yield frame
        shown.update()
