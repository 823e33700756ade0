"""How near generated pictures come to real ones, in numbers: published measures, NumPy and SciPy but for Inception."""
