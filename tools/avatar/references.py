"""What a person calls an expression, as a point of Z: a gallery number, a picture's key, a time, or a found photo."""

import difflib
import pathlib
import re

from absl import logging
import numpy as np

from dcgan.common import errors
from dcgan.model import gallery
from dcgan.model import latents
from tools.avatar import found

_NUMBER = re.compile(r'\d+')
_TIME = re.compile(r'(\d+(?:\.\d+)?)s')
_TOLD_SECS = 0.05  # a frame that is farther from the time asked for is told of


def resolve(names, run):
  """Returns the points of Z that names stand for.

  Args:
    names: list of str: each a number of the gallery, as in '17'; the key of a picture of the set, or the end of one; a
      time of the film, as in '12.4s'; or the name of an expression that `tools.find_expression` found.
    run: `run_folder.RunFolder`.

  Returns:
    float32 [num_names, z_dims].

  Raises:
    errors.InputError: there is no such number; or no such name, and the run has no places.
  """
  return np.stack([_resolve(name.strip(), run) for name in names])


def _resolve(name, run):
  if _NUMBER.fullmatch(name):
    return run.gallery.keyframes([int(name)])[0]
  known = found.load_all(run.path)
  if name in known:
    return known[name]
  if isinstance(run.space, latents.Normal):
    raise errors.InputError(f'`{name}`: {run.path} has no places for its pictures, so only numbers of its gallery can '
                            f'be named: look at {gallery.default_path(run.path)}. A new run of the preset person has '
                            'places.')
  time = _TIME.fullmatch(name)
  if time:
    return run.space.places[_at_time(float(time[1]), run)]
  return run.space.places[_of_key(name, run, known)]


def _at_time(secs, run):
  """Returns the place (int) of the frame nearest to a time."""
  place = run.space.find(secs)
  if place is None:
    raise errors.InputError(f'`{secs:g}s`: the pictures of {run.path} are photos, without times. Name a number of its '
                            f'gallery, {gallery.default_path(run.path)}, or a photo.')
  there = run.space.times_secs[place]
  if abs(there - secs) > _TOLD_SECS:
    logging.info('%gs: the nearest frame that the run has learnt is at %.2fs.', secs, there)
  return place


def _of_key(name, run, known):
  """Returns the place (int) of the picture whose key is a name, ends in it, is nearest in time, or is most like it."""
  place = run.space.find(name)
  if place is not None:
    return place
  clip, _, time = name.rpartition('@')
  place = run.space.find(float(time[:-1]), clip) if _TIME.fullmatch(time) else None
  if place is not None:
    logging.info('%s: the nearest frame that the run has learnt is %s.', name, run.space.keys[place])
    return place
  ends = [i for i, key in enumerate(run.space.keys) if name in (pathlib.PurePath(key).name, pathlib.PurePath(key).stem)]
  if len(ends) == 1:
    return ends[0]
  like = difflib.get_close_matches(name, run.space.keys, n=1, cutoff=0.6)
  if like:
    logging.info('%s is not among the pictures that %s has learnt; the nearest name is %s.', name, run.path, like[0])
    return run.space.keys.index(like[0])
  others = f', {", ".join(sorted(known))}' if known else ''
  raise errors.InputError(f'`{name}`: neither a number of the gallery, nor a time as in 12.4s, nor a picture of '
                          f'{run.path}, whose keys are like {run.space.keys[0]}{others}. Look at '
                          f'{gallery.default_path(run.path)}.')
