"""A face that speaks, between the pictures of a run's person: which of them, and which mixture shows given values."""

from absl import logging
import numpy as np
from scipy import ndimage
from scipy import optimize

from dcgan.common import errors
from dcgan.common import features
from dcgan.control import names as control_names
from dcgan.model import latents
from dcgan.model import networks
from tools.avatar import posing
from tools.evaluation import meshes
from tools.faces import controls
from tools.speech import films

BLINKS, HEAD = ('eyeBlinkLeft', 'eyeBlinkRight'), ('headYaw', 'headPitch')
SMOOTH_SECS = 0.025  # sigma over time, of points of Z

_LIDS = ('eyeBlink', 'eyeWide', 'eyeSquint')
# How much it counts whether a control is shown, beside its spread in the person's pictures: one looks at jaw and lids.
_WEIGHTS = {'jawOpen': 6.0, 'eyeBlink': 3.0, 'eyeWide': 0.3, 'eyeSquint': 0.3, 'headYaw': 0.5, 'headPitch': 0.5,
            'mouthFunnel': 0.5, 'mouthPucker': 0.5, 'mouthLeft': 2.0, 'mouthRight': 2.0,
            **dict.fromkeys(films.SPOKEN[3:], 0.25)}
# How much it counts in which picture the face rests.
_AT_REST = {**dict.fromkeys(films.SPOKEN, 0.25), 'jawOpen': 9.0, 'eyeBlink': 4.0, 'headYaw': 0.5, 'headPitch': 0.5}
_USUAL_WEIGHT, _UNSURE = 0.7, 0.3
_NEARNESS = 0.05  # of differences in Z
_STRANGENESS, _LEAST_COST = 2.0, 0.01
_SQUINT_WEIGHT, _SQUINT_NOISE = 6.0, 0.03  # widths of the eye
_LOPSIDED_WEIGHT, _ASKEW_WEIGHT, _ASKEW_NOISE = 2.0, 4.0, 0.01
_GAP_WEIGHT = 10.0
_FEWEST_CORNERS = 3
_LEVELS = np.linspace(0.0, 2.4, 13)  # beside rest, at which is looked what is shown
_HEAD_LEVELS = np.linspace(-12.0, 12.0, 7)  # degrees beside how the head is held
_BINS = (-0.01, 0.1, 0.25, 0.45, 0.7, 1.01)  # of how far a jaw or a lid has gone
_CANDIDATES_OF_A_BIN, _CORNERS_OF_A_BIN = 24, 8
_ABOVE_MOUTH, _THUMBNAIL_PX = 0.68, 32  # of a picture's height
_UNLIKE = 3.0  # grey values, in the upper part of the picture
_MOST_UNLIKE, _MOST_UNLIKE_OF_PHOTOS = 24.0, 14.0  # likewise; in a film only the head may turn, photos have many lights
_LEAST_BLINK = 0.5  # half a blink looks drowsy
_NARROW = 0.25  # of the way: what a mouth that opens no farther is told of
_SHUT = 0.5
_LEAST_PERCENT = 20.0  # of the pictures: those that do least of what nobody does who speaks
_FAR = 1e6
_SUM_WEIGHT = 100.0  # of shares that sum to 1, beside distances in Z


class Speaker:
  """Shows values of controls as points of Z, smoothly over time.

  It goes between pictures of the set that differ in the mouth, the lids and the head, and little else, and takes the
  mixture of them that shows the values best: it is never farther from the person's pictures, and near values have near
  points. Mixtures do not show quite what lies between, so it is looked once, at some levels of the jaw, the lids and the
  head, what is shown, and as much more is asked for.

  Args:
    run: `run_folder.RunFolder`.

  Attributes:
    poser: `posing.Poser`.
    seen: float32 [num_places, num_names] of `poser.calibration.names`, what the pictures at the run's places show; NaN
      is not known.
    rest: float64 [num_names] of `poser.controller.names`, what the face shows that it begins with, which rests.

  Raises:
    errors.InputError: as `posing.Poser`; or the jaw hardly moves in the person's pictures.
  """

  def __init__(self, run):
    self._run = run
    self.poser = posing.Poser(run)
    self._names = self.poser.controller.names
    if 'jawOpen' not in self._names:
      raise errors.InputError(f'{run.path}: {control_names.absent_sentence("jawOpen")} Without it nobody can speak.')
    keys, raw = posing.read_raw(run.options.data.records)
    raw = run.space.of_places(keys, raw)
    self.seen = self.poser.calibration.values(raw)
    self._weights = np.array([_WEIGHTS.get(control_names.without_side(name), _USUAL_WEIGHT) for name in self._names])
    # What no place tells, as of lips that are rolled in, is noise, and is not mixed for.
    self._weights *= np.clip(self.poser.controller.sureness + _UNSURE, 0, 1) / self.poser.controller.spread
    self._begin(*self._likest(*self._choose(raw)))
    self._curves = []
    for group in (('jawOpen',), BLINKS, *((name,) for name in HEAD)):
      columns = [i for i, name in enumerate(self._names) if name in group]
      if columns:
        self._curves.append((columns, *self._curve(columns, group[0] in HEAD)))
    widest = self._curves[0][1][-1]
    if widest < _NARROW:
      logging.warning('%s: the mouth opens no farther than %.2f (1 is as far as the person goes): beyond that its '
                      'pictures are of another light or another turn of the head. A film of one take, in which one '
                      'speaks, does better.', run.path, max(widest, 0.0))

  def _choose(self, raw):
    """Returns (bins, strangeness): a list of int [num_in_bin], places with a jaw or lids so far open, the first bin of
    the one at which the face rests; float64 [num_places], how unlike a face that speaks each is."""
    stems = [control_names.without_side(name) for name in self._names]
    is_moved = np.array([stem in films.SPOKEN or stem in _LIDS or stem in HEAD for stem in stems])
    values = self.seen[:, [self.poser.calibration.names.index(name) for name in self._names]]
    off = np.square((values - self.poser.at_rest()) / self.poser.controller.spread)
    off = np.where(np.isfinite(off).all(axis=1, keepdims=True), off, _FAR)
    inwards, askew, gap = self._raw_of(raw)
    strange = (off[:, ~is_moved].sum(axis=1) + _SQUINT_WEIGHT * _beyond(inwards, _SQUINT_NOISE)
               + _LOPSIDED_WEIGHT * self._lopsided(values) + _ASKEW_WEIGHT * _beyond(askew, _ASKEW_NOISE))
    moved = off @ np.array([_AT_REST.get(stem, 0.0) for stem in stems])
    bins = [np.array([np.argmin(strange + moved + _GAP_WEIGHT * _beyond(gap, _ASKEW_NOISE))])]
    jaw = values[:, self._names.index('jawOpen')]
    lids = [values[:, i] for i, name in enumerate(self._names) if name in BLINKS] or [np.zeros(len(jaw))]
    shut = np.min(lids, axis=0)
    for amount, is_told in ((jaw, shut < _SHUT), (shut, jaw < _SHUT)):
      for low, high in zip(_BINS, _BINS[1:]):
        rows = np.flatnonzero((amount >= low) & (amount < high) & is_told)
        bins.append(rows[np.argsort(strange[rows], kind='stable')][:_CANDIDATES_OF_A_BIN])
    return bins, strange

  def _likest(self, bins, strange):
    """Returns (corners, strangeness): float32 [num_corners, z_dims], the places of each bin that look likest to where
    the face rests, which is the first; float64 [num_corners]."""
    places = np.unique(np.concatenate(bins))
    pictures = networks.generate(self._run.generator, self.poser.controller.places[places])
    upper = self._upper(pictures)
    row = {place: i for i, place in enumerate(places.tolist())}
    off = np.abs(upper - upper[row[int(bins[0][0])]]).mean(axis=1)  # light, background, head, brows, gaze
    strange = {place: strange[place] + np.square(off[i] / _UNLIKE) for place, i in row.items()}
    chosen = [place for each in bins for place in sorted(each.tolist(), key=strange.get)[:_CORNERS_OF_A_BIN]]
    chosen = list(dict.fromkeys(chosen))
    return self.poser.controller.places[chosen], np.array([strange[place] for place in chosen])

  def _raw_of(self, raw):
    """Returns, float [num_places] each, how far both eyes look at the nose, how far the mouth is to one side, and how
    far lips are thick and apart."""
    column = self.poser.calibration.names.index
    return (raw[:, column('eyeLookInLeft')] + raw[:, column('eyeLookInRight')], np.abs(raw[:, column('mouthLeft')]),
            -raw[:, column('mouthPressLeft')] - raw[:, column('mouthPressRight')])

  def _lopsided(self, values):
    """Returns how unlike both halves of faces are, float [num_places], in squared spreads."""
    pairs = [(i, self._names.index(f'{name[:-4]}Right')) for i, name in enumerate(self._names)
             if name.endswith('Left') and control_names.without_side(name) != name
             and not name.startswith('eyeLook') and f'{name[:-4]}Right' in self._names]
    return np.nan_to_num(sum((np.square((values[:, i] - values[:, j]) / self.poser.controller.spread[i])
                              for i, j in pairs), np.zeros(len(values))), nan=_FAR)

  def _begin(self, corners, strangeness):
    """Looks what the model shows at the corners, and prepares the mixing of them."""
    pictures = networks.generate(self._run.generator, corners)
    shown = self._measured(pictures)
    is_seen = np.isfinite(shown).all(axis=1)
    if is_seen.sum() < _FEWEST_CORNERS:
      raise errors.InputError(f'{self._run.path}: the model shows a face at {is_seen.sum()} of {len(corners)} of its '
                              f'pictures, but {_FEWEST_CORNERS} are needed to speak. Train it for longer.')
    self._looks_at_rest = self._upper(pictures[is_seen][:1])
    corners, strangeness, shown = corners[is_seen], strangeness[is_seen], shown[is_seen]
    self._corners, self.rest = corners.astype(np.float64), shown[0].astype(np.float64)
    stranger = np.sqrt(_STRANGENESS * np.maximum(strangeness - strangeness[0], 0) / len(self._names) + _LEAST_COST)
    stranger[0] = 1e-3
    self._rows = np.concatenate([
        self._weights[:, np.newaxis] * (shown - self.rest).T,  # what is shown
        _NEARNESS * (self._corners - self._corners[0]).T,  # near where the face rests
        np.diag(stranger),  # by pictures that differ in little else
        np.full([1, len(corners)], _SUM_WEIGHT)])  # shares of a whole
    self._wanted = np.concatenate([np.zeros(len(self._rows) - 1), [_SUM_WEIGHT]])

  def _curve(self, columns, is_head):
    """Returns (shown, asked), float64 [num_levels] each, both rising: what some controls show together."""
    levels = self.rest[columns[0]] + (_HEAD_LEVELS if is_head else _LEVELS)
    asked = np.tile(self.rest, [len(levels), 1])
    asked[:, columns] = levels[:, np.newaxis]
    pictures = networks.generate(self._run.generator, np.array([self._point(values) for values in asked]))
    shown = self._measured(pictures)[:, columns].mean(axis=1)
    looks = self._upper(pictures)
    # Beyond where another light or another head comes in, it is not gone.
    is_film = np.isfinite(self._run.space.times_secs).any()
    most = _MOST_UNLIKE if is_film else _MOST_UNLIKE_OF_PHOTOS
    is_like = np.abs(looks - self._looks_at_rest).mean(axis=1) < most
    is_like = np.isfinite(shown) & (is_head | (np.cumprod(is_like) > 0))
    is_lid = self._names[columns[0]] in BLINKS
    if is_like.sum() < 2 or is_lid and shown[is_like].max() < _LEAST_BLINK:
      return levels[:2], np.repeat(levels[:1], 2)  # stays at rest
    shown = np.maximum.accumulate(ndimage.gaussian_filter1d(shown[is_like], 0.7, mode='nearest'))
    return shown + 1e-6 * np.arange(len(shown)), levels[is_like]

  def _upper(self, pictures):
    """Returns how pictures look above the mouth, float32 [num_pictures, num_values] in grey values."""
    looks = features.thumbnails(pictures, _THUMBNAIL_PX)
    return looks[:, :round(_ABOVE_MOUTH * looks.shape[1])]  # rows from the top on

  def _measured(self, pictures):
    """Returns what pictures show, float64 [num_pictures, num_names]; of the jaw below 0 and above 1 too, NaN without a
    face."""
    person = self.poser.calibration
    raw = controls.measure(meshes.look(pictures, self._run.options.data.crop).landmarks)
    jaw = person.names.index('jawOpen')
    values = person.values(raw)
    values[:, jaw] = (raw[:, jaw] - person.rest[jaw]) / (person.high[jaw] - person.rest[jaw])
    return values[:, [person.names.index(name) for name in self._names]].astype(np.float64)

  def _point(self, wanted):
    """Returns the point, float32 [z_dims], of the mixture of corners that shows values, float64 [num_names], best."""
    target = self._wanted.copy()
    target[:len(self._names)] = self._weights * (wanted - self.rest)
    shares, _ = optimize.nnls(self._rows, target)
    return latents.to_sphere((shares @ self._corners / max(shares.sum(), 1e-9)).astype(np.float32))

  def points(self, values, fps):
    """Returns the points of Z that show values over time, float32 [num_frames, z_dims].

    Args:
      values: float [num_frames, num_names] of `poser.controller.names`, of the jaw beside rest; NaN is rest.
      fps: float, frames a second.
    """
    wanted = np.where(np.isfinite(values), values, self.rest).astype(np.float64)
    jaw = self._names.index('jawOpen')
    shut = min(self.rest[jaw], 0.0)  # more than the usual rest, as lips that are closed in it
    wanted[:, jaw] = shut + wanted[:, jaw] * (1.0 - shut)
    for columns, shown, asked in self._curves:
      wanted[:, columns] = np.interp(wanted[:, columns], shown, asked)
    z = np.array([self._point(each) for each in wanted])
    return latents.to_sphere(ndimage.gaussian_filter1d(z, SMOOTH_SECS * fps, axis=0, mode='nearest'))


def _beyond(amounts, noise):
  """Returns how far raw measures are over a fifth of the pictures', float [num_places], in squared deviations."""
  if not np.isfinite(amounts).any():
    return np.zeros(len(amounts))
  over = np.maximum(amounts - np.nanpercentile(amounts, _LEAST_PERCENT), 0)
  return np.nan_to_num(np.square(over / max(np.nanstd(amounts), noise)), nan=_FAR)
