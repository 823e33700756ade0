"""One's own avatar: the whole way to it, and what to show of it.

Knows all that stands before it, and a run that holds a person. Must not know experiments. Reads no flag.
"""
