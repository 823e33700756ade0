"""Options of earlier versions, as they stand in runs, checkpoints and models, brought to the names of today.

What a version renamed or dropped is told here and nowhere else. An option that was added needs no line: its default is
how it was before.
"""

from dcgan.common import errors

KEY = 'version'
VERSION = 2
_FIRST = 1  # had no number

# By the version that changed them: groups that are new; options by their groups, with their new names; and those that
# were dropped, with the value that changed nothing.
_ADDED_GROUPS = {2: ('places',)}
_DROPPED = {
    2: {
        'networks': {'minibatch_features': 'none'},
        'training': {'loss': 'nonsaturating'},
        'places': {'between': 'pairs'},
        'regularization': {'label_smoothing': 0.0, 'instance_noise': 0.0, 'instance_noise_images': None},
    },
}
# Choices that were dropped, with the one that is left to read them as.
_DROPPED_CHOICES = {2: {'training': {'transfer': {'bn_only': 'full'}}}}
_RENAMED = {
    2: {
        'networks': {'image_size_px': 'image_size', 'kernel_size_px': 'kernel_size'},
        'data': {'crop_px': 'crop', 'overlap_fraction': 'overlap'},
        'augmentation': {'policies': 'augment', 'mode': 'augment_mode', 'probability': 'augment_probability',
                         'target': 'augment_target', 'ramp_images': 'augment_ramp_images'},
    },
}


def upgrade(given):
  """Returns options of this or an earlier version under the names of today, without the version.

  Args:
    given: dict as JSON holds it: the version, and by group a dict of options.

  Raises:
    errors.InputError: they are of a later version.
    KeyError, TypeError, AttributeError: they are no options.
  """
  options = dict(given)
  version = options.pop(KEY, _FIRST)
  if version > VERSION:
    raise errors.InputError(f'`{KEY}` ({version}) of the options must be {VERSION} or less, as this program knows. Use '
                            'the program that made them, or a later one.')
  for number in range(version + 1, VERSION + 1):
    for group in _ADDED_GROUPS.get(number, ()):
      options.setdefault(group, {})
    for group, values in options.items():
      names, dropped, choices = (table.get(number, {}).get(group, {}) for table in (
          _RENAMED, _DROPPED, _DROPPED_CHOICES))
      read = lambda name, value, choices=choices: (
          choices[name].get(value, value) if name in choices and isinstance(value, str) else value)
      options[group] = {names.get(name, name): read(name, value) for name, value in values.items()
                        if name not in dropped}
  return options


def lost(given):
  """Returns what options of an earlier version ask for that this one cannot do: list of (name, value).

  Args:
    given: as for `upgrade`.
  """
  found = []
  for number in range(given.get(KEY, _FIRST) + 1, VERSION + 1):
    for group, dropped in _DROPPED.get(number, {}).items():
      found += [(name, given[group][name]) for name, nothing in dropped.items()
                if nothing is not None and given.get(group, {}).get(name, nothing) != nothing]
    for group, choices in _DROPPED_CHOICES.get(number, {}).items():
      found += [(name, given[group][name]) for name, dropped in choices.items()
                if given.get(group, {}).get(name) in dropped]
  return found
