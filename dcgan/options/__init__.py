"""Every option of a run: its presets, and how it changes after a collapse.

Knows what may be asked for, not how it is done. No TensorFlow. Reads no flag.
"""
