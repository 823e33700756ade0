"""What the reasons for which pictures are left out are called, and mean: the sentence, the flag and the remedy of each.

A manifest holds a reason as a kind, a value and a limit (`manifests.Reason`); it is said in words only where it is
shown.
"""

import collections
import collections.abc
import dataclasses

from dcgan.data import manifests
from tools.material import other_files
from tools.material import pictures
from tools.material import sources

NO_FACE, SOMEBODY_ELSE = 'no_face', 'somebody_else'
EYES_NEAR, OUTSIDE = 'eyes_near', 'outside'
TURNED_LEFT, TURNED_RIGHT, TILTED = 'turned_left', 'turned_right', 'tilted'
LOOKS_UP, LOOKS_DOWN = 'looks_up', 'looks_down'
TOO_DARK, TOO_BRIGHT, EYES_CLOSED, BLURRED = 'too_dark', 'too_bright', 'eyes_closed', 'blurred'
UNCHANGED, SAME_PICTURE = 'unchanged', 'same_picture'
NOT_READ_AGAIN = 'not_read_again'

_MOST_TEXTS = 8  # of one kind that are told one by one


@dataclasses.dataclass(frozen=True)
class _Words:
  """How a kind of reason is told.

  Attributes:
    sentence: str; {value} stands for the value in it, {limit} for --flag=limit, {flag} for --flag.
    flag: str, the one of `tools.make_records` that it hangs on; '' where there is none.
    remedy: str, what to do about it, with {flag} likewise; '' where there is nothing.
    shown: callable that writes a value.
  """

  sentence: str
  flag: str = ''
  remedy: str = ''
  shown: collections.abc.Callable = str


def _whole(value):
  return f'{value:.0f}'


def _hundredths(value):
  return f'{value:.2f}'


_TURN_LESS = 'Turn the head less far, or raise {flag}.'
_WORDS = {
    NO_FACE: _Words('no face found', remedy='In those no face is large, lit and turned to the camera.'),
    SOMEBODY_ELSE: _Words('somebody else: not person {value}', 'person',
                          'Choose another one with {flag} if this is the wrong person.'),
    EYES_NEAR: _Words('eyes {value} px apart, under {limit}', 'min_eye_distance_px',
                      'Move nearer to the camera, or use larger pictures.', lambda value: f'{value:.1f}'),
    OUTSIDE: _Words('{value} % of the crop lies outside the picture, over {limit}', 'max_outside_fraction',
                    'Leave more room around the head.', lambda value: f'{100 * value:.0f}'),
    TURNED_LEFT: _Words("turned {value}° to the image's left, over {limit}", 'max_yaw_deg', _TURN_LESS, _whole),
    TURNED_RIGHT: _Words("turned {value}° to the image's right, over {limit}", 'max_yaw_deg', _TURN_LESS, _whole),
    LOOKS_UP: _Words('looks up by {value}°, over {limit}', 'max_pitch_deg',
                     'Hold the camera higher, or raise {flag}.', _whole),
    LOOKS_DOWN: _Words('looks down by {value}°, over {limit}', 'max_pitch_deg',
                       'Hold the camera lower, or raise {flag}.', _whole),
    TILTED: _Words('tilted by {value}°, over {limit}', 'max_roll_deg', 'Tilt the head less, or raise {flag}.', _whole),
    TOO_DARK: _Words('too dark: skin of brightness {value}, under {limit}', 'min_brightness',
                     'Take more light from the front.', _whole),
    TOO_BRIGHT: _Words('too bright: skin of brightness {value}, over {limit}', 'max_brightness',
                       'Take less light, or a shorter exposure.', _whole),
    EYES_CLOSED: _Words('eyes closed: an opening of {value}, under {limit}', 'min_eye_opening',
                        'Lower {flag} to keep blinks.', _hundredths),
    BLURRED: _Words('blurred: {value} of the usual sharpness, under {limit}', 'min_sharpness',
                    'Hold the camera still and take more light, or lower {flag}.', _hundredths),
    UNCHANGED: _Words('a change of {value} since the last kept frame, under {limit}', 'min_change',
                      'Nothing is lost: the video stands still there.', lambda value: f'{value:.3f}'),
    SAME_PICTURE: _Words('the same picture as another one ({flag} keeps them)', 'keep_duplicates',
                         'Nothing is lost: copies teach nothing.'),
    NOT_READ_AGAIN: _Words('it could not be read a second time'),
    pictures.UNREADABLE: _Words('unreadable: {value}', remedy='Export those files again.'),
    pictures.MISSING: _Words('{value}'),
    sources.UNREADABLE_FOLDER: _Words('a folder that cannot be read: {value}'),
    sources.DAMAGED_VIDEO: _Words('the video is cut off or damaged ({value})',
                                  remedy='Download or convert the video again.'),
    **{kind: _Words(sentence) for kind, sentence in other_files.SENTENCES.items()},
    manifests.TOLD: _Words('{value}')}


_UNKNOWN = _Words('{kind} {value}')  # of a later version


@dataclasses.dataclass(frozen=True)
class Count:
  """How many pictures were left out for one reason: the number, the reason in words, what to do about it, or ''."""

  count: int
  sentence: str
  remedy: str


def count(rejected):
  """Returns for what reasons pictures were left out, the most frequent first.

  Args:
    rejected: iterable of `manifests.Rejection`.

  Returns:
    list of `Count`; numbers that differ are told as a range, 41 to 44, and of texts that differ up to eight of a kind.
  """
  groups = collections.defaultdict(list)
  for rejection in rejected:
    groups[rejection.reason.kind, rejection.reason.limit].append(rejection.reason.value)
  counts = collections.Counter()
  for (kind, limit), values in groups.items():
    words = _WORDS.get(kind, _UNKNOWN)
    flag = f'--{words.flag}'
    for value, number in _shown(words, values):
      sentence = words.sentence.format(kind=kind, value=value, flag=flag, limit=f'{flag}={limit or 0:g}').strip()
      counts[sentence, words.remedy.format(flag=flag)] += number
  return sorted((Count(number, *told) for told, number in counts.items()),
                key=lambda each: (-each.count, each.sentence))


def _shown(words, values):
  """Yields (text, int), the values of a kind as they are told, and of how many pictures."""
  if any(isinstance(value, str) for value in values):
    texts = collections.Counter(map(words.shown, values)).most_common()
    yield from texts[:_MOST_TEXTS]
    left = texts[_MOST_TEXTS:]
    if left:
      yield f'another of {len(left)} reasons', sum(number for _, number in left)
    return
  numbers = [value for value in values if value is not None] or [None]
  least, most = ('' if value is None else words.shown(value) for value in (min(numbers), max(numbers)))
  yield least if least == most else f'{least} to {most}', len(values)
