"""What an option says of itself, once: its help, its rule, whether it is a flag, and whether it may change on resume.

An option is a field of a frozen dataclass that begins with `option`; the flag, the field and the word in an error bear
one name. Flags, validation, `--help` and what `--resume` takes are made from it.
"""

import dataclasses
import json
import math

from dcgan.common import errors

AUTO = 'auto'
_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text', tuple: 'a list of texts'}
_KEY = 'option'


@dataclasses.dataclass(frozen=True)
class Rule:
  """What a value must be.

  Attributes:
    text: str, as in 'must be 1 or more'.
    holds: callable of a value; returns whether it is so.
    fix: str, a value to use, as in '1 or more'.
  """

  text: str
  holds: object
  fix: str


@dataclasses.dataclass(frozen=True)
class Option:
  """One option.

  Attributes:
    default: its default, whose type is the option's.
    help: str, a sentence or two for the user.
    rule: `Rule`, or None.
    is_flag: bool, whether a user may give it; else it is noted with the run.
    is_automatic: bool, whether its flag may, and does by default, leave it to the program.
    is_free: bool, whether it may change when a run goes on.
    words: tuple of str, what a flag takes that is one of some words; or None.
    is_path: bool, whether it names a file or folder.
    group: str, the field of `config.Config` that it stands in.
  """

  default: object
  help: str
  rule: Rule | None
  is_flag: bool
  is_automatic: bool
  is_free: bool
  words: tuple | None
  is_path: bool = False
  group: str = ''

  def check(self, name, value):
    """Raises `errors.InputError` where a value, or a part of a tuple, breaks the rule."""
    if not self._is_of_kind(value):
      raise error(name, repr(value), f'must be {_KINDS[type(self.default)]}', f'Use {json.dumps(self.default)}.')
    for part in value if isinstance(self.default, tuple) else (value,):
      if self.rule and not self.rule.holds(part):
        raise error(name, part, self.rule.text, f'Use {self.rule.fix}.')

  def _is_of_kind(self, value):
    """Returns whether a value, which JSON or a caller gave, is of the default's type; an int is a float too."""
    kinds = (int, float) if isinstance(self.default, float) else type(self.default)
    if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(self.default, bool):
      return False
    return not isinstance(value, tuple) or all(isinstance(part, str) for part in value)

  def to_text(self, value):
    """Returns a value as its flag takes it (str)."""
    if isinstance(value, bool):
      return ('off', 'on')[value]
    return ','.join(value) if isinstance(value, tuple) else str(value)

  def from_flag(self, value):
    """Returns what a flag's value means."""
    if isinstance(self.default, bool):
      return value == 'on'
    return tuple(filter(None, value)) if isinstance(self.default, tuple) else value


def option(default, help, *, at_least=None, over=None, at_most=None, under=None, choices=None, rule=None, use=None,
           is_flag=True, is_automatic=False, is_free=False, is_path=False):  # pylint: disable=redefined-builtin
  """Returns a field of a dataclass that is an option.

  Args:
    default: bool, int, float, str, or tuple of str, of which each part is to keep the rule.
    help: str; `{choices}` in it becomes the choices.
    at_least: number, the least good value.
    over: number that a good value is over.
    at_most: number, the largest good value; with `at_least`.
    under: number that a good value is under; with `at_least` or `over`.
    choices: tuple of str, the good values.
    rule: (text, callable of a value that returns whether it is good), for any other rule.
    use: str, what to use instead of a bad value; None for the default, or the first choice.
    is_flag: as in `Option`.
    is_automatic: as in `Option`.
    is_free: as in `Option`.
    is_path: as in `Option`.
  """
  if rule:
    rule = Rule(*rule, use or _number(default))
  elif choices:
    rule = Rule(f'must be one of {", ".join(choices)}', lambda value: value in choices, use or choices[0])
    help = help.format(choices=', '.join(choices))
  elif at_least is not None or over is not None:
    rule = _range(default, at_least, over, at_most, under, use)
  words = ('on', 'off') if isinstance(default, bool) else choices
  return dataclasses.field(default=default, metadata={
      _KEY: Option(default, help, rule, is_flag, is_automatic, is_free, words, is_path)})


def of(group):
  """Returns the options of a dataclass: dict from names to `Option`."""
  return {field.name: field.metadata[_KEY] for field in dataclasses.fields(group)}


def error(name, value, rule, fix):
  """Returns the `errors.InputError` of a value that breaks a rule."""
  return errors.InputError(f'`{name}` ({value}) {rule}. {fix}')


class Group:
  """Options that belong together."""

  def validate(self):
    """Raises `errors.InputError` at the first option that breaks its rule."""
    for name, each in of(self).items():
      each.check(name, getattr(self, name))


def _range(default, at_least, over, at_most, under, use):
  """Returns the `Rule` of a range of numbers. No number that is none (NaN) is in any."""
  is_whole = isinstance(default, int)
  if at_most is not None:
    return Rule(f'must lie between {at_least} and {at_most}', lambda value: at_least <= value <= at_most,
                use or _number(default))
  if under is None and is_whole:
    return Rule(f'must be {at_least} or more', lambda value: value >= at_least, use or f'{at_least} or more')
  if under is None:
    return Rule(f'must be a number, {at_least} or more', lambda value: at_least <= value < math.inf,
                use or _number(default))
  if over is not None:
    return Rule(f'must be over {over} and under {under}', lambda value: over < value < under, use or _number(default))
  return Rule(f'must be {at_least} or more and under {under}', lambda value: at_least <= value < under,
              use or _number(default))


def _number(value):
  return f'{value:g}' if isinstance(value, float) else str(value)
