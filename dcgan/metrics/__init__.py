"""How near generated pictures come to real ones, in numbers: published measures, NumPy and SciPy but for Inception.

Knows pictures as arrays. Must not know runs, or which network made them.
"""
