"""The one error that a user can cause and mend, and what other errors say."""

import re


class InputError(ValueError):
  """A wrong input: its one-line message names what, the value, the rule and the fix.

  Entries print the message and exit with code 1; anything else that is raised is a bug and keeps its traceback. Line
  breaks in it, which names and values may hold, are shown as \\n.
  """

  def __init__(self, *told):
    super().__init__(*('\\n'.join(each.splitlines()) if isinstance(each, str) else each for each in told))


def reason(error):
  """Returns the first line of what an exception says, without the names of TensorFlow's operations."""
  text = getattr(error, 'message', None) or getattr(error, 'strerror', None) or str(error)
  return re.sub(r'\{\{.*?\}\} ?| ?\[Op:.*?\]', '', text).strip().partition('\n')[0] or type(error).__name__
