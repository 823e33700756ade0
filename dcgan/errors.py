"""The one error that a user can cause and mend."""


class InputError(ValueError):
  """A wrong input: its one-line message names what, the value, the rule and the fix.

  Entries print the message and exit with code 1; anything else that is raised is a bug and keeps its traceback.
  """
