"""Options of earlier versions, as they stand in runs, checkpoints and models, brought to the names of today.

What a version renamed or dropped is told here and nowhere else. An option that was added needs no line: its default is
how it was before.
"""

from dcgan.common import errors

KEY = 'version'
VERSION = 2
_FIRST = 1  # had no number

# By the version that changed them: groups that are new, and options by their groups, with their new name, or None where
# they were dropped.
_ADDED_GROUPS = {2: ('places',)}
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
    for group, names in _RENAMED.get(number, {}).items():
      renamed = {names.get(name, name): value for name, value in options[group].items()}
      renamed.pop(None, None)
      options[group] = renamed
  return options
