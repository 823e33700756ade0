"""Who is who in videos: faces are followed from frame to frame, and the tracks of one person joined by appearance."""

import numpy as np
from scipy import optimize

from tools.faces import appearance

# Measured with `appearance.distances` on seven videos of 4 to 34 s. Of one person: up to 0.25 in 99 % of the pairs that
# lie 0.2 to 3 s apart. Of different people: 0.31 in the middle, 0.26 or less in 10 % (LFW, equally sharp photos).
_MAX_LINK_DISTANCE = 0.27
_MAX_GAP_SECS = 1.0  # or two steps between inputs, where those are longer
_STILL_SIZES = 0.5  # how far a face may get at once, in widths of it,
_SIZES_PER_SEC = 2.0  # and with time: turned heads and small pans stay, a cut mostly does not
_MAX_MOVE_SIZES = 2.5
_MAX_SIZE_RATIO = 1.6
_PLACE_WEIGHT = 0.1  # of a move by one width, against the distance in appearance
# Distance of two tracks less the mean of their own spreads. Measured: up to 0.125 for a singer between three shots in
# different light and pose, 0.165 and more for all pairs of different people within and between the videos.
_MAX_JOIN_DISTANCE = 0.145
_USUAL_SPREAD = 0.13  # the mean distance between the faces of one person in a video, 0.07 to 0.21
_USUAL_SPREAD_FACES = 3  # as how many faces it counts: a short track knows little about its spread
_MAX_SPREAD = 0.2  # a wider one is rather two people in one track
_NUM_PEOPLE_AT_ONCE = 500  # the most present ones so far, that further tracks can join
_NUM_TRACKS_AT_ONCE = 1000


def people(clips, inputs, times_secs, boxes, appearances):
  """Returns the person that each face shows.

  Faces of consecutive frames are linked to tracks by place, size and appearance; a track ends at a gap or a cut. Tracks
  are joined by average linkage of their appearance, over all clips, but never two that are in one frame together.
  Two people who look much alike and are never in one frame can become one; one person in very different light, or with
  and without glasses, can become two.

  Args:
    clips: int [num_faces], which video.
    inputs: int [num_faces], which input; faces of one clip and input are in one frame.
    times_secs: float [num_faces], within the clip; faces without a time (NaN) are not followed, but joined.
    boxes: float [num_faces, 4], x0, y0, x1, y1 in px.
    appearances: uint8 [num_faces, 2658], from `appearance.describe`.

  Returns:
    int64 [num_faces], from 1, the person with the most faces; of equal ones the larger first, then the earlier.
  """
  clips, inputs = np.asarray(clips, np.int64), np.asarray(inputs, np.int64)
  times_secs, boxes = np.asarray(times_secs, np.float64), np.asarray(boxes, np.float64).reshape(-1, 4)
  appearances = np.asarray(appearances)
  if not len(clips):
    return np.zeros([0], np.int64)
  widths = boxes[:, 2] - boxes[:, 0]
  tracks = np.zeros(len(clips), np.int64)
  num_tracks = 0
  for clip in np.unique(clips):
    faces = np.flatnonzero(clips == clip)
    found = _follow(inputs[faces], times_secs[faces], boxes[faces], appearances[faces])
    tracks[faces] = num_tracks + found
    num_tracks += found.max() + 1
  return _numbered(_joined(tracks, _together(clips, inputs, tracks), appearances)[tracks], widths)


def _follow(inputs, times_secs, boxes, appearances):
  """Returns the track of each face of one clip, int64 [num_faces] from 0."""
  tracks = np.full(len(inputs), -1, np.int64)
  order = np.argsort(inputs, kind='stable')
  frames = np.split(order, np.flatnonzero(np.diff(inputs[order])) + 1)
  max_gap_secs = max(_MAX_GAP_SECS, 2 * _step_secs(inputs, times_secs, frames)) + 1e-3
  last = np.zeros([0], np.int64)  # the last face of each track that can go on
  num_tracks = 0
  for faces in frames:
    last = last[times_secs[faces[0]] - times_secs[last] <= max_gap_secs]
    old, new = _links(last, faces, times_secs, boxes, appearances)
    tracks[faces[new]] = tracks[last[old]]
    started = faces[tracks[faces] < 0]
    tracks[started] = num_tracks + np.arange(len(started))
    num_tracks += len(started)
    last = np.concatenate([np.delete(last, old), faces])
  return tracks


def _step_secs(inputs, times_secs, frames):
  """Returns the usual time between one input and the next; 0 where there is only one, or no times."""
  firsts = np.array([faces[0] for faces in frames])
  steps = np.diff(times_secs[firsts]) / np.diff(inputs[firsts])
  steps = steps[np.isfinite(steps)]
  return float(np.median(steps)) if len(steps) else 0.0


def _links(last, faces, times_secs, boxes, appearances):
  """Returns which tracks (indices of `last`) go on in which faces of a frame (indices of `faces`)."""
  if not len(last):
    return np.zeros([0], np.int64), np.zeros([0], np.int64)
  before, after = boxes[last][:, None], boxes[faces][None]
  gaps_secs = times_secs[faces][None] - times_secs[last][:, None]
  width_before, width_after = before[..., 2] - before[..., 0], after[..., 2] - after[..., 0]
  ratios = np.maximum(width_before, width_after) / np.maximum(np.minimum(width_before, width_after), 1e-6)
  shifts = (after[..., :2] + after[..., 2:] - before[..., :2] - before[..., 2:]) / 2
  moves = np.hypot(shifts[..., 0], shifts[..., 1]) / np.maximum(np.maximum(width_before, width_after), 1e-6)
  looks = appearance.distances(appearances[last], appearances[faces])
  is_possible = ((moves <= np.minimum(_STILL_SIZES + _SIZES_PER_SEC * gaps_secs, _MAX_MOVE_SIZES))
                 & (ratios <= _MAX_SIZE_RATIO) & (looks <= _MAX_LINK_DISTANCE))
  impossible = 1e3
  costs = np.where(is_possible, looks + _PLACE_WEIGHT * moves, impossible)
  old, new = optimize.linear_sum_assignment(costs)
  is_link = costs[old, new] < impossible
  return old[is_link], new[is_link]


def _together(clips, inputs, tracks):
  """Returns the pairs of tracks that are in one frame, int64 [num_pairs, 2], each pair once in each direction."""
  order = np.lexsort((inputs, clips))
  clips, inputs, tracks = clips[order], inputs[order], tracks[order]
  pairs = [np.zeros([0, 2], np.int64)]
  for ahead in range(1, len(order)):
    is_same = (clips[ahead:] == clips[:-ahead]) & (inputs[ahead:] == inputs[:-ahead])
    if not is_same.any():
      break
    pairs.append(np.stack([tracks[ahead:][is_same], tracks[:-ahead][is_same]], axis=1))
  pairs = np.concatenate(pairs)
  return np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)


def _joined(tracks, together, appearances):
  """Returns the person of each track, int64 [num_tracks], in no order.

  The longest tracks are joined first, so many at once that memory stays small; the others join those or each other.
  """
  counts = np.bincount(tracks)
  faces_of = np.split(np.argsort(tracks, kind='stable'), np.cumsum(counts)[:-1])
  longest_first = np.argsort(-counts, kind='stable')
  person_of = np.full(len(counts), -1, np.int64)
  names = np.zeros([0], np.int64)  # of the people at hand: their longest tracks
  sums, weights, spreads = np.zeros([0, appearances.shape[1]]), np.zeros([0]), np.zeros([0])
  for start in range(0, len(counts), _NUM_TRACKS_AT_ONCE):
    added = longest_first[start:start + _NUM_TRACKS_AT_ONCE]
    person_of[added] = added
    added_sums = np.stack([appearances[faces_of[track]].sum(0, dtype=np.float64) for track in added])
    names, sums = np.concatenate([names, added]), np.concatenate([sums, added_sums])
    spreads = np.concatenate([spreads, _spreads(added_sums, counts[added])])
    weights = np.concatenate([weights, counts[added]])
    means = sums / weights[:, None]
    costs = appearance.distances(means, means) - (spreads[:, None] + spreads) / 2
    np.fill_diagonal(costs, np.inf)
    place = np.full(len(counts), -1)
    place[names] = np.arange(len(names))
    rows, columns = place[person_of[together]].T
    is_here = (person_of[together] >= 0).all(axis=1) & (rows >= 0) & (columns >= 0)
    costs[rows[is_here], columns[is_here]] = np.inf
    heads = _average_linkage(costs, weights)
    is_old = person_of >= 0
    is_here = is_old & (place[person_of] >= 0)
    person_of[is_here] = names[heads[place[person_of[is_here]]]]
    kept, groups = np.unique(heads, return_inverse=True)
    totals = np.bincount(groups, weights)
    spreads = np.bincount(groups, weights * spreads) / totals
    joined_sums = np.zeros([len(kept), sums.shape[1]])
    np.add.at(joined_sums, groups, sums)
    most = np.argsort(-totals, kind='stable')[:_NUM_PEOPLE_AT_ONCE]
    names, sums, weights, spreads = names[kept][most], joined_sums[most], totals[most], spreads[most]
  return person_of


def _spreads(sums, counts):
  """Returns the mean distance between two faces of each track, float64 [num_tracks], short ones drawn to the usual."""
  means = sums / counts[:, None]
  own = np.concatenate([appearance.distances(mean[None], mean[None])[0] for mean in means])  # a face with itself, too
  own = own * counts / np.maximum(counts - 1, 1)
  num_known = counts - 1
  spreads = (own * num_known + _USUAL_SPREAD * _USUAL_SPREAD_FACES) / (num_known + _USUAL_SPREAD_FACES)
  return np.minimum(spreads, _MAX_SPREAD)


def _average_linkage(costs, weights):
  """Returns the head of each item's group, int64 [num_items], its first item.

  The two groups whose mean cost is lowest are joined, until none is below the limit. Items with infinite cost stay
  apart, and so do their groups.

  Args:
    costs: float [num_items, num_items], symmetric, infinite on the diagonal; overwritten.
    weights: float [num_items], how much each counts in a mean.
  """
  weights = weights.copy()
  heads = np.arange(len(weights))
  while len(weights) > 1:
    a, b = sorted(divmod(int(costs.argmin()), len(costs)))
    if not costs[a, b] <= _MAX_JOIN_DISTANCE:
      break
    merged = (weights[a] * costs[a] + weights[b] * costs[b]) / (weights[a] + weights[b])
    costs[a], costs[:, a] = merged, merged
    costs[b], costs[:, b] = np.inf, np.inf
    weights[a] += weights[b]
    heads[heads == b] = a
  return heads


def _numbered(names, widths):
  """Returns the names of people, int64 [num_faces], as numbers by their presence."""
  _, firsts, groups, counts = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
  sizes = np.bincount(groups, widths) / counts
  order = np.lexsort((firsts, -sizes, -counts))
  numbers = np.zeros(len(order), np.int64)
  numbers[order] = np.arange(len(order)) + 1
  return numbers[groups]
